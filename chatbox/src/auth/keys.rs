//! Signing keys, and what the tokens say.

use std::path::Path;

use anyhow::Context;
use crds::config::{Auth, Guests};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Caller;
use crate::secrets::{self, SigningKey};

/// How far the clock of an issuer may run ahead: a token counts so long before its `nbf`. Its end counts exactly.
const NBF_LEEWAY: SignedDuration = SignedDuration::from_mins(1);
/// Longest user id, in bytes.
const USER_MAX: usize = 255;

/// Checks and makes tokens. The keys show themselves in no log.
#[derive(Clone)]
pub struct Keys {
    sign: EncodingKey,
    verify: Vec<DecodingKey>,
}

/// What a token of ours says, and whether it was made for a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Claims {
    pub user_id: String,
    pub roles: Vec<String>,
    /// Seconds since 1970. A token without an end is refused.
    pub exp: i64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub guest: bool,
}

/// What a token says, as far as it matters here. Issuers write it in many ways.
#[derive(Deserialize)]
struct Received {
    user_id: String,
    /// Without any, the user has no rights but over the own sessions.
    roles: Option<Vec<String>>,
    exp: NumericDate,
    nbf: Option<NumericDate>,
    /// `true` in tokens of guests; whatever stands here in those of others, they are none.
    #[serde(default)]
    guest: Value,
}

/// Seconds since 1970, with or without a fraction (RFC 7519, 2).
#[derive(Clone, Copy)]
struct NumericDate(Timestamp);

