//! Where a model is asked, and with which headers. Pure.

use anyhow::Context;
use crds::config;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use url::Url;

const API_KEY: HeaderName = HeaderName::from_static("api-key");

/// The address of the completions below a base URL, which may be that address itself. A query stays: Azure's names the
/// version of its API there.
pub(super) fn url(config: &config::OpenAi) -> anyhow::Result<Url> {
    let mut url = Url::parse(&config.base_url).context("openai.baseUrl")?;
    let path = url.path().trim_end_matches('/').to_owned();
    if path.ends_with(config::OpenAi::PATH) {
        url.set_path(&path);
    } else {
        url.set_path(&format!("{path}{}", config::OpenAi::PATH));
    }
    Ok(url)
}

/// The key, as `OpenAI` takes it, and for Azure in its own header too: it takes the other one for a token of Entra's.
pub(super) fn headers(url: &Url, key: Option<&str>) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let Some(key) = key else {
        return Ok(headers);
    };
    let secret = |text: &str| {
        let mut value = HeaderValue::from_str(text).context("the key is not usable in a header")?;
        value.set_sensitive(true);
        anyhow::Ok(value)
    };
    headers.insert(AUTHORIZATION, secret(&format!("Bearer {key}"))?);
    if is_azure(url) {
        headers.insert(API_KEY, secret(key)?);
    }
    Ok(headers)
}

fn is_azure(url: &Url) -> bool {
    let is_host = url
        .host_str()
        .is_some_and(|host| host.ends_with(".azure.com"));
    is_host || url.query_pairs().any(|(name, _)| name == "api-version")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_of(base_url: &str) -> Url {
        url(&config::OpenAi {
            base_url: base_url.to_owned(),
            model: "m".to_owned(),
            api_key: None,
            headers: Vec::new(),
        })
        .unwrap()
    }

    #[test]
    fn each_base_url_leads_to_the_completions() {
        for (base_url, expected) in [
            (
                "https://api.openai.com/v1",
                "https://api.openai.com/v1/chat/completions",
            ),
            (
                "https://api.openai.com/v1/",
                "https://api.openai.com/v1/chat/completions",
            ),
            (
                "https://api.openai.com/v1/chat/completions",
                "https://api.openai.com/v1/chat/completions",
            ),
            (
                "https://api.openai.com/v1/chat/completions/",
                "https://api.openai.com/v1/chat/completions",
            ),
            ("http://llm:8000", "http://llm:8000/chat/completions"),
            (" https://x.test/v1\n", "https://x.test/v1/chat/completions"),
            (
                "https://x.openai.azure.com/openai/deployments/gpt-4o?api-version=2024-06-01",
                "https://x.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01",
            ),
            (
                "https://x.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01",
                "https://x.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01",
            ),
        ] {
            assert_eq!(url_of(base_url).as_str(), expected, "{base_url:?}");
        }
    }

    #[test]
    fn azure_gets_the_key_in_its_own_header_too() {
        for (base_url, expected) in [
            ("https://api.openai.com/v1", None),
            ("https://x.openai.azure.com/openai/v1", Some("sk-1")),
            ("https://proxy.test/openai?api-version=1", Some("sk-1")),
        ] {
            let headers = headers(&url_of(base_url), Some("sk-1")).unwrap();
            assert_eq!(headers[AUTHORIZATION], "Bearer sk-1");
            let own = headers.get(API_KEY).map(|value| value.to_str().unwrap());
            assert_eq!(own, expected, "{base_url}");
            assert!(headers.values().all(HeaderValue::is_sensitive));
        }
        assert!(
            headers(&url_of("https://x.openai.azure.com"), None)
                .unwrap()
                .is_empty()
        );
    }
}
