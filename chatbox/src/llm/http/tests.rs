//! Over HTTP/2, where many answers share a connection, dropping one resets its stream and leaves the others alone.
//! Over HTTP/1 it closes the connection; the tests of the whole server show that.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::routing::post;
use futures_util::{StreamExt, stream};
use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::*;

/// A test that waits so long hangs.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Takes each event for a word.
#[derive(Default)]
struct Plain;

impl Mapper for Plain {
    const ERROR_CODES: ErrorCodes = &[];

    fn map(&mut self, _: &Value, batch: &mut Batch) -> Result<(), Reported> {
        batch.push(Event::Text("x".to_owned()));
        Ok(())
    }

    fn finish(&self) -> Option<Finish> {
        None
    }
}

/// Asks one address, in one way.
struct Asked(Client, String);

impl Question for Asked {
    type Mapper = Plain;

    fn client(&self) -> &Client {
        &self.0
    }

    fn call(&self, client: &reqwest::Client) -> RequestBuilder {
        client.post(&self.1)
    }

    fn is_streamed(&self) -> bool {
        true
    }

    fn adapt(&mut self, _: &FailedAttempt) -> bool {
        false
    }

    fn accepted(&self, _: bool) {}
}

type Bodies = mpsc::UnboundedReceiver<Bytes>;

/// A call that the provider got: the body of its response is sent here, and comes from there.
struct Call {
    response: oneshot::Sender<Bodies>,
}

/// A provider that accepts one connection only.
async fn provider() -> (SocketAddr, mpsc::UnboundedReceiver<Call>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (send, calls) = mpsc::unbounded_channel();
    let router = Router::new().route("/", post(respond)).with_state(send);
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        drop(listener);
        http2::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(socket), TowerToHyperService::new(router))
            .await
    });
    (address, calls)
}

async fn respond(State(calls): State<mpsc::UnboundedSender<Call>>) -> Body {
    let (response, body) = oneshot::channel();
    calls.send(Call { response }).unwrap();
    let body = body.await.unwrap();
    Body::from_stream(stream::unfold(body, |mut body| async move {
        let bytes = body.recv().await?;
        Some((Ok::<_, Infallible>(bytes), body))
    }))
}

#[tokio::test]
async fn dropping_an_answer_resets_its_stream_and_no_other() {
    let (address, mut calls) = provider().await;
    let client = reqwest::Client::builder().http2_prior_knowledge();
    let client = Client::from(client.build().unwrap());
    let ask = || stream_completion(Asked(client.clone(), format!("http://{address}/")));
    let say = || Bytes::from_static(b"data: {}\n\n");

    let mut kept = ask();
    let call = call_of(&mut kept, &mut calls).await;
    let (keeper, body) = mpsc::unbounded_channel();
    call.response.send(body).unwrap();

    let mut waiting = ask();
    let mut call = call_of(&mut waiting, &mut calls).await;
    drop(waiting);
    timeout(TIMEOUT, call.response.closed()).await.unwrap();

    let mut reading = ask();
    let call = call_of(&mut reading, &mut calls).await;
    let (speaker, body) = mpsc::unbounded_channel();
    call.response.send(body).unwrap();
    speaker.send(say()).unwrap();
    assert!(matches!(event(&mut reading).await, Event::Text(_)));
    drop(reading);
    timeout(TIMEOUT, speaker.closed()).await.unwrap();

    keeper.send(say()).unwrap();
    assert!(matches!(event(&mut kept).await, Event::Text(_)));
    keeper
        .send(Bytes::from_static(b"data: [DONE]\n\n"))
        .unwrap();
    assert!(matches!(event(&mut kept).await, Event::Done(_)));
}

/// The next event for the reader.
async fn event(progress: &mut ProgressStream) -> Event {
    loop {
        match progress.next().await {
            Some(Progress::Event(event)) => return event,
            Some(_) => {}
            None => panic!("an answer has a last event"),
        }
    }
}

/// The call that `progress` makes; nothing may come before it is answered.
async fn call_of(progress: &mut ProgressStream, calls: &mut mpsc::UnboundedReceiver<Call>) -> Call {
    tokio::select! {
        event = progress.next() => panic!("no event is due: {event:?}"),
        call = calls.recv() => call.unwrap(),
    }
}
