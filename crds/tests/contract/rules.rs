//! One rule, three places: the schema and CEL at admission, `check` in the operator, `check` in the server. This table
//! holds them to the same verdict.

use crds::Config;
use serde_json::{Value, json};

use crate::documents::{Admission, base, encryption_key, header, mongodb, problems, with};

#[test]
fn good_documents_are_good_everywhere() {
    let admission = Admission::new();
    for (at, value) in [
        ("", base()),
        ("/server/pathPrefix", json!("/a/b-c_d.e~f")),
        ("/server/drainSeconds", json!(0)),
        ("/server/drainSeconds", json!(600)),
        (
            "/server/allowedOrigins",
            json!(["https://a.example", "http://localhost:8080"]),
        ),
        ("/server/trustedProxies", json!(["10.0.0.0/8", "::1/128"])),
        (
            "/auth/hs256",
            json!({"keys": [{"name": "a", "key": "b"}, {"name": "a", "key": "c"}]}),
        ),
        (
            "/auth/guests",
            json!({"tokenSeconds": 60, "renewSeconds": 0}),
        ),
        ("/models/0/openai", json!(null)),
        (
            "/models",
            json!([{"id": "a", "name": "A", "anthropic": {"model": "m"}}]),
        ),
        (
            "/models",
            json!([{"id": "a", "name": "A", "temperature": 2.0, "openai": {"model": "m",
                "headers": [header("x-title"), header("anthropic-version"), header("x-api-key")]}}]),
        ),
        (
            "/models",
            json!([{"id": "a", "name": "A", "temperature": 1.0, "anthropic": {"model": "m",
                "headers": [header("anthropic-beta"), header("authorization")]}}]),
        ),
        (
            "/models",
            json!([{"id": "a", "name": "A", "historyTokens": 256, "dify": {"apiKey": {"name": "a", "key": "b"}}}]),
        ),
        ("/models/0/systemPrompt", json!("ä".repeat(32_768))),
        ("/storage", json!({"sqlite": {}})),
        ("/storage", json!({"mongodb": mongodb(json!({}))})),
        (
            "/storage",
            json!({"mongodb": mongodb(json!({"tls": {}, "poolMax": 2, "operationSeconds": 60}))}),
        ),
        (
            "/storage/sqlite/volume",
            json!({"claim": {"size": "10Gi", "storageClassName": "fast"}}),
        ),
        (
            "/storage/sqlite/volume",
            json!({"claim": {"storageClassName": ""}}),
        ),
        ("/storage/sqlite/volume/emptyDir/sizeLimit", json!("500M")),
        ("/encryption", json!({})),
        ("/encryption", json!({"keys": [encryption_key("k1", "a")]})),
        (
            "/encryption",
            json!({"keys": [encryption_key("2", "a"), encryption_key("2026-q4", "b")]}),
        ),
        (
            "/limits",
            json!({"frameBytes": 16_384, "messageChars": 3072}),
        ),
        ("/limits/connections", json!(100_000)),
    ] {
        let document = with(at, value);
        assert_eq!(problems(&document), Vec::<String>::new(), "{at}");
        // The API server prunes nulls before it asks; the shape check here does not.
        assert!(
            document.pointer(at).is_some_and(Value::is_null) || admission.admits(&document),
            "{at}"
        );
    }
}

/// What no schema can express: the operator reports it in `ConfigValid`.
#[test]
fn some_rules_are_beyond_admission() {
    let admission = Admission::new();
    let url =
        |url: &str| json!([{"id": "a", "name": "A", "openai": {"model": "m", "baseUrl": url}}]);
    for (at, value, field) in [
        (
            "/server/trustedProxies",
            json!(["10.0.0.0/33"]),
            "server.trustedProxies[0]",
        ),
        (
            "/server/allowedOrigins",
            json!(["https://Example.com"]),
            "server.allowedOrigins[0]",
        ),
        (
            "/server/allowedOrigins",
            json!(["https://a.example:443"]),
            "server.allowedOrigins[0]",
        ),
        (
            "/models",
            url("https://user:pass@a.example"),
            "models[0].openai.baseUrl",
        ),
        (
            "/models",
            url("https://a.example/v1?x=1"),
            "models[0].openai.baseUrl",
        ),
        ("/models", url("https://"), "models[0].openai.baseUrl"),
        (
            "/models",
            json!([{"id": "a", "name": "A", "anthropic": {"model": "m", "baseUrl": "https://a.example?x=1"}}]),
            "models[0].anthropic.baseUrl",
        ),
        (
            "/models",
            json!([{"id": "a", "name": "A", "dify": {"apiKey": {"name": "a", "key": "b"}, "baseUrl": "https://a.example/v1/workflows/run"}}]),
            "models[0].dify.baseUrl",
        ),
    ] {
        let document = with(at, value.clone());
        assert_eq!(problems(&document), [field], "{at} {value}");
        assert!(
            admission.admits(&document),
            "{at} {value}: it can be refused earlier than this test says"
        );
    }
}

#[test]
fn all_problems_are_reported_at_once_and_without_values() {
    let mut document = with(
        "/models",
        json!([{"id": "a", "name": "A", "openai": {"model": "", "baseUrl": "https://me:hunter2@a.example"}}]),
    );
    document["limits"] = json!({"connections": 0, "pendingQuestions": 0});
    let found = Config::parse(&document.to_string()).unwrap().config.check();
    let fields: Vec<_> = found.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(
        fields,
        [
            "limits.connections",
            "limits.pendingQuestions",
            "models[0].openai.baseUrl",
            "models[0].openai.model"
        ]
    );
    assert!(
        !found
            .iter()
            .any(|problem| problem.message.contains("hunter2"))
    );
}
