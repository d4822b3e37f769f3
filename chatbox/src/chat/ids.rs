//! Id types: what they look like, and nothing else can be one.

use std::fmt;

use serde::Serialize;
use uuid::Uuid;

/// Longest session id that a client may choose, in characters.
const SESSION_ID_MAX: usize = 128;

/// Name of a session. Clients may choose one; only letters, digits and `-_.:` are taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct SessionId(String);

impl SessionId {
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=SESSION_ID_MAX).contains(&text.len());
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        (fits && plain).then(|| Self(text.to_owned()))
    }

    pub fn random() -> Self {
        Self(Uuid::new_v4().to_string())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Declares an id that is a `UUIDv7`: unique everywhere, and sorted by the time it was made.
macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }

            pub fn parse(text: &str) -> Option<Self> {
                Uuid::try_parse(text).ok().map(Self)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

uuid_id!(
    /// Name of a stored message.
    MessageId
);
uuid_id!(
    /// Name of one attempt at one answer.
    RunId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_id_is_plain_and_bounded() {
        let longest = "a".repeat(SESSION_ID_MAX);
        for good in [
            "a",
            "0b6e4d2e-2f1c-4a44-9a52-0d1c5b6f7a11",
            "user:1_x.y",
            &longest,
        ] {
            assert!(SessionId::parse(good).is_some(), "{good}");
        }
        let too_long = "a".repeat(SESSION_ID_MAX + 1);
        for bad in ["", "a b", "a/b", "ä", "a\n", &too_long] {
            assert!(SessionId::parse(bad).is_none(), "{bad:?}");
        }
    }
}
