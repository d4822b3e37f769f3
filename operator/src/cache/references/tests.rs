use crate::fixtures::{FULL, QUICKSTART, watched};

use super::*;

fn key(name: &str) -> NamespacedName {
    NamespacedName {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
    }
}

fn keys(names: &[&str]) -> BTreeSet<NamespacedName> {
    names.iter().map(|name| key(name)).collect()
}

#[test]
fn a_secret_wakes_exactly_those_that_name_it() {
    let mut references = References::default();
    references.observe(&Event::Apply(watched(QUICKSTART)));
    references.observe(&Event::Apply(watched(FULL)));
    assert_eq!(references.naming(&key("llm")), keys(&["full"]));
    assert_eq!(
        references.naming(&key("support-chatbox-keys")),
        keys(&["support"])
    );
    assert_eq!(references.naming(&key("unrelated")), keys(&[]));
    let elsewhere = NamespacedName {
        namespace: "other".to_owned(),
        ..key("llm")
    };
    assert_eq!(references.naming(&elsewhere), keys(&[]));
    assert_eq!(references.all(), keys(&["full", "support"]));
}

#[test]
fn a_reference_that_is_dropped_wakes_no_longer() {
    let mut references = References::default();
    references.observe(&Event::Apply(watched(FULL)));
    let without = FULL
        .replace(", apiKey: {name: llm, key: openai}", "")
        .replace("generation: 7", "generation: 8");
    references.observe(&Event::Apply(watched(&without)));
    assert_eq!(references.naming(&key("llm")), keys(&[]));
    references.observe(&Event::Delete(watched(&without)));
    assert_eq!(references.all(), keys(&[]));
}

#[test]
fn only_a_change_of_the_spec_is_a_reason_to_look() {
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
        let woken = references.observe(&Event::Apply(watched(&yaml)));
        assert_eq!(!woken.is_empty(), expected, "{yaml}");
    }
}

#[test]
fn a_new_list_replaces_what_was_known() {
    let mut references = References::default();
    references.observe(&Event::Apply(watched(FULL)));
    references.observe(&Event::Init);
    assert_eq!(
        references.observe(&Event::InitApply(watched(QUICKSTART))),
        keys(&[])
    );
    assert_eq!(references.observe(&Event::InitDone), keys(&["support"]));
    assert_eq!(references.naming(&key("llm")), keys(&[]));
}

#[test]
fn a_chatbox_that_cannot_be_read_is_looked_at_too() {
    let mut references = References::default();
    let unreadable = watched(&QUICKSTART.replace("storage:", "stock:"));
    assert!(unreadable.spec.is_err());
    assert_eq!(
        references.observe(&Event::Apply(unreadable)),
        keys(&["support"])
    );
}
