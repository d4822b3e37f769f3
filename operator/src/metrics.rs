//! The metrics of the operator.

use std::time::Duration;

use prometheus::{Encoder, Histogram, HistogramOpts, IntCounterVec, Opts, Registry, TextEncoder};

use crate::kind::Kind;

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
    /// Everything is as desired, or is on its way there.
    Converged,
    /// There was nothing to do: everything is being deleted.
    Skipped,
    /// The spec, or what it refers to, must change first.
    Invalid,
    /// The API server, or the owner of a name, has declined; a retry alone will not help.
    Refused,
    /// It is tried again, and may succeed then.
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
            "Writes sent to the API server, whatever it answers",
            &["group", "kind", "verb"],
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
            Outcome::Skipped => "skipped",
            Outcome::Invalid => "invalid",
            Outcome::Refused => "refused",
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

    /// Counts a write that is about to be sent.
    pub fn write(&self, kind: Kind, verb: &str) {
        let labels = [kind.definition().group, kind.name(), verb];
        self.writes.with_label_values(&labels).inc();
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
    fn each_label_has_its_value() {
        let metrics = Metrics::new().unwrap();
        metrics.write(Kind::DEPLOYMENT, "apply");
        let outcomes = [
            Outcome::Converged,
            Outcome::Skipped,
            Outcome::Invalid,
            Outcome::Refused,
            Outcome::Failed,
        ];
        for (times, outcome) in outcomes.into_iter().enumerate() {
            for _ in 0..=times {
                metrics.reconcile(outcome, Duration::from_millis(1));
            }
        }
        let text = metrics.text().unwrap();
        for line in [
            "writes_total{group=\"apps\",kind=\"Deployment\",verb=\"apply\"} 1\n",
            "reconciles_total{outcome=\"converged\"} 1\n",
            "reconciles_total{outcome=\"skipped\"} 2\n",
            "reconciles_total{outcome=\"invalid\"} 3\n",
            "reconciles_total{outcome=\"refused\"} 4\n",
            "reconciles_total{outcome=\"failed\"} 5\n",
            "reconcile_seconds_count 15\n",
        ] {
            assert!(text.contains(&format!("chatbox_operator_{line}")), "{text}");
        }
    }

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
