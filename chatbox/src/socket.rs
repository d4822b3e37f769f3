//! The life of one connection: what the client sends, what the session publishes, pings, the end.
//!
//! `cursor` decides what the client is sent (pure), `catch_up` binds the connection to a session and fills gaps from
//! the store, `change` and `takeover` serve what is asked beside questions, `transport` writes and reads frames, `rejection` holds the words for what is not served.

mod binding;
mod catch_up;
mod change;
mod coalesce;
mod cursor;
mod rejection;
mod takeover;
mod transport;
mod turn_away;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::ws::WebSocket;
use prometheus::IntGauge;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use self::binding::Binding;
use self::coalesce::coalesce;
use self::cursor::Step;
use self::transport::{Closed, Incoming, Transport};
pub use self::turn_away::turn_away;
use crate::auth::Caller;
use crate::bus::{Event, Received, Subscription};
use crate::chat::{Message, RunId, Sender, SessionId};
use crate::clock;
use crate::limits::InFlight;
use crate::old_clients::OldClient;
use crate::state::AppState;
use crate::turn::{Asked, NewQuestion, Present};
use crate::wire::inbound::{self, Resume, UserMessage};
use crate::wire::{
    CLOSE_EXPIRED, CLOSE_GOING_AWAY, CLOSE_SLOW, CLOSE_TRY_LATER, ClientFrame, Rejection,
    ServerFrame,
};

/// Between two pings: short enough for the proxies that close idle connections after 30 s.
const PING_EVERY: Duration = Duration::from_secs(25);
/// A peer that has sent nothing since so many pings ago is gone: a minute at least. Pings are counted and not the time,
/// for a client is neither pinged nor read while it is sent what it missed.
const SILENT_PINGS: u8 = 3;

/// How long a refusal is put off, so that somebody who sends too much is not refused as fast as it comes.
const SLOW_DOWN: Duration = Duration::from_secs(1);

/// A session that the client named when it connected.
#[derive(Clone, Debug)]
pub struct Start {
    pub session: SessionId,
    /// Set: send what came after this `seq`.
    pub after: Option<i64>,
    pub run: Option<(RunId, usize)>,
}

/// Serves one client until one of the two goes.
///
/// Not an `async fn`: it would hold each argument twice, once more for ten thousand connections.
pub fn serve(
    socket: WebSocket,
    caller: Caller,
    in_flight: InFlight,
    start: Option<Start>,
    state: AppState,
) -> impl Future<Output = ()> + Send {
    let mut connection = Connection {
        transport: Transport::new(socket, in_flight),
        caller,
        binding: Binding::None,
        is_old: true,
        old_client: None,
        present: None,
        typed: None,
        state,
    };
    // Boxed, as everything that a connection does: it takes memory while it is under way, and not while it waits.
    let start = start.map(Box::new);
    async move {
        let _open = Open::new(connection.state.metrics.connections.clone());
        let Err(Closed) = connection.run(start).await;
    }
}

/// Counts a connection until it is dropped, also by a panic.
struct Open(IntGauge);

