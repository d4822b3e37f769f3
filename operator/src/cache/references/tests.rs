use std::sync::LazyLock;

use crate::fixtures::{FULL, QUICKSTART, chatbox, key};

use super::*;

fn keys(names: &[&str]) -> BTreeSet<NamespacedName> {
    names.iter().map(|name| key(name)).collect()
}

fn read(name: &str, version: u64) -> SecretVersion {
    super::version(&secret(name, version))
}

fn secret(name: &str, version: u64) -> Stored {
    Stored {
        namespaced_name: key(name),
        uid: format!("uid of {name}"),
        version,
    }
}

/// The Chatboxes that a new version of a Secret triggers.
fn triggered(references: &mut References, name: &str, version: u64) -> BTreeSet<NamespacedName> {
    references.observe_secret(&Event::Apply(secret(name, version)))
}

fn both() -> References {
    let mut references = References::default();
    references.observe_chatbox(&Event::Apply(chatbox(QUICKSTART)));
    references.observe_chatbox(&Event::Apply(chatbox(FULL)));
    references
}

#[test]
fn a_secret_triggers_exactly_those_that_reference_it() {
    let mut references = both();
    assert_eq!(triggered(&mut references, "llm", 1), keys(&["full"]));
    let generated = "support-chatbox-keys";
    assert_eq!(triggered(&mut references, generated, 1), keys(&["support"]));
    assert_eq!(triggered(&mut references, "unrelated", 1), keys(&[]));
    let mut elsewhere = secret("llm", 2);
    elsewhere.namespaced_name.namespace = "other".to_owned();
    let event = Event::Apply(elsewhere);
    assert_eq!(references.observe_secret(&event), keys(&[]));
    assert_eq!(references.chatboxes(), keys(&["full", "support"]));
}

#[test]
fn a_version_triggers_once() {
    let mut references = both();
    for (version, expected) in [(1, &["full"][..]), (1, &[]), (2, &["full"])] {
        assert_eq!(triggered(&mut references, "llm", version), keys(expected));
    }
    let deleted = || Event::Delete(secret("llm", 3));
    assert_eq!(references.observe_secret(&deleted()), keys(&["full"]));
    assert_eq!(references.observe_secret(&deleted()), keys(&[]));
}

#[test]
fn a_secret_that_a_list_lacks_is_deleted() {
    let mut references = both();
    for name in ["llm", "jwt", "support-chatbox-keys"] {
        triggered(&mut references, name, 1);
    }
    references.observe_secret(&Event::Init);
    for name in ["jwt", "support-chatbox-keys"] {
        let event = Event::InitApply(secret(name, 1));
        assert_eq!(references.observe_secret(&event), keys(&[]));
    }
    let event = Event::InitDone;
    assert_eq!(references.observe_secret(&event), keys(&["full"]));
}

#[test]
fn a_list_says_nothing_of_a_secret_that_is_referenced_after_its_page() {
    let mut references = References::default();
    references.observe_secret(&Event::Init);
    for name in ["jwt", "llm"] {
        references.observe_secret(&Event::InitApply(secret(name, 1)));
    }
    references.observe_chatbox(&Event::Apply(chatbox(FULL)));
    remember(&mut references, read("llm", 1));
    let event = Event::InitDone;
    assert_eq!(references.observe_secret(&event), keys(&[]));
    assert!(is_known(&references));
    let event = Event::Delete(secret("llm", 2));
    assert_eq!(references.observe_secret(&event), keys(&["full"]));
    assert!(!is_known(&references));
}

#[test]
fn a_reference_that_is_dropped_triggers_no_longer() {
    let mut references = both();
    let without = FULL
        .replace(", apiKey: {name: llm, key: openai}", "")
        .replace("generation: 7", "generation: 8");
    references.observe_chatbox(&Event::Apply(chatbox(&without)));
    assert_eq!(triggered(&mut references, "llm", 1), keys(&[]));
    references.observe_chatbox(&Event::Delete(chatbox(&without)));
    assert_eq!(references.chatboxes(), keys(&["support"]));
}

#[test]
fn only_a_change_of_the_spec_is_a_change() {
    let mut references = References::default();
    let rows = [
        (QUICKSTART.to_owned(), true),
        (QUICKSTART.to_owned(), false),
        (QUICKSTART.replace("uid:", "labels: {a: b}, uid:"), false),
        (
            format!("{QUICKSTART}\nstatus: {{observedGeneration: 1}}"),
            false,
        ),
        (QUICKSTART.replace("generation: 1", "generation: 2"), true),
        (QUICKSTART.replace("u-1", "u-3"), true),
        (
            QUICKSTART.replace("u-1", "u-3, deletionTimestamp: '2026-01-01T00:00:00Z'"),
            true,
        ),
    ];
    for (yaml, expected) in rows {
        let changed = references.observe_chatbox(&Event::Apply(chatbox(&yaml)));
        assert_eq!(!changed.is_empty(), expected, "{yaml}");
    }
}

#[test]
fn a_new_list_replaces_what_was_known() {
    let mut references = References::default();
    references.observe_chatbox(&Event::Apply(chatbox(FULL)));
    references.observe_chatbox(&Event::Init);
    let event = Event::InitApply(chatbox(QUICKSTART));
    assert_eq!(references.observe_chatbox(&event), keys(&[]));
    let event = Event::InitDone;
    assert_eq!(references.observe_chatbox(&event), keys(&["support"]));
    assert_eq!(references.uids(), HashSet::from(["u-1".to_owned()]));
    assert_eq!(triggered(&mut references, "llm", 1), keys(&[]));
}

