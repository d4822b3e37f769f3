//! What happens in a session, as a value and as bytes.

use serde::{Deserialize, Serialize};

use crate::chat::{Failure, Kind, Message, Run, RunId, Sender, utf16};

/// Version of the bytes. A process that reads another one takes the event for lost, and reads the store.
const VERSION: u32 = 1;

/// What happens in a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A message was stored.
    MessageStored(Message),
    /// A run begins to work on an answer.
    RunStarted {
        run: RunId,
        fence: i64,
        /// `seq` of the question.
        question: i64,
        model: String,
    },
    /// The model produced more.
    Delta(Delta),
    /// A run is over. If it ended in a message, that was published before.
    RunEnded {
        run: RunId,
        fence: i64,
        failure: Option<Failure>,
    },
    /// The user chose the model of the next answers.
    ModelChosen { model: String },
    /// Somebody is writing.
    Typing { user: String, sender: Sender },
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delta {
    pub run: RunId,
    pub fence: i64,
    pub model: String,
    /// Where the piece begins in the answer, in UTF-16 code units.
    pub off: usize,
    pub text: String,
}

/// A run at work, and what it has produced so far.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRun {
    pub run: RunId,
    pub fence: i64,
    /// `seq` of the question.
    pub question: i64,
    pub model: String,
    pub text: String,
    /// Length of `text` in UTF-16 code units.
    pub units: usize,
}

/// Bytes that are no event of this version.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    #[error("an event of version {0}; this release reads version {VERSION}")]
    Version(u32),
    #[error("not an event")]
    Malformed(#[from] serde_json::Error),
}

#[derive(Serialize)]
struct Envelope<'a> {
    v: u32,
    #[serde(flatten)]
    event: &'a Event,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

impl Event {
    pub fn started(run: &Run) -> Self {
        Self::RunStarted {
            run: run.id,
            fence: run.fence,
            question: run.question,
            model: run.model.clone(),
        }
    }

    pub fn ended(run: &Run, failure: Option<Failure>) -> Self {
        Self::RunEnded {
            run: run.id,
            fence: run.fence,
            failure,
        }
    }

    /// The event as it travels between processes.
    ///
    /// # Errors
    /// Never for events of this crate: strings, numbers and lists of them always have a JSON form.
    pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Envelope {
            v: VERSION,
            event: self,
        })
    }

    /// # Errors
    /// When the bytes come from another version, or are none of ours.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let Version { v } = serde_json::from_slice(bytes)?;
        if v != VERSION {
            return Err(DecodeError::Version(v));
        }
        Ok(serde_json::from_slice(bytes)?)
    }

    /// Bytes of text that the event holds in memory.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::MessageStored(message) => message.content.len(),
            Self::Delta(delta) => delta.text.len(),
            Self::RunStarted { .. }
            | Self::RunEnded { .. }
            | Self::ModelChosen { .. }
            | Self::Typing { .. } => 0,
        }
    }
}

impl LiveRun {
    /// The live run of a session after `event`, given the one before.
    pub(super) fn after(live: Option<Self>, event: &Event) -> Option<Self> {
        match event {
            Event::RunStarted { fence, .. }
                if live.as_ref().is_some_and(|live| live.fence > *fence) =>
            {
                live
            }
            Event::RunStarted {
                run,
                fence,
                question,
                model,
            } => Some(Self {
                run: *run,
                fence: *fence,
                question: *question,
                model: model.clone(),
                text: String::new(),
                units: 0,
            }),
            Event::Delta(delta) => live.map(|live| live.grown(delta)),
            Event::MessageStored(Message {
                kind: Kind::AdminJoin { fence },
                ..
            }) => live.filter(|live| live.fence >= *fence),
            Event::MessageStored(message) => live.filter(|live| {
                message
                    .answer
                    .as_ref()
                    .is_none_or(|answer| answer.run != live.run)
            }),
            Event::RunEnded { run, .. } => live.filter(|live| live.run != *run),
            Event::ModelChosen { .. } | Event::Typing { .. } => live,
        }
    }

    fn grown(mut self, delta: &Delta) -> Self {
        // A piece that does not follow is one of another run, or of an older owner.
        if delta.run == self.run && delta.off == self.units {
            self.text.push_str(&delta.text);
            self.units += utf16::len(&delta.text);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delta() -> Event {
        Event::Delta(Delta {
            run: RunId::new(),
            fence: 3,
            model: "m".to_owned(),
            off: 4,
            text: "größe 😀".to_owned(),
        })
    }

    #[test]
    fn bytes_hold_the_whole_event() {
        for event in [
            delta(),
            Event::RunStarted {
                run: RunId::new(),
                fence: 1,
                question: 1,
                model: "m".to_owned(),
            },
            Event::ModelChosen {
                model: "m".to_owned(),
            },
            Event::Typing {
                user: "u".to_owned(),
                sender: Sender::Admin,
            },
            Event::RunEnded {
                run: RunId::new(),
                fence: 1,
                failure: Some(Failure::Timeout),
            },
        ] {
            let bytes = event.encode().unwrap();
            assert_eq!(Event::decode(&bytes).unwrap(), event);
        }
    }

    #[test]
    fn bytes_of_another_version_are_not_read() {
        let mut value: serde_json::Value =
            serde_json::from_slice(&delta().encode().unwrap()).unwrap();
        value["v"] = 2.into();
        let error = Event::decode(value.to_string().as_bytes()).unwrap_err();
        assert!(matches!(error, DecodeError::Version(2)), "{error}");
        for bytes in [&b""[..], b"{}", b"{\"v\":1}", b"\xff"] {
            let error = Event::decode(bytes).unwrap_err();
            assert!(matches!(error, DecodeError::Malformed(_)), "{error}");
        }
    }
}
