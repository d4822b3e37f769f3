use axum::http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower::service_fn;

use crate::fixtures::QUICKSTART;
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
    item["kind"] = CHATBOXES.into();
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
