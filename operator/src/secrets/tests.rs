use crate::fixtures::{FULL, QUICKSTART, chatbox, resolve, secrets, set};

use super::*;

/// The problems of a Chatbox whose Secrets were changed.
fn problems_with(yaml: &str, change: impl FnOnce(&mut BTreeMap<String, Secret>)) -> Vec<String> {
    let chatbox = chatbox(yaml);
    let mut secrets = secrets(&chatbox);
    change(&mut secrets);
    let problems = resolve(&chatbox, &secrets).problems;
    problems.iter().map(Problem::to_string).collect()
}

fn digest_with(
    yaml: &str,
    change: impl FnOnce(&mut BTreeMap<String, Secret>),
) -> Option<SecretsDigest> {
    let chatbox = chatbox(yaml);
    let mut secrets = secrets(&chatbox);
    change(&mut secrets);
    resolve(&chatbox, &secrets).digest
}

fn found(pairs: &[(&str, &str)]) -> Secret {
    let value = |(key, value): &(&str, &str)| ((*key).to_owned(), Value::new((*value).into()));
    Secret::Found(pairs.iter().map(value).collect())
}

#[test]
fn every_problem_is_reported_at_once_with_its_field_and_without_the_value() {
    let problems = problems_with(FULL, |secrets| {
        secrets.insert("llm".to_owned(), Secret::Missing);
        set(secrets, "jwt", "old", b"too short");
    });
    assert_eq!(
        problems,
        [
            "spec.config.auth.hs256.keys[1]: key \"old\" of secret \"jwt\" is shorter than 32 bytes; \
             use at least 32 random ones",
            "spec.config.models[0].openai.apiKey: secret \"llm\" does not exist; create it with key \"openai\"",
        ]
    );
}

#[test]
fn a_secret_must_exist_and_hold_a_value() {
    let rows: [(&str, Secret, Option<&str>); 8] = [
        (
            FULL,
            found(&[]),
            Some("secret \"llm\" has no key \"openai\"; add key \"openai\""),
        ),
        (
            FULL,
            found(&[("openai", " \n")]),
            Some("key \"openai\" of secret \"llm\" is empty; put the value into it"),
        ),
        (FULL, found(&[("openai", "short is fine")]), None),
        (FULL, Secret::Unknown, None),
        (
            QUICKSTART,
            found(&[]),
            Some("add it with at least 32 random bytes, or name keys of your own in auth.hs256"),
        ),
        (
            QUICKSTART,
            found(&[("jwt", "")]),
            Some("is empty; put the value into it, or name keys of your own in auth.hs256"),
        ),
        (
            QUICKSTART,
            Secret::Foreign { owner: None },
            Some("was not created for this chatbox; set its label chatbox.dev/name"),
        ),
        (
            QUICKSTART,
            Secret::Foreign {
                owner: Some(("ExternalSecret".to_owned(), "vault".to_owned())),
            },
            Some("belongs to ExternalSecret \"vault\", not to this chatbox; name it in auth.hs256"),
        ),
    ];
    for (yaml, secret, expected) in rows {
        let name = if yaml == FULL {
            "llm"
        } else {
            "support-chatbox-keys"
        };
        let problems = problems_with(yaml, |secrets| {
            secrets.insert(name.to_owned(), secret);
        });
        assert_problem(&problems, expected);
    }
}

#[test]
fn an_encryption_key_is_checked_and_a_generated_one_is_asked_for() {
    let generated = QUICKSTART.replace("    auth:", "    encryption: {}\n    auth:");
    let named = generated.replace(
        "encryption: {}",
        "encryption: {keys: [{id: k1, secret: {name: enc, key: k1}}]}",
    );
    let rows: [(&str, &str, Secret, Option<&str>); 7] = [
        (
            &named,
            "enc",
            Secret::Missing,
            Some(
                "spec.config.encryption.keys[0].secret: secret \"enc\" does not exist; create it with key \"k1\"",
            ),
        ),
        (
            &named,
            "enc",
            found(&[("k1", "0123456789abcdef0123456789abcdef")]),
            Some("is text, which can be guessed"),
        ),
        (
            &named,
            "enc",
            found(&[("k1", &"ab".repeat(32))]),
            Some("is a pattern, which can be guessed"),
        ),
        (
            &generated,
            "support-chatbox-encryption",
            Secret::Missing,
            Some(
                "spec.config.encryption.keys: secret \"support-chatbox-encryption\" does not exist any more",
            ),
        ),
        (
            &generated,
            "support-chatbox-encryption",
            found(&[]),
            Some("has no key \"key\"; restore it from a backup"),
        ),
        (
            &generated,
            "support-chatbox-encryption",
            found(&[("key", "short")]),
            Some("or name keys of your own in encryption.keys"),
        ),
        (
            &generated,
            "support-chatbox-encryption",
            Secret::Foreign { owner: None },
            Some("was not created for this chatbox; set its label chatbox.dev/name"),
        ),
    ];
    for (yaml, name, secret, expected) in rows {
        let problems = problems_with(yaml, |secrets| {
            secrets.insert(name.to_owned(), secret);
        });
        assert_problem(&problems, expected);
    }
    assert_problem(&problems_with(&generated, |_| {}), None);
    assert_problem(&problems_with(&named, |_| {}), None);
    let two = generated.replace(
        "encryption: {}",
        "encryption: {keys: [{id: k2, secret: {name: enc, key: k2}}, {id: k1, secret: {name: enc, key: k1}}]}",
    );
    // The fixtures give both the same value.
    let problems = problems_with(&two, |_| {});
    assert_problem(
        &problems,
        Some(
            "spec.config.encryption.keys[1].secret: key \"k1\" of secret \"enc\" has the value of an earlier key",
        ),
    );
}

