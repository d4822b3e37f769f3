//! The live run of a subscription, and the events after it.

use std::sync::Arc;

use chatbox::bus::{Bus, Event, LiveRun, Received};
use chatbox::chat::SessionId;
use tokio::sync::oneshot;

use crate::fixture::{Fixture, delta, run, stored};

/// Fewer than a follower may fall behind.
const PIECES: usize = 200;
/// Where followers join, in pieces that were published before.
const JOINS: [usize; 4] = [0, 1, 100, PIECES - 1];

/// A follower that applies the receiver's rules: it appends what follows, drops what it has, and subscribes again when
/// something is missing.
struct Follower {
    bus: Arc<dyn Bus>,
    session: SessionId,
    text: String,
    /// Bytes of `text` that came as events.
    followed: usize,
}

impl Follower {
    /// Follows until the message of the run comes, and returns it. `joined` is told when it has subscribed.
    async fn follow(&mut self, joined: oneshot::Sender<()>) -> String {
        let mut subscription = self.bus.subscribe(&self.session).await;
        let live = subscription.live.as_ref();
        assert!(live.is_some(), "the run is at work when it joins");
        joined.send(()).unwrap();
        'subscription: loop {
            let Some(live) = subscription.live else {
                // The run is over: its message is in the store.
                return whole();
            };
            assert!(whole().starts_with(&live.text), "{}", live.text);
            self.text = live.text;
            loop {
                let Received::Events(events) = subscription.events.recv().await else {
                    subscription = self.bus.subscribe(&self.session).await;
                    continue 'subscription;
                };
                for event in events {
                    match &*event {
                        Event::Delta(delta) if delta.off > self.text.len() => {
                            subscription = self.bus.subscribe(&self.session).await;
                            continue 'subscription;
                        }
                        Event::Delta(delta) => {
                            let known = self.text.len() - delta.off;
                            let new = delta.text.get(known..).unwrap_or("");
                            self.text.push_str(new);
                            self.followed += new.len();
                        }
                        Event::MessageStored(message) => return message.content.clone(),
                        Event::RunStarted { .. }
                        | Event::RunEnded { .. }
                        | Event::ModelChosen { .. }
                        | Event::Typing { .. } => {}
                    }
                }
            }
        }
    }
}

fn pieces(count: usize) -> String {
    (0..count).map(|piece| format!("{piece};")).collect()
}

fn whole() -> String {
    pieces(PIECES)
}

pub(crate) async fn text_and_events_make_the_whole_wherever_a_follower_joins(fixture: Fixture) {
    let session = SessionId::random();
    let run = run(&session);
    fixture.bus.publish(&session, Event::started(&run));
    let mut followers = Vec::new();
    for piece in 0..PIECES {
        if JOINS.contains(&piece) {
            let mut follower = Follower {
                bus: Arc::clone(&fixture.bus),
                session: session.clone(),
                text: String::new(),
                followed: 0,
            };
            let (joined, has_joined) = oneshot::channel();
            followers.push(tokio::spawn(async move {
                let message = follower.follow(joined).await;
                (follower, message)
            }));
            has_joined.await.unwrap();
        }
        let text = format!("{piece};");
        let event = delta(&run, pieces(piece).len(), &text);
        fixture.bus.publish(&session, event);
        tokio::task::yield_now().await;
    }
    fixture.bus.publish(&session, stored(&run, &whole()));
    fixture.bus.publish(&session, Event::ended(&run, None));
    for (follower, joined) in followers.into_iter().zip(JOINS) {
        let (follower, message) = follower.await.unwrap();
        assert_eq!(message, whole());
        let text = follower.text;
        assert!(whole().starts_with(&text), "a piece is wrong in {text}");
        if fixture.reliable {
            assert_eq!(text, whole(), "joined at {joined}");
            let live = pieces(joined).len();
            assert_eq!(follower.followed, whole().len() - live);
        }
    }
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
        question: second.question,
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
