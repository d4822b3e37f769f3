//! Where a model is asked, and with which headers. Pure.

use anyhow::Context;
use crds::config;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const VERSION: HeaderName = HeaderName::from_static("anthropic-version");
/// The only one since 2023: what is new comes by fields of the request.
const VERSION_VALUE: HeaderValue = HeaderValue::from_static("2023-06-01");

/// The address of the messages below a base URL, which may end with a part of it.
pub(super) fn url(config: &config::Anthropic) -> anyhow::Result<Url> {
    let mut url = Url::parse(&config.base_url).context("anthropic.baseUrl")?;
    let path = url.path().trim_end_matches('/');
    let base = path
        .strip_suffix(config::Anthropic::PATH)
        .or_else(|| path.strip_suffix("/v1"))
        .unwrap_or(path);
    let path = format!("{base}{}", config::Anthropic::PATH);
    url.set_path(&path);
    Ok(url)
}

pub(super) fn headers(key: Option<&str>) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::from_iter([(VERSION, VERSION_VALUE)]);
    if let Some(key) = key {
        let mut value = HeaderValue::from_str(key).context("the key is not usable in a header")?;
        value.set_sensitive(true);
        headers.insert(API_KEY, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_base_url_leads_to_the_messages() {
        let messages = "https://api.anthropic.com/v1/messages";
        for (base_url, expected) in [
            ("https://api.anthropic.com", messages),
            ("https://api.anthropic.com/", messages),
            ("https://api.anthropic.com/v1", messages),
            ("https://api.anthropic.com/v1/", messages),
            ("https://api.anthropic.com/v1/messages", messages),
            ("https://api.anthropic.com/v1/messages/", messages),
            (" http://llm:4000\n", "http://llm:4000/v1/messages"),
            (
                "https://x.test/anthropic",
                "https://x.test/anthropic/v1/messages",
            ),
        ] {
            let config = config::Anthropic {
                base_url: base_url.to_owned(),
                model: "m".to_owned(),
                api_key: None,
                headers: Vec::new(),
            };
            assert_eq!(url(&config).unwrap().as_str(), expected, "{base_url:?}");
        }
    }

    #[test]
    fn the_key_has_its_own_header_and_is_shown_nowhere() {
        let headers = headers(Some("sk-1")).unwrap();
        assert_eq!(headers[API_KEY], "sk-1");
        assert_eq!(headers[VERSION], "2023-06-01");
        assert!(!format!("{headers:?}").contains("sk-1"));
        assert_eq!(super::headers(None).unwrap().len(), 1);
    }
}
