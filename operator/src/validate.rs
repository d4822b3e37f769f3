//! From a Chatbox and what was observed to a validated Chatbox, or to every validation error at once. Pure.

pub mod ranges;
pub mod resources;

use crds::chatbox::{DeletionPolicy, Resources, Service};
use crds::config::Claim;
use crds::{ChatboxSpec, Config, Problem};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use crate::claim::{self, PlannedClaim};
use crate::identity::Identity;
use crate::names;
use crate::observed::Observed;
use crate::secrets::{self, Generated, GeneratedKey, SecretsDigest};

/// A Chatbox that is checked, and for which every choice is made: all that a plan needs.
#[derive(Clone, Debug)]
pub struct ValidatedChatbox {
    pub name: String,
    pub namespace: Option<String>,
    /// The Chatbox as the owner of its objects; none when it was never in a cluster.
    pub owner: Option<OwnerReference>,
    pub image: String,
    /// The image that the operator has chosen, also while the spec names another; none if it never had to.
    pub chosen_image: Option<String>,
    pub replicas: i32,
    pub resources: Option<Resources>,
    pub service: Service,
    pub deletion_policy: DeletionPolicy,
    /// The config that the server gets: with the generated keys when the spec names none.
    pub config: Config,
    /// Name of the ConfigMap that holds it.
    pub config_map: String,
    /// Digest of the config and of the secret values; none when the values are not known.
    pub config_hash: Option<String>,
    /// The volume, when the config asks for a claim.
    pub claim: Option<PlannedClaim>,
    pub signing_key: KeySource,
    pub encryption_key: KeySource,
}

/// Where a key comes from that the operator generates if it must.
#[derive(Clone, Debug)]
pub enum KeySource {
    /// The config names its own keys, or needs none.
    Named,
    Exists,
    New(GeneratedKey),
}

/// Every validation error, by the condition that reports it. Fields are paths of the resource.
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

pub fn validate(
    identity: &Identity,
    spec: &ChatboxSpec,
    observed: &Observed,
) -> Result<ValidatedChatbox, Findings> {
    let findings = Findings {
        config: check(spec),
        secrets: observed.secrets.problems.clone(),
    };
    if findings != Findings::default() {
        return Err(findings);
    }
    let config = secrets::effective_config(&identity.name, spec);
    let config_map = config_map(&identity.name, &config, observed);
    let source = |generated: Generated| match observed.new_keys.get(generated) {
        _ if !generated.is_wanted(&spec.config) => KeySource::Named,
        Some(key) => KeySource::New(key.clone()),
        None => KeySource::Exists,
    };
    let digest = observed.secrets.digest.as_ref();
    let config_hash = digest.map(|digest: &SecretsDigest| digest.config_hash(&config_map));
    let (image, chosen_image) = images(spec, observed);
    Ok(ValidatedChatbox {
        name: identity.name.clone(),
        namespace: identity.namespace.clone(),
        owner: identity.owner.clone(),
        image,
        chosen_image,
        replicas: spec.replicas,
        resources: spec.resources.clone(),
        service: spec.service.clone(),
        deletion_policy: spec.deletion_policy,
        claim: claim_of(spec).map(|wanted| claim::plan(wanted, observed.claim.as_ref())),
        config,
        config_map,
        config_hash,
        signing_key: source(Generated::Signing),
        encryption_key: source(Generated::Encryption),
    })
}

/// The claim that a spec asks for.
pub fn claim_of(spec: &ChatboxSpec) -> Option<&Claim> {
    spec.config.storage.sqlite.as_ref()?.volume.claim.as_ref()
}

/// Validation errors of the spec by itself.
pub fn check(spec: &ChatboxSpec) -> Vec<Problem> {
    let config = spec.config.check().into_iter();
    let mut problems: Vec<Problem> = config.map(|problem| problem.under("spec.config")).collect();
    problems.extend(ranges::check(spec));
    problems.extend(spec.resources.iter().flat_map(resources::check));
    problems
}

/// The image that runs, and the one that was chosen. An upgrade of the operator changes no running Chatbox: what was chosen
/// stays, also beside an image that the spec names for a while.
fn images(spec: &ChatboxSpec, observed: &Observed) -> (String, Option<String>) {
    if let Some(named) = &spec.image {
        return (named.clone(), observed.chosen_image.clone());
    }
    let chosen = observed.chosen_image.as_ref();
    let chosen = chosen.unwrap_or(&observed.release_image).clone();
    (chosen.clone(), Some(chosen))
}

/// A ConfigMap is named after its content. The running one is kept as long as it has the same meaning to this release,
/// even if this release would render it differently: so an upgrade that adds a field with a default rolls no pod.
fn config_map(chatbox: &str, config: &Config, observed: &Observed) -> String {
    let hash = config.hash();
    match &observed.running_config {
        Some(running) if running.hash == hash => running.config_map.clone(),
        _ => names::config_map(chatbox, &hash),
    }
}

#[cfg(test)]
mod tests;