#[test]
fn an_unreadable_chatbox_is_reconciled_too() {
    let mut references = References::default();
    let unreadable = chatbox(&QUICKSTART.replace("storage:", "stock:"));
    assert!(unreadable.spec.is_err());
    let changed = references.observe_chatbox(&Event::Apply(unreadable));
    assert_eq!(changed, keys(&["support"]));
}

fn full() -> (Stored, Option<i64>) {
    let chatbox = chatbox(FULL);
    (chatbox.stored().unwrap(), chatbox.metadata.generation)
}

fn remember(references: &mut References, llm: impl Into<Version>) {
    let (full, generation) = full();
    let resolution = Resolution {
        versions: BTreeMap::from([
            ("jwt".to_owned(), Some(read("jwt", 4))),
            ("llm".to_owned(), llm.into()),
        ]),
        secrets: ResolvedSecrets::default(),
        generated: Vec::new(),
    };
    references.remember(&full, generation, resolution, start());
}

fn is_known(references: &References) -> bool {
    is_known_after(references, Duration::ZERO)
}

fn is_known_after(references: &References, age: Duration) -> bool {
    let (full, generation) = full();
    let resolution = references.resolution(&full, generation, start() + age);
    resolution.is_some()
}

/// The instant at which the Secrets are read in all tests.
fn start() -> Instant {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    *START
}

#[test]
fn a_resolution_holds_until_the_watch_reports_another_version() {
    let apply = |version| Event::Apply(secret("llm", version));
    let successor = || {
        let uid = "another".to_owned();
        Event::Apply(Stored {
            uid,
            ..secret("llm", 4)
        })
    };
    let delete = || Event::Delete(secret("llm", 9));
    let five = || Some(read("llm", 5));
    let rows = [
        ("nothing reported", five(), vec![], true),
        ("the same version", five(), vec![apply(5)], true),
        ("the watch is behind", five(), vec![apply(4)], true),
        ("a newer version", five(), vec![apply(6)], false),
        ("another of the same name", five(), vec![successor()], false),
        ("deleted", five(), vec![delete()], false),
        ("missing", None, vec![], true),
        ("missing, and reported so", None, vec![delete()], true),
        ("created", None, vec![apply(6)], false),
        (
            "another Secret",
            five(),
            vec![Event::Apply(secret("jwt", 7))],
            false,
        ),
        (
            "an unrelated Secret",
            five(),
            vec![Event::Apply(secret("x", 7))],
            true,
        ),
    ];
    for (what, version, events, expected) in rows {
        for reported_before in [true, false] {
            let mut references = both();
            if !reported_before {
                remember(&mut references, version.clone());
            }
            for event in &events {
                references.observe_secret(event);
            }
            if reported_before {
                remember(&mut references, version.clone());
            }
            assert_eq!(is_known(&references), expected, "{what}, {reported_before}");
        }
    }
}

#[test]
fn a_resolution_ends_with_the_spec_that_it_was_computed_for() {
    let edited = FULL.replace("generation: 7", "generation: 8");
    let recreated = FULL.replace("u-2", "u-3");
    for yaml in [edited, recreated] {
        let mut references = both();
        remember(&mut references, read("llm", 5));
        references.observe_chatbox(&Event::Apply(chatbox(FULL)));
        assert!(is_known(&references));
        references.observe_chatbox(&Event::Apply(chatbox(&yaml)));
        assert!(!is_known(&references), "{yaml}");
        remember(&mut references, read("llm", 5));
        assert!(!is_known(&references), "it is of an older spec: {yaml}");
    }
}

#[test]
fn a_resolution_ends_with_our_own_write() {
    let mut references = both();
    remember(&mut references, read("llm", 5));
    references.forget_resolution(&key("full"));
    assert!(!is_known(&references));
}

#[test]
fn a_resolution_ends_with_its_age() {
    let mut references = both();
    remember(&mut references, read("llm", 5));
    let rows = [
        (MAX_AGE.saturating_sub(Duration::from_nanos(1)), true),
        (MAX_AGE, false),
    ];
    for (age, expected) in rows {
        assert_eq!(is_known_after(&references, age), expected, "{age:?}");
    }
}

#[test]
fn a_resolution_outlives_a_new_list_of_chatboxes() {
    let mut references = both();
    remember(&mut references, read("llm", 5));
    references.observe_chatbox(&Event::Init);
    references.observe_chatbox(&Event::InitApply(chatbox(FULL)));
    references.observe_chatbox(&Event::InitDone);
    assert!(is_known(&references));
}

/// The cluster is restored from a backup: the list shows versions that are lower than those that were seen.
#[test]
fn a_resolution_ends_when_versions_go_back() {
    let list = |references: &mut References, version: &str| {
        references.observe_chatbox(&Event::Init);
        let restored = FULL.replace(
            "resourceVersion: '2'",
            &format!("resourceVersion: '{version}'"),
        );
        references.observe_chatbox(&Event::InitApply(chatbox(&restored)));
        references.observe_chatbox(&Event::InitDone);
    };
    let known = || {
        let mut references = both();
        triggered(&mut references, "llm", 5);
        remember(&mut references, read("llm", 5));
        references
    };
    let mut secret_restored = known();
    secret_restored.observe_secret(&Event::Init);
    let event = Event::InitApply(secret("llm", 3));
    assert_eq!(secret_restored.observe_secret(&event), keys(&["full"]));
    assert!(!is_known(&secret_restored));
    let mut chatbox_restored = known();
    list(&mut chatbox_restored, "2");
    assert!(is_known(&chatbox_restored));
    list(&mut chatbox_restored, "1");
    assert!(!is_known(&chatbox_restored));
}
