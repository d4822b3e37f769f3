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
/// Longest name that others are shown, in characters.
const NAME_MAX: usize = 100;

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
    /// What others are shown. Of another type it is none.
    #[serde(default)]
    name: Value,
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
        let name = received.name.as_str().map(str::trim);
        let name = name.filter(|name| !name.is_empty());
        Ok(Caller {
            name: name
                .map_or(&*received.user_id, |name| name)
                .chars()
                .take(NAME_MAX)
                .collect(),
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
mod tests;
