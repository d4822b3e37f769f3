//! The collections, and values to documents and back. Times are microseconds since 1970, as they are in SQLite.

use jiff::Timestamp;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, Document};
use mongodb::error::{Error, Result};
use mongodb::{Collection, Database};
use serde::{Deserialize, Serialize};

use crate::chat::{
    Agent, Answered, Digest, Kind, Message, MessageId, Newest, OwnerId, Parties, Run, RunId,
    Sender, Session, SessionId, Status,
};
use crate::store::{Abandoned, NewRun, Ongoing, OutboxEntry, Question};

/// Everything that this store keeps.
#[derive(Clone, Debug)]
pub(super) struct Collections {
    pub(super) sessions: Collection<SessionDocument>,
    pub(super) messages: Collection<MessageDocument>,
    /// Runs at work. A run that has ended is its message.
    pub(super) runs: Collection<RunDocument>,
    pub(super) provider_state: Collection<Document>,
    pub(super) outbox: Collection<OutboxDocument>,
    /// Values of the database itself.
    pub(super) meta: Collection<Document>,
}

impl Collections {
    pub(super) fn new(database: &Database) -> Self {
        Self {
            sessions: database.collection("sessions"),
            messages: database.collection("messages"),
            runs: database.collection("runs"),
            provider_state: database.collection("provider_state"),
            outbox: database.collection("outbox"),
            meta: database.collection("meta"),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SessionDocument {
    #[serde(rename = "_id")]
    pub(super) id: String,
    pub(super) user: String,
    pub(super) name: String,
    /// Id of the model that the user chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) model: Option<String>,
    pub(super) seq: i64,
    pub(super) fence: i64,
    /// `seq` of the newest question that has its answer.
    pub(super) answered: i64,
    /// Questions that wait for an answer, the one being answered included.
    pub(super) pending: i64,
    /// The run at work.
    pub(super) run: Option<String>,
    created: i64,
    active: i64,
    tokens: i64,
    answers: i64,
    answer_ms_sum: i64,
    answer_ms_max: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) assignee: Option<Agent>,
    /// When the assignee was there last. Indexed, and so there only while there is an assignee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attended: Option<i64>,
    #[serde(default)]
    assisted: bool,
    /// Since when the user waits for a member of staff. Indexed, and so there only while one waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) help: Option<i64>,
}

impl SessionDocument {
    /// A session that begins with `question`, which `run` may have claimed.
    pub(super) fn new(question: &Question, run: Option<&Run>) -> Self {
        let user = &question.admission.author.user;
        Self {
            name: question.name.clone(),
            seq: 1,
            fence: run.map_or(0, |run| run.fence),
            pending: 1,
            run: run.map(|run| run.id.to_string()),
            ..Self::empty(&question.session, user, question.at)
        }
    }

    /// A session without a message, and so without a name.
    pub(super) fn empty(session: &SessionId, user: &str, at: Timestamp) -> Self {
        let at = at.as_microsecond();
        Self {
            id: session.to_string(),
            user: user.to_owned(),
            name: String::new(),
            model: None,
            seq: 0,
            fence: 0,
            answered: 0,
            pending: 0,
            run: None,
            created: at,
            active: at,
            tokens: 0,
            answers: 0,
            answer_ms_sum: 0,
            answer_ms_max: 0,
            assignee: None,
            attended: None,
            assisted: false,
            help: None,
        }
    }

    pub(super) fn parties(&self) -> Parties<'_> {
        Parties {
            owner: &self.user,
            assignee: self.assignee.as_ref().map(|agent| agent.id.as_str()),
        }
    }

    pub(super) fn is_free(&self) -> bool {
        self.run.is_none() && self.pending == 0
    }

    /// The end of the session, given its newest question and the newest answer to that.
    pub(super) fn newest(&self, question: Option<&Message>, answer: Option<&Message>) -> Newest {
        Newest {
            is_busy: !self.is_free() || self.assignee.is_some(),
            question: question.map(|message| message.seq),
            answer: answer.map(|message| message.seq),
        }
    }

    /// Whether the session still belongs to this run.
    pub(super) fn is_held_by(&self, run: &Run) -> bool {
        self.fence == run.fence && self.run.as_deref() == Some(run.id.to_string().as_str())
    }

    pub(super) fn session(self) -> Result<Session> {
        Ok(Session {
            id: parsed(&self.id, SessionId::parse)?,
            user: self.user,
            name: self.name,
            model: self.model,
            seq: self.seq,
            fence: self.fence,
            created: time(self.created)?,
            active: time(self.active)?,
            tokens: self.tokens,
            answers: self.answers,
            answer_ms_sum: self.answer_ms_sum,
            answer_ms_max: self.answer_ms_max,
            assignee: self.assignee,
            is_assisted: self.assisted,
            help_since: self.help.map(time).transpose()?,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct MessageDocument {
    #[serde(rename = "_id")]
    id: String,
    session: String,
    seq: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Binary>,
    sender: String,
    content: String,
    at: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaces: Option<i64>,
    /// Of another kind than words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<KindDocument>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    agent: Option<Agent>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<AnswerDocument>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KindDocument {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fence: Option<i64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct AnswerDocument {
    run: String,
    fence: i64,
    question: i64,
    status: String,
    model: String,
}

impl MessageDocument {
    pub(super) fn question(message: &Message, digest: &Digest) -> Self {
        Self {
            digest: Some(binary(digest.as_bytes())),
            ..Self::answer(message)
        }
    }

    pub(super) fn answer(message: &Message) -> Self {
        let answer = message.answer.as_ref().map(|answer| AnswerDocument {
            run: answer.run.to_string(),
            fence: answer.fence,
            question: answer.question,
            status: answer.status.as_str().to_owned(),
            model: answer.model.clone(),
        });
        Self {
            id: message.id.to_string(),
            session: message.session.to_string(),
            seq: message.seq,
            client_id: message.client_id.clone(),
            digest: None,
            sender: message.sender.as_str().to_owned(),
            content: message.content.clone(),
            at: message.at.as_microsecond(),
            replaces: message.replaces,
            kind: (message.kind != Kind::Text).then(|| KindDocument {
                name: message.kind.as_str().to_owned(),
                fence: message.kind.fence(),
            }),
            agent: message.agent.clone(),
            answer,
        }
    }

    pub(super) fn digest(&self) -> Result<Digest> {
        let digest = self.digest.as_ref().map(|digest| digest.bytes.as_slice());
        let bytes = digest.and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(Digest::from_bytes)
            .ok_or_else(|| unreadable("digest"))
    }

    pub(super) fn message(self) -> Result<Message> {
        let answer = |answer: AnswerDocument| -> Result<Answered> {
            Ok(Answered {
                run: parsed(&answer.run, RunId::parse)?,
                fence: answer.fence,
                question: answer.question,
                status: parsed(&answer.status, Status::parse)?,
                model: answer.model,
            })
        };
        Ok(Message {
            id: parsed(&self.id, MessageId::parse)?,
            session: parsed(&self.session, SessionId::parse)?,
            seq: self.seq,
            client_id: self.client_id,
            sender: parsed(&self.sender, Sender::parse)?,
            content: self.content,
            at: time(self.at)?,
            replaces: self.replaces,
            kind: self.kind.map_or(Ok(Kind::Text), |kind| {
                parsed(&kind.name, |name| Kind::parse(name, kind.fence))
            })?,
            agent: self.agent,
            answer: self.answer.map(answer).transpose()?,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct RunDocument {
    #[serde(rename = "_id")]
    id: String,
    session: String,
    question: i64,
    fence: i64,
    model: String,
    owner: String,
    lease: i64,
    checkpoint: String,
    /// How often the question was claimed or taken over, this run included.
    attempts: u32,
    /// The user wants no more of the answer.
    #[serde(default)]
    cancelled: bool,
}

impl RunDocument {
    pub(super) fn new(run: &Run, new: &NewRun) -> Self {
        Self {
            id: run.id.to_string(),
            session: run.session.to_string(),
            question: run.question,
            fence: run.fence,
            model: run.model.clone(),
            owner: run.owner.to_string(),
            lease: new.lease.until.as_microsecond(),
            checkpoint: String::new(),
            attempts: 1,
            cancelled: false,
        }
    }

    /// The same with what an earlier run of the question has left.
    pub(super) fn after(self, earlier: Self) -> Self {
        Self {
            checkpoint: earlier.checkpoint,
            attempts: earlier.attempts.saturating_add(1),
            ..self
        }
    }

    pub(super) fn ongoing(self) -> Result<Ongoing> {
        let Abandoned { run, text, .. } = self.abandoned()?;
        Ok(Ongoing { run, text })
    }

    pub(super) fn abandoned(self) -> Result<Abandoned> {
        let run = Run {
            id: parsed(&self.id, RunId::parse)?,
            session: parsed(&self.session, SessionId::parse)?,
            question: self.question,
            fence: self.fence,
            model: self.model,
            owner: parsed(&self.owner, OwnerId::parse)?,
        };
        Ok(Abandoned {
            run,
            text: self.checkpoint,
            attempts: self.attempts,
            is_cancelled: self.cancelled,
        })
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct OutboxDocument {
    #[serde(rename = "_id")]
    id: String,
    session: String,
    payload: String,
}

impl OutboxDocument {
    pub(super) fn new(entry: &OutboxEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            session: entry.session.to_string(),
            payload: entry.payload.clone(),
        }
    }

    pub(super) fn entry(self) -> Result<OutboxEntry> {
        Ok(OutboxEntry {
            id: parsed(&self.id, MessageId::parse)?,
            session: parsed(&self.session, SessionId::parse)?,
            payload: self.payload,
        })
    }
}

pub(super) fn binary(bytes: &[u8]) -> Binary {
    Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    }
}

/// A document that this release cannot read.
pub(super) fn unreadable(field: &'static str) -> Error {
    Error::custom(format!(
        "a document holds no {field} that this release knows"
    ))
}

fn parsed<T>(text: &str, parse: impl FnOnce(&str) -> Option<T>) -> Result<T> {
    parse(text).ok_or_else(|| unreadable(std::any::type_name::<T>()))
}

fn time(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|_| unreadable("time"))
}
