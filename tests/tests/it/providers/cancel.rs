//! Dropping the stream of an answer closes the provider's connection, whatever it waits for.

use std::path::Path;
use std::time::Duration;

use chatbox::chat::SessionId;
use chatbox::llm::{Event, EventStream, Message, Model, Models, Request, Role};
use crds::Config;
use futures_util::{FutureExt, StreamExt};
use tests::{Provider, TIMEOUT, documents, openai};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Shorter than the time-out for connecting, which would close a connection as well.
const LIMIT: Duration = Duration::from_secs(8);

/// The model of a document, whose files lie below `home`. Its own time-outs do not pass here.
fn model(home: &Path, mut config: Config) -> Model {
    config.models[0].idle_seconds = 600;
    config.models[0].total_seconds = 600;
    documents(home, &config);
    let models = Models::new(&config.models, &home.join("secrets")).unwrap();
    models.first().clone()
}

fn ask(model: &Model, question: &str) -> EventStream {
    model.stream_completion(Request {
        session: SessionId::random(),
        system: None,
        messages: vec![Message {
            role: Role::User,
            content: question.to_owned(),
        }],
        state: None,
    })
}

/// Drives `events`, of which none may come, until `moment`.
async fn drive<T>(events: &mut EventStream, moment: impl Future<Output = T>) -> T {
    tokio::select! {
        event = events.next() => panic!("no event is due: {event:?}"),
        value = timeout(TIMEOUT, moment) => value.unwrap(),
    }
}

/// A provider's end of one connection, byte by byte.
pub(super) struct Connection(pub(super) TcpStream);

impl Connection {
    pub(super) async fn accept(listener: &TcpListener) -> Self {
        Self(
            timeout(TIMEOUT, listener.accept())
                .await
                .unwrap()
                .unwrap()
                .0,
        )
    }

    /// Reads up to these bytes.
    pub(super) async fn read_until(&mut self, end: &str) {
        let mut read = Vec::new();
        while !read
            .windows(end.len())
            .any(|window| window == end.as_bytes())
        {
            let byte = timeout(TIMEOUT, self.0.read_u8()).await.unwrap();
            read.push(byte.unwrap());
        }
    }

    /// Resolves when the other end has closed.
    async fn closed(&mut self) {
        let mut rest = Vec::new();
        // A reset closes as well.
        let _ = timeout(LIMIT, self.0.read_to_end(&mut rest)).await.unwrap();
    }
}

/// A listener, and a model behind it.
async fn listen(home: &Path, scheme: &str) -> (TcpListener, Model) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = openai(&Provider::start().await);
    let openai = config.models[0].openai.as_mut().unwrap();
    openai.base_url = format!("{scheme}://{}/v1", listener.local_addr().unwrap());
    (listener, model(home, config))
}

#[tokio::test]
async fn while_it_connects() {
    let home = tempfile::tempdir().unwrap();
    let (listener, model) = listen(home.path(), "https").await;
    let mut events = ask(&model, "hello?");
    let mut connection = drive(&mut events, async {
        let mut connection = Connection::accept(&listener).await;
        connection.0.read_u8().await.unwrap();
        connection
    })
    .await;
    // It has sent the first part of its handshake, and gets no reply.
    drop(events);
    connection.closed().await;
}

#[tokio::test]
async fn while_it_waits_for_a_response() {
    let mut provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let mut events = ask(&model(home.path(), openai(&provider)), "hello?");
    let call = drive(&mut events, provider.call()).await;
    drop(events);
    call.dropped().await;
}

#[tokio::test]
async fn while_it_reads_the_answer() {
    let mut provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let mut events = ask(&model(home.path(), openai(&provider)), "hello?");
    let stream = drive(&mut events, provider.call()).await.begin();
    stream.push("one");
    assert!(matches!(events.next().await, Some(Event::Text(text)) if text == "one"));
    drop(events);
    stream.dropped().await;
}

#[tokio::test]
async fn while_it_waits_to_try_again() {
    let home = tempfile::tempdir().unwrap();
    let (listener, model) = listen(home.path(), "http").await;
    let mut events = ask(&model, "first");
    drive(&mut events, async {
        let mut connection = Connection::accept(&listener).await;
        connection.read_until("first").await;
        let response =
            "HTTP/1.1 503 Busy\r\nretry-after: 9\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        connection.0.write_all(response.as_bytes()).await.unwrap();
        connection.closed().await;
    })
    .await;
    // It has read the whole response: the connection is closed.
    for _ in 0..10 {
        assert!(events.next().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    drop(events);
    tokio::time::pause();
    tokio::time::advance(Duration::from_mins(1)).await;
    tokio::time::resume();

    let mut events = ask(&model, "second");
    drive(&mut events, async {
        Connection::accept(&listener)
            .await
            .read_until("second")
            .await;
    })
    .await;
}
