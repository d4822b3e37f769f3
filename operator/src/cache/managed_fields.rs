//! The fields of a live object that our field manager owns, and their digest. Pure.
//!
//! Server-side apply would change nothing if and only if these fields have the values that would be applied. So one
//! digest of them, compared with the digest of the desired object, tells whether there is anything to send.

use crds::runtime::FIELD_MANAGER;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The API server ends a write after 34 seconds.
const ADMISSION_SECONDS: i64 = 60;

pub type Digest = [u8; 32];

/// Whether our field manager has created or applied any field. When somebody edits all that it has applied, as the labels
/// of the generated Secret, only what it has created is left of it.
pub fn is_ours(metadata: &ObjectMeta) -> bool {
    let mut entries = metadata.managed_fields.iter().flatten();
    entries
        .any(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER) && entry.subresource.is_none())
}

/// Whether our field manager has written fields since the object was created. A backup may restore these entries too, with
/// the times of then. An entry without a time counts: the API server sets one.
pub fn is_written_here(metadata: &ObjectMeta) -> bool {
    let created = metadata.creation_timestamp.as_ref();
    let mut entries = metadata.managed_fields.iter().flatten();
    entries.any(|entry| {
        let is_ours = entry.manager.as_deref() == Some(FIELD_MANAGER);
        // The entry of a creation is made before admission, which takes its time.
        let is_younger = entry
            .time
            .as_ref()
            .zip(created)
            .is_none_or(|(written, created)| {
                written.0.as_second() + ADMISSION_SECONDS >= created.0.as_second()
            });
        is_ours && entry.subresource.is_none() && is_younger
    })
}

/// The field manager, beside ours, that has written last, if one has.
pub fn last_other(metadata: &ObjectMeta) -> Option<String> {
    let entries = metadata.managed_fields.iter().flatten();
    let others = entries.filter(|entry| {
        entry.manager.as_deref() != Some(FIELD_MANAGER)
            && entry.subresource.as_deref() != Some("status")
    });
    others
        .max_by_key(|entry| entry.time.as_ref().map(|time| time.0))?
        .manager
        .clone()
}

/// Digest of the fields that we own in a live object; none if we never applied it.
pub fn of_live(metadata: &ObjectMeta, data: &Value) -> Option<Digest> {
    let fields = owned_fields(metadata.managed_fields.as_ref()?)?;
    // We apply no other fields of the metadata.
    let metadata = json!({
        "labels": metadata.labels,
        "annotations": metadata.annotations,
        "ownerReferences": metadata.owner_references,
    });
    Some(digest(&project_parts(&metadata, data, fields)))
}

/// Whether our field manager has applied the field at this path of a field set.
pub fn has_applied(metadata: &ObjectMeta, path: &[&str]) -> bool {
    let managed = metadata.managed_fields.as_deref().unwrap_or_default();
    let fields = owned_fields(managed);
    let found = path
        .iter()
        .try_fold(fields, |fields, name| Some(fields?.get(name)));
    found.flatten().is_some()
}

/// Digest of an object that is to be applied.
pub fn of_desired(object: &Value) -> Digest {
    let mut object = object.clone();
    if let Some(map) = object.as_object_mut() {
        // They identify the object and are owned by no manager.
        map.remove("apiVersion");
        map.remove("kind");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.remove("name");
            metadata.remove("namespace");
        }
    }
    digest(&object)
}

/// The field set of our field manager.
fn owned_fields(managed: &[ManagedFieldsEntry]) -> Option<&Value> {
    let entry = managed.iter().find(|entry| {
        entry.manager.as_deref() == Some(FIELD_MANAGER)
            && entry.operation.as_deref() == Some("Apply")
            && entry.subresource.is_none()
    })?;
    Some(&entry.fields_v1.as_ref()?.0)
}

/// Like [`project`], for an object whose metadata stands apart from the rest.
fn project_parts(metadata: &Value, data: &Value, fields: &Value) -> Value {
    let member = |(name, fields): (&String, &Value)| {
        let name = name.strip_prefix("f:")?;
        let live = match name {
            "metadata" => metadata,
            name => data.get(name)?,
        };
        Some((name.to_owned(), project(live, fields)))
    };
    let fields = fields.as_object().into_iter().flatten();
    Value::Object(fields.filter_map(member).collect())
}

/// The part of `live` that the field set names. A set without members names the whole value.
fn project(live: &Value, fields: &Value) -> Value {
    let Some(fields) = fields.as_object() else {
        return live.clone();
    };
    let members: Vec<(&str, &Value)> = fields
        .iter()
        .filter(|(name, _)| *name != ".")
        .map(|(name, fields)| (name.as_str(), fields))
        .collect();
    match live {
        _ if fields.is_empty() => live.clone(),
        Value::Object(map) => Value::Object(project_object(map, &members)),
        Value::Array(items) => Value::Array(project_list(items, &members)),
        other => other.clone(),
    }
}

fn project_object(map: &Map<String, Value>, members: &[(&str, &Value)]) -> Map<String, Value> {
    let member = |(name, fields): &(&str, &Value)| {
        let name = name.strip_prefix("f:")?;
        Some((name.to_owned(), project(map.get(name)?, fields)))
    };
    members.iter().filter_map(member).collect()
}

/// The items that we own, in their order.
fn project_list(items: &[Value], members: &[(&str, &Value)]) -> Vec<Value> {
    let item = |item: &Value| {
        let (_, fields) = members.iter().find(|(name, _)| names(name, item))?;
        Some(project(item, fields))
    };
    items.iter().filter_map(item).collect()
}

/// Whether a member of a field set refers to this list item: `k:` holds its keys, `v:` its value.
fn names(member: &str, item: &Value) -> bool {
    let parse = |text| serde_json::from_str::<Value>(text).ok();
    if let Some(value) = member.strip_prefix("v:").and_then(parse) {
        return value == *item;
    }
    let Some(Value::Object(keys)) = member.strip_prefix("k:").and_then(parse) else {
        return false;
    };
    keys.iter().all(|(key, value)| item.get(key) == Some(value))
}

fn digest(value: &Value) -> Digest {
    let mut hasher = Sha256::new();
    feed(value, &mut hasher);
    hasher.finalize().into()
}

/// Feeds a value in one order, whatever the order of its maps.
fn feed(value: &Value, hasher: &mut Sha256) {
    match value {
        Value::Object(map) => {
            let mut names: Vec<&String> = map.keys().collect();
            names.sort_unstable();
            hasher.update([b'{']);
            for name in names {
                feed_text(name, hasher);
                feed(&map[name], hasher);
            }
            hasher.update([b'}']);
        }
        Value::Array(items) => {
            hasher.update([b'[']);
            for item in items {
                feed(item, hasher);
            }
            hasher.update([b']']);
        }
        Value::String(text) => feed_text(text, hasher),
        other => hasher.update(other.to_string().as_bytes()),
    }
}

fn feed_text(text: &str, hasher: &mut Sha256) {
    hasher.update([b'"']);
    hasher.update((text.len() as u64).to_be_bytes());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests;
