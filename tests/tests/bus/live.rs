//! The live run of a subscription, and the events after it.

use std::sync::Arc;

use chatbox::bus::{Bus, Event, LiveRun, Received};
use chatbox::chat::{Run, SessionId};

use crate::fixture::{Fixture, delta, run, stored};

const PIECES: usize = 300;

/// A follower that applies the receiver's rules: it appends what follows, drops what it has, and subscribes again when
/// something is missing.
struct Follower {
    bus: Arc<dyn Bus>,
    session: SessionId,
    text: String,
}

impl Follower {
    /// Follows until the message of the run comes, and returns it.
    async fn follow(&mut self) -> String {
        'subscription: loop {
            let mut subscription = self.bus.subscribe(&self.session).await;
            let Some(live) = subscription.live else {
                // The run is over: its message is in the store.
                return whole();
            };
            assert!(whole().starts_with(&live.text), "{}", live.text);
            self.text = live.text;
            loop {
                let Received::Events(events) = subscription.events.recv().await else {
                    continue 'subscription;
                };
                for event in events {
                    match &*event {
                        Event::Delta(delta) if delta.off > self.text.len() => {
                            continue 'subscription;
                        }
                        Event::Delta(delta) => {
                            let known = self.text.len() - delta.off;
                            self.text.push_str(delta.text.get(known..).unwrap_or(""));
                        }
                        Event::MessageStored(message) => return message.content.clone(),
                        Event::RunStarted { .. } | Event::RunEnded { .. } => {}
                    }
                }
            }
        }
    }
}

fn whole() -> String {
    (0..PIECES).map(|piece| format!("{piece};")).collect()
}

pub(crate) async fn text_and_events_make_the_whole_wherever_a_follower_joins(fixture: Fixture) {
    let session = SessionId::random();
    let run = run(&session);
    fixture.bus.publish(&session, Event::started(&run));
    let publisher = tokio::spawn(publish(Arc::clone(&fixture.bus), run));
    let followers = (0..4).map(|_| {
        let mut follower = Follower {
            bus: Arc::clone(&fixture.bus),
            session: session.clone(),
            text: String::new(),
        };
        tokio::spawn(async move {
            let message = follower.follow().await;
            (follower.text, message)
        })
    });
    for follower in followers.collect::<Vec<_>>() {
        let (text, message) = follower.await.unwrap();
        assert!(whole().starts_with(&text), "a piece is wrong in {text}");
        assert_eq!(message, whole());
        if fixture.reliable && !text.is_empty() {
            assert_eq!(text, whole());
        }
    }
    publisher.await.unwrap();
}

async fn publish(bus: Arc<dyn Bus>, run: Run) {
    let mut off = 0;
    for piece in 0..PIECES {
        let text = format!("{piece};");
        bus.publish(&run.session, delta(&run, off, &text));
        off += text.len();
        tokio::task::yield_now().await;
    }
    bus.publish(&run.session, stored(&run, &whole()));
    bus.publish(&run.session, Event::ended(&run, None));
}

pub(crate) async fn a_run_that_has_ended_is_not_live(fixture: Fixture) {
    let session = SessionId::random();
    let (first, second) = (run(&session), run(&session));
    let live = async || fixture.bus.subscribe(&session).await.live;
    let bus = &fixture.bus;
    bus.publish(&session, Event::started(&first));
    bus.publish(&session, delta(&first, 0, "one"));
    assert_eq!(live().await.map(|live| live.text), Some("one".to_owned()));
    bus.publish(&session, stored(&first, "one"));
    assert_eq!(live().await, None, "its message is stored");
    bus.publish(&session, Event::started(&second));
    bus.publish(&session, delta(&first, 3, " and late"));
    bus.publish(&session, Event::ended(&first, None));
    let expected = LiveRun {
        run: second.id,
        fence: second.fence,
        model: second.model.clone(),
        text: String::new(),
        units: 0,
    };
    assert_eq!(live().await, Some(expected), "another run is not touched");
    bus.publish(&session, Event::ended(&second, None));
    assert_eq!(live().await, None, "it ended without a message");
}

pub(crate) async fn a_run_without_followers_is_live(fixture: Fixture) {
    let session = SessionId::random();
    let run = run(&session);
    fixture.bus.publish(&session, Event::started(&run));
    for (off, text) in [(0, "größe "), (6, "😀"), (8, "!")] {
        fixture.bus.publish(&session, delta(&run, off, text));
    }
    let live = fixture.bus.subscribe(&session).await.live.unwrap();
    assert_eq!(live.text, "größe 😀!");
    assert_eq!(live.units, live.text.encode_utf16().count());
}
