//! What the author of an unknown field may have meant. Pure.

use serde_json::Value;

/// The field that stands in the same place and is written most like the last part of this path, if one is near enough.
pub(super) fn meant(path: &str) -> Option<String> {
    let schema = super::schema();
    let parts = path.replace('[', ".[");
    let mut parts: Vec<&str> = parts.split('.').collect();
    let written = plain(parts.pop()?);
    let mut places = resolved(&schema, &schema);
    for part in parts {
        places = places
            .into_iter()
            .filter_map(|place| {
                if part.starts_with('[') {
                    place.get("items")
                } else {
                    place.get("properties")?.get(part)
                }
            })
            .flat_map(|place| resolved(&schema, place))
            .collect();
    }
    let names = places
        .into_iter()
        .filter_map(|place| place.get("properties")?.as_object())
        .flat_map(|properties| properties.keys());
    // A third of its letters may be wrong.
    let most = (written.chars().count() / 3).max(1);
    let distance = |name: &String| strsim::osa_distance(&written, &plain(name));
    names
        .map(|name| (distance(name), name))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, name)| name.clone())
}

/// The schemas that a place may have: that of a name, and each of several.
fn resolved<'a>(schema: &'a Value, place: &'a Value) -> Vec<&'a Value> {
    if let Some(name) = place.get("$ref").and_then(Value::as_str) {
        let found = schema.pointer(name.trim_start_matches('#'));
        return found.into_iter().collect();
    }
    match place.get("anyOf").and_then(Value::as_array) {
        Some(several) => several
            .iter()
            .flat_map(|place| resolved(schema, place))
            .collect(),
        None => vec![place],
    }
}

/// `base_url` and `BaseURL` are meant for `baseUrl`.
fn plain(name: &str) -> String {
    name.replace(['_', '-'], "").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_unknown_field_was_meant_for_is_found_where_it_stands() {
        for (path, expected) in [
            ("storag", Some("storage")),
            ("model", Some("models")),
            ("models[0].openai.base_url", Some("baseUrl")),
            ("models[1].openai.apikey", Some("apiKey")),
            ("models[0].sytemPrompt", Some("systemPrompt")),
            ("models[0].openai.apiKey.nmae", Some("name")),
            ("auth.hs256.keys[0].naem", Some("name")),
            ("server.pathprefix", Some("pathPrefix")),
            ("storage.sqlite.volume.claim.sizes", Some("size")),
            // Of another place, or of nothing that is known.
            ("models[0].baseUrl", None),
            ("telemetry", None),
            ("storage.sqlite.later.still", None),
            ("", None),
        ] {
            assert_eq!(meant(path).as_deref(), expected, "{path}");
        }
    }
}
