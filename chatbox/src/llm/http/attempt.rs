//! One attempt: a call, and its answer or the reason why there is none.

use std::time::{Duration, SystemTime};

use anyhow::anyhow;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{RequestBuilder, Response};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

use super::failed::FailedAttempt;
use super::reader::{Read, Reader};
use super::{Mapper, Question, classify, retry};
use crate::llm::ErrorClass;

/// Of an error's body so much is read: codes stand in its first kilobyte.
const ERROR_BYTES: usize = 16 * 1024;
/// An error whose body takes longer is classified by its status.
const ERROR_TIMEOUT: Duration = Duration::from_secs(2);

/// An answer that has begun to arrive.
pub(super) struct Answer<M> {
    response: Response,
    /// It is called JSON: no stream, as far as its first byte does not say otherwise.
    is_document: bool,
    reader: Reader<M>,
    /// Set once only the end of the bytes is missing.
    lingers_until: Option<Instant>,
}

pub(super) async fn send<Q: Question>(question: &Q) -> Result<Answer<Q::Mapper>, FailedAttempt> {
    let client = question.client().get().await;
    let client = client.map_err(|cause| FailedAttempt::new(ErrorClass::Transport, cause))?;
    let response = called(question.call(client)).await.map_err(unreachable)?;
    if response.status().is_success() {
        return Ok(Answer {
            is_document: is_document(&response),
            response,
            reader: Reader::default(),
            lingers_until: None,
        });
    }
    Err(rejection::<Q::Mapper>(response).await)
}

/// Calls, and once more if all that is wrong with the path is the slash at its end: no setting could mend that.
async fn called(call: RequestBuilder) -> reqwest::Result<Response> {
    let (client, request) = call.build_split();
    let request = request?;
    let again = request.try_clone();
    let response = client.execute(request).await?;
    let Some((mut again, target)) = again.zip(with_other_slash(&response)) else {
        return Ok(response);
    };
    *again.url_mut() = target;
    client.execute(again).await
}

/// Where a redirect leads that keeps the method, and differs only in the last slash of the path.
fn with_other_slash(response: &Response) -> Option<Url> {
    let keeps_method = matches!(response.status().as_u16(), 307 | 308);
    let (from, to) = (response.url(), keeps_method.then(|| target(response))??);
    let path = |url: &Url| url.path().trim_end_matches('/').to_owned();
    let is_same =
        from.origin() == to.origin() && path(from) == path(&to) && from.path() != to.path();
    is_same.then_some(to)
}

impl<M: Mapper> Answer<M> {
    /// What comes next; nothing does after [`Read::Failed`] and the last event.
    pub(super) async fn next(&mut self) -> Read {
        if let Some(read) = self.reader.next() {
            return read;
        }
        match self.bytes().await {
            Ok(Some(bytes)) => self.reader.push(bytes.as_ref()),
            Ok(None) => self.reader.end(None),
            Err(error) => {
                let cause = anyhow!(error.without_url()).context("the answer broke off");
                self.reader.end(Some(cause));
            }
        }
        self.reader.next().unwrap_or(Read::Activity)
    }

    /// Whether the answer comes in one piece: the provider may be silent until it has all of it.
    pub(super) fn is_in_one_piece(&self) -> bool {
        self.reader.is_in_one_piece().unwrap_or(self.is_document)
    }

    /// How long the provider may be silent behind the end of its answer, if that has come.
    pub(super) fn linger(&self) -> Option<Duration> {
        self.reader.linger()
    }

    async fn bytes(&mut self) -> reqwest::Result<Option<impl AsRef<[u8]> + use<M>>> {
        let Some(linger) = self.linger() else {
            return self.response.chunk().await;
        };
        let end = *self
            .lingers_until
            .get_or_insert_with(|| Instant::now() + linger);
        let bytes = timeout_at(end, self.response.chunk()).await;
        if self.reader.finishes_always() {
            self.lingers_until = None;
        }
        bytes.unwrap_or(Ok(None))
    }
}

fn is_document(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    kind.and_then(|kind| kind.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

fn unreachable(error: reqwest::Error) -> FailedAttempt {
    let class = if error.is_builder() {
        ErrorClass::Malformed
    } else {
        ErrorClass::Transport
    };
    let cause = anyhow!(error.without_url()).context("the provider cannot be reached");
    FailedAttempt::new(class, cause)
}

async fn rejection<M: Mapper>(mut response: Response) -> FailedAttempt {
    if response.status().is_redirection() {
        return redirected(&response);
    }
    let retry_after = retry::after(response.headers(), SystemTime::now());
    let should_retry = retry::should(response.headers());
    let body = timeout(ERROR_TIMEOUT, read_error(&mut response)).await;
    let body = body.unwrap_or_default();
    FailedAttempt {
        retry_after,
        should_retry,
        ..classify::rejected(M::ERROR_CODES, response.status(), body)
    }
}

/// A redirect is not followed: most turn the question into one without a body, and the key would go to an address that
/// nobody configured. The log names that address without its query, and without its path on another server: they may hold
/// a key.
fn redirected(response: &Response) -> FailedAttempt {
    let from = response.url().origin();
    let target = target(response).map_or_else(
        || "an unnamed place".to_owned(),
        |url| {
            let path = if url.origin() == from { url.path() } else { "" };
            format!("{}{path}", url.origin().ascii_serialization())
        },
    );
    let status = response.status().as_u16();
    FailedAttempt::new(
        ErrorClass::Malformed,
        anyhow!(
            "the provider answered {status}, a redirect to {target}; set baseUrl to where it leads"
        ),
    )
}

fn target(response: &Response) -> Option<Url> {
    let location = response.headers().get(LOCATION)?;
    response.url().join(location.to_str().ok()?).ok()
}

async fn read_error(response: &mut Response) -> Value {
    let mut body = Vec::new();
    while let Ok(Some(bytes)) = response.chunk().await {
        body.extend_from_slice(&bytes);
        if body.len() >= ERROR_BYTES {
            break;
        }
    }
    serde_json::from_slice(&body)
        .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&body).into_owned()))
}
