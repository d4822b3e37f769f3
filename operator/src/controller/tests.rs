use axum::http::{Request, Response};
use crds::ChatboxStatus;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower::service_fn;

use crate::fixtures::{FULL, OPTIONAL, QUICKSTART, chatbox, key};
use crate::metrics::Metrics;

use super::*;

/// More than anything here takes.
const LIMIT: Duration = Duration::from_secs(15);

/// In a cluster that lists one Chatbox, and that answers no other request.
fn context(kinds: &[Kind]) -> Arc<Context> {
    let service = service_fn(|request: Request<Body>| async move {
        let (path, query) = (request.uri().path(), request.uri().query());
        if !path.ends_with("/chatboxes") || query.is_some_and(|query| query.contains("watch=true"))
        {
            future::pending::<()>().await;
        }
        Ok::<_, Infallible>(Response::new(Body::from(list().to_string().into_bytes())))
    });
    let client = Client::new(service, "default");
    let metrics = Metrics::new().unwrap();
    Arc::new(Context::new(client, String::new(), kinds, metrics))
}

fn list() -> Value {
    let mut item: Value = serde_saphyr::from_str(QUICKSTART).unwrap();
    item["apiVersion"] = "chatbox.dev/v1alpha1".into();
    item["kind"] = Kind::CHATBOX.name().into();
    let metadata = json!({"resourceVersion": "1"});
    json!({"apiVersion": "v1", "kind": "List", "metadata": metadata, "items": [item]})
}

#[tokio::test]
async fn it_stops_while_reconciles_wait_for_a_watch_that_cannot_list() {
    let (ctx, stop) = (context(&Kind::ALL), CancellationToken::new());
    let stopping = async {
        while ctx.cache.sync.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        stop.cancel();
    };
    let running = run(ctx.clone(), "shop".to_owned(), stop.clone());
    let both = async { tokio::join!(running, stopping) };
    tokio::time::timeout(LIMIT, both).await.expect("it hangs");
}

#[tokio::test]
async fn a_new_list_forgets_the_chatboxes_that_were_deleted_meanwhile() {
    let ctx = context(&Kind::ALL);
    let observe = |event| observe_chatbox(&ctx, &event).unwrap();
    for yaml in [QUICKSTART, FULL] {
        let chatbox = chatbox(yaml);
        let written = Stored {
            version: 9,
            ..chatbox.stored().unwrap()
        };
        ctx.backoff.failed(written.namespaced_name.clone());
        let status = ChatboxStatus::default();
        ctx.cache.statuses().remember(&written, status);
        observe(Event::Apply(chatbox));
    }
    observe(Event::Init);
    observe(Event::InitApply(chatbox(QUICKSTART)));
    observe(Event::InitDone);
    for (yaml, name, is_known) in [(QUICKSTART, "support", true), (FULL, "full", false)] {
        assert_eq!(ctx.backoff.failures(&key(name)) == 1, is_known, "{name}");
        // Of the one that is there the list itself is newer, or comes from a backup.
        let stored = chatbox(yaml).stored().unwrap();
        assert!(ctx.cache.statuses().newer_than(&stored).is_none(), "{name}");
    }
}

#[tokio::test]
async fn an_optional_api_counts_as_absent_while_discovery_does_not_answer() {
    let ctx = context(&[OPTIONAL]);
    let mut triggers = objects::watch(&ctx, "shop", OPTIONAL, Duration::from_millis(1));
    let noticed = async {
        while ctx.cache.sync.pending().contains(&OPTIONAL) {
            // The stream makes progress only while it is polled.
            let _ = tokio::time::timeout(Duration::from_millis(1), triggers.next()).await;
        }
    };
    tokio::time::timeout(LIMIT, noticed)
        .await
        .expect("it hangs");
}
