use serde_json::json;

use super::*;
use crate::llm::http::testing::{assert_cut_anywhere, read, read_bytes};

const START: &str = r#"{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","content":[],"model":"m","stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"output_tokens":1}}}"#;
const BLOCK: &str =
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#;
const BLOCK_STOP: &str = r#"{"type":"content_block_stop","index":0}"#;
const PING: &str = r#"{"type":"ping"}"#;
const STOP: &str = r#"{"type":"message_stop"}"#;
const CUT: &str = "transport: the answer was cut";
const EMPTY: &str = "empty: the provider ended its answer before the first word";

fn say(text: &str) -> String {
    json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}})
        .to_string()
}

fn end(reason: &str) -> String {
    json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null},
        "usage": {"output_tokens": 15}})
    .to_string()
}

/// As the API sends it: every event has its type as its name too.
fn stream(events: &[&str]) -> String {
    let named = |data: &&str| {
        let event: Value = serde_json::from_str(data).unwrap();
        format!(
            "event: {}\ndata: {data}\n\n",
            event["type"].as_str().unwrap()
        )
    };
    events.iter().map(named).collect()
}

fn answer(events: &[&str]) -> Vec<String> {
    read_bytes::<Mapper>(&[&stream(events)])
}

#[test]
fn answers() {
    let events = [
        START,
        BLOCK,
        PING,
        &say("Hello"),
        &say("!"),
        BLOCK_STOP,
        &end("end_turn"),
        STOP,
    ];
    let expected = ["25+1", "Hello!", "25+15", "done"];
    assert_eq!(answer(&events), expected);
    // The same without names, and with what a gateway puts behind it.
    let bare: Vec<_> = events.into_iter().chain(["[DONE]"]).collect();
    assert_eq!(
        read::<Mapper>(&bare),
        ["25+1", "Hello", "!", "25+15", "done"]
    );
}

#[test]
fn where_a_stream_is_cut_makes_no_difference() {
    let thought = r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"größe"}}"#;
    let events = [
        START,
        BLOCK,
        thought,
        &say("größe "),
        PING,
        &say("😀 \"x\"\n"),
        BLOCK_STOP,
        &end("max_tokens"),
        STOP,
    ];
    assert_cut_anywhere::<Mapper>(&stream(&events));
    let overloaded =
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    assert_cut_anywhere::<Mapper>(&stream(&[START, BLOCK, &say("Hällo"), overloaded]));
}

#[test]
fn each_reason_to_stop() {
    for (reason, expected) in [
        ("end_turn", "done"),
        ("stop_sequence", "done"),
        ("tool_use", "done"),
        ("pause_turn", "done"),
        ("something_new", "done"),
        ("max_tokens", "done Length"),
        ("model_context_window_exceeded", "done Length"),
        ("refusal", "done ContentFilter"),
    ] {
        let read = answer(&[START, &say("Hi"), &end(reason), STOP]);
        assert_eq!(read, ["25+1", "Hi", "25+15", expected], "{reason}");
    }
    let refused = answer(&[START, &end("refusal"), STOP]);
    assert_eq!(refused, ["25+1", "25+15", "done ContentFilter"]);
    let failed = answer(&[&say("Hi"), &end("error")]);
    assert!(
        failed.last().unwrap().starts_with("overloaded"),
        "{failed:?}"
    );
}

#[test]
fn an_answer_without_its_end_was_cut() {
    assert_eq!(answer(&[START, BLOCK, &say("Hi")]), ["25+1", "Hi", CUT]);
    assert_eq!(
        answer(&[&say("Hi"), &end("end_turn")]),
        ["Hi", "0+15", "done"]
    );
    assert_eq!(answer(&[&say("Hi"), STOP]), ["Hi", "done"]);
    assert_eq!(answer(&[START, &end("end_turn"), STOP])[2], EMPTY);
    assert_eq!(answer(&[STOP]), [EMPTY]);
    let nothing = r#"{"type":"message_delta","delta":{"stop_reason":null},"usage":null}"#;
    assert_eq!(answer(&[&say("Hi"), nothing]), ["Hi", CUT]);
}

#[test]
fn what_comes_behind_the_end_is_not_waited_for() {
    let read = answer(&[&say("a"), STOP, &say("b"), &end("refusal")]);
    assert_eq!(read, ["a", "done"]);
}

