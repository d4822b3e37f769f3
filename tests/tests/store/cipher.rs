//! The cipher around a store. The rest of the suite runs below it too; here is what only a cipher must do.

use std::sync::Arc;

use chatbox::chat::{DigestKey, Message, UNREADABLE};
use chatbox::clock;
use chatbox::store::cipher::keyring::Keyring;
use chatbox::store::cipher::survey::{Report, report};
use chatbox::store::cipher::{Encrypted, Pass, accept_plaintext};
use chatbox::store::values::{DIGEST_KEY, Place, Replacement, Value};
use chatbox::store::{Appended, Store};
use jiff::Timestamp;

use crate::fixture::{
    ALL, Fixture, Home, Kind, answer, encrypted, id, in_seconds, keyring, new_run, question,
};
use crate::outbox::entry;
use crate::values::{all, fill};

impl Fixture {
    /// The same below a cipher.
    async fn encrypted(&self, keys: &[&str]) -> Self {
        Self {
            store: Arc::new(self.cipher(keys).await),
            kind: self.kind,
            home: Home::None,
        }
    }

    async fn cipher(&self, keys: &[&str]) -> Encrypted {
        encrypted(Arc::clone(&self.store), keys).await
    }

    async fn refusal(&self, keyring: Keyring) -> String {
        let opened = Encrypted::open(Arc::clone(&self.store), keyring, clock::now()).await;
        format!("{:#}", opened.err().unwrap())
    }

    /// Changes a stored text, as somebody does who can write to the database.
    async fn tamper(&self, value: &Value, new: &str) {
        let replacement = Replacement {
            place: value.place.clone(),
            old: value.text.clone(),
            new: new.to_owned(),
        };
        let replaced = self.store.replace_values(vec![replacement]).await;
        assert_eq!(replaced.unwrap(), 1);
    }

    async fn report(&self, keys: &[&str]) -> Report {
        report(&*self.store, &keyring(keys)).await.unwrap()
    }
}

/// Passes until everything is sealed, as if so much time had gone by as that needs.
async fn settle(cipher: &Encrypted) {
    let mut now = clock::now();
    for _ in 0..10 {
        match cipher.pass(now, 0).await.unwrap() {
            Pass::Settled => return,
            Pass::Again => {}
            Pass::Wait(until) => now = until,
            Pass::Superseded => panic!("there is no other"),
        }
    }
    panic!("it is not settled");
}

fn contents(messages: Vec<Message>) -> Vec<String> {
    messages
        .into_iter()
        .map(|message| message.content)
        .collect()
}

pub(crate) async fn nothing_that_people_write_is_in_the_database(fixture: Fixture) {
    let words = [
        "question",
        "an answer",
        "half an ans",
        "conversation 1",
        "a delivery",
    ];
    let is_told = |value: &Value| words.iter().any(|word| value.text.contains(word));
    fill(&fixture).await;
    let bare = all(&*fixture.store, 1000).await;
    assert!(bare.iter().all(is_told), "or nothing would be proved");

    let fixture = Fixture::new(fixture.kind).await;
    fill(&fixture.encrypted(&["k1"]).await).await;
    let sealed = all(&*fixture.store, 1000).await;
    assert_eq!(sealed.len(), bare.len());
    for value in &sealed {
        assert!(
            !is_told(value) && value.text.starts_with("enc:1:k1:"),
            "{value:?}"
        );
    }
}

