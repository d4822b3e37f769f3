//! What the pages for people say of the document is true.

use std::collections::BTreeMap;

use crds::{Config, config};
use serde_json::{Value, json};

const MODELS: &str = include_str!("../../../docs/models.md");
const STORAGE: &str = include_str!("../../../docs/storage.md");

fn blocks(page: &str) -> Vec<Value> {
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| serde_saphyr::from_str(block).unwrap())
        .collect()
}

/// The rows of all tables that have this heading: the name of a field, and what stands behind it.
fn table(page: &str, heading: &str) -> BTreeMap<String, Vec<String>> {
    let tables = page.split(heading).skip(1);
    let rows = tables.flat_map(|rest| {
        let lines = rest.lines().skip(1);
        lines.take_while(|line| line.starts_with('|'))
    });
    rows.map(|row| {
        let mut cells = row.trim_matches('|').split('|').map(str::trim);
        let field = cells.next().unwrap().trim_matches('`').to_owned();
        (field, cells.map(|cell| cell.replace('`', "")).collect())
    })
    .collect()
}

fn default(definition: &str, field: &str) -> String {
    match &config::schema()["$defs"][definition]["properties"][field]["default"] {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[test]
fn each_example_can_be_served() {
    let examples = [blocks(MODELS), blocks(STORAGE)].concat();
    assert!(examples.len() >= 7);
    for example in examples {
        let mut document = json!({
            "models": [{"id": "demo", "name": "Demo", "demo": {}}],
            "storage": {"sqlite": {}},
        });
        for (section, value) in example.as_object().unwrap() {
            document[section] = value.clone();
        }
        let parsed = Config::from_value(document).unwrap();
        assert_eq!(parsed.unknown, Vec::<String>::new(), "{example}");
        assert_eq!(parsed.config.check(), [], "{example}");
    }
}

#[test]
fn each_default_is_the_one_that_is_written_down() {
    let of_model = table(MODELS, "| Field | Default | |\n");
    for field in [
        "systemPrompt",
        "historyTokens",
        "answerTokens",
        "temperature",
        "idleSeconds",
        "totalSeconds",
    ] {
        assert_eq!(of_model[field][0], default("Model", field), "{field}");
    }
    let of_provider = table(MODELS, "| Field | `openai` | `anthropic` | `dify` |\n");
    for (place, definition) in ["OpenAi", "Anthropic", "Dify"].into_iter().enumerate() {
        let base_url = &of_provider["baseUrl"][place];
        assert_eq!(*base_url, default(definition, "baseUrl"));
    }
    let of_storage = table(STORAGE, "| Field | Default | |\n");
    for (field, definition, name) in [
        ("sqlite.volume.claim.size", "Claim", "size"),
        ("mongodb.poolMax", "MongoDb", "poolMax"),
        ("mongodb.operationSeconds", "MongoDb", "operationSeconds"),
    ] {
        assert_eq!(of_storage[field][0], default(definition, name), "{field}");
    }
}
