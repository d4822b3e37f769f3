//! The JSON schema of the socket protocol (`chatbox/wire.schema.json`). Frames of the server are described strictly:
//! what is not listed is not sent. A client is free to send more, and must ignore what it does not know: a later
//! release may list it.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::inbound::{CLIENT_ID_MAX, ClientFrame, SENDERS};
use super::outbound::ServerFrame;
use crate::chat::{Sender, Status};

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// What [`crate::chat::SessionId`] takes; a test holds the two together.
const SESSION_ID: &str = "^[A-Za-z0-9_.:-]{1,128}$";

/// The document: a frame of either direction, each under its name in `$defs`.
pub fn schema() -> Value {
    json!({
        "$schema": DRAFT,
        "title": "Chatbox socket protocol chatbox.v1",
        "description": "One JSON object in each text frame. docs/wire.md describes the protocol.",
        "anyOf": [reference("ServerFrame"), reference("ClientFrame")],
        "$defs": definitions(),
    })
}

/// The schema of one frame that the server sends.
pub fn server() -> Value {
    direction("ServerFrame")
}

/// The schema of one frame that a client sends.
pub fn client() -> Value {
    direction("ClientFrame")
}

fn direction(name: &str) -> Value {
    json!({"$schema": DRAFT, "$ref": format!("#/$defs/{name}"), "$defs": definitions()})
}

fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn definitions() -> Map<String, Value> {
    let mut written = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator();
    written.subschema_for::<ServerFrame<'_>>();
    let mut read = SchemaSettings::draft2020_12()
        .for_deserialize()
        .into_generator();
    read.subschema_for::<ClientFrame>();
    let mut all = written.take_definitions(true);
    all.extend(read.take_definitions(true));
    all
}

pub(super) fn timestamp(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "format": "date-time",
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    })
}

pub(super) fn session_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "pattern": SESSION_ID, "description": "Id of the session."})
}

pub(super) fn message_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "format": "uuid", "description": "Id of the stored message."})
}

pub(super) fn seq(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "integer", "minimum": 1,
        "description": "Place of the message in its session: 1, 2, 3, … without a gap.",
    })
}

pub(super) fn client_id(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "minLength": 1,
        "description": "The id that the sending client gave the message.",
    })
}

pub(super) fn sender(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": Sender::ALL.map(Sender::as_str)})
}

pub(super) fn run(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "format": "uuid", "description": "Id of one attempt at one answer.",
    })
}

pub(super) fn fence(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "integer", "minimum": 1,
        "description": "Number of the run in its session; of two runs the one with the greater number is newer.",
    })
}

pub(super) fn question(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "integer", "minimum": 1,
        "description": "`seq` of the question. Of several answers to one question the newest stands for all.",
    })
}

pub(super) fn replaces(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "integer", "minimum": 1,
        "description": "`seq` of an earlier question that this one stands for: that one and its answers are not shown any more.",
    })
}

pub(super) fn off(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "integer", "minimum": 0,
        "description": "Where `content` begins in the whole answer, in UTF-16 code units.",
    })
}

pub(super) fn status(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string", "enum": Status::ALL.map(Status::as_str),
        "description": "How the answer ended.",
    })
}

pub(super) fn retry_after(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "integer", "minimum": 0,
        "description": "Milliseconds after which the same frame may be served.",
    })
}

pub(super) fn flag(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "string", "enum": ["true", "false"]})
}

/// A field that a client may leave out, or write as `null`.
pub(super) mod optional {
    use super::{CLIENT_ID_MAX, SENDERS, SESSION_ID, Schema, SchemaGenerator, json_schema};

    pub(in crate::wire) fn session_id(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "null"], "pattern": SESSION_ID,
            "description": "Left out: the session of this connection, or a new one.",
        })
    }

    pub(in crate::wire) fn session_of_connection(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "null"], "pattern": SESSION_ID,
            "description": "Left out: the session of this connection.",
        })
    }

    pub(in crate::wire) fn run_to_cancel(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "null"], "format": "uuid",
            "description": "The run to stop; one that has ended is left as it is. Left out: whatever is being written.",
        })
    }

    pub(in crate::wire) fn client_id(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "null"], "minLength": 1, "maxLength": CLIENT_ID_MAX,
            "description": "An id of the client's own for this message, unique in its session. Sending it twice stores once.",
        })
    }

    pub(in crate::wire) fn sender(_: &mut SchemaGenerator) -> Schema {
        let mut senders: Vec<_> = SENDERS.map(Some).into();
        senders.push(None);
        json_schema!({"enum": senders, "description": "Not used: what a client sends is its user's."})
    }

    pub(in crate::wire) fn seq(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "null"], "minimum": 0,
            "description": "`seq` of the newest message that the client has; 0 or left out: none.",
        })
    }

    pub(in crate::wire) fn run(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "null"], "format": "uuid",
            "description": "The run whose beginning the client has.",
        })
    }

    pub(in crate::wire) fn off(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["integer", "null"], "minimum": 0,
            "description": "How much of that run's text the client has, in UTF-16 code units.",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::chat::SessionId;

    #[test]
    fn the_committed_schema_is_current() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("wire.schema.json");
        let committed = fs::read_to_string(file).unwrap_or_default();
        let current = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
        assert!(
            committed == current,
            "chatbox/wire.schema.json is stale; run `make generate`"
        );
    }

    #[test]
    fn the_schema_is_one() {
        jsonschema::meta::validate(&schema()).unwrap();
        for name in [server(), client()] {
            jsonschema::validator_for(&name).unwrap();
        }
    }

    proptest! {
        #[test]
        fn the_pattern_takes_what_a_session_id_may_be(text in "[a-zA-Z0-9_.:/ ä\n-]{0,6}|[a-z]{120,136}") {
            let pattern = json!({"type": "string", "pattern": SESSION_ID});
            prop_assert_eq!(
                jsonschema::is_valid(&pattern, &json!(text)),
                SessionId::parse(&text).is_some()
            );
        }
    }
}
