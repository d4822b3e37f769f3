//! Signing keys, and what the tokens say.

use std::path::Path;

use anyhow::Context;
use crds::config::{Auth, Guests};
use crds::secret::Use;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Caller;
use crate::secrets;

/// Longest user id, in bytes.
const USER_MAX: usize = 255;

/// Checks and makes tokens. The keys show themselves in no log.
#[derive(Clone)]
pub struct Keys {
    sign: EncodingKey,
    verify: Vec<DecodingKey>,
}

/// What a token says, as far as it matters here, and whether it was made for a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub user_id: String,
    pub roles: Vec<String>,
    /// Seconds since 1970. A token without an end is refused.
    pub exp: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub guest: bool,
}

/// The token is forged, malformed, of another kind, or has ended.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid")]
pub struct InvalidToken;

impl Keys {
    /// Reads every key that the document names.
    ///
    /// # Errors
    /// When there is none, or one is missing, short, or a placeholder.
    pub fn load(auth: &Auth, root: &Path) -> anyhow::Result<Self> {
        let hs256 = auth
            .hs256
            .as_ref()
            .context("auth.hs256: no signing key is named; name at least one")?;
        let mut keys = Vec::new();
        for (index, reference) in hs256.keys.iter().enumerate() {
            let key = secrets::read(root, reference, Use::Signing)
                .with_context(|| format!("auth.hs256.keys[{index}]"))?;
            keys.push(key);
        }
        let first = keys
            .first()
            .context("auth.hs256.keys: no signing key is named; name at least one")?;
        Ok(Self {
            sign: EncodingKey::from_secret(first.expose().as_bytes()),
            verify: keys
                .iter()
                .map(|key| DecodingKey::from_secret(key.expose().as_bytes()))
                .collect(),
        })
    }

    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, InvalidToken> {
        let claims = self.claims(token)?;
        let expires = Timestamp::from_second(claims.exp).map_err(|_| InvalidToken)?;
        if expires <= now {
            return Err(InvalidToken);
        }
        Ok(Caller {
            user: claims.user_id,
            roles: claims.roles,
            expires,
        })
    }

    pub fn sign(&self, claims: &Claims) -> anyhow::Result<String> {
        Ok(encode(&Header::new(Algorithm::HS256), claims, &self.sign)?)
    }

    /// Claims of a visitor: the same one as in `token` if that may still be renewed, else a new one.
    pub fn guest(
        &self,
        guests: &Guests,
        token: Option<&str>,
        now: Timestamp,
    ) -> Result<Claims, InvalidToken> {
        let user_id = match token {
            Some(token) => self.renewable(guests, token, now)?,
            None => format!("guest-{}", Uuid::new_v4()),
        };
        Ok(Claims {
            user_id,
            roles: vec!["guest".to_owned()],
            exp: now.as_second() + i64::from(guests.token_seconds),
            guest: true,
        })
    }

    fn renewable(
        &self,
        guests: &Guests,
        token: &str,
        now: Timestamp,
    ) -> Result<String, InvalidToken> {
        let claims = self.claims(token)?;
        let ended =
            now.duration_since(Timestamp::from_second(claims.exp).map_err(|_| InvalidToken)?);
        let renewable =
            claims.guest && ended < SignedDuration::from_secs(guests.renew_seconds.into());
        renewable.then_some(claims.user_id).ok_or(InvalidToken)
    }

    /// What a token of ours says, whether or not it has ended.
    fn claims(&self, token: &str) -> Result<Claims, InvalidToken> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.algorithms = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
        // Time is the caller's to judge; `Claims` itself demands that there is an end.
        rules.validate_exp = false;
        rules.validate_nbf = true;
        rules.validate_aud = false;
        rules.required_spec_claims.clear();
        let claims = self
            .verify
            .iter()
            .find_map(|key| decode::<Claims>(token, key, &rules).ok())
            .ok_or(InvalidToken)?
            .claims;
        let named = (1..=USER_MAX).contains(&claims.user_id.len());
        named.then_some(claims).ok_or(InvalidToken)
    }
}

