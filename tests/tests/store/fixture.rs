//! The stores, and values for them.

use std::sync::Arc;

use chatbox::chat::{
    Admission, DigestKey, Message, MessageId, OwnerId, RunId, SessionId, Status, title,
};
use chatbox::clock;
use chatbox::store::sqlite::Sqlite;
use chatbox::store::{Answer, Appended, Claim, Lease, NewRun, Page, Question, Store};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;

use crate::sealed::Sealed;

/// A store in a directory of its own.
pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) home: TempDir,
    /// Name of the store, for a process that opens it again.
    pub(crate) kind: &'static str,
}

pub(crate) fn sqlite() -> Fixture {
    Fixture::open("sqlite", tempfile::tempdir().unwrap())
}

/// SQLite below a cipher, which sees to it that a store keeps what is opaque as it is, and with what it belongs to.
pub(crate) fn encrypted_sqlite() -> Fixture {
    Fixture::open("encrypted-sqlite", tempfile::tempdir().unwrap())
}

impl Fixture {
    pub(crate) fn open(kind: &'static str, home: TempDir) -> Self {
        let sqlite = Sqlite::open(home.path()).unwrap();
        let store: Arc<dyn Store> = match kind {
            "sqlite" => Arc::new(sqlite),
            _ => Arc::new(Sealed::new(sqlite)),
        };
        Self { store, home, kind }
    }

    /// The same store, as the next process opens it.
    pub(crate) fn restart(self) -> Self {
        let Self { store, home, kind } = self;
        drop(store);
        Self::open(kind, home)
    }

    pub(crate) async fn ask(&self, session: &str, content: &str) -> Message {
        self.store
            .append(question(session, None, content))
            .await
            .unwrap()
            .message()
    }

    pub(crate) async fn claim(&self, session: &str) -> Option<Claim> {
        self.store
            .claim(&id(session), new_run(in_seconds(60)))
            .await
            .unwrap()
    }

    pub(crate) async fn contents(&self, session: &str) -> Vec<String> {
        let messages = self.store.messages_after(&id(session), 0, ALL).await;
        messages
            .unwrap()
            .into_iter()
            .map(|message| message.content)
            .collect()
    }
}

/// The message of an outcome that has one.
pub(crate) trait HasMessage {
    fn message(self) -> Message;
}

impl HasMessage for Appended {
    fn message(self) -> Message {
        match self {
            Self::Stored { message, .. } | Self::Duplicate(message) => message,
            Self::Rejected(rejection) => panic!("rejected: {rejection:?}"),
        }
    }
}

pub(crate) const ALL: Page = at_most(1000);

pub(crate) const fn at_most(messages: usize) -> Page {
    Page {
        messages,
        bytes: usize::MAX,
    }
}

pub(crate) fn id(session: &str) -> SessionId {
    SessionId::parse(session).unwrap()
}

pub(crate) fn in_seconds(seconds: i64) -> Timestamp {
    clock::now() + SignedDuration::from_secs(seconds)
}

pub(crate) fn question(session: &str, client_id: Option<&str>, content: &str) -> Question {
    Question {
        id: MessageId::new(),
        session: id(session),
        client_id: client_id.map(ToOwned::to_owned),
        content: content.to_owned(),
        at: clock::now(),
        name: title(content),
        admission: Admission {
            user: "u".to_owned(),
            roles: Vec::new(),
            digest: DigestKey::from_bytes([7; 32]).digest(content),
            pending_max: 3,
        },
        run: None,
    }
}

pub(crate) fn new_run(until: Timestamp) -> NewRun {
    NewRun {
        id: RunId::new(),
        model: "m".to_owned(),
        lease: Lease {
            owner: OwnerId::new(),
            until,
        },
    }
}

pub(crate) fn answer(content: &str) -> Answer {
    Answer {
        id: MessageId::new(),
        content: content.to_owned(),
        status: Status::Complete,
        at: clock::now(),
        tokens: 3,
        took_ms: 20,
        provider_state: None,
    }
}
