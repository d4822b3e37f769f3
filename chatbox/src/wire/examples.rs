//! Every frame, as `docs/wire.md` shows it. The JSON blocks there are the expected side of these tests: what the
//! document promises is what is written and what is taken.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::Value;

use super::outbound::{ModelName, Piece};
use super::{Code, Rejection, ServerFrame, inbound, schema};
use crate::chat::{
    Agent, Answered, Failure, Kind, Message, MessageId, RunId, Sender, SessionId, Status,
};

const CLOSE_CODES: [u16; 9] = [
    super::CLOSE_GOING_AWAY,
    super::CLOSE_PROTOCOL,
    super::CLOSE_NOT_UTF8,
    super::CLOSE_TOO_BIG,
    super::CLOSE_NOT_READ,
    super::CLOSE_TRY_LATER,
    super::CLOSE_SLOW,
    super::CLOSE_EXPIRED,
    super::CLOSE_TOO_MANY_CONNECTIONS,
];

/// The values that the document's frames carry.
struct Fixed {
    now: Timestamp,
    session: SessionId,
    run: RunId,
    models: Vec<ModelName>,
    question: Message,
    answer: Message,
    answered: Answered,
    /// A question that stands for another one.
    replacement: Message,
    /// A member of staff comes, says something, and goes; the user has asked for that.
    joined: Message,
    said: Message,
    left: Message,
    help: Message,
}

fn fixed() -> Fixed {
    let now = "2026-01-02T03:04:05.678901Z".parse().unwrap();
    let session = SessionId::parse("0b6e4d2e-2f1c-4a44-9a52-0d1c5b6f7a11").unwrap();
    let run = RunId::parse("019b7d0a-5c2e-7b3f-8f21-6a0c4d9e1b02").unwrap();
    let answered = Answered {
        run,
        fence: 1,
        question: 1,
        status: Status::Complete,
        model: "fast".to_owned(),
    };
    let answer = Message {
        id: MessageId::parse("019b7d0a-66a1-7c50-9d3b-2f8e7a4c5d03").unwrap(),
        session: session.clone(),
        seq: 2,
        client_id: None,
        sender: Sender::Ai,
        content: "Hello 😀!".to_owned(),
        at: now,
        replaces: None,
        kind: Kind::Text,
        agent: None,
        answer: Some(answered.clone()),
    };
    let question = Message {
        id: MessageId::parse("019b7d0a-5b10-7e02-a1c4-93b5d6e7f801").unwrap(),
        seq: 1,
        client_id: Some("7c9e6679-7425-40de-944b-e07fc1f90ae7".to_owned()),
        sender: Sender::User,
        content: "Hi there".to_owned(),
        answer: None,
        ..answer.clone()
    };
    let models = vec![ModelName {
        id: "fast".to_owned(),
        name: "Fast".to_owned(),
    }];
    let replacement = Message {
        id: MessageId::parse("019b7d0b-0c44-7a10-8e55-71d0a3b2c904").unwrap(),
        seq: 3,
        client_id: None,
        content: "Hi, are you there?".to_owned(),
        replaces: Some(1),
        ..question.clone()
    };
    let of_staff = |seq: i64, kind: Kind, content: &str| Message {
        seq,
        client_id: None,
        sender: Sender::Admin,
        content: content.to_owned(),
        kind,
        agent: Some(Agent {
            id: "grace".to_owned(),
            name: "Grace".to_owned(),
        }),
        ..question.clone()
    };
    let joined = of_staff(
        5,
        Kind::AdminJoin { fence: 3 },
        "Grace has joined the conversation.",
    );
    let said = of_staff(6, Kind::Text, "How can I help?");
    let left = of_staff(
        7,
        Kind::AdminLeave { fence: 4 },
        "Grace has left the conversation.",
    );
    let help = Message {
        seq: 4,
        client_id: None,
        content: "I would like to talk to somebody.".to_owned(),
        kind: Kind::HelpRequest,
        ..question.clone()
    };
    Fixed {
        now,
        session,
        run,
        models,
        question,
        answer,
        answered,
        replacement,
        joined,
        said,
        left,
        help,
    }
}

