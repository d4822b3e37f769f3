//! What one client has seen of one session, and so what it must be sent next: each message once, in order, each
//! answer without a hole and without a doubled character. Pure.

use jiff::Timestamp;

use crate::bus::{Delta, Event, LiveRun};
use crate::chat::{Answered, Kind, Message, MessageId, RunId, Sender, SessionId, utf16};
use crate::old_clients::{Has, Position};
use crate::wire::ServerFrame;
use crate::wire::outbound::Piece;

/// What one client has seen of one session.
#[derive(Debug)]
pub(super) struct Cursor {
    session: SessionId,
    /// `seq` of the newest message it has.
    seq: i64,
    /// The answer that it is being sent, and how much of it, in UTF-16 code units.
    run: Option<(RunId, usize)>,
    /// The newest fence it has seen: what comes with an older one is old.
    fence: i64,
    /// The newest fence whose message it has: what still comes under it is old too.
    ended: i64,
    /// The newest fence whose failure it knows.
    failed: i64,
    /// A run whose beginning nobody could give: the client gets its message alone.
    unavailable: Option<RunId>,
    /// Messages that this client sent itself: they are acknowledged, not sent back.
    own: Vec<MessageId>,
    /// The client appends whatever comes: nothing may come twice, and nothing can be replaced.
    appends: bool,
    /// It is being sent what it missed. Its own questions are on its page already, and cannot be told from others.
    misses_answers: bool,
}

/// What to do about an event.
#[derive(Debug)]
pub(super) enum Step<'a> {
    Send(Box<ServerFrame<'a>>),
    /// The client knows it already.
    Skip,
    /// Something is missing before it: subscribe again, and read the store.
    Gap,
}

impl Cursor {
    pub(super) fn new(session: SessionId, seq: i64, run: Option<(RunId, usize)>) -> Self {
        Self {
            session,
            seq,
            run,
            fence: 0,
            ended: 0,
            failed: 0,
            unavailable: None,
            own: Vec::new(),
            appends: false,
            misses_answers: false,
        }
    }

    /// For a client that never says what it has. `newest`: `seq` of the session.
    pub(super) fn appending(session: SessionId, has: Has, newest: i64) -> Self {
        let (seq, run) = match has {
            Has::History(seq) => (seq, None),
            Has::Sent(Position { seq, run }) => (seq, run),
            Has::Nothing => (newest, None),
        };
        Self {
            appends: true,
            misses_answers: matches!(has, Has::Sent(_)),
            ..Self::new(session, seq.min(newest), run)
        }
    }

    /// The session has come so far: what comes under a smaller fence is old, whatever the client has seen.
    pub(super) fn at_fence(&mut self, fence: i64) {
        self.fence = self.fence.max(fence);
    }

    /// The client has everything that it missed.
    pub(super) fn has_caught_up(&mut self) {
        self.misses_answers = false;
    }

    /// What the client was sent.
    pub(super) fn position(&self) -> Position {
        Position {
            seq: self.seq,
            run: self.run,
        }
    }

    pub(super) fn session(&self) -> &SessionId {
        &self.session
    }

    pub(super) fn seq(&self) -> i64 {
        self.seq
    }

    /// The client sent this one itself: in its turn it is acknowledged.
    pub(super) fn expect_ack(&mut self, message: &Message) {
        self.own.push(message.id);
    }

    /// Whether a message that this client sent was not acknowledged yet. It is from now on.
    pub(super) fn take_expected_ack(&mut self, id: MessageId) -> bool {
        let sent = self.own.iter().position(|own| *own == id);
        sent.map(|index| self.own.swap_remove(index)).is_some()
    }

    /// Gives up on what lies between: the client reads the history elsewhere.
    pub(super) fn skip_to(&mut self, seq: i64) {
        self.seq = seq;
    }

    pub(super) fn event<'a>(&'a mut self, now: Timestamp, event: &'a Event) -> Step<'a> {
        match event {
            Event::MessageStored(message) => self.message(now, message),
            Event::RunStarted {
                run,
                fence,
                question,
                ..
            } => self.started(now, *run, *fence, *question),
            Event::ModelChosen { model } => {
                let frame = ServerFrame::model_chosen(now, &self.session, model);
                Step::Send(Box::new(frame))
            }
            Event::Typing { sender, .. } => {
                let frame = ServerFrame::typing(now, &self.session, *sender);
                Step::Send(Box::new(frame))
            }
            Event::Delta(delta) => self.delta(now, delta),
            Event::RunEnded { fence, .. } if *fence < self.fence || *fence <= self.failed => {
                Step::Skip
            }
            Event::RunEnded {
                run,
                fence,
                failure,
            } => match failure {
                Some(failure) => {
                    self.failed = *fence;
                    let frame = ServerFrame::failed(now, &self.session, *run, *failure);
                    Step::Send(Box::new(frame))
                }
                None => Step::Skip,
            },
        }
    }

