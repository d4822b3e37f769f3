//! The texts of a store, one by one, whatever they belong to: what a cipher seals, and must be able to seal anew.

use async_trait::async_trait;

use super::StoreError;

/// Reads and replaces texts without a look at what they mean, and keeps records of the storage itself.
#[async_trait]
pub trait Values: Send + Sync {
    /// The texts behind `after`, in an order of the store's own, `limit` of them at most; none at the end. Empty names
    /// and checkpoints are left out. Each text that is there all the while is found once.
    async fn values(&self, after: Option<&Place>, limit: usize) -> Result<Vec<Value>, StoreError>;

    /// Replaces each text that is still the old one, and returns how many were.
    async fn replace_values(&self, replacements: Vec<Replacement>) -> Result<usize, StoreError>;

    /// A record of the storage itself.
    async fn record(&self, name: &'static str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Replaces a record that is still `old` (none: does not exist). False: it is not. When it returns, the record survives
    /// a crash.
    async fn replace_record(
        &self,
        name: &'static str,
        old: Option<Vec<u8>>,
        new: Vec<u8>,
    ) -> Result<bool, StoreError>;
}

/// Record with the key of the digests: 32 bytes, or what a cipher has made of them.
pub const DIGEST_KEY: &str = "digest_key";

/// A text, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub place: Place,
    pub text: String,
}

/// Where a text lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The name of a session.
    Name { session: String },
    /// The content of a message.
    Content {
        session: String,
        seq: i64,
        id: String,
    },
    /// What a run at work has produced.
    Checkpoint {
        run: String,
        session: String,
        /// `seq` of its question.
        question: i64,
    },
    /// What a provider keeps with a session.
    ProviderState { session: String, model: String },
    /// The payload of an entry of the outbox.
    Payload { id: String, session: String },
}

/// A new text for a place.
#[derive(Clone, Debug)]
pub struct Replacement {
    pub place: Place,
    pub old: String,
    pub new: String,
}

/// The kinds of places, in the order in which they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PlaceKind {
    Name,
    Content,
    Checkpoint,
    ProviderState,
    Payload,
}

impl PlaceKind {
    const ALL: [Self; 5] = [
        Self::Name,
        Self::Content,
        Self::Checkpoint,
        Self::ProviderState,
        Self::Payload,
    ];

    /// The kinds that texts behind `after` may have.
    pub(super) fn behind(after: Option<&Place>) -> impl Iterator<Item = Self> {
        let first = after.map_or(Self::Name, Place::kind);
        Self::ALL.into_iter().filter(move |kind| *kind >= first)
    }
}

impl Place {
    pub(super) fn kind(&self) -> PlaceKind {
        match self {
            Self::Name { .. } => PlaceKind::Name,
            Self::Content { .. } => PlaceKind::Content,
            Self::Checkpoint { .. } => PlaceKind::Checkpoint,
            Self::ProviderState { .. } => PlaceKind::ProviderState,
            Self::Payload { .. } => PlaceKind::Payload,
        }
    }
}