pub(crate) async fn a_text_that_cannot_be_read_hides_no_other(fixture: Fixture) {
    let visible = fixture.encrypted(&["k1"]).await;
    fill(&visible).await;
    for value in all(&*fixture.store, 1000).await {
        let is_of_a = match &value.place {
            Place::Content { session, seq, .. } => session == "a" && *seq != 2,
            Place::Name { session }
            | Place::Checkpoint { session, .. }
            | Place::ProviderState { session, .. } => session == "a",
            Place::Payload { .. } => false,
        };
        if is_of_a {
            fixture.tamper(&value, "enc:1:k1:AAAA").await;
        }
    }
    let store = &visible.store;
    let shown = visible.contents("a").await;
    assert_eq!(shown, [UNREADABLE, "second question", UNREADABLE]);
    let shown = visible.contents("b").await;
    assert_eq!(shown, ["first question", "second question", "an answer"]);
    let before = store.messages_before(&id("a"), 3, ALL).await.unwrap();
    assert_eq!(contents(before), [UNREADABLE, "second question"]);
    let mut names: Vec<_> = store.sessions("u", 10).await.unwrap();
    names.sort_by(|one, other| one.id.cmp(&other.id));
    let names: Vec<_> = names.into_iter().map(|session| session.name).collect();
    assert_eq!(names, [UNREADABLE, "first question", "a question"]);
    // The runs end with words for what was lost, and are not begun again.
    let mut left = store.abandoned(in_seconds(3600), 10).await.unwrap();
    left.sort_by(|one, other| one.run.session.cmp(&other.run.session));
    let texts: Vec<_> = left.iter().map(|left| left.text.as_str()).collect();
    assert_eq!(texts, [UNREADABLE, "half an ans", ""]);
    let lost = &left[0].run;
    let claim = store
        .take_over(lost, new_run(in_seconds(60)), in_seconds(3600))
        .await;
    let claim = claim.unwrap().unwrap();
    assert_eq!(claim.question.content, "second question");
    assert_eq!(
        claim.provider_state, None,
        "a conversation of its own begins"
    );
}

/// Deliveries that cannot be read are left out, however many of them are older than the others.
pub(crate) async fn deliveries_behind_unreadable_ones_are_found(fixture: Fixture) {
    let visible = fixture.encrypted(&["k1"]).await;
    visible.ask("s", "q").await;
    let run = visible.claim("s").await.unwrap().run;
    let entries: Vec<_> = ["1", "2", "3", "4", "5"].map(entry).into();
    let stored = visible.store.finish(&run, answer("a"), entries.clone());
    assert!(stored.await.unwrap().is_some());
    for value in all(&*fixture.store, 1000).await {
        if matches!(&value.place, Place::Payload { id, .. } if *id < entries[3].id.to_string()) {
            fixture.tamper(&value, "enc:1:k1:AAAA").await;
        }
    }
    for limit in 1..=6 {
        let found = visible.store.outbox(limit).await.unwrap();
        assert_eq!(found, entries[3..][..limit.min(2)], "{limit}");
    }
}

pub(crate) async fn what_belongs_elsewhere_is_not_shown(fixture: Fixture) {
    let visible = fixture.encrypted(&["k1"]).await;
    for session in ["a", "b"] {
        visible.ask(session, &format!("first of {session}")).await;
        visible.ask(session, &format!("second of {session}")).await;
    }
    let all = all(&*fixture.store, 1000).await;
    let text = |of: &str, at: i64| -> &Value {
        let is_it = |value: &&Value| matches!(&value.place, Place::Content { session, seq, .. } if session == of && *seq == at);
        all.iter().find(is_it).unwrap()
    };
    fixture.tamper(text("a", 1), &text("a", 2).text).await;
    fixture.tamper(text("b", 2), &text("a", 2).text).await;
    let shown = visible.contents("a").await;
    assert_eq!(shown, [UNREADABLE, "second of a"]);
    let shown = visible.contents("b").await;
    assert_eq!(shown, ["first of b", UNREADABLE]);
}

pub(crate) async fn plaintext_is_read_until_all_is_encrypted_and_never_after(fixture: Fixture) {
    let without = fixture.encrypted(&[]).await;
    fill(&without).await;
    without.ask("d", "enc:1:k1:AAAA").await;
    let cipher = fixture.cipher(&["k1"]).await;
    let expected = ["first question", "second question", "an answer"];
    let read =
        async |cipher: &Encrypted| contents(cipher.messages_after(&id("a"), 0, ALL).await.unwrap());
    assert_eq!(read(&cipher).await, expected);
    settle(&cipher).await;
    assert_eq!(read(&cipher).await, expected);
    let typed = cipher.messages_after(&id("d"), 0, ALL).await.unwrap();
    assert_eq!(contents(typed), ["enc:1:k1:AAAA"], "what somebody typed");
    let report = fixture.report(&["k1"]).await;
    assert_eq!((report.survey.not_encrypted, report.left), (0, Vec::new()));

    let values = all(&*fixture.store, 1000).await;
    let first = |value: &&Value| matches!(&value.place, Place::Content { session, seq: 1, .. } if session == "a");
    fixture
        .tamper(values.iter().find(first).unwrap(), "forged")
        .await;
    let refused = [UNREADABLE, "second question", "an answer"];
    assert_eq!(read(&cipher).await, refused);
    let again = fixture.cipher(&["k1"]).await;
    assert_eq!(read(&again).await, refused, "after a restart too");
    let report = fixture.report(&["k1"]).await;
    assert_eq!(report.survey.not_encrypted, 1);

    accept_plaintext(&*fixture.store, &keyring(&["k1"]), clock::now())
        .await
        .unwrap();
    let told = fixture.cipher(&["k1"]).await;
    settle(&told).await;
    assert_eq!(read(&told).await[0], "forged", "an admin has said so");
}