impl Fixed {
    fn frames(&self) -> Vec<ServerFrame<'_>> {
        let (now, session) = (self.now, &self.session);
        let too_fast = Rejection {
            client_id: self.question.client_id.clone(),
            retry_after: Some(Duration::from_millis(1500)),
            ..Rejection::new(
                Code::TooManyRequests,
                "You are sending messages too fast. Please wait a moment.",
            )
        };
        let unknown = Rejection::new(Code::InvalidFormat, "unknown message type");
        let too_many = Rejection::new(
            Code::ConnectionLimitExceeded,
            "The chat is open in too many tabs or devices. Please close one of them.",
        );
        vec![
            ServerFrame::hello(now, "ada", None, &self.models[..], 10_000),
            ServerFrame::hello(now, "ada", Some(session), &self.models[..], 10_000),
            ServerFrame::ack(now, &self.question),
            ServerFrame::caught_up(now, session, 2, true),
            ServerFrame::caught_up(now, session, 1207, false),
            ServerFrame::user_message(&self.question),
            ServerFrame::model_chosen(now, session, "good"),
            ServerFrame::cancelled(now, session, Some(self.run)),
            ServerFrame::cancelled(now, session, None),
            ServerFrame::user_message(&self.replacement),
            ServerFrame::help_confirmed(now, session),
            ServerFrame::stored(&self.help),
            ServerFrame::stored(&self.joined),
            ServerFrame::stored(&self.said),
            ServerFrame::stored(&self.left),
            ServerFrame::typing(now, session, Sender::Admin),
            ServerFrame::loading(now, session, self.run, 1, 1),
            ServerFrame::delta(now, session, &self.piece(0, "Hello ")),
            ServerFrame::delta(now, session, &self.piece(6, "😀")),
            ServerFrame::answered(&self.answer, &self.answered, &self.piece(8, "!")),
            ServerFrame::rejected(now, None, unknown),
            ServerFrame::rejected(now, None, too_many),
            ServerFrame::rejected(now, Some(session), too_fast),
            ServerFrame::failed(now, session, self.run, Failure::Timeout),
        ]
    }

    fn piece(&self, off: usize, text: &'static str) -> Piece<'static> {
        Piece {
            run: self.run,
            fence: 1,
            model: "fast",
            off,
            text,
        }
    }
}

fn document() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/wire.md");
    fs::read_to_string(file).unwrap()
}

/// The JSON blocks whose info string names this direction.
fn blocks(direction: &str) -> Vec<Value> {
    let document = document();
    let opening = format!("```json {direction}\n");
    let block = |rest: &str| serde_json::from_str(rest.split("```").next().unwrap()).unwrap();
    document
        .split(opening.as_str())
        .skip(1)
        .map(block)
        .collect()
}

fn validator(schema: &Value) -> jsonschema::Validator {
    jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap()
}

/// The kinds of frames below `name` in the schema.
fn kinds(mut schema: Value, name: &str) -> Vec<(String, jsonschema::Validator)> {
    let refs = schema["$defs"][name]["anyOf"].as_array().unwrap().clone();
    let kind = |reference: Value| {
        let target = reference["$ref"].as_str().unwrap().to_owned();
        schema["$ref"] = target.clone().into();
        (target, validator(&schema))
    };
    refs.into_iter().map(kind).collect()
}

/// Each frame is of exactly one kind, and no kind is without a frame.
fn covers(frames: &[Value], kinds: &[(String, jsonschema::Validator)]) {
    let mut seen = BTreeSet::new();
    for frame in frames {
        let mut fitting = kinds.iter().filter(|(_, schema)| schema.is_valid(frame));
        let (name, _) = fitting
            .next()
            .unwrap_or_else(|| panic!("no frame: {frame}"));
        assert!(fitting.next().is_none(), "of two kinds: {frame}");
        seen.insert(name);
    }
    let all: BTreeSet<_> = kinds.iter().map(|(name, _)| name).collect();
    assert_eq!(seen, all, "kinds without an example");
}

#[test]
fn every_block_says_its_direction() {
    let blocks = blocks("server").len() + blocks("client").len();
    assert_eq!(document().matches("```json").count(), blocks);
}

#[test]
fn the_document_shows_what_the_server_sends() {
    let fixed = fixed();
    let sent: Vec<Value> = fixed
        .frames()
        .iter()
        .map(|frame| serde_json::from_str(&frame.render()).unwrap())
        .collect();
    let shown = blocks("server");
    for frame in &shown {
        assert!(sent.contains(frame), "shown and not sent: {frame}");
    }
    for frame in &sent {
        assert!(shown.contains(frame), "sent and not shown: {frame:#}");
    }
    covers(&shown, &kinds(schema::server(), "ServerFrame"));
}

#[test]
fn the_document_shows_what_the_server_takes() {
    let shown = blocks("client");
    covers(&shown, &kinds(schema::client(), "ClientFrame"));
    for frame in &shown {
        inbound::parse(&frame.to_string(), 100).unwrap();
    }
}

