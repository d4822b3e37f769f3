use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::wire::schema;

const CHARS: usize = 10;

fn read(text: &str) -> Result<ClientFrame, (Code, Option<String>)> {
    parse(text, CHARS).map_err(|rejection| (rejection.code, rejection.client_id))
}

fn user_message(session: Option<&str>, client_id: Option<&str>, content: &str) -> ClientFrame {
    ClientFrame::UserMessage(UserMessage {
        session: session.map(|id| SessionId::parse(id).unwrap()),
        client_id: client_id.map(ToOwned::to_owned),
        content: content.to_owned(),
        replaces: None,
    })
}

/// Each is the message "hi" of the session "s", written by some client.
#[test]
fn what_is_left_out_null_unknown_or_blank_does_not_matter() {
    for text in [
        r#"{"type":"user_message","session_id":"s","content":"hi"}"#,
        r#"{"type":"user_message","session_id":"s","content":" hi\u0000 \n","timestamp":"2026-01-01T00:00:59.5Z","sender":"user"}"#,
        r#"{"type":"user_message","session_id":"\u0000s ","content":"hi","client_id":null,"metadata":null,"sender":null,"timestamp":null}"#,
        r#"{"type":"user_message","session_id":"s","content":"hi","client_id":" ","sender":""}"#,
        r#"{"type":"user_message","session_id":"s","content":"hi","sender":"ai","metadata":{"size":12},"new_key":[1]}"#,
        r#"{"type":"user_message","session_id":"s","content":"hi","seq":-1,"run":5,"off":"x","metadata":{"op":"resume"}}"#,
    ] {
        assert_eq!(
            read(text),
            Ok(user_message(Some("s"), None, "hi")),
            "{text}"
        );
    }
}

/// Each is taken as the predecessor took it.
#[test]
fn careless_json_is_taken() {
    for (text, content) in [
        (
            r#"{"Type":"user_message","Session_ID":"s","CONTENT":"hi"}"#,
            "hi",
        ),
        (
            r#"{"type":"user_message","session_id":"x","session_id":"s","content":"hi"}"#,
            "hi",
        ),
        (
            r#"{"Content":"no","type":"user_message","session_id":"s","content":"hi"}"#,
            "hi",
        ),
        (
            r#"{"type":"user_message","session_id":"s","content":"cut \ud83d"}"#,
            "cut \u{fffd}",
        ),
    ] {
        let expected = user_message(Some("s"), None, content);
        assert_eq!(read(text), Ok(expected), "{text}");
    }
    let resume =
        r#"{"type":"connection_status","session_id":"s","Metadata":{"Op":"resume"},"SEQ":3}"#;
    let Ok(ClientFrame::Resume(resume)) = read(resume) else {
        panic!("it is a resume");
    };
    assert_eq!(resume.after, 3);
}

