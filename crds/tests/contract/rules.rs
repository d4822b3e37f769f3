//! One rule, three places: the schema and CEL at admission, `check` in the operator, `check` in the server. This table
//! holds them to the same verdict.

use crds::{Config, chatbox};
use serde_json::{Value, json};

/// The admission's verdict on `spec.config`: schema, list-map keys and CEL, as the API server reads them.
struct Admission {
    schema: Value,
    shape: jsonschema::Validator,
}

impl Admission {
    fn new() -> Self {
        let crd = serde_json::to_value(chatbox::crd()).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
            ["properties"]["config"];
        Self {
            schema: schema.clone(),
            shape: jsonschema::validator_for(schema).unwrap(),
        }
    }

    fn admits(&self, config: &Value) -> bool {
        let defaulted = default(&self.schema, config);
        let cel = kube::core::cel::Validator::new().validate(&self.schema, &defaulted, None);
        self.shape.is_valid(&defaulted) && unique(&self.schema, &defaulted) && cel.is_ok()
    }
}

/// `value` with the schema's defaults, which the API server fills in before it asks any rule.
fn default(schema: &Value, value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut filled = object.clone();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                let known = filled
                    .get(name)
                    .or_else(|| property.get("default"))
                    .cloned();
                if let Some(known) = known {
                    filled.insert(name.clone(), default(property, &known));
                }
            }
            Value::Object(filled)
        }
        Value::Array(items) => items
            .iter()
            .map(|item| default(&schema["items"], item))
            .collect(),
        other => other.clone(),
    }
}

/// Whether every list-map below has each key once.
fn unique(schema: &Value, value: &Value) -> bool {
    match value {
        Value::Object(object) => object
            .iter()
            .all(|(name, value)| unique(&schema["properties"][name], value)),
        Value::Array(items) => {
            let keys = schema["x-kubernetes-list-map-keys"].as_array();
            let key = |item: &Value| {
                keys.map(|keys| {
                    keys.iter()
                        .map(|key| item[key.as_str().unwrap()].clone())
                        .collect::<Vec<_>>()
                })
            };
            let repeated = |(index, item): (usize, &Value)| {
                keys.is_some() && items[..index].iter().any(|other| key(other) == key(item))
            };
            !items.iter().enumerate().any(repeated)
                && items.iter().all(|item| unique(&schema["items"], item))
        }
        _ => true,
    }
}

fn base() -> Value {
    json!({
        "models": [{"id": "a", "name": "A", "demo": {}}],
        "storage": {"sqlite": {"volume": {"emptyDir": {}}}},
    })
}

/// A MongoDB with these fields beside those that it needs.
fn mongodb(more: Value) -> Value {
    let mut mongodb = json!({"uri": {"name": "mongodb", "key": "uri"}, "database": "support"});
    let Value::Object(more) = more else {
        panic!("fields");
    };
    mongodb.as_object_mut().unwrap().extend(more);
    mongodb
}

fn header(name: &str) -> Value {
    json!({"name": name, "value": {"name": "a", "key": "b"}})
}

/// A row whose model has headers of these names, and what is wrong below them.
fn headers(
    provider: &'static str,
    names: &[&str],
    below: &str,
) -> (&'static str, Value, &'static str) {
    let headers: Vec<_> = names.iter().map(|name| header(name)).collect();
    let mut of_provider = json!({"headers": headers});
    let needed = match provider {
        "dify" => dify(),
        _ => json!({"model": "m"}),
    };
    let needed = needed.as_object().unwrap().clone();
    of_provider.as_object_mut().unwrap().extend(needed);
    let model = json!([{"id": "a", "name": "A", provider: of_provider}]);
    let field = format!("models[0].{provider}.headers{below}");
    ("/models", model, field.leak())
}

fn dify() -> Value {
    json!({"apiKey": {"name": "a", "key": "b"}})
}

/// The base document with `value` at the JSON pointer `at`; its parents are made.
fn with(at: &str, value: Value) -> Value {
    let mut document = base();
    let mut place = &mut document;
    for step in at.split('/').skip(1) {
        if place.is_null() {
            *place = json!({});
        }
        place = match step.parse::<usize>() {
            Ok(index) => &mut place.as_array_mut().unwrap()[index],
            Err(_) => place
                .as_object_mut()
                .unwrap()
                .entry(step)
                .or_insert(Value::Null),
        };
    }
    *place = value;
    document
}

fn problems(document: &Value) -> Vec<String> {
    match Config::parse(&document.to_string()) {
        Ok(parsed) => parsed
            .config
            .check()
            .into_iter()
            .map(|problem| problem.field)
            .collect(),
        Err(problem) => vec![problem.field],
    }
}

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

