//! Endpoints that speak Anthropic's Messages API.
//!
//! - `endpoint`: where they are, and with which headers they are called
//! - `wire`: the JSON that is sent, and `fields`: which of it a server may refuse
//! - `map`: the JSON that comes → our events
//! - `errors`: the table of their error types

mod endpoint;
mod errors;
mod fields;
mod map;
mod wire;

use std::sync::Arc;

use crds::config;
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use url::Url;

use self::fields::{Field, Refused};
use self::map::Mapper;
use self::wire::Options;
use super::http::{self, Client, FailedAttempt, Learned};
use super::{ErrorClass, ProgressStream, Provider, Request, Settings};
use crate::secrets::Secret;

pub(super) struct Anthropic(Arc<Endpoint>);

struct Endpoint {
    client: Client,
    url: Url,
    headers: HeaderMap,
    model: String,
    options: Options,
    learned: Learned<Field>,
}

/// A question, as it is put to one model.
struct Question {
    endpoint: Arc<Endpoint>,
    request: Request,
    refused: Refused,
}

impl Anthropic {
    /// # Errors
    /// When the address or the key is not usable; both were checked before.
    pub(super) fn new(
        client: Client,
        config: &config::Anthropic,
        settings: Settings<'_>,
    ) -> anyhow::Result<Self> {
        let mut headers = endpoint::headers(settings.key.map(Secret::expose))?;
        headers.extend(settings.headers);
        Ok(Self(Arc::new(Endpoint {
            client,
            url: endpoint::url(config)?,
            headers,
            model: config.model.clone(),
            options: Options {
                answer_tokens: settings.answer_tokens,
                temperature: settings.temperature,
            },
            learned: Learned::default(),
        })))
    }
}

impl Provider for Anthropic {
    fn stream_completion(&self, request: Request) -> ProgressStream {
        http::stream_completion(Question {
            endpoint: Arc::clone(&self.0),
            request,
            refused: self.0.learned.refused(),
        })
    }
}

impl http::Question for Question {
    type Mapper = Mapper;

    fn client(&self) -> &Client {
        &self.endpoint.client
    }

    fn call(&self, client: &reqwest::Client) -> RequestBuilder {
        let endpoint = &self.endpoint;
        let body = wire::request(
            &endpoint.model,
            &self.request,
            endpoint.options,
            &self.refused,
        );
        let call = client.post(endpoint.url.clone());
        call.headers(endpoint.headers.clone()).json(&body)
    }

    fn is_streamed(&self) -> bool {
        self.endpoint.learned.is_streamed()
    }

    fn adapt(&mut self, failed: &FailedAttempt) -> bool {
        if failed.error.class == ErrorClass::ContextTooLong {
            return self.shorten();
        }
        let sent = wire::fields(self.endpoint.options, &self.refused);
        let Some(field) = fields::refused(failed, &sent) else {
            return false;
        };
        tracing::info!(
            model.name = self.endpoint.model,
            field = field.name(),
            cause = format!("{:#}", failed.error.cause),
            "the provider refuses a field, asking without it"
        );
        self.refused.insert(field)
    }

    fn accepted(&self, in_one_piece: bool) {
        self.endpoint.learned.answered(&self.refused, in_one_piece);
    }
}

impl Question {
    /// Makes room for the answer: first by a shorter one, which costs no history.
    fn shorten(&mut self) -> bool {
        let is_shorter = wire::fields(self.endpoint.options, &self.refused)
            .contains(&Field::MaxTokens)
            && self.refused.insert(Field::MaxTokens)
            || self.request.halve_history();
        if is_shorter {
            tracing::info!(
                model.name = self.endpoint.model,
                session.id = %self.request.session,
                messages = self.request.messages.len(),
                "the conversation is too long for the model, asking with less of it"
            );
        }
        is_shorter
    }
}

#[cfg(test)]
mod tests;