impl Open {
    fn new(gauge: IntGauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

struct Connection {
    transport: Transport,
    caller: Caller,
    binding: Binding,
    /// The client has not said what it has of a session, as clients of the predecessor never do.
    is_old: bool,
    old_client: Option<OldClient>,
    /// The caller is a member of staff in somebody else's session.
    present: Option<Present>,
    /// When it was last passed on that the caller is writing.
    typed: Option<Instant>,
    state: AppState,
}

impl Connection {
    /// Goes on until the connection is over, and then returns.
    async fn run(&mut self, start: Option<Box<Start>>) -> Result<Infallible, Closed> {
        Box::pin(self.greet(start)).await?;
        let mut ping = interval(PING_EVERY);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut silent_pings = 0;
        let left = self.caller.expires.duration_since(clock::now());
        let expiry = sleep(left.try_into().unwrap_or(Duration::ZERO));
        tokio::pin!(expiry);
        let lifecycle = self.state.lifecycle.clone();
        let closing = lifecycle.closing();
        tokio::pin!(closing);
        loop {
            // What ends the connection comes first, then what the peer says: it may have waited behind a long delivery.
            tokio::select! {
                biased;
                () = &mut closing => return Err(Box::pin(self.leave()).await),
                () = &mut expiry => {
                    let close = (CLOSE_EXPIRED, "the token has expired");
                    let ended = self.end(None, rejection::expired(), close);
                    return Err(Box::pin(ended).await);
                }
                incoming = self.transport.next() => {
                    silent_pings = 0;
                    match incoming? {
                        Incoming::Text(text) => Box::pin(self.take(&text)).await?,
                        Incoming::Other => {}
                    }
                }
                _ = ping.tick() => {
                    if self.transport.is_stalled() {
                        let closed = self.transport.close(CLOSE_SLOW, "a message has no end");
                        return Err(Box::pin(closed).await);
                    }
                    if silent_pings == SILENT_PINGS {
                        return Err(Closed);
                    }
                    silent_pings += 1;
                    Box::pin(self.transport.ping()).await?;
                }
                received = self.binding.recv() => Box::pin(self.receive(received)).await?,
            }
        }
    }

    async fn greet(&mut self, start: Option<Box<Start>>) -> Result<(), Closed> {
        let session = start.as_ref().map(|start| &start.session);
        let hello = hello(&self.caller, &self.state, session);
        self.transport.send(&hello).await?;
        let Some(start) = start else {
            return Ok(());
        };
        if start.after.is_some()
            && let Err(wait) = self.state.limits.read(&self.caller.user)
        {
            let rejection = rejection::resumes_too_often(wait);
            let close = (CLOSE_TRY_LATER, "resumes too often");
            return Err(self.end(Some(&start.session), rejection, close).await);
        }
        self.bind(*start).await
    }

    /// Delivers what was published before the end, and goes.
    async fn leave(&mut self) -> Closed {
        match self.deliver_waiting().await {
            Err(closed) => closed,
            Ok(()) => {
                self.transport
                    .close(CLOSE_GOING_AWAY, "Server shutting down")
                    .await
            }
        }
    }

    async fn take(&mut self, text: &str) -> Result<(), Closed> {
        match inbound::parse(text, message_chars(&self.state)) {
            Ok(ClientFrame::UserMessage(message)) => self.ask(message).await,
            Ok(ClientFrame::ModelSelect(select)) => self.select_model(select).await,
            Ok(ClientFrame::Cancel(cancel)) => self.cancel(cancel).await,
            Ok(ClientFrame::Regenerate(regenerate)) => self.regenerate(regenerate).await,
            Ok(ClientFrame::AdminJoin(about)) => self.join_as_admin(about).await,
            Ok(ClientFrame::AdminLeave(about)) => self.leave_as_admin(about).await,
            Ok(ClientFrame::HelpRequest(about)) => self.request_help(about).await,
            Ok(ClientFrame::Typing(about)) => {
                self.typing(&about);
                Ok(())
            }
            Ok(ClientFrame::Resume(Resume {
                session,
                after,
                run,
            })) => {
                if let Err(wait) = self.state.limits.read(&self.caller.user) {
                    sleep(wait.min(SLOW_DOWN)).await;
                    let rejection = rejection::resumes_too_often(wait);
                    return self.reject(Some(&session), rejection).await;
                }
                self.bind(Start {
                    session,
                    after: Some(after),
                    run,
                })
                .await
            }
            Err(rejection) => {
                // What is of no use counts as much as a message; who sends too much of it is answered slowly.
                if let Err(wait) = self.state.limits.message(&self.caller.user) {
                    sleep(wait.min(SLOW_DOWN)).await;
                }
                self.reject(None, rejection).await
            }
        }
    }

    /// Stores a question, has it answered, and acknowledges it in its turn.
    async fn ask(&mut self, message: UserMessage) -> Result<(), Closed> {
        let session = message
            .session
            .or_else(|| self.binding.session().cloned())
            .unwrap_or_else(SessionId::random);
        let client_id = message.client_id.clone();
        let about = |rejection| Rejection {
            client_id,
            ..rejection
        };
        if let Err(wait) = self.state.limits.message(&self.caller.user) {
            sleep(wait.min(SLOW_DOWN)).await;
            let rejection = about(rejection::too_fast(wait));
            return self.reject(Some(&session), rejection).await;
        }
        self.state.metrics.messages_received.inc();
        // Before the question is stored, so that nothing of it is missed; dropped if the session is not this user's.
        let subscription = if self.binding.is_bound_to(&session) {
            None
        } else {
            Some(self.state.bus.subscribe(&session).await)
        };
        let question = NewQuestion {
            session: session.clone(),
            author: self.caller.to_author(),
            client_id: message.client_id,
            content: message.content,
            replaces: message.replaces,
        };
        let turns = self.state.turns.clone();
        let rejection = match self.meanwhile(turns.ask(question)).await? {
            Ok(Asked::Stored { message, is_new }) => {
                // What was missed goes out with the acknowledgement, as after a resume.
                let is_resume = !is_new && subscription.is_some();
                match is_resume.then(|| self.state.limits.read(&self.caller.user)) {
                    Some(Err(wait)) => {
                        sleep(wait.min(SLOW_DOWN)).await;
                        rejection::resumes_too_often(wait)
                    }
                    _ => return self.acknowledge(&message, is_new, subscription).await,
                }
            }
            Ok(Asked::Rejected(rejected)) => rejection::not_admitted(rejected),
            Err(error) => rejection::not_stored(&error),
        };
        self.reject(Some(&session), about(rejection)).await
    }

    /// Does what a client asked for, and delivers what the session says meanwhile: a store that is away must not silence a
    /// running answer.
    async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Closed> {
        tokio::pin!(work);
        let mut delivered = Ok(());
        loop {
            let is_following = delivered.is_ok() && matches!(self.binding, Binding::Bound { .. });
            tokio::select! {
                biased;
                // To its end, also for a client that has gone: what it asked is stored and answered.
                done = &mut work => return delivered.map(|()| done),
                received = self.binding.recv(), if is_following => {
                    delivered = Box::pin(self.receive(received)).await;
                }
            }
        }
    }

    /// Tells the sender that its question is stored, after everything that came before it. `subscription`: the session
    /// is another one than so far.
    async fn acknowledge(
        &mut self,
        message: &Message,
        is_new: bool,
        subscription: Option<Subscription>,
    ) -> Result<(), Closed> {
        let mut live = None;
        let is_bound_anew = subscription.is_some();
        if let Some(subscription) = subscription {
            let hello = hello(&self.caller, &self.state, Some(&message.session));
            self.transport.feed(&hello).await?;
            live = subscription.live;
            self.binding = Binding::Bound {
                cursor: self.cursor_before(message),
                events: subscription.events,
            };
            self.attend(&message.session, message.sender == Sender::User);
        }
        if let (Some(client), Some(_)) = (&self.old_client, &message.client_id) {
            client.mark_names_messages();
        }
        if let Binding::Bound { cursor, .. } = &mut self.binding {
            if cursor.seq() >= message.seq {
                let ack = ServerFrame::ack(clock::now(), message);
                return self.transport.send(&ack).await;
            }
            cursor.expect_ack(message);
        }
        self.deliver_live(live.as_ref()).await?;
        self.deliver_waiting().await?;
        if is_new || !is_bound_anew {
            // What the bus did not bring comes from the store.
            self.deliver(&Event::MessageStored(message.clone())).await?;
        } else {
            // A question that is sent again on another connection may be answered already.
            Box::pin(self.catch_up()).await?;
        }
        if let Binding::Bound { cursor, .. } = &mut self.binding
            && cursor.take_expected_ack(message.id)
        {
            // Too much lay before it to be sent.
            let ack = ServerFrame::ack(clock::now(), message);
            self.transport.feed(&ack).await?;
        }
        if is_bound_anew && message.seq > 1 {
            self.tell_model(&message.session).await?;
        }
        self.remember();
        self.transport.flush().await
    }

    /// Something happened in the session.
    async fn receive(&mut self, received: Received) -> Result<(), Closed> {
        if let Binding::Waiting { start, .. } = &self.binding {
            let is_asked = start.after.is_some();
            // Everything in it has come since the client waits.
            let start = Start {
                after: start.after.or(Some(0)),
                ..start.clone()
            };
            return Box::pin(self.follow(start, is_asked)).await;
        }
        self.deliver_received(received).await?;
        // What was published meanwhile goes out with the same write.
        self.deliver_waiting().await?;
        self.remember();
        self.transport.flush().await
    }

    /// Delivers what waits now. What comes meanwhile waits for its turn: a stream may be faster than the socket, and
    /// the token may expire.
    async fn deliver_waiting(&mut self) -> Result<(), Closed> {
        match self.binding.try_recv() {
            Some(received) => self.deliver_received(received).await,
            None => Ok(()),
        }
    }

    async fn deliver_received(&mut self, received: Received) -> Result<(), Closed> {
        match received {
            Received::Events(events) => {
                for event in coalesce(&events) {
                    self.deliver(&event).await?;
                }
                Ok(())
            }
            Received::Lagged => Box::pin(self.catch_up()).await.map(drop),
        }
    }

    async fn deliver(&mut self, event: &Event) -> Result<(), Closed> {
        if matches!(event, Event::Typing { user, .. } if *user == self.caller.user) {
            return Ok(());
        }
        let Binding::Bound { cursor, .. } = &mut self.binding else {
            return Ok(());
        };
        let step = cursor.event(clock::now(), event);
        match step {
            Step::Send(frame) => {
                count_error(&self.state, &frame);
                let is_end = matches!(*frame, ServerFrame::AdminLeave(_));
                self.transport.feed(&frame).await?;
                if is_end {
                    self.leave_session();
                }
                Ok(())
            }
            Step::Skip => Ok(()),
            Step::Gap => Box::pin(self.catch_up()).await.map(drop),
        }
    }

    async fn reject(
        &mut self,
        session: Option<&SessionId>,
        rejection: Rejection,
    ) -> Result<(), Closed> {
        let frame = ServerFrame::rejected(clock::now(), session, rejection);
        count_error(&self.state, &frame);
        self.transport.send(&frame).await
    }

    /// Tells the client why the connection ends, in words and with a close code.
    async fn end(
        &mut self,
        session: Option<&SessionId>,
        rejection: Rejection,
        (code, reason): (u16, &'static str),
    ) -> Closed {
        if let Err(closed) = self.reject(session, rejection).await {
            return closed;
        }
        self.transport.close(code, reason).await
    }
}

fn hello<'a>(
    caller: &'a Caller,
    state: &AppState,
    session: Option<&'a SessionId>,
) -> ServerFrame<'a> {
    let models = state.model_names();
    ServerFrame::hello(
        clock::now(),
        &caller.user,
        session,
        models,
        message_chars(state),
    )
}

fn message_chars(state: &AppState) -> usize {
    usize::try_from(state.config.limits.message_chars).unwrap_or(0)
}

fn count_error(state: &AppState, frame: &ServerFrame<'_>) {
    if let Some(code) = frame.error_code() {
        state
            .metrics
            .message_errors
            .with_label_values(&[code.as_str()])
            .inc();
    }
}
