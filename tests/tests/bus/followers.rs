//! Who gets what, and what it costs.

use std::sync::Arc;

use chatbox::bus::{Event, Received};
use chatbox::chat::SessionId;

use crate::fixture::{Fixture, delta, run, stored};

pub(crate) async fn only_those_of_the_session_get_its_events(fixture: Fixture) {
    let (here, there) = (SessionId::random(), SessionId::random());
    let bus = &fixture.bus;
    let (mut first, mut second, mut other) = (
        bus.subscribe(&here).await.events,
        bus.subscribe(&here).await.events,
        bus.subscribe(&there).await.events,
    );
    let run = run(&here);
    let published = [Event::started(&run), delta(&run, 0, "a"), stored(&run, "a")];
    for event in &published {
        bus.publish(&here, event.clone());
    }
    for follower in [&mut first, &mut second] {
        match follower.recv().await {
            Received::Lagged => assert!(!fixture.reliable),
            Received::Events(events) if fixture.reliable => {
                let events: Vec<_> = events.iter().map(|event| (**event).clone()).collect();
                assert_eq!(events, published);
            }
            Received::Events(events) => {
                assert!(events.iter().all(|event| published.contains(event)));
            }
        }
    }
    assert!(other.try_recv().is_none());
}

pub(crate) async fn a_slow_one_is_told_that_it_lost_something(fixture: Fixture) {
    let session = SessionId::random();
    let run = run(&session);
    let mut slow = fixture.bus.subscribe(&session).await.events;
    for off in 0..2000 {
        fixture.bus.publish(&session, delta(&run, off, "x"));
    }
    assert!(matches!(slow.try_recv(), Some(Received::Lagged)));
    let long = "x".repeat(200_000);
    for _ in 0..20 {
        fixture.bus.publish(&session, stored(&run, &long));
    }
    assert!(
        matches!(slow.try_recv(), Some(Received::Lagged)),
        "bytes are bounded too"
    );
}

/// Of 20,000 pairs that were dropped at the same moment, 17 once left their session behind.
pub(crate) async fn the_last_one_leaves_nothing_behind(fixture: Fixture) {
    let pairs = if fixture.reliable { 20_000 } else { 200 };
    for _ in 0..pairs {
        let session = SessionId::random();
        let (first, second) = (
            fixture.bus.subscribe(&session).await,
            fixture.bus.subscribe(&session).await,
        );
        let (one, two) = (
            tokio::spawn(async move { drop(first) }),
            tokio::spawn(async move { drop(second) }),
        );
        one.await.unwrap();
        two.await.unwrap();
    }
    assert_eq!((fixture.len)(), 0);
    let bus = Arc::clone(&fixture.bus);
    let session = SessionId::random();
    let run = run(&session);
    let follower = bus.subscribe(&session).await;
    bus.publish(&session, Event::started(&run));
    drop(follower);
    assert!(
        (fixture.len)() > 0,
        "a run at work is kept without followers"
    );
    bus.publish(&session, Event::ended(&run, None));
    if fixture.reliable {
        assert_eq!((fixture.len)(), 0, "a run that has ended is not kept");
    }
    assert_eq!(bus.subscribe(&session).await.live, None);
}
