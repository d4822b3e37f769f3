//! One run: prompt, stream, publish, store, announce. Whatever happens, it ends in a stored message.

use std::time::Duration;

use anyhow::anyhow;
use backon::{ExponentialBuilder, Retryable};
use futures_util::StreamExt;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::answer::{Draft, Ending};
use super::checkpoint::{Checkpoints, RENEW_EVERY};
use super::stop::Stop;
use super::{Turns, prompt};
use crate::bus::Event;
use crate::chat::{Message, MessageId, Run, RunId};
use crate::clock;
use crate::limits::RunPermit;
use crate::llm::{self, Model};
use crate::store::{Answer, Claim, ErrorKind, Page, StoreError};

/// Messages of a session that are read for a prompt; the token budget cuts before, as a rule.
const HISTORY_MESSAGES: usize = 2000;
/// Bytes that a token of the budget can stand for: what is read of a history is no more than could fit.
const BYTES_PER_TOKEN: usize = 4;

/// A run of this process, from its claim to its end.
pub(super) struct Running<'a> {
    turns: &'a Turns,
    run: RunId,
    stop: Stop,
}

impl Turns {
    /// One question to one answer.
    pub(super) async fn answer(&self, claim: Claim, permit: &mut RunPermit) {
        let running = Running::new(self, claim.run.id);
        let run = &claim.run;
        let started = Instant::now();
        self.publish(run, Event::started(run));
        let mut draft = Draft::new(run);
        let ending = self
            .ask_models(&claim, &mut draft, permit, &running.stop)
            .await;
        if let Ending::StoreFailed(error) = &ending {
            tracing::error!(session.id = %run.session, run.id = %run.id, cause = format!("{:#}", error.cause()), "cannot read what came before a question, or keep the first words of its answer");
        }
        if matches!(ending, Ending::Interrupted) && draft.text().is_empty() {
            // Nobody has seen a word: the next process asks again, as after a crash.
            tracing::info!(session.id = %run.session, run.id = %run.id, "a run is left to the next process; it had said nothing");
            self.publish(run, Event::ended(run, None));
            return;
        }
        let answer = draft.finish(&ending, MessageId::new(), clock::now(), started.elapsed());
        self.finish(run, answer, &ending).await;
        // The next question of the session may think for long, and others of its user write meanwhile.
        permit.release();
    }

    /// Asks the model of the session, and those that stand in for it until one has said a word.
    async fn ask_models(
        &self,
        claim: &Claim,
        draft: &mut Draft<'_>,
        permit: &mut RunPermit,
        stop: &Stop,
    ) -> Ending {
        let run = &claim.run;
        let mut candidates = self.deps().models.candidates(&run.model);
        let mut next = candidates.next();
        loop {
            let Some(model) = next else {
                unreachable!("there is one candidate at least, and the loop ends with the last");
            };
            let ending = self.ask_model(claim, model, draft, permit, stop).await;
            let Ending::Failed(error) = &ending else {
                return ending;
            };
            tracing::warn!(session.id = %run.session, run.id = %run.id, model.id, class = error.class.as_str(), cause = format!("{:#}", error.cause), "the answer failed");
            if !error.class.may_another_answer() || !draft.text().is_empty() {
                return ending;
            }
            next = candidates.next();
            let Some(other) = next else {
                return ending;
            };
            tracing::info!(session.id = %run.session, run.id = %run.id, model.id, other.id, "another model answers");
            count(&self.deps().metrics.llm_fallbacks, model, 1);
        }
    }

    async fn ask_model(
        &self,
        claim: &Claim,
        model: &Model,
        draft: &mut Draft<'_>,
        permit: &mut RunPermit,
        stop: &Stop,
    ) -> Ending {
        let metrics = &self.deps().metrics;
        count(&metrics.llm_requests, model, 1);
        draft.begin(&model.id);
        let ending = self.stream(claim, model, draft, permit, stop).await;
        count(&metrics.tokens, model, draft.usage.total());
        match &ending {
            Ending::Failed(error) => {
                count(&metrics.llm_errors, model, 1);
                model.report(Err(error.class));
            }
            Ending::Done(_) | Ending::TooLong => model.report(Ok(())),
            // These say nothing about the model.
            Ending::StoreFailed(_) | Ending::GivenUp | Ending::Interrupted | Ending::Cancelled => {}
        }
        ending
    }