#[test]
fn the_document_names_every_code() {
    let document = document();
    let codes = schema::server()["$defs"]["ErrorCode"].clone();
    let codes = codes["oneOf"].as_array().unwrap().iter();
    let words: Vec<_> = codes
        .map(|code| code["const"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(words.len(), 12);
    let closes = CLOSE_CODES.map(|code| code.to_string());
    let statuses = Status::ALL.map(|status| status.as_str().to_owned());
    for word in words.into_iter().chain(closes).chain(statuses) {
        assert!(
            document.contains(&format!("`{word}`")),
            "{word} is not in docs/wire.md"
        );
    }
}

#[test]
fn a_code_is_counted_under_the_word_that_is_sent() {
    for code in [
        Code::InvalidFormat,
        Code::MissingField,
        Code::Unauthorized,
        Code::LlmUnavailable,
        Code::LlmTimeout,
        Code::LlmContextTooLong,
        Code::LlmContentFiltered,
        Code::DatabaseError,
        Code::ServiceError,
        Code::TooManyRequests,
        Code::ConnectionLimitExceeded,
        Code::ExpiredToken,
    ] {
        assert_eq!(serde_json::to_value(code).unwrap(), code.as_str());
    }
}

#[test]
fn a_code_is_recoverable_only_where_the_same_request_may_be_served_later() {
    for (code, recoverable) in [
        (Code::InvalidFormat, false),
        (Code::MissingField, false),
        (Code::Unauthorized, false),
        (Code::LlmUnavailable, true),
        (Code::LlmTimeout, true),
        (Code::LlmContextTooLong, false),
        (Code::LlmContentFiltered, false),
        (Code::DatabaseError, true),
        (Code::ServiceError, true),
        (Code::TooManyRequests, true),
        (Code::ConnectionLimitExceeded, false),
        (Code::ExpiredToken, false),
    ] {
        assert_eq!(code.is_recoverable(), recoverable, "{code:?}");
    }
}

prop_compose! {
    fn message()(
        sender in prop::sample::select(Sender::ALL.to_vec()),
        session in "[a-zA-Z0-9_.:-]{1,128}",
        client_id in prop::option::of(".{1,12}"),
        content in ".{0,40}",
        seq in 1..i64::MAX,
        // Years 0 to 9999.
        at in -62_167_219_200_000..253_402_207_200_000i64,
    ) -> Message {
        Message {
            id: MessageId::new(),
            session: SessionId::parse(&session).unwrap(),
            seq, client_id, sender, content,
            at: Timestamp::from_millisecond(at).unwrap(),
            replaces: None,
            kind: Kind::Text,
            agent: None,
            answer: None,
        }
    }
}

proptest! {
    /// Whatever the values, each frame is of its own kind, and its text arrives.
    #[test]
    fn any_frame_fits_the_schema(
        message in message(),
        (off, fence, retry_after) in (0..usize::MAX, 1..i64::MAX, prop::option::of(0..u64::MAX)),
        status in prop::sample::select(Status::ALL.to_vec()),
        code in prop::sample::select(vec![Code::Unauthorized, Code::DatabaseError, Code::ServiceError]),
    ) {
        thread_local! {
            static KINDS: Vec<(String, jsonschema::Validator)> = kinds(schema::server(), "ServerFrame");
        }
        let (at, session, run) = (message.at, &message.session, RunId::new());
        let piece = Piece { run, fence, model: &message.content, off, text: &message.content };
        let answered = Answered { run, fence, question: message.seq, status, model: String::new() };
        let agent = Some(Agent { id: message.content.clone(), name: message.content.clone() });
        let of_staff = |kind| Message { kind, agent: agent.clone(), ..message.clone() };
        let staff = [Kind::Text, Kind::AdminJoin { fence }, Kind::AdminLeave { fence }, Kind::HelpRequest].map(of_staff);
        let models = vec![ModelName { id: message.content.clone(), name: message.content.clone() }];
        let rejection = Rejection {
            client_id: message.client_id.clone(),
            retry_after: retry_after.map(Duration::from_millis),
            ..Rejection::new(code, "words")
        };
        let frames = [
            ServerFrame::hello(at, &message.content, Some(session), models, message.content.len() + 1),
            ServerFrame::ack(at, &message),
            ServerFrame::caught_up(at, session, message.seq, off % 2 == 0),
            ServerFrame::user_message(&message),
            ServerFrame::loading(at, session, run, fence, fence),
            ServerFrame::delta(at, session, &piece),
            ServerFrame::answered(&message, &answered, &piece),
            ServerFrame::stored(&staff[0]),
            ServerFrame::stored(&staff[1]),
            ServerFrame::stored(&staff[2]),
            ServerFrame::stored(&staff[3]),
            ServerFrame::help_confirmed(at, session),
            ServerFrame::typing(at, session, message.sender),
            ServerFrame::model_chosen(at, session, &message.content),
            ServerFrame::cancelled(at, session, Some(run)),
            ServerFrame::rejected(at, Some(session), rejection),
        ].map(|frame| serde_json::from_str::<Value>(&frame.render()).unwrap());
        KINDS.with(|kinds| covers(&frames, kinds));
        for frame in [&frames[3], &frames[5], &frames[6]] {
            prop_assert_eq!(frame["content"].as_str(), Some(message.content.as_str()));
        }
    }
}

#[test]
fn an_error_is_counted_by_its_code_and_no_other_frame_is() {
    let fixed = fixed();
    let codes: Vec<_> = fixed.frames().iter().map(ServerFrame::error_code).collect();
    let (none, errors) = codes.split_at(20);
    assert!(none.iter().all(Option::is_none));
    let expected = [
        Code::InvalidFormat,
        Code::ConnectionLimitExceeded,
        Code::TooManyRequests,
        Code::LlmTimeout,
    ];
    assert_eq!(errors, expected.map(Some));
}
