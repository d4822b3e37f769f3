//! The buses, and values for them.

use std::sync::Arc;

use chatbox::bus::{Bus, Delta, Event, LocalBus};
use chatbox::chat::{
    Answered, Kind, Message, MessageId, OwnerId, Run, RunId, Sender, SessionId, Status,
};
use jiff::Timestamp;
use tests::UnreliableBus;

pub(crate) struct Fixture {
    pub(crate) bus: Arc<dyn Bus>,
    /// Sessions that take memory.
    pub(crate) len: Box<dyn Fn() -> usize>,
    /// Every event arrives.
    pub(crate) reliable: bool,
}

pub(crate) fn local() -> Fixture {
    let bus = LocalBus::default();
    Fixture {
        bus: Arc::new(bus.clone()),
        len: Box::new(move || bus.len()),
        reliable: true,
    }
}

pub(crate) fn unreliable(seed: u64) -> Fixture {
    let bus = Arc::new(UnreliableBus::new(seed));
    Fixture {
        bus: bus.clone(),
        len: Box::new(move || bus.len()),
        reliable: false,
    }
}

pub(crate) fn run(session: &SessionId) -> Run {
    Run {
        id: RunId::new(),
        session: session.clone(),
        question: 1,
        fence: 1,
        model: "m".to_owned(),
        owner: OwnerId::new(),
    }
}

pub(crate) fn delta(run: &Run, off: usize, text: &str) -> Event {
    Event::Delta(Delta {
        run: run.id,
        fence: run.fence,
        model: run.model.clone(),
        off,
        text: text.to_owned(),
    })
}

pub(crate) fn stored(run: &Run, content: &str) -> Event {
    Event::MessageStored(Message {
        id: MessageId::new(),
        session: run.session.clone(),
        seq: 2,
        client_id: None,
        sender: Sender::Ai,
        content: content.to_owned(),
        at: Timestamp::UNIX_EPOCH,
        replaces: None,
        kind: Kind::Text,
        agent: None,
        answer: Some(Answered {
            run: run.id,
            fence: run.fence,
            question: run.question,
            status: Status::Complete,
            model: run.model.clone(),
        }),
    })
}
