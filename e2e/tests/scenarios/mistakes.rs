//! Mistakes, and what the cluster says of each.

use anyhow::{Result, ensure};
use control_plane::world::World;
use serde_json::{Value, json};

use super::chat::{self, NAME, condition, demo, pod, uid, with};

/// Each is refused when it is applied, or reported with its field; the chat that runs is left alone.
pub(crate) fn a_mistake_is_named_and_the_chat_runs_on(world: &World<'_>) -> Result<()> {
    world.apply(&demo())?;
    chat::page(world, NAME)?;
    let running = uid(&pod(world)?)?;
    for (at, value, words) in refused() {
        let said = world.refusal(&with(demo(), at, value))?;
        for word in words {
            ensure!(said.contains(word), "{at}: {word:?} is not in: {said}");
        }
    }
    for (at, value, words) in reported() {
        world.apply(&with(demo(), at, value))?;
        let (type_, words) = words;
        let (status, _, message) = condition(world, type_)?;
        ensure!(status == "False", "{at}: {type_} is {status}: {message}");
        for word in words {
            ensure!(
                message.contains(word),
                "{at}: {word:?} is not in: {message}"
            );
        }
        let (status, ..) = condition(world, "Ready")?;
        ensure!(status == "False", "{at}: Ready is {status}");
    }
    ensure!(
        uid(&pod(world)?)? == running,
        "a mistake touched the chat that runs"
    );
    world.apply(&demo())?;
    chat::ready(world)?;
    ensure!(
        uid(&pod(world)?)? == running,
        "mending the mistake rolled the pods"
    );
    Ok(())
}

fn model(more: &Value) -> Value {
    let mut model = json!({"id": "a", "name": "A"});
    for (field, value) in more.as_object().into_iter().flatten() {
        model[field] = value.clone();
    }
    json!([model])
}

const NAMES: &str = "at most 50 lower case letters";

fn refused() -> [(&'static str, Value, Vec<&'static str>); 9] {
    [
        // Kubernetes itself would take both names; the children's names would not fit.
        ("/metadata/name", json!("9lives"), vec![NAMES]),
        ("/metadata/name", json!("a".repeat(51)), vec![NAMES]),
        (
            "/spec/replicas",
            json!(2),
            vec!["spec.replicas", "less than or equal to 1"],
        ),
        (
            "/spec/service",
            json!({"type": "ClusterIP", "nodePort": 30099}),
            vec!["spec.service", "nodePort needs type NodePort"],
        ),
        (
            "/spec/config/models",
            json!([]),
            vec!["spec.config.models", "at least 1"],
        ),
        (
            "/spec/config/models",
            model(&json!({})),
            vec![
                "spec.config.models[0]",
                "exactly one of openai, anthropic, dify, demo",
            ],
        ),
        (
            "/spec/config/server/pathPrefix",
            json!("chat"),
            vec!["spec.config.server.pathPrefix"],
        ),
        (
            "/spec/config/limits",
            json!({"messagesPerMinute": 0}),
            vec![
                "spec.config.limits.messagesPerMinute",
                "greater than or equal to 1",
            ],
        ),
        (
            "/spec/config/storage/sqlite/volume",
            json!({"claim": {}}),
            vec!["spec.config.storage.sqlite.volume", "cannot be changed"],
        ),
    ]
}

type Reported = (&'static str, Value, (&'static str, Vec<&'static str>));

fn reported() -> [Reported; 5] {
    let url = |url: &str| model(&json!({"openai": {"model": "m", "baseUrl": url}}));
    let key = json!({"hs256": {"keys": [{"name": "nowhere", "key": "jwt"}]}});
    [
        (
            "/spec/config/server",
            json!({"trustedProxies": ["10.0.0.0/33"]}),
            (
                "ConfigValid",
                vec!["spec.config.server.trustedProxies[0]", "10.0.0.0/8"],
            ),
        ),
        (
            "/spec/config/server",
            json!({"allowedOrigins": ["https://Example.com"]}),
            (
                "ConfigValid",
                vec![
                    "spec.config.server.allowedOrigins[0]",
                    "https://example.com",
                ],
            ),
        ),
        (
            "/spec/config/models",
            url("https://me:pass@llm.example"),
            (
                "ConfigValid",
                vec!["spec.config.models[0].openai.baseUrl", "apiKey"],
            ),
        ),
        (
            "/spec/config/models",
            url("https://llm.example/v1?key=x"),
            ("ConfigValid", vec!["spec.config.models[0].openai.baseUrl"]),
        ),
        (
            "/spec/config/auth",
            key,
            (
                "SecretsResolved",
                vec!["spec.config.auth.hs256.keys[0]", "nowhere"],
            ),
        ),
    ]
}
