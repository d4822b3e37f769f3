//! Headers that gateways in front of a provider ask for.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Problem, SecretRef};

/// A header of every call to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": no_name_of("self.name", &RESERVED),
    "message": "the server sets this header itself, or it belongs to the connection: leave it out"
}]))]
pub struct Header {
    /// Name of the header, in lower case. Names that the server sets itself, such as that of the key, and those that belong to
    /// the connection are refused.
    #[garde(
        length(chars, min = 1, max = 100),
        pattern("^[a-z0-9]([a-z0-9_-]*[a-z0-9])?$")
    )]
    pub name: String,
    /// Value of the header: a key of a Secret, because it may be one.
    #[garde(dive)]
    pub value: SecretRef,
}

/// What the server sets for every provider, or what is between it and the next hop.
const RESERVED: [&str; 19] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// The rule of a provider that sets headers of its own.
pub(super) fn rule_without(own: &[&str]) -> String {
    let rule = no_name_of("header.name", own);
    format!("!has(self.headers) || self.headers.all(header, {rule})")
}

fn no_name_of(name: &str, names: &[&str]) -> String {
    format!("!({name} in ['{}'])", names.join("', '"))
}

/// `own` are the names that the provider's calls have anyway.
pub(super) fn check(headers: &[Header], own: &[&str]) -> Vec<Problem> {
    let problem = |(index, header): (usize, &Header)| {
        let name = header.name.as_str();
        let is_repeated = headers[..index].iter().any(|earlier| earlier.name == name);
        let message = if RESERVED.contains(&name) || own.contains(&name) {
            "is set by the server itself, or belongs to the connection; leave it out"
        } else if is_repeated {
            "is the name of an earlier header; give each once"
        } else {
            return None;
        };
        Some(Problem::new(format!("headers[{index}].name"), message))
    };
    headers.iter().enumerate().filter_map(problem).collect()
}
