//! References to secret keys, and the one rule that turns them into file paths.

mod encryption;

use std::path::{Path, PathBuf};

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::encryption::{KEY_BYTES, encryption_key};

/// One key of one Secret in the namespace of the Chatbox.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, Validate,
)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// Name of the Secret.
    #[garde(
        length(chars, min = 1, max = 253),
        pattern("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")
    )]
    pub name: String,
    /// Key within the Secret.
    #[garde(
        length(chars, min = 1, max = 253),
        pattern("^[-_a-zA-Z0-9][-._a-zA-Z0-9]*$")
    )]
    pub key: String,
}

/// The purpose of a secret value, which decides the rules that it must meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Signs tokens.
    Signing,
    /// Sent to another service as it is.
    Bearer,
    /// The address of a MongoDB.
    MongoDbUri,
    /// Certificates, or a certificate and its key.
    Pem,
    /// Encrypts what is stored.
    Encryption,
}

/// Larger than any key; a larger value is some other file by mistake.
const MAX_BYTES: usize = 64 * 1024;
/// Shortest signing key: RFC 7518 requires a key at least as long as the digest of HS256.
const SIGNING_BYTES: usize = 32;
const NO_URI: &str = "is no address of a MongoDB; write mongodb://USER:PASSWORD@HOST/?replicaSet=NAME or mongodb+srv://…";
const UNESCAPED: &str = "holds an @ behind the hosts; write @, /, : and ? of the user and the password as %40, %2F, %3A and %3F";
const NO_PEM: &str = "is no PEM; it begins with -----BEGIN";
/// What the address of a MongoDB begins with.
const SCHEMES: [&str; 2] = ["mongodb://", "mongodb+srv://"];
const TOO_SHORT: &str = "is shorter than 32 bytes; use at least 32 random ones";
/// Parts of placeholders that were not replaced.
const PLACEHOLDERS: [&str; 7] = [
    "replace_with",
    "placeholder",
    "change-me",
    "change_me",
    "changeme",
    "your-",
    "example",
];

/// The value as it is used: what is sent to others without the surrounding white space that editors add, a signing key
/// as it is, as whoever else has it uses it. Called by the operator before it rolls pods, and by the server at start.
///
/// # Errors
/// What is wrong and how to fix it; never the value.
pub fn usable(bytes: &[u8], use_: Use) -> Result<&[u8], &'static str> {
    if bytes.len() > MAX_BYTES {
        return Err("is larger than 64 KiB; it is no key");
    }
    if use_ == Use::Encryption {
        return encryption_key(bytes).map(|_| bytes);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        return match use_ {
            Use::Signing if bytes.len() >= SIGNING_BYTES => Ok(bytes),
            Use::Signing => Err(TOO_SHORT),
            Use::Bearer => Err("is not text; write the key as letters and digits"),
            Use::MongoDbUri => Err(NO_URI),
            // The key was judged before, whatever its bytes are.
            Use::Pem | Use::Encryption => Err(NO_PEM),
        };
    };
    let text = text.trim();
    if text.is_empty() {
        return Err("is empty; put the value into it");
    }
    if use_ == Use::Pem {
        let has_begin = text.contains("-----BEGIN ");
        return has_begin.then_some(bytes).ok_or(NO_PEM);
    }
    if text.contains(char::is_control) {
        return Err("holds line breaks or control characters; write the key on one line");
    }
    match use_ {
        Use::Bearer if is_left_out(text) => {
            return Err("is a placeholder; write the whole key that the provider has given you");
        }
        Use::Bearer => return Ok(text.as_bytes()),
        Use::MongoDbUri => {
            return mongodb_uri(text).map(|()| text.as_bytes());
        }
        Use::Signing | Use::Pem | Use::Encryption => {}
    }
    if text.len() < SIGNING_BYTES {
        return Err(TOO_SHORT);
    }
    let lower = text.to_lowercase();
    if PLACEHOLDERS.iter().any(|word| lower.contains(word)) {
        return Err("is a placeholder; use at least 32 random bytes");
    }
    Ok(bytes)
}

/// Whether somebody has copied an example as it is: `sk-...`, `<your key>`. A word alone tells nothing: there are servers that
/// take any key, and people write what they like for them.
fn is_left_out(text: &str) -> bool {
    text.contains("...") || text.contains('…') || text.starts_with('<') && text.ends_with('>')
}