#[test]
#[expect(clippy::too_many_lines, reason = "one row a rule")]
fn bad_documents_are_bad_everywhere_and_the_field_is_named() {
    let admission = Admission::new();
    let key = |name: &str, key: &str| json!({"keys": [{"name": name, "key": key}]});
    let model = |more: Value| {
        let mut model = json!({"id": "a", "name": "A"});
        model
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!([model])
    };
    for (at, value, field) in [
        ("/server/pathPrefix", json!("chat"), "server.pathPrefix"),
        ("/server/pathPrefix", json!("/"), "server.pathPrefix"),
        ("/server/pathPrefix", json!("/a/"), "server.pathPrefix"),
        ("/server/pathPrefix", json!("/a b"), "server.pathPrefix"),
        (
            "/server/pathPrefix",
            json!(format!("/{}", "a".repeat(128))),
            "server.pathPrefix",
        ),
        ("/server/drainSeconds", json!(-1), "server.drainSeconds"),
        ("/server/drainSeconds", json!(601), "server.drainSeconds"),
        (
            "/server/allowedOrigins",
            json!(["*"]),
            "server.allowedOrigins[0]",
        ),
        (
            "/server/allowedOrigins",
            json!(["https://a.example", "https://a.example/"]),
            "server.allowedOrigins[1]",
        ),
        (
            "/server/trustedProxies",
            json!(["x"]),
            "server.trustedProxies[0]",
        ),
        ("/auth/hs256", json!({"keys": []}), "auth.hs256.keys"),
        ("/auth/hs256", key("Upper", "k"), "auth.hs256.keys[0].name"),
        ("/auth/hs256", key("a", "../b"), "auth.hs256.keys[0].key"),
        ("/auth/hs256", key("a", ".."), "auth.hs256.keys[0].key"),
        (
            "/auth/hs256",
            json!({"keys": vec![json!({"name": "a", "key": "b"}); 2]}),
            "auth.hs256.keys[1]",
        ),
        (
            "/auth/guests/tokenSeconds",
            json!(59),
            "auth.guests.tokenSeconds",
        ),
        (
            "/auth/guests/renewSeconds",
            json!(31_536_001),
            "auth.guests.renewSeconds",
        ),
        ("/models", json!([]), "models"),
        ("/models", model(json!({})), "models[0]"),
        (
            "/models",
            model(json!({"demo": {}, "openai": {"model": "m"}})),
            "models[0]",
        ),
        (
            "/models",
            json!([{"id": "a", "name": "A", "demo": {}}, {"id": "a", "name": "B", "demo": {}}]),
            "models",
        ),
        (
            "/models",
            json!([{"id": "a b", "name": "A", "demo": {}}]),
            "models[0].id",
        ),
        (
            "/models",
            json!([{"id": "a", "name": "", "demo": {}}]),
            "models[0].name",
        ),
        (
            "/models/0/systemPrompt",
            json!("x".repeat(32_769)),
            "models[0].systemPrompt",
        ),
        (
            "/models/0/historyTokens",
            json!(255),
            "models[0].historyTokens",
        ),
        ("/models/0/answerTokens", json!(0), "models[0].answerTokens"),
        ("/models/0/idleSeconds", json!(0), "models[0].idleSeconds"),
        (
            "/models/0/totalSeconds",
            json!(3601),
            "models[0].totalSeconds",
        ),
        (
            "/models/0/demo/wordsPerSecond",
            json!(0),
            "models[0].demo.wordsPerSecond",
        ),
        (
            "/models",
            model(json!({"openai": {"model": "m", "baseUrl": "ftp://a.example"}})),
            "models[0].openai.baseUrl",
        ),
        (
            "/models",
            model(json!({"openai": {"model": ""}})),
            "models[0].openai.model",
        ),
        (
            "/models",
            model(json!({"anthropic": {"model": "m"}, "openai": {"model": "m"}})),
            "models[0]",
        ),
        (
            "/models",
            model(json!({"anthropic": {"model": "m"}, "demo": {}})),
            "models[0]",
        ),
        (
            "/models",
            model(json!({"anthropic": {"model": "m", "baseUrl": "api.anthropic.com"}})),
            "models[0].anthropic.baseUrl",
        ),
        (
            "/models",
            model(json!({"anthropic": {"model": ""}})),
            "models[0].anthropic.model",
        ),
        (
            "/models",
            model(json!({"anthropic": {"model": "m", "apiKey": {"name": "A", "key": "a"}}})),
            "models[0].anthropic.apiKey.name",
        ),
        (
            "/models/0/temperature",
            json!(-0.1),
            "models[0].temperature",
        ),
        ("/models/0/temperature", json!(2.1), "models[0].temperature"),
        (
            "/models/0/temperature",
            json!("low"),
            "models[0].temperature",
        ),
        (
            "/models",
            model(json!({"anthropic": {"model": "m"}, "temperature": 1.1})),
            "models[0].temperature",
        ),
        (
            "/models",
            model(json!({"dify": dify(), "temperature": 0.5})),
            "models[0].temperature",
        ),
        headers("openai", &["X-Title"], "[0].name"),
        headers("openai", &["a b"], "[0].name"),
        headers("openai", &[""], "[0].name"),
        headers("openai", &["x-a", "x-a"], "[1].name"),
        headers("openai", &["x-a", "authorization"], "[1].name"),
        headers("openai", &["api-key"], "[0].name"),
        headers("openai", &["host"], "[0].name"),
        headers("openai", &["content-type"], "[0].name"),
        headers("openai", &["transfer-encoding"], "[0].name"),
        headers("openai", &["user-agent"], "[0].name"),
        headers("openai", &["x"; 17], ""),
        headers("anthropic", &["x-api-key"], "[0].name"),
        headers("anthropic", &["anthropic-version"], "[0].name"),
        headers("anthropic", &["connection"], "[0].name"),
        headers("dify", &["authorization"], "[0].name"),
        headers("dify", &["te"], "[0].name"),
        ("/models", model(json!({"dify": {}})), "models[0].dify"),
        (
            "/models",
            model(json!({"dify": dify(), "anthropic": {"model": "m"}})),
            "models[0]",
        ),
        (
            "/models",
            model(json!({"dify": dify(), "demo": {}})),
            "models[0]",
        ),
        (
            "/models",
            model(json!({"dify": dify(), "systemPrompt": "Be kind."})),
            "models[0].systemPrompt",
        ),
        (
            "/models",
            model(json!({"dify": dify(), "answerTokens": 5})),
            "models[0].answerTokens",
        ),
        (
            "/models",
            model(json!({"dify": {"apiKey": {"name": "a", "key": "b"}, "baseUrl": "api.dify.ai"}})),
            "models[0].dify.baseUrl",
        ),
        ("/storage", json!({}), "storage"),
        (
            "/storage",
            json!({"sqlite": {}, "mongodb": mongodb(json!({}))}),
            "storage",
        ),
        (
            "/storage",
            json!({"mongodb": {"database": "a"}}),
            "storage.mongodb",
        ),
        (
            "/storage",
            json!({"mongodb": mongodb(json!({"uri": {"name": "A", "key": "a"}}))}),
            "storage.mongodb.uri.name",
        ),
        (
            "/storage",
            json!({"mongodb": mongodb(json!({"uri": "mongodb://u:p@h"}))}),
            "storage.mongodb.uri",
        ),
        (
            "/storage",
            json!({"mongodb": mongodb(json!({"database": "a.b"}))}),
            "storage.mongodb.database",
        ),
        (
            "/storage",
            json!({"mongodb": mongodb(json!({"poolMax": 1}))}),
            "storage.mongodb.poolMax",
        ),
        (
            "/storage",
            json!({"mongodb": mongodb(json!({"operationSeconds": 3}))}),
            "storage.mongodb.operationSeconds",
        ),
        ("/storage/sqlite/volume", json!({}), "storage.sqlite.volume"),
        (
            "/storage/sqlite/volume",
            json!({"claim": {}, "emptyDir": {}}),
            "storage.sqlite.volume",
        ),
        (
            "/storage/sqlite/volume",
            json!({"claim": {"size": "big"}}),
            "storage.sqlite.volume.claim.size",
        ),
        (
            "/storage/sqlite/volume",
            json!({"claim": {"storageClassName": "A"}}),
            "storage.sqlite.volume.claim.storageClassName",
        ),
        (
            "/storage/sqlite/volume/emptyDir/sizeLimit",
            json!("0"),
            "storage.sqlite.volume.emptyDir.sizeLimit",
        ),
        ("/limits/messageChars", json!(0), "limits.messageChars"),
        ("/limits/frameBytes", json!(1_048_577), "limits.frameBytes"),
        (
            "/limits/messagesPerMinute",
            json!(10_001),
            "limits.messagesPerMinute",
        ),
        (
            "/limits/pendingQuestions",
            json!(101),
            "limits.pendingQuestions",
        ),
        (
            "/limits/connectionsPerUser",
            json!(0),
            "limits.connectionsPerUser",
        ),
        ("/limits/connections", json!(100_001), "limits.connections"),
        (
            "/limits/guestsPerMinute",
            json!(0),
            "limits.guestsPerMinute",
        ),
        ("/limits/connections", json!("many"), "limits.connections"),
        ("/limits", json!({"frameBytes": 44_095}), "limits"),
    ] {
        let document = with(at, value.clone());
        assert_eq!(
            problems(&document).first().map(String::as_str),
            Some(field),
            "{at} {value}"
        );
        assert!(!admission.admits(&document), "{at} {value} is admitted");
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
