//! JSON as clients write it, who are not all careful: what the predecessor took is taken.

use serde_json::{Map, Value};

use crate::chat::utf16;

/// The object of a frame. Its keys and those of `metadata` are in lower case; of a key that is repeated the last one
/// counts; half a character, as programs leave it that cut text, becomes `U+FFFD`.
pub(super) fn object(text: &str) -> Option<Value> {
    let parsed = serde_json::from_str(text).ok().or_else(|| {
        let mended = utf16::without_lone_surrogates(text)?;
        serde_json::from_str(&mended).ok()
    })?;
    let Value::Object(object) = parsed else {
        // Serde would take a list of the fields for them.
        return None;
    };
    let mut object = lower_case(object);
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        *metadata = lower_case(std::mem::take(metadata));
    }
    Some(Value::Object(object))
}

/// The same with keys in lower case; one that was is taken before others.
fn lower_case(object: Map<String, Value>) -> Map<String, Value> {
    let is_lower = |key: &String| !key.bytes().any(|byte| byte.is_ascii_uppercase());
    if object.keys().all(is_lower) {
        return object;
    }
    let (mut lower, others): (Map<_, _>, Map<_, _>) =
        object.into_iter().partition(|(key, _)| is_lower(key));
    for (key, value) in others {
        lower.entry(key.to_ascii_lowercase()).or_insert(value);
    }
    lower
}
