//! What a client may say.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Deserializer};

use super::outbound::{Code, Rejection};
use crate::chat::{RunId, SessionId};

/// Longest `client_id`, in characters: a UUID has 36.
const CLIENT_ID_MAX: usize = 128;
/// How far a client's clock may run ahead.
const CLOCK_SKEW: SignedDuration = SignedDuration::from_mins(1);

/// A frame that was understood.
#[derive(Debug, PartialEq, Eq)]
pub enum Inbound {
    Say(Say),
    Resume(Resume),
}

/// A message to store and answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Say {
    /// Left out: the server makes a session.
    pub session: Option<SessionId>,
    pub client_id: Option<String>,
    pub content: String,
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

#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, deserialize_with = "null_is_default")]
    session_id: String,
    #[serde(default, deserialize_with = "null_is_default")]
    content: String,
    #[serde(default, deserialize_with = "null_is_default")]
    client_id: String,
    #[serde(default, deserialize_with = "null_is_default")]
    sender: String,
    timestamp: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    seq: i64,
    run: Option<String>,
    #[serde(default, deserialize_with = "null_is_default")]
    off: usize,
    #[serde(default, deserialize_with = "null_is_default")]
    metadata: serde_json::Map<String, serde_json::Value>,
}

/// Some clients write `null` for what they leave out.
fn null_is_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    value: D,
) -> Result<T, D::Error> {
    Option::deserialize(value).map(Option::unwrap_or_default)
}

/// Reads a frame. `message_chars` bounds the content.
///
/// # Errors
/// What the client is told; with the `client_id` of the frame if it was readable.
pub fn parse(text: &str, now: Timestamp, message_chars: usize) -> Result<Inbound, Rejection> {
    let mut envelope: Envelope = serde_json::from_str(text)
        .map_err(|_| Rejection::new(Code::InvalidFormat, "the message is not readable"))?;
    clean(&mut envelope);
    let client_id = (!envelope.client_id.is_empty()).then(|| envelope.client_id.clone());
    understand(envelope, now, message_chars).map_err(|rejection| Rejection {
        client_id,
        ..rejection
    })
}

/// Takes what nobody typed on purpose out of a text: NUL, and white space around it.
fn clean(envelope: &mut Envelope) {
    for text in [
        &mut envelope.session_id,
        &mut envelope.content,
        &mut envelope.client_id,
    ] {
        *text = text.replace('\0', "").trim().to_owned();
    }
}

fn understand(
    envelope: Envelope,
    now: Timestamp,
    message_chars: usize,
) -> Result<Inbound, Rejection> {
    check_time(envelope.timestamp.as_deref(), now)?;
    if !matches!(
        envelope.sender.as_str(),
        "" | "user" | "ai" | "admin" | "system"
    ) {
        return Err(Rejection::new(Code::InvalidFormat, "sender is not known"));
    }
    let session = match envelope.session_id.as_str() {
        "" => None,
        id => Some(SessionId::parse(id).ok_or_else(|| {
            Rejection::new(
                Code::InvalidFormat,
                "session_id must be at most 128 letters, digits or any of -_.:",
            )
        })?),
    };
    let op = envelope
        .metadata
        .get("op")
        .and_then(serde_json::Value::as_str);
    match (envelope.kind.as_str(), op) {
        ("user_message", _) => say(envelope, session, message_chars).map(Inbound::Say),
        ("connection_status", Some("resume")) => resume(&envelope, session).map(Inbound::Resume),
        _ => Err(Rejection::new(Code::InvalidFormat, "unknown message type")),
    }
}

fn say(
    envelope: Envelope,
    session: Option<SessionId>,
    message_chars: usize,
) -> Result<Say, Rejection> {
    if envelope.content.is_empty() {
        return Err(Rejection::new(Code::MissingField, "content is missing"));
    }
    if envelope.content.chars().count() > message_chars {
        return Err(Rejection::new(Code::InvalidFormat, "content is too long"));
    }
    if envelope.client_id.chars().count() > CLIENT_ID_MAX {
        return Err(Rejection::new(
            Code::InvalidFormat,
            "client_id is longer than 128 characters",
        ));
    }
    Ok(Say {
        session,
        client_id: (!envelope.client_id.is_empty()).then_some(envelope.client_id),
        content: envelope.content,
    })
}

fn resume(envelope: &Envelope, session: Option<SessionId>) -> Result<Resume, Rejection> {
    let session =
        session.ok_or_else(|| Rejection::new(Code::MissingField, "session_id is missing"))?;
    Ok(Resume {
        session,
        after: envelope.seq.max(0),
        run: envelope
            .run
            .as_deref()
            .and_then(RunId::parse)
            .map(|run| (run, envelope.off)),
    })
}

