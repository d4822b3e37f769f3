//! Whether the database is lost for good.

use std::sync::Arc;

use anyhow::anyhow;
use tokio::sync::SetOnce;

use super::{ErrorKind, StoreError};

/// Remembers the first report. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Damage(Arc<SetOnce<String>>);

impl Damage {
    /// The first report is the cause; later ones only follow from it.
    pub(super) fn report(&self, cause: &str) {
        let _ = self.0.set(cause.to_owned());
    }

    /// Passes `result` on, and takes note if it tells of damage.
    pub(super) fn note<T>(&self, result: Result<T, StoreError>) -> Result<T, StoreError> {
        if let Err(error) = &result
            && error.kind() == ErrorKind::Lost
        {
            self.report(&format!("{:#}", error.cause()));
        }
        result
    }

    pub(super) async fn wait(&self) -> StoreError {
        let cause = self.0.wait().await.clone();
        StoreError::new(ErrorKind::Lost, anyhow!(cause))
    }
}
