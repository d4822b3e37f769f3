//! The operator's process and what it says about itself.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::fleet::NAMESPACE;
use crate::process::{Process, wait_for_line};

pub(super) const IMAGE: &str = "registry.example/chatbox:0.1.0";
const POLL: Duration = Duration::from_millis(500);

pub(super) struct Operator {
    pub(super) process: Process,
    address: SocketAddr,
    http: reqwest::Client,
}

impl Operator {
    /// Starts it for the namespace of the fleet, and waits until it has listed everything.
    pub(super) async fn start(program: &Path, kubeconfig: &Path) -> Result<Self> {
        let args = [
            "run".to_owned(),
            "--listen=127.0.0.1:0".to_owned(),
            "--log-format=json".to_owned(),
            format!("--namespace={NAMESPACE}"),
            format!("--chatbox-image={IMAGE}"),
        ];
        let env = [("KUBECONFIG", kubeconfig.as_os_str())];
        let (process, log) = Process::start(program, &args, &env)?;
        let address = wait_for_line(log, address).await?;
        let operator = Self {
            process,
            address,
            http: reqwest::Client::new(),
        };
        while operator.get("readyz").await? != "ok" {
            sleep(POLL).await;
        }
        Ok(operator)
    }

    /// Waits until it has reconciled at least so often.
    pub(super) async fn reconciled(&self, count: usize) -> Result<()> {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        while self.sum("chatbox_operator_reconciles_total").await? < count as f64 {
            sleep(POLL).await;
        }
        Ok(())
    }

    pub(super) async fn writes(&self) -> Result<f64> {
        self.sum("chatbox_operator_writes_total").await
    }

    /// Waits until it has neither written nor reconciled for `quiet`.
    pub(super) async fn quiet(&self, quiet: Duration) -> Result<()> {
        let (mut last, mut since) = (0.0, Instant::now());
        while since.elapsed() < quiet {
            sleep(POLL).await;
            let now = self.sum("chatbox_operator_").await?;
            if (now - last).abs() > f64::EPSILON {
                (last, since) = (now, Instant::now());
            }
        }
        Ok(())
    }

    async fn sum(&self, name: &str) -> Result<f64> {
        Ok(sum(&self.get("metrics").await?, name))
    }

    async fn get(&self, path: &str) -> Result<String> {
        let url = format!("http://{}/{path}", self.address);
        let response = self.http.get(url).send().await;
        let response = response.context("the operator is gone")?;
        Ok(response.text().await?)
    }
}

fn address(line: &str) -> Option<SocketAddr> {
    let line: Value = serde_json::from_str(line).ok()?;
    line["listen"].as_str()?.parse().ok()
}

/// The sum of all samples whose name begins so.
fn sum(metrics: &str, name: &str) -> f64 {
    let samples = metrics.lines().filter(|line| line.starts_with(name));
    let values = samples.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
    values.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_summed_by_name() {
        let text = "# HELP a_total x\na_total{k=\"1\"} 3\na_total{k=\"2 3\"} 4\nb_total 9\n";
        assert!((sum(text, "a_total") - 7.0).abs() < f64::EPSILON);
        assert!(sum(text, "c_total").abs() < f64::EPSILON);
    }

    #[test]
    fn the_line_that_says_where_it_listens() {
        let line = r#"{"message":"started","listen":"127.0.0.1:7"}"#;
        assert_eq!(address(line), "127.0.0.1:7".parse().ok());
        assert_eq!(address("started"), None);
    }
}
