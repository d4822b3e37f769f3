//! Deliveries that must not be forgotten.

use chatbox::chat::MessageId;
use chatbox::store::OutboxEntry;

use crate::fixture::{Fixture, answer, id};

pub(crate) fn entry(payload: &str) -> OutboxEntry {
    OutboxEntry {
        id: MessageId::new(),
        session: id("s"),
        payload: payload.to_owned(),
    }
}

pub(crate) async fn entries_are_stored_with_the_answer_or_not_at_all(fixture: Fixture) {
    let store = &fixture.store;
    fixture.ask("s", "q").await;
    let run = fixture.claim("s").await.unwrap().run;
    let entries = vec![entry("one"), entry("two")];
    let stored = store.finish(&run, answer("a"), entries.clone()).await;
    assert!(stored.unwrap().is_some());
    let late = store
        .finish(&run, answer("late"), vec![entry("three")])
        .await;
    assert!(late.unwrap().is_none());
    assert_eq!(store.outbox(10).await.unwrap(), entries);
    assert_eq!(store.outbox(1).await.unwrap(), entries[..1]);
    for _ in 0..2 {
        store.remove_from_outbox(entries[0].id).await.unwrap();
        assert_eq!(store.outbox(10).await.unwrap(), entries[1..]);
    }
}
