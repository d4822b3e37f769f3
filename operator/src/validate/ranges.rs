//! The ranges of what stands beside the config, as the definition has them: `render` reads files that no API server has
//! checked, and the definition in a cluster may be newer. Pure.

use std::ops::RangeInclusive;

use crds::chatbox::{NAME_MAX, Service, ServiceType};
use crds::{ChatboxSpec, Problem};

const REPLICAS: RangeInclusive<i32> = 0..=1;
const PORTS: RangeInclusive<i32> = 1..=65535;
const IMAGE_MAX: usize = 512;

/// What is out of its range.
pub fn check(spec: &ChatboxSpec) -> Vec<Problem> {
    let Service {
        type_,
        port,
        node_port,
        annotations: _,
    } = &spec.service;
    let image = spec.image.as_ref().map(|image| image.chars().count());
    let port_words = "must be 1 to 65535";
    let rules = [
        (
            REPLICAS.contains(&spec.replicas),
            "spec.replicas",
            "must be 0 or 1: more than one needs a shared storage, which this release does not have",
        ),
        (
            image.is_none_or(|length| (1..=IMAGE_MAX).contains(&length)),
            "spec.image",
            "must have 1 to 512 characters",
        ),
        (PORTS.contains(port), "spec.service.port", port_words),
        (
            node_port.is_none_or(|port| PORTS.contains(&port)),
            "spec.service.nodePort",
            port_words,
        ),
        (
            node_port.is_none() || *type_ == ServiceType::NodePort,
            "spec.service.nodePort",
            "needs type NodePort",
        ),
    ];
    let broken = rules.into_iter().filter(|(holds, _, _)| !holds);
    broken
        .map(|(_, field, words)| Problem::new(field, words))
        .collect()
}

/// What is wrong with the name of a Chatbox.
pub fn check_name(name: &str) -> Option<Problem> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let is_valid = name.len() <= NAME_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(is_allowed)
        && !name.ends_with('-');
    let words = "must be at most 50 lower case letters, digits and dashes, begin with a letter and not end with a dash";
    (!is_valid).then(|| Problem::new("metadata.name", words))
}

#[cfg(test)]
mod tests {
    use crate::fixtures::{FULL, chatbox};

    use super::*;

    fn problems(from: &str, to: &str) -> Vec<String> {
        let spec = chatbox(&FULL.replace(from, to)).spec.unwrap();
        check(&spec).iter().map(Problem::to_string).collect()
    }

    /// With the bounds of the definition.
    #[test]
    fn what_the_api_server_would_refuse_is_out_of_range() {
        for (from, to) in [
            ("replicas: 0", "replicas: 1"),
            ("port: 8000", "port: 1"),
            ("port: 8000", "port: 65535"),
        ] {
            assert_eq!(problems(from, to), Vec::<String>::new(), "{to}");
        }
        let rows = [
            (
                "replicas: 0",
                "replicas: 5",
                "spec.replicas: must be 0 or 1",
            ),
            (
                "replicas: 0",
                "replicas: -1",
                "spec.replicas: must be 0 or 1",
            ),
            (
                "port: 8000",
                "port: 0",
                "spec.service.port: must be 1 to 65535",
            ),
            (
                "port: 8000",
                "port: 65536",
                "spec.service.port: must be 1 to 65535",
            ),
            (
                "nodePort: 30080",
                "nodePort: 0",
                "spec.service.nodePort: must be",
            ),
            (
                "type: NodePort",
                "type: ClusterIP",
                "spec.service.nodePort: needs type NodePort",
            ),
            (
                "image: registry.example/chatbox:1.2.3",
                "image: ''",
                "spec.image: must have",
            ),
            (
                "image: registry.example/chatbox:1.2.3",
                &format!("image: {}", "x".repeat(513)),
                "spec.image: must have",
            ),
        ];
        for (from, to, expected) in rows {
            let found = problems(from, to);
            assert!(
                found.len() == 1 && found[0].starts_with(expected),
                "{to}: {found:?}"
            );
        }
    }

    #[test]
    fn a_name_is_as_the_definition_asks() {
        for name in ["a", "support", "a-1", &"x".repeat(50)] {
            assert_eq!(check_name(name), None, "{name}");
        }
        for name in ["", "1a", "-a", "a-", "A", "a.b", &"x".repeat(51)] {
            assert!(check_name(name).is_some(), "{name}");
        }
    }
}
