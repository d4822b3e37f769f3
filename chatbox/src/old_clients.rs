//! What clients of the predecessor have of a session.
//!
//! Such a client never says it: it connects with nothing but a session, and appends whatever comes to the bubble that is
//! open on its page. So the server remembers, for each user and session, what the last connection of this kind was sent,
//! and whether the history was read since, which tells a page that was opened anew from one that has reconnected. Kept in
//! memory and bounded: who is forgotten counts as new.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::chat::{RunId, SessionId};

/// Users and sessions in one generation; there are two.
const GENERATION: usize = 2048;

/// A page that is opened reads the history and connects. What was read longer ago was for something else, such as a
/// list that is drawn again while the page is connected.
const READ_COUNTS: Duration = Duration::from_secs(30);

/// A user and a session.
type Key = (String, SessionId);

/// What all old clients have.
#[derive(Debug, Default)]
pub struct OldClients(Mutex<Generations>);

/// When the young generation is full it takes the place of the old one: what was used last stays.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, OldClient>,
    old: HashMap<Key, OldClient>,
}

/// What the connections of one user to one session have, shared by them.
#[derive(Clone, Debug, Default)]
pub struct OldClient(Arc<Mutex<Memory>>);

#[derive(Debug, Default)]
struct Memory {
    sent: Option<Position>,
    /// The history up to this `seq` was read then, and no connection has followed yet.
    read: Option<(i64, Instant)>,
    /// It names its messages, as clients of the predecessor do not.
    names_messages: bool,
}

/// How far a client is: the newest message, and the answer that was being written, with its length in UTF-16 code units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub seq: i64,
    pub run: Option<(RunId, usize)>,
}

/// What a client that connects has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// Its page was opened anew, and shows the history up to this `seq`.
    History(i64),
    /// It has reconnected, and shows what it was sent before.
    Sent(Position),
    /// It has nothing.
    Nothing,
}

impl OldClients {
    /// The history of a session was read, up to `seq`.
    pub fn has_read(&self, user: &str, session: &SessionId, seq: i64) {
        self.client(user, session).memory().read = Some((seq, Instant::now()));
    }

    /// A client connects. What it has read before counts once.
    pub fn connects(&self, user: &str, session: &SessionId) -> (OldClient, Has) {
        let client = self.client(user, session);
        let is_held = client.is_held();
        let has = {
            let mut memory = client.memory();
            // A page that is cut off comes back before the server has noticed. A newer client beside it is another one.
            let is_other = is_held && memory.names_messages;
            let read = memory.read.take();
            let just_read = read.filter(|(_, at)| at.elapsed() < READ_COUNTS);
            match (just_read, memory.sent) {
                (Some((seq, _)), _) => Has::History(seq),
                (None, Some(sent)) if !is_other => Has::Sent(sent),
                (None, _) => Has::Nothing,
            }
        };
        (client, has)
    }

    fn client(&self, user: &str, session: &SessionId) -> OldClient {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (user.to_owned(), session.clone());
        if let Some(client) = generations.young.get(&key) {
            return client.clone();
        }
        let client = generations.old.remove(&key).unwrap_or_default();
        if generations.young.len() >= GENERATION {
            generations.old = std::mem::take(&mut generations.young);
        }
        generations.young.insert(key, client.clone());
        client
    }
}

impl OldClient {
    /// The client was sent everything up to here.
    pub fn was_sent(&self, position: Position) {
        self.memory().sent = Some(position);
    }

    /// The client sent a message with a `client_id`.
    pub fn mark_names_messages(&self) {
        self.memory().names_messages = true;
    }

    /// Whether a connection holds it, beside the map and the caller.
    fn is_held(&self) -> bool {
        Arc::strong_count(&self.0) > 2
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(id: &str) -> SessionId {
        SessionId::parse(id).unwrap()
    }

    #[test]
    fn who_reconnects_has_what_was_sent_and_who_has_read_the_history_has_that() {
        let all = OldClients::default();
        let run = RunId::new();
        let (client, has) = all.connects("ada", &session("s"));
        assert_eq!(has, Has::Nothing);
        let sent = Position {
            seq: 3,
            run: Some((run, 7)),
        };
        client.was_sent(sent);
        assert_eq!(all.connects("ada", &session("s")).1, Has::Sent(sent));
        all.has_read("ada", &session("s"), 4);
        assert_eq!(all.connects("ada", &session("s")).1, Has::History(4));
        assert_eq!(all.connects("ada", &session("s")).1, Has::Sent(sent));
        assert_eq!(all.connects("bob", &session("s")).1, Has::Nothing);
        assert_eq!(all.connects("ada", &session("t")).1, Has::Nothing);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_read_while_connected_is_forgotten_before_the_next_reconnect() {
        let all = OldClients::default();
        let (client, _) = all.connects("ada", &session("s"));
        all.has_read("ada", &session("s"), 5);
        let sent = Position { seq: 7, run: None };
        client.was_sent(sent);
        tokio::time::advance(READ_COUNTS).await;
        assert_eq!(all.connects("ada", &session("s")).1, Has::Sent(sent));
    }

    #[test]
    fn a_newer_client_beside_one_that_is_connected_is_another_one() {
        let all = OldClients::default();
        let (client, _) = all.connects("ada", &session("s"));
        let sent = Position { seq: 3, run: None };
        client.was_sent(sent);
        client.mark_names_messages();
        assert_eq!(all.connects("ada", &session("s")).1, Has::Nothing);
        drop(client);
        assert_eq!(all.connects("ada", &session("s")).1, Has::Sent(sent));
    }

    #[test]
    fn memory_is_bounded_and_who_came_last_is_remembered() {
        let all = OldClients::default();
        for number in 0..3 * GENERATION {
            all.has_read("ada", &session(&format!("s{number}")), 1);
        }
        let generations = all.0.lock().unwrap();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
        drop(generations);
        let newest = session(&format!("s{}", 3 * GENERATION - 1));
        assert_eq!(all.connects("ada", &newest).1, Has::History(1));
        assert_eq!(all.connects("ada", &session("s0")).1, Has::Nothing);
    }
}