#[test]
fn an_id_that_a_page_does_not_have_is_left_out() {
    for id in ["undefined", "null"] {
        let text = format!(r#"{{"type":"user_message","session_id":"{id}","content":"hi"}}"#);
        assert_eq!(read(&text), Ok(user_message(None, None, "hi")), "{id}");
    }
}

#[test]
fn a_message_may_name_itself_and_no_session() {
    assert_eq!(
        read(r#"{"type":"user_message","content":"hi","client_id":" c "}"#),
        Ok(user_message(None, Some("c"), "hi"))
    );
}

#[test]
fn resume_says_where_the_client_stands() {
    let run = RunId::new();
    let session = SessionId::parse("s").unwrap();
    for (fields, after, position) in [
        (json!({"seq": 4, "run": run, "off": 7}), 4, Some((run, 7))),
        (
            json!({"seq": 4, "run": run, "off": null}),
            4,
            Some((run, 0)),
        ),
        (json!({"seq": 4, "run": "nonsense", "off": 7}), 4, None),
        (json!({"seq": -4}), 0, None),
        (
            json!({"seq": null, "run": null, "timestamp": "t", "sender": 1}),
            0,
            None,
        ),
    ] {
        let mut frame =
            json!({"type": "connection_status", "session_id": "s", "metadata": {"op": "resume"}});
        let fields = fields.as_object().unwrap().clone();
        frame.as_object_mut().unwrap().extend(fields);
        let expected = Resume {
            session: session.clone(),
            after,
            run: position,
        };
        assert_eq!(
            read(&frame.to_string()),
            Ok(ClientFrame::Resume(expected)),
            "{frame}"
        );
    }
}

/// A clock that is minutes or years wrong, or a client that writes its time in another way.
#[test]
fn the_time_of_a_client_decides_nothing() {
    for timestamp in [
        json!("2026-01-01T00:05:00Z"),
        json!("2026-01-01T01:30:00+02:00"),
        json!("9999-12-31T23:59:59Z"),
        json!("1970-01-01T00:00:00Z"),
        json!("today"),
        json!(""),
        json!(1_767_225_600_000_i64),
        json!({"seconds": 5}),
        json!([]),
        json!(true),
    ] {
        let frame = json!({"type": "user_message", "session_id": "s", "content": "hi", "timestamp": timestamp});
        let expected = Ok(user_message(Some("s"), None, "hi"));
        assert_eq!(read(&frame.to_string()), expected, "{timestamp}");
    }
}

#[test]
fn what_is_rejected_and_how() {
    let long = "ä".repeat(CHARS + 1);
    let long_id = "c".repeat(CLIENT_ID_MAX + 1);
    let (invalid, missing) = (Code::InvalidFormat, Code::MissingField);
    for (text, code, client_id) in [
        ("nonsense", invalid, None),
        (
            r#"{"type":"user_message","content":"hi","client_id":"c"} x"#,
            invalid,
            None,
        ),
        (r#"["user_message"]"#, invalid, None),
        (r#"{"content":"hi","client_id":"c"}"#, invalid, Some("c")),
        (r#"{"type":"ping","client_id":"c"}"#, invalid, Some("c")),
        (r#"{"type":null,"client_id":5}"#, invalid, None),
        (
            r#"{"type":"connection_status","client_id":"c","metadata":{"op":"drain"}}"#,
            invalid,
            Some("c"),
        ),
        (
            r#"{"type":"connection_status","metadata":[]}"#,
            invalid,
            None,
        ),
        (
            r#"{"type":"user_message","content":5,"client_id":"c"}"#,
            invalid,
            Some("c"),
        ),
        (
            r#"{"type":"user_message","session_id":"s","content":"  "}"#,
            missing,
            None,
        ),
        (
            r#"{"type":"user_message","session_id":"a b","content":"hi"}"#,
            invalid,
            None,
        ),
        (
            r#"{"type":"user_message","content":"hi","sender":"nobody"}"#,
            invalid,
            None,
        ),
        (
            &format!(r#"{{"type":"user_message","content":"{long}","client_id":"c"}}"#),
            invalid,
            Some("c"),
        ),
        (
            &format!(r#"{{"type":"user_message","content":"hi","client_id":"{long_id}"}}"#),
            invalid,
            Some(long_id.as_str()),
        ),
        (
            r#"{"type":"connection_status","metadata":{"op":"resume"}}"#,
            missing,
            None,
        ),
        (
            r#"{"type":"connection_status","session_id":"/","metadata":{"op":"resume"}}"#,
            invalid,
            None,
        ),
        (
            r#"{"type":"connection_status","session_id":"s","off":-1,"metadata":{"op":"resume"}}"#,
            invalid,
            None,
        ),
    ] {
        assert_eq!(
            read(text),
            Err((code, client_id.map(ToOwned::to_owned))),
            "{text}"
        );
    }
}

#[test]
fn what_is_asked_beside_questions_is_rejected_by_the_field() {
    let (invalid, missing) = (Code::InvalidFormat, Code::MissingField);
    for (text, code, client_id) in [
        (
            r#"{"type":"connection_status","run":"x","metadata":{"op":"cancel"}}"#,
            invalid,
            None,
        ),
        (
            r#"{"type":"connection_status","session_id":"a b","metadata":{"op":"cancel"}}"#,
            invalid,
            None,
        ),
        (
            r#"{"type":"connection_status","metadata":{"op":"regenerate"}}"#,
            missing,
            None,
        ),
        (
            r#"{"type":"connection_status","seq":"2","metadata":{"op":"regenerate"}}"#,
            invalid,
            None,
        ),
        (
            r#"{"type":"model_select","session_id":"s","model_id":" "}"#,
            missing,
            None,
        ),
        (r#"{"type":"model_select","model_id":5}"#, invalid, None),
        (
            r#"{"type":"user_message","content":"hi","replaces":"1","client_id":"c"}"#,
            invalid,
            Some("c"),
        ),
    ] {
        let expected = Err((code, client_id.map(ToOwned::to_owned)));
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn what_is_asked_beside_questions() {
    let session = || SessionId::parse("s");
    let run = RunId::parse("019b7d0a-5c2e-7b3f-8f21-6a0c4d9e1b02");
    let cancel = |session, run| ClientFrame::Cancel(Cancel { session, run });
    let select = |session| {
        let model = "good".to_owned();
        ClientFrame::ModelSelect(ModelSelect { session, model })
    };
    let regenerate = |session| ClientFrame::Regenerate(Regenerate { session, answer: 2 });
    for (text, expected) in [
        (
            r#"{"type":"connection_status","session_id":"s","run":"019b7d0a-5c2e-7b3f-8f21-6a0c4d9e1b02","metadata":{"op":"cancel"}}"#,
            cancel(session(), run),
        ),
        (
            r#"{"type":"connection_status","session_id":"null","run":null,"metadata":{"op":"cancel"}}"#,
            cancel(None, None),
        ),
        (
            r#"{"type":"connection_status","run":" ","metadata":{"op":"cancel"}}"#,
            cancel(None, None),
        ),
        (
            r#"{"TYPE":"model_select","Session_ID":"s","model_id":"good\u0000 ","sender":"user"}"#,
            select(session()),
        ),
        (
            r#"{"type":"model_select","session_id":"undefined","model_id":"good","content":5}"#,
            select(None),
        ),
        (
            r#"{"type":"connection_status","session_id":"s","seq":2,"metadata":{"op":"regenerate"}}"#,
            regenerate(session()),
        ),
        (
            r#"{"type":"connection_status","seq":2,"metadata":{"op":"regenerate"}}"#,
            regenerate(None),
        ),
    ] {
        assert_eq!(read(text), Ok(expected), "{text}");
    }
    let edited = r#"{"type":"user_message","content":"hi","replaces":3}"#;
    let Ok(ClientFrame::UserMessage(message)) = read(edited) else {
        panic!("not taken");
    };
    assert_eq!(message.replaces, Some(3));
}

#[test]
fn length_is_counted_in_characters() {
    let content = "ä".repeat(CHARS);
    let text = format!(r#"{{"type":"user_message","content":"{content}"}}"#);
    assert_eq!(read(&text), Ok(user_message(None, None, &content)));
}

/// A field, mostly with a value that is right for it.
fn field(key: &'static str) -> BoxedStrategy<Value> {
    let right = match key {
        "session_id" => "[a-z:_.-]{1,12}".prop_map(Value::from).boxed(),
        "content" | "client_id" => "[ \0a-zä😀]{1,12}".prop_map(Value::from).boxed(),
        "sender" => prop::sample::select(SENDERS.to_vec())
            .prop_map(Value::from)
            .boxed(),
        "timestamp" => Just(json!("2025-12-31T23:59:59.5+00:00")).boxed(),
        "seq" | "off" => (0..9_i64).prop_map(Value::from).boxed(),
        "run" => Just(json!(RunId::new())).boxed(),
        "replaces" => (1..9_i64).prop_map(Value::from).boxed(),
        "model_id" => "[a-z]{1,9}".prop_map(Value::from).boxed(),
        "metadata" => prop::sample::select(vec!["resume", "cancel", "regenerate"])
            .prop_map(|op| json!({"op": op}))
            .boxed(),
        _ => Just(Value::Null).boxed(),
    };
    prop_oneof![8 => right, 1 => Just(Value::Null), 1 => any_value()].boxed()
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        // A schema takes 1.0 for an integer, the parser does not; no client writes it.
        any::<i16>().prop_map(|number| Value::from(f64::from(number) + 0.5)),
        "\\PC{0,14}|[ \0a-z]{0,12}".prop_map(Value::from),
        Just(json!([[]])),
        Just(json!({})),
    ]
}

fn frame() -> impl Strategy<Value = Value> {
    let keys = [
        "session_id",
        "content",
        "client_id",
        "sender",
        "timestamp",
        "seq",
        "run",
        "off",
        "replaces",
        "model_id",
        "metadata",
        "more",
    ];
    let kind = prop_oneof![
        4 => Just(json!("user_message")),
        4 => Just(json!("connection_status")),
        2 => Just(json!("model_select")),
        2 => prop::sample::select(vec!["admin_join", "admin_leave", "help_request", "typing_indicator"]).prop_map(Value::from),
        1 => any_value(),
    ];
    let fields = prop::sample::subsequence(keys.to_vec(), 5..=keys.len());
    let valued = fields.prop_flat_map(|keys| {
        let values: Vec<_> = keys.iter().map(|key| field(key)).collect();
        values.prop_map(move |values| keys.clone().into_iter().zip(values).collect::<Vec<_>>())
    });
    (kind, valued).prop_map(|(kind, fields)| {
        let mut frame = json!({"type": kind});
        for (key, value) in fields {
            frame[key] = value;
        }
        frame
    })
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,64}|[\\[{\"type:,user_mesag}\\]]{0,64}") {
        let _ = read(&text);
    }

    /// What is in the schema is taken, but for rules that no schema can say: how long content may be, and the time.
    #[test]
    fn what_the_schema_allows_is_taken(frame in frame()) {
        thread_local! {
            static SCHEMA: jsonschema::Validator = jsonschema::options()
                .should_validate_formats(true).build(&schema::client()).unwrap();
        }
        let chars = usize::MAX;
        let parsed = parse(&frame.to_string(), chars);
        if SCHEMA.with(|schema| schema.is_valid(&frame)) {
            let blank = frame["content"].as_str().is_some_and(|text| text.replace('\0', "").trim().is_empty());
            prop_assert!(parsed.is_ok() || blank, "{frame}: {parsed:?}");
        }
        if let Err(rejection) = parsed {
            let sent = frame["client_id"].as_str().map(|id| id.replace('\0', "").trim().to_owned());
            prop_assert_eq!(rejection.client_id, sent.filter(|id| !id.is_empty()));
        }
    }

    /// Whatever a person types arrives, or is rejected with a code and the name of the message.
    #[test]
    fn any_content_arrives_or_is_rejected(content in "[ \0a-zä😀\"\\\\\n]{0,14}") {
        let frame = json!({"type": "user_message", "content": content, "client_id": "c"});
        let clean = content.replace('\0', "").trim().to_owned();
        let expected = match clean.chars().count() {
            0 => Err((Code::MissingField, Some("c".to_owned()))),
            1..=CHARS => Ok(user_message(None, Some("c"), &clean)),
            _ => Err((Code::InvalidFormat, Some("c".to_owned()))),
        };
        prop_assert_eq!(read(&frame.to_string()), expected);
    }
}

#[test]
fn the_longest_client_id_is_taken() {
    let id = "ä".repeat(128);
    let frame = json!({"type": "user_message", "content": "hi", "client_id": id});
    assert_eq!(
        read(&frame.to_string()),
        Ok(user_message(None, Some(&id), "hi"))
    );
}

#[test]
fn an_unknown_operation_and_an_unknown_type_are_told_apart() {
    for (text, message) in [
        (
            r#"{"type":"connection_status","metadata":{"op":"drain"}}"#,
            "metadata.op is not known",
        ),
        (r#"{"type":"ping"}"#, "unknown message type"),
    ] {
        assert_eq!(parse(text, CHARS).unwrap_err().message, message);
    }
}
