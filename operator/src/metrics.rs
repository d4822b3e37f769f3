//! What the operator counts.

use std::time::Duration;

use prometheus::{Encoder, Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};

/// What the operator counts.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    reconciles: IntCounterVec,
    seconds: Histogram,
    writes: IntCounterVec,
}

/// How a reconcile ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Invalid,
    Failed,
}

impl Metrics {
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let reconciles = IntCounterVec::new(
            Opts::new(
                "chatbox_operator_reconciles_total",
                "Chatboxes looked at, by outcome",
            ),
            &["outcome"],
        )?;
        let seconds = Histogram::with_opts(HistogramOpts::new(
            "chatbox_operator_reconcile_seconds",
            "Time one look takes, in seconds",
        ))?;
        let writes = IntCounterVec::new(
            Opts::new(
                "chatbox_operator_writes_total",
                "Writes sent to the API server",
            ),
            &["kind", "verb"],
        )?;
        registry.register(Box::new(reconciles.clone()))?;
        registry.register(Box::new(seconds.clone()))?;
        registry.register(Box::new(writes.clone()))?;
        let process = prometheus::process_collector::ProcessCollector::for_self();
        registry.register(Box::new(process))?;
        Ok(Self {
            registry,
            reconciles,
            seconds,
            writes,
        })
    }

    pub fn reconcile(&self, outcome: Outcome, took: Duration) {
        let outcome = match outcome {
            Outcome::Done => "done",
            Outcome::Invalid => "invalid",
            Outcome::Failed => "failed",
        };
        self.reconciles.with_label_values(&[outcome]).inc();
        self.seconds.observe(took.as_secs_f64());
    }

    pub fn write(&self, kind: &str, verb: &str) {
        self.writes.with_label_values(&[kind, verb]).inc();
    }

    /// Everything in Prometheus' text form.
    pub fn text(&self) -> prometheus::Result<String> {
        let mut buffer = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut buffer)?;
        Ok(String::from_utf8_lossy(&buffer).into_owned())
    }
}
