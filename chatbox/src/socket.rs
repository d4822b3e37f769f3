//! The life of one connection: what comes in, what the session says, pings, the end.

mod catch_up;
mod follow;
mod pump;
mod refusal;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use self::follow::{Follow, Step};
use self::pump::{Closed, Incoming, Pump};
use crate::auth::Caller;
use crate::bus::{Heard, Subscription};
use crate::chat::{Message, MessageId, RunId, SessionId};
use crate::clock;
use crate::state::AppState;
use crate::store::{Question, StoreError};
use crate::wire::inbound::{self, Inbound, Resume, Say};
use crate::wire::outbound::{Frame, Rejection};
use crate::wire::{CLOSE_EXPIRED, CLOSE_GOING_AWAY};

/// Between two pings: short enough for the proxies that cut quiet connections after 30 s.
const PING_EVERY: Duration = Duration::from_secs(25);
/// A peer that was not heard for so long is gone.
const DEAD_AFTER: Duration = Duration::from_mins(1);
/// Events between two flushes.
const BURST: usize = 256;

/// A session that the client named when it connected.
#[derive(Clone, Debug)]
pub struct Start {
    pub session: SessionId,
    /// Set: send what came after this `seq`.
    pub after: Option<i64>,
    pub run: Option<(RunId, usize)>,
}

/// Talks with one client until one of the two goes.
pub async fn serve(socket: WebSocket, caller: Caller, start: Option<Start>, state: AppState) {
    state.metrics.connections.inc();
    let mut connection = Connection {
        pump: Pump::new(socket),
        caller,
        following: None,
        waiting: None,
        state,
    };
    let Err(Closed) = connection.talk(start).await;
    connection.state.metrics.connections.dec();
}

struct Connection {
    pump: Pump,
    caller: Caller,
    following: Option<Following>,
    /// The session that the client named, while nobody has it yet.
    waiting: Option<(Start, Subscription)>,
    state: AppState,
}

/// The session this connection is bound to.
struct Following {
    follow: Follow,
    events: Subscription,
}

impl Connection {
    /// Goes on until the connection is over, and then returns.
    async fn talk(&mut self, start: Option<Start>) -> Result<Infallible, Closed> {
        self.greet(start).await?;
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard_at = Instant::now();
        let left = self.caller.expires.duration_since(clock::now());
        let expiry = sleep(left.try_into().unwrap_or(Duration::ZERO));
        tokio::pin!(expiry);
        let lifecycle = self.state.lifecycle.clone();
        loop {
            tokio::select! {
                incoming = self.pump.next() => {
                    heard_at = Instant::now();
                    if let Incoming::Text(text) = incoming? {
                        self.take(&text).await?;
                    }
                }
                heard = next_event(&mut self.following) => self.tell(heard).await?,
                start = begun(&mut self.waiting) => self.bind(start).await?,
                _ = ping.tick() => {
                    if heard_at.elapsed() > DEAD_AFTER {
                        return Err(Closed);
                    }
                    self.pump.ping().await?;
                }
                () = &mut expiry => return Err(self.pump.close(CLOSE_EXPIRED, "the token has expired").await),
                () = lifecycle.closing() => return Err(self.leave().await),
            }
        }
    }

    /// Says what was heard to the end, and goes.
    async fn leave(&mut self) -> Closed {
        while let Some(heard) = self
            .following
            .as_mut()
            .and_then(|following| following.events.try_next())
        {
            if let Err(closed) = self.tell(heard).await {
                return closed;
            }
        }
        self.pump
            .close(CLOSE_GOING_AWAY, "Server shutting down")
            .await
    }

    async fn greet(&mut self, start: Option<Start>) -> Result<(), Closed> {
        let session = start.as_ref().map(|start| &start.session);
        let hello = Frame::hello(
            clock::now(),
            &self.caller.user,
            session,
            self.state.model_names(),
        );
        self.pump.send(&hello).await?;
        let Some(start) = start else {
            return Ok(());
        };
        self.bind(start).await
    }

    async fn take(&mut self, text: &str) -> Result<(), Closed> {
        let chars = usize::try_from(self.state.config.limits.message_chars).unwrap_or(0);
        match inbound::parse(text, clock::now(), chars) {
            Ok(Inbound::Say(say)) => self.say(say).await,
            Ok(Inbound::Resume(Resume {
                session,
                after,
                run,
            })) => {
                self.bind(Start {
                    session,
                    after: Some(after),
                    run,
                })
                .await
            }
            Err(rejection) => self.reject(None, rejection).await,
        }
    }

