//! The models that answer, in the same words for all providers.
//!
//! - `request`: what a model is asked
//! - `openai`, `anthropic`, `dify`: providers: the request of each, its events, its error codes
//! - `http`: what providers behind HTTP share: attempts, error classes, reading of the answer
//! - `thinking`: what a model thinks aloud before it answers
//! - `demo`: a model without a provider
//! - `timeouts`: limits on time around each of them
//! - `breaker`: whether one is worth asking; `candidates`: those that may answer, one after the other

mod anthropic;
mod breaker;
mod candidates;
mod demo;
mod dify;
mod error;
mod http;
mod openai;
mod request;
mod thinking;
mod timeouts;

use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use crds::config;
use futures_util::Stream;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use self::breaker::Breaker;
pub use self::candidates::Candidates;
pub use self::error::{Error, ErrorClass};
pub use self::request::{Message, Request, Role};
use crate::chat::ModelIds;
use crate::secrets::{self, Secret};

/// What a model sends. A stream of these never fails: its last event is `Done` or `Failed`.
#[derive(Debug)]
pub enum Event {
    Text(String),
    /// What the provider counted; the last one holds.
    Usage(Usage),
    /// To be kept with the session and sent with its next request to this model, unread; the last one holds. A provider
    /// that keeps conversations itself names its own here.
    State(String),
    Done(Finish),
    Failed(Error),
}

impl Event {
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Done(_) | Self::Failed(_))
    }
}

/// Why a model ended its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It had said all. There is no such answer without text.
    Stop,
    /// The answer reached the greatest length that it may have.
    Length,
    /// A content filter of the provider stopped it.
    ContentFilter,
    /// The model declined to answer; the text says so.
    Refusal,
}

/// Tokens of one answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub question: u32,
    pub answer: u32,
}

impl Usage {
    pub fn total(self) -> u64 {
        u64::from(self.question) + u64::from(self.answer)
    }
}

pub type EventStream = Pin<Box<dyn Stream<Item = Event> + Send>>;

/// Something that can be asked. Dropping the stream ends the call.
trait Provider: Send + Sync {
    fn stream_completion(&self, request: Request) -> ProgressStream;
}

/// What happens while a provider is asked: an event for the reader, or something that only the time-outs need to know.
#[derive(Debug)]
enum Progress {
    Event(Event),
    /// The provider sent something that is not for the reader: it is not silent.
    Activity,
    /// The provider is left alone for so long, and can say nothing.
    Pause(Duration),
}

type ProgressStream = Pin<Box<dyn Stream<Item = Progress> + Send>>;

/// A configured model.
#[derive(Clone)]
pub struct Model {
    pub id: String,
    pub name: String,
    pub system_prompt: Option<String>,
    pub history_tokens: usize,
    /// Ids of the models that stand in for this one.
    fallback: Vec<String>,
    idle: Duration,
    total: Duration,
    breaker: Arc<Mutex<Breaker>>,
    provider: Arc<dyn Provider>,
}

impl Model {
    /// The answer, bounded in time. Dropping the stream ends the call at any moment, and closes its connection.
    pub fn stream_completion(&self, request: Request) -> EventStream {
        let events = self.provider.stream_completion(request);
        timeouts::bounded(events, self.idle, self.total)
    }

    /// How an answer of this model ended. An error that is up to the question says nothing about the model.
    pub fn report(&self, result: Result<(), ErrorClass>) {
        match result {
            Err(class) if class.is_of_model() => {
                if self.breaker().failed(Instant::now()) {
                    tracing::warn!(model.id = self.id, %class, "a model has failed again and again; others answer in its place, where there are some");
                }
            }
            _ => {
                if self.breaker().succeeded() {
                    tracing::info!(model.id = self.id, "a model answers again");
                }
            }
        }
    }

    fn try_ask(&self) -> bool {
        self.breaker().try_ask(Instant::now())
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a provider behind HTTP is told of its model, beside its own section.
#[derive(Default)]
struct Settings<'a> {
    key: Option<&'a Secret>,
    /// Beside those of the provider.
    headers: HeaderMap,
    answer_tokens: Option<i32>,
    temperature: Option<f64>,
}

/// All configured models.
#[derive(Clone)]
pub struct Models {
    all: Arc<[Model]>,
    ids: ModelIds,
    client: http::Client,
}

impl Models {
    /// # Errors
    /// When there is no model, or a key cannot be read. The document itself was checked before.
    pub fn new(models: &[config::Model], secrets: &Path) -> anyhow::Result<Self> {
        let ids = ModelIds::new(models.iter().map(|model| model.id.clone()));
        let ids = ids.context("models: name at least one")?;
        let client = http::Client::default();
        let models = models.iter().enumerate().map(|(index, model)| {
            build(model, &client, secrets).with_context(|| format!("models[{index}]"))
        });
        Ok(Self {
            all: models.collect::<anyhow::Result<_>>()?,
            ids,
            client,
        })
    }