#[test]
fn thoughts_and_tools_are_not_part_of_the_answer() {
    let delta = |delta: Value| {
        json!({"type": "content_block_delta", "index": 0, "delta": delta}).to_string()
    };
    let block = |block: Value| {
        json!({"type": "content_block_start", "index": 0, "content_block": block}).to_string()
    };
    let events = [
        &block(json!({"type": "thinking", "thinking": "secret", "signature": ""})),
        &delta(json!({"type": "thinking_delta", "thinking": "secret"})),
        &delta(json!({"type": "signature_delta", "signature": "secret"})),
        &block(json!({"type": "redacted_thinking", "data": "secret"})),
        &block(json!({"type": "tool_use", "id": "t", "name": "secret", "input": {}})),
        &delta(json!({"type": "input_json_delta", "partial_json": "secret"})),
        &block(json!({"type": "text", "text": "H"})),
        &delta(json!({"type": "citations_delta", "citation": {"cited_text": "secret"}})),
        &delta(json!({"type": "text_delta", "text": "i"})),
        &end("end_turn"),
        STOP,
    ];
    assert_eq!(answer(&events), ["Hi", "0+15", "done"]);
}

#[test]
fn errors_in_an_answer() {
    let error = |kind: &str| json!({"type": "error", "error": {"type": kind, "message": "m"}});
    for (kind, expected) in [
        ("overloaded_error", "overloaded"),
        ("api_error", "overloaded"),
        ("rate_limit_error", "rate_limit"),
        ("authentication_error", "authentication"),
        ("billing_error", "quota"),
        ("something_new", "overloaded"),
    ] {
        let error = error(kind).to_string();
        for read in [
            answer(&[&say("Hi"), &error]),
            read::<Mapper>(&[&say("Hi"), &error]),
        ] {
            let (text, failed) = (&read[0], &read[1]);
            assert!(
                text == "Hi" && failed.starts_with(expected) && read.len() == 2,
                "{read:?}"
            );
        }
    }
    // As a whole answer, and as a gateway writes it.
    let read = read_bytes::<Mapper>(&[&error("overloaded_error").to_string()]);
    assert!(read[0].starts_with("overloaded"), "{read:?}");
    let read = read_bytes::<Mapper>(&[r#"{"error":{"type":"billing_error"}}"#]);
    assert!(read[0].starts_with("quota"), "{read:?}");
}

#[test]
fn one_message_in_answer_to_a_stream() {
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant",
        "content": [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hi"}],
        "stop_reason": "max_tokens", "usage": {"input_tokens": 3, "output_tokens": 2}});
    let read = read_bytes::<Mapper>(&[&message.to_string()]);
    assert_eq!(read, ["Hi", "3+2", "done Length"]);
}

#[test]
fn what_was_counted_holds_with_the_cache_and_cumulatively() {
    let start = json!({"type": "message_start", "message": {"usage": {"input_tokens": 3,
        "cache_creation_input_tokens": 10, "cache_read_input_tokens": 100, "output_tokens": 1}}});
    let delta = |usage: Value| json!({"type": "message_delta", "delta": {}, "usage": usage});
    let read = answer(&[
        &start.to_string(),
        &say("Hi"),
        &delta(json!({"output_tokens": 5})).to_string(),
        &delta(json!({"input_tokens": 0, "output_tokens": "9"})).to_string(),
        STOP,
    ]);
    assert_eq!(read, ["113+1", "Hi", "113+5", "113+9", "done"]);
}

#[test]
fn fields_of_any_type_fail_no_answer() {
    for event in [
        json!({"type": "message_start", "message": null}),
        json!({"type": "message_start", "message": {"content": null, "usage": []}}),
        json!({"type": "content_block_delta", "delta": null}),
        json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": null}}),
        json!({"type": "message_delta", "delta": {"stop_reason": 7}, "usage": {"output_tokens": []}}),
        json!({"type": 7}),
        json!({"type": "new"}),
        json!({}),
    ] {
        let read = read::<Mapper>(&[&event.to_string(), &say("Hi"), &end("end_turn"), STOP]);
        assert_eq!(read, ["Hi", "0+15", "done"], "{event}");
    }
}