    /// Stores a message, has it answered, and acknowledges it in its turn.
    async fn say(&mut self, say: Say) -> Result<(), Closed> {
        let session = say.session.clone().or_else(|| self.session());
        let session = session.unwrap_or_else(SessionId::random);
        let client_id = say.client_id.clone();
        let about = |rejection| Rejection {
            client_id,
            ..rejection
        };
        if let Err(wait) = self.state.limits.message(&self.caller.user) {
            return self
                .reject(Some(&session), about(refusal::too_fast(wait)))
                .await;
        }
        self.state.metrics.messages_received.inc();
        // Before the message is stored, so that its own announcement is heard; unused if it is not this user's.
        let followed = self
            .following
            .as_ref()
            .map(|following| following.follow.session());
        let events = (followed != Some(&session)).then(|| self.state.bus.subscribe(&session));
        match self.state.turns.ask(self.question(&session, say)).await {
            Ok(appended) => self.acknowledge(&appended.message, events).await?,
            Err(error) => {
                return self
                    .reject(Some(&session), about(refusal::not_stored(error)))
                    .await;
            }
        }
        self.pump.flush().await
    }

    /// The session that a message without one belongs to.
    fn session(&self) -> Option<SessionId> {
        let following = self
            .following
            .as_ref()
            .map(|following| following.follow.session());
        let waiting = self.waiting.as_ref().map(|(start, _)| &start.session);
        following.or(waiting).cloned()
    }

    fn question(&self, session: &SessionId, say: Say) -> Question {
        Question {
            id: MessageId::new(),
            session: session.clone(),
            user: self.caller.user.clone(),
            client_id: say.client_id,
            content: say.content,
            at: clock::now(),
            pending_max: usize::try_from(self.state.config.limits.pending_questions).unwrap_or(0),
        }
    }

    /// Tells the sender that its message is stored, after everything that came before it. `events`: the session is
    /// another one than so far.
    async fn acknowledge(
        &mut self,
        message: &Message,
        events: Option<Subscription>,
    ) -> Result<(), Closed> {
        if let Some(events) = events {
            let session = message.session.clone();
            let names = self.state.model_names();
            let hello = Frame::hello(clock::now(), &self.caller.user, Some(&session), names);
            self.follow(Follow::new(session, message.seq - 1, None), events);
            self.pump.feed(&hello).await?;
        }
        let Some(following) = &mut self.following else {
            return Ok(());
        };
        if following.follow.seq() >= message.seq {
            return self.pump.feed(&Frame::ack(clock::now(), message)).await;
        }
        following.follow.sent(message);
        self.catch_up().await.map(drop)
    }

    /// Tells what was heard, and what was heard meanwhile, with one write.
    async fn tell(&mut self, first: Heard) -> Result<(), Closed> {
        let mut next = Some(first);
        for _ in 0..BURST {
            let Some(heard) = next.take() else {
                break;
            };
            self.tell_one(heard).await?;
            next = self
                .following
                .as_mut()
                .and_then(|following| following.events.try_next());
        }
        if let Some(heard) = next {
            self.tell_one(heard).await?;
        }
        self.pump.flush().await
    }

    async fn tell_one(&mut self, heard: Heard) -> Result<(), Closed> {
        let Some(following) = &mut self.following else {
            return Ok(());
        };
        let step = match &heard {
            Heard::Event(event) => following.follow.event(clock::now(), event),
            Heard::Lagged => Step::Gap,
        };
        match step {
            Step::Send(frame) => {
                self.count_error(&frame);
                self.pump.feed(&frame).await
            }
            Step::Skip => Ok(()),
            Step::Gap => self.catch_up().await.map(drop),
        }
    }

    async fn reject(
        &mut self,
        session: Option<&SessionId>,
        rejection: Rejection,
    ) -> Result<(), Closed> {
        let frame = Frame::rejected(clock::now(), session, rejection);
        self.count_error(&frame);
        self.pump.send(&frame).await
    }

    async fn store_failed(
        &mut self,
        session: &SessionId,
        error: &StoreError,
    ) -> Result<(), Closed> {
        tracing::error!(session.id = %session, cause = ?error, "cannot read a session");
        self.reject(Some(session), refusal::not_read()).await
    }

    fn count_error(&self, frame: &Frame) {
        if let Some(code) = frame.error_code() {
            self.state
                .metrics
                .message_errors
                .with_label_values(&[code.as_str()])
                .inc();
        }
    }
}

async fn next_event(following: &mut Option<Following>) -> Heard {
    match following {
        Some(following) => following.events.next().await,
        None => std::future::pending().await,
    }
}

/// Resolves when something happens in the session that the client waits for.
async fn begun(waiting: &mut Option<(Start, Subscription)>) -> Start {
    match waiting {
        Some((start, events)) => {
            events.next().await;
            start.clone()
        }
        None => std::future::pending().await,
    }
}
