//! What is measured and logged of the encryption. Never a text.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use prometheus::core::Collector;
use prometheus::{IntCounter, IntGauge, IntGaugeVec, Opts};

use super::form::{AssociatedData, Unreadable};

/// Texts that are remembered, so that each is logged once. Beyond that they are only counted.
const LOGGED_MAX: usize = 1000;

pub(super) struct Telemetry {
    /// Texts that could not be read.
    unreadable: IntCounter,
    /// Texts that the first key has not sealed yet.
    pub(super) left: IntGauge,
    /// Texts that were sealed anew.
    pub(super) done: IntCounter,
    /// When the key that writes was used first.
    first_used: IntGaugeVec,
    logged: Mutex<HashSet<Vec<u8>>>,
}

impl Telemetry {
    pub(super) fn new() -> prometheus::Result<Self> {
        let first_used = Opts::new(
            "chatbox_encryption_key_first_used_timestamp_seconds",
            "When the key that encrypts was used first, in seconds since 1970",
        );
        Ok(Self {
            unreadable: IntCounter::new(
                "chatbox_encryption_unreadable_total",
                "Stored texts that were asked for and could not be decrypted",
            )?,
            left: IntGauge::new(
                "chatbox_encryption_values_left",
                "Stored texts that must still be encrypted with the first key",
            )?,
            done: IntCounter::new(
                "chatbox_encryption_values_done_total",
                "Stored texts that were encrypted with the first key in the background",
            )?,
            first_used: IntGaugeVec::new(first_used, &["key"])?,
            logged: Mutex::default(),
        })
    }

    pub(super) fn collectors(&self) -> Vec<Box<dyn Collector>> {
        vec![
            Box::new(self.unreadable.clone()),
            Box::new(self.left.clone()),
            Box::new(self.done.clone()),
            Box::new(self.first_used.clone()),
        ]
    }

    pub(super) fn key(&self, id: &str, first_used: i64) {
        self.first_used.reset();
        self.first_used.with_label_values(&[id]).set(first_used);
    }

    pub(super) fn unreadable(&self, of: &AssociatedData<'_>, reason: &Unreadable) {
        self.unreadable.inc();
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.len() < LOGGED_MAX && logged.insert(of.bytes("")) {
            tracing::error!(
                session.id = of.session,
                field = of.field.as_str(),
                of = of.of,
                %reason,
                "a stored text cannot be read; it is left as it is and not shown"
            );
        }
    }
}