    /// Makes ready what all providers are called with. Otherwise the first question waits for it.
    ///
    /// # Errors
    /// When the machine has no certificates.
    pub async fn prepare(&self) -> anyhow::Result<()> {
        self.client.get().await.map(drop)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Model> {
        self.all.iter()
    }

    pub fn ids(&self) -> &ModelIds {
        &self.ids
    }

    pub fn get(&self, id: &str) -> Option<&Model> {
        self.iter().find(|model| model.id == id)
    }

    /// The models that may answer where `id` is chosen: that one, then those that stand in for it. One that the document does
    /// not have any more, as an earlier process may have left it, is the default.
    pub fn candidates(&self, id: &str) -> Candidates<'_> {
        let chosen = self.get(id).unwrap_or_else(|| self.first());
        let others = chosen.fallback.iter().filter_map(|id| self.get(id));
        Candidates::new(chosen, others.collect())
    }

    /// The model that answers unless another one is chosen.
    pub fn first(&self) -> &Model {
        // `new` takes no empty list.
        &self.all[0]
    }
}

fn build(model: &config::Model, client: &http::Client, secrets: &Path) -> anyhow::Result<Model> {
    let provider = provider(model, client, secrets)?;
    let seconds = |seconds: i32| Duration::from_secs(seconds.unsigned_abs().into());
    Ok(Model {
        id: model.id.clone(),
        name: model.name.clone(),
        system_prompt: model.system_prompt.clone(),
        history_tokens: usize::try_from(model.history_tokens)?,
        fallback: model.fallback.clone(),
        breaker: Arc::default(),
        idle: seconds(model.idle_seconds),
        total: seconds(model.total_seconds),
        provider,
    })
}

fn provider(
    model: &config::Model,
    client: &http::Client,
    secrets: &Path,
) -> anyhow::Result<Arc<dyn Provider>> {
    let endpoint = model.endpoint();
    let key = endpoint.and_then(|endpoint| endpoint.api_key);
    let key = key.map(|key| secrets::read(secrets, key)).transpose()?;
    let settings = Settings {
        key: key.as_ref(),
        headers: endpoint
            .map(|endpoint| headers(endpoint.headers, secrets))
            .transpose()?
            .unwrap_or_default(),
        answer_tokens: model.answer_tokens,
        temperature: model.temperature,
    };
    let client = client.clone();
    Ok(match model {
        config::Model {
            openai: Some(openai),
            ..
        } => Arc::new(openai::OpenAi::new(client, openai, settings)?),
        config::Model {
            anthropic: Some(anthropic),
            ..
        } => Arc::new(anthropic::Anthropic::new(client, anthropic, settings)?),
        config::Model {
            dify: Some(dify), ..
        } => Arc::new(dify::Dify::new(client, dify, settings)?),
        config::Model {
            demo: Some(demo), ..
        } => Arc::new(demo::Demo::new(demo)),
        _ => anyhow::bail!("names no provider"),
    })
}

/// What a gateway in front of the provider asks for. The values may be keys.
fn headers(headers: &[config::Header], secrets: &Path) -> anyhow::Result<HeaderMap> {
    let header = |header: &config::Header| {
        let value = secrets::read(secrets, &header.value)?;
        let mut value = HeaderValue::from_str(value.expose())
            .with_context(|| format!("the {} is not usable in a header", header.value))?;
        value.set_sensitive(true);
        anyhow::Ok((HeaderName::try_from(&header.name)?, value))
    };
    headers.iter().map(header).collect()
}

#[cfg(test)]
mod tests {
    use futures_util::{StreamExt, stream};

    use super::*;
    use crate::chat::SessionId;

    /// Counts the requests of each session in its state.
    struct Counting;

    impl Provider for Counting {
        fn stream_completion(&self, request: Request) -> ProgressStream {
            let count = request
                .state
                .map_or(0, |state| state.parse::<u32>().unwrap());
            let events = [
                Event::State((count + 1).to_string()),
                Event::Text(format!("{} {count}", request.session)),
                Event::Done(Finish::Stop),
            ];
            Box::pin(stream::iter(events.map(Progress::Event)))
        }
    }

    #[tokio::test]
    async fn a_provider_gets_back_what_it_asked_to_keep() {
        let model = Model {
            id: "m".to_owned(),
            name: "M".to_owned(),
            system_prompt: None,
            history_tokens: 0,
            fallback: Vec::new(),
            breaker: Arc::default(),
            idle: Duration::from_secs(1),
            total: Duration::from_secs(1),
            provider: Arc::new(Counting),
        };
        let session = SessionId::parse("s").unwrap();
        let mut state = None;
        for expected in ["s 0", "s 1", "s 2"] {
            let mut events = model.stream_completion(Request {
                session: session.clone(),
                system: None,
                messages: Vec::new(),
                state: state.take(),
            });
            while let Some(event) = events.next().await {
                match event {
                    Event::State(kept) => state = Some(kept),
                    Event::Text(text) => assert_eq!(text, expected),
                    _ => {}
                }
            }
        }
    }
}
