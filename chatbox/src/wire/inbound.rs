//! What a client sends.

mod lenient;
mod raw;

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use super::rejection::{Code, Rejection};
use crate::chat::{RunId, SessionId};

/// Longest `client_id`, in characters: a UUID has 36.
pub(super) const CLIENT_ID_MAX: usize = 128;
/// The senders that a frame may name.
pub(super) const SENDERS: [&str; 4] = ["user", "ai", "admin", "system"];

/// A frame that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    UserMessage(UserMessage),
    Resume(Resume),
    ModelSelect(ModelSelect),
    Cancel(Cancel),
    Regenerate(Regenerate),
    /// A member of staff takes the session over.
    AdminJoin(About),
    /// A member of staff hands the session back.
    AdminLeave(About),
    /// The user asks for a member of staff.
    HelpRequest(About),
    /// Somebody is writing.
    Typing(About),
}

/// A message to store and answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserMessage {
    /// Left out: the session of the connection, or a new one.
    pub session: Option<SessionId>,
    pub client_id: Option<String>,
    pub content: String,
    /// `seq` of the question that it shall stand for.
    pub replaces: Option<i64>,
}

/// "What have I missed?"
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resume {
    pub session: SessionId,
    /// `seq` of the newest message the client has.
    pub after: i64,
    /// The run whose beginning the client has, and how much of it, in UTF-16 code units.
    pub run: Option<(RunId, usize)>,
}

/// "Let this model answer from now on."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelSelect {
    /// Left out: the session of the connection, or a new one.
    pub session: Option<SessionId>,
    pub model: String,
}

/// "Stop the answer."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancel {
    /// Left out: the session of the connection.
    pub session: Option<SessionId>,
    /// Left out: whatever is being written.
    pub run: Option<RunId>,
}

/// "Answer the newest question once more."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Regenerate {
    /// Left out: the session of the connection.
    pub session: Option<SessionId>,
    /// `seq` of the answer that another one shall stand for.
    pub answer: i64,
}

/// Something about a session, without more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Left out: the session of the connection.
    pub session: Option<SessionId>,
}

/// Reads a frame. `message_chars` bounds the content.
///
/// # Errors
/// What the client is told; with the `client_id` of the frame if it was readable.
pub fn parse(text: &str, message_chars: usize) -> Result<ClientFrame, Rejection> {
    let object = lenient::object(text).ok_or_else(not_readable)?;
    let head: raw::Head = read(&object)?;
    let frame = match (head.kind.as_str(), head.op()) {
        (Some("user_message"), _) => {
            read(&object).and_then(|message| user_message(message, message_chars))
        }
        (Some("model_select"), _) => read(&object).and_then(model_select),
        (Some("admin_join"), _) => about(&object).map(ClientFrame::AdminJoin),
        (Some("admin_leave"), _) => about(&object).map(ClientFrame::AdminLeave),
        (Some("help_request"), _) => about(&object).map(ClientFrame::HelpRequest),
        (Some("typing_indicator"), _) => about(&object).map(ClientFrame::Typing),
        (Some("connection_status"), Some("resume")) => read(&object).and_then(resume),
        (Some("connection_status"), Some("cancel")) => read(&object).and_then(cancel),
        (Some("connection_status"), Some("regenerate")) => {
            read(&object).and_then(|raw| regenerate(&raw))
        }
        (Some("connection_status"), _) => Err(invalid("metadata.op is not known")),
        _ => Err(invalid("unknown message type")),
    };
    frame.map_err(|rejection| Rejection {
        client_id: head.client_id(),
        ..rejection
    })
}

impl JsonSchema for ClientFrame {
    fn schema_name() -> Cow<'static, str> {
        "ClientFrame".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let kinds = [
            generator.subschema_for::<raw::UserMessage>(),
            generator.subschema_for::<raw::Resume>(),
            generator.subschema_for::<raw::ModelSelect>(),
            generator.subschema_for::<raw::Cancel>(),
            generator.subschema_for::<raw::Regenerate>(),
            generator.subschema_for::<raw::About>(),
        ];
        json_schema!({"description": "Every frame that the server takes.", "anyOf": kinds})
    }
}

