//! `render`: what would be applied, without a cluster.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, bail};
use k8s_openapi::api::core::v1 as core;
use serde::Serialize;
use serde_json::Value;

use crate::args::Render;
use crate::guarded::GuardedChatbox;
use crate::observed::Observed;
use crate::plan::{self, Plan};
use crate::secrets::{self, Secret};
use crate::validate::{self, ValidatedChatbox};

/// The documents for every Chatbox of a file.
pub fn files(args: &Render) -> anyhow::Result<String> {
    let text = read(&args.file)?;
    documents(&text, args.chatbox_image.as_deref())
}

/// One YAML document.
pub fn yaml(value: &impl Serialize) -> anyhow::Result<String> {
    // Through JSON: only there are ports and the like plain numbers and strings.
    let value = serde_json::to_value(value)?;
    Ok(serde_saphyr::to_string(&value)?)
}

/// The objects of the Chatboxes in a text; it may hold the Secrets that they reference too.
pub fn documents(text: &str, release_image: Option<&str>) -> anyhow::Result<String> {
    let objects = objects(text)?;
    let secrets = secrets_of(&objects)?;
    let mut out = String::new();
    for object in objects.iter().filter(|object| object["kind"] == "Chatbox") {
        let chatbox: GuardedChatbox = serde_json::from_value(object.clone())?;
        let validated = validate(&chatbox, release_image, &secrets)
            .with_context(|| format!("chatbox {:?}", chatbox.namespaced_name().name))?;
        write(&mut out, &validated, &plan::plan(&validated))?;
    }
    if out.is_empty() {
        bail!("there is no Chatbox in the file");
    }
    Ok(out)
}

fn read(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .read_to_string(&mut text)
            .context("cannot read standard input")?;
        return Ok(text);
    }
    std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Every object of a text, with the items of lists taken out.
fn objects(text: &str) -> anyhow::Result<Vec<Value>> {
    // A snippet of the text beside an error could show the value of a Secret.
    let options = serde_saphyr::options! { with_snippet: false };
    let documents: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options).context("is not YAML")?;
    let mut objects = Vec::new();
    for mut document in documents {
        match document["items"].take() {
            Value::Array(items) => objects.extend(items),
            _ => objects.push(document),
        }
    }
    Ok(objects)
}

fn secrets_of(objects: &[Value]) -> anyhow::Result<BTreeMap<String, core::Secret>> {
    let secrets = objects.iter().filter(|object| object["kind"] == "Secret");
    let secret = |object: &Value| {
        let mut secret: core::Secret = serde_json::from_value(object.clone()).map_err(|error| {
            anyhow::anyhow!("a Secret cannot be read: {}", crds::config::reason(&error))
        })?;
        // The API server moves it to `data`.
        for (key, text) in secret.string_data.take().unwrap_or_default() {
            let value = k8s_openapi::ByteString(text.into_bytes());
            secret.data.get_or_insert_default().insert(key, value);
        }
        Ok((secret.metadata.name.clone().unwrap_or_default(), secret))
    };
    secrets.map(secret).collect()
}

fn validate(
    chatbox: &GuardedChatbox,
    release_image: Option<&str>,
    in_file: &BTreeMap<String, core::Secret>,
) -> anyhow::Result<ValidatedChatbox> {
    let spec = chatbox.spec.as_ref().map_err(Clone::clone)?;
    let Some(image) = spec.image.as_deref().or(release_image) else {
        bail!("spec.image: must be set, or give --chatbox-image");
    };
    let identity = chatbox.identity();
    if let Some(problem) = validate::ranges::check_name(&identity.name) {
        bail!("{problem}");
    }
    let config = secrets::effective_config(&identity.name, spec);
    let secret = |name: String| {
        let found = in_file.get(&name).cloned();
        let secret = found.map_or(Secret::Unknown, |found| {
            Secret::found(&name, found, &config)
        });
        (name, secret)
    };
    let referenced = secrets::names(&config).into_iter().map(secret).collect();
    let observed = Observed {
        release_image: image.to_owned(),
        secrets: secrets::resolve(spec, &config, &referenced),
        ..Observed::default()
    };
    validate::validate(&identity, spec, &observed).map_err(|findings| anyhow::anyhow!("{findings}"))
}

fn write(out: &mut String, validated: &ValidatedChatbox, plan: &Plan) -> anyhow::Result<()> {
    if validated.owner.is_none() {
        writeln!(out, "# No owner references: the Chatbox has no uid yet.")?;
    }
    if validated.config_hash.is_none() {
        writeln!(
            out,
            "# No {} on the pods: not all Secrets are in the file.",
            crds::runtime::CONFIG_HASH
        )?;
    }
    for object in plan.objects()? {
        write!(out, "---\n{}", yaml(&object.body)?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
