//! An endpoint that speaks OpenAI's chat completions, word by word, as the test says. Written from the public
//! description of the interface.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::TIMEOUT;

/// The endpoint. Each call waits until the test answers it.
pub struct Provider {
    address: SocketAddr,
    calls: mpsc::UnboundedReceiver<Call>,
}

/// One question that the server asked.
pub struct Call {
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Value,
    pub authorization: Option<String>,
    head: oneshot::Sender<Head>,
    bytes: mpsc::UnboundedSender<Bytes>,
}

/// What comes before the body of a response.
struct Head {
    status: StatusCode,
    headers: HeaderMap,
}

/// A response that was begun.
pub struct ResponseStream(mpsc::UnboundedSender<Bytes>);

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (send, calls) = mpsc::unbounded_channel();
        let router = Router::new().fallback(any(answer)).with_state(send);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, calls }
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next call.
    pub async fn call(&mut self) -> Call {
        timeout(TIMEOUT, self.calls.recv())
            .await
            .expect("the provider is asked")
            .unwrap()
    }

    /// Whether no call waits.
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty()
    }
}

impl Call {
    /// What the server sent as messages: role and content.
    pub fn messages(&self) -> Vec<(&str, &str)> {
        let messages = self.body["messages"].as_array().unwrap();
        messages
            .iter()
            .map(|message| {
                (
                    message["role"].as_str().unwrap(),
                    message["content"].as_str().unwrap(),
                )
            })
            .collect()
    }

    /// Begins to answer.
    pub fn begin(self) -> ResponseStream {
        self.respond(200, &[])
    }

    /// Answers all at once.
    pub fn reply(self, text: &str) {
        let stream = self.begin();
        stream.push(text);
        stream.end();
    }

    /// Rejects the call.
    pub fn reject(self, status: u16) {
        self.reject_with(status, &json!({"message": "no"}));
    }

    /// Rejects the call with this error in the body.
    pub fn reject_with(self, status: u16, error: &Value) {
        let body = json!({"error": error}).to_string();
        self.respond(status, &[]).send(body);
    }

    /// Begins a response with this status and these headers.
    pub fn respond(self, status: u16, headers: &[(&'static str, &'static str)]) -> ResponseStream {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let status = StatusCode::from_u16(status).unwrap();
        assert!(
            self.head.send(Head { status, headers }).is_ok(),
            "the server waits for the response"
        );
        ResponseStream(self.bytes)
    }

    /// Resolves when the server no longer waits for a response.
    pub async fn dropped(mut self) {
        timeout(TIMEOUT, self.head.closed()).await.unwrap();
    }
}

impl ResponseStream {
    pub fn push(&self, text: &str) {
        self.event(&json!({"choices": [{"delta": {"content": text}, "finish_reason": null}]}));
    }

    pub fn event(&self, event: &Value) {
        self.send(format!("data: {event}\n\n"));
    }

    /// Sends these bytes as they are.
    pub fn send(&self, text: impl Into<Bytes>) {
        let _ = self.0.send(text.into());
    }

    /// Ends as it should.
    pub fn end(self) {
        self.event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
        self.event(&json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}));
        self.send("data: [DONE]\n\n");
    }

    /// Ends in the middle.
    pub fn cut(self) {}

    /// Resolves when the server no longer listens.
    pub async fn dropped(self) {
        timeout(TIMEOUT, self.0.closed()).await.unwrap();
    }
}

async fn answer(
    State(calls): State<mpsc::UnboundedSender<Call>>,
    uri: Uri,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let (head, responded) = oneshot::channel();
    let (bytes, said) = mpsc::unbounded_channel();
    let authorization = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .map(ToOwned::to_owned);
    let _ = calls.send(Call {
        uri,
        headers,
        body,
        authorization,
        head,
        bytes,
    });
    let Ok(head) = responded.await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let said = stream::unfold(said, |mut said| async move {
        said.recv()
            .await
            .map(|bytes| (Ok::<_, Infallible>(bytes), said))
    });
    (
        head.status,
        [("content-type", "text/event-stream")],
        head.headers,
        Body::from_stream(said),
    )
        .into_response()
}
