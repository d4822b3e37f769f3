//! The one way to take a lock.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic while the lock was held cannot have left half a change behind that matters: the watches mend it.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
