//! The metrics of the operator.

use std::time::Duration;

use prometheus::{Encoder, Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};

/// The metrics of the operator.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    reconciles: IntCounterVec,
    seconds: Histogram,
    requests: IntCounterVec,
    writes: IntCounterVec,
}

/// How a reconcile ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Converged,
    Invalid,
    Failed,
}

impl Metrics {
    pub fn new() -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter = |name, help, labels: &[&str]| {
            let counter = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counter.clone()))?;
            Ok::<_, prometheus::Error>(counter)
        };
        let reconciles = counter(
            "chatbox_operator_reconciles_total",
            "Reconciles, by outcome",
            &["outcome"],
        )?;
        let requests = counter(
            "chatbox_operator_requests_total",
            "Requests sent to the API server, by HTTP method; WATCH is a GET that watches",
            &["method"],
        )?;
        let writes = counter(
            "chatbox_operator_writes_total",
            "Writes sent to the API server",
            &["kind", "verb"],
        )?;
        let seconds = Histogram::with_opts(HistogramOpts::new(
            "chatbox_operator_reconcile_seconds",
            "Duration of a reconcile, in seconds",
        ))?;
        registry.register(Box::new(seconds.clone()))?;
        let process = prometheus::process_collector::ProcessCollector::for_self();
        registry.register(Box::new(process))?;
        Ok(Self {
            registry,
            reconciles,
            seconds,
            requests,
            writes,
        })
    }

    pub fn reconcile(&self, outcome: Outcome, duration: Duration) {
        let outcome = match outcome {
            Outcome::Converged => "converged",
            Outcome::Invalid => "invalid",
            Outcome::Failed => "failed",
        };
        self.reconciles.with_label_values(&[outcome]).inc();
        self.seconds.observe(duration.as_secs_f64());
    }

    /// Counts a request by its HTTP method and query.
    pub fn request(&self, method: &str, query: Option<&str>) {
        let mut parameters = query.into_iter().flat_map(|query| query.split('&'));
        let is_watch = parameters.any(|parameter| parameter == "watch=true");
        let method = if is_watch { "WATCH" } else { method };
        self.requests.with_label_values(&[method]).inc();
    }

    pub fn write(&self, kind: &str, verb: &str) {
        self.writes.with_label_values(&[kind, verb]).inc();
    }

    /// All metrics in the Prometheus text format.
    pub fn text(&self) -> prometheus::Result<String> {
        let mut buffer = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut buffer)?;
        Ok(String::from_utf8_lossy(&buffer).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_counted_apart_from_other_reads() {
        let metrics = Metrics::new().unwrap();
        for (method, query) in [
            ("GET", None),
            ("GET", Some("limit=50")),
            ("GET", Some("limit=50&watch=true&resourceVersion=7")),
            ("PATCH", Some("force=true")),
        ] {
            metrics.request(method, query);
        }
        let text = metrics.text().unwrap();
        for (method, count) in [("GET", 2), ("WATCH", 1), ("PATCH", 1)] {
            let line = format!("chatbox_operator_requests_total{{method=\"{method}\"}} {count}\n");
            assert!(text.contains(&line), "{text}");
        }
    }
}
