//! Endpoints that speak OpenAI's chat completions. `wire` is their JSON, `map` turns it into ours.

mod map;
mod wire;

use std::time::Duration;

use anyhow::{Context, anyhow};
use async_stream::stream;
use backon::{BackoffBuilder, ExponentialBuilder};
use crds::config;
use futures_util::StreamExt;
use reqwest::header::RETRY_AFTER;
use reqwest::{Client, Response, StatusCode};

use self::map::Mapper;
use super::sse::Decoder;
use super::{Event, Events, Failed, Provider, Request};
use crate::secrets::Secret;

/// Attempts before the first word; after it a second answer would contradict the first.
const ATTEMPTS: usize = 3;
/// Of an error's body, so much is read.
const ERROR_BYTES: usize = 16 * 1024;
/// A provider that asks for a longer pause is not waited for: a person is.
const PAUSE_MAX: Duration = Duration::from_secs(10);

pub(super) struct OpenAi {
    http: Client,
    url: String,
    model: String,
    key: Option<Secret>,
    answer_tokens: Option<i32>,
}

/// One attempt that came to nothing.
struct Refused {
    cause: anyhow::Error,
    /// Whether another attempt may do better, and how long the provider wants to be left alone.
    again: Option<Duration>,
}

impl OpenAi {
    pub(super) fn new(
        http: Client,
        config: &config::OpenAi,
        key: Option<Secret>,
        answer_tokens: Option<i32>,
    ) -> Self {
        Self {
            http,
            url: format!("{}/chat/completions", config.base_url.trim_end_matches('/')),
            model: config.model.clone(),
            key,
            answer_tokens,
        }
    }
}

impl Provider for OpenAi {
    fn ask(&self, request: Request) -> Events {
        let body = wire::request(&self.model, request, self.answer_tokens);
        let mut call = self.http.post(&self.url).json(&body);
        if let Some(key) = &self.key {
            call = call.bearer_auth(key.expose());
        }
        Box::pin(stream! {
            let response = match connect(call).await {
                Ok(response) => response,
                Err(cause) => {
                    yield unavailable(cause);
                    return;
                }
            };
            let (mut decoder, mut mapper) = (Decoder::default(), Mapper::default());
            let mut bytes = response.bytes_stream();
            while let Some(chunk) = bytes.next().await {
                let decoded = chunk.context("the stream broke off").and_then(|chunk| decoder.push(&chunk));
                let data = match decoded {
                    Ok(data) => data,
                    Err(cause) => {
                        yield unavailable(cause);
                        return;
                    }
                };
                for event in data.iter().flat_map(|data| mapper.map(data)) {
                    yield event;
                }
            }
            yield mapper.end();
        })
    }
}

fn unavailable(cause: anyhow::Error) -> Event {
    Event::Failed(Failed::unavailable(cause))
}

/// Calls until the provider begins to answer, or will not.
async fn connect(call: reqwest::RequestBuilder) -> anyhow::Result<Response> {
    let backoff = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(500))
        .with_max_delay(PAUSE_MAX)
        .with_jitter()
        .with_max_times(ATTEMPTS - 1);
    let mut pauses = backoff.build();
    loop {
        let call = call.try_clone().context("the call cannot be repeated")?;
        let refused = match attempt(call).await {
            Ok(response) => return Ok(response),
            Err(refused) => refused,
        };
        let (Some(wanted), Some(pause)) = (refused.again, pauses.next()) else {
            return Err(refused.cause);
        };
        if wanted > PAUSE_MAX {
            return Err(refused
                .cause
                .context("the provider asks for a longer pause than a person waits"));
        }
        tracing::info!(
            cause = format!("{:#}", refused.cause),
            "the provider refused, asking again"
        );
        tokio::time::sleep(pause.max(wanted)).await;
    }
}

async fn attempt(call: reqwest::RequestBuilder) -> Result<Response, Refused> {
    let response = call.send().await.map_err(|error| Refused {
        again: (error.is_connect() || error.is_timeout() || error.is_request())
            .then_some(Duration::ZERO),
        // The URL of a provider holds no secret, but it is in the config already.
        cause: anyhow!(error.without_url()).context("the provider cannot be reached"),
    })?;
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let pause = retry_after(&response);
    Err(Refused {
        again: may_pass(status).then(|| pause.unwrap_or_default()),
        cause: anyhow!("the provider answered {status}{}", kind(response).await),
    })
}

fn may_pass(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        )
}

fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response
        .headers()
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// What kind of error the provider names. Its words are not logged: some repeat the question, or the key.
async fn kind(response: Response) -> String {
    let mut body = Vec::new();
    let mut bytes = response.bytes_stream();
    while let Some(Ok(chunk)) = bytes.next().await {
        body.extend_from_slice(&chunk);
        if body.len() >= ERROR_BYTES {
            break;
        }
    }
    let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    wire::error_kind(&parsed["error"])
}
