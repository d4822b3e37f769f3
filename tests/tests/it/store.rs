//! What every storage must do. Each test runs on each of them.

use std::sync::Arc;

use chatbox::chat::{MessageId, RunId, Sender, SessionId, Status};
use chatbox::clock;
use chatbox::store::sqlite::Sqlite;
use chatbox::store::{Answer, AppendError, Claim, NewRun, Page, Question, Store};
use jiff::Timestamp;
use tempfile::TempDir;

struct Fixture {
    store: Arc<dyn Store>,
    _home: TempDir,
}

fn sqlite() -> Fixture {
    let home = tempfile::tempdir().unwrap();
    Fixture {
        store: Arc::new(Sqlite::open(home.path()).unwrap()),
        _home: home,
    }
}

const ALL: Page = at_most(100);

const fn at_most(messages: usize) -> Page {
    Page {
        messages,
        bytes: usize::MAX,
    }
}

fn session(id: &str) -> SessionId {
    SessionId::parse(id).unwrap()
}

fn question(id: &str, client_id: Option<&str>, content: &str) -> Question {
    Question {
        id: MessageId::new(),
        session: session(id),
        user: "u".to_owned(),
        client_id: client_id.map(ToOwned::to_owned),
        content: content.to_owned(),
        at: clock::now(),
        pending_max: 3,
    }
}

fn answer(content: &str) -> Answer {
    Answer {
        id: MessageId::new(),
        content: content.to_owned(),
        status: Status::Complete,
        at: clock::now(),
        tokens: 3,
        took_ms: 20,
    }
}

async fn claim(store: &Arc<dyn Store>, id: &str) -> Option<Claim> {
    let run = NewRun {
        id: RunId::new(),
        model: "m".to_owned(),
    };
    store.claim(&session(id), run).await.unwrap()
}

#[tokio::test]
async fn messages_are_numbered_without_a_gap() {
    let Fixture { store, _home } = sqlite();
    let writes = (0..50).map(|index| {
        let (store, mut question) = (
            Arc::clone(&store),
            question("s", Some(&index.to_string()), "q"),
        );
        question.pending_max = 100;
        tokio::spawn(async move { store.append(question).await.unwrap().message.seq })
    });
    let mut seqs = Vec::new();
    for write in writes.collect::<Vec<_>>() {
        seqs.push(write.await.unwrap());
    }
    seqs.sort_unstable();
    assert_eq!(seqs, (1..=50).collect::<Vec<_>>());
    let stored: Vec<_> = store
        .messages_after(&session("s"), 0, ALL)
        .await
        .unwrap()
        .iter()
        .map(|m| m.seq)
        .collect();
    assert_eq!(stored, seqs);
}

#[tokio::test]
async fn a_client_id_stores_once() {
    let Fixture { store, _home } = sqlite();
    let first = store.append(question("s", Some("c"), "q")).await.unwrap();
    let again = store.append(question("s", Some("c"), "q")).await.unwrap();
    assert!(!first.duplicate && again.duplicate);
    assert_eq!(first.message, again.message);
    assert!(matches!(
        store.append(question("s", Some("c"), "other")).await,
        Err(AppendError::ClientIdTaken)
    ));
    assert!(
        !store
            .append(question("t", Some("c"), "q"))
            .await
            .unwrap()
            .duplicate,
        "another session, another name"
    );
    for _ in 0..2 {
        assert!(
            !store
                .append(question("s", None, "q"))
                .await
                .unwrap()
                .duplicate,
            "without a name every one is new"
        );
    }
    assert!(matches!(
        store.append(question("s", None, "q")).await,
        Err(AppendError::TooManyPending)
    ));
    assert!(
        store
            .append(question("s", Some("c"), "q"))
            .await
            .unwrap()
            .duplicate,
        "it is stored already, so it may pass"
    );
}

#[tokio::test]
async fn a_session_belongs_to_its_first_user() {
    let Fixture { store, _home } = sqlite();
    store
        .append(question("s", None, "Hello. Me"))
        .await
        .unwrap();
    let foreign = Question {
        user: "v".to_owned(),
        ..question("s", None, "q")
    };
    assert!(matches!(
        store.append(foreign).await,
        Err(AppendError::NotOwner)
    ));
    let stored = store.session(&session("s")).await.unwrap().unwrap();
    assert_eq!(
        (stored.user.as_str(), stored.name.as_str(), stored.seq),
        ("u", "Hello.", 1)
    );
    assert_eq!(store.session(&session("none")).await.unwrap(), None);
    assert_eq!(store.sessions("v", 10).await.unwrap(), []);
}

