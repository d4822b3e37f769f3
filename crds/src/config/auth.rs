//! Who may connect to the server.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Problem, SecretRef};

/// Who may connect to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
pub struct Auth {
    /// Keys of tokens that are signed with HMAC. Left out: the operator generates a key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub hs256: Option<Hs256>,
    /// Lets visitors chat without an account. Left out: only clients with a token of yours may connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub guests: Option<Guests>,
}

/// Keys of tokens that are signed with HMAC (HS256, HS384 or HS512).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
pub struct Hs256 {
    /// Every key is accepted, the first one signs. At least 32 bytes each.
    #[garde(length(min = 1, max = 8), dive)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name", "key"]))]
    pub keys: Vec<SecretRef>,
}

/// Visitors without an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", default)]
pub struct Guests {
    /// Lifetime of a visitor's token, in seconds.
    #[garde(range(min = 60, max = 86400))]
    pub token_seconds: i32,
    /// How long after its expiry it can still be exchanged for a new one, in seconds. A visitor who comes back within
    /// that time finds the old conversation.
    #[garde(range(min = 0, max = 31_536_000))]
    pub renew_seconds: i32,
}

impl Default for Guests {
    fn default() -> Self {
        Self {
            token_seconds: 3600,
            renew_seconds: 30 * 24 * 3600,
        }
    }
}

impl Auth {
    pub(super) fn check(&self) -> Vec<Problem> {
        let keys = self.hs256.as_ref().map_or(&[][..], |hs256| &hs256.keys);
        let repeated = |(index, key)| keys[..index].contains(key).then_some(index);
        let problem = |index| {
            let message = "is named by an earlier entry; name each key once";
            Problem::new(format!("auth.hs256.keys[{index}]"), message)
        };
        keys.iter()
            .enumerate()
            .filter_map(repeated)
            .map(problem)
            .collect()
    }
}
