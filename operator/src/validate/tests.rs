use std::collections::BTreeMap;

use crate::fixtures::{FULL, QUICKSTART, observed, observed_at_first, set, valid, watched};
use crate::observed::{Observed, RunningConfig, Secret};

use super::*;

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

fn digest(yaml: &str, change: impl FnOnce(&mut Observed)) -> Option<String> {
    let watched = watched(yaml);
    let mut observed = observed(&watched);
    change(&mut observed);
    valid(&watched, &observed).unwrap().digest
}

#[test]
fn every_finding_is_told_at_once_with_its_field() {
    let yaml = FULL
        .replace("model: m-1", "model: m-1, baseUrl: 'https://u:p@x'")
        .replace("memory: 2048Mi", "memory: lots");
    let watched = watched(&yaml);
    let mut observed = observed(&watched);
    observed.secrets.insert("llm".to_owned(), Secret::Missing);
    set(&mut observed, "jwt", "old", "too short");
    let findings = valid(&watched, &observed).unwrap_err();
    assert_eq!(
        lines(&findings.config),
        [
            "spec.config.models[0].openai.baseUrl: holds credentials; put them into a secret and name it in apiKey",
            "spec.resources.limits.memory: \"lots\" is no amount; write for example 500m or 256Mi",
        ]
    );
    assert_eq!(
        lines(&findings.secrets),
        [
            "spec.config.auth.hs256.keys[1]: key \"old\" of secret \"jwt\" is shorter than 32 bytes; \
             use at least 32 random ones",
            "spec.config.models[0].openai.apiKey: secret \"llm\" does not exist; create it with key \"openai\"",
        ]
    );
    assert!(!findings.to_string().contains("too short"));
}

#[test]
fn a_secret_must_be_there_and_hold_something() {
    let rows: [(&str, Secret, Option<&str>); 7] = [
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
            Some("delete the secret to have a new one made"),
        ),
        (
            QUICKSTART,
            found(&[("jwt", "")]),
            Some("is empty; put the value into it, or delete the secret to have a new one made"),
        ),
        (
            QUICKSTART,
            Secret::Foreign,
            Some("exists but was not made for this chatbox"),
        ),
    ];
    for (yaml, secret, expected) in rows {
        let watched = watched(yaml);
        let mut observed = observed(&watched);
        let name = if yaml == FULL {
            "llm"
        } else {
            "support-chatbox-keys"
        };
        observed.secrets.insert(name.to_owned(), secret);
        let told = valid(&watched, &observed)
            .err()
            .map(|findings| findings.to_string());
        match expected {
            None => assert_eq!(told, None),
            Some(words) => assert!(
                told.as_ref().is_some_and(|told| told.contains(words)),
                "{told:?} lacks {words:?}"
            ),
        }
    }
}

/// A rotation that went wrong rolls nothing: the pods that run have the old value.
#[test]
fn a_value_that_the_server_would_refuse_is_told_by_its_use() {
    let rows: [(&str, &[u8], Option<&str>); 6] = [
        ("openai", b"sk-1\nsk-2", Some("holds line breaks")),
        ("openai", &[0xff; 8], Some("is not text")),
        ("openai", b"change-me", None),
        ("new", &[0xff; 40], Some("is not text")),
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
        let watched = watched(FULL);
        let mut observed = observed(&watched);
        let name = if key == "openai" { "llm" } else { "jwt" };
        let Some(Secret::Found(values)) = observed.secrets.get_mut(name) else {
            panic!("no {name}");
        };
        values.insert(key.to_owned(), crate::observed::Value::new(value.to_vec()));
        let told = valid(&watched, &observed)
            .err()
            .map(|findings| lines(&findings.secrets).join("; "));
        match expected {
            None => assert_eq!(told, None, "{key}"),
            Some(words) => assert!(
                told.as_ref().is_some_and(|told| told.contains(words)),
                "{told:?} lacks {words:?}"
            ),
        }
    }
}

