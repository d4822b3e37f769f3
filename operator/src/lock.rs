//! The one way to take a lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Ignores poisoning: the watches repair what a panic may have left half done.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
