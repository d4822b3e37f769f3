//! Encryption of what people and models write: a [`Store`] around any other one.
//!
//! - [`keyring`]: the keys, and one text to its stored form and back
//! - `digest_key`: the key by which the same text is recognised
//! - `form`: what a stored text looks like
//! - `record`: what the database knows of its keys, sealed
//! - `start`: whether these are the keys of this database
//! - `store`: the operations of a store, with everything that is text of people sealed on its way in
//! - `takeover`: those about members of staff
//! - `reencrypt`: what other keys have sealed, and what nobody has, in the background
//! - [`survey`]: which keys are still needed
//!
//! Without a key nothing is sealed, and what is sealed already is not shown.

mod digest_key;
mod form;
pub mod keyring;
mod record;
mod reencrypt;
mod start;
mod store;
pub mod survey;
mod takeover;
mod telemetry;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::anyhow;
use jiff::Timestamp;

use self::form::{AssociatedData, Unreadable};
use self::keyring::Keyring;
use self::telemetry::Telemetry;
use super::{ErrorKind, Store, StoreError};
use crate::chat::UNREADABLE;

pub use self::reencrypt::Pass;

/// A store whose texts are sealed. Cheap to clone.
#[derive(Clone)]
pub struct Encrypted(Arc<Parts>);

struct Parts {
    inner: Arc<dyn Store>,
    keyring: Keyring,
    /// Whether a text that is not sealed may be one from before encryption was switched on.
    accepts_plaintext: AtomicBool,
    telemetry: Telemetry,
}

impl Encrypted {
    /// Looks whether the keys are those of this database, and makes a record of new ones.
    ///
    /// # Errors
    /// When a key is missing or another than the database knows, or the database says nothing of keys and is encrypted.
    pub async fn open(
        inner: Arc<dyn Store>,
        keyring: Keyring,
        now: Timestamp,
    ) -> anyhow::Result<Self> {
        let accepts_plaintext = start::start(&*inner, &keyring, now).await?;
        let parts = Parts {
            inner,
            keyring,
            accepts_plaintext: AtomicBool::new(accepts_plaintext),
            telemetry: Telemetry::new()?,
        };
        let encrypted = Self(Arc::new(parts));
        encrypted.look_at_age(now).await?;
        Ok(encrypted)
    }

    /// What is measured, for a registry.
    pub fn collectors(&self) -> Vec<Box<dyn prometheus::core::Collector>> {
        self.0.telemetry.collectors()
    }

    fn inner(&self) -> &dyn Store {
        &*self.0.inner
    }

    fn seal(&self, of: &AssociatedData<'_>, text: &str) -> Result<String, StoreError> {
        self.0
            .keyring
            .seal(of, text)
            .map_err(|cause| StoreError::new(ErrorKind::Permanent, cause))
    }

    fn open_text(&self, of: &AssociatedData<'_>, stored: &str) -> Result<String, Unreadable> {
        let accepts_plaintext = self.0.accepts_plaintext.load(Ordering::Relaxed);
        self.0.keyring.open(of, stored, accepts_plaintext)
    }

    /// The text behind a stored one, or words that stand for one that cannot be read: it hides no other.
    fn show(&self, of: &AssociatedData<'_>, stored: &str) -> String {
        self.try_show(of, stored)
            .unwrap_or_else(|| UNREADABLE.to_owned())
    }

    /// The same; none for one that cannot be read, which is logged once and counted.
    fn try_show(&self, of: &AssociatedData<'_>, stored: &str) -> Option<String> {
        match self.open_text(of, stored) {
            Ok(text) => Some(text),
            Err(reason) => {
                self.0.telemetry.unreadable(of, &reason);
                None
            }
        }
    }
}

/// Says that texts which are not sealed are to be read and sealed, whatever the database says of itself.
///
/// # Errors
/// When a key is another than the database knows, or the store fails.
pub async fn accept_plaintext(
    store: &dyn Store,
    keyring: &Keyring,
    now: Timestamp,
) -> anyhow::Result<()> {
    start::accept_plaintext(store, keyring, now).await
}

/// What can only go wrong when the program is.
fn broken(what: &'static str) -> StoreError {
    StoreError::new(ErrorKind::Permanent, anyhow!(what))
}
