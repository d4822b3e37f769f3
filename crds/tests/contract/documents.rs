//! Documents of the contract, and what admission says of them.

use crds::{Config, chatbox};
use serde_json::{Value, json};

/// The admission's verdict on `spec.config`: schema, unique items and CEL, as the API server reads them.
pub(crate) struct Admission {
    schema: Value,
    shape: jsonschema::Validator,
}

impl Admission {
    pub(crate) fn new() -> Self {
        let crd = serde_json::to_value(chatbox::crd()).unwrap();
        let schema = &crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
            ["properties"]["config"];
        Self {
            schema: schema.clone(),
            shape: jsonschema::validator_for(schema).unwrap(),
        }
    }

    pub(crate) fn admits(&self, config: &Value) -> bool {
        let defaulted = default(&self.schema, config);
        let cel = kube::core::cel::Validator::new().validate(&self.schema, &defaulted, None);
        self.shape.is_valid(&defaulted) && unique(&self.schema, &defaulted) && cel.is_ok()
    }
}

/// `value` with the schema's defaults, which the API server fills in before it asks any rule.
pub(crate) fn default(schema: &Value, value: &Value) -> Value {
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

/// Whether every list-map below has each key once, and every set each item.
pub(crate) fn unique(schema: &Value, value: &Value) -> bool {
    match value {
        Value::Object(object) => object
            .iter()
            .all(|(name, value)| unique(&schema["properties"][name], value)),
        Value::Array(items) => {
            let keys = schema["x-kubernetes-list-map-keys"].as_array();
            let is_set = schema["x-kubernetes-list-type"] == "set";
            let key = |item: &Value| match keys {
                Some(keys) => keys
                    .iter()
                    .map(|key| item[key.as_str().unwrap()].clone())
                    .collect::<Vec<_>>(),
                None => vec![item.clone()],
            };
            let repeated = |(index, item): (usize, &Value)| {
                (keys.is_some() || is_set)
                    && items[..index].iter().any(|other| key(other) == key(item))
            };
            !items.iter().enumerate().any(repeated)
                && items.iter().all(|item| unique(&schema["items"], item))
        }
        _ => true,
    }
}

pub(crate) fn base() -> Value {
    json!({
        "models": [{"id": "a", "name": "A", "demo": {}}],
        "storage": {"sqlite": {"volume": {"emptyDir": {}}}},
    })
}

/// A MongoDB with these fields beside those that it needs.
pub(crate) fn mongodb(more: Value) -> Value {
    let mut mongodb = json!({"uri": {"name": "mongodb", "key": "uri"}, "database": "support"});
    let Value::Object(more) = more else {
        panic!("fields");
    };
    mongodb.as_object_mut().unwrap().extend(more);
    mongodb
}

/// A key of this id, in the Secret `enc` under the name `key`.
pub(crate) fn encryption_key(id: &str, key: &str) -> Value {
    json!({"id": id, "secret": {"name": "enc", "key": key}})
}

pub(crate) fn header(name: &str) -> Value {
    json!({"name": name, "value": {"name": "a", "key": "b"}})
}

/// A row whose model has headers of these names, and what is wrong below them.
pub(crate) fn headers(
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

pub(crate) fn dify() -> Value {
    json!({"apiKey": {"name": "a", "key": "b"}})
}

/// The base document with `value` at the JSON pointer `at`; its parents are made.
pub(crate) fn with(at: &str, value: Value) -> Value {
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

pub(crate) fn problems(document: &Value) -> Vec<String> {
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
