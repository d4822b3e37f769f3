//! How the sweeper goes on where the store fails.

use std::sync::Arc;
use std::time::Duration;

use chatbox::store::ErrorKind;
use tests::{FaultyStore, Operation, World, demo, leave_question};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// Time is virtual here: what spins does so without any of it passing.
#[tokio::test(start_paused = true)]
async fn a_question_that_cannot_be_claimed_is_tried_again_with_each_sweep_and_no_more() {
    for kind in [ErrorKind::Unavailable, ErrorKind::Permanent] {
        let (claimed, mut claims) = mpsc::unbounded_channel();
        let mut store = None;
        let world = World::start_on_store(demo(), |inner| {
            store = Some(Arc::clone(&inner));
            FaultyStore::new(inner, move |operation, _| {
                if operation != Operation::Claim {
                    return None;
                }
                let _ = claimed.send(());
                Some(kind)
            })
        })
        .await;
        leave_question(&*store.unwrap(), "left", "u", "left").await;
        let end = Instant::now() + Duration::from_secs(22);
        let mut count = 0;
        while timeout_at(end, claims.recv()).await.is_ok() {
            count += 1;
            assert!(count <= 5, "{kind:?}: the sweeper spins");
        }
        assert!(count >= 3, "{kind:?}: {count} attempts");
        world.stop().stopped().await;
    }
}
