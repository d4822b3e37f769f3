//! The load generator's side of a conversation: a socket, or the provider's own stream where that is the floor. It
//! reads no more of a frame than it needs, so that as little as possible of what is measured is its own.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use uuid::Uuid;

use crate::script::Script;
use crate::server::Target;
use crate::stamp::Scanner;

/// Fifteen thousand of them lie in this process.
const BUFFER_BYTES: usize = 1024;

/// One socket with a session of its own.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    session: String,
}

/// A caller of the provider without anybody between.
pub struct Direct {
    http: reqwest::Client,
    url: String,
}

/// Either of them: something that is asked and answers with stamped tokens.
pub enum Asker {
    Socket(Box<Socket>),
    Direct(Direct),
}

/// Where askers come from.
#[derive(Clone)]
pub enum Source {
    Sockets(Target),
    Provider {
        http: reqwest::Client,
        address: SocketAddr,
    },
}

impl Socket {
    /// Opens it as a user of this name.
    pub async fn connect(target: &Target, user: &str) -> Result<Self> {
        let stream = TcpStream::connect(target.address)
            .await
            .context("cannot connect")?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(0);
        let request = target.request(user)?;
        let (stream, _) = client_async_with_config(request, stream, Some(config))
            .await
            .context("the socket was not accepted")?;
        Ok(Self {
            stream,
            session: Uuid::new_v4().to_string(),
        })
    }

    pub async fn ask(&mut self, question: &str) -> Result<()> {
        let frame = json!({
            "type": "user_message", "session_id": self.session, "client_id": Uuid::new_v4(), "content": question,
        });
        self.stream.send(Message::text(frame.to_string())).await?;
        Ok(())
    }

    pub fn session(&self) -> &str {
        &self.session
    }

    /// Sends all of a frame of so many bytes but the last one.
    pub async fn begin_frame(&mut self, bytes: usize) -> Result<()> {
        // A text, masked by zeros, whose length has eight bytes.
        let mut frame = vec![0x81, 0x80 | 127];
        frame.extend(u64::try_from(bytes)?.to_be_bytes());
        frame.extend([0; 4]);
        frame.resize(frame.len() + bytes - 1, b'x');
        self.stream.get_mut().write_all(&frame).await?;
        Ok(())
    }

    /// Asks for everything that a session has.
    pub async fn resume(&mut self, session: &str) -> Result<()> {
        let frame = json!({
            "type": "connection_status", "session_id": session, "seq": 0, "metadata": {"op": "resume"},
        });
        self.stream.send(Message::text(frame.to_string())).await?;
        Ok(())
    }

    /// Reads on until everything came, or the server said that it was asked too often.
    pub async fn resumed_or_refused(&mut self) -> Result<()> {
        while let Some(message) = self.stream.next().await {
            if let Message::Text(text) = message?
                && (is_caught_up(&text) || is_error(&text))
            {
                return Ok(());
            }
        }
        bail!("the socket ended")
    }

    /// The next text.
    pub async fn next(&mut self) -> Result<Utf8Bytes> {
        while let Some(message) = self.stream.next().await {
            match message? {
                Message::Text(text) if is_error(&text) => bail!("refused: {text}"),
                Message::Text(text) => return Ok(text),
                Message::Close(frame) => bail!("closed: {frame:?}"),
                _ => {}
            }
        }
        bail!("the socket ended")
    }

    /// Reads on until the answer has ended.
    pub async fn answer(&mut self, mut found: impl FnMut(u64)) -> Result<()> {
        let mut scanner = Scanner::default();
        loop {
            let text = self.next().await?;
            scanner.push(text.as_bytes(), &mut found);
            if is_done(&text) {
                return Ok(());
            }
        }
    }

    pub async fn close(mut self) -> Result<()> {
        self.stream.close(None).await?;
        while let Some(Ok(_)) = self.stream.next().await {}
        Ok(())
    }
}

impl Direct {
    async fn ask(&self, question: &str, mut found: impl FnMut(u64)) -> Result<()> {
        let body = json!({
            "model": "bench", "stream": true, "messages": [{"role": "user", "content": question}],
        });
        let response = self.http.post(&self.url).json(&body).send().await?;
        let mut bytes = response.error_for_status()?.bytes_stream();
        let mut scanner = Scanner::default();
        while let Some(piece) = bytes.next().await {
            scanner.push(&piece?, &mut found);
        }
        Ok(())
    }
}

impl Asker {
    /// Asks for an answer, and calls `found` with the stamp of each token as it comes.
    pub async fn run(&mut self, script: Script, mut found: impl FnMut(u64)) -> Result<()> {
        let mut tokens = 0;
        let mut count = |at| {
            tokens += 1;
            found(at);
        };
        match self {
            Self::Direct(direct) => direct.ask(&script.to_string(), &mut count).await?,
            Self::Socket(socket) => {
                socket.ask(&script.to_string()).await?;
                socket.answer(&mut count).await?;
            }
        }
        ensure!(
            tokens == script.tokens,
            "{tokens} tokens came of {}",
            script.tokens
        );
        Ok(())
    }
}

impl Source {
    /// The provider itself, with connections that are kept.
    pub fn provider(address: SocketAddr) -> Self {
        Self::Provider {
            http: reqwest::Client::new(),
            address,
        }
    }

    pub async fn asker(&self, user: &str) -> Result<Asker> {
        Ok(match self {
            Self::Sockets(target) => Asker::Socket(Box::new(Socket::connect(target, user).await?)),
            Self::Provider { http, address } => Asker::Direct(Direct {
                http: http.clone(),
                url: completions(*address),
            }),
        })
    }
}

/// URL of the provider's chat completions.
pub fn completions(provider: SocketAddr) -> String {
    format!("http://{provider}/v1/chat/completions")
}

/// Whether a frame acknowledges a question.
pub fn is_ack(frame: &str) -> bool {
    frame.contains(r#""op":"ack""#)
}

fn is_done(frame: &str) -> bool {
    frame.contains(r#""done":"true""#)
}

fn is_caught_up(frame: &str) -> bool {
    frame.contains(r#""op":"caught_up""#)
}

fn is_error(frame: &str) -> bool {
    frame.contains(r#""type":"error""#)
}
