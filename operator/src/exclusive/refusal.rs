//! Which fields the API server has refused. Pure.

use kube::core::Status;

/// What replacing fields does not help against: their values cannot be changed at all, or are taken.
const HOPELESS: [&str; 3] = [
    "field is immutable",
    "may not change once set",
    "already allocated",
];

/// The fields that the API server has refused, without the places of items, in lower case: it writes some as nobody else does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(Vec<Vec<String>>);

impl Refusal {
    /// From the causes, or from the message where there are none.
    pub fn new(status: &Status) -> Self {
        let details = status.details.iter();
        let causes: Vec<_> = details.flat_map(|details| &details.causes).collect();
        let is_hopeful = |message: &str| !HOPELESS.iter().any(|words| message.contains(words));
        if causes.is_empty() {
            let words = status.message.split([' ', ',', '[', ']']);
            let fields = words.filter(|word| word.starts_with("spec."));
            let fields = fields.filter(|_| is_hopeful(&status.message));
            return Self(fields.map(segments).collect());
        }
        let hopeful = causes.iter().filter(|cause| is_hopeful(&cause.message));
        let fields = hopeful.map(|cause| segments(&cause.field));
        Self(fields.filter(|field| !field.is_empty()).collect())
    }

    /// Whether one of them lies at, above or below the field of this JSON pointer.
    pub fn concerns(&self, pointer: &str) -> bool {
        let path = segments(&pointer.replace('/', "."));
        let is_near = |field: &Vec<String>| field.iter().zip(&path).all(|(a, b)| a == b);
        self.0.iter().any(is_near)
    }
}

/// The names on the way to a field: `spec.ports[0].name` has three.
fn segments(field: &str) -> Vec<String> {
    let parts = field.trim_end_matches(':').split(['.', '[', ']']);
    let is_name = |part: &&str| !part.is_empty() && part.parse::<usize>().is_err();
    parts.filter(is_name).map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(message: &str, causes: &[(&str, &str)]) -> Refusal {
        let cause = |(field, message): &(&str, &str)| json!({"reason": "FieldValueInvalid", "field": field, "message": message});
        let causes: Vec<_> = causes.iter().map(cause).collect();
        let status = json!({"code": 422, "message": message, "details": {"causes": causes}});
        Refusal::new(&serde_json::from_value(status).unwrap())
    }

    #[test]
    fn it_concerns_what_lies_at_above_or_below_a_cause() {
        let probe = "spec.template.spec.containers[1].livenessProbe.tcpSocket";
        let rows = [
            (
                probe,
                "/spec/template/spec/containers/0/livenessProbe",
                true,
            ),
            ("spec.template.spec", "/spec/template/spec/volumes/0", true),
            (probe, "/spec/strategy", false),
            (
                probe,
                "/spec/template/spec/containers/1/startupProbe",
                false,
            ),
            (
                "spec.LoadBalancerSourceRanges",
                "/spec/loadBalancerSourceRanges",
                true,
            ),
            ("spec.ports[0].nodePort", "/spec/ports", true),
            ("", "/spec/ports", false),
        ];
        for (field, pointer, expected) in rows {
            let refusal = refusal("it is invalid", &[(field, "may not be set")]);
            assert_eq!(refusal.concerns(pointer), expected, "{field} {pointer}");
        }
    }

    #[test]
    fn what_cannot_be_changed_or_is_taken_concerns_nothing() {
        for message in [
            "Invalid value: {}: field is immutable",
            "Invalid value: \"None\": may not change once set",
            "Invalid value: 30080: provided port is already allocated",
        ] {
            let cause = refusal("", &[("spec.ports[0].nodePort", message)]);
            assert!(!cause.concerns("/spec/ports"), "{message}");
            let text = refusal(
                &format!("is invalid: spec.ports[0].nodePort: {message}"),
                &[],
            );
            assert!(!text.concerns("/spec/ports"), "{message}");
        }
    }

    #[test]
    fn without_causes_the_message_tells_the_fields() {
        let message = "Deployment.apps \"x\" is invalid: spec.strategy.rollingUpdate: Forbidden: may not be specified";
        let refusal = refusal(message, &[]);
        assert!(refusal.concerns("/spec/strategy"));
        assert!(!refusal.concerns("/spec/template/spec/volumes/0"));
    }
}
