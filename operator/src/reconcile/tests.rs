use std::convert::Infallible;
use std::future;

use axum::http::{Request, Response};
use kube::Client;
use kube::client::Body;
use kube::core::Status as Answer;
use serde_json::{Value, json};
use tower::service_fn;

use crate::cache::{CachedObject, Detail};
use crate::fixtures::{QUICKSTART, cached, chatbox, stored};
use crate::kind::Kind;
use crate::metrics::{Metrics, Outcome};
use crate::validate::Findings;

use super::*;
use crds::Problem;

fn write(code: u16) -> Error {
    let answer = Answer {
        code,
        ..Answer::default()
    };
    Error::write(
        Kind::SERVICE,
        "s".to_owned(),
        kube::Error::Api(Box::new(answer)),
    )
}

#[test]
fn each_end_of_a_reconcile_has_its_outcome() {
    let foreign = Error::Foreign {
        kind: Kind::SERVICE,
        name: "s".to_owned(),
        owner: None,
        chatbox: "support".to_owned(),
    };
    let terminating = Error::Terminating {
        kind: Kind::SERVICE,
        name: "s".to_owned(),
    };
    let rows = [
        (Ok(Attempt::Converged), Outcome::Converged),
        (Ok(Attempt::Skipped), Outcome::Skipped),
        (Err(Error::NamespaceTerminating), Outcome::Skipped),
        (Err(Error::Invalid(Findings::default())), Outcome::Invalid),
        (Err(Error::NotServed(Kind::SERVICE)), Outcome::Invalid),
        (Err(foreign), Outcome::Refused),
        (Err(write(403)), Outcome::Refused),
        (Err(write(422)), Outcome::Refused),
        (Err(write(409)), Outcome::Failed),
        (Err(write(500)), Outcome::Failed),
        (Err(Error::TimedOut(40)), Outcome::Failed),
        (Err(terminating), Outcome::Failed),
    ];
    for (result, expected) in rows {
        let text = result.as_ref().err().map(Error::to_string);
        assert_eq!(measured(&result), expected, "{text:?}");
    }
}

/// In a cluster that answers what `answers` says for a method and a path, and nothing to others.
fn context(answers: fn(&str, &str) -> Option<(u16, Value)>) -> Arc<Context> {
    let service = service_fn(move |request: Request<Body>| async move {
        let Some((code, body)) = answers(request.method().as_str(), request.uri().path()) else {
            return future::pending().await;
        };
        let body = Body::from(body.to_string().into_bytes());
        let response = Response::builder().status(code).body(body);
        Ok::<_, Infallible>(response.unwrap())
    });
    let client = Client::new(service, "default");
    let metrics = Metrics::new().unwrap();
    let ctx = Context::new(client, "chatbox:1".to_owned(), &[], metrics);
    ctx.cache.sync.mark_synced(Kind::CHATBOX);
    Arc::new(ctx)
}

fn count(ctx: &Context, outcome: &str) -> bool {
    let line = format!("chatbox_operator_reconciles_total{{outcome=\"{outcome}\"}} 1\n");
    ctx.metrics.text().unwrap().contains(&line)
}

