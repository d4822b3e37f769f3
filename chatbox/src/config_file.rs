//! The configuration document as a file: JSON, or YAML for people.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use crds::{Config, Problem};

/// Reads and checks a document; an error tells everything that is wrong with it.
pub fn load(file: &Path) -> anyhow::Result<Config> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let yaml = file
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml");
    let json = if yaml {
        to_json(&text).with_context(|| file.display().to_string())?
    } else {
        text
    };
    let parsed =
        Config::parse(&json).with_context(|| format!("{} cannot be read", file.display()))?;
    for field in parsed.unknown {
        tracing::warn!(
            config.field = field,
            "the document has a field that this release does not know; it is ignored"
        );
        // Commands that only look have no log.
        if !tracing::enabled!(tracing::Level::WARN) {
            writeln!(
                std::io::stderr(),
                "warning: {field}: not known to this release, ignored"
            )?;
        }
    }
    let mut problems = parsed.config.check();
    if parsed.config.auth.hs256.is_none() {
        // In Kubernetes the operator has put its own key here.
        let message = "is missing; name at least one signing key";
        problems.push(Problem::new("auth.hs256", message));
    }
    let encryption = parsed.config.encryption.as_ref();
    if encryption.is_some_and(|encryption| encryption.keys.is_none()) {
        let message = "is missing; name at least one key";
        problems.push(Problem::new("encryption.keys", message));
    }
    if problems.is_empty() {
        return Ok(parsed.config);
    }
    let list: String = problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect();
    bail!("{} cannot be served:{list}", file.display())
}

fn to_json(yaml: &str) -> anyhow::Result<String> {
    let value: serde_json::Value = serde_saphyr::from_str(yaml)?;
    Ok(value.to_string())
}
