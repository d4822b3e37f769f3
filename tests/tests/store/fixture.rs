//! The stores, and values for them.

use std::sync::Arc;

use chatbox::chat::{
    Admission, Author, DigestKey, Message, MessageId, ModelIds, OwnerId, RunId, SessionId, Status,
    title,
};
use chatbox::clock;
use chatbox::store::cipher::Encrypted;
use chatbox::store::cipher::keyring::Keyring;
use chatbox::store::sqlite::Sqlite;
use chatbox::store::{Answer, Appended, Claim, Lease, NewRun, Page, Question, Store};
use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use tests::mongodb::Database;

/// A store of its own.
pub(crate) struct Fixture {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) kind: Kind,
    pub(crate) home: Home,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    /// SQLite below a cipher, which sees to it that a store keeps what is opaque as it is, and with what it belongs to.
    EncryptedSqlite,
    MongoDb,
    EncryptedMongoDb,
}

/// Where a store lies.
pub(crate) enum Home {
    Directory(TempDir),
    Database(Database),
    /// Elsewhere: the store is a part of another fixture.
    None,
}

impl Kind {
    pub(crate) fn is_encrypted(self) -> bool {
        matches!(self, Self::EncryptedSqlite | Self::EncryptedMongoDb)
    }
}

impl Fixture {
    pub(crate) async fn new(kind: Kind) -> Self {
        let home = match kind {
            Kind::Sqlite | Kind::EncryptedSqlite => Home::Directory(tempfile::tempdir().unwrap()),
            Kind::MongoDb | Kind::EncryptedMongoDb => Home::Database(Database::new()),
        };
        Self::open(kind, home).await
    }

    pub(crate) async fn open(kind: Kind, home: Home) -> Self {
        let store = bare(&home).await;
        let store = if kind.is_encrypted() {
            Arc::new(encrypted(store, &["k1"]).await)
        } else {
            store
        };
        Self { store, kind, home }
    }

    /// The same store, as the next process opens it.
    pub(crate) async fn restart(self) -> Self {
        let Self { store, kind, home } = self;
        drop(store);
        Self::open(kind, home).await
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

/// The store without a cipher.
pub(crate) async fn bare(home: &Home) -> Arc<dyn Store> {
    match home {
        Home::Directory(dir) => Arc::new(Sqlite::open(dir.path()).unwrap()),
        Home::Database(database) => Arc::new(database.open().await),
        Home::None => panic!("another fixture has it"),
    }
}

/// The same below a cipher, whose first key writes.
pub(crate) async fn encrypted(store: Arc<dyn Store>, keys: &[&str]) -> Encrypted {
    Encrypted::open(store, keyring(keys), clock::now())
        .await
        .unwrap()
}

/// Keys of these ids. The same id stands for the same key.
pub(crate) fn keyring(ids: &[&str]) -> Keyring {
    Keyring::new(ids.iter().map(|id| {
        let digest = DigestKey::from_bytes([9; 32]).digest(id);
        (*id, *digest.as_bytes())
    }))
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
            author: author("u"),
            digest: DigestKey::from_bytes([7; 32]).digest(content),
            pending_max: 3,
            replaces: None,
        },
        run: None,
    }
}

pub(crate) fn author(user: &str) -> Author {
    Author {
        user: user.to_owned(),
        name: user.to_uppercase(),
        roles: Vec::new(),
    }
}

pub(crate) fn new_run(until: Timestamp) -> NewRun {
    NewRun {
        id: RunId::new(),
        models: ModelIds::of("m".to_owned()),
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
        model: "m".to_owned(),
        at: clock::now(),
        tokens: 3,
        took_ms: 20,
        provider_state: None,
    }
}
