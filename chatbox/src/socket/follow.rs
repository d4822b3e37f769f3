//! What one client has seen of one session, and so what it must be sent next: each message once, in order, each
//! answer without a hole and without a doubled character. Pure.

use jiff::Timestamp;

use crate::bus::{Delta, Event};
use crate::chat::message::Answered;
use crate::chat::{Message, MessageId, RunId, SessionId, utf16};
use crate::turn::Snapshot;
use crate::wire::Frame;
use crate::wire::outbound::Piece;

/// What one client has seen of one session.
#[derive(Debug)]
pub(super) struct Follow {
    session: SessionId,
    /// `seq` of the newest message it has.
    seq: i64,
    /// The answer it is being told, and how much of it, in UTF-16 code units.
    run: Option<(RunId, usize)>,
    /// The run whose message came last: what is still said of it is old.
    ended: Option<RunId>,
    /// Messages that this client sent itself: they are acknowledged, not told.
    own: Vec<MessageId>,
}

/// What to do about an event.
#[derive(Debug)]
pub(super) enum Step {
    Send(Box<Frame>),
    /// The client knows it already.
    Skip,
    /// Something is missing before it: read the store.
    Gap,
}

impl Follow {
    pub(super) fn new(session: SessionId, seq: i64, run: Option<(RunId, usize)>) -> Self {
        Self {
            session,
            seq,
            run,
            ended: None,
            own: Vec::new(),
        }
    }

    pub(super) fn session(&self) -> &SessionId {
        &self.session
    }

    pub(super) fn seq(&self) -> i64 {
        self.seq
    }

    /// The client sent this one itself: in its turn it is acknowledged.
    pub(super) fn sent(&mut self, message: &Message) {
        self.own.push(message.id);
    }

    /// Gives up on what lies between: the client reads the history elsewhere.
    pub(super) fn skip_to(&mut self, seq: i64) {
        self.seq = seq;
    }

    pub(super) fn event(&mut self, now: Timestamp, event: &Event) -> Step {
        match event {
            Event::Stored(message) => self.message(now, message),
            Event::Began { run, .. } if self.knows(*run) => Step::Skip,
            Event::Began { run, fence } => {
                self.run = Some((*run, 0));
                Step::Send(Box::new(Frame::loading(now, &self.session, *run, *fence)))
            }
            Event::Said(delta) => self.said(now, delta),
            Event::Failed { run, failure } => {
                Step::Send(Box::new(Frame::failed(now, &self.session, *run, *failure)))
            }
        }
    }

    /// A stored message, from the bus or from the store.
    pub(super) fn message(&mut self, now: Timestamp, message: &Message) -> Step {
        if message.seq <= self.seq {
            return Step::Skip;
        }
        if message.seq > self.seq + 1 {
            return Step::Gap;
        }
        self.seq = message.seq;
        let own = self.own.iter().position(|id| *id == message.id);
        Step::Send(Box::new(match (&message.answer, own) {
            (Some(answer), _) => self.answered(message, answer),
            (None, Some(index)) => {
                self.own.swap_remove(index);
                Frame::ack(now, message)
            }
            (None, None) => Frame::user_message(message),
        }))
    }

    fn knows(&self, run: RunId) -> bool {
        self.ended == Some(run) || self.run.is_some_and(|(seen, _)| seen == run)
    }

    fn answered(&mut self, message: &Message, answer: &Answered) -> Frame {
        let (off, text) = self.beyond(answer.run, &message.content);
        self.run = None;
        self.ended = Some(answer.run);
        let piece = Piece {
            run: answer.run,
            fence: answer.fence,
            model: &answer.model,
            off,
            text,
        };
        Frame::answered(message, answer.status, &piece)
    }

    /// What the client lacks of the text of a run, and where that begins. One that has more than there is gets the
    /// whole: what is stored holds.
    fn beyond<'text>(&self, run: RunId, text: &'text str) -> (usize, &'text str) {
        match self.run {
            Some((seen, off)) if seen == run && off <= utf16::len(text) => {
                (off, utf16::skip(text, off))
            }
            _ => (0, text),
        }
    }

    /// What a run has said before the client came.
    pub(super) fn snapshot(&mut self, now: Timestamp, live: &Snapshot) -> Vec<Frame> {
        if self.ended == Some(live.run) {
            return Vec::new();
        }
        let (off, text) = self.beyond(live.run, &live.text);
        self.run = Some((live.run, off + utf16::len(text)));
        let mut frames = vec![Frame::loading(now, &self.session, live.run, live.fence)];
        if !text.is_empty() {
            let piece = Piece {
                run: live.run,
                fence: live.fence,
                model: &live.model,
                off,
                text,
            };
            frames.push(Frame::delta(now, &self.session, &piece));
        }
        frames
    }

    fn said(&mut self, now: Timestamp, delta: &Delta) -> Step {
        if self.ended == Some(delta.run) {
            return Step::Skip;
        }
        let have = match self.run {
            Some((run, have)) if run == delta.run => have,
            _ => 0,
        };
        if delta.off > have {
            return Step::Gap;
        }
        let text = utf16::skip(&delta.text, have - delta.off);
        if text.is_empty() {
            return Step::Skip;
        }
        self.run = Some((delta.run, have + utf16::len(text)));
        let piece = Piece {
            run: delta.run,
            fence: delta.fence,
            model: &delta.model,
            off: have,
            text,
        };
        Step::Send(Box::new(Frame::delta(now, &self.session, &piece)))
    }
}

#[cfg(test)]
mod tests;
