use crate::fixtures::{
    FULL, QUICKSTART, chatbox, observed, observed_at_first, resolve, secrets, set, validate,
};
use crate::observed::RunningConfig;
use crate::secrets::Secret;

use super::{Findings, Observed, Problem};

fn lines(problems: &[Problem]) -> Vec<String> {
    problems.iter().map(Problem::to_string).collect()
}

fn config_hash(yaml: &str, change: impl FnOnce(&mut Observed)) -> Option<String> {
    let chatbox = chatbox(yaml);
    let mut observed = observed(&chatbox);
    change(&mut observed);
    validate(&chatbox, &observed).unwrap().config_hash
}

#[test]
fn every_error_is_reported_at_once_with_its_field() {
    let yaml = FULL
        .replace("model: m-1", "model: m-1, baseUrl: 'https://u:p@x'")
        .replace("memory: 2048Mi", "memory: lots");
    let chatbox = chatbox(&yaml);
    let mut secrets = secrets(&chatbox);
    secrets.insert("llm".to_owned(), Secret::Missing);
    let observed = Observed {
        secrets: resolve(&chatbox, &secrets),
        ..observed(&chatbox)
    };
    let Findings { config, secrets } = validate(&chatbox, &observed).unwrap_err();
    assert_eq!(
        lines(&config),
        [
            "spec.config.models[0].openai.baseUrl: holds credentials; put them into a secret and name it in apiKey",
            "spec.resources.limits.memory: \"lots\" is not in the form that this operator takes: a whole number, or one with at most three decimals \
             behind a digit, and a unit behind it, as in 63m, 0.5, 256Mi or 1Gi",
        ]
    );
    assert_eq!(
        lines(&secrets),
        [
            "spec.config.models[0].openai.apiKey: secret \"llm\" does not exist; create it with key \"openai\""
        ]
    );
}

#[test]
fn the_config_hash_changes_with_the_config_and_the_secrets() {
    let base = config_hash(FULL, |_| {});
    assert!(base.is_some());
    let rotated = || {
        let chatbox = chatbox(FULL);
        let mut secrets = secrets(&chatbox);
        set(&mut secrets, "llm", "openai", b"another key");
        resolve(&chatbox, &secrets)
    };
    let changed = [
        config_hash(&FULL.replace("m-1", "m-2"), |_| {}),
        config_hash(
            &FULL.replace("drainSeconds: 120", "drainSeconds: 121"),
            |_| {},
        ),
        config_hash(FULL, |observed| observed.secrets = rotated()),
    ];
    for (index, changed) in changed.iter().enumerate() {
        assert!(changed.is_some());
        assert_ne!(*changed, base, "{index}");
    }
}

#[test]
fn the_config_hash_changes_with_nothing_else() {
    let base = config_hash(FULL, |_| {});
    let same = [
        config_hash(
            &FULL.replace("name: full,", "name: full, labels: {team: a},"),
            |_| {},
        ),
        config_hash(&FULL.replace("generation: 7", "generation: 8"), |_| {}),
        config_hash(&FULL.replace("port: 8000", "port: 8001"), |_| {}),
        config_hash(&FULL.replace("registry.example", "mirror.example"), |_| {}),
        config_hash(FULL, |observed| {
            observed.release_image = "chatbox:9".to_owned();
        }),
    ];
    for (index, same) in same.iter().enumerate() {
        assert_eq!(*same, base, "{index}");
    }
}

#[test]
fn the_first_pods_have_the_config_hash_of_the_second_reconcile() {
    let chatbox = chatbox(QUICKSTART);
    let hash = |observed: &Observed| validate(&chatbox, observed).unwrap().config_hash;
    let first = hash(&observed_at_first(&chatbox));
    assert!(first.is_some());
    assert_eq!(first, hash(&observed(&chatbox)));
}

#[test]
fn the_chosen_image_outlives_a_new_release() {
    let with_image = QUICKSTART.replace("spec:", "spec:\n  image: mine:1");
    let old = Some("chatbox:0.0.9");
    let rows = [
        (QUICKSTART, None, "chatbox:0.1.0", Some("chatbox:0.1.0")),
        (QUICKSTART, old, "chatbox:0.0.9", old),
        // What the spec names is no choice of the operator, and leaves that in place.
        (&with_image, old, "mine:1", old),
        (&with_image, None, "mine:1", None),
    ];
    for (yaml, chosen, expected, kept) in rows {
        let chatbox = chatbox(yaml);
        let observed = Observed {
            chosen_image: chosen.map(str::to_owned),
            ..observed(&chatbox)
        };
        let validated = validate(&chatbox, &observed).unwrap();
        assert_eq!(validated.image, expected);
        assert_eq!(validated.chosen_image.as_deref(), kept);
    }
}

#[test]
fn a_running_config_of_the_same_meaning_keeps_its_name() {
    let chatbox = chatbox(QUICKSTART);
    let validated = validate(&chatbox, &observed(&chatbox)).unwrap();
    let rows = [
        (validated.config.hash(), "written-by-an-older-release"),
        ("other".to_owned(), validated.config_map.as_str()),
    ];
    for (hash, expected) in rows {
        let running = RunningConfig {
            config_map: "written-by-an-older-release".to_owned(),
            hash,
        };
        let observed = Observed {
            running_config: Some(running),
            ..observed(&chatbox)
        };
        assert_eq!(validate(&chatbox, &observed).unwrap().config_map, expected);
    }
}

#[test]
fn findings_are_listed_on_one_line() {
    let findings = Findings {
        config: vec![
            Problem::new("spec.a", "is wrong"),
            Problem::new("spec.b", "is too"),
        ],
        secrets: vec![Problem::new("spec.c", "is missing")],
    };
    assert_eq!(
        findings.to_string(),
        "spec.a: is wrong; spec.b: is too; spec.c: is missing"
    );
}
