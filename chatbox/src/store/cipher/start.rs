//! Whether the keys of the document are those of the database. Asked once, before anything is read.

use anyhow::{Context, anyhow, bail, ensure};
use jiff::Timestamp;

use super::digest_key;
use super::form::{self, Form, Unreadable};
use super::keyring::Keyring;
use super::record::{NAME, Record, State};
use crate::store::Store;

/// Texts that are looked at where a database says nothing of keys: is any of them sealed, its record was taken away.
const SAMPLE: usize = 200;
/// How often the record is read again because another process has changed it meanwhile.
const RACES_MAX: usize = 10;

const ADVICE: &str =
    "if this is a database that you have restored in parts, run `chatbox rekey --accept-plaintext`";

/// Checks the keys, and notes new ones. Returns whether texts that are not sealed may be from before encryption.
pub(super) async fn start(
    store: &dyn Store,
    keyring: &Keyring,
    now: Timestamp,
) -> anyhow::Result<bool> {
    for _ in 0..RACES_MAX {
        let stored = read(store).await?;
        let Some(first) = keyring.first() else {
            if let Some(stored) = stored {
                bail!(without_keys(&Record::parse(&stored)?));
            }
            return Ok(true);
        };
        let (mut record, state) = match &stored {
            Some(stored) => known(&Record::parse(stored)?, keyring)?,
            None => (Record::default(), new(store, keyring, now).await?),
        };
        for key in keyring.keys() {
            record.add(key, now)?;
        }
        let settled = state.settled.filter(|settled| *settled == first.id);
        let state = State {
            since: if settled.is_some() {
                state.since
            } else {
                now.as_second()
            },
            settled,
            ..state
        };
        record.set_state(keyring, &state)?;
        if store
            .replace_record(NAME, stored, record.bytes()?)
            .await
            .context("cannot keep the record of the encryption")?
        {
            return Ok(state.plaintext);
        }
    }
    bail!("other servers keep changing the record of the encryption; start this one again");
}

/// Says that texts which are not sealed are to be read, and sealed in the background, whatever the record says.
pub(super) async fn accept_plaintext(
    store: &dyn Store,
    keyring: &Keyring,
    now: Timestamp,
) -> anyhow::Result<()> {
    let stored = read(store).await?;
    let known = stored.as_deref().map(Record::parse).transpose();
    let mut record = known.ok().flatten().unwrap_or_default();
    for key in keyring.keys() {
        record
            .first_used(key)
            .map_err(|_| wrong_key(&key.id, &key.source))?;
        record.add(key, now)?;
    }
    let state = State {
        plaintext: true,
        settled: None,
        since: now.as_second(),
    };
    record.set_state(keyring, &state)?;
    digest_key::seal_older(store, keyring).await?;
    let is_kept = store.replace_record(NAME, stored, record.bytes()?).await?;
    ensure!(
        is_kept,
        "a server has changed the record of the encryption meanwhile; try again"
    );
    Ok(())
}

/// The record of the encryption, as it is stored.
pub(super) async fn read(store: &dyn Store) -> anyhow::Result<Option<Vec<u8>>> {
    let record = store.record(NAME).await;
    record
        .map_err(anyhow::Error::from)
        .context("cannot read the record of the encryption")
}

/// What a record says, if the keys are its own.
pub(super) fn state(stored: &[u8], keyring: &Keyring) -> anyhow::Result<State> {
    known(&Record::parse(stored)?, keyring).map(|(_, state)| state)
}

/// A record whose keys are those of the document, and its state.
fn known(record: &Record, keyring: &Keyring) -> anyhow::Result<(Record, State)> {
    for key in keyring.keys() {
        record
            .first_used(key)
            .map_err(|_| wrong_key(&key.id, &key.source))?;
    }
    let state = match record.state(keyring) {
        Ok(state) => state,
        Err(Unreadable::UnknownKey(id)) => bail!(missing_key(&id)),
        Err(reason) => bail!("the record of the encryption of this database was changed: {reason}"),
    };
    let missing = state
        .needed(record)
        .into_iter()
        .find(|id| keyring.get(id).is_none());
    if let Some(missing) = missing {
        bail!(missing_key(missing));
    }
    Ok((record.clone(), state))
}

/// The state of a database that knows of no key. Its key of the digests is sealed before anything else.
async fn new(store: &dyn Store, keyring: &Keyring, now: Timestamp) -> anyhow::Result<State> {
    let sample = store.values(None, SAMPLE).await?;
    let is_sealed = |stored: &str| matches!(form::parse(stored), Form::Sealed { .. });
    ensure!(
        !sample.iter().any(|value| is_sealed(&value.text)),
        "the database holds encrypted texts, but its record of the keys is gone; restore the collection or table meta; {ADVICE}"
    );
    digest_key::seal_older(store, keyring).await?;
    // Beside this process another one may still write without a key.
    let plaintext = !sample.is_empty() || store.is_shared();
    Ok(State {
        plaintext,
        settled: None,
        since: now.as_second(),
    })
}

fn without_keys(record: &Record) -> String {
    let ids: Vec<_> = record.keys.keys().map(String::as_str).collect();
    format!(
        "the database is encrypted (keys: {}), and the document names no key; name them in encryption.keys again",
        ids.join(", ")
    )
}

fn missing_key(id: &str) -> String {
    format!(
        "texts of the database may be encrypted with the key {id:?}, which the document does not name; name it in \
         encryption.keys again, and remove it when `chatbox rekey --verify` says that it is not needed"
    )
}

fn wrong_key(id: &str, source: &str) -> anyhow::Error {
    anyhow!(
        "the encryption key {id:?} ({source}) is not the key that this database knows by that id; restore its former \
         value, or give the new key an id of its own and put it first"
    )
}
