//! Accepts connections, with an end to how many and how long they may say nothing.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tower::ServiceExt;

/// A client that has not sent its request's head by then is cut off.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// After a failure to accept that may pass, as when no file descriptor is left.
const PAUSE: Duration = Duration::from_millis(100);
/// What `accept` fails with when the socket itself is of no use any more: `EBADF`, `EINVAL`, `ENOTSOCK`.
const SOCKET_IS_GONE: [i32; 3] = [9, 22, 88];

/// Serves until the listening socket is gone; at most `connections` at the same time, others wait in the kernel's
/// queue.
pub async fn serve(listener: TcpListener, router: Router, connections: usize) -> anyhow::Error {
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
        let router = router.clone();
        tokio::spawn(async move {
            connection(stream, peer, router).await;
            drop(permit);
        });
    }
}

fn is_fatal(error: &std::io::Error) -> bool {
    error
        .raw_os_error()
        .is_some_and(|code| SOCKET_IS_GONE.contains(&code))
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router) {
    // A token must not wait for the next one to fill a packet.
    let _ = stream.set_nodelay(true);
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection broke off");
    }
}
