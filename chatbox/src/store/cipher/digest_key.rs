//! The key of the digests is kept in the database that they are in. It is sealed too: with it, whoever reads the database
//! could try which text a digest is of.

use data_encoding::HEXLOWER;

use super::form::{AssociatedData, Field};
use super::keyring::Keyring;
use super::{Encrypted, broken};
use crate::chat::DigestKey;
use crate::store::values::DIGEST_KEY;
use crate::store::{ErrorKind, Store, StoreError};

const DATA: AssociatedData<'static> = AssociatedData {
    session: "",
    field: Field::DigestKey,
    of: "",
};

impl Encrypted {
    /// The key of this store's digests, sealed by the first key from now on; `proposed` if there is none.
    pub(super) async fn sealed_digest_key(
        &self,
        proposed: DigestKey,
    ) -> Result<DigestKey, StoreError> {
        let (store, keyring) = (self.inner(), &self.0.keyring);
        let stored = store.record(DIGEST_KEY).await?;
        let key = match &stored {
            Some(stored) => open(keyring, stored)?,
            None => proposed,
        };
        if store
            .replace_record(DIGEST_KEY, stored, seal(keyring, key)?)
            .await?
        {
            return Ok(key);
        }
        // Somebody was faster, and has the same key or a better claim.
        let stored = store.record(DIGEST_KEY).await?;
        open(keyring, &stored.ok_or_else(|| broken("it was just there"))?)
    }
}

/// Seals a key from before encryption was switched on.
pub(super) async fn seal_older(store: &dyn Store, keyring: &Keyring) -> Result<(), StoreError> {
    let Some(stored) = store.record(DIGEST_KEY).await? else {
        return Ok(());
    };
    if let Ok(bytes) = <[u8; 32]>::try_from(stored.as_slice()) {
        let sealed = seal(keyring, DigestKey::from_bytes(bytes))?;
        // Somebody who was faster has sealed it too.
        store
            .replace_record(DIGEST_KEY, Some(stored), sealed)
            .await?;
    }
    Ok(())
}

fn seal(keyring: &Keyring, key: DigestKey) -> Result<Vec<u8>, StoreError> {
    let sealed = keyring.seal(&DATA, &HEXLOWER.encode(key.as_bytes()));
    sealed
        .map(String::into_bytes)
        .map_err(|cause| StoreError::new(ErrorKind::Permanent, cause))
}

fn open(keyring: &Keyring, stored: &[u8]) -> Result<DigestKey, StoreError> {
    let stored = std::str::from_utf8(stored).unwrap_or_default();
    let text = keyring
        .open(&DATA, stored, false)
        .map_err(|reason| StoreError::new(ErrorKind::Permanent, reason))?;
    let bytes = HEXLOWER.decode(text.as_bytes()).unwrap_or_default();
    let bytes = bytes.try_into().map_err(|_| broken("it was sealed so"))?;
    Ok(DigestKey::from_bytes(bytes))
}
