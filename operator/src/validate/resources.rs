//! Whether `spec.resources` asks for something that the kubelet can provide.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crds::Problem;
use crds::chatbox::Resources;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use crate::quantity;

pub(super) fn check(resources: &Resources) -> Vec<Problem> {
    let Resources { requests, limits } = resources;
    let mut problems = each("requests", requests);
    problems.extend(each("limits", limits));
    for (name, request) in requests {
        let Some(limit) = limits.get(name) else {
            continue;
        };
        if quantity::compare(&request.0, &limit.0) == Some(Ordering::Greater) {
            let message = format!(
                "is more than the limit, {:?}; ask for less, or raise the limit",
                limit.0
            );
            problems.push(Problem::new(field("requests", name), message));
        }
    }
    problems
}

fn each(list: &str, quantities: &BTreeMap<String, Quantity>) -> Vec<Problem> {
    let problem = |(name, quantity): (&String, &Quantity)| {
        let message = if !is_known(name) {
            "is not a known resource name; write cpu, memory, ephemeral-storage, hugepages- with a size, or the full \
             name of a device such as example.com/gpu"
                .to_owned()
        } else if !quantity::is_valid(&quantity.0) {
            format!(
                "{:?} is not in the form that this operator takes: a whole number, or one with at most three decimals behind a \
                 digit, and a unit behind it, as in 63m, 0.5, 256Mi or 1Gi",
                quantity.0
            )
        } else {
            return None;
        };
        Some(Problem::new(field(list, name), message))
    };
    quantities.iter().filter_map(problem).collect()
}

fn field(list: &str, name: &str) -> String {
    format!("spec.resources.{list}.{name}")
}

/// A name without a domain is one of the kubelet's own; an extended resource has a domain.
fn is_known(name: &str) -> bool {
    let size = name.strip_prefix("hugepages-");
    matches!(name, "cpu" | "memory" | "ephemeral-storage")
        || size.is_some_and(quantity::is_valid)
        || name.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reported(yaml: &str) -> Vec<String> {
        let resources = serde_saphyr::from_str(yaml).unwrap();
        let problems = check(&resources);
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn known_resources_are_accepted() {
        for yaml in [
            "{}",
            "requests: {cpu: 500m, memory: 1Gi}",
            "{requests: {cpu: 500m}, limits: {cpu: '0.5', memory: 1Gi}}",
            "{requests: {memory: 1G}, limits: {memory: 1Gi}}",
            "{requests: {ephemeral-storage: 1Gi, hugepages-2Mi: 4Mi, example.com/gpu: '1'}}",
        ] {
            assert_eq!(reported(yaml), Vec::<String>::new(), "{yaml}");
        }
    }

    #[test]
    fn others_are_reported_with_their_field() {
        for (yaml, field, words) in [
            (
                "requests: {mem: 1Gi}",
                "requests.mem",
                "is not a known resource name",
            ),
            (
                "limits: {CPU: '1'}",
                "limits.CPU",
                "is not a known resource name",
            ),
            (
                "limits: {hugepages-: 1Mi}",
                "limits.hugepages-",
                "is not a known resource name",
            ),
            (
                "limits: {memory: lots}",
                "limits.memory",
                "is not in the form that this operator takes",
            ),
            (
                "{requests: {cpu: '2'}, limits: {cpu: 1500m}}",
                "requests.cpu",
                "is more than the limit, \"1500m\"",
            ),
            (
                "{requests: {memory: 1Gi}, limits: {memory: 1G}}",
                "requests.memory",
                "is more than the limit",
            ),
        ] {
            let reported = reported(yaml);
            let expected = format!("spec.resources.{field}: ");
            assert!(
                matches!(&reported[..], [one] if one.starts_with(&expected) && one.contains(words)),
                "{yaml}: {reported:?}"
            );
        }
    }
}
