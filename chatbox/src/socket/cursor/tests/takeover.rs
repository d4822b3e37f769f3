//! No word of a model after `admin_join`, whatever the order in which things happen: every interleaving of a run that answers, a
//! member of staff who takes the session over, and a client that joins, with the bus and the cursor of production. What the
//! store does is two lists here; that it does so in one commit is for its own tests.

use futures_util::FutureExt;

use super::*;
use crate::bus::{Bus, LocalBus, Received, Receiver, Subscription};
use crate::chat::{Agent, Kind, Message, OwnerId, Run};

/// What each of the three may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Actor {
    Model,
    Staff,
    Client,
}

/// One world, made anew for each schedule.
struct World {
    session: SessionId,
    run: Run,
    bus: LocalBus,
    /// What was committed.
    stored: Vec<Message>,
    fence: i64,
    model: usize,
    staff: usize,
    client: usize,
    subscription: Option<Subscription>,
    receiver: Option<Receiver>,
    cursor: Cursor,
    /// What was read of the store: `seq` and fence of the session.
    read: (i64, i64),
    frames: Vec<serde_json::Value>,
}

/// How many steps each of them takes.
const STEPS: [(Actor, usize); 3] = [(Actor::Model, 5), (Actor::Staff, 3), (Actor::Client, 4)];
const WORDS: [&str; 2] = ["So ", "what"];

impl World {
    fn new() -> Self {
        let session = SessionId::parse("s").unwrap();
        let run = Run {
            id: RunId::new(),
            session: session.clone(),
            question: 1,
            fence: 1,
            model: "m".to_owned(),
            owner: OwnerId::new(),
        };
        Self {
            stored: vec![stored(&session, 1, None)],
            cursor: Cursor::new(session.clone(), 1, None),
            bus: LocalBus::default(),
            fence: 1,
            model: 0,
            staff: 0,
            client: 0,
            subscription: None,
            receiver: None,
            read: (0, 0),
            frames: Vec::new(),
            session,
            run,
        }
    }

    fn step(&mut self, actor: Actor) {
        match actor {
            Actor::Model => self.model_step(),
            Actor::Staff => self.staff_step(),
            Actor::Client => self.client_step(),
        }
    }

    fn publish(&self, event: Event) {
        self.bus.publish(&self.session, event);
    }

    /// As `turn::run`: announce, stream, store if the fence still holds, announce the end.
    fn model_step(&mut self) {
        match self.model {
            0 => self.publish(Event::started(&self.run)),
            1 | 2 => self.publish(Event::Delta(Delta {
                run: self.run.id,
                fence: self.run.fence,
                model: self.run.model.clone(),
                off: if self.model == 1 { 0 } else { WORDS[0].len() },
                text: WORDS[self.model - 1].to_owned(),
            })),
            3 if self.fence == self.run.fence => {
                let answer = self.answered(&WORDS.concat(), Status::Complete);
                self.stored.push(answer.clone());
                self.publish(Event::MessageStored(answer));
            }
            3 => {}
            _ => self.publish(Event::ended(&self.run, None)),
        }
        self.model += 1;
    }

    /// As `turn::takeover`: one commit, then what it stored is announced.
    fn staff_step(&mut self) {
        if self.staff == 0 {
            if self.stored.len() == 1 {
                // What is kept of the run may be less than what was shown.
                let ended = self.answered(WORDS[0], Status::Superseded);
                self.stored.push(ended);
            }
            self.fence += 1;
            let seq = self.next_seq();
            self.stored.push(Message {
                sender: Sender::Admin,
                kind: Kind::AdminJoin { fence: self.fence },
                agent: Some(Agent {
                    id: "a".to_owned(),
                    name: "A".to_owned(),
                }),
                ..stored(&self.session, seq, None)
            });
        } else {
            let message = self.stored[self.staff].clone();
            self.publish(Event::MessageStored(message));
        }
        self.staff += 1;
    }

