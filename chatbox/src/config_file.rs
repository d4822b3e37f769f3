//! The configuration document as a file: JSON, or YAML for people.

use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use crds::config::Parsed;
use crds::{Config, Problem};

use crate::secrets;

/// What is checked of a document beside what every document must meet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checks<'a> {
    /// A field that this release does not know is an error.
    pub is_strict: bool,
    /// The directory in which the secrets that it names must be usable.
    pub secrets: Option<&'a Path>,
}

/// Reads and checks a document; an error tells everything that is wrong with it.
pub fn load(file: &Path) -> anyhow::Result<Config> {
    check(file, Checks::default())
}

/// The same, with more that is checked.
pub fn check(file: &Path, checks: Checks<'_>) -> anyhow::Result<Config> {
    let parsed = read(file)?;
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
    if let Some(root) = checks.secrets {
        problems.extend(secrets::problems(root, &parsed.config));
    }
    let unknown = parsed.unknown_fields();
    if checks.is_strict {
        problems.extend(unknown);
    } else {
        unknown.iter().try_for_each(warn)?;
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

fn read(file: &Path) -> anyhow::Result<Parsed> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let is_yaml = file
        .extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml");
    let parsed = if is_yaml {
        let value = serde_saphyr::from_str(&text).with_context(|| file.display().to_string())?;
        Config::from_value(value)
    } else {
        Config::parse(&text)
    };
    parsed.with_context(|| format!("{} cannot be read", file.display()))
}

fn warn(problem: &Problem) -> anyhow::Result<()> {
    tracing::warn!(
        config.field = problem.field,
        advice = problem.message,
        "the document has a field that this release does not know; it is ignored"
    );
    // Commands that only look have no log.
    if !tracing::enabled!(tracing::Level::WARN) {
        writeln!(std::io::stderr(), "warning: {problem} (ignored)")?;
    }
    Ok(())
}
