//! What the document adds to every call: headers of a gateway, and a temperature.

use crds::Config;
use serde_json::{Value, json};
use tests::{Provider, World, demo};

use super::ask;

fn config(model: &Value) -> Config {
    Config {
        models: serde_json::from_value(json!([model])).unwrap(),
        ..demo()
    }
}

#[tokio::test]
async fn headers_are_sent_to_every_provider() {
    let key = json!({"name": "llm", "key": "key"});
    let headers = json!([{"name": "x-gateway-key", "value": key}]);
    for name in ["openai", "anthropic", "dify"] {
        let mut provider = Provider::start().await;
        let mut section = json!({"baseUrl": provider.url(), "apiKey": key, "headers": headers});
        if name != "dify" {
            section["model"] = json!("small");
        }
        let model = json!({"id": "fast", "name": "Fast", name: section});
        let world = World::start(config(&model)).await;
        let mut client = ask(&world).await;
        let call = provider.call().await;
        assert_eq!(call.headers["x-gateway-key"], "sk-test-key", "{name}");
        let own = if name == "anthropic" {
            "x-api-key"
        } else {
            "authorization"
        };
        assert!(call.headers.contains_key(own), "{name}");
        call.reject(401);
        client.wait_for("error").await;
    }
}

#[tokio::test]
async fn a_temperature_is_sent_and_left_out_where_it_is_refused() {
    for name in ["openai", "anthropic"] {
        let mut provider = Provider::start().await;
        let section = json!({"baseUrl": provider.url(), "model": "small"});
        let model = json!({"id": "fast", "name": "Fast", "temperature": 0.25, name: section});
        let world = World::start(config(&model)).await;
        let mut client = ask(&world).await;
        let call = provider.call().await;
        assert_eq!(call.body["temperature"], 0.25, "{name}");
        let words = "'temperature' does not support 0.25 with this model.";
        call.reject_with(
            400,
            &json!({"type": "invalid_request_error", "message": words}),
        );
        let call = provider.call().await;
        assert_eq!(call.body.get("temperature"), None, "{name}");
        call.reject(401);
        client.wait_for("error").await;
    }
}
