//! One socket, and the receiver's rules of the wire. Every frame that passes is held to the schema.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use chatbox::wire::schema;
use futures_util::{SinkExt, StreamExt};
use jsonschema::Validator;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::TIMEOUT;

static FROM_SERVER: LazyLock<Validator> = LazyLock::new(|| validator(&schema::server()));
static FROM_CLIENT: LazyLock<Validator> = LazyLock::new(|| validator(&schema::client()));

/// One socket.
pub struct Client {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

/// An answer as the receiver's rules put it together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub run: String,
    pub text: String,
    pub status: String,
    /// `seq` of its message.
    pub seq: i64,
}

impl Client {
    /// Connects with the token in the header.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn connect(url: &str, token: &str) -> Result<Self, Error> {
        Self::connect_with(
            url,
            &BTreeMap::from([("authorization", format!("Bearer {token}"))]),
        )
        .await
    }

    /// Connects with these headers.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn connect_with(
        url: &str,
        headers: &BTreeMap<&'static str, String>,
    ) -> Result<Self, Error> {
        let mut request = url.into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let (socket, _) = timeout(TIMEOUT, connect_async(request)).await.unwrap()?;
        Ok(Self { socket })
    }

    /// Sends a frame as the schema has it; [`Self::send_text`] is for others.
    pub async fn send(&mut self, frame: Value) {
        check(&FROM_CLIENT, &frame);
        self.send_text(frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: String) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Sends a message with a name of its own.
    pub async fn say(&mut self, session: &str, client_id: &str, content: &str) {
        self.send(json!({"type": "user_message", "session_id": session, "client_id": client_id, "content": content})).await;
    }

    /// Asks for everything that was missed of a session.
    pub async fn resume(&mut self, session: &str) {
        let op = json!({"op": "resume"});
        self.send(json!({"type": "connection_status", "session_id": session, "metadata": op}))
            .await;
    }

    /// The next frame.
    pub async fn next(&mut self) -> Value {
        self.next_or_close()
            .await
            .unwrap_or_else(|code| panic!("closed with {code}"))
    }

    /// The next frame, or the code that the server closed with; 1006 stands for no word at all.
    ///
    /// # Errors
    /// When the socket was closed.
    pub async fn next_or_close(&mut self) -> Result<Value, u16> {
        loop {
            match timeout(TIMEOUT, self.socket.next()).await.expect("a frame") {
                Some(Ok(Message::Text(text))) => {
                    let frame = serde_json::from_str(&text).unwrap();
                    check(&FROM_SERVER, &frame);
                    return Ok(frame);
                }
                Some(Ok(Message::Close(Some(frame)))) => return Err(frame.code.into()),
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Err(1006),
                Some(Ok(_)) => {}
            }
        }
    }

    /// Frames up to the first that `last` takes, with it.
    pub async fn until(&mut self, last: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            frames.push(self.next().await);
            if last(&frames[frames.len() - 1]) {
                return frames;
            }
        }
    }

    /// The first frame with this `type`, or with this `metadata.op`.
    pub async fn wait_for(&mut self, kind: &str) -> Value {
        let is = |frame: &Value| frame["type"] == kind || frame["metadata"]["op"] == kind;
        self.until(is).await.pop().unwrap()
    }

    /// The code that the server closes with.
    pub async fn closed(&mut self) -> u16 {
        loop {
            if let Err(code) = self.next_or_close().await {
                return code;
            }
        }
    }

    /// The next answer, from its first frame to its last.
    pub async fn answer(&mut self) -> Answer {
        let mut answer = Answer::default();
        while answer.status.is_empty() {
            answer.take(&self.next().await);
        }
        answer
    }

    /// Gone without a word, as when a phone leaves the network.
    pub fn vanish(self) {
        drop(self);
    }
}

impl Answer {
    /// Applies one frame; others than answers are ignored.
    pub fn take(&mut self, frame: &Value) {
        if frame["type"] != "ai_response" {
            return;
        }
        let run = frame["run"].as_str().unwrap();
        if self.run != run {
            *self = Self {
                run: run.to_owned(),
                ..Self::default()
            };
        }
        let (off, done) = (
            frame["off"].as_u64().unwrap(),
            frame["metadata"]["done"] == "true",
        );
        let have = u64::try_from(self.text.encode_utf16().count()).unwrap();
        let whole = done && off == 0;
        assert!(
            whole || off == have,
            "a piece at {off} follows {have}: {frame}"
        );
        if whole {
            self.text.clear();
        }
        self.text.push_str(frame["content"].as_str().unwrap());
        if done {
            self.status = frame["status"].as_str().unwrap().to_owned();
            self.seq = frame["seq"].as_i64().unwrap();
        }
    }
}

fn validator(schema: &Value) -> Validator {
    let options = jsonschema::options().should_validate_formats(true);
    options.build(schema).unwrap()
}

fn check(validator: &Validator, frame: &Value) {
    if let Err(error) = validator.validate(frame) {
        panic!("not in chatbox/wire.schema.json: {error}");
    }
}
