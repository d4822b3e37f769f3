//! Which Secrets and which hosts of providers a Chatbox may name, as the operator was started. Pure.
//!
//! Whoever may create a Chatbox can have any Secret of its namespace sent to any address. A platform team that does not
//! want that names what is allowed; see `docs/security.md`.

use anyhow::ensure;
use crds::config::Model;
use crds::{Config, Problem};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use url::Url;

/// What a Chatbox may name.
#[derive(Clone, Debug, Default)]
pub struct Restrictions {
    secrets: Patterns,
    provider_hosts: Patterns,
}

/// Patterns for names, such as `llm-*`. Without any, everything is allowed.
#[derive(Clone, Debug, Default)]
struct Patterns {
    texts: Vec<String>,
    set: GlobSet,
}

impl Restrictions {
    /// # Errors
    /// When a pattern cannot be read, or patterns are given and all of them are blank.
    pub fn new(secrets: &[String], provider_hosts: &[String]) -> anyhow::Result<Self> {
        Ok(Self {
            secrets: Patterns::new(secrets)?,
            provider_hosts: Patterns::new(provider_hosts)?,
        })
    }

    /// What the config names and may not. The generated keys are of no concern: nobody has named them.
    pub fn check(&self, config: &Config) -> Vec<Problem> {
        let secrets = config
            .secrets()
            .into_iter()
            .filter_map(|(path, secret, _)| {
                let problem = self.secrets.refuse("secret", &[&secret.name])?;
                Some(Problem::new(format!("{path}.name"), problem))
            });
        let hosts = config
            .models
            .iter()
            .enumerate()
            .filter_map(|(index, model)| {
                let (field, host) = host(model)?;
                let names = host.iter().map(String::as_str).collect::<Vec<_>>();
                let problem = self.provider_hosts.refuse("host", &names)?;
                Some(Problem::new(format!("models[{index}].{field}"), problem))
            });
        let problems = secrets.chain(hosts);
        problems
            .map(|problem| problem.under("spec.config"))
            .collect()
    }
}

impl Patterns {
    fn new(given: &[String]) -> anyhow::Result<Self> {
        let texts: Vec<String> = given
            .iter()
            .map(|text| text.trim().to_ascii_lowercase())
            .filter(|text| !text.is_empty())
            .collect();
        // A mistake in what restricts must not allow everything.
        ensure!(
            given.is_empty() || !texts.is_empty(),
            "all patterns are blank; to allow everything, leave the option out"
        );
        let mut set = GlobSetBuilder::new();
        for text in &texts {
            set.add(GlobBuilder::new(text).build()?);
        }
        Ok(Self {
            set: set.build()?,
            texts,
        })
    }

    /// Why something is not allowed; `names` are the forms in which a pattern may mean it.
    fn refuse(&self, what: &str, names: &[&str]) -> Option<String> {
        let is_allowed = self.texts.is_empty() || names.iter().any(|name| self.set.is_match(name));
        (!is_allowed).then(|| {
            format!(
                "{what} {:?} is not allowed in this cluster; name one that matches {}, or ask those who run the operator \
                 to allow it",
                names.first().copied().unwrap_or_default(),
                self.texts.join(" or ")
            )
        })
    }
}

/// The field that holds the address of a provider, and its host: alone, and with the port if one is written. A URL that
/// cannot be read is reported elsewhere.
fn host(model: &Model) -> Option<(String, Vec<String>)> {
    // A model without a provider, such as `demo`, asks nobody.
    let endpoint = model.endpoint()?;
    let url = Url::parse(endpoint.base_url).ok()?;
    let host = url.host_str()?.to_owned();
    let with_port = url
        .port_or_known_default()
        .map(|port| format!("{host}:{port}"));
    let names = [Some(host), with_port].into_iter().flatten().collect();
    Some((format!("{}.baseUrl", endpoint.field), names))
}

#[cfg(test)]
mod tests {
    use crate::fixtures::{FULL, QUICKSTART, chatbox};

    use super::*;

    fn refused(secrets: &[&str], hosts: &[&str], yaml: &str) -> Vec<String> {
        let owned = |texts: &[&str]| -> Vec<String> {
            texts.iter().map(|text| (*text).to_owned()).collect()
        };
        let restrictions = Restrictions::new(&owned(secrets), &owned(hosts)).unwrap();
        let config = chatbox(yaml).spec.unwrap().config;
        let problems = restrictions.check(&config);
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn only_what_matches_a_pattern_is_allowed() {
        let private = FULL.replace(
            "model: m-1",
            "model: m-1, baseUrl: 'https://LLM.example:8443/v1'",
        );
        let rows: [(&[&str], &[&str], &str, usize); 13] = [
            (&[], &[], FULL, 0),
            (&["jwt", "llm"], &["api.openai.com"], FULL, 0),
            (&["*"], &["*.openai.com"], FULL, 0),
            (&["j*", "l?m"], &["API.openai.com"], FULL, 0),
            (&["", " jwt ", "llm"], &[], FULL, 0),
            (&[], &["api.openai.com:443"], FULL, 0),
            (&["jwt"], &[], FULL, 1),
            (&["chat-*"], &[], FULL, 3),
            (&[], &["*.example"], FULL, 1),
            (&[], &["llm.example"], &private, 0),
            (&[], &["llm.example:8443"], &private, 0),
            (&[], &["llm.example:443"], &private, 1),
            (&["none"], &["none"], QUICKSTART, 0),
        ];
        for (secrets, hosts, yaml, expected) in rows {
            let refused = refused(secrets, hosts, yaml);
            assert_eq!(
                refused.len(),
                expected,
                "{secrets:?} {hosts:?}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_refusal_names_the_field_and_what_is_allowed() {
        let expected = [
            "spec.config.models[0].openai.apiKey.name: secret \"llm\" is not allowed in this cluster; name one that matches \
             jwt or chat-*, or ask those who run the operator to allow it",
            "spec.config.models[0].openai.baseUrl: host \"api.openai.com\" is not allowed in this cluster; name one that \
             matches *.example, or ask those who run the operator to allow it",
        ];
        assert_eq!(refused(&["jwt", "chat-*"], &["*.example"], FULL), expected);
    }

    #[test]
    fn the_host_of_every_provider_is_restricted() {
        for (provider, host) in [
            ("openai", "api.openai.com"),
            ("anthropic", "api.anthropic.com"),
            ("dify", "api.dify.ai"),
        ] {
            let yaml = FULL.replace("openai: {", &format!("{provider}: {{"));
            assert_eq!(refused(&[], &[host], &yaml), [""; 0]);
            let problems = refused(&[], &["llm.example"], &yaml);
            let field = format!("spec.config.models[0].{provider}.baseUrl: host {host:?}");
            assert!(
                problems.len() == 1 && problems[0].starts_with(&field),
                "{problems:?}"
            );
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_an_error() {
        assert!(Restrictions::new(&["[".to_owned()], &[]).is_err());
    }

    #[test]
    fn blank_patterns_do_not_allow_everything() {
        let blank = ["", " "].map(str::to_owned);
        assert!(Restrictions::new(&blank, &[]).is_err());
        assert!(Restrictions::new(&[], &blank[1..]).is_err());
        assert!(Restrictions::new(&[], &[]).is_ok());
    }
}