/// Whether a text is the address of a MongoDB. Where the password holds a character of the address itself, parts of it would
/// be taken for a host or an option, and those appear in logs.
fn mongodb_uri(text: &str) -> Result<(), &'static str> {
    let rest = SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme));
    let rest = rest.ok_or(NO_URI)?;
    let (hosts, more) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if hosts.matches('@').count() > 1 || more.contains('@') {
        return Err(UNESCAPED);
    }
    Ok(())
}

impl SecretRef {
    /// Where the value lies below the directory of secrets: `<root>/<name>/<key>`.
    pub fn path(&self, root: &Path) -> PathBuf {
        root.join(&self.name).join(&self.key)
    }
}

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "key {:?} of secret {:?}", self.key, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_values_can_be_used() {
        let long = "x".repeat(MAX_BYTES + 1);
        let hex = "0123456789abcdef0123456789abcdef";
        let padded = format!("\n {hex} \r\n");
        let two_lines = format!("{hex}\n{hex}");
        for (value, signing, bearer) in [
            (hex.as_bytes(), true, true),
            (padded.as_bytes(), true, true),
            (&hex.as_bytes()[..31], false, true),
            (b"sk-short", false, true),
            (b"sk-...", false, false),
            ("sk-proj-…".as_bytes(), false, false),
            (b"<your key>", false, false),
            (b"please-CHANGE-ME-to-something-much-longer", false, true),
            (b"my-example-key-0123456789abcdef0123", false, true),
            (two_lines.as_bytes(), false, false),
            (b" \n", false, false),
            (b"", false, false),
            (&[0xff; 40], true, false),
            (&[0xff; 31], false, false),
            (long.as_bytes(), false, false),
        ] {
            let shown = String::from_utf8_lossy(&value[..value.len().min(40)]);
            assert_eq!(usable(value, Use::Signing).is_ok(), signing, "{shown}");
            assert_eq!(usable(value, Use::Bearer).is_ok(), bearer, "{shown}");
        }
        let padded = padded.as_bytes();
        assert_eq!(usable(padded, Use::Bearer), Ok(hex.as_bytes()));
        assert_eq!(usable(padded, Use::Signing), Ok(padded), "as it is");
    }

    #[test]
    fn which_values_are_addresses_and_which_are_certificates() {
        let pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";
        for (value, uri, is_pem) in [
            ("mongodb://u:p@a,b/?replicaSet=rs0\n", true, false),
            ("mongodb+srv://u:p@cluster.example", true, false),
            ("postgres://u:p@a", false, false),
            ("mongodb://u:p%40%3F@a/?replicaSet=rs0", true, false),
            ("mongodb://u:p@ss@a/", false, false),
            ("mongodb://u:p/ss@a/", false, false),
            ("mongodb://u:p?replicaSet=ss@a/", false, false),
            ("a:27017", false, false),
            ("mongodb://a\nmongodb://b", false, false),
            (pem, false, true),
            ("MA==", false, false),
            ("", false, false),
        ] {
            let bytes = value.as_bytes();
            assert_eq!(usable(bytes, Use::MongoDbUri).is_ok(), uri, "{value}");
            assert_eq!(usable(bytes, Use::Pem).is_ok(), is_pem, "{value}");
        }
        assert_eq!(
            usable(pem.as_bytes(), Use::Pem),
            Ok(pem.as_bytes()),
            "as it is"
        );
        let padded = usable(b" mongodb://a\n", Use::MongoDbUri);
        assert_eq!(padded, Ok(&b"mongodb://a"[..]));
    }

    #[test]
    fn a_value_has_at_most_64_kib() {
        let largest = "x".repeat(65_536);
        assert!(usable(largest.as_bytes(), Use::Bearer).is_ok());
        assert!(usable(format!("{largest}x").as_bytes(), Use::Bearer).is_err());
    }

    #[test]
    fn a_value_lies_below_its_secret() {
        let secret = SecretRef {
            name: "jwt".to_owned(),
            key: "current".to_owned(),
        };
        assert_eq!(
            secret.path(Path::new("/secrets")),
            Path::new("/secrets/jwt/current")
        );
    }
}
