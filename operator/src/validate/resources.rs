//! Whether the kubelet can give a pod what `spec.resources` asks for.

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

fn each(list: &str, amounts: &BTreeMap<String, Quantity>) -> Vec<Problem> {
    let problem = |(name, amount): (&String, &Quantity)| {
        let message = if !is_known(name) {
            "is nothing that a pod can have; write cpu, memory, ephemeral-storage, hugepages- with a size, or the full \
             name of a device such as example.com/gpu"
                .to_owned()
        } else if !quantity::is_valid(&amount.0) {
            format!(
                "{:?} is no amount; write for example 500m or 256Mi",
                amount.0
            )
        } else {
            return None;
        };
        Some(Problem::new(field(list, name), message))
    };
    amounts.iter().filter_map(problem).collect()
}

fn field(list: &str, name: &str) -> String {
    format!("spec.resources.{list}.{name}")
}

/// A plain name is one of the kubelet's own; everything else has a domain before it.
fn is_known(name: &str) -> bool {
    let size = name.strip_prefix("hugepages-");
    matches!(name, "cpu" | "memory" | "ephemeral-storage")
        || size.is_some_and(quantity::is_valid)
        || name.contains('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(yaml: &str) -> Vec<String> {
        let resources = serde_saphyr::from_str(yaml).unwrap();
        let problems = check(&resources);
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn what_can_be_given_is_taken() {
        for yaml in [
            "{}",
            "requests: {cpu: 500m, memory: 1Gi}",
            "{requests: {cpu: 500m}, limits: {cpu: '0.5', memory: 1Gi}}",
            "{requests: {memory: 1G}, limits: {memory: 1Gi}}",
            "{requests: {ephemeral-storage: 1Gi, hugepages-2Mi: 4Mi, example.com/gpu: '1'}}",
        ] {
            assert_eq!(told(yaml), Vec::<String>::new(), "{yaml}");
        }
    }

    #[test]
    fn what_cannot_be_given_is_told_with_its_field() {
        for (yaml, field, words) in [
            (
                "requests: {mem: 1Gi}",
                "requests.mem",
                "is nothing that a pod can have",
            ),
            (
                "limits: {CPU: '1'}",
                "limits.CPU",
                "is nothing that a pod can have",
            ),
            (
                "limits: {hugepages-: 1Mi}",
                "limits.hugepages-",
                "is nothing that a pod can have",
            ),
            ("limits: {memory: lots}", "limits.memory", "is no amount"),
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
            let told = told(yaml);
            let expected = format!("spec.resources.{field}: ");
            assert!(
                matches!(&told[..], [one] if one.starts_with(&expected) && one.contains(words)),
                "{yaml}: {told:?}"
            );
        }
    }
}
