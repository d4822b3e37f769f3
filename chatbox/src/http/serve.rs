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
/// After a failure to accept, as when no file descriptor is left.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves for ever; at most `connections` at the same time, others wait in the kernel's queue.
pub async fn serve(listener: TcpListener, router: Router, connections: usize) {
    let seats = Arc::new(Semaphore::new(connections));
    // The semaphore is never closed.
    while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let router = router.clone();
        tokio::spawn(async move {
            connection(stream, peer, router).await;
            drop(seat);
        });
    }
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
