//! Questions and what is read of them.

use std::sync::Arc;

use chatbox::chat::{DigestKey, Message, Rejection};
use chatbox::store::{Appended, Page, Question, Store};
use jiff::Timestamp;

use crate::fixture::{ALL, Fixture, HasMessage, answer, at_most, id, question};

fn seqs(messages: &[Message]) -> Vec<i64> {
    messages.iter().map(|message| message.seq).collect()
}

async fn rejection(store: &Arc<dyn Store>, question: Question) -> Rejection {
    match store.append(question).await.unwrap() {
        Appended::Rejected(rejection) => rejection,
        other => panic!("not rejected: {other:?}"),
    }
}

pub(crate) async fn are_numbered_without_a_gap(fixture: Fixture) {
    let writes = (0..50).map(|index| {
        let store = Arc::clone(&fixture.store);
        let mut question = question("s", Some(&index.to_string()), "q");
        question.admission.pending_max = 100;
        tokio::spawn(async move { store.append(question).await.unwrap().message().seq })
    });
    let mut numbers = Vec::new();
    for write in writes.collect::<Vec<_>>() {
        numbers.push(write.await.unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=50).collect::<Vec<_>>());
    let stored = fixture
        .store
        .messages_after(&id("s"), 0, ALL)
        .await
        .unwrap();
    assert_eq!(seqs(&stored), numbers);
}

pub(crate) async fn a_client_id_stores_once(fixture: Fixture) {
    let store = &fixture.store;
    let first = store.append(question("s", Some("c"), "q")).await.unwrap();
    let again = store.append(question("s", Some("c"), "q")).await.unwrap();
    assert!(matches!(first, Appended::Stored { .. }));
    assert!(matches!(again, Appended::Duplicate(_)));
    assert_eq!(first.message(), again.message());
    let other = question("s", Some("c"), "other");
    assert_eq!(rejection(store, other).await, Rejection::ClientIdReused);
    for new in [
        question("t", Some("c"), "q"),
        question("s", None, "q"),
        question("s", None, "q"),
    ] {
        let stored = store.append(new).await.unwrap();
        assert!(matches!(stored, Appended::Stored { .. }));
    }
}

pub(crate) async fn a_session_belongs_to_its_first_user(fixture: Fixture) {
    let store = &fixture.store;
    fixture.ask("s", "Hello. Me").await;
    let mut foreign = question("s", None, "q");
    foreign.admission.author.user = "v".to_owned();
    assert_eq!(rejection(store, foreign).await, Rejection::NotPermitted);
    let session = store.session(&id("s")).await.unwrap().unwrap();
    assert_eq!(
        (session.user.as_str(), session.name.as_str(), session.seq),
        ("u", "Hello.", 1)
    );
    assert_eq!(store.session(&id("none")).await.unwrap(), None);
    assert_eq!(store.sessions("v", 10).await.unwrap(), []);
}

pub(crate) async fn so_many_questions_may_wait(fixture: Fixture) {
    let store = &fixture.store;
    store.append(question("s", Some("c"), "q")).await.unwrap();
    for _ in 0..2 {
        fixture.ask("s", "q").await;
    }
    let more = question("s", None, "q");
    assert_eq!(
        rejection(store, more.clone()).await,
        Rejection::TooManyPending
    );
    let known = store.append(question("s", Some("c"), "q")).await.unwrap();
    assert!(
        matches!(known, Appended::Duplicate(_)),
        "it is stored already"
    );
    let run = fixture.claim("s").await.unwrap().run;
    assert_eq!(
        rejection(store, more.clone()).await,
        Rejection::TooManyPending,
        "the one being answered waits too"
    );
    store.finish(&run, answer("a"), Vec::new()).await.unwrap();
    assert!(matches!(
        store.append(more).await.unwrap(),
        Appended::Stored { .. }
    ));
}

pub(crate) async fn pages_and_lists(fixture: Fixture) {
    let store = &fixture.store;
    for index in 1..=5_i64 {
        let mut first = question("s", None, "q");
        first.at = Timestamp::from_second(index).unwrap();
        first.admission.pending_max = 9;
        store.append(first).await.unwrap();
        let mut other = question(&format!("s{index}"), None, "q");
        other.at = Timestamp::from_second(10 - index).unwrap();
        store.append(other).await.unwrap();
    }
    let session = id("s");
    let after = store.messages_after(&session, 2, at_most(2)).await.unwrap();
    assert_eq!(seqs(&after), [3, 4]);
    let newest = store.messages_before(&session, i64::MAX, at_most(2)).await;
    assert_eq!(seqs(&newest.unwrap()), [4, 5]);
    let before = store.messages_before(&session, 3, ALL).await.unwrap();
    assert_eq!(seqs(&before), [1, 2]);
    let sessions = store.sessions("u", 3).await.unwrap();
    let ids: Vec<_> = sessions.iter().map(|session| session.id.as_str()).collect();
    assert_eq!(ids, ["s1", "s2", "s3"], "the newest message first");
}

pub(crate) async fn a_page_has_an_end_in_bytes_and_at_least_one_message(fixture: Fixture) {
    let store = &fixture.store;
    for text in ["aaaa", "bbbb", "cccc"] {
        fixture.ask("s", text).await;
    }
    // A cipher adds to what is stored of each, and nobody should notice.
    for (bytes, after, before) in [
        (0, "aaaa", "cccc"),
        (4, "aaaa", "cccc"),
        (11, "aaaabbbb", "bbbbcccc"),
        (12, "aaaabbbbcccc", "aaaabbbbcccc"),
    ] {
        let page = Page {
            messages: 10,
            bytes,
        };
        let text = |messages: Vec<Message>| {
            messages
                .into_iter()
                .map(|message| message.content)
                .collect::<String>()
        };
        let session = id("s");
        let found = store.messages_after(&session, 0, page).await.unwrap();
        assert_eq!(text(found), after, "{bytes}");
        let found = store
            .messages_before(&session, i64::MAX, page)
            .await
            .unwrap();
        assert_eq!(text(found), before, "{bytes}");
    }
}

pub(crate) async fn what_was_stored_is_there_after_a_restart(fixture: Fixture) {
    let message = fixture.ask("s", "größe 😀").await;
    let fixture = fixture.restart().await;
    let stored = fixture
        .store
        .messages_after(&id("s"), 0, ALL)
        .await
        .unwrap();
    assert_eq!(stored, [message]);
}

pub(crate) async fn the_digest_key_is_made_once(fixture: Fixture) {
    let first = fixture.store.digest_key(DigestKey::random()).await.unwrap();
    let second = fixture.store.digest_key(DigestKey::random()).await.unwrap();
    assert!(first == second);
    let fixture = fixture.restart().await;
    let third = fixture.store.digest_key(DigestKey::random()).await.unwrap();
    assert!(first == third);
}