pub(crate) async fn a_new_first_key_takes_over_and_the_old_one_may_go(fixture: Fixture) {
    let old = fixture.cipher(&["k1"]).await;
    settle(&old).await;
    let visible = fixture.encrypted(&["k1"]).await;
    fill(&visible).await;
    let before = visible.contents("a").await;
    // First every process learns the new key, then it writes.
    let learnt = fixture.cipher(&["k1", "k2"]).await;
    settle(&learnt).await;
    let new = fixture.cipher(&["k2", "k1"]).await;
    new.digest_key(DigestKey::random()).await.unwrap();
    let report = fixture.report(&["k2", "k1"]).await;
    assert_eq!(report.removable, [""; 0]);
    assert!(
        report.left[0].contains("are not encrypted with the key \"k2\""),
        "{report:?}"
    );
    let refused = fixture.refusal(keyring(&["k2"])).await;
    assert!(
        refused.contains("the key \"k1\", which the document does not name"),
        "{refused}"
    );

    settle(&new).await;
    let report = fixture.report(&["k2", "k1"]).await;
    assert_eq!(
        (&report.removable[..], report.left),
        (&["k1".to_owned()][..], Vec::new())
    );
    assert_eq!(report.survey.by_key.keys().collect::<Vec<_>>(), ["k2"]);
    let alone = fixture.encrypted(&["k2"]).await;
    assert_eq!(alone.contents("a").await, before);
    alone.store.digest_key(DigestKey::random()).await.unwrap();
}

pub(crate) async fn texts_that_are_written_meanwhile_are_kept(fixture: Fixture) {
    let old = fixture.encrypted(&["k1", "k2"]).await;
    let new = fixture.cipher(&["k2", "k1"]).await;
    let writer = tokio::spawn(async move {
        for index in 0..40 {
            let mut question = question("s", None, &format!("question {index}"));
            question.admission.pending_max = 100;
            old.store.append(question).await.unwrap();
        }
    });
    while !writer.is_finished() {
        // A write that meets one of the other process is left to the next pass.
        let _ = new.pass(clock::now(), 0).await;
    }
    writer.await.unwrap();
    settle(&new).await;
    let expected: Vec<_> = (0..40).map(|index| format!("question {index}")).collect();
    let shown = new.messages_after(&id("s"), 0, ALL).await.unwrap();
    assert_eq!(contents(shown), expected);
    let sealed = all(&*fixture.store, 1000).await;
    assert!(
        sealed
            .iter()
            .all(|value| value.text.starts_with("enc:1:k2:"))
    );
}

/// Two servers of one database begin at the same time.
pub(crate) async fn two_at_once_encrypt_each_text_and_lose_none(fixture: Fixture) {
    let without = fixture.encrypted(&[]).await;
    fill(&without).await;
    let (one, other) = (fixture.cipher(&["k1"]).await, fixture.cipher(&["k1"]).await);
    let now = clock::now();
    let (first, second) = tokio::join!(one.pass(now, 0), other.pass(now, 0));
    // One that comes late finds nothing left.
    let passes = [first.unwrap(), second.unwrap()];
    assert!(passes.contains(&Pass::Again), "{passes:?}");
    settle(&one).await;
    settle(&other).await;
    let expected = ["first question", "second question", "an answer"];
    for cipher in [&one, &other] {
        let shown = cipher.messages_after(&id("a"), 0, ALL).await.unwrap();
        assert_eq!(contents(shown), expected);
    }
    let report = fixture.report(&["k1"]).await;
    assert_eq!(
        (report.survey.not_encrypted, report.survey.unreadable),
        (0, 0)
    );
}