fn read<'object, T: Deserialize<'object>>(object: &'object Value) -> Result<T, Rejection> {
    T::deserialize(object).map_err(|_| not_readable())
}

fn not_readable() -> Rejection {
    invalid("the message is not readable")
}

fn user_message(raw: raw::UserMessage, message_chars: usize) -> Result<ClientFrame, Rejection> {
    if raw
        .sender
        .is_some_and(|sender| !SENDERS.contains(&sender.as_str()))
    {
        return Err(invalid("sender is not known"));
    }
    let session = named_session(raw.session_id.as_deref())?;
    let missing = || Rejection::new(Code::MissingField, "content is missing");
    let content = raw.content.ok_or_else(missing)?;
    if content.chars().count() > message_chars {
        return Err(invalid("content is too long"));
    }
    if raw
        .client_id
        .as_ref()
        .is_some_and(|id| id.chars().count() > CLIENT_ID_MAX)
    {
        return Err(invalid("client_id is longer than 128 characters"));
    }
    Ok(ClientFrame::UserMessage(UserMessage {
        session,
        client_id: raw.client_id,
        content,
        replaces: raw.replaces,
    }))
}

fn resume(raw: raw::Resume) -> Result<ClientFrame, Rejection> {
    let missing = || Rejection::new(Code::MissingField, "session_id is missing");
    let run = raw.run.as_deref().and_then(RunId::parse);
    Ok(ClientFrame::Resume(Resume {
        session: session_id(&raw.session_id.ok_or_else(missing)?)?,
        after: raw.seq.unwrap_or(0).max(0),
        run: run.map(|run| (run, raw.off.unwrap_or(0))),
    }))
}

fn model_select(raw: raw::ModelSelect) -> Result<ClientFrame, Rejection> {
    let missing = || Rejection::new(Code::MissingField, "model_id is missing");
    Ok(ClientFrame::ModelSelect(ModelSelect {
        session: named_session(raw.session_id.as_deref())?,
        model: raw.model_id.ok_or_else(missing)?,
    }))
}

fn cancel(raw: raw::Cancel) -> Result<ClientFrame, Rejection> {
    let unknown = || invalid("run is not the id of a run");
    let run = raw
        .run
        .map(|run| RunId::parse(&run).ok_or_else(unknown))
        .transpose()?;
    Ok(ClientFrame::Cancel(Cancel {
        session: named_session(raw.session_id.as_deref())?,
        run,
    }))
}

fn regenerate(raw: &raw::Regenerate) -> Result<ClientFrame, Rejection> {
    let missing = || Rejection::new(Code::MissingField, "seq is missing");
    Ok(ClientFrame::Regenerate(Regenerate {
        session: named_session(raw.session_id.as_deref())?,
        answer: raw.seq.ok_or_else(missing)?,
    }))
}

fn about(object: &Value) -> Result<About, Rejection> {
    let raw: raw::About = read(object)?;
    Ok(About {
        session: named_session(raw.session_id.as_deref())?,
    })
}

/// The session that a frame names, if it names one.
fn named_session(text: Option<&str>) -> Result<Option<SessionId>, Rejection> {
    let given = text.filter(|id| !SessionId::is_missing(id));
    given.map(session_id).transpose()
}

fn session_id(text: &str) -> Result<SessionId, Rejection> {
    let message = "session_id must be at most 128 letters, digits or any of -_.:";
    SessionId::parse(text).ok_or_else(|| invalid(message))
}

fn invalid(message: &'static str) -> Rejection {
    Rejection::new(Code::InvalidFormat, message)
}

#[cfg(test)]
mod tests;