impl<'de> Deserialize<'de> for NumericDate {
    fn deserialize<D: Deserializer<'de>>(number: D) -> Result<Self, D::Error> {
        let seconds = f64::deserialize(number)?;
        let time = SignedDuration::try_from_secs_f64(seconds)
            .ok()
            .and_then(|since| Timestamp::from_duration(since).ok());
        // Some write milliseconds: an end far beyond all calendars.
        let beyond = if seconds > 0.0 {
            Timestamp::MAX
        } else {
            Timestamp::MIN
        };
        Ok(Self(time.unwrap_or(beyond)))
    }
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
            let key = secrets::read_signing_key(root, reference)
                .with_context(|| format!("auth.hs256.keys[{index}]"))?;
            keys.push(key);
        }
        let first = keys.first().and_then(|key| key.expose().next());
        let first = first.context("auth.hs256.keys: no signing key is named; name at least one")?;
        Ok(Self {
            sign: EncodingKey::from_secret(first),
            verify: keys
                .iter()
                .flat_map(SigningKey::expose)
                .map(DecodingKey::from_secret)
                .collect(),
        })
    }

    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Caller, InvalidToken> {
        let received = self.received(token, now)?;
        let expires = received.exp.0;
        if expires <= now {
            return Err(InvalidToken);
        }
        Ok(Caller {
            user: received.user_id,
            roles: received.roles.unwrap_or_default(),
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
        let received = self.received(token, now)?;
        let ended = now.duration_since(received.exp.0);
        let renewable = received.guest == Value::Bool(true)
            && ended < SignedDuration::from_secs(guests.renew_seconds.into());
        renewable.then_some(received.user_id).ok_or(InvalidToken)
    }

    /// What a token of ours says, whether or not it has ended.
    fn received(&self, token: &str, now: Timestamp) -> Result<Received, InvalidToken> {
        let mut rules = Validation::new(Algorithm::HS256);
        rules.algorithms = vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
        // Time is judged here, and its end by the caller; `Received` itself demands that there is one.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        rules.validate_aud = false;
        rules.required_spec_claims.clear();
        let token = self
            .verify
            .iter()
            .find_map(|key| decode::<Received>(token.trim(), key, &rules).ok())
            .ok_or(InvalidToken)?;
        let received = token.claims;
        let has_begun = received.nbf.is_none_or(|nbf| nbf.0 <= now + NBF_LEEWAY);
        let named = (1..=USER_MAX).contains(&received.user_id.len());
        // Extensions that must be understood, and none is (RFC 7515, 4.1.11).
        let is_plain = token.header.crit.is_none();
        let is_valid = has_begun && named && is_plain;
        is_valid.then_some(received).ok_or(InvalidToken)
    }
}

#[cfg(test)]
mod tests {
    use crds::SecretRef;
    use crds::config::Hs256;
    use serde_json::json;

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
            (NEW, json!({"user_id": "u", "exp": later}), true),
            (
                NEW,
                json!({"user_id": "u", "roles": null, "exp": later}),
                true,
            ),
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

    /// All that RFC 7519 allows, and nothing else.
    #[test]
    fn issuers_write_tokens_in_many_ways() {
        let keys = keys(&[NEW]).unwrap();
        let now = now().as_second();
        for (claims, accepted) in [
            (json!({"exp": now + 1}), true),
            (json!({"exp": 1.8e9}), true),
            (json!({"exp": 1_767_225_600.5}), true),
            (json!({"exp": 1_767_225_599.5}), false),
            // Milliseconds, and beyond every calendar.
            (json!({"exp": 1_767_225_600_000_i64}), true),
            (json!({"exp": 1e300}), true),
            (json!({"exp": -1e300}), false),
            (json!({"exp": "1800000000"}), false),
            (json!({"exp": null}), false),
            (json!({"exp": now + 9, "nbf": now + 60}), true),
            (json!({"exp": now + 9, "nbf": now + 61}), false),
            (
                json!({"exp": now + 9, "nbf": 1.5e9, "iat": now + 999}),
                true,
            ),
            (json!({"exp": now + 9, "nbf": null}), true),
            (json!({"exp": now + 9, "nbf": "1500000000"}), false),
            (
                json!({"exp": now + 9, "aud": "a", "iss": "i", "sub": 5}),
                true,
            ),
            (
                json!({"exp": now + 9, "aud": ["a", "b"], "iss": ["i"]}),
                true,
            ),
            (json!({"exp": now + 9, "guest": 0}), true),
            (json!({"exp": now + 9, "guest": null}), true),
            (json!({"exp": now + 9, "guest": "no", "more": [{}]}), true),
        ] {
            let mut all = json!({"user_id": "u", "roles": []});
            let more = claims.as_object().unwrap().clone();
            all.as_object_mut().unwrap().extend(more);
            let text = token(NEW, &all);
            for text in [text.clone(), format!(" {text}\n")] {
                assert_eq!(
                    keys.verify(&text, self::now()).is_ok(),
                    accepted,
                    "{claims}"
                );
            }
        }
    }

    #[test]
    fn headers_that_issuers_write() {
        let keys = keys(&[NEW]).unwrap();
        let claims = json!({"user_id": "u", "exp": now().as_second() + 9});
        let header = |change: fn(&mut Header)| {
            let mut header = Header::new(Algorithm::HS256);
            change(&mut header);
            let key = EncodingKey::from_secret(NEW.as_bytes());
            let text = encode(&header, &claims, &key).unwrap();
            keys.verify(&text, now()).is_ok()
        };
        assert!(header(|header| header.typ = None));
        assert!(header(|header| header.typ = Some("at+jwt".to_owned())));
        assert!(header(|header| header.typ = Some("jwt".to_owned())));
        assert!(header(|header| header.kid = Some("k".to_owned())));
        assert!(header(|header| header.alg = Algorithm::HS384));
        let unknown = header(|header| header.crit = Some(vec!["x".to_owned()]));
        assert!(!unknown, "an extension that must be understood");
    }

    #[test]
    fn a_key_is_used_as_it_is_and_without_the_line_break_of_an_editor() {
        let claims = json!({"user_id": "u", "exp": now().as_second() + 9});
        let with_break = format!("{NEW}\n");
        let keys = keys(&[&with_break]).unwrap();
        for key in [with_break.as_str(), NEW] {
            assert!(keys.verify(&token(key, &claims), now()).is_ok());
        }
        let other = format!("{NEW}\n\n");
        assert!(keys.verify(&token(&other, &claims), now()).is_err());
        let guests = Guests {
            token_seconds: 60,
            renew_seconds: 600,
        };
        let guest = keys.sign(&keys.guest(&guests, None, now()).unwrap());
        let rules = Validation::new(Algorithm::HS256);
        let key = DecodingKey::from_secret(with_break.as_bytes());
        let header = jsonwebtoken::decode_header(guest.as_ref().unwrap());
        assert_eq!(header.unwrap().alg, rules.algorithms[0]);
        let mut rules = rules;
        rules.validate_exp = false;
        assert!(decode::<Value>(guest.unwrap(), &key, &rules).is_ok());
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