/// An API server that hangs is reported after our own time-out, and one that hangs for the status too ends the reconcile.
#[tokio::test(start_paused = true)]
async fn a_reconcile_has_an_end() {
    let ctx = context(|_, _| None);
    let result = reconcile(Arc::new(chatbox(QUICKSTART)), ctx.clone()).await;
    assert!(matches!(result, Err(Error::TimedOut(40))), "{result:?}");
    assert!(count(&ctx, "failed"));
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_that_times_out_says_so_in_the_status() {
    let ctx = context(|method, _| {
        let mut chatbox: Value = serde_saphyr::from_str(QUICKSTART).unwrap();
        chatbox["metadata"]["resourceVersion"] = json!("9");
        (method == "PATCH").then_some((200, chatbox))
    });
    let result = reconcile(Arc::new(chatbox(QUICKSTART)), ctx.clone()).await;
    assert!(matches!(result, Err(Error::TimedOut(40))), "{result:?}");
    let written = ctx.cache.statuses().newer_than(&stored()).cloned();
    let ready = written.unwrap().conditions[0].clone();
    assert_eq!((&*ready.type_, &*ready.reason), ("Ready", "TimedOut"));
    let words = "the API server did not answer within 40 seconds";
    assert_eq!(ready.message, words);
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_whose_status_is_not_written_has_failed() {
    let ctx = context(|method, _| {
        let code = if method == "PATCH" { 500 } else { 403 };
        Some((
            code,
            json!({"kind": "Status", "code": code, "message": "no"}),
        ))
    });
    let result = reconcile(Arc::new(chatbox(QUICKSTART)), ctx.clone()).await;
    assert!(matches!(result, Err(Error::Status(_))), "{result:?}");
    assert!(count(&ctx, "failed"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_repaired_in_a_namespace_that_is_deleted() {
    let ctx = context(|method, _| {
        let cause = json!({"reason": "NamespaceTerminating", "message": "it is being terminated"});
        let rejection = json!({
            "kind": "Status", "code": 403, "reason": "Forbidden", "details": {"causes": [cause]},
        });
        let absent = json!({"kind": "Status", "code": 404, "reason": "NotFound"});
        Some(if method == "GET" {
            (404, absent)
        } else {
            (403, rejection)
        })
    });
    let chatbox = Arc::new(chatbox(QUICKSTART));
    let known = kube::runtime::watcher::Event::Apply((*chatbox).clone());
    ctx.cache.references().observe_chatbox(&known);
    for times in [1, 2] {
        let result = reconcile(chatbox.clone(), ctx.clone()).await;
        assert_eq!(result.unwrap(), Action::await_change());
        let text = ctx.metrics.text().unwrap();
        let skipped = format!("reconciles_total{{outcome=\"skipped\"}} {times}\n");
        assert!(text.contains(&skipped), "{text}");
        let writes = "writes_total{group=\"\",kind=\"ServiceAccount\",verb=\"apply\"} 1\n";
        assert!(text.contains(writes), "it tried again: {text}");
    }
}

/// A right to read one kind is missing, and the objects of the other kinds are written.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_stops_nothing_else() {
    let rows = [
        (
            context(|method, path| Some(answer(method, path, "services"))),
            true,
        ),
        // Pods do not start without their account.
        (
            context(|method, path| Some(answer(method, path, "serviceaccounts"))),
            false,
        ),
    ];
    for (ctx, is_deployed) in rows {
        let result = reconcile(Arc::new(chatbox(QUICKSTART)), ctx.clone()).await;
        let text = result.unwrap_err().to_string();
        assert!(text.contains("support-chatbox\": no right"), "{text}");
        let metrics = ctx.metrics.text().unwrap();
        let is_applied =
            |kind: &str| metrics.contains(&format!("kind=\"{kind}\",verb=\"apply\"}} 1\n"));
        assert!(is_applied("ConfigMap"), "{metrics}");
        assert_eq!(is_applied("Deployment"), is_deployed, "{metrics}");
    }
}

/// The first refusal ends the reconcile, and the next one begins when the API server has said.
#[tokio::test(start_paused = true)]
async fn an_overloaded_api_server_gets_no_further_writes() {
    let ctx = context(|method, path| {
        let busy = json!({
            "kind": "Status", "code": 429, "reason": "TooManyRequests", "message": "busy",
            "details": {"retryAfterSeconds": 60},
        });
        let is_status = path.ends_with("/status");
        Some(match method {
            "PATCH" | "POST" if !is_status => (429, busy),
            _ => answer(method, path, "none"),
        })
    });
    let chatbox = Arc::new(chatbox(QUICKSTART));
    let error = reconcile(chatbox.clone(), ctx.clone()).await.unwrap_err();
    let text = ctx.metrics.text().unwrap();
    assert!(
        text.contains("kind=\"ServiceAccount\",verb=\"apply\"} 1\n"),
        "{text}"
    );
    assert!(
        !text.contains("kind=\"ConfigMap\",verb=\"apply\""),
        "{text}"
    );
    let action = error_policy(&chatbox, &error, &ctx);
    assert_eq!(action, Action::requeue(Duration::from_mins(1)));
}

/// Nothing exists, and what is written is taken; but one kind may not be read.
fn answer(method: &str, path: &str, forbidden: &str) -> (u16, Value) {
    let mut parts = path.rsplit('/');
    let (name, plural) = (parts.next().unwrap(), parts.next().unwrap());
    let status = |code: u16, reason: &str| {
        let status =
            json!({"kind": "Status", "code": code, "reason": reason, "message": "no right"});
        (code, status)
    };
    match method {
        "GET" if plural == forbidden => status(403, "Forbidden"),
        "GET" => status(404, "NotFound"),
        _ => {
            let metadata = json!({
                "name": name, "namespace": "shop", "uid": "u", "resourceVersion": "5",
            });
            (
                200,
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata}),
            )
        }
    }
}

/// A webhook on claims hangs, and the API server with it: the keys are let go, and it is said what did not answer.
#[tokio::test(start_paused = true)]
async fn a_claim_that_hangs_does_not_keep_the_keys() {
    let ctx = context(|method, path| {
        let is_of_claim = path.contains("/persistentvolumeclaims/");
        let is_hanging = is_of_claim && method == "PATCH";
        let kept = |kind: &str, name: &str| {
            let owner = json!({
                "apiVersion": "chatbox.dev/v1alpha1", "kind": "Chatbox", "name": "support", "uid": "u-1",
                "controller": true,
            });
            let metadata = json!({
                "name": name, "namespace": "shop", "uid": "u", "resourceVersion": "5",
                "ownerReferences": if method == "GET" { json!([owner]) } else { json!([]) },
            });
            json!({"apiVersion": "v1", "kind": kind, "metadata": metadata})
        };
        let object = if is_of_claim {
            kept("PersistentVolumeClaim", "support-chatbox-data")
        } else if path.contains("/secrets/") {
            kept("Secret", "support-chatbox-keys")
        } else {
            // The status.
            kept("Chatbox", "support")
        };
        (!is_hanging).then_some((200, object))
    });
    let keys = CachedObject {
        owners: vec!["u-1".to_owned()],
        ..cached(Detail::None)
    };
    let objects = OwnedObjects::default().with(Kind::SECRET, "support-chatbox-keys", keys);
    let chatbox = chatbox(QUICKSTART);
    let settled = settle(&ctx, &chatbox, &stored(), Arc::new(objects)).await;
    let (unsettled, objects) = settled;
    let words = "the API server did not answer within 40 seconds about PersistentVolumeClaim \
                 \"support-chatbox-data\"";
    assert_eq!(unsettled.unwrap().to_string(), words);
    let keys = objects.get(Kind::SECRET, "support-chatbox-keys").unwrap();
    assert!(keys.owners.is_empty(), "the keys still have an owner");
}

/// What was found before the API server was busy, or was written before, is told too.
#[tokio::test(start_paused = true)]
async fn a_write_that_ends_a_reconcile_hides_nothing() {
    let ctx = context(|method, path| {
        let rejection = |code: u16| json!({"kind": "Status", "code": code, "message": "no"});
        let code = match method {
            "PATCH" if path.ends_with("/status") => {
                let mut chatbox: Value = serde_saphyr::from_str(QUICKSTART).unwrap();
                chatbox["metadata"]["resourceVersion"] = json!("9");
                return Some((200, chatbox));
            }
            "GET" => {
                let absent = json!({"kind": "Status", "code": 404, "reason": "NotFound"});
                return Some((404, absent));
            }
            _ if path.contains("/serviceaccounts") => 403,
            _ => 503,
        };
        Some((code, rejection(code)))
    });
    let result = reconcile(Arc::new(chatbox(QUICKSTART)), ctx.clone()).await;
    let error = result.unwrap_err().to_string();
    let parts: Vec<&str> = error.split("; ").collect();
    assert_eq!(parts.len(), 2, "{error}");
    assert!(
        parts[0].starts_with("cannot write ServiceAccount"),
        "{error}"
    );
    let written = ctx.cache.statuses().newer_than(&stored()).cloned();
    let ready = written.unwrap().conditions[0].clone();
    assert_eq!(ready.message, error);
}

#[test]
fn what_awaits_a_change_keeps_nothing_from_being_tried_again() {
    let converged = || {
        Ok(Converged {
            url: String::new(),
            pending: None,
        })
    };
    let invalid = || Error::Undecodable(Problem::new("spec.x", "is unknown"));
    let busy = || Error::TimedOut(1);
    let refused = || Error::TimedOut(2);
    let line =
        |result: Result<Converged, Error>, beside: Option<Error>, is_settled: bool| match outcome(
            result, beside, is_settled,
        ) {
            Ok(Attempt::Converged) => "converged".to_owned(),
            Ok(Attempt::RollingOut) => "rolling out".to_owned(),
            Ok(Attempt::Skipped) => "skipped".to_owned(),
            Err(error) => error.to_string(),
        };
    let rows = [
        (converged(), None, true, "converged".to_owned()),
        (converged(), None, false, "rolling out".to_owned()),
        (converged(), Some(refused()), true, refused().to_string()),
        (Err(invalid()), None, true, invalid().to_string()),
        (Err(invalid()), Some(refused()), true, refused().to_string()),
        (Err(busy()), Some(refused()), true, busy().to_string()),
    ];
    for (result, beside, is_settled, expected) in rows {
        assert_eq!(line(result, beside, is_settled), expected);
    }
}
