//! Id types. A value of one has been checked.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Longest session id that a client may choose, in characters.
const SESSION_ID_MAX: usize = 128;

/// Id of a session. Clients may choose one; only letters, digits and `-_.:` are taken.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SessionId(Arc<str>);

impl SessionId {
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=SESSION_ID_MAX).contains(&text.len());
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte));
        (fits && plain).then(|| Self(text.into()))
    }

    /// Whether this is what careless pages write for an id that they do not have. Taken for one, the first user would
    /// own it, and everybody else be refused.
    pub fn is_missing(text: &str) -> bool {
        matches!(text, "" | "undefined" | "null")
    }

    pub fn random() -> Self {
        Self(Uuid::new_v4().to_string().into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        id.as_str().to_owned()
    }
}

impl TryFrom<String> for SessionId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not a session id")
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
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Id of a stored message.
    MessageId
);
uuid_id!(
    /// Id of one attempt at one answer.
    RunId
);
uuid_id!(
    /// Id of a server process that answers questions.
    OwnerId
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

    #[test]
    fn an_id_reads_back_what_it_prints() {
        let session = SessionId::random();
        assert_eq!(SessionId::parse(&session.to_string()), Some(session));
        let run = RunId::new();
        assert_eq!(RunId::parse(&run.to_string()), Some(run));
    }

    #[test]
    fn a_session_id_is_text_in_json_and_checked() {
        let session = SessionId::parse("user:1").unwrap();
        assert_eq!(session.as_str(), "user:1");
        assert_eq!(serde_json::to_value(&session).unwrap(), "user:1");
        assert_eq!(
            serde_json::from_str::<SessionId>(r#""user:1""#).unwrap(),
            session
        );
        assert!(serde_json::from_str::<SessionId>(r#""a b""#).is_err());
    }
}
