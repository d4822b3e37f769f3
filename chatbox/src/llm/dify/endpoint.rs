//! Where an app is asked, and with which headers. Pure.

use anyhow::Context;
use crds::config;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use url::Url;

/// The address of the chat below a base URL, which may be that address itself.
pub(super) fn url(config: &config::Dify) -> anyhow::Result<Url> {
    let mut url = Url::parse(&config.base_url).context("dify.baseUrl")?;
    let path = url.path().trim_end_matches('/');
    let base = path.strip_suffix(config::Dify::PATH).unwrap_or(path);
    let path = format!("{base}{}", config::Dify::PATH);
    url.set_path(&path);
    Ok(url)
}

pub(super) fn headers(key: Option<&str>) -> anyhow::Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    if let Some(key) = key {
        let mut value = HeaderValue::from_str(&format!("Bearer {key}"))
            .context("the key is not usable in a header")?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_base_url_leads_to_the_chat() {
        let chat = "https://api.dify.ai/v1/chat-messages";
        for (base_url, expected) in [
            ("https://api.dify.ai/v1", chat),
            ("https://api.dify.ai/v1/", chat),
            ("https://api.dify.ai/v1/chat-messages", chat),
            ("https://api.dify.ai/v1/chat-messages/", chat),
            ("http://dify/x", "http://dify/x/chat-messages"),
        ] {
            let config =
                serde_json::json!({"baseUrl": base_url, "apiKey": {"name": "a", "key": "b"}});
            let config = serde_json::from_value(config).unwrap();
            assert_eq!(url(&config).unwrap().as_str(), expected, "{base_url}");
        }
    }

    #[test]
    fn the_key_is_shown_nowhere() {
        let headers = headers(Some("app-1")).unwrap();
        assert_eq!(headers[AUTHORIZATION], "Bearer app-1");
        assert!(!format!("{headers:?}").contains("app-1"));
    }
}
