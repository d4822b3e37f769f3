//! From a Chatbox and what it refers to, to something that can be planned; or everything that is wrong, at once. Pure.

pub mod digest;
pub mod resources;
pub mod secrets;

use crds::chatbox::{DeletionPolicy, Resources, Service};
use crds::{ChatboxSpec, Config, Problem};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::identity::Identity;
use crate::names;
use crate::observed::{Observed, SigningKey};

/// A Chatbox that can be planned: checked, and with every choice made.
#[derive(Clone, Debug)]
pub struct ValidatedChatbox {
    pub name: String,
    pub namespace: Option<String>,
    /// The Chatbox as the owner of its objects; none when it was never in a cluster.
    pub owner: Option<OwnerReference>,
    pub image: String,
    pub replicas: i32,
    pub resources: Option<Resources>,
    pub service: Service,
    pub deletion_policy: DeletionPolicy,
    /// What the server is told: the spec's config, and the generated key when it names none.
    pub config: Config,
    /// Name of the ConfigMap that holds it.
    pub config_map: String,
    /// Names the config and the secret values; none when the values are not known.
    pub digest: Option<String>,
    pub generated: Generated,
}

/// The signing key of our own making.
#[derive(Clone, Debug)]
pub enum Generated {
    /// The config names its own keys.
    No,
    Exists,
    New(SigningKey),
}

/// Everything that is wrong, by the condition that says so. Fields are paths of the resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    pub config: Vec<Problem>,
    pub secrets: Vec<Problem>,
}

impl std::fmt::Display for Findings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let problems = self.config.iter().chain(&self.secrets);
        let texts: Vec<String> = problems.map(Problem::to_string).collect();
        f.write_str(&texts.join("; "))
    }
}

/// The config that the server gets: the spec's, with the generated key in the place of absent ones.
pub fn effective(name: &str, spec: &ChatboxSpec) -> Config {
    spec.config
        .clone()
        .with_signing_key(names::signing_key(name))
}

pub fn validate(
    identity: &Identity,
    spec: &ChatboxSpec,
    observed: &Observed,
) -> Result<ValidatedChatbox, Findings> {
    let config = effective(&identity.name, spec);
    let findings = Findings {
        config: check(spec),
        secrets: secrets::check(spec, &config, &observed.secrets),
    };
    if findings != Findings::default() {
        return Err(findings);
    }
    let config_map = config_map(&identity.name, &config, observed);
    let generated = match (&spec.config.auth.hs256, &observed.new_key) {
        (Some(_), _) => Generated::No,
        (None, Some(key)) => Generated::New(key.clone()),
        (None, None) => Generated::Exists,
    };
    Ok(ValidatedChatbox {
        name: identity.name.clone(),
        namespace: identity.namespace.clone(),
        owner: identity.owner.clone(),
        image: image(spec, observed),
        replicas: spec.replicas,
        resources: spec.resources.clone(),
        service: spec.service.clone(),
        deletion_policy: spec.deletion_policy,
        digest: digest::digest(&config_map, &config, observed),
        config,
        config_map,
        generated,
    })
}

/// What is wrong with the spec by itself.
pub fn check(spec: &ChatboxSpec) -> Vec<Problem> {
    let config = spec.config.check().into_iter();
    let mut problems: Vec<Problem> = config.map(|problem| problem.under("spec.config")).collect();
    problems.extend(spec.resources.iter().flat_map(resources::check));
    problems
}

/// The spec's, else what was chosen before, else this release's: so an operator upgrade changes no running Chatbox.
fn image(spec: &ChatboxSpec, observed: &Observed) -> String {
    let chosen = spec.image.as_ref().or(observed.chosen_image.as_ref());
    chosen.unwrap_or(&observed.release_image).clone()
}

/// A ConfigMap is named after its content. One that runs is kept as long as it means the same to this release, even if
/// this release would write it differently: so an operator upgrade that adds a field with a default rolls no pod.
fn config_map(chatbox: &str, config: &Config, observed: &Observed) -> String {
    let hash = config.hash();
    match &observed.running_config {
        Some(running) if running.config_hash == hash => running.config_map.clone(),
        _ => names::config_map(chatbox, &hash),
    }
}

#[cfg(test)]
mod tests;
