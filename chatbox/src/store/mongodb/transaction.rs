//! Runs an operation as one transaction, and bounds how long it may take.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use anyhow::anyhow;
use futures_util::future::BoxFuture;
use mongodb::ClientSession;
use mongodb::error::Result as Driver;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use super::documents::Collections;
use super::{MongoDb, error};
use crate::chat::SessionId;
use crate::store::{ErrorKind, StoreError};

/// How often a transaction begins again after it met a document that had just been made.
const RACES_MAX: usize = 5;

/// Operations of one process on one session go one after the other: side by side the server would let one write, and
/// tell all others to begin again. Sessions share locks; other processes have their own.
pub(super) struct Turns([Mutex<()>; 256]);

impl Turns {
    async fn take(&self, session: &SessionId) -> MutexGuard<'_, ()> {
        let mut hasher = DefaultHasher::new();
        session.hash(&mut hasher);
        let place = usize::try_from(hasher.finish() % 256).unwrap_or_default();
        self.0[place].lock().await
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::default()))
    }
}

/// A transaction that is under way.
pub(super) struct Tx<'a> {
    pub(super) session: &'a mut ClientSession,
    pub(super) db: &'a Collections,
}

impl MongoDb {
    /// Runs `work` on a session as one transaction, again and again where the server says that this can help.
    pub(super) async fn transaction<T, A: Sync>(
        &self,
        session: &SessionId,
        argument: &A,
        work: for<'a> fn(Tx<'a>, &'a A) -> BoxFuture<'a, Driver<T>>,
    ) -> Result<T, StoreError> {
        let attempts = async {
            let _turn = self.turns.take(session).await;
            repeated(|| self.attempt(argument, work)).await
        };
        self.within(attempts).await
    }

    async fn attempt<T, A: Sync>(
        &self,
        argument: &A,
        work: for<'a> fn(Tx<'a>, &'a A) -> BoxFuture<'a, Driver<T>>,
    ) -> Driver<T> {
        let mut session = self.client.start_session().await?;
        session
            .start_transaction()
            .and_run((&self.collections, argument), |session, (db, argument)| {
                work(Tx { session, db }, argument)
            })
            .await
    }

    /// Waits so long and no longer: who waits must be told.
    pub(super) async fn within<T>(
        &self,
        operation: impl Future<Output = Driver<T>>,
    ) -> Result<T, StoreError> {
        within(self.timeout, operation).await
    }
}

/// Attempts again where two have made the same document at the same time: the next attempt finds it.
async fn repeated<T, F: Future<Output = Driver<T>>>(mut attempt: impl FnMut() -> F) -> Driver<T> {
    for _ in 0..RACES_MAX {
        match attempt().await {
            Err(error) if error::is_duplicate_key(&error) => {}
            result => return result,
        }
    }
    attempt().await
}

async fn within<T>(
    limit: Duration,
    operation: impl Future<Output = Driver<T>>,
) -> Result<T, StoreError> {
    match timeout(limit, operation).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(StoreError::new(
            ErrorKind::Unavailable,
            anyhow!("MongoDB did not answer within {limit:?}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use mongodb::error::{Error, ErrorKind};
    use serde_json::json;

    use super::*;

    fn error(code: i32) -> Error {
        let error = json!({"code": code, "codeName": "", "errmsg": ""});
        ErrorKind::Command(serde_json::from_value(error).unwrap()).into()
    }

    #[tokio::test]
    async fn who_made_a_document_a_moment_too_late_finds_it() {
        for (failures, code, expected) in [
            (2, 11000, Ok(3)),
            (RACES_MAX + 1, 11000, Err(RACES_MAX + 1)),
            (2, 13, Err(1)),
        ] {
            let mut attempts = 0;
            let result = repeated(|| {
                attempts += 1;
                let result = if attempts <= failures {
                    Err(error(code))
                } else {
                    Ok(attempts)
                };
                std::future::ready(result)
            });
            let result = result.await.map_err(|_| attempts);
            assert_eq!(result, expected, "{code}");
        }
    }
}
