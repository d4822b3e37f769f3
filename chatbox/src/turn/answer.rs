//! What a model produces → deltas, and in the end a message. Pure.

use std::time::Duration;

use jiff::Timestamp;

use crate::bus::Delta;
use crate::chat::{Failure, MessageId, Run, Status, utf16};
use crate::llm::{self, ErrorClass, Finish, Usage};
use crate::store::{Answer, StoreError};

/// How a run ended.
#[derive(Debug)]
pub(super) enum Ending {
    /// The model ended its answer.
    Done(Finish),
    Failed(llm::Error),
    /// What came before the question could not be read, or the first words not be kept.
    StoreFailed(StoreError),
    /// Several attempts came to no end.
    GivenUp,
    /// No more of it can be held: for its user, or in all.
    TooLong,
    /// The server stopped, or somebody else took the session.
    Interrupted,
    /// Its user stopped it.
    Cancelled,
}

impl Ending {
    /// Why there is no answer, or no more of it, for those who follow it.
    pub(super) fn failure(&self) -> Option<Failure> {
        match self {
            Self::Failed(error) => Some(error.class.failure()),
            Self::StoreFailed(_) | Self::GivenUp => Some(Failure::Unavailable),
            Self::Done(Finish::ContentFilter) => Some(Failure::ContentFiltered),
            Self::Done(Finish::Stop | Finish::Length | Finish::Refusal)
            | Self::TooLong
            | Self::Interrupted
            | Self::Cancelled => None,
        }
    }

    pub(super) fn status(&self) -> Status {
        match self {
            Self::Done(Finish::Stop) => Status::Complete,
            Self::Done(Finish::Length) | Self::TooLong => Status::Length,
            Self::Done(Finish::ContentFilter) => Status::ContentFilter,
            Self::Done(Finish::Refusal) => Status::Refusal,
            Self::Failed(error) if error.class == ErrorClass::ContentRefused => {
                Status::ContentFilter
            }
            Self::Failed(_) | Self::StoreFailed(_) | Self::GivenUp => Status::Failed,
            Self::Interrupted => Status::Interrupted,
            Self::Cancelled => Status::Cancelled,
        }
    }
}

/// An answer that grows.
pub(super) struct Draft<'run> {
    run: &'run Run,
    /// Id of the model that is asked.
    model: String,
    text: String,
    /// Length of `text` in UTF-16 code units.
    off: usize,
    pub(super) usage: Usage,
    /// What the provider asked to keep.
    pub(super) provider_state: Option<String>,
}

impl<'run> Draft<'run> {
    pub(super) fn new(run: &'run Run) -> Self {
        Self {
            run,
            model: run.model.clone(),
            text: String::new(),
            off: 0,
            usage: Usage::default(),
            provider_state: None,
        }
    }

    /// This model is asked now; no one before it has said a word.
    pub(super) fn begin(&mut self, model: &str) {
        model.clone_into(&mut self.model);
        self.usage = Usage::default();
        self.provider_state = None;
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Adds the next piece.
    pub(super) fn push(&mut self, text: String) -> Delta {
        let off = self.off;
        self.off += utf16::len(&text);
        self.text.push_str(&text);
        Delta {
            run: self.run.id,
            fence: self.run.fence,
            model: self.model.clone(),
            off,
            text,
        }
    }

    pub(super) fn finish(
        self,
        ending: &Ending,
        id: MessageId,
        at: Timestamp,
        took: Duration,
    ) -> Answer {
        Answer {
            id,
            content: self.text,
            status: ending.status(),
            model: self.model,
            at,
            tokens: i64::try_from(self.usage.total()).unwrap_or(i64::MAX),
            took_ms: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
            provider_state: self.provider_state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{OwnerId, RunId, SessionId};
    use crate::store::ErrorKind;

    #[test]
    fn each_ending_has_its_status_and_its_words() {
        let unread = StoreError::new(ErrorKind::Permanent, anyhow::anyhow!("it is damaged"));
        let failed = |class| {
            Ending::Failed(llm::Error {
                class,
                cause: anyhow::anyhow!("x"),
            })
        };
        for (ending, status, failure) in [
            (Ending::Done(Finish::Stop), Status::Complete, None),
            (Ending::Done(Finish::Length), Status::Length, None),
            (Ending::Done(Finish::Refusal), Status::Refusal, None),
            (
                Ending::Done(Finish::ContentFilter),
                Status::ContentFilter,
                Some(Failure::ContentFiltered),
            ),
            (
                failed(ErrorClass::ContentRefused),
                Status::ContentFilter,
                Some(Failure::ContentFiltered),
            ),
            (
                failed(ErrorClass::ContextTooLong),
                Status::Failed,
                Some(Failure::ContextTooLong),
            ),
            (
                failed(ErrorClass::Empty),
                Status::Failed,
                Some(Failure::Unavailable),
            ),
            (
                failed(ErrorClass::Timeout),
                Status::Failed,
                Some(Failure::Timeout),
            ),
            (
                Ending::StoreFailed(unread),
                Status::Failed,
                Some(Failure::Unavailable),
            ),
            (Ending::TooLong, Status::Length, None),
            (Ending::Interrupted, Status::Interrupted, None),
            (Ending::Cancelled, Status::Cancelled, None),
        ] {
            assert_eq!(
                (ending.status(), ending.failure()),
                (status, failure),
                "{ending:?}"
            );
        }
    }

    #[test]
    fn offsets_count_as_a_browser_does_and_pieces_make_the_whole() {
        let run = Run {
            id: RunId::new(),
            session: SessionId::random(),
            question: 1,
            fence: 7,
            model: "m".to_owned(),
            owner: OwnerId::new(),
        };
        let mut draft = Draft::new(&run);
        let offs: Vec<_> = ["a😀", "ä", "b"]
            .map(|text| draft.push(text.to_owned()).off)
            .into();
        assert_eq!((&offs[..], draft.text()), (&[0, 3, 4][..], "a😀äb"));
        draft.usage = Usage {
            question: 3,
            answer: 2,
        };
        draft.provider_state = Some("c1".to_owned());
        let answer = draft.finish(
            &Ending::Interrupted,
            MessageId::new(),
            Timestamp::UNIX_EPOCH,
            Duration::from_secs(2),
        );
        assert_eq!(
            (answer.content.as_str(), answer.tokens, answer.took_ms),
            ("a😀äb", 5, 2000)
        );
        assert_eq!(answer.status, Status::Interrupted);
        assert_eq!(answer.provider_state.as_deref(), Some("c1"));
    }
}
