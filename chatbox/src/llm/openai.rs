//! Endpoints that speak `OpenAI`'s chat completions: `wire` is their JSON, `map` turns it into ours, `errors` is the table
//! of their error codes.

mod errors;
mod map;
mod wire;

use crds::config;
use reqwest::Client;

use self::map::Mapper;
use super::{EventStream, Provider, Request, http};
use crate::secrets::Secret;

pub(super) struct OpenAi {
    client: Client,
    url: String,
    model: String,
    key: Option<Secret>,
    answer_tokens: Option<i32>,
}

impl OpenAi {
    pub(super) fn new(
        client: Client,
        config: &config::OpenAi,
        key: Option<Secret>,
        answer_tokens: Option<i32>,
    ) -> Self {
        Self {
            client,
            url: format!("{}/chat/completions", config.base_url.trim_end_matches('/')),
            model: config.model.clone(),
            key,
            answer_tokens,
        }
    }
}

impl Provider for OpenAi {
    fn stream_completion(&self, request: Request) -> EventStream {
        let body = wire::request(&self.model, request, self.answer_tokens);
        let mut call = self.client.post(&self.url).json(&body);
        if let Some(key) = &self.key {
            call = call.bearer_auth(key.expose());
        }
        http::stream_completion::<Mapper>(call)
    }
}