    /// Lets the model produce until it ends or must end.
    async fn stream(
        &self,
        claim: &Claim,
        model: &Model,
        draft: &mut Draft<'_>,
        permit: &mut RunPermit,
        stop: &Stop,
    ) -> Ending {
        let started = Instant::now();
        let request = tokio::select! {
            request = self.request(claim, model) => request,
            ending = stop.stopped() => return ending,
        };
        let mut events = match request {
            Ok(request) => model.stream_completion(request),
            Err(error) => return Ending::StoreFailed(error),
        };
        let mut checkpoints = Checkpoints::new(self, &claim.run, stop.clone());
        let mut renew = interval(RENEW_EVERY);
        renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
        renew.reset();
        let stopped = stop.stopped();
        tokio::pin!(stopped);
        loop {
            let event = tokio::select! {
                // What has come is taken before the others are looked at: a token should cost as little as it can, and how
                // much may come is bounded.
                biased;
                event = events.next() => event,
                ending = &mut stopped => return ending,
                _ = renew.tick() => {
                    checkpoints.renew(draft.text());
                    continue;
                }
            };
            match event {
                Some(llm::Event::Text(text)) => {
                    if draft.text().is_empty() {
                        let waited = started.elapsed().as_secs_f64();
                        self.deps().metrics.first_token.observe(waited);
                        if let Err(ending) = begin(&mut checkpoints, &text, stop).await {
                            return ending;
                        }
                    }
                    if !permit.hold(draft.text().len() + text.len()) {
                        return Ending::TooLong;
                    }
                    self.publish(&claim.run, Event::Delta(draft.push(text)));
                    checkpoints.grown(draft.text());
                }
                Some(llm::Event::Usage(usage)) => draft.usage = usage,
                Some(llm::Event::Done(finish)) => return Ending::Done(finish),
                Some(llm::Event::State(state)) => draft.provider_state = Some(state),
                Some(llm::Event::Failed(error)) => return Ending::Failed(error),
                None => unreachable!("a model's stream has a last event"),
            }
        }
    }

    async fn request(&self, claim: &Claim, model: &Model) -> Result<llm::Request, StoreError> {
        if claim.question.is_unreadable() {
            let cause = anyhow!("the question does not decrypt");
            return Err(StoreError::new(ErrorKind::Permanent, cause));
        }
        let history = self.history(claim, model).await?;
        let system = model.system_prompt.as_deref();
        let prompt = prompt::build(system, model.history_tokens, &history, &claim.question);
        Ok(llm::Request {
            // What the model of the session keeps is nothing to one that stands in for it.
            state: claim
                .provider_state
                .clone()
                .filter(|_| model.id == claim.run.model),
            ..prompt
        })
    }

    async fn history(&self, claim: &Claim, model: &Model) -> Result<Vec<Message>, StoreError> {
        if claim.question.seq == 1 {
            // Nothing came before it.
            return Ok(Vec::new());
        }
        let page = Page {
            messages: HISTORY_MESSAGES,
            bytes: model.history_tokens.saturating_mul(BYTES_PER_TOKEN),
        };
        let session = &claim.run.session;
        (|| self.deps().store.messages_before(session, i64::MAX, page))
            .retry(retry_policy())
            .when(StoreError::is_retryable)
            .await
    }

    /// Stores the answer and announces it: what is announced is already stored. False: the run could not be ended.
    pub(super) async fn finish(&self, run: &Run, answer: Answer, ending: &Ending) -> bool {
        let stored = (|| self.deps().store.finish(run, answer.clone(), Vec::new()))
            .retry(retry_policy())
            .when(StoreError::is_retryable)
            .notify(|error, delay| {
                tracing::warn!(session.id = %run.session, run.id = %run.id, ?delay, cause = format!("{:#}", error.cause()), "cannot store an answer yet");
            })
            .await;
        let has_ended = stored.is_ok();
        match stored {
            Ok(Some(message)) => {
                tracing::info!(session.id = %run.session, run.id = %run.id, model.id = answer.model, seq = message.seq, status = ending.status().as_str(), "answered");
                self.publish(run, Event::MessageStored(message));
            }
            Ok(None) => {
                tracing::info!(session.id = %run.session, run.id = %run.id, "the run lost its session; its answer is dropped");
            }
            Err(error) => {
                tracing::error!(session.id = %run.session, run.id = %run.id, cause = format!("{:#}", error.cause()), "cannot store an answer; its run is closed when its lease has ended");
            }
        }
        self.publish(run, Event::ended(run, ending.failure()));
        has_ended
    }

    fn publish(&self, run: &Run, event: Event) {
        self.deps().bus.publish(&run.session, event);
    }
}

/// Nothing of an answer is shown before it is kept that it has begun.
async fn begin(checkpoints: &mut Checkpoints<'_>, text: &str, stop: &Stop) -> Result<(), Ending> {
    let begun = tokio::select! {
        begun = checkpoints.begin(text) => begun,
        ending = stop.stopped() => return Err(ending),
    };
    match begun {
        Ok(true) => Ok(()),
        Ok(false) => Err(Ending::Interrupted),
        Err(error) => Err(Ending::StoreFailed(error)),
    }
}

impl<'a> Running<'a> {
    pub(super) fn new(turns: &'a Turns, run: RunId) -> Self {
        let stop = Stop::new(turns.deps().lifecycle.run_token());
        turns.running().insert(run, stop.clone());
        Self { turns, run, stop }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.turns.running().remove(&self.run);
    }
}

fn count(counter: &prometheus::IntCounterVec, model: &Model, by: u64) {
    counter.with_label_values(&[&model.id]).inc_by(by);
}

/// A store that is away costs no answer, however long it takes; the shutdown does not wait for it for ever.
pub(super) fn retry_policy() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(5))
        .with_jitter()
        .without_max_times()
}
