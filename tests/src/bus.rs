//! A bus as a network makes it: events travel as bytes, and some are lost, repeated or late.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use chatbox::bus::{Bus, Event, LocalBus, Subscription};
use chatbox::chat::SessionId;

/// Two processes and a bad network between them: everything is published in the one and followed in the other. What
/// one seed does to the same events is always the same.
pub struct UnreliableBus {
    /// The process that answers. It knows its live runs, and can be asked for them.
    near: LocalBus,
    /// The process that the followers are connected to.
    far: LocalBus,
    network: Mutex<Network>,
}

struct Network {
    random: u64,
    /// Events under way that others overtake.
    late: VecDeque<(SessionId, Vec<u8>)>,
}

enum Fate {
    Arrives,
    IsLost,
    ComesTwice,
    IsLate,
    /// The connection breaks: every follower is told that it lost something.
    BreaksTheConnection,
}

impl UnreliableBus {
    pub fn new(seed: u64) -> Self {
        let network = Network {
            // Neighbouring seeds begin far apart, and none at zero, where the generator would stay.
            random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            late: VecDeque::new(),
        };
        Self {
            near: LocalBus::default(),
            far: LocalBus::default(),
            network: Mutex::new(network),
        }
    }

    /// Sessions that take memory.
    pub fn len(&self) -> usize {
        self.near.len() + self.far.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn arrive(&self, session: &SessionId, bytes: &[u8]) {
        self.far.publish(session, Event::decode(bytes).unwrap());
    }
}

#[async_trait]
impl Bus for UnreliableBus {
    fn publish(&self, session: &SessionId, event: Event) {
        let bytes = event.encode().unwrap();
        let is_last = matches!(event, Event::MessageStored(_) | Event::RunEnded { .. });
        self.near.publish(session, event);
        let mut network = self.network.lock().unwrap_or_else(PoisonError::into_inner);
        match network.fate() {
            // Nothing may come after these that would show the hole: a network that loses them says that it broke.
            Fate::BreaksTheConnection | Fate::IsLost | Fate::IsLate if is_last => {
                self.far.lag(session);
            }
            Fate::BreaksTheConnection => self.far.lag(session),
            Fate::IsLost => {}
            Fate::IsLate => network.late.push_back((session.clone(), bytes)),
            Fate::Arrives => self.arrive(session, &bytes),
            Fate::ComesTwice => {
                self.arrive(session, &bytes);
                self.arrive(session, &bytes);
            }
        }
        if network.late.len() > 2
            && let Some((session, bytes)) = network.late.pop_front()
        {
            self.arrive(&session, &bytes);
        }
    }

    async fn subscribe(&self, session: &SessionId) -> Subscription {
        let events = self.far.subscribe(session).await.events;
        let live = self.near.subscribe(session).await.live;
        Subscription { live, events }
    }
}

impl Network {
    /// Half of the events arrive as they should. xorshift64, <https://en.wikipedia.org/wiki/Xorshift>.
    fn fate(&mut self) -> Fate {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        match self.random % 10 {
            0 | 1 => Fate::IsLost,
            2 => Fate::ComesTwice,
            3 => Fate::IsLate,
            4 => Fate::BreaksTheConnection,
            _ => Fate::Arrives,
        }
    }
}
