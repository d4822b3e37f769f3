//! Many Chatboxes in one namespace.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use kube::Client;
use kube::api::{
    Api, ApiResource, DeleteParams, DynamicObject, GroupVersionKind, ListParams, PostParams,
};
use serde_json::{Value, json};
use tokio::time::sleep;

pub(super) const NAMESPACE: &str = "bench";
/// Requests at the same time: as many Chatboxes as the operator reconciles at once.
pub(super) const CONCURRENCY: usize = 16;
const POLL: Duration = Duration::from_millis(500);
/// Longer than any control plane takes, so that a row ends.
const TIMEOUT: Duration = Duration::from_hours(1);

pub(super) struct Fleet {
    pub(super) client: Client,
    pub(super) count: usize,
}

impl Fleet {
    /// An empty namespace for `count` Chatboxes.
    pub(super) async fn new(client: &Client, count: usize) -> Result<Self> {
        let fleet = Self {
            client: client.clone(),
            count,
        };
        let namespace = object(json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE},
        }))?;
        fleet
            .namespaces()
            .create(&PostParams::default(), &namespace)
            .await?;
        Ok(fleet)
    }

    pub(super) async fn create(&self) -> Result<()> {
        let creating = stream::iter(0..self.count).map(|index| self.create_one(index));
        creating.buffer_unordered(CONCURRENCY).try_collect().await
    }

    pub(super) async fn create_one(&self, index: usize) -> Result<()> {
        let chatbox = object(chatbox(index))?;
        self.chatboxes()
            .create(&PostParams::default(), &chatbox)
            .await?;
        Ok(())
    }

    /// Waits until the operator has said of every Chatbox that it has dealt with its present generation.
    pub(super) async fn converged(&self) -> Result<()> {
        let begun = Instant::now();
        loop {
            let asked = Instant::now();
            let chatboxes = self.chatboxes().list(&ListParams::default()).await?;
            let seen = chatboxes
                .iter()
                .filter(|chatbox| is_observed(chatbox))
                .count();
            if seen == self.count {
                return Ok(());
            }
            ensure!(
                begun.elapsed() < TIMEOUT,
                "{seen} of {} Chatboxes have converged",
                self.count
            );
            // Asking must not be what the API server is busy with.
            sleep(POLL.max(asked.elapsed() * 10)).await;
        }
    }

    /// Deletes the namespace and waits until nothing is left of it.
    pub(super) async fn delete(&self) -> Result<()> {
        let begun = Instant::now();
        let namespaces = self.namespaces();
        namespaces
            .delete(NAMESPACE, &DeleteParams::default())
            .await?;
        while namespaces.get_opt(NAMESPACE).await?.is_some() {
            ensure!(begun.elapsed() < TIMEOUT, "the namespace is still there");
            sleep(POLL).await;
        }
        Ok(())
    }

    pub(super) fn chatboxes(&self) -> Api<DynamicObject> {
        self.api("chatbox.dev", "v1alpha1", "Chatbox")
    }

    pub(super) fn api(&self, group: &str, version: &str, kind: &str) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk(group, version, kind);
        Api::namespaced_with(
            self.client.clone(),
            NAMESPACE,
            &ApiResource::from_gvk(&kind),
        )
    }

    fn namespaces(&self) -> Api<DynamicObject> {
        let kind = GroupVersionKind::gvk("", "v1", "Namespace");
        Api::all_with(self.client.clone(), &ApiResource::from_gvk(&kind))
    }
}

/// As a person writes it: a model, a database on a volume, and everything else left out.
pub(super) fn chatbox(index: usize) -> Value {
    json!({
        "apiVersion": "chatbox.dev/v1alpha1",
        "kind": "Chatbox",
        "metadata": {"name": name(index), "namespace": NAMESPACE},
        "spec": {"config": {
            "models": [{"id": "demo", "name": "Demo", "demo": {}}],
            "storage": {"sqlite": {}},
        }},
    })
}

pub(super) fn name(index: usize) -> String {
    format!("support-{index:05}")
}

pub(super) fn object(value: Value) -> Result<DynamicObject> {
    Ok(serde_json::from_value(value)?)
}

fn is_observed(chatbox: &DynamicObject) -> bool {
    let observed = chatbox.data["status"]["observedGeneration"].as_i64();
    observed.is_some() && observed == chatbox.metadata.generation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chatbox_is_observed_when_its_present_generation_is() {
        for (observed, generation, expected) in [
            (json!(2), json!(2), true),
            (json!(1), json!(2), false),
            (json!(null), json!(null), false),
        ] {
            let mut value = chatbox(7);
            value["status"] = json!({"observedGeneration": observed});
            value["metadata"]["generation"] = generation;
            assert_eq!(is_observed(&object(value).unwrap()), expected);
        }
        assert_eq!(name(7), "support-00007");
    }
}
