//! From a question to its answer: claim, prompt, stream, publish, store, announce. One at a time in a session.

mod answer;
mod live;
mod prompt;
mod recover;

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use self::answer::{Draft, Ending};
use self::live::Live;
pub use self::live::Snapshot;
use crate::bus::{Bus, Delta, Event};
use crate::chat::{Message, MessageId, Run, RunId, SessionId};
use crate::clock;
use crate::lifecycle::Lifecycle;
use crate::llm::{self, Model, Models};
use crate::metrics::Metrics;
use crate::store::{self, AppendError, Appended, Claim, NewRun, Page, Question, Store, StoreError};

/// Messages of a session that are looked at for a prompt; the token budget cuts before, as a rule.
const HISTORY_MESSAGES: usize = 2000;
/// Bytes that a token of the budget can stand for: what is read of a history is no more than could fit.
const BYTES_PER_TOKEN: usize = 4;
/// What a run has said is kept at once when it begins to speak, and again after so long or so much.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);
const CHECKPOINT_BYTES: usize = 2048;

/// Answers questions. Cheap to clone.
#[derive(Clone)]
pub struct Turns(Arc<Deps>);

struct Deps {
    store: Arc<dyn Store>,
    bus: Bus,
    models: Models,
    lifecycle: Lifecycle,
    metrics: Metrics,
    live: Live,
}

impl Turns {
    pub fn new(
        store: Arc<dyn Store>,
        bus: Bus,
        models: Models,
        lifecycle: Lifecycle,
        metrics: Metrics,
    ) -> Self {
        let live = Live::default();
        Self(Arc::new(Deps {
            store,
            bus,
            models,
            lifecycle,
            metrics,
            live,
        }))
    }

    /// Stores a question, announces it, and has it answered. A sender who goes away in the middle cancels nothing.
    pub async fn ask(&self, question: Question) -> Result<Appended, AppendError> {
        let session = question.session.clone();
        let appended = self.0.store.append(question).await?;
        if !appended.duplicate {
            let message = Arc::new(appended.message.clone());
            self.0.bus.publish(&session, Event::Stored(message));
        }
        self.kick(session);
        Ok(appended)
    }

    /// Sees to it that the questions of a session are answered. Cheap when somebody already does.
    fn kick(&self, session: SessionId) {
        if self.0.lifecycle.is_stopping() {
            // The question is stored; whoever starts next answers it.
            return;
        }
        let turns = self.clone();
        self.0
            .lifecycle
            .spawn_turn(async move { turns.answer_all(&session).await });
    }

    /// What the run that is at work in a session has said so far.
    pub fn live(&self, session: &SessionId) -> Option<Snapshot> {
        self.0.live.snapshot(session)
    }

