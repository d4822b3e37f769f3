//! What other keys have sealed, and what nobody has, is sealed by the first key: in the background, page by page, beside
//! writers and other processes.
//!
//! A text is replaced only while it is still the one that was read. Nothing is remembered between pages but the place, so
//! a process that ends loses nothing, and the next one begins anew: what is sealed already costs a look. A pass that finds
//! nothing to do ends it, and the record says so.

use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::{Context, anyhow};
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::Encrypted;
use super::form::{Form, parse};
use super::keyring::Key;
use super::record::{NAME, Record, State};
use super::start;
use super::survey::{PAGE, Survey, with_associated_data};
use crate::clock;
use crate::store::values::{Replacement, Value};

/// The background work rests so many times as long as it works.
const REST: u32 = 4;
/// How long after the start of a process others may still write with an older document, where several share a database:
/// longer than the longest drain of a pod (600 s) and the rest of its end, which follows the start of the next one.
const QUIET: SignedDuration = SignedDuration::from_mins(20);
/// How often somebody looks whether there is something to do again, and whether the key has grown old.
const LOOK_EVERY: Duration = Duration::from_hours(1);
/// After a failure of the store.
const RETRY_AFTER: Duration = Duration::from_secs(30);
/// After so long a key should be replaced: what was written with it, and who may have seen it, only grows.
const KEY_DAYS: i64 = 365;
/// How often it is said that a key is old.
const WARN_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// What a pass over every text has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Every text is sealed by the first key, and the record says so.
    Settled,
    /// Texts were replaced, or somebody else has changed something: the next pass looks again.
    Again,
    /// Another process has started with another first key, and goes on.
    Superseded,
    /// All is done, but other processes may still write with an older document, until then.
    Wait(Timestamp),
}

impl Encrypted {
    /// Works in the background for as long as the process runs.
    pub async fn maintain(&self) -> anyhow::Error {
        if self.0.keyring.first().is_none() {
            return std::future::pending().await;
        }
        let mut warned = clock::now();
        loop {
            let rest = match self.settle().await {
                Ok(()) => LOOK_EVERY,
                Err(error) => {
                    tracing::warn!(
                        cause = format!("{error:#}"),
                        "cannot encrypt stored texts now; they are tried again"
                    );
                    RETRY_AFTER
                }
            };
            sleep(rest).await;
            let now = clock::now();
            if now.duration_since(warned) >= WARN_EVERY && self.look_at_age(now).await.is_ok() {
                warned = now;
            }
        }
    }