fn check_time(timestamp: Option<&str>, now: Timestamp) -> Result<(), Rejection> {
    let Some(text) = timestamp else {
        return Ok(());
    };
    match text.parse::<Timestamp>() {
        Ok(time) if time.duration_since(now) <= CLOCK_SKEW => Ok(()),
        Ok(_) => Err(Rejection::new(
            Code::InvalidFormat,
            "timestamp lies in the future",
        )),
        Err(_) => Err(Rejection::new(
            Code::InvalidFormat,
            "timestamp is not RFC 3339",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHARS: usize = 10;

    fn read(text: &str) -> Result<Inbound, (Code, Option<String>)> {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        parse(text, now, CHARS).map_err(|rejection| (rejection.code, rejection.client_id))
    }

    fn said(session: Option<&str>, client_id: Option<&str>, content: &str) -> Inbound {
        Inbound::Say(Say {
            session: session.map(|id| SessionId::parse(id).unwrap()),
            client_id: client_id.map(ToOwned::to_owned),
            content: content.to_owned(),
        })
    }

    #[test]
    fn what_the_predecessor_took_is_taken() {
        for (text, expected) in [
            (r#"{"type":"user_message","session_id":"s","content":" hi\u0000 ","timestamp":"2026-01-01T00:01:00.5Z","sender":"user"}"#, ()),
            (r#"{"type":"user_message","session_id":"s","content":"hi","client_id":null,"metadata":null}"#, ()),
            (r#"{"type":"user_message","session_id":"s","content":"hi","sender":"ai","metadata":{"size":12},"new_key":[1]}"#, ()),
        ].map(|(text, ())| (text, Ok(said(Some("s"), None, "hi")))) {
            let text = text.replace("00:01:00.5", "00:00:59.5");
            assert_eq!(read(&text), expected, "{text}");
        }
    }

    #[test]
    fn new_keys() {
        assert_eq!(
            read(r#"{"type":"user_message","content":"hi","client_id":"c"}"#),
            Ok(said(None, Some("c"), "hi"))
        );
        let run = RunId::new();
        let text = format!(
            r#"{{"type":"connection_status","session_id":"s","seq":4,"run":"{run}","off":7,"metadata":{{"op":"resume"}}}}"#
        );
        let session = SessionId::parse("s").unwrap();
        assert_eq!(
            read(&text),
            Ok(Inbound::Resume(Resume {
                session,
                after: 4,
                run: Some((run, 7))
            }))
        );
    }

    #[test]
    fn what_is_refused_and_how() {
        let long = "ä".repeat(CHARS + 1);
        for (text, code, client_id) in [
            ("nonsense".to_owned(), Code::InvalidFormat, None),
            (r#"{"content":"hi"}"#.to_owned(), Code::InvalidFormat, None),
            (
                r#"{"type":"ping","client_id":"c"}"#.to_owned(),
                Code::InvalidFormat,
                Some("c"),
            ),
            (
                r#"{"type":"user_message","session_id":"s","content":"  "}"#.to_owned(),
                Code::MissingField,
                None,
            ),
            (
                r#"{"type":"user_message","session_id":"a b","content":"hi"}"#.to_owned(),
                Code::InvalidFormat,
                None,
            ),
            (
                r#"{"type":"user_message","content":"hi","sender":"nobody"}"#.to_owned(),
                Code::InvalidFormat,
                None,
            ),
            (
                r#"{"type":"user_message","content":"hi","timestamp":"2026-01-01T00:01:01Z"}"#
                    .to_owned(),
                Code::InvalidFormat,
                None,
            ),
            (
                r#"{"type":"user_message","content":"hi","timestamp":"today"}"#.to_owned(),
                Code::InvalidFormat,
                None,
            ),
            (
                format!(r#"{{"type":"user_message","content":"{long}","client_id":"c"}}"#),
                Code::InvalidFormat,
                Some("c"),
            ),
            (
                r#"{"type":"connection_status","metadata":{"op":"resume"}}"#.to_owned(),
                Code::MissingField,
                None,
            ),
        ] {
            assert_eq!(
                read(&text),
                Err((code, client_id.map(ToOwned::to_owned))),
                "{text}"
            );
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        let content = "ä".repeat(CHARS);
        let text = format!(r#"{{"type":"user_message","content":"{content}"}}"#);
        assert_eq!(read(&text), Ok(said(None, None, &content)));
    }
}
