//! `run`: starts the controller and the health endpoint, and stops them on a signal.

use std::sync::Arc;

use anyhow::Context as _;
use axum::http::Request;
use kube::client::{Body, ClientBuilder};
use kube::{Client, Config};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tower::util::MapRequestLayer;

use crate::args::Run;
use crate::context::Context;
use crate::kind::Kind;
use crate::metrics::Metrics;
use crate::restrictions::Restrictions;
use crate::{controller, health, telemetry};

pub fn run(args: Run) -> anyhow::Result<()> {
    telemetry::init(&args.log, args.log_format)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(operate(args))
}

async fn operate(args: Run) -> anyhow::Result<()> {
    // Two TLS providers are linked into some builds; without a choice the first connection would panic.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let listener = health::bind(args.listen).await?;
    let metrics = Metrics::new()?;
    let client = client(metrics.clone()).await?;
    let restrictions = Restrictions::new(&args.allowed_secrets, &args.allowed_provider_hosts)
        .context("--allowed-secrets or --allowed-provider-hosts is not a list of patterns")?;
    let ctx = Context::new(client, args.chatbox_image, &Kind::ALL, metrics);
    let ctx = Arc::new(ctx.with_restrictions(restrictions));
    let stop = CancellationToken::new();
    tokio::spawn(cancel_on_signal(stop.clone())?);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        namespace = args.namespace,
        listen = %listener.local_addr()?,
        image = ctx.release_image,
        "started"
    );
    let health = tokio::spawn(health::serve(
        listener,
        ctx.clone(),
        stop.clone().cancelled_owned(),
    ));
    controller::run(ctx, args.namespace, stop.clone()).await;
    stop.cancel();
    health.await.context("the health endpoint panicked")??;
    tracing::info!("stopped");
    Ok(())
}

async fn client(metrics: Metrics) -> anyhow::Result<Client> {
    let mut config = Config::infer().await.context("cannot find a cluster")?;
    // Each Chatbox has a back-off of its own; a retry inside of a request would hold up others.
    config.default_retry = false;
    let count = MapRequestLayer::new(move |request: Request<Body>| {
        metrics.request(request.method().as_str(), request.uri().query());
        request
    });
    let client = ClientBuilder::try_from(config)?.with_layer(&count);
    Ok(client.build())
}

fn cancel_on_signal(stop: CancellationToken) -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
        stop.cancel();
    })
}