#[tokio::test]
async fn one_run_at_a_time_takes_the_oldest_question() {
    let Fixture { store, _home } = sqlite();
    assert!(claim(&store, "s").await.is_none());
    for text in ["one", "two"] {
        store.append(question("s", None, text)).await.unwrap();
    }
    let first = claim(&store, "s").await.unwrap();
    assert_eq!(
        (first.question.content.as_str(), first.run.question),
        ("one", 1)
    );
    assert!(claim(&store, "s").await.is_none(), "somebody is at work");
    let message = store
        .finish(&first.run, answer("a1"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (
            message.seq,
            message.sender,
            message.answer.unwrap().question
        ),
        (3, Sender::Ai, 1)
    );
    let second = claim(&store, "s").await.unwrap();
    assert_eq!(second.question.content, "two");
    assert!(second.run.fence > first.run.fence);
    assert!(
        store
            .finish(&first.run, answer("late"))
            .await
            .unwrap()
            .is_none(),
        "an older fence stores nothing"
    );
    store
        .finish(&second.run, answer("a2"))
        .await
        .unwrap()
        .unwrap();
    assert!(claim(&store, "s").await.is_none());
    let stored = store.session(&session("s")).await.unwrap().unwrap();
    assert_eq!(
        (
            stored.seq,
            stored.tokens,
            stored.answers,
            stored.answer_ms_sum,
            stored.answer_ms_max
        ),
        (4, 6, 2, 40, 20)
    );
}

#[tokio::test]
async fn what_a_lost_process_left_is_found() {
    let Fixture { store, _home } = sqlite();
    for id in ["spoke", "silent", "waits"] {
        store.append(question(id, None, "q")).await.unwrap();
    }
    let spoke = claim(&store, "spoke").await.unwrap().run;
    let silent = claim(&store, "silent").await.unwrap().run;
    store.checkpoint(spoke.id, "half".to_owned()).await.unwrap();
    let mut abandoned = store.abandoned().await.unwrap();
    abandoned.sort_by(|a, b| b.text.cmp(&a.text));
    let found: Vec<_> = abandoned
        .iter()
        .map(|left| (&left.run, left.text.as_str()))
        .collect();
    assert_eq!(found, [(&spoke, "half"), (&silent, "")]);
    assert_eq!(store.waiting().await.unwrap(), [session("waits")]);
    store.finish(&spoke, answer("half")).await.unwrap().unwrap();
    store.release(silent.id).await.unwrap();
    assert_eq!(store.abandoned().await.unwrap().len(), 0);
    let mut waiting = store.waiting().await.unwrap();
    waiting.sort();
    assert_eq!(waiting, [session("silent"), session("waits")]);
    store
        .checkpoint(spoke.id, "too late".to_owned())
        .await
        .unwrap();
    assert_eq!(store.abandoned().await.unwrap().len(), 0);
}

#[tokio::test]
async fn pages_and_lists() {
    let Fixture { store, _home } = sqlite();
    for index in 1..=5_i64 {
        let at = Timestamp::from_second(index).unwrap();
        store
            .append(Question {
                at,
                pending_max: 9,
                ..question("s", None, "q")
            })
            .await
            .unwrap();
        store
            .append(Question {
                at: Timestamp::from_second(10 - index).unwrap(),
                ..question(&format!("s{index}"), None, "q")
            })
            .await
            .unwrap();
    }
    let id = session("s");
    let seqs =
        |messages: Vec<chatbox::chat::Message>| messages.iter().map(|m| m.seq).collect::<Vec<_>>();
    assert_eq!(
        seqs(store.messages_after(&id, 2, at_most(2)).await.unwrap()),
        [3, 4]
    );
    assert_eq!(
        seqs(
            store
                .messages_before(&id, i64::MAX, at_most(2))
                .await
                .unwrap()
        ),
        [4, 5]
    );
    assert_eq!(
        seqs(store.messages_before(&id, 3, ALL).await.unwrap()),
        [1, 2]
    );
    let ids: Vec<_> = store
        .sessions("u", 3)
        .await
        .unwrap()
        .into_iter()
        .map(|s| s.id.to_string())
        .collect();
    assert_eq!(ids, ["s1", "s2", "s3"], "the newest message first");
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let before = {
        let store = Sqlite::open(home.path()).unwrap();
        store
            .append(question("s", Some("c"), "größe 😀"))
            .await
            .unwrap()
            .message
    };
    let store = Sqlite::open(home.path()).unwrap();
    assert_eq!(
        store.messages_after(&session("s"), 0, ALL).await.unwrap(),
        [before]
    );
}

#[tokio::test]
async fn a_page_has_an_end_in_bytes_and_at_least_one_message() {
    let Fixture { store, _home } = sqlite();
    for text in ["aaaa", "bbbb", "cccc"] {
        store.append(question("s", None, text)).await.unwrap();
    }
    let id = session("s");
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
        let text = |messages: Vec<chatbox::chat::Message>| {
            messages.into_iter().map(|m| m.content).collect::<String>()
        };
        assert_eq!(
            text(store.messages_after(&id, 0, page).await.unwrap()),
            after,
            "{bytes}"
        );
        assert_eq!(
            text(store.messages_before(&id, i64::MAX, page).await.unwrap()),
            before,
            "{bytes}"
        );
    }
}
