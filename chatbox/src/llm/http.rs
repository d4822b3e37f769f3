//! What every provider behind HTTP shares: the call, attempts, error classes, and the reading of the answer.
//!
//! A provider brings its request (`wire`), a [`Mapper`] from its events to ours (`map`) and a table of its error codes.
//!
//! - `attempt`: one call, up to the first byte of an answer or a rejection
//! - `classify`: status and error code → [`ErrorClass`]; pure
//! - `reader`: bytes of an answer → events; pure, with `sse` below it
//! - `retry`: whether and when to try again; pure

mod attempt;
mod classify;
mod reader;
mod retry;
mod sse;
#[cfg(test)]
mod tests;

use std::time::Duration;

use async_stream::stream;
use reqwest::{Client, RequestBuilder};

use self::attempt::Rejection;
pub(super) use self::classify::{ErrorCodes, reported};
pub(super) use self::reader::Batch;
#[cfg(test)]
pub(super) use self::{classify::rejected, reader::testing};
use super::{Error, Event, EventStream};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// One provider's events → ours. Each answer has its own.
pub(super) trait Mapper: Default + Send + 'static {
    /// Which of the provider's error codes and types means which class.
    const ERROR_CODES: ErrorCodes;

    /// What the data of one event means.
    ///
    /// # Errors
    /// When it reports an error or is not readable; the answer ends there.
    fn map(&mut self, data: &str, batch: &mut Batch) -> Result<(), Error>;

    /// Whether the provider has said all: a stream that ends before was cut.
    fn is_complete(&self) -> bool;
}

/// The client of all providers; it keeps connections that are free.
pub(super) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .user_agent(concat!("chatbox/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Sends `call`, a few times if need be, and reads its answer. Once a word was given nothing is tried again: a second
/// answer would contradict the first. Nothing runs beside the stream, so dropping it ends whatever it does, and closes
/// the connection.
pub(super) fn stream_completion<M: Mapper>(call: RequestBuilder) -> EventStream {
    Box::pin(stream! {
        let mut delays = retry::delays();
        loop {
            let mut has_text = false;
            let rejection = match attempt::send::<M>(&call).await {
                Ok(mut answer) => loop {
                    match answer.next().await {
                        Event::Failed(error) if !has_text => break Rejection::from(error),
                        event => {
                            has_text |= matches!(event, Event::Text(_));
                            let is_last = event.is_last();
                            yield event;
                            if is_last {
                                return;
                            }
                        }
                    }
                },
                Err(rejection) => rejection,
            };
            let Some(delay) = retry::delay(&rejection, &mut delays) else {
                yield Event::Failed(rejection.error);
                return;
            };
            let Error { class, cause } = rejection.error;
            tracing::info!(class = class.as_str(), cause = format!("{cause:#}"), "the provider gave no answer, trying again");
            tokio::time::sleep(delay).await;
        }
    })
}
