//! Documents that are refused everywhere: one row a rule.

use serde_json::{Value, json};

use crate::documents::{Admission, dify, encryption_key, headers, mongodb, problems, with};

#[test]
fn bad_server_and_auth_are_bad_everywhere_and_the_field_is_named() {
    let key = |name: &str, key: &str| json!({"keys": [{"name": name, "key": key}]});
    assert_bad([
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
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row a rule")]
fn bad_models_are_bad_everywhere_and_the_field_is_named() {
    assert_bad([
        ("/models", json!([]), "models"),
        ("/models", model(&json!({})), "models[0]"),
        (
            "/models",
            model(&json!({"demo": {}, "openai": {"model": "m"}})),
            "models[0]",
        ),
        (
            "/models",
            json!([{"id": "a", "name": "A", "demo": {}}, {"id": "a", "name": "B", "demo": {}}]),
            "models[1].id",
        ),
        ("/models", numbered_models(17), "models"),
        ("/models/0/fallback", json!(["a"]), "models[0].fallback[0]"),
        (
            "/models/0/fallback",
            json!(["gone"]),
            "models[0].fallback[0]",
        ),
        (
            "/models/0/fallback",
            json!(["b", "c", "d", "e", "f"]),
            "models[0].fallback",
        ),
        (
            "/models",
            json!([
                {"id": "a", "name": "A", "demo": {}, "fallback": ["b", "b"]},
                {"id": "b", "name": "B", "demo": {}},
            ]),
            "models[0].fallback[1]",
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
            model(&json!({"openai": {"model": "m", "baseUrl": "ftp://a.example"}})),
            "models[0].openai.baseUrl",
        ),
        (
            "/models",
            model(&json!({"openai": {"model": ""}})),
            "models[0].openai.model",
        ),
        (
            "/models",
            model(&json!({"anthropic": {"model": "m"}, "openai": {"model": "m"}})),
            "models[0]",
        ),
        (
            "/models",
            model(&json!({"anthropic": {"model": "m"}, "demo": {}})),
            "models[0]",
        ),
        (
            "/models",
            model(&json!({"anthropic": {"model": "m", "baseUrl": "api.anthropic.com"}})),
            "models[0].anthropic.baseUrl",
        ),
        (
            "/models",
            model(&json!({"anthropic": {"model": ""}})),
            "models[0].anthropic.model",
        ),
        (
            "/models",
            model(&json!({"anthropic": {"model": "m", "apiKey": {"name": "A", "key": "a"}}})),
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
            model(&json!({"anthropic": {"model": "m"}, "temperature": 1.1})),
            "models[0].temperature",
        ),
        (
            "/models",
            model(&json!({"dify": dify(), "temperature": 0.5})),
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
        ("/models", model(&json!({"dify": {}})), "models[0].dify"),
        (
            "/models",
            model(&json!({"dify": dify(), "anthropic": {"model": "m"}})),
            "models[0]",
        ),
        (
            "/models",
            model(&json!({"dify": dify(), "demo": {}})),
            "models[0]",
        ),
        (
            "/models",
            model(&json!({"dify": dify(), "systemPrompt": "Be kind."})),
            "models[0].systemPrompt",
        ),
        (
            "/models",
            model(&json!({"dify": dify(), "answerTokens": 5})),
            "models[0].answerTokens",
        ),
        (
            "/models",
            model(
                &json!({"dify": {"apiKey": {"name": "a", "key": "b"}, "baseUrl": "api.dify.ai"}}),
            ),
            "models[0].dify.baseUrl",
        ),
    ]);
}

#[test]
fn bad_storage_and_limits_are_bad_everywhere_and_the_field_is_named() {
    assert_bad([
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
        ("/takeover/awaySeconds", json!(0), "takeover.awaySeconds"),
        (
            "/takeover/awaySeconds",
            json!(86_401),
            "takeover.awaySeconds",
        ),
    ]);
}

#[test]
fn bad_encryption_is_bad_everywhere_and_the_field_is_named() {
    let keys = |keys: Vec<Value>| json!({"keys": keys});
    let ids = |ids: &[&str]| {
        let key = |(index, id): (usize, &&str)| encryption_key(id, &format!("k{index}"));
        keys(ids.iter().enumerate().map(key).collect())
    };
    let nine = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    assert_bad([
        ("/encryption", ids(&[]), "encryption.keys"),
        ("/encryption", ids(&nine), "encryption.keys"),
        ("/encryption", ids(&[""]), "encryption.keys[0].id"),
        ("/encryption", ids(&["K1"]), "encryption.keys[0].id"),
        ("/encryption", ids(&["-a"]), "encryption.keys[0].id"),
        ("/encryption", ids(&["a:b"]), "encryption.keys[0].id"),
        ("/encryption", ids(&["a.b"]), "encryption.keys[0].id"),
        (
            "/encryption",
            ids(&[&"a".repeat(33)]),
            "encryption.keys[0].id",
        ),
        (
            "/encryption",
            ids(&["a", "b", "a"]),
            "encryption.keys[2].id",
        ),
        (
            "/encryption",
            keys(vec![encryption_key("a", "k"), encryption_key("b", "k")]),
            "encryption.keys[1].secret",
        ),
        (
            "/encryption",
            keys(vec![encryption_key("a", "..")]),
            "encryption.keys[0].secret.key",
        ),
        (
            "/encryption",
            json!({"keys": [{"id": "a", "secret": "0123"}]}),
            "encryption.keys[0].secret",
        ),
        ("/encryption", json!(true), "encryption"),
    ]);
}

/// Each value makes the base document one that neither admission nor `check` takes, and `check` names the field.
fn assert_bad<const COUNT: usize>(rows: [(&str, Value, &str); COUNT]) {
    let admission = Admission::new();
    for (at, value, field) in rows {
        let document = with(at, value.clone());
        assert_eq!(
            problems(&document).first().map(String::as_str),
            Some(field),
            "{at} {value}"
        );
        assert!(!admission.admits(&document), "{at} {value} is admitted");
    }
}

fn numbered_models(count: usize) -> Value {
    let model = |index| json!({"id": format!("m{index}"), "name": "M", "demo": {}});
    (0..count).map(model).collect()
}

/// A list of one model with these fields beside its id and name.
fn model(more: &Value) -> Value {
    let mut model = json!({"id": "a", "name": "A"});
    model
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    json!([model])
}
