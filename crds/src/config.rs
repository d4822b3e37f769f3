//! The configuration of a chat server: one document, written by the operator and read by the server.

pub mod auth;
pub mod encryption;
pub mod limits;
pub mod models;
pub mod server;
pub mod storage;
pub mod takeover;
mod unknown;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use crate::secret::Use;
use crate::{Problem, SecretRef};

pub use auth::{Auth, Guests, Hs256};
pub use encryption::{Encryption, EncryptionKey};
pub use limits::Limits;
pub use models::{Anthropic, Demo, Dify, Endpoint, Header, Model, OpenAi};
pub use server::Server;
pub use storage::{Claim, EmptyDir, MongoDb, MongoDbTls, Sqlite, Storage, Volume};
pub use takeover::Takeover;

/// Configuration of the chat server. Secret values are never part of it, only references to them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.models.all(m, !has(m.fallback) || m.fallback.all(id, id != m.id && self.models.exists(other, other.id == id)))",
    "message": "models: fallback names other models of the list by their ids"
}]))]
pub struct Config {
    /// How the server is reached.
    #[serde(default)]
    #[garde(dive)]
    pub server: Server,
    /// Who may connect.
    #[serde(default)]
    #[garde(dive)]
    pub auth: Auth,
    /// The models that answer. The first one is the default; a visitor may choose another one for a conversation. They are
    /// offered in this order.
    #[garde(length(min = 1, max = 16), dive)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["id"]))]
    pub models: Vec<Model>,
    /// Where sessions and messages are stored.
    #[garde(dive)]
    pub storage: Storage,
    /// Encrypts what people and models write before it is stored. Left out: it is stored as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub encryption: Option<Encryption>,
    /// Members of staff who take conversations over.
    #[serde(default, skip_serializing_if = "Takeover::is_default")]
    #[garde(dive)]
    pub takeover: Takeover,
    /// Limits of the server.
    #[serde(default)]
    #[garde(dive)]
    pub limits: Limits,
}

/// A parsed document, and the fields in it that this release does not know.
#[derive(Debug)]
pub struct Parsed {
    pub config: Config,
    /// Paths of fields that were ignored: from a newer release, or mistyped.
    pub unknown: Vec<String>,
}

impl Config {
    /// Reads a JSON document. A field that cannot be read is an error with its path; an unknown field is not.
    pub fn parse(json: &str) -> Result<Parsed, Problem> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let parsed = read(&mut reader)?;
        reader
            .end()
            .map_err(|error| Problem::new("", error.to_string()))?;
        Ok(parsed)
    }

    /// The same of a document that was written in another form. An error names the field alone: a line would be none that its
    /// author knows.
    pub fn from_value(value: serde_json::Value) -> Result<Parsed, Problem> {
        read(value)
    }

    /// The document as the server reads it: JSON in a fixed order, with every default written out.
    ///
    /// # Panics
    /// Never: see the reason below.
    #[expect(
        clippy::expect_used,
        reason = "JSON serialization fails only for map keys that are not strings and for writers that fail: a config \
                  has no map, and a String is no writer that fails"
    )]
    pub fn render(&self) -> String {
        serde_json::to_string_pretty(self).expect("a config is serializable")
    }

    /// A short digest of the content: documents with the same meaning have the same one.
    pub fn hash(&self) -> String {
        let digest = Sha256::digest(self.render().as_bytes());
        digest
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Every validation error, sorted by field; empty for a valid document.
    pub fn check(&self) -> Vec<Problem> {
        let mut problems = shape(self);
        problems.extend(self.server.check());
        problems.extend(self.auth.check());
        problems.extend(models::check(&self.models));
        problems.extend(self.storage.check());
        problems.extend(self.encryption.iter().flat_map(Encryption::check));
        problems.extend(self.limits.check());
        problems.sort();
        problems.dedup();
        problems
    }

    /// Every secret key that the document references, with the path of the referencing field and what it is used for.
    pub fn secrets(&self) -> Vec<(String, &SecretRef, Use)> {
        let keys = self.auth.hs256.iter().flat_map(|hs256| {
            let path =
                |(index, secret)| (format!("auth.hs256.keys[{index}]"), secret, Use::Signing);
            hs256.keys.iter().enumerate().map(path)
        });
        let models = self.models.iter().enumerate().flat_map(|(index, model)| {
            let endpoint = model.endpoint().into_iter();
            endpoint.flat_map(move |endpoint| {
                let field = format!("models[{index}].{}", endpoint.field);
                let key = endpoint.api_key.map(|key| (format!("{field}.apiKey"), key));
                let headers = endpoint
                    .headers
                    .iter()
                    .enumerate()
                    .map(move |(index, header)| {
                        (format!("{field}.headers[{index}].value"), &header.value)
                    });
                let all = key.into_iter().chain(headers);
                all.map(|(path, secret)| (path, secret, Use::Bearer))
            })
        });
        let encryption = self.encryption.iter().flat_map(Encryption::secrets);
        keys.chain(models)
            .chain(self.storage.secrets())
            .chain(encryption)
            .collect()
    }

    /// The document with `generated` as the signing key when it names none of its own.
    #[must_use]
    pub fn with_signing_key(mut self, generated: SecretRef) -> Self {
        self.auth.hs256.get_or_insert_with(|| Hs256 {
            keys: vec![generated],
        });
        self
    }

    /// The document with `generated` as the encryption key when it asks for encryption and names no key of its own.
    #[must_use]
    pub fn with_encryption_key(mut self, generated: EncryptionKey) -> Self {
        if let Some(encryption) = &mut self.encryption {
            encryption.keys.get_or_insert_with(|| vec![generated]);
        }
        self
    }
}

