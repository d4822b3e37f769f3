//! Metrics. Names are those of the Go service where they were right.

use prometheus::core::Collector;
use prometheus::{
    Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
    TextEncoder,
};

/// Seconds until the first token: from a local model to one that reasons first.
const FIRST_TOKEN_BUCKETS: [f64; 10] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Handles of every metric. Cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    pub connections: IntGauge,
    pub messages_received: IntCounter,
    pub message_errors: IntCounterVec,
    pub llm_requests: IntCounterVec,
    pub llm_errors: IntCounterVec,
    pub llm_fallbacks: IntCounterVec,
    pub tokens: IntCounterVec,
    pub first_token: Histogram,
}

impl Metrics {
    pub fn new() -> anyhow::Result<Self> {
        let metrics = Self {
            registry: Registry::new(),
            connections: IntGauge::new(
                "chatbox_websocket_connections",
                "Open WebSocket connections",
            )?,
            messages_received: IntCounter::new(
                "chatbox_messages_received_total",
                "Messages received from users",
            )?,
            message_errors: counter(
                "chatbox_message_errors_total",
                "Errors sent to users",
                "code",
            )?,
            llm_requests: counter(
                "chatbox_llm_requests_total",
                "Completions requested of a model",
                "model",
            )?,
            llm_errors: counter(
                "chatbox_llm_errors_total",
                "Completions that failed",
                "model",
            )?,
            llm_fallbacks: counter(
                "chatbox_llm_fallbacks_total",
                "Completions that failed and were requested of another model",
                "model",
            )?,
            tokens: counter(
                "chatbox_tokens_used_total",
                "Tokens as counted by providers",
                "model",
            )?,
            first_token: Histogram::with_opts(
                HistogramOpts::new(
                    "chatbox_llm_first_token_seconds",
                    "Time until the first token of an answer",
                )
                .buckets(FIRST_TOKEN_BUCKETS.to_vec()),
            )?,
        };
        metrics.register()?;
        Ok(metrics)
    }

    fn register(&self) -> anyhow::Result<()> {
        self.registry.register(Box::new(self.connections.clone()))?;
        self.registry
            .register(Box::new(self.messages_received.clone()))?;
        for counter in [
            &self.message_errors,
            &self.llm_requests,
            &self.llm_errors,
            &self.llm_fallbacks,
            &self.tokens,
        ] {
            self.registry.register(Box::new(counter.clone()))?;
        }
        self.registry.register(Box::new(self.first_token.clone()))?;
        let process = prometheus::process_collector::ProcessCollector::for_self();
        self.registry.register(Box::new(process))?;
        Ok(())
    }

    /// Adds what a module measures itself.
    pub fn add(&self, collectors: Vec<Box<dyn Collector>>) -> anyhow::Result<()> {
        for collector in collectors {
            self.registry.register(collector)?;
        }
        Ok(())
    }

    /// Prometheus text.
    pub fn render(&self) -> anyhow::Result<String> {
        let mut text = Vec::new();
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8(text)?)
    }
}

fn counter(name: &str, help: &str, label: &str) -> anyhow::Result<IntCounterVec> {
    Ok(IntCounterVec::new(Opts::new(name, help), &[label])?)
}