    /// A stored message, from the bus or from the store.
    pub(super) fn message<'a>(&mut self, now: Timestamp, message: &'a Message) -> Step<'a> {
        if message.seq <= self.seq {
            return match &message.answer {
                // The client came between its commit and its announcement, and has seen the run as a live one.
                Some(answer) if self.run.is_some_and(|(run, _)| run == answer.run) => {
                    Step::Send(Box::new(self.answered(message, answer)))
                }
                _ => Step::Skip,
            };
        }
        if message.seq > self.seq + 1 {
            return Step::Gap;
        }
        self.seq = message.seq;
        if let Kind::AdminJoin { fence } | Kind::AdminLeave { fence } = message.kind {
            // What still comes of a run before it is old.
            self.fence = self.fence.max(fence);
            self.run = None;
        }
        if self.misses_answers && message.sender == Sender::User {
            return Step::Skip;
        }
        let own = self.own.iter().position(|id| *id == message.id);
        Step::Send(Box::new(match (&message.answer, own) {
            (Some(answer), _) => self.answered(message, answer),
            (None, Some(index)) => {
                self.own.swap_remove(index);
                ServerFrame::ack(now, message)
            }
            (None, None) => ServerFrame::stored(message),
        }))
    }

    /// Whether something that comes under this fence is too old to be sent.
    fn is_old(&self, fence: i64) -> bool {
        fence <= self.ended || fence < self.fence
    }

    fn started(&mut self, now: Timestamp, run: RunId, fence: i64, question: i64) -> Step<'_> {
        if self.is_old(fence) || self.run.is_some_and(|(seen, _)| seen == run) {
            return Step::Skip;
        }
        self.fence = fence;
        self.run = Some((run, 0));
        Step::Send(Box::new(ServerFrame::loading(
            now,
            &self.session,
            run,
            fence,
            question,
        )))
    }

    fn answered<'a>(&mut self, message: &'a Message, answer: &'a Answered) -> ServerFrame<'a> {
        let is_seen = self.run.is_some_and(|(run, _)| run == answer.run);
        let (off, text) = match message.text() {
            // The client may have been sent thoughts, and replaces them by the whole; one that appends cannot.
            text if text.len() < message.content.len() && !(self.appends && is_seen) => (0, text),
            _ => self.beyond(answer.run, &message.content),
        };
        if answer.fence >= self.fence {
            self.run = None;
        }
        self.fence = self.fence.max(answer.fence);
        self.ended = self.ended.max(answer.fence);
        let piece = Piece {
            run: answer.run,
            fence: answer.fence,
            model: &answer.model,
            off,
            text,
        };
        ServerFrame::answered(message, answer, &piece)
    }

    /// What the client lacks of the text of a run, and where that begins. One that has more than there is gets the
    /// whole: what is stored holds.
    fn beyond<'text>(&self, run: RunId, text: &'text str) -> (usize, &'text str) {
        match self.run {
            Some((seen, off)) if seen == run && off <= utf16::len(text) => {
                (off, utf16::skip(text, off))
            }
            Some((seen, _)) if seen == run && self.appends => (utf16::len(text), ""),
            _ => (0, text),
        }
    }

    /// What the run at work produced before the first event of a new subscription. Without it, pieces that do not follow
    /// what the client has are left out from now on: nobody has what comes before them.
    pub(super) fn live<'a>(
        &'a mut self,
        now: Timestamp,
        live: Option<&'a LiveRun>,
    ) -> Vec<ServerFrame<'a>> {
        let Some(live) = live else {
            return Vec::new();
        };
        if self.unavailable == Some(live.run) {
            self.unavailable = None;
        }
        if self.is_old(live.fence) {
            return Vec::new();
        }
        self.fence = live.fence;
        let (off, text) = self.beyond(live.run, &live.text);
        let is_seen = self.run.is_some_and(|(run, _)| run == live.run);
        self.run = Some((live.run, off + utf16::len(text)));
        let loading = ServerFrame::loading(now, &self.session, live.run, live.fence, live.question);
        // A client that appends would show again that it waits for the first word.
        let mut frames = Vec::from_iter((!self.appends || !is_seen).then_some(loading));
        if !text.is_empty() {
            let piece = Piece {
                run: live.run,
                fence: live.fence,
                model: &live.model,
                off,
                text,
            };
            frames.push(ServerFrame::delta(now, &self.session, &piece));
        }
        frames
    }

    fn delta<'a>(&'a mut self, now: Timestamp, delta: &'a Delta) -> Step<'a> {
        if self.is_old(delta.fence) || self.unavailable == Some(delta.run) {
            return Step::Skip;
        }
        let have = match self.run {
            Some((run, have)) if run == delta.run => have,
            _ => 0,
        };
        if delta.off > have {
            // Asked for once. If the new subscription does not bring it, the next pieces are skipped.
            self.unavailable = Some(delta.run);
            return Step::Gap;
        }
        let text = utf16::skip(&delta.text, have - delta.off);
        if text.is_empty() {
            return Step::Skip;
        }
        self.fence = delta.fence;
        self.run = Some((delta.run, have + utf16::len(text)));
        let piece = Piece {
            run: delta.run,
            fence: delta.fence,
            model: &delta.model,
            off: have,
            text,
        };
        Step::Send(Box::new(ServerFrame::delta(now, &self.session, &piece)))
    }
}

#[cfg(test)]
mod tests;