    async fn answer_all(&self, session: &SessionId) {
        while !self.0.lifecycle.is_stopping() {
            match self.claim(session).await {
                Ok(Some((claim, model))) => self.answer(claim, &model).await,
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(session.id = %session, cause = ?error, "cannot claim a question; it stays stored");
                    return;
                }
            }
        }
    }

    async fn claim(&self, session: &SessionId) -> Result<Option<(Claim, Model)>, StoreError> {
        let Some(model) = self.0.models.first().cloned() else {
            return Ok(None);
        };
        let new = || NewRun {
            id: RunId::new(),
            model: model.id.clone(),
        };
        let claim = (|| self.0.store.claim(session, new()))
            .retry(patience())
            .await?;
        Ok(claim.map(|claim| (claim, model)))
    }

    /// One question to one answer. Whatever happens, the run ends in a stored message.
    async fn answer(&self, claim: Claim, model: &Model) {
        let run = &claim.run;
        let started = Instant::now();
        self.0.live.begin(run);
        self.0.bus.publish(
            &run.session,
            Event::Began {
                run: run.id,
                fence: run.fence,
            },
        );
        self.0
            .metrics
            .llm_requests
            .with_label_values(&[&model.id])
            .inc();

        let mut draft = Draft::new(run);
        let ending = self.stream(&claim, model, &mut draft, started).await;
        if let Ending::Failed(failed) = &ending {
            self.0
                .metrics
                .llm_errors
                .with_label_values(&[&model.id])
                .inc();
            tracing::warn!(session.id = %run.session, run.id = %run.id, model.id, cause = format!("{:#}", failed.cause), "the answer failed");
        }
        self.0
            .metrics
            .tokens
            .with_label_values(&[&model.id])
            .inc_by(draft.usage.total());
        let answer = draft.finish(&ending, MessageId::new(), clock::now(), started.elapsed());
        self.close(run, answer, &ending).await;
    }

    /// Lets the model speak until it ends or the server must.
    async fn stream(
        &self,
        claim: &Claim,
        model: &Model,
        draft: &mut Draft<'_>,
        started: Instant,
    ) -> Ending {
        let mut events = match self.request(claim, model).await {
            Ok(request) => model.ask(request),
            Err(error) => return Ending::Failed(llm::Failed::unavailable(error)),
        };
        let mut checkpoint = Checkpoint::new(started);
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = self.0.lifecycle.cut() => return Ending::Interrupted,
            };
            match event {
                Some(llm::Event::Text(text)) => {
                    if draft.text().is_empty() {
                        let waited = started.elapsed().as_secs_f64();
                        self.0.metrics.first_token.observe(waited);
                    }
                    self.say(&claim.run, draft.say(text));
                    checkpoint.keep(&self.0.store, &claim.run, draft.text());
                }
                Some(llm::Event::Usage(usage)) => draft.usage = usage,
                Some(llm::Event::Done) => return Ending::Complete,
                Some(llm::Event::Failed(failed)) => return Ending::Failed(failed),
                None => {
                    let cause = anyhow::anyhow!("the answer has no end");
                    return Ending::Failed(llm::Failed::unavailable(cause));
                }
            }
        }
    }

    async fn request(&self, claim: &Claim, model: &Model) -> Result<llm::Request, StoreError> {
        let page = Page {
            messages: HISTORY_MESSAGES,
            bytes: model.history_tokens.saturating_mul(BYTES_PER_TOKEN),
        };
        let session = &claim.run.session;
        let history = self
            .0
            .store
            .messages_before(session, i64::MAX, page)
            .await?;
        let system = model.system_prompt.as_deref();
        Ok(prompt::build(
            system,
            model.history_tokens,
            &history,
            &claim.question,
        ))
    }

    fn say(&self, run: &Run, delta: Delta) {
        let delta = Arc::new(delta);
        self.0.live.say(&run.session, &delta);
        self.0.bus.publish(&run.session, Event::Said(delta));
    }

    /// Stores the answer and announces it: what is announced is already stored.
    async fn close(&self, run: &Run, answer: store::Answer, ending: &Ending) {
        let stored = (|| self.0.store.finish(run, answer.clone()))
            .retry(patience())
            .await;
        match stored {
            Ok(Some(message)) => self.announce(run, message, ending),
            Ok(None) => {
                tracing::info!(session.id = %run.session, run.id = %run.id, "the run lost its session; its answer is dropped");
            }
            Err(error) => {
                tracing::error!(session.id = %run.session, run.id = %run.id, cause = ?error, "cannot store an answer; the next start closes its run");
            }
        }
        // After the announcement: a follower that finds nothing live here finds the message in the store.
        self.0.live.end(run);
    }

    fn announce(&self, run: &Run, message: Message, ending: &Ending) {
        tracing::info!(session.id = %run.session, run.id = %run.id, model.id = run.model, seq = message.seq, status = ending.status().as_str(), "answered");
        self.0
            .bus
            .publish(&run.session, Event::Stored(Arc::new(message)));
        if let Ending::Failed(failed) = ending {
            let failure = failed.failure;
            self.0.bus.publish(
                &run.session,
                Event::Failed {
                    run: run.id,
                    fence: run.fence,
                    failure,
                },
            );
        }
    }
}

/// Keeps what a run has said, beside the stream: a word must not wait for the disk.
struct Checkpoint {
    due: Instant,
    bytes: usize,
    /// At most one is under way, so that they neither pile up nor overtake each other.
    under_way: Option<JoinHandle<()>>,
}

impl Checkpoint {
    /// The very first word is kept at once: from then on the answer has been seen.
    fn new(started: Instant) -> Self {
        Self {
            due: started,
            bytes: 0,
            under_way: None,
        }
    }

    fn keep(&mut self, store: &Arc<dyn Store>, run: &Run, text: &str) {
        let now = Instant::now();
        let is_busy = self
            .under_way
            .as_ref()
            .is_some_and(|task| !task.is_finished());
        let is_due = now >= self.due || text.len() >= self.bytes + CHECKPOINT_BYTES;
        if is_busy || !is_due {
            return;
        }
        self.due = now + CHECKPOINT_EVERY;
        self.bytes = text.len();
        let (store, id, text) = (Arc::clone(store), run.id, text.to_owned());
        self.under_way = Some(tokio::spawn(async move {
            match store.checkpoint(id, text).await {
                Ok(()) => tracing::trace!(run.id = %id, "checkpoint kept"),
                Err(error) => {
                    tracing::warn!(run.id = %id, cause = ?error, "cannot keep a checkpoint");
                }
            }
        }));
    }
}

/// A store that is away costs no answer, however long it takes: a stop does not wait for it for ever.
fn patience() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
}
