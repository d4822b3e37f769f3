//! Writes to a store until it is killed, and prints what the store has acknowledged: for tests of crashes.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails by panicking")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use chatbox::chat::{
    Admission, Author, DigestKey, MessageId, ModelIds, OwnerId, RunId, SessionId, Status,
};
use chatbox::clock;
use chatbox::store::sqlite::Sqlite;
use chatbox::store::{Answer, Appended, Lease, NewRun, Question, Store};
use tests::mongodb::Database;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let store: Arc<dyn Store> = match &args[..] {
        [home] => Arc::new(Sqlite::open(Path::new(home)).unwrap()),
        [uri, name] => {
            let (uri, name) = (uri.clone(), name.clone());
            Arc::new(Database { name, uri }.open().await)
        }
        args => panic!("a directory, or the address and the name of a database: {args:?}"),
    };
    let writers = (0..4).map(|session| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { write(&*store, &format!("s{session}")).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

/// Asks and answers for ever, every other question in the commit that stores it.
async fn write(store: &dyn Store, session: &str) {
    let session = SessionId::parse(session).unwrap();
    loop {
        for at_once in [true, false] {
            let content = format!("q-{}", MessageId::new());
            let question = question(&session, &content, at_once);
            let Appended::Stored { claim, .. } = store.append(question).await.unwrap() else {
                // Questions that an earlier process left wait; they are answered below.
                answer(store, &session).await;
                continue;
            };
            acknowledge(&session, &content);
            match claim {
                Some(claim) => finish(store, *claim).await,
                None => answer(store, &session).await,
            }
        }
    }
}

async fn answer(store: &dyn Store, session: &SessionId) {
    let left = store.abandoned(clock::now(), 10).await.unwrap();
    for abandoned in left.into_iter().filter(|left| left.run.session == *session) {
        let new = new_run();
        if let Some(claim) = store
            .take_over(&abandoned.run, new, clock::now())
            .await
            .unwrap()
        {
            finish(store, claim).await;
        }
    }
    while let Some(claim) = store.claim(session, new_run()).await.unwrap() {
        finish(store, claim).await;
    }
}

async fn finish(store: &dyn Store, claim: chatbox::store::Claim) {
    let content = format!("a-{}", MessageId::new());
    let text = Some(content.clone());
    store
        .checkpoint(&claim.run, text, clock::now())
        .await
        .unwrap();
    let answer = Answer {
        id: MessageId::new(),
        content: content.clone(),
        status: Status::Complete,
        model: claim.run.model.clone(),
        at: clock::now(),
        tokens: 1,
        took_ms: 1,
        provider_state: None,
    };
    if store
        .finish(&claim.run, answer, Vec::new())
        .await
        .unwrap()
        .is_some()
    {
        acknowledge(&claim.run.session, &content);
    }
}

fn acknowledge(session: &SessionId, content: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{session} {content}").unwrap();
}

fn question(session: &SessionId, content: &str, at_once: bool) -> Question {
    Question {
        id: MessageId::new(),
        session: session.clone(),
        client_id: Some(content.to_owned()),
        content: content.to_owned(),
        at: clock::now(),
        name: "a session".to_owned(),
        admission: Admission {
            author: Author {
                user: "u".to_owned(),
                name: "u".to_owned(),
                roles: Vec::new(),
            },
            replaces: None,
            digest: DigestKey::from_bytes([7; 32]).digest(content),
            pending_max: 3,
        },
        run: at_once.then(new_run),
    }
}

fn new_run() -> NewRun {
    NewRun {
        id: RunId::new(),
        models: ModelIds::of("m".to_owned()),
        lease: Lease {
            owner: OwnerId::new(),
            // Over at once: the next process takes up what a killed one has left.
            until: clock::now(),
        },
    }
}
