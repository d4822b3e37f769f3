//! How the server is reached.

use garde::Validate;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Problem;

/// How the server is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", default)]
pub struct Server {
    /// Path prefix of every route.
    #[garde(length(chars, min = 2, max = 128), pattern("^(/[A-Za-z0-9._~-]+)+$"))]
    pub path_prefix: String,
    /// Web origins, besides the server's own, whose pages may connect, for example `https://www.example.com`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[garde(
        length(max = 64),
        inner(length(chars, min = 8, max = 255), pattern("^https?://[^/]+$"))
    )]
    pub allowed_origins: Vec<String>,
    /// Networks (CIDR) of proxies whose `X-Forwarded-For` or, without it, `Forwarded` header is trusted. Behind a proxy
    /// that is missing here all visitors share the limits of one address, and the server warns once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 64), inner(length(chars, min = 3, max = 64)))]
    pub trusted_proxies: Vec<String>,
    /// How long running answers may take to finish when the server shuts down, in seconds.
    #[garde(range(min = 0, max = 600))]
    pub drain_seconds: i32,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            path_prefix: "/chatbox".to_owned(),
            allowed_origins: Vec::new(),
            trusted_proxies: Vec::new(),
            drain_seconds: 30,
        }
    }
}

impl Server {
    /// The networks of `trustedProxies`; [`Self::check`] reports entries that are not networks.
    pub fn proxies(&self) -> Vec<IpNet> {
        self.trusted_proxies
            .iter()
            .filter_map(|text| text.parse().ok())
            .collect()
    }

    pub(super) fn check(&self) -> Vec<Problem> {
        let origins = self
            .allowed_origins
            .iter()
            .enumerate()
            .filter_map(|(index, origin)| {
                let message = origin_problem(origin)?;
                Some(Problem::new(
                    format!("server.allowedOrigins[{index}]"),
                    message,
                ))
            });
        let proxies = self.trusted_proxies.iter().enumerate().filter_map(|(index, text)| {
            let field = format!("server.trustedProxies[{index}]");
            let message = "is not a network; write an address and a prefix length, for example 10.0.0.0/8";
            text.parse::<IpNet>().err().map(|_| Problem::new(field, message))
        });
        origins.chain(proxies).collect()
    }
}

fn origin_problem(origin: &str) -> Option<String> {
    let parsed = Url::parse(origin).ok();
    match parsed.map(|url| url.origin().ascii_serialization()) {
        Some(canonical) if canonical == origin => None,
        Some(canonical) if canonical != "null" => {
            Some(format!("is not what a browser sends; write {canonical}"))
        }
        _ => Some(
            "is not a web origin; write scheme and host, for example https://www.example.com"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_proxies_are_the_networks_of_the_document() {
        let server = Server {
            trusted_proxies: ["10.0.0.0/8", "no network", "2001:db8::/32"]
                .map(ToOwned::to_owned)
                .into(),
            ..Server::default()
        };
        let proxies: Vec<_> = server.proxies().iter().map(ToString::to_string).collect();
        assert_eq!(proxies, ["10.0.0.0/8", "2001:db8::/32"]);
    }

    #[test]
    fn an_origin_is_written_as_a_browser_sends_it() {
        for (origin, problem) in [
            ("https://www.example.com", None),
            (
                "https://WWW.example.com:443",
                Some("write https://www.example.com"),
            ),
            ("file:///chat.html", Some("is not a web origin")),
            ("example.com", Some("is not a web origin")),
        ] {
            let found = origin_problem(origin);
            assert_eq!(found.is_some(), problem.is_some(), "{origin}");
            assert!(
                found
                    .unwrap_or_default()
                    .contains(problem.unwrap_or_default()),
                "{origin}"
            );
        }
    }
}
