//! An endpoint that speaks OpenAI's chat completions, word by word, as the test says. Written from the public
//! description of the interface.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::PATIENCE;

/// The endpoint. Each call waits until the test answers it.
pub struct Provider {
    address: SocketAddr,
    calls: mpsc::UnboundedReceiver<Call>,
}

/// One question that the server asked.
pub struct Call {
    pub body: Value,
    pub authorization: Option<String>,
    status: oneshot::Sender<StatusCode>,
    bytes: mpsc::UnboundedSender<Bytes>,
}

/// An answer that was begun.
pub struct Speech(mpsc::UnboundedSender<Bytes>);

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (send, calls) = mpsc::unbounded_channel();
        let router = Router::new()
            .route("/v1/chat/completions", post(answer))
            .with_state(send);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, calls }
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// The next call.
    pub async fn call(&mut self) -> Call {
        timeout(PATIENCE, self.calls.recv())
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
            .map(|turn| {
                (
                    turn["role"].as_str().unwrap(),
                    turn["content"].as_str().unwrap(),
                )
            })
            .collect()
    }

    /// Begins to answer.
    pub fn begin(self) -> Speech {
        self.status.send(StatusCode::OK).unwrap();
        Speech(self.bytes)
    }

    /// Answers all at once.
    pub fn reply(self, text: &str) {
        let speech = self.begin();
        speech.say(text);
        speech.end();
    }

    /// Refuses.
    pub fn refuse(self, status: u16) {
        self.status
            .send(StatusCode::from_u16(status).unwrap())
            .unwrap();
        let _ = self.bytes.send(Bytes::from_static(b"no"));
    }
}

impl Speech {
    pub fn say(&self, text: &str) {
        self.event(&json!({"choices": [{"delta": {"content": text}, "finish_reason": null}]}));
    }

    pub fn event(&self, event: &Value) {
        let _ = self.0.send(Bytes::from(format!("data: {event}\n\n")));
    }

    /// Ends as it should.
    pub fn end(self) {
        self.event(&json!({"choices": [{"delta": {}, "finish_reason": "stop"}]}));
        self.event(&json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 5}}));
        let _ = self.0.send(Bytes::from_static(b"data: [DONE]\n\n"));
    }

    /// Ends in the middle.
    pub fn cut(self) {}

    /// Resolves when the server no longer listens.
    pub async fn dropped(self) {
        timeout(PATIENCE, self.0.closed()).await.unwrap();
    }
}

async fn answer(
    State(calls): State<mpsc::UnboundedSender<Call>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let (status, told) = oneshot::channel();
    let (bytes, said) = mpsc::unbounded_channel();
    let authorization = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .map(ToOwned::to_owned);
    let _ = calls.send(Call {
        body,
        authorization,
        status,
        bytes,
    });
    let Ok(status) = told.await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let said = stream::unfold(said, |mut said| async move {
        said.recv()
            .await
            .map(|bytes| (Ok::<_, Infallible>(bytes), said))
    });
    (
        status,
        [("content-type", "text/event-stream")],
        Body::from_stream(said),
    )
        .into_response()
}