#[cfg(test)]
mod tests {
    use crds::SecretRef;
    use crds::config::Hs256;
    use serde_json::{Value, json};

    use super::*;

    const OLD: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";

    fn keys(values: &[&str]) -> anyhow::Result<Keys> {
        let root = tempfile::tempdir()?;
        std::fs::create_dir(root.path().join("jwt"))?;
        let reference = |index: usize| SecretRef {
            name: "jwt".into(),
            key: index.to_string(),
        };
        for (index, value) in values.iter().enumerate() {
            std::fs::write(reference(index).path(root.path()), value)?;
        }
        let keys = (0..values.len()).map(reference).collect();
        Keys::load(
            &Auth {
                hs256: Some(Hs256 { keys }),
                guests: None,
            },
            root.path(),
        )
    }

    fn token(key: &str, claims: &Value) -> String {
        encode(
            &Header::new(Algorithm::HS512),
            claims,
            &EncodingKey::from_secret(key.as_bytes()),
        )
        .unwrap()
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn who_gets_in() {
        let keys = keys(&[NEW, OLD]).unwrap();
        let later = now().as_second() + 60;
        let good = json!({"user_id": "u", "roles": ["b", "a"], "exp": later});
        for (key, claims, accepted) in [
            (NEW, good.clone(), true),
            (OLD, good.clone(), true),
            ("00000000000000000000000000000000", good, false),
            (
                NEW,
                json!({"user_id": "u", "roles": [], "exp": later}),
                true,
            ),
            (NEW, json!({"user_id": "u", "roles": []}), false),
            (
                NEW,
                json!({"user_id": "u", "roles": [], "exp": now().as_second()}),
                false,
            ),
            (
                NEW,
                json!({"user_id": "", "roles": [], "exp": later}),
                false,
            ),
            (NEW, json!({"roles": [], "exp": later}), false),
            (NEW, json!({"user_id": "u", "exp": later}), false),
            (
                NEW,
                json!({"user_id": "u", "roles": "admin", "exp": later}),
                false,
            ),
        ] {
            assert_eq!(
                keys.verify(&token(key, &claims), now()).is_ok(),
                accepted,
                "{claims}"
            );
        }
        for text in [
            "",
            "x",
            "a.b.c",
            "eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoidSIsInJvbGVzIjpbXSwiZXhwIjo5OTk5OTk5OTk5fQ.",
        ] {
            assert_eq!(keys.verify(text, now()), Err(InvalidToken), "{text:?}");
        }
    }

    #[test]
    fn a_guest_comes_back_as_the_same_one_for_a_while() {
        let keys = keys(&[NEW]).unwrap();
        let guests = Guests {
            token_seconds: 60,
            renew_seconds: 600,
        };
        let first = keys.guest(&guests, None, now()).unwrap();
        let text = keys.sign(&first).unwrap();
        for (seconds, same) in [(0, true), (61, true), (659, true), (660, false)] {
            let later = now() + SignedDuration::from_secs(seconds);
            let renewed = keys.guest(&guests, Some(&text), later);
            assert_eq!(
                renewed.is_ok_and(|claims| claims.user_id == first.user_id),
                same,
                "{seconds}"
            );
        }
        let member = keys
            .sign(&Claims {
                guest: false,
                ..first.clone()
            })
            .unwrap();
        assert_eq!(keys.guest(&guests, Some(&member), now()), Err(InvalidToken));
        assert_ne!(
            keys.guest(&guests, None, now()).unwrap().user_id,
            first.user_id
        );
    }

    #[test]
    fn weak_keys_are_refused_without_being_shown() {
        for key in [
            "short-key-of-some-bytes",
            "please-CHANGE-ME-to-something-longer-than-this",
            "  \n",
        ] {
            let error = format!("{:#}", keys(&[key]).err().unwrap());
            assert!(
                error.starts_with("auth.hs256.keys[0]") && !error.contains(key),
                "{error}"
            );
        }
        assert!(keys(&[]).is_err());
    }
}
