//! How the sweeper goes on where the store fails.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use chatbox::store::ErrorKind;
use chatbox::store::sqlite::Sqlite;
use tests::{FaultyStore, Operation, Provider, World, demo, leave_question, leave_run, openai};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, advance, timeout_at};

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

/// Time passes only where the test says so.
#[tokio::test(start_paused = true)]
async fn a_question_that_comes_to_no_end_has_three_attempts_and_one_close() {
    let (work, end_of_work) = std::sync::mpsc::channel::<()>();
    let working = spawn_blocking(move || end_of_work.recv());
    let (finished, mut finishes) = mpsc::unbounded_channel();
    let mut store = None;
    let mut provider = Provider::start().await;
    let world = World::start_on_store(openai(&provider), |inner| {
        store = Some(Arc::clone(&inner));
        FaultyStore::new(inner, move |operation, session| {
            if operation != Operation::Finish || session.is_none_or(|id| id.as_str() != "bad") {
                return None;
            }
            let _ = finished.send(());
            Some(ErrorKind::Permanent)
        })
    })
    .await;
    let store = store.unwrap();
    leave_run(&*store, "bad", "u", "bad").await;
    advance(Duration::from_secs(5)).await;
    // The first attempt was that of the process before.
    for _ in 0..2 {
        provider.call().await.reject(400);
        finishes.recv().await.unwrap();
    }
    tokio::select! {
        closed = finishes.recv() => closed.unwrap(),
        _ = provider.call() => panic!("it is asked again and again"),
    }
    // What comes after it in each sweep is taken up, and it is left alone.
    for session in ["good", "better"] {
        leave_run(&*store, session, "u", session).await;
        advance(Duration::from_secs(5)).await;
        let call = provider.call().await;
        assert_eq!(call.messages().last(), Some(&("user", session)));
        call.reply("done");
        assert!(finishes.is_empty(), "it is closed again and again");
    }
    world.stop().stopped().await;
    drop(work);
    assert!(working.await.unwrap().is_err());
}

/// How long a run belongs to a process that does not renew it.
const LEASE: Duration = Duration::from_secs(15);

/// Its owner may be alive, and could not say so while the store was away.
#[tokio::test(start_paused = true)]
async fn on_a_shared_store_owners_have_a_lease_to_come_back_at_the_start_and_after_an_outage() {
    let begin = Instant::now();
    let (seen, mut operations) = mpsc::unbounded_channel();
    let mut store = None;
    let world = World::start_on_store(demo(), |inner| {
        store = Some(Arc::clone(&inner));
        FaultyStore::shared(inner, move |operation, _| {
            let now = Instant::now();
            let is_away = (20..40).contains(&(now - begin).as_secs());
            let _ = seen.send((operation, now, is_away));
            (is_away || operation == Operation::TakeOver).then_some(ErrorKind::Unavailable)
        })
    })
    .await;
    leave_run(&*store.unwrap(), "left", "u", "left").await;
    let (mut since, mut was_away, mut outages) = (begin, false, 0);
    while let Some((operation, now, is_away)) = operations.recv().await {
        match operation {
            Operation::Abandoned if was_away && !is_away => (since, outages) = (now, outages + 1),
            Operation::TakeOver => {
                let had = now - since;
                assert!(had >= LEASE, "{outages} outages: taken over after {had:?}");
                if outages > 0 {
                    break;
                }
            }
            _ => {}
        }
        was_away = is_away;
    }
    assert_eq!(outages, 1);
    world.stop().stopped().await;
}

/// No sweep comes to help here.
#[tokio::test]
async fn a_question_behind_one_that_nobody_answers_has_both_answered() {
    let has_started = Arc::new(AtomicBool::new(false));
    let sweeps_fail = Arc::clone(&has_started);
    let mut provider = Provider::start().await;
    let mut store = None;
    let world = World::start_on_store(openai(&provider), |inner| {
        store = Some(Arc::clone(&inner));
        FaultyStore::new(inner, move |operation, _| {
            let fails = operation == Operation::Waiting && sweeps_fail.load(Relaxed);
            fails.then_some(ErrorKind::Unavailable)
        })
    })
    .await;
    has_started.store(true, Relaxed);
    leave_question(&*store.unwrap(), "s", "u", "left").await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c", "next").await;
    for question in ["left", "next"] {
        let call = provider.call().await;
        assert_eq!(call.messages().last(), Some(&("user", question)));
        call.reply("done");
    }
}

#[tokio::test]
async fn runs_that_an_earlier_process_left_count_for_their_user() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let data = world.data();
    let mut stopping = world.stop();
    stopping.stopped().await;
    let store = Sqlite::open(&data).unwrap();
    for index in 0..20 {
        leave_run(&store, &format!("left-{index}"), "u", "left").await;
    }
    drop(store);
    let world = stopping.start_again().await;
    let mut calls = Vec::new();
    for _ in 0..10 {
        calls.push(provider.call().await);
    }
    let mut other = world.connect("other", "").await;
    other.say("s", "c", "of another user").await;
    let call = provider.call().await;
    assert_eq!(call.messages().last(), Some(&("user", "of another user")));
    for _ in 0..10 {
        calls.pop().unwrap().reply("done");
        let call = provider.call().await;
        assert_eq!(call.messages().last(), Some(&("user", "left")));
        calls.insert(0, call);
    }
}