    /// As `socket::catch_up`: subscribe, read, send what is missing, then the live run; events from then on.
    fn client_step(&mut self) {
        match self.client {
            0 => {
                let subscription = self.bus.subscribe(&self.session);
                self.subscription = subscription.now_or_never();
            }
            1 => {
                self.read = (self.next_seq() - 1, self.fence);
                self.cursor.at_fence(self.read.1);
            }
            2 => self.send_missing(),
            _ => {
                let subscription = self.subscription.take().unwrap();
                let live = self.cursor.live(now(), subscription.live.as_ref());
                let live = live.iter().map(ServerFrame::render).collect::<Vec<_>>();
                self.took(live);
                self.receiver = Some(subscription.events);
            }
        }
        self.client += 1;
    }

    fn send_missing(&mut self) {
        let upto = self.read.0;
        let missing: Vec<_> = self
            .stored
            .iter()
            .filter(|message| message.seq <= upto)
            .cloned()
            .collect();
        for message in &missing {
            if let Step::Send(frame) = self.cursor.message(now(), message) {
                let frame = frame.render();
                self.took([frame]);
            }
        }
    }

    fn deliver(&mut self) {
        while let Some(receiver) = &mut self.receiver {
            let events = match receiver.try_recv() {
                None => return,
                Some(Received::Events(events)) => events,
                Some(Received::Lagged) => panic!("so little is not too much"),
            };
            for event in events {
                let frame = match self.cursor.event(now(), &event) {
                    Step::Send(frame) => Some(frame.render()),
                    Step::Skip => None,
                    Step::Gap => {
                        self.catch_up();
                        None
                    }
                };
                self.took(frame);
            }
        }
    }

    fn catch_up(&mut self) {
        let subscription = self.bus.subscribe(&self.session).now_or_never().unwrap();
        self.read = (self.next_seq() - 1, self.fence);
        self.cursor.at_fence(self.read.1);
        self.send_missing();
        let live = self.cursor.live(now(), subscription.live.as_ref());
        let live: Vec<_> = live.iter().map(ServerFrame::render).collect();
        self.took(live);
        self.receiver = Some(subscription.events);
    }

    fn took(&mut self, frames: impl IntoIterator<Item = String>) {
        let frames = frames
            .into_iter()
            .map(|frame| serde_json::from_str(&frame).unwrap());
        self.frames.extend(frames);
    }

    fn next_seq(&self) -> i64 {
        i64::try_from(self.stored.len()).unwrap() + 1
    }

    fn answered(&self, text: &str, status: Status) -> Message {
        let mut message = stored(&self.session, self.next_seq(), Some((self.run.id, text)));
        if let Some(answer) = &mut message.answer {
            answer.status = status;
        }
        message
    }
}

/// Replays a schedule. What is published is delivered late, until so many steps were done, and from then on at once.
fn replay(schedule: &[Actor], delivers: usize) -> World {
    let mut world = World::new();
    for (index, actor) in schedule.iter().enumerate() {
        world.step(*actor);
        if index >= delivers {
            world.deliver();
        }
    }
    world.deliver();
    world
}

fn explore(schedule: &mut Vec<Actor>, complete: &mut usize) {
    let mut is_complete = true;
    for (actor, steps) in STEPS {
        if schedule.iter().filter(|done| **done == actor).count() < steps {
            is_complete = false;
            schedule.push(actor);
            explore(schedule, complete);
            schedule.pop();
        }
    }
    if is_complete {
        for delivers in [0, schedule.len() / 2, schedule.len()] {
            *complete += 1;
            check(&replay(schedule, delivers), schedule);
        }
    }
}

fn check(world: &World, schedule: &[Actor]) {
    let frames = &world.frames;
    let join = frames
        .iter()
        .position(|frame| frame["type"] == "admin_join");
    let join = join.unwrap_or_else(|| panic!("nobody joined: {schedule:?} {frames:?}"));
    let late = frames[join..].iter().any(|frame| frame["sender"] == "ai");
    assert!(!late, "{schedule:?} {frames:?}");
    let seqs: Vec<_> = frames
        .iter()
        .filter_map(|frame| frame["seq"].as_i64())
        .collect();
    assert_eq!(seqs, [2, 3], "{schedule:?} {frames:?}");
}

#[test]
fn no_word_of_a_model_comes_after_a_human_in_any_order() {
    let mut complete = 0;
    explore(&mut Vec::new(), &mut complete);
    // 12! / (5! 3! 4!) schedules, each with three ways to deliver.
    assert_eq!(complete, 27_720 * 3);
}
