//! Every route, and what wraps them.

mod admin;
mod caller;
mod client_address;
pub mod error;
mod guest;
mod health;
mod pages;
pub mod serve;
mod sessions;
mod socket;
mod stream;
mod token;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{Next, from_fn};
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use crds::runtime;
use tower_http::cors::CorsLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use self::error::ApiError;
use crate::state::AppState;

/// No route of this release reads a body.
const BODY_BYTES: usize = 64 * 1024;

/// What people and their programs reach, below the path prefix.
pub fn public(state: AppState) -> Router {
    let prefix = state.config.server.path_prefix.clone();
    let pages = format!("{prefix}/chat.html");
    let to_pages = move || async move { Redirect::temporary(&pages) };
    let routes = Router::new()
        .route("/ws", get(socket::upgrade))
        .route("/guest", post(guest::issue))
        .route("/sessions", get(sessions::list))
        .route("/sessions/{id}", get(sessions::read))
        .route("/admin/help-requests", get(admin::help_requests))
        .route("/admin/takeover/{id}", post(admin::take_over))
        .route("/healthz", get(health::healthz))
        .route("/readyz", get(health::readyz))
        .route("/{*page}", get(pages::page));
    let router = Router::new()
        .nest(&prefix, routes)
        .route(&prefix, get(to_pages.clone()))
        .route(&format!("{prefix}/"), get(to_pages.clone()))
        // Whoever strips the address still finds the way.
        .route("/", get(to_pages))
        .fallback(|| async { ApiError::NotFound })
        .layer(RequestBodyLimitLayer::new(BODY_BYTES))
        .layer(from_fn(log));
    let router = if state.config.server.allowed_origins.is_empty() {
        router
    } else {
        router.layer(cors(&state.config.server.allowed_origins))
    };
    secure(router).with_state(state)
}

/// What the cluster reaches: probes and metrics.
pub fn internal(state: AppState) -> Router {
    Router::new()
        .route(runtime::LIVEZ, get(health::live))
        .route(runtime::READYZ, get(health::ready))
        .route(runtime::METRICS, get(health::metrics))
        .with_state(state)
}

fn cors(origins: &[String]) -> CorsLayer {
    let origins: Vec<HeaderValue> = origins
        .iter()
        .filter_map(|origin| origin.parse().ok())
        .collect();
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT])
        .max_age(std::time::Duration::from_hours(12))
}

fn secure(router: Router<AppState>) -> Router<AppState> {
    let headers = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "strict-origin-when-cross-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    headers.into_iter().fold(router, |router, (name, value)| {
        router.layer(SetResponseHeaderLayer::if_not_present(
            name,
            HeaderValue::from_static(value),
        ))
    })
}

/// Logs each request by its path alone: a query may hold a token.
async fn log(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    tracing::debug!(http.method = %method, http.path = path, http.status = response.status().as_u16(), "request");
    response
}
