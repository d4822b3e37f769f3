//! Chat apps of Dify, which keeps their conversations: it is told the question alone, and by which id it knows what came
//! before.
//!
//! - `endpoint`: where an app is, and with which headers it is called
//! - `wire`: the JSON that is sent
//! - `map`: the JSON that comes → our events
//! - `errors`: the table of their error codes

mod endpoint;
mod errors;
mod map;
mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;

use crds::config;
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use url::Url;

use self::map::Mapper;
use super::http::{self, Client, FailedAttempt, Learned};
use super::{ErrorClass, ProgressStream, Provider, Request, Settings};
use crate::secrets::Secret;

pub(super) struct Dify(Arc<Endpoint>);

struct Endpoint {
    client: Client,
    url: Url,
    headers: HeaderMap,
    learned: Learned,
}

/// A question, as it is put to one app.
struct Question {
    endpoint: Arc<Endpoint>,
    /// Its state is the conversation that Dify knows.
    request: Request,
}

impl Dify {
    /// # Errors
    /// When the address or the key is not usable; both were checked before.
    pub(super) fn new(
        client: Client,
        config: &config::Dify,
        settings: Settings<'_>,
    ) -> anyhow::Result<Self> {
        let mut headers = endpoint::headers(settings.key.map(Secret::expose))?;
        headers.extend(settings.headers);
        Ok(Self(Arc::new(Endpoint {
            client,
            url: endpoint::url(config)?,
            headers,
            learned: Learned::default(),
        })))
    }
}

impl Provider for Dify {
    fn stream_completion(&self, request: Request) -> ProgressStream {
        http::stream_completion(Question {
            endpoint: Arc::clone(&self.0),
            request,
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
        let call = client.post(endpoint.url.clone());
        call.headers(endpoint.headers.clone())
            .json(&wire::request(&self.request))
    }

    fn is_streamed(&self) -> bool {
        self.endpoint.learned.is_streamed()
    }

    fn adapt(&mut self, failed: &FailedAttempt) -> bool {
        let is_too_long = failed.error.class == ErrorClass::ContextTooLong;
        // What is too long may be what Dify has kept.
        if (is_too_long || errors::is_lost_conversation(failed))
            && self.request.state.take().is_some()
        {
            tracing::info!(
                session.id = %self.request.session,
                cause = format!("{:#}", failed.error.cause),
                "Dify does not go on with a conversation, asking in a new one"
            );
            return true;
        }
        is_too_long && self.request.halve_history()
    }

    fn accepted(&self, in_one_piece: bool) {
        self.endpoint
            .learned
            .answered(&BTreeSet::new(), in_one_piece);
    }
}

#[cfg(test)]
mod tests;
