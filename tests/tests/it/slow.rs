//! Clients that take long for what they are sent.

use std::sync::Arc;
use std::time::Duration;

use chatbox::store::ErrorKind;
use serde_json::{Value, json};
use tests::raw::{Raw, TEXT};
use tests::{FaultyStore, Operation, World, demo, leave_question};
use tokio::task::spawn_blocking;
use tokio::time::advance;

const MESSAGE_BYTES: usize = 60_000;
const MESSAGES: usize = 450;

/// Time is virtual here, and passes only where the test says so.
#[tokio::test(start_paused = true)]
async fn who_takes_more_than_a_minute_for_what_was_missed_is_not_taken_for_dead() {
    let mut store = None;
    let world = World::start_on_store(demo(), |inner| {
        store = Some(Arc::clone(&inner));
        // Nobody answers: the session stays as it is.
        FaultyStore::new(inner, |operation, _| {
            (operation == Operation::Claim).then_some(ErrorKind::Unavailable)
        })
    })
    .await;
    let store = store.unwrap();
    for _ in 0..MESSAGES {
        leave_question(&*store, "s", "u", &"x".repeat(MESSAGE_BYTES)).await;
    }
    // Without work that is under way time would run ahead of the bytes in the kernel.
    let (work, end_of_work) = std::sync::mpsc::channel::<()>();
    let working = spawn_blocking(move || end_of_work.recv());
    let mut client = Raw::connect(&world, "u").await;
    let resume =
        json!({"type": "connection_status", "session_id": "s", "metadata": {"op": "resume"}});
    client.frame(TEXT, resume.to_string().as_bytes()).await;
    for count in 0..=MESSAGES {
        // The hello comes before them.
        let (opcode, _) = client.next().await.unwrap();
        assert_eq!(opcode, TEXT);
        if count % 8 == 0 {
            advance(Duration::from_secs(2)).await;
            // The server sees meanwhile that there is room for more.
            spawn_blocking(|| ()).await.unwrap();
        }
    }
    let question =
        json!({"type": "user_message", "session_id": "other", "content": "still there?"});
    client.frame(TEXT, question.to_string().as_bytes()).await;
    loop {
        let (opcode, frame) = client.next().await.unwrap();
        assert_eq!(opcode, TEXT, "it is not closed");
        let frame: Value = serde_json::from_slice(&frame).unwrap();
        if frame["metadata"]["op"] == "ack" {
            break;
        }
    }
    drop(work);
    assert!(working.await.unwrap().is_err());
}
