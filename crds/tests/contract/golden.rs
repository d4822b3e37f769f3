//! Every document ever released stays readable.

use std::fs;
use std::path::Path;

use crds::Config;
use serde_json::Value;

fn documents() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let read = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read_to_string(entry.path()).unwrap())
    };
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| read(entry.unwrap()))
        .collect()
}

/// What the author wrote is still there: defaults may have been added, nothing lost or changed.
fn assert_preserved(written: &Value, rendered: &Value, path: &str) {
    match (written, rendered) {
        (Value::Object(written), Value::Object(rendered)) => {
            for (key, value) in written {
                let kept = rendered
                    .get(key)
                    .unwrap_or_else(|| panic!("{path}.{key} is lost"));
                assert_preserved(value, kept, &format!("{path}.{key}"));
            }
        }
        (Value::Array(written), Value::Array(rendered)) => {
            assert_eq!(written.len(), rendered.len(), "{path}");
            for (index, (written, rendered)) in written.iter().zip(rendered).enumerate() {
                assert_preserved(written, rendered, &format!("{path}[{index}]"));
            }
        }
        _ => assert_eq!(written, rendered, "{path}"),
    }
}

#[test]
fn every_released_document_parses_checks_and_round_trips() {
    let documents = documents();
    assert!(documents.len() >= 2);
    for (name, text) in documents {
        let parsed = Config::parse(&text).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        assert_eq!(parsed.unknown, Vec::<String>::new(), "{name}");
        assert_eq!(parsed.config.check(), [], "{name}");
        let rendered = parsed.config.render();
        let again = Config::parse(&rendered).unwrap().config;
        assert_eq!(again, parsed.config, "{name}");
        assert_eq!(again.hash(), parsed.config.hash(), "{name}");
        let (written, rendered) = (
            serde_json::from_str(&text).unwrap(),
            serde_json::from_str(&rendered).unwrap(),
        );
        assert_preserved(&written, &rendered, &name);
    }
}

#[test]
fn an_unknown_field_is_named_and_ignored() {
    let text = r#"{"models": [{"id": "a", "name": "A", "demo": {"later": 1}}], "storage": {"sqlite": {}}, "newer": {}}"#;
    let parsed = Config::parse(text).unwrap();
    assert_eq!(parsed.unknown, ["models[0].demo.later", "newer"]);
    assert_eq!(parsed.config.check(), []);
}

#[test]
fn a_field_that_cannot_be_read_is_named() {
    for (text, field) in [
        (r#"{"models": "none", "storage": {}}"#, "models"),
        (
            r#"{"models": [{"id": "a", "name": "A", "idleSeconds": "9"}], "storage": {}}"#,
            "models[0].idleSeconds",
        ),
        (r#"{"models": []}"#, ""),
        ("{", ""),
    ] {
        assert_eq!(Config::parse(text).unwrap_err().field, field, "{text}");
    }
}

#[test]
fn why_a_document_cannot_be_read_is_said_without_its_values() {
    for (text, message) in [
        (
            r#"{"models": "hunter2", "storage": {}}"#,
            "has the wrong type, expected a sequence",
        ),
        (r#"{"models": []}"#, "missing field `storage`"),
        ("{", "EOF while parsing an object"),
    ] {
        let problem = Config::parse(text).unwrap_err();
        assert!(problem.message.starts_with(message), "{problem}");
    }
}

#[test]
fn the_key_and_the_headers_of_every_provider_are_found() {
    for provider in ["openai", "anthropic", "dify"] {
        let text = format!(
            r#"{{"models": [{{"id": "a", "name": "A", "{provider}": {{"model": "m", "apiKey": {{"name": "llm", "key": "k"}},
                "headers": [{{"name": "x-title", "value": {{"name": "llm", "key": "title"}}}}]}}}}], "storage": {{}}}}"#
        );
        let config = Config::parse(&text).unwrap().config;
        let found: Vec<_> = config
            .secrets()
            .into_iter()
            .map(|(field, secret, use_)| format!("{field} {secret} {use_:?}"))
            .collect();
        let key = format!(r#"models[0].{provider}.apiKey key "k" of secret "llm" Bearer"#);
        let header =
            format!(r#"models[0].{provider}.headers[0].value key "title" of secret "llm" Bearer"#);
        assert_eq!(found, [key, header]);
    }
}

#[test]
fn secrets_are_found_with_their_fields() {
    let everything = documents()
        .into_iter()
        .find(|(name, _)| name.ends_with("everything.json"))
        .unwrap()
        .1;
    let config = Config::parse(&everything).unwrap().config;
    let found: Vec<_> = config
        .secrets()
        .into_iter()
        .map(|(field, secret, use_)| format!("{field} {secret} {use_:?}"))
        .collect();
    assert_eq!(
        found,
        [
            r#"auth.hs256.keys[0] key "current" of secret "jwt" Signing"#,
            r#"auth.hs256.keys[1] key "previous" of secret "jwt" Signing"#,
            r#"models[0].openai.apiKey key "openai" of secret "llm" Bearer"#,
        ]
    );
    let generated = crds::SecretRef {
        name: "made".into(),
        key: "jwt".into(),
    };
    assert_eq!(
        config.clone().with_signing_key(generated.clone()),
        config,
        "a named key is kept"
    );
    let none = Config {
        auth: crds::config::Auth::default(),
        ..config
    };
    assert_eq!(
        none.with_signing_key(generated).secrets()[0].0,
        "auth.hs256.keys[0]"
    );
}

#[test]
fn encryption_keys_are_found_and_the_generated_one_only_where_none_is_named() {
    let generated = crds::config::EncryptionKey {
        id: "generated".into(),
        secret: crds::SecretRef {
            name: "made".into(),
            key: "key".into(),
        },
    };
    let found = |encryption: &str| -> Vec<String> {
        let text = format!(r#"{{"models": [], "storage": {{}} {encryption}}}"#);
        let config = Config::parse(&text).unwrap().config;
        let config = config.with_encryption_key(generated.clone());
        let secrets = config.secrets().into_iter();
        secrets
            .map(|(field, secret, use_)| format!("{field} {secret} {use_:?}"))
            .collect()
    };
    assert_eq!(found(""), [""; 0], "nobody has asked for it");
    assert_eq!(
        found(r#", "encryption": {}"#),
        [r#"encryption.keys[0].secret key "key" of secret "made" Encryption"#]
    );
    assert_eq!(
        found(
            r#", "encryption": {"keys": [{"id": "k2", "secret": {"name": "enc", "key": "k2"}},
                {"id": "k1", "secret": {"name": "enc", "key": "k1"}}]}"#
        ),
        [
            r#"encryption.keys[0].secret key "k2" of secret "enc" Encryption"#,
            r#"encryption.keys[1].secret key "k1" of secret "enc" Encryption"#,
        ]
    );
}

#[test]
fn the_hash_is_that_of_the_meaning() {
    let hash = |json: &str| Config::parse(json).unwrap().config.hash();
    let bare = hash(r#"{"models": [], "storage": {}}"#);
    assert!(
        bare.len() == 16 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{bare}"
    );
    assert_eq!(
        hash(r#"{"storage": {}, "limits": {"connections": 15000}, "models": []}"#),
        bare
    );
    assert_ne!(
        hash(r#"{"storage": {}, "limits": {"connections": 14999}, "models": []}"#),
        bare
    );
}