/// A rotation that went wrong rolls nothing: the pods that run have the old value.
#[test]
fn a_value_that_the_server_would_reject_is_reported_by_its_use() {
    let rows: [(&str, &[u8], Option<&str>); 7] = [
        ("openai", b"sk-1\nsk-2", Some("holds line breaks")),
        ("openai", &[0xff; 8], Some("is not text")),
        ("openai", b"change-me", None),
        ("new", &[0xff; 40], None),
        ("new", &[0xff; 8], Some("is shorter than 32 bytes")),
        (
            "new",
            b"0123456789abcdef0123456789abcdef\n0123456789abcdef",
            Some("holds line breaks"),
        ),
        (
            "new",
            b"please-change-me-to-something-much-longer",
            Some("is a placeholder"),
        ),
    ];
    for (key, value, expected) in rows {
        let name = if key == "openai" { "llm" } else { "jwt" };
        let problems = problems_with(FULL, |secrets| set(secrets, name, key, value));
        assert_problem(&problems, expected);
    }
}

fn assert_problem(problems: &[String], expected: Option<&str>) {
    match (expected, problems) {
        (None, []) => {}
        (Some(words), [problem]) => assert!(problem.contains(words), "{problem} lacks {words:?}"),
        (expected, problems) => panic!("{problems:?} instead of {expected:?}"),
    }
}

#[test]
fn the_digest_changes_with_each_referenced_value_and_with_nothing_else() {
    let long = b"another key of more than 32 bytes, long enough";
    let base = digest_with(FULL, |_| {});
    assert!(base.is_some());
    for (name, key) in [("llm", "openai"), ("jwt", "old"), ("jwt", "new")] {
        let changed = digest_with(FULL, |secrets| set(secrets, name, key, long));
        assert!(changed.is_some());
        assert_ne!(changed, base, "{name} {key}");
    }
    for (name, key) in [("llm", "another"), ("unrelated", "openai")] {
        let same = digest_with(FULL, |secrets| set(secrets, name, key, long));
        assert_eq!(same, base, "{name} {key}");
    }
}

#[test]
fn an_unknown_value_gives_no_digest() {
    let unknown = |secrets: &mut BTreeMap<String, Secret>| {
        secrets.insert("llm".to_owned(), Secret::Unknown);
    };
    assert_eq!(digest_with(FULL, unknown), None);
}

#[test]
fn nothing_prints_a_value_or_its_digest() {
    let chatbox = chatbox(FULL);
    let secrets = secrets(&chatbox);
    let resolved = resolve(&chatbox, &secrets);
    let text = format!("{secrets:?} {resolved:?}");
    assert!(!text.contains("0123456789abcdef"), "{text}");
    assert!(
        text.contains("<keyed digest>") && text.contains("<43 bytes>"),
        "{text}"
    );
    assert_eq!(format!("{:?}", GeneratedKey::new(&[1; 32])), "<generated>");
}

#[test]
fn each_referenced_secret_is_named_once() {
    let chatbox = chatbox(FULL);
    let named = names(&chatbox.spec.as_ref().unwrap().config);
    assert_eq!(named.into_iter().collect::<Vec<_>>(), ["jwt", "llm"]);
}

#[test]
fn of_a_secret_only_what_is_referenced_is_kept() {
    let chatbox = chatbox(FULL);
    let config = &chatbox.spec.as_ref().unwrap().config;
    let value = |key: &str| (key.to_owned(), k8s_openapi::ByteString(b"value".to_vec()));
    let stored = core::Secret {
        data: Some(BTreeMap::from(["new", "openai", "another"].map(value))),
        ..core::Secret::default()
    };
    let Secret::Found(kept) = Secret::found("jwt", stored, config) else {
        panic!("it is there");
    };
    assert_eq!(kept.into_keys().collect::<Vec<_>>(), ["new"]);
}
