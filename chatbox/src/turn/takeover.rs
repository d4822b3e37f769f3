//! Members of staff who take a session over, and give it back.

use jiff::SignedDuration;

use super::Turns;
use crate::bus::Event;
use crate::chat::{Author, Message, MessageId, Rejection, Run, SessionId, Status};
use crate::clock;
use crate::store::{
    Answer, Assign, Assigned, By, HelpRequest, Judged, Notice, Ongoing, Release, StoreError,
};

/// How often a takeover is tried while runs come and go in the session.
const ATTEMPTS_MAX: usize = 8;
/// Sessions that are given back in one sweep.
const SWEEP_MAX: usize = 100;

/// What a takeover came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenOver {
    /// `seq` of the message that says so.
    Now(i64),
    /// It was this member of staff's already.
    Before,
}

impl Turns {
    /// Gives a session to a member of staff. An answer that is being written ends with it, and no word of a model is shown or
    /// stored from then on.
    pub async fn assign(
        &self,
        session: &SessionId,
        author: &Author,
    ) -> Result<Judged<TakenOver>, StoreError> {
        for _ in 0..ATTEMPTS_MAX {
            let ending = match self.deps().store.ongoing(session).await? {
                Some(ongoing) => Some(self.superseded(ongoing).await),
                None => None,
            };
            let run = ending.as_ref().map(|(run, _)| run.id);
            let request = Assign {
                session: session.clone(),
                author: author.clone(),
                notice: notice(format!("{} has joined the conversation.", author.name)),
                ending,
            };
            let messages = match self.deps().store.assign(request).await? {
                Ok(Assigned::Now(messages)) => messages,
                Ok(Assigned::Before) => return Ok(Ok(TakenOver::Before)),
                Ok(Assigned::RunChanged) => continue,
                Err(rejection) => return Ok(Err(rejection)),
            };
            let stop = run.and_then(|run| self.running().get(&run).cloned());
            if let Some(stop) = stop {
                stop.interrupt();
            }
            tracing::info!(session.id = %session, admin.id = author.user, "a member of staff has taken a session over");
            let seq = messages.last().map_or(0, |joined| joined.seq);
            self.announce(messages);
            return Ok(Ok(TakenOver::Now(seq)));
        }
        Ok(Err(Rejection::Busy))
    }

    /// The end of a run that a takeover cuts off: what its readers have seen of it, where this process knows that, and else what
    /// is kept of it.
    async fn superseded(&self, ongoing: Ongoing) -> (Run, Answer) {
        let Ongoing { run, text } = ongoing;
        let live = self.deps().bus.subscribe(&run.session).await.live;
        let seen = live.filter(|live| live.run == run.id && live.text.len() > text.len());
        let answer = Answer {
            id: MessageId::new(),
            content: seen.map_or(text, |live| live.text),
            status: Status::Superseded,
            model: run.model.clone(),
            at: clock::now(),
            tokens: 0,
            took_ms: 0,
            provider_state: None,
        };
        (run, answer)
    }

    /// Gives a session back to the model, which answers the next message. False: nobody had it.
    pub async fn release(
        &self,
        session: &SessionId,
        author: &Author,
    ) -> Result<Judged<bool>, StoreError> {
        let words = format!("{} has left the conversation.", author.name);
        self.release_by(session, By::Agent(author.clone()), words)
            .await
    }

    async fn release_by(
        &self,
        session: &SessionId,
        by: By,
        words: String,
    ) -> Result<Judged<bool>, StoreError> {
        let request = Release {
            session: session.clone(),
            by,
            notice: notice(words),
        };
        let released = self.deps().store.release(request).await?;
        Ok(released.map(|left| {
            let is_new = left.is_some();
            if is_new {
                tracing::info!(session.id = %session, "a session is the model's again");
            }
            self.announce(left);
            is_new
        }))
    }

    /// Gives back the sessions whose members of staff have been away for too long.
    pub(super) async fn release_unattended(&self) -> Result<(), StoreError> {
        let deps = self.deps();
        let away = SignedDuration::try_from(deps.away).unwrap_or(SignedDuration::MAX);
        let before = clock::now() - away;
        for session in deps.store.unattended(before, SWEEP_MAX).await? {
            let words = "Our member of staff has left the conversation.".to_owned();
            let released = self
                .release_by(&session, By::Absence(before), words)
                .await?;
            if released == Ok(true) {
                tracing::warn!(session.id = %session, "its member of staff was away for too long");
            }
        }
        Ok(())
    }

    /// Notes that the members of staff whose connections this process holds are there.
    pub(super) async fn attend(&self) -> Result<(), StoreError> {
        for (session, agent) in self.0.attendance.present() {
            self.deps()
                .store
                .attend(&session, &agent, clock::now())
                .await?;
        }
        Ok(())
    }

    /// Notes that a user asks for a member of staff. Asking twice asks once.
    pub async fn request_help(
        &self,
        session: &SessionId,
        author: Author,
    ) -> Result<Judged<()>, StoreError> {
        let request = HelpRequest {
            session: session.clone(),
            author,
            notice: notice("I would like to talk to somebody.".to_owned()),
        };
        let asked = self.deps().store.request_help(request).await?;
        Ok(asked.map(|message| self.announce(message)))
    }

    fn announce(&self, messages: impl IntoIterator<Item = Message>) {
        for message in messages {
            let session = message.session.clone();
            self.deps()
                .bus
                .publish(&session, Event::MessageStored(message));
        }
    }
}

fn notice(content: String) -> Notice {
    Notice {
        id: MessageId::new(),
        content,
        at: clock::now(),
    }
}
