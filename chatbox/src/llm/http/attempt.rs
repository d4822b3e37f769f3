//! One attempt: a call, and its answer or the reason why there is none.

use std::time::{Duration, SystemTime};

use anyhow::{Context, anyhow};
use reqwest::{RequestBuilder, Response};
use tokio::time::timeout;

use super::reader::Reader;
use super::{Mapper, classify, retry};
use crate::llm::{Error, ErrorClass, Event};

/// Of an error's body so much is read: codes stand in its first kilobyte.
const ERROR_BYTES: usize = 16 * 1024;
/// An error whose body takes longer is classified by its status.
const ERROR_TIMEOUT: Duration = Duration::from_secs(2);

/// An attempt that came to nothing.
pub(super) struct Rejection {
    pub(super) error: Error,
    /// How long the provider wants to be left alone.
    pub(super) retry_after: Option<Duration>,
}

impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        Self {
            error,
            retry_after: None,
        }
    }
}

/// An answer that has begun to arrive.
pub(super) struct Answer<M> {
    response: Response,
    reader: Reader<M>,
}

pub(super) async fn send<M: Mapper>(call: &RequestBuilder) -> Result<Answer<M>, Rejection> {
    let call = call.try_clone().context("the call cannot be repeated");
    let call = call.map_err(|cause| Error::new(ErrorClass::Malformed, cause))?;
    let response = call.send().await.map_err(unreachable)?;
    if response.status().is_success() {
        return Ok(Answer {
            response,
            reader: Reader::default(),
        });
    }
    Err(rejection::<M>(response).await)
}

impl<M: Mapper> Answer<M> {
    pub(super) async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.reader.next() {
                return event;
            }
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.reader.push(&bytes),
                Ok(None) => self.reader.end(),
                Err(error) => {
                    let cause = anyhow!(error.without_url()).context("the answer broke off");
                    return Event::Failed(Error::new(ErrorClass::Transport, cause));
                }
            }
        }
    }
}

fn unreachable(error: reqwest::Error) -> Error {
    let class = if error.is_builder() {
        ErrorClass::Malformed
    } else {
        ErrorClass::Transport
    };
    let cause = anyhow!(error.without_url()).context("the provider cannot be reached");
    Error::new(class, cause)
}

async fn rejection<M: Mapper>(mut response: Response) -> Rejection {
    let retry_after = retry::after(response.headers(), SystemTime::now());
    let body = timeout(ERROR_TIMEOUT, read_error(&mut response)).await;
    let error = classify::rejected(M::ERROR_CODES, response.status(), &body.unwrap_or_default());
    Rejection { error, retry_after }
}

async fn read_error(response: &mut Response) -> serde_json::Value {
    let mut body = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        body.extend_from_slice(&bytes);
        if body.len() >= ERROR_BYTES {
            break;
        }
    }
    serde_json::from_slice(&body).unwrap_or_default()
}