    /// Returns when every text is sealed by the first key, or another process sees to it with a key of its own.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn settle(&self) -> anyhow::Result<()> {
        if self.has_nothing_to_do().await? {
            return Ok(());
        }
        let first = self.first()?;
        let survey = Survey::of(self.inner(), &self.0.keyring, REST).await?;
        let left = survey.not_by(&first.id);
        self.0.telemetry.left.set(i64::try_from(left)?);
        tracing::info!(
            key = first.id,
            left,
            "looking for stored texts that another key or nobody has encrypted"
        );
        loop {
            match self.pass(clock::now(), REST).await? {
                Pass::Settled => break,
                Pass::Superseded => return Ok(()),
                Pass::Again => {}
                Pass::Wait(until) => {
                    let left = until.duration_since(clock::now());
                    sleep(Duration::try_from(left).unwrap_or_default()).await;
                }
            }
        }
        tracing::info!(
            key = first.id,
            "every stored text is encrypted with this key; `chatbox rekey --verify` says which keys may be removed"
        );
        Ok(())
    }

    /// One pass over every text, which began at `now` and rests `rest` times as long as it works.
    ///
    /// # Errors
    /// When the store fails, or there is no key.
    pub async fn pass(&self, now: Timestamp, rest: u32) -> anyhow::Result<Pass> {
        let stored = start::read(self.inner())
            .await?
            .context("the record of the encryption is gone")?;
        if self.is_superseded(&Record::parse(&stored)?) {
            return Ok(Pass::Superseded);
        }
        let mut replaced = 0;
        let mut after = None;
        loop {
            let begun = Instant::now();
            let page = self.inner().values(after.as_ref(), PAGE).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = Some(last.place.clone());
            replaced += self.reencrypt(page).await?;
            sleep(begun.elapsed() * rest).await;
        }
        if replaced > 0 {
            return Ok(Pass::Again);
        }
        self.note_settled(stored, now).await
    }

    /// Seals what the first key has not sealed, and returns how many texts that were.
    async fn reencrypt(&self, page: Vec<Value>) -> anyhow::Result<usize> {
        let mut replacements = Vec::new();
        for value in page {
            replacements.extend(self.replacement(value)?);
        }
        let count = replacements.len();
        if count > 0 {
            let replaced = self.inner().replace_values(replacements).await?;
            let telemetry = &self.0.telemetry;
            telemetry.done.inc_by(u64::try_from(replaced)?);
            let left = telemetry.left.get() - i64::try_from(count)?;
            telemetry.left.set(left.max(0));
        }
        Ok(count)
    }

    /// A text as the first key seals it; none if it has, or the text cannot be read.
    fn replacement(&self, value: Value) -> anyhow::Result<Option<Replacement>> {
        let Value { place, text: old } = value;
        let first = self.first()?;
        if matches!(parse(&old), Form::Sealed { key, .. } if key == first.id) {
            return Ok(None);
        }
        let new = with_associated_data(&place, |of| {
            let text = self.try_show(of, &old);
            text.map(|text| first.seal(of, &text)).transpose()
        })?;
        Ok(new.map(|new| Replacement { place, old, new }))
    }

    /// Keeps that a pass found nothing to do, unless something has begun since that may change it.
    async fn note_settled(&self, stored: Vec<u8>, now: Timestamp) -> anyhow::Result<Pass> {
        let (keyring, first) = (&self.0.keyring, self.first()?);
        let mut record = Record::parse(&stored)?;
        let state = record.state(keyring)?;
        let until = Timestamp::from_second(state.since)? + QUIET;
        if self.inner().is_shared() && now < until {
            return Ok(Pass::Wait(until));
        }
        record.set_state(
            keyring,
            &State {
                plaintext: false,
                settled: Some(first.id.clone()),
                ..state
            },
        )?;
        let is_noted = self
            .inner()
            .replace_record(NAME, Some(stored), record.bytes()?)
            .await?;
        if !is_noted {
            return Ok(Pass::Again);
        }
        self.0.accepts_plaintext.store(false, Ordering::Relaxed);
        self.0.telemetry.left.set(0);
        Ok(Pass::Settled)
    }

    /// The key that writes. Without one nobody asks.
    fn first(&self) -> anyhow::Result<&Key> {
        let first = self.0.keyring.first();
        first.ok_or_else(|| anyhow!("the document names no encryption key"))
    }

    /// Whether the record says that every text is sealed by the first key, or the work is somebody else's.
    async fn has_nothing_to_do(&self) -> anyhow::Result<bool> {
        let (record, state) = self.record().await?;
        self.0
            .accepts_plaintext
            .store(state.plaintext, Ordering::Relaxed);
        let first = self.0.keyring.first().map(|key| &key.id);
        let is_settled = state.settled.is_some() && state.settled.as_ref() == first;
        Ok(is_settled || self.is_superseded(&record))
    }

    /// The process that started last has written the record. If its first key is another, two would undo each other's work.
    fn is_superseded(&self, record: &Record) -> bool {
        let first = self.0.keyring.first().map(|key| key.id.as_str());
        record.writer() != first
    }

    async fn record(&self) -> anyhow::Result<(Record, State)> {
        let stored = start::read(self.inner()).await?;
        let stored = stored.ok_or_else(|| anyhow!("the record of the encryption is gone"))?;
        let record = Record::parse(&stored)?;
        let state = record.state(&self.0.keyring)?;
        Ok((record, state))
    }

    /// Says when the key that writes is old.
    pub(super) async fn look_at_age(&self, now: Timestamp) -> anyhow::Result<()> {
        let Some(first) = self.0.keyring.first() else {
            return Ok(());
        };
        let (record, _) = self.record().await?;
        let Some(first_used) = record.first_used(first)? else {
            return Ok(());
        };
        self.0.telemetry.key(&first.id, first_used);
        if let Some(days) = old(Timestamp::from_second(first_used)?, now) {
            tracing::warn!(
                key = first.id,
                days,
                "the key that encrypts is old; put a new one before it in encryption.keys, see docs/encryption.md"
            );
        }
        Ok(())
    }
}

/// The age in days of a key that is to be replaced.
fn old(first_used: Timestamp, now: Timestamp) -> Option<i64> {
    let days = now.duration_since(first_used).as_hours() / 24;
    (days >= KEY_DAYS).then_some(days)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_old_after_a_year_and_a_clock_that_was_set_back_makes_none_old() {
        let first_used = Timestamp::UNIX_EPOCH;
        for (hours, expected) in [
            (-24, None),
            (0, None),
            (365 * 24 - 1, None),
            (365 * 24, Some(365)),
            (1000 * 24 + 23, Some(1000)),
        ] {
            let now = first_used + SignedDuration::from_hours(hours);
            assert_eq!(old(first_used, now), expected, "{hours}");
        }
    }
}
