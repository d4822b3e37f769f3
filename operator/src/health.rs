//! `/livez`, `/readyz` and `/metrics`.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::context::Context;
use crate::kind::Kind;

const PORT: u16 = 8080;

/// Takes the port of an address; without one, [`PORT`] of every address.
pub async fn bind(listen: Option<SocketAddr>) -> anyhow::Result<TcpListener> {
    match listen {
        Some(address) => TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen on {address}")),
        None => bind_all(PORT)
            .await
            .with_context(|| format!("cannot listen on port {PORT}")),
    }
}

/// Every address, of IPv6 and of IPv4; a pod may have only one of them. A kernel may lack IPv6.
async fn bind_all(port: u16) -> io::Result<TcpListener> {
    match TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).await {
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => {
            TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        result => result,
    }
}

/// Answers until `shutdown`.
pub async fn serve(
    listener: TcpListener,
    ctx: Arc<Context>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = Router::new()
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(ctx);
    axum::serve(listener, routes)
        .with_graceful_shutdown(shutdown)
        .await
}

/// Ready once every watch has delivered its first list, or may not have one.
async fn readyz(State(ctx): State<Arc<Context>>) -> Response {
    let pending = ctx.cache.sync.pending();
    if pending.is_empty() {
        return "ok".into_response();
    }
    let names: Vec<&str> = pending.into_iter().map(Kind::name).collect();
    let text = format!("not yet synced: {}", names.join(", "));
    (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

async fn metrics(State(ctx): State<Arc<Context>>) -> Response {
    match ctx.metrics.text() {
        Ok(text) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpStream;

    use super::*;

    #[tokio::test]
    async fn every_address_is_bound_and_ipv4_is_among_them() {
        let listener = bind_all(0).await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(address.ip().is_unspecified(), "{address}");
        TcpStream::connect((Ipv4Addr::LOCALHOST, address.port()))
            .await
            .unwrap();
        // A kernel without IPv6 has only the former.
        if address.is_ipv6() {
            let ipv6 = (Ipv6Addr::LOCALHOST, address.port());
            TcpStream::connect(ipv6).await.unwrap();
        }
        let taken = bind_all(address.port()).await.unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    }
}
