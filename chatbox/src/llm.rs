//! The models that answer: our words for all providers.

mod demo;
mod openai;
mod pace;
mod sse;

use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use crds::config;
use crds::secret::Use;
use futures_util::Stream;

use crate::chat::Failure;
use crate::secrets;

/// What a model is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub system: Option<String>,
    /// Oldest first; the last one is the question.
    pub messages: Vec<Turn>,
}

/// One side's turn to speak.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub role: Role,
    pub content: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    User,
    Assistant,
}

/// What a model says. A stream of these never fails: its last event is `Done` or `Failed`.
#[derive(Debug)]
pub enum Event {
    Text(String),
    /// What the provider counted; the last one holds.
    Usage(Usage),
    Done,
    Failed(Failed),
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

/// Why there is no more.
#[derive(Debug, thiserror::Error)]
#[error("{cause:#}")]
pub struct Failed {
    /// What the visitor is told.
    pub failure: Failure,
    /// For the log. It holds neither a key nor the provider's own words, which may repeat one.
    pub cause: anyhow::Error,
}

impl Failed {
    pub fn unavailable(cause: impl Into<anyhow::Error>) -> Self {
        Self {
            failure: Failure::Unavailable,
            cause: cause.into(),
        }
    }
}

pub type Events = Pin<Box<dyn Stream<Item = Event> + Send>>;

/// Something that can be asked.
trait Provider: Send + Sync {
    fn ask(&self, request: Request) -> Events;
}

/// A configured model.
#[derive(Clone)]
pub struct Model {
    pub id: String,
    pub name: String,
    pub system_prompt: Option<String>,
    pub history_tokens: usize,
    idle: Duration,
    total: Duration,
    provider: Arc<dyn Provider>,
}

impl Model {
    /// The answer, bounded in time. Dropping the stream ends the call.
    pub fn ask(&self, request: Request) -> Events {
        pace::bounded(self.provider.ask(request), self.idle, self.total)
    }
}

/// All configured models.
#[derive(Clone)]
pub struct Models(Arc<[Model]>);

impl Models {
    /// # Errors
    /// When a key cannot be read. The document itself was checked before.
    pub fn new(models: &[config::Model], secrets: &Path) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(10))
            .user_agent(concat!("chatbox/", env!("CARGO_PKG_VERSION")))
            .build()?;
        let models = models.iter().enumerate().map(|(index, model)| {
            build(model, &http, secrets).with_context(|| format!("models[{index}]"))
        });
        Ok(Self(models.collect::<anyhow::Result<_>>()?))
    }

    pub fn iter(&self) -> impl Iterator<Item = &Model> {
        self.0.iter()
    }

    pub fn get(&self, id: &str) -> Option<&Model> {
        self.iter().find(|model| model.id == id)
    }

    /// The model that answers; a checked document has one.
    pub fn first(&self) -> Option<&Model> {
        self.0.first()
    }
}

fn build(model: &config::Model, http: &reqwest::Client, secrets: &Path) -> anyhow::Result<Model> {
    let provider: Arc<dyn Provider> = match (&model.openai, &model.demo) {
        (Some(openai), _) => {
            let key = openai
                .api_key
                .as_ref()
                .map(|key| secrets::read(secrets, key, Use::Bearer))
                .transpose()?;
            Arc::new(openai::OpenAi::new(
                http.clone(),
                openai,
                key,
                model.answer_tokens,
            ))
        }
        (None, Some(demo)) => Arc::new(demo::Demo::new(demo)),
        (None, None) => anyhow::bail!("names no provider"),
    };
    let seconds = |seconds: i32| Duration::from_secs(seconds.unsigned_abs().into());
    Ok(Model {
        id: model.id.clone(),
        name: model.name.clone(),
        system_prompt: model.system_prompt.clone(),
        history_tokens: usize::try_from(model.history_tokens)?,
        idle: seconds(model.idle_seconds),
        total: seconds(model.total_seconds),
        provider,
    })
}