impl Parsed {
    /// What is wrong with each unknown field, and what its author may have meant.
    pub fn unknown_fields(&self) -> Vec<Problem> {
        let problem = |field: &String| {
            let words = "is not known to this release";
            Problem::new(
                field,
                match unknown::meant(field) {
                    Some(name) => format!("{words}; did you mean {name}?"),
                    None => words.to_owned(),
                },
            )
        };
        self.unknown.iter().map(problem).collect()
    }
}

fn read<'de, D>(document: D) -> Result<Parsed, Problem>
where
    D: Deserializer<'de, Error = serde_json::Error>,
{
    let mut unknown = Vec::new();
    let mut track = serde_path_to_error::Track::new();
    let result = serde_ignored::deserialize(
        serde_path_to_error::Deserializer::new(document, &mut track),
        |path| unknown.push(ignored_path(&path.to_string())),
    );
    let config = result.map_err(|error| {
        // An unknown place is written `?`, the document itself `.`.
        let path = track.path().to_string().replace('?', "");
        Problem::new(path.trim_end_matches('.'), reason(&error))
    })?;
    Ok(Parsed { config, unknown })
}

/// The JSON schema of the document, for editors and for `crds/config.schema.json`.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Config).to_value()
}

/// Why a document cannot be read, without the value: somebody may have written a key where its reference belongs.
pub fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(", expected ") {
        Some(at) => format!("has the wrong type{}", &text[at..]),
        None => text,
    }
}

/// Ranges, lengths and patterns: the rules that stand on the fields themselves.
fn shape(config: &Config) -> Vec<Problem> {
    let Err(report) = config.validate() else {
        return Vec::new();
    };
    let problem = |(path, error): &(garde::Path, garde::Error)| {
        Problem::new(camel_case(&path.to_string()), error.message().to_owned())
    };
    report.iter().map(problem).collect()
}

/// The author writes `baseUrl` where the code says `base_url`.
fn camel_case(path: &str) -> String {
    let mut upper = false;
    let mut out = String::with_capacity(path.len());
    for letter in path.chars() {
        match letter {
            '_' => upper = true,
            _ if upper => {
                out.extend(letter.to_uppercase());
                upper = false;
            }
            _ => out.push(letter),
        }
    }
    out
}

/// `serde_ignored` writes a list index as `models.0.x` and steps through an option as `?`; people write `models[0].x`.
fn ignored_path(path: &str) -> String {
    path.split('.')
        .filter(|part| *part != "?")
        .fold(String::new(), |out, part| {
            if part.chars().all(|c| c.is_ascii_digit()) {
                return format!("{out}[{part}]");
            }
            if out.is_empty() {
                part.to_owned()
            } else {
                format!("{out}.{part}")
            }
        })
}
