//! What every provider behind HTTP shares: the call, attempts, error classes, and the reading of the answer.
//!
//! A provider brings a [`Question`] (its request, in the ways that it can be put) and a [`Mapper`] from its events to ours
//! with a table of its error codes.
//!
//! - `client`: what all calls go through
//! - `attempt`: one call, up to its answer or a [`FailedAttempt`]
//! - `classify`: status and error code → [`ErrorClass`](super::ErrorClass), with `words` for what has no code; pure
//! - `reader`: bytes of an answer → events; pure, with `body`, `sse` and `surrogates` below it
//! - `values`: fields of any type → what is meant by them; pure
//! - `learned`: what the answers of a model have taught
//! - `retry`: whether and when to try again; pure

mod attempt;
mod body;
mod classify;
mod client;
mod failed;
mod learned;
mod reader;
mod retry;
mod sse;
mod surrogates;
#[cfg(test)]
mod tests;
pub(super) mod values;
mod words;

use std::time::Duration;

use async_stream::stream;
use reqwest::RequestBuilder;
use serde_json::Value;

use self::attempt::Answer;
pub(super) use self::classify::ErrorCodes;
pub(super) use self::client::Client;
pub(super) use self::failed::FailedAttempt;
pub(super) use self::learned::Learned;
use self::reader::Read;
pub(super) use self::reader::{Batch, Reported};
pub(super) use self::words::words;
#[cfg(test)]
pub(super) use self::{classify::rejected, reader::testing};
use super::{Error, Event, Finish, Progress, ProgressStream};

/// Longer than any answer may take in total.
const UNSTREAMED: Duration = Duration::from_hours(1);

/// A question as one provider is asked it.
pub(super) trait Question: Send + Sync + 'static {
    type Mapper: Mapper;

    fn client(&self) -> &Client;

    /// The call, as the question stands now.
    fn call(&self, client: &reqwest::Client) -> RequestBuilder;

    /// Whether the call asks for an answer word by word: otherwise the provider is silent until it has all of it.
    fn is_streamed(&self) -> bool;

    /// Puts the question without what the provider refused; false if there is no such way. Each change leaves fewer.
    fn adapt(&mut self, failed: &FailedAttempt) -> bool;

    /// The provider answers the question as it stands; `in_one_piece`, if it has come to that only with all of it.
    fn accepted(&self, in_one_piece: bool);
}

/// One provider's events → ours. Each answer has its own.
pub(super) trait Mapper: Default + Send + 'static {
    /// Which of the provider's error codes and types means which class.
    const ERROR_CODES: ErrorCodes;

    /// What one event means. It is an object; what its fields hold may be of any type.
    ///
    /// # Errors
    /// When it reports an error; the answer ends there.
    fn map(&mut self, event: &Value, batch: &mut Batch) -> Result<(), Reported>;

    /// Why the model ended its answer, once the provider has said so: a stream that ends before was cut.
    fn finish(&self) -> Option<Finish>;

    /// Whether the provider has said that nothing follows: the end of the bytes is not waited for.
    fn has_ended(&self) -> bool {
        false
    }

    /// What the provider remarked, and what was an error if there is no answer.
    fn remark(&self) -> Option<&Value> {
        None
    }
}

/// Asks `question`, a few times if need be, and reads the answer. Once a word was given nothing is tried again: a second
/// answer would contradict the first. Nothing runs beside the stream, so dropping it ends whatever it does, and closes
/// the connection.
pub(super) fn stream_completion<Q: Question>(mut question: Q) -> ProgressStream {
    Box::pin(stream! {
        let mut delays = retry::delays();
        loop {
            let mut has_text = false;
            if !question.is_streamed() {
                yield Progress::Pause(UNSTREAMED);
            }
            let failed = match attempt::send(&question).await {
                Ok(answer) => {
                    let mut answer: Answer<Q::Mapper> = answer;
                    yield activity(&question, &answer);
                    loop {
                        match answer.next().await {
                            Read::Failed(failed) if has_text => {
                                yield Progress::Event(Event::Failed(failed.error));
                                return;
                            }
                            Read::Failed(failed) => break failed,
                            Read::Activity => yield activity(&question, &answer),
                            Read::Event(event) => {
                                if !has_text && matches!(event, Event::Text(_) | Event::Done(_)) {
                                    has_text = true;
                                    question.accepted(answer.is_in_one_piece());
                                }
                                let is_last = event.is_last();
                                yield Progress::Event(event);
                                if is_last {
                                    return;
                                }
                                if answer.linger().is_some() {
                                    yield activity(&question, &answer);
                                }
                            }
                        }
                    }
                }
                Err(failed) => failed,
            };
            if question.adapt(&failed) {
                yield Progress::Activity;
                continue;
            }
            let Some(delay) = retry::delay(&failed, &mut delays) else {
                yield Progress::Event(Event::Failed(failed.error));
                return;
            };
            let Error { class, cause } = failed.error;
            tracing::info!(class = class.as_str(), cause = format!("{cause:#}"), "the provider gave no answer, trying again");
            yield Progress::Pause(delay);
            tokio::time::sleep(delay).await;
        }
    })
}

/// A sign of life, after which the provider may be silent again: for as long as it likes, where it sends its answer in one
/// piece.
fn activity<Q: Question>(question: &Q, answer: &Answer<Q::Mapper>) -> Progress {
    if !question.is_streamed() || answer.is_in_one_piece() {
        Progress::Pause(UNSTREAMED)
    } else {
        // An answer that has ended is not spoilt by silence behind it.
        answer.linger().map_or(Progress::Activity, Progress::Pause)
    }
}