pub(crate) async fn keys_that_are_not_those_of_the_database_are_refused(fixture: Fixture) {
    let visible = fixture.encrypted(&["k1"]).await;
    visible.ask("s", "q").await;
    for (keys, words) in [
        (
            Keyring::new([("k1", [7; 32])]),
            "the encryption key \"k1\" (\"k1\") is not the key that this database knows by that id",
        ),
        (
            Keyring::new([("k2", [7; 32])]),
            "the key \"k1\", which the document does not name",
        ),
        (
            Keyring::new([]),
            "the database is encrypted (keys: k1), and the document names no key",
        ),
    ] {
        let refused = fixture.refusal(keys).await;
        assert!(refused.contains(words), "{refused}");
    }
    // A key that never wrote proves itself too: the second start finds another value.
    fixture.cipher(&["k1", "k2"]).await;
    let mut wrong = vec![("k2", [7; 32])];
    wrong.insert(0, ("k1", key("k1")));
    let refused = fixture.refusal(Keyring::new(wrong)).await;
    assert!(refused.contains("the encryption key \"k2\""), "{refused}");
    assert_eq!(
        visible.contents("s").await,
        ["q"],
        "nothing was lost by that"
    );
}

pub(crate) async fn a_database_that_lost_its_record_is_refused(fixture: Fixture) {
    let other = Fixture::new(fixture.kind).await;
    other.encrypted(&["k1"]).await.ask("s", "q").await;
    let sealed = all(&*other.store, 1000).await;
    fixture.ask("s", "q").await;
    for value in all(&*fixture.store, 1000).await {
        fixture.tamper(&value, &sealed[0].text).await;
    }
    let refused = fixture.refusal(keyring(&["k1"])).await;
    assert!(
        refused.contains("its record of the keys is gone"),
        "{refused}"
    );
}

pub(crate) async fn the_same_message_is_recognised_after_encryption_was_switched_on(
    fixture: Fixture,
) {
    let key = fixture.store.digest_key(DigestKey::random()).await.unwrap();
    let ask = || {
        let mut question = question("s", Some("c"), "q");
        question.admission.digest = key.digest("q");
        question
    };
    fixture.store.append(ask()).await.unwrap();
    let cipher = fixture.cipher(&["k1"]).await;
    let kept = cipher.digest_key(DigestKey::random()).await.unwrap();
    assert!(kept == key);
    let again = cipher.append(ask()).await.unwrap();
    assert!(matches!(again, Appended::Duplicate(_)));
    let stored = fixture.store.record(DIGEST_KEY).await.unwrap().unwrap();
    assert!(
        stored.starts_with(b"enc:1:k1:"),
        "without the key nobody can try texts"
    );
    let rotated = fixture.cipher(&["k2", "k1"]).await;
    assert!(rotated.digest_key(DigestKey::random()).await.unwrap() == key);
    let stored = fixture.store.record(DIGEST_KEY).await.unwrap().unwrap();
    assert!(stored.starts_with(b"enc:1:k2:"));
}

/// Nobody claims to be done while another process of the database may still write as it did before.
pub(crate) async fn other_processes_are_given_time(fixture: Fixture) {
    let cipher = fixture.cipher(&["k1", "k2"]).await;
    let now = clock::now();
    let first = cipher.pass(now, 0).await.unwrap();
    if fixture.kind == Kind::Sqlite {
        assert_eq!(first, Pass::Settled, "there is no other process");
        return;
    }
    let Pass::Wait(until) = first else {
        panic!("{first:?}");
    };
    assert!(until > now);
    // An older process, whose document has no key.
    fixture.ask("s", "plain").await;
    assert_eq!(cipher.pass(until, 0).await.unwrap(), Pass::Again);
    assert_eq!(cipher.pass(until, 0).await.unwrap(), Pass::Settled);
    let shown = cipher.messages_after(&id("s"), 0, ALL).await.unwrap();
    assert_eq!(contents(shown), ["plain"]);
    // One that starts with another first key begins anew.
    let other = fixture.cipher(&["k2", "k1"]).await;
    assert!(matches!(other.pass(now, 0).await.unwrap(), Pass::Again));
    let waits = other.pass(now, 0).await.unwrap();
    assert!(
        matches!(waits, Pass::Wait(until) if until > now),
        "{waits:?}"
    );
    let older = cipher.pass(Timestamp::MAX, 0).await.unwrap();
    assert_eq!(
        older,
        Pass::Superseded,
        "or they would undo each other's work"
    );
}

fn key(id: &str) -> [u8; 32] {
    *DigestKey::from_bytes([9; 32]).digest(id).as_bytes()
}
