//! Which keys are still needed: every stored text is opened once.

use std::collections::BTreeMap;

use tokio::time::{Instant, sleep};

use super::form::{AssociatedData, Field, Form, parse};
use super::keyring::Keyring;
use super::start;
use crate::store::values::{DIGEST_KEY, Place, Value};
use crate::store::{Store, StoreError};

/// Texts that are read at a time: a few megabytes of the longest.
pub(super) const PAGE: usize = 50;

/// How many texts each key has sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Texts that were opened, by the id of their key.
    pub by_key: BTreeMap<String, u64>,
    pub not_encrypted: u64,
    /// Texts that no key of the document opens.
    pub unreadable: u64,
}

/// What an admin wants to know before a key is removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub survey: Survey,
    /// Keys of the document that nothing needs any more.
    pub removable: Vec<String>,
    /// Why the first key alone is not enough yet; empty if it is.
    pub left: Vec<String>,
}

/// Looks at every text, and at what the database says of itself.
///
/// # Errors
/// When the store fails, or its record of the keys cannot be read with these.
pub async fn report(store: &dyn Store, keyring: &Keyring) -> anyhow::Result<Report> {
    let survey = Survey::of(store, keyring, 0).await?;
    let stored = start::read(store).await?;
    let state = stored.map(|stored| start::state(&stored, keyring));
    let state = state.transpose()?;
    let digest_key = store.record(DIGEST_KEY).await?;
    let settled = state.and_then(|state| state.settled);
    Ok(judge(
        survey,
        keyring,
        settled.as_deref(),
        digest_key.as_deref(),
    ))
}

/// What follows for each key. `settled` is the key that everything is sealed by as the record says, and `digest_key` what is
/// stored of that key. Pure.
fn judge(
    survey: Survey,
    keyring: &Keyring,
    settled: Option<&str>,
    digest_key: Option<&[u8]>,
) -> Report {
    let mut ids = keyring.ids();
    let first = ids.next().unwrap_or_default();
    let of_digests = digest_key.map(|stored| match std::str::from_utf8(stored).map(parse) {
        Ok(Form::Sealed { key, .. }) => key,
        _ => "",
    });
    let mut left = Vec::new();
    if survey.not_by(first) > 0 {
        left.push(format!(
            "{} texts are not encrypted with the key {first:?} yet; the server goes on with them",
            survey.not_by(first)
        ));
    }
    if survey.unreadable > 0 {
        left.push(format!(
            "{} texts do not decrypt with any key of the document",
            survey.unreadable
        ));
    }
    if settled != Some(first) {
        left.push(format!(
            "no server has noted yet that everything is encrypted with the key {first:?}; it does when it has looked at every \
             text, with MongoDB not before 20 minutes after the last start of a server"
        ));
    }
    if of_digests.is_some_and(|key| key != first) {
        left.push(format!(
            "no server has started with the key {first:?} in the first place yet"
        ));
    }
    let is_needed = |id: &&str| {
        survey.by_key.contains_key(*id) || settled != Some(first) || of_digests == Some(*id)
    };
    let removable = ids.filter(|id| !is_needed(id)).map(ToOwned::to_owned);
    Report {
        removable: removable.collect(),
        survey,
        left,
    }
}

impl Survey {
    /// Looks at every text, and rests `rest` times as long as that takes.
    pub async fn of(store: &dyn Store, keyring: &Keyring, rest: u32) -> Result<Self, StoreError> {
        let mut survey = Self::default();
        let mut after = None;
        loop {
            let begun = Instant::now();
            let page = store.values(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(survey);
            };
            after = Some(last.place.clone());
            for value in &page {
                survey.count(value, keyring);
            }
            sleep(begun.elapsed() * rest).await;
        }
    }

    /// Texts that this key has not sealed.
    pub fn not_by(&self, key: &str) -> u64 {
        let others = self.by_key.iter().filter(|(id, _)| *id != key);
        others.map(|(_, count)| count).sum::<u64>() + self.not_encrypted
    }

    fn count(&mut self, value: &Value, keyring: &Keyring) {
        match parse(&value.text) {
            Form::Plain(_) => self.not_encrypted += 1,
            Form::Sealed { key, .. } => {
                if with_associated_data(&value.place, |of| keyring.open(of, &value.text, false))
                    .is_ok()
                {
                    *self.by_key.entry(key.to_owned()).or_default() += 1;
                } else {
                    self.unreadable += 1;
                }
            }
            Form::Unknown => self.unreadable += 1,
        }
    }
}

/// What a text at this place belongs to.
pub(super) fn with_associated_data<T>(
    place: &Place,
    then: impl FnOnce(&AssociatedData<'_>) -> T,
) -> T {
    let question;
    let (session, field, of) = match place {
        Place::Name { session } => (session, Field::Name, ""),
        Place::Content { session, id, .. } => (session, Field::Content, id.as_str()),
        Place::Checkpoint {
            session,
            question: seq,
            ..
        } => {
            question = seq.to_string();
            (session, Field::Checkpoint, question.as_str())
        }
        Place::ProviderState { session, model } => (session, Field::ProviderState, model.as_str()),
        Place::Payload { session, id } => (session, Field::Payload, id.as_str()),
    };
    then(&AssociatedData { session, field, of })
}
