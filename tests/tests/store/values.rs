//! Texts one by one, as a cipher needs them.

use std::collections::BTreeMap;

use chatbox::store::values::{Place, Replacement, Value};
use chatbox::store::{Answer, OutboxEntry, Store};

use crate::fixture::{Fixture, answer, id};

/// A text of each kind, and more than one of most.
pub(crate) async fn fill(fixture: &Fixture) {
    for session in ["b", "a"] {
        for content in ["first question", "second question"] {
            fixture.ask(session, content).await;
        }
        let run = fixture.claim(session).await.unwrap().run;
        let answer = Answer {
            provider_state: Some("conversation 1".to_owned()),
            ..answer("an answer")
        };
        let entry = OutboxEntry {
            session: id(session),
            ..crate::outbox::entry("a delivery")
        };
        let stored = fixture.store.finish(&run, answer, vec![entry]).await;
        assert!(stored.unwrap().is_some());
        let run = fixture.claim(session).await.unwrap().run;
        let kept = fixture.store.begin_answer(&run, "half an ans".to_owned());
        assert!(kept.await.unwrap());
    }
    // Its run has said nothing yet, so there is no checkpoint.
    fixture.ask("c", "a question").await;
    fixture.claim("c").await.unwrap();
}

/// Every text, in pages of `limit`.
pub(crate) async fn all(store: &dyn Store, limit: usize) -> Vec<Value> {
    let mut all: Vec<Value> = Vec::new();
    loop {
        let after = all.last().map(|value| value.place.clone());
        let page = store.values(after.as_ref(), limit).await.unwrap();
        assert!(page.len() <= limit);
        if page.is_empty() {
            return all;
        }
        all.extend(page);
    }
}

pub(crate) async fn every_text_is_found_once_with_its_place(fixture: Fixture) {
    fill(&fixture).await;
    let found = all(&*fixture.store, 1000).await;
    let mut kinds = BTreeMap::new();
    for value in &found {
        let kind = match &value.place {
            Place::Name { .. } => "name",
            Place::Content { .. } => "content",
            Place::Checkpoint { question, .. } => {
                assert_eq!(*question, 2);
                "checkpoint"
            }
            Place::ProviderState { model, .. } => {
                assert_eq!(model, "m");
                "provider state"
            }
            Place::Payload { .. } => "payload",
        };
        *kinds.entry(kind).or_insert(0) += 1;
    }
    let expected = [
        ("checkpoint", 2),
        ("content", 7),
        ("name", 3),
        ("payload", 2),
        ("provider state", 2),
    ];
    assert_eq!(kinds, BTreeMap::from(expected));
    for limit in [1, 2, 3] {
        assert_eq!(all(&*fixture.store, limit).await, found, "{limit}");
    }
}

pub(crate) async fn a_text_is_replaced_only_while_it_is_the_old_one(fixture: Fixture) {
    fill(&fixture).await;
    let store = &fixture.store;
    let found = all(&**store, 1000).await;
    let replace = |old: &dyn Fn(&Value) -> String, new: &str| -> Vec<Replacement> {
        let one = |value: &Value| Replacement {
            place: value.place.clone(),
            old: old(value),
            new: format!("{new} {}", value.text),
        };
        found.iter().map(one).collect()
    };
    let late = replace(&|value| format!("{} was changed", value.text), "never");
    assert_eq!(store.replace_values(late).await.unwrap(), 0);
    assert_eq!(all(&**store, 1000).await, found);
    let in_time = replace(&|value| value.text.clone(), "new");
    let replaced = store.replace_values(in_time).await.unwrap();
    assert_eq!(replaced, found.len());
    for (new, old) in all(&**store, 1000).await.iter().zip(&found) {
        assert_eq!(new.place, old.place);
        assert_eq!(new.text, format!("new {}", old.text));
    }
    let head = store.session(&id("a")).await.unwrap().unwrap();
    assert_eq!(head.seq, 3, "nothing else has changed");
}

pub(crate) async fn a_record_is_replaced_only_while_it_is_the_old_one(fixture: Fixture) {
    let store = &fixture.store;
    let name = "a record of a test";
    let bytes = |text: &str| text.as_bytes().to_vec();
    assert_eq!(store.record(name).await.unwrap(), None);
    for (old, new, expected, kept) in [
        (Some("x"), "one", false, None),
        (None, "one", true, Some("one")),
        (None, "two", false, Some("one")),
        (Some("two"), "three", false, Some("one")),
        (Some("one"), "two", true, Some("two")),
    ] {
        let replaced = store.replace_record(name, old.map(bytes), bytes(new)).await;
        assert_eq!(replaced.unwrap(), expected, "{old:?} {new}");
        assert_eq!(store.record(name).await.unwrap(), kept.map(bytes));
    }
    let fixture = fixture.restart().await;
    let kept = fixture.store.record(name).await.unwrap();
    assert_eq!(kept, Some(bytes("two")));
}
