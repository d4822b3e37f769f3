//! What the answers of one model have taught, until the process ends.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

/// What a model was found to do without, and how it answers. `F` are the fields of a request that it may refuse; there are
/// none by default.
pub(in crate::llm) struct Learned<F = Infallible> {
    refused: Mutex<BTreeSet<F>>,
    /// Its last answer came in one piece, so nothing comes of the next before all of it.
    is_unstreamed: AtomicBool,
}

impl<F: Copy + Ord> Learned<F> {
    pub(in crate::llm) fn refused(&self) -> BTreeSet<F> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.clone()
    }

    pub(in crate::llm) fn is_streamed(&self) -> bool {
        !self.is_unstreamed.load(Ordering::Relaxed)
    }

    /// It has answered without these.
    pub(in crate::llm) fn answered(&self, without: &BTreeSet<F>, in_one_piece: bool) {
        self.is_unstreamed.store(in_one_piece, Ordering::Relaxed);
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.extend(without);
    }
}

impl<F> Default for Learned<F> {
    fn default() -> Self {
        Self {
            refused: Mutex::default(),
            is_unstreamed: AtomicBool::default(),
        }
    }
}
