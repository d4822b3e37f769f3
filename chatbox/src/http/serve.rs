//! Accepts connections, with an end to how many, how long they may say nothing, and how much they may begin to say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt;

use super::client_address::sender;
use super::stream::Stream;
use crate::limits::{InFlight, Limits};

/// A connection without a request is closed after so long: longer than the 60 s that proxies keep one, so that none of
/// them sends a request into a connection that has just ended.
const KEEP_ALIVE: Duration = Duration::from_secs(90);
/// Bytes of a request's head, with its cookies and tokens: as much as common servers take.
const HEAD_BYTES: usize = 16 * 1024;
/// After a failure to accept that may pass, as when no file descriptor is left.
const PAUSE: Duration = Duration::from_millis(100);
/// What `accept` fails with when the socket itself is of no use any more: `EBADF`, `EINVAL`, `ENOTSOCK`.
const SOCKET_IS_GONE: [i32; 3] = [9, 22, 88];

/// Serves until the listening socket is gone; at most `connections` at the same time, others wait in the kernel's
/// queue. A connection counts until its socket has ended, whatever it was upgraded to.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    proxies: Vec<IpNet>,
    connections: usize,
) -> anyhow::Error {
    let permits = Arc::new(Semaphore::new(connections));
    loop {
        let permit = match Arc::clone(&permits).acquire_owned().await {
            Ok(permit) => permit,
            Err(closed) => return anyhow::Error::new(closed),
        };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) if is_fatal(&error) => {
                return anyhow::Error::new(error).context("the listening socket is gone");
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // A token must not wait for the next one to fill a packet.
        let _ = stream.set_nodelay(true);
        let in_flight = limits.in_flight(sender(peer, &proxies));
        let stream = Stream::new(stream, in_flight.clone(), permit);
        tokio::spawn(connection(stream, in_flight, peer, router.clone()));
    }
}

fn is_fatal(error: &std::io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| SOCKET_IS_GONE.contains(&code))
}

async fn connection(
    stream: Stream<OwnedSemaphorePermit>,
    in_flight: InFlight,
    peer: SocketAddr,
    router: Router,
) {
    let (begun, ended) = (stream.phase(), stream.phase());
    let service = router
        .map_request(move |mut request: Request<Incoming>| {
            begun.set_busy();
            in_flight.taken();
            request.extensions_mut().insert(ConnectInfo(peer));
            request.extensions_mut().insert(in_flight.clone());
            request
        })
        .map_response(move |response: Response| {
            if response.status() != StatusCode::SWITCHING_PROTOCOLS {
                ended.set_idle();
            }
            response
        });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        // Covers the time without a request; the head itself has a deadline of its own.
        .header_read_timeout(KEEP_ALIVE)
        .max_buf_size(HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke off");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::extract::ws::WebSocketUpgrade;
    use axum::routing::get;
    use crds::config;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::Instant;

    use super::*;

    const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    const UPGRADE: &[u8] =
        b"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    async fn server(connections: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let upgrade = |upgrade: WebSocketUpgrade| async {
            upgrade.on_upgrade(|mut socket| async move { while socket.recv().await.is_some() {} })
        };
        let router = Router::new()
            .route("/", get(|| async { "ok" }))
            .route("/large", get(|| async { "x".repeat(32 * 1024 * 1024) }))
            .route("/ws", get(upgrade));
        let limits = Limits::new(&config::Limits::default());
        tokio::spawn(serve(listener, router, limits, Vec::new(), connections));
        address
    }

    /// Sends a request and reads the whole small response.
    async fn ask(stream: &mut TcpStream, request: &[u8]) -> String {
        stream.write_all(request).await.unwrap();
        let mut response = vec![0; 1024];
        let length = stream.read(&mut response).await.unwrap();
        String::from_utf8_lossy(&response[..length]).into_owned()
    }

    async fn seconds_until_the_end(stream: &mut TcpStream) -> u64 {
        let begin = Instant::now();
        let _ = stream.read_to_end(&mut Vec::new()).await;
        begin.elapsed().as_secs()
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_outlives_those_of_proxies_and_a_head_does_not() {
        let address = server(9).await;
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut stream, GET).await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_secs(75)).await;
        assert!(ask(&mut stream, GET).await.starts_with("HTTP/1.1 200"));
        let idle = seconds_until_the_end(&mut stream).await;
        assert!((75..=100).contains(&idle), "{idle}");

        let mut first = TcpStream::connect(address).await.unwrap();
        first.write_all(&GET[..9]).await.unwrap();
        let mut second = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut second, GET).await.starts_with("HTTP/1.1 200"));
        tokio::time::sleep(Duration::from_secs(20)).await;
        second.write_all(&GET[..9]).await.unwrap();
        let mut silent = TcpStream::connect(address).await.unwrap();
        for stream in [&mut first, &mut second, &mut silent] {
            let head = seconds_until_the_end(stream).await;
            assert!(head <= 11, "{head}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_nothing_is_cut_off() {
        let address = server(1).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            .await
            .unwrap();
        let begin = Instant::now();
        // There is one connection: the next is served when the first has ended.
        let mut next = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut next, GET).await.starts_with("HTTP/1.1 200"));
        let waited = begin.elapsed().as_secs();
        assert!((60..=70).contains(&waited), "{waited}");
    }

    #[tokio::test]
    async fn a_socket_counts_as_a_connection_until_it_has_ended() {
        let address = server(1).await;
        let mut socket = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut socket, UPGRADE).await.starts_with("HTTP/1.1 101"));
        let mut next = TcpStream::connect(address).await.unwrap();
        next.write_all(GET).await.unwrap();
        // Another exchange on the socket: had the server taken the next connection, it would have answered it by now.
        for _ in 0..20 {
            socket.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.unwrap();
            let mut pong = [0; 2];
            socket.read_exact(&mut pong).await.unwrap();
            assert_eq!(pong, [0x8a, 0]);
        }
        let mut answer = [0; 12];
        assert!(next.try_read(&mut answer).is_err(), "it waits");
        drop(socket);
        next.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200");
    }
}
