//! A TCP proxy with a fixed address: behind it a server can be started again, and connections can be broken.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Connections are closed, also new ones.
    Down,
    Forward(SocketAddr),
    /// Requests reach the server. Its replies wait.
    HoldReplies(SocketAddr),
}

/// A TCP proxy with a fixed address.
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
}

impl Proxy {
    pub async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, changes) = watch::channel(State::Forward(server));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, changes.clone()));
            }
        });
        Self { address, state }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// URL of the chat page behind the proxy.
    pub fn page(&self) -> String {
        format!("http://{}/chatbox/chat.html", self.address)
    }

    /// Closes all connections, and new ones at once.
    pub fn cut(&self) {
        self.state.send_replace(State::Down);
    }

    pub fn forward_to(&self, server: SocketAddr) {
        self.state.send_replace(State::Forward(server));
    }

    /// Requests reach the server, its replies wait.
    pub fn hold_replies(&self, server: SocketAddr) {
        self.state.send_replace(State::HoldReplies(server));
    }
}

async fn forward(client: TcpStream, mut state: watch::Receiver<State>) {
    let (State::Forward(server) | State::HoldReplies(server)) = *state.borrow_and_update() else {
        return;
    };
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let replies = copy(from_server, to_client, Some(state.clone()));
    tokio::select! {
        _ = state.wait_for(|state| *state == State::Down) => {}
        () = copy(from_client, to_server, None) => {}
        () = replies => {}
    }
}

/// Copies until one side ends. With a state, bytes wait while replies are held.
async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: Option<watch::Receiver<State>>,
) {
    let mut buffer = [0; 8192];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if let Some(state) = &mut state {
            let _ = state
                .wait_for(|state| !matches!(state, State::HoldReplies(_)))
                .await;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