fn found(pairs: &[(&str, &str)]) -> Secret {
    let value = |(key, value): &(&str, &str)| {
        (
            (*key).to_owned(),
            crate::observed::Value::new((*value).into()),
        )
    };
    Secret::Found(pairs.iter().map(value).collect::<BTreeMap<_, _>>())
}

#[test]
fn the_digest_changes_with_the_config_and_with_each_value_that_it_names() {
    let base = digest(FULL, |_| {});
    assert!(base.is_some());
    let changed = [
        digest(&FULL.replace("m-1", "m-2"), |_| {}),
        digest(
            &FULL.replace("drainSeconds: 120", "drainSeconds: 121"),
            |_| {},
        ),
        digest(FULL, |observed| {
            set(observed, "llm", "openai", "another key");
        }),
        digest(FULL, |observed| {
            set(
                observed,
                "jwt",
                "old",
                "another key of more than 32 bytes, long enough",
            );
        }),
        digest(FULL, |observed| {
            set(
                observed,
                "jwt",
                "new",
                "another key of more than 32 bytes, long enough",
            );
        }),
    ];
    for (index, changed) in changed.iter().enumerate() {
        assert_ne!(*changed, base, "{index}");
    }
}

#[test]
fn the_digest_changes_with_nothing_else() {
    let base = digest(FULL, |_| {});
    let same = [
        digest(
            &FULL.replace("name: full,", "name: full, labels: {team: a},"),
            |_| {},
        ),
        digest(&FULL.replace("generation: 7", "generation: 8"), |_| {}),
        digest(&FULL.replace("port: 8000", "port: 8001"), |_| {}),
        digest(&FULL.replace("registry.example", "mirror.example"), |_| {}),
        digest(FULL, |observed| set(observed, "llm", "another", "value")),
        digest(FULL, |observed| {
            set(observed, "unrelated", "openai", "value");
        }),
        digest(FULL, |observed| {
            observed.release_image = "chatbox:9".to_owned();
        }),
    ];
    for (index, same) in same.iter().enumerate() {
        assert_eq!(*same, base, "{index}");
    }
}

#[test]
fn the_first_pods_have_the_digest_of_the_second_look() {
    let watched = watched(QUICKSTART);
    let first = observed_at_first(&watched);
    let second = observed(&watched);
    let digest = |observed: &Observed| valid(&watched, observed).unwrap().digest;
    assert_eq!(digest(&first), digest(&second));
}

#[test]
fn an_unknown_value_gives_no_digest() {
    let unknown =
        |observed: &mut Observed| drop(observed.secrets.insert("llm".to_owned(), Secret::Unknown));
    assert_eq!(digest(FULL, unknown), None);
}

#[test]
fn the_image_that_was_chosen_outlives_a_new_release() {
    let with_image = QUICKSTART.replace("spec:", "spec:\n  image: mine:1");
    let rows = [
        (QUICKSTART, None, "chatbox:0.1.0"),
        (QUICKSTART, Some("chatbox:0.0.9"), "chatbox:0.0.9"),
        (&with_image, Some("chatbox:0.0.9"), "mine:1"),
    ];
    for (yaml, chosen, expected) in rows {
        let watched = watched(yaml);
        let observed = Observed {
            chosen_image: chosen.map(str::to_owned),
            ..observed(&watched)
        };
        assert_eq!(valid(&watched, &observed).unwrap().image, expected);
    }
}

#[test]
fn a_running_config_that_means_the_same_keeps_its_name() {
    let watched = watched(QUICKSTART);
    let wanted = valid(&watched, &observed(&watched)).unwrap();
    let rows = [
        (wanted.config.hash(), "written-by-an-older-release"),
        ("other".to_owned(), wanted.config_map.as_str()),
    ];
    for (config_hash, expected) in rows {
        let running = RunningConfig {
            config_map: "written-by-an-older-release".to_owned(),
            config_hash,
        };
        let observed = Observed {
            running_config: Some(running),
            ..observed(&watched)
        };
        assert_eq!(valid(&watched, &observed).unwrap().config_map, expected);
    }
}
