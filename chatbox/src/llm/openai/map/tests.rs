use serde_json::json;

use super::*;
use crate::llm::http::testing::{assert_cut_anywhere, read, read_bytes};

const TEXT: &str =
    r#"{"choices":[{"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}"#;
const STOP: &str = r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#;
const CUT: &str = "transport: the answer was cut";
const EMPTY: &str = "empty: the provider ended its answer before the first word";
const REPORTED: &str = "overloaded: the provider reported an error in its answer";

fn assert_streams<const N: usize>(streams: [(Vec<&str>, Vec<&str>); N]) {
    for (data, expected) in streams {
        assert_eq!(read::<Mapper>(&data), expected, "{data:?}");
    }
}

/// The answer to a stream of these events, which ends as it should.
fn answer(events: &[Value]) -> Vec<String> {
    let mut data: Vec<_> = events.iter().map(Value::to_string).collect();
    data.push("[DONE]".to_owned());
    read::<Mapper>(&data.iter().map(String::as_str).collect::<Vec<_>>())
}

fn piece(content: &Value) -> Value {
    json!({"choices": [{"index": 0, "delta": {"content": content}, "finish_reason": null}]})
}

#[test]
fn answers() {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
    assert_streams([
        (vec![TEXT, STOP, usage, "[DONE]"], vec!["Hi", "3+1", "done"]),
        (vec![TEXT, STOP], vec!["Hi", "done"]),
        (vec![TEXT, "[DONE]"], vec!["Hi", "done"]),
        (
            vec![r#"{"choices":[{"delta":{"content":"a\n\"😀"},"finish_reason":"stop"}]}"#],
            vec!["a\n\"😀", "done"],
        ),
        (
            vec![TEXT, "ping", "", "[1,2]", "3", STOP],
            vec!["Hi", "done"],
        ),
    ]);
}

#[test]
fn where_a_stream_is_cut_makes_no_difference() {
    let piece = |text: &str| format!("data: {}\n\n", piece(&json!(text)));
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":1}}"#;
    let (first, second) = (piece("größe "), piece("😀 \"x\"\n"));
    assert_cut_anywhere::<Mapper>(&format!(
        ": hello\r\n\r\n{first}{second}data: {STOP}\n\ndata: {usage}\n\ndata: [DONE]\n\n"
    ));
}

#[test]
fn answers_that_end_early() {
    let end =
        |reason: &str| format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
    assert_streams([
        (
            vec![TEXT, &end("length"), "[DONE]"],
            vec!["Hi", "done Length"],
        ),
        (vec![&end("length"), "[DONE]"], vec!["done Length"]),
        (
            vec![TEXT, &end("content_filter"), "[DONE]"],
            vec!["Hi", "done ContentFilter"],
        ),
        (vec![&end("content_filter")], vec!["done ContentFilter"]),
        (vec![TEXT, &end("length"), STOP], vec!["Hi", "done Length"]),
        (
            vec![TEXT, &end("error")],
            vec![
                "Hi",
                "overloaded: the provider reported an error in its answer (server_error)",
            ],
        ),
        (
            vec![
                r#"{"choices":[{"delta":{"refusal":"I can"}}]}"#,
                r#"{"choices":[{"delta":{"refusal":"not."}}]}"#,
                STOP,
            ],
            vec!["I can", "not.", "done Refusal"],
        ),
        (
            vec![
                r#"{"choices":[{"delta":{"content":null,"refusal":"No."}}]}"#,
                "[DONE]",
            ],
            vec!["No.", "done Refusal"],
        ),
    ]);
}

#[test]
fn no_reason_in_any_spelling_is_no_end() {
    for reason in ["null", "\"\"", "\"null\"", "\"None\"", "false", "{}"] {
        let piece =
            format!(r#"{{"choices":[{{"delta":{{"content":"Hi"}},"finish_reason":{reason}}}]}}"#);
        assert_eq!(read::<Mapper>(&[&piece]), ["Hi", CUT], "{reason}");
        assert_eq!(
            read::<Mapper>(&[&piece, "[DONE]"]),
            ["Hi", "done"],
            "{reason}"
        );
    }
}

#[test]
fn an_empty_complete_answer_does_not_exist() {
    assert_streams([
        (vec!["[DONE]"], vec![EMPTY]),
        (vec![STOP, "[DONE]"], vec![EMPTY]),
        (
            vec![r#"{"choices":null,"usage":null}"#, "[DONE]"],
            vec![EMPTY],
        ),
        (
            vec![r#"{"choices":[{"delta":{"content":""}}]}"#, "[DONE]"],
            vec![EMPTY],
        ),
        (
            vec![
                r#"{"choices":[{"delta":{"reasoning_content":"Hm"}}]}"#,
                STOP,
            ],
            vec![EMPTY],
        ),
        (
            vec![
                r#"{"choices":[{"delta":{"tool_calls":[{"id":"x"}]},"finish_reason":"tool_calls"}]}"#,
            ],
            vec![EMPTY],
        ),
        (vec![TEXT], vec!["Hi", CUT]),
        (vec![], vec![CUT]),
    ]);
}

#[test]
fn errors_in_an_answer() {
    let page = "malformed: the provider sent an event that is not readable (Eof error at column 1)";
    assert_streams([
        (vec!["{"], vec![page]),
        (
            vec![
                TEXT,
                r#"{"error":{"message":"no","type":"server_error","code":1}}"#,
            ],
            vec![
                "Hi",
                "overloaded: the provider reported an error in its answer (server_error)",
            ],
        ),
        (
            vec![r#"{"object":"error","message":"x","code":500}"#, "[DONE]"],
            vec![REPORTED],
        ),
        (
            vec![r#"{"type":"error","message":"x"}"#, "[DONE]"],
            vec![REPORTED],
        ),
        (vec![r#"{"error":"x"}"#, "[DONE]"], vec![REPORTED]),
        (
            vec![r#"{"choices":[{"delta":{"content":""},"error":{"code":502}}]}"#],
            vec![REPORTED],
        ),
        (
            vec![
                r#"{"choices":[{"delta":{"content":"Hi"},"finish_reason":"error"}],"error":{"code":502}}"#,
            ],
            vec!["Hi", REPORTED],
        ),
        (
            vec![r#"{"message":"no upstream"}"#, "[DONE]"],
            vec![REPORTED],
        ),
        (
            vec![r#"{"detail":"Unauthorized","status":401}"#],
            vec!["authentication: the provider reported an error in its answer"],
        ),
        (
            vec![r#"{"choices":null,"base_resp":{"status_code":1004,"status_msg":"x"}}"#],
            vec![REPORTED],
        ),
        // No error, in several spellings.
        (
            vec![
                r#"{"choices":[{"delta":{"content":"Hi"},"error":null}],"error":null}"#,
                r#"{"choices":[],"error":{},"base_resp":{"status_code":0}}"#,
                r#"{"choices":[{"delta":{},"finish_reason":"stop"}],"error":{"code":null,"message":""}}"#,
            ],
            vec!["Hi", "done"],
        ),
    ]);
}

#[test]
fn words_beside_an_answer_are_no_error() {
    for remark in [
        json!({"message": "Your request is queued", "status": "queued"}),
        json!({"type": "ping", "message": "still at work"}),
        json!({"detail": "x", "code": 200}),
    ] {
        assert_eq!(
            answer(&[remark.clone(), piece(&json!("Hi"))]),
            ["Hi", "done"]
        );
        assert_eq!(
            answer(std::slice::from_ref(&remark)),
            [REPORTED],
            "{remark}"
        );
        assert_eq!(
            read::<Mapper>(&[&remark.to_string()]),
            [REPORTED],
            "{remark}"
        );
    }
    let failed = json!({"message": "no", "code": 502});
    assert_eq!(answer(&[failed, piece(&json!("Hi"))]), [REPORTED]);
}

#[test]
fn one_completion_in_answer_to_a_stream() {
    for (body, expected) in [
        (
            json!({"object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"},
                "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}),
            vec!["Hi", "3+1", "done"],
        ),
        (
            json!({"choices": [{"message": {"content": [{"type": "text", "text": "Hi"}]}, "finish_reason": "length"}]}),
            vec!["Hi", "done Length"],
        ),
        (
            json!({"choices": [{"message": {"content": "Hi"}}]}),
            vec!["Hi", "done"],
        ),
        (json!({"choices": [{"message": "Hi"}]}), vec!["Hi", "done"]),
        (json!({"choices": [{"text": "Hi"}]}), vec!["Hi", "done"]),
        (
            json!({"choices": [{"message": {"content": null, "refusal": "No."}, "finish_reason": "stop"}]}),
            vec!["No.", "done Refusal"],
        ),
        (
            json!({"choices": [{"message": {"content": "<think>Hm</think>Hi", "reasoning": "Hm"}, "finish_reason": "stop"}]}),
            vec!["Hi", "done"],
        ),
        (
            json!({"choices": [{"message": {"content": ""}, "finish_reason": "stop"}]}),
            vec![EMPTY],
        ),
        (json!({"choices": []}), vec![CUT]),
        (
            json!({"error": {"message": "no", "type": "insufficient_quota"}}),
            vec!["quota: the provider reported an error in its answer (insufficient_quota)"],
        ),
        (
            json!({"object": "error", "message": "x", "code": 500}),
            vec![REPORTED],
        ),
    ] {
        for text in [
            format!("{body}"),
            format!("{body:#}\n"),
            format!("\u{feff}{body}"),
            format!("data: {body}\n\ndata: [DONE]\n\n"),
        ] {
            let read = read_bytes::<Mapper>(&[&text]);
            // A document that ends without an answer was cut; a stream says that it is complete.
            let is_same = read == expected || (expected == [CUT] && read == [EMPTY]);
            assert!(is_same, "{text}: {read:?}");
        }
    }
}

#[test]
fn whole_messages_beside_pieces_or_instead_of_them_are_not_told_twice() {
    let both = |content: &str, whole: &str| json!({"choices": [{"delta": {"content": content}, "message": {"content": whole}}]});
    assert_eq!(
        answer(&[both("a", "a"), both("b", "ab")]),
        ["a", "b", "done"]
    );
    let last = json!({"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}]});
    assert_eq!(answer(&[piece(&json!("Hi")), last]), ["Hi", "done"]);
    let growing = |text: &str| json!({"choices": [{"message": {"content": text}}]});
    assert_eq!(
        answer(&[growing("a"), growing("ab"), growing("ab")]),
        ["a", "b", "done"]
    );
    assert_eq!(answer(&[growing("a"), growing("b")]), ["a", "b", "done"]);
}

#[test]
fn fields_of_any_type_fail_no_answer() {
    let odd = [
        json!(null),
        json!(7),
        json!("x"),
        json!([]),
        json!({}),
        json!(true),
        json!(-1.5),
        json!([null]),
    ];
    for value in odd {
        for event in [
            json!({"choices": value}),
            json!({"choices": [value]}),
            json!({"choices": [{"delta": {"role": value, "tool_calls": value, "reasoning": value}}]}),
            json!({"choices": [], "usage": value}),
            json!({"choices": [], "usage": {"prompt_tokens": value}}),
            json!({"choices": [{"delta": {}, "index": 0, "logprobs": value}], "id": value, "created": value, "model": value}),
            json!({"choices": [{"delta": {}, "usage": value}], "x_groq": value, "object": value, "base_resp": null}),
            json!(value),
        ] {
            let told: Vec<_> = answer(&[piece(&json!("Hi")), event.clone(), piece(&json!("!"))])
                .into_iter()
                .filter(|word| word != "0+0" && word != "7+0")
                .collect();
            assert_eq!(told, ["Hi", "!", "done"], "{event}");
        }
    }
    for (content, expected) in [
        (json!(42), "42"),
        (json!(["a", {"type": "text", "text": "b"}]), "ab"),
        (
            json!([{"type": "thinking", "thinking": "no"}, {"type": "text", "text": "b"}]),
            "b",
        ),
        (json!({"text": "a"}), "a"),
    ] {
        assert_eq!(answer(&[piece(&content)]), [expected, "done"]);
    }
    assert_eq!(
        answer(&[json!({"choices": [{"delta": "a"}]})]),
        ["a", "done"]
    );
    assert_eq!(
        answer(&[json!({"choices": {"delta": {"content": "a"}}})]),
        ["a", "done"]
    );
    assert_eq!(
        answer(&[json!([piece(&json!("a")), piece(&json!("b"))])]),
        ["ab", "done"]
    );
    assert_eq!(
        read::<Mapper>(&[r#"{"choices":[{"delta":{"content":"a\ud83d"}}]}"#, "[DONE]"]),
        ["a", "\u{fffd}", "done"]
    );
}

#[test]
fn one_choice_is_followed() {
    let of = |index: u32, content: &str| json!({"index": index, "delta": {"content": content}, "finish_reason": null});
    for (events, expected) in [
        (
            vec![
                json!({"choices": [of(0, "a"), of(1, "x")]}),
                json!({"choices": [of(1, "y")]}),
                json!({"choices": [of(1, "z"), of(0, "b")]}),
            ],
            vec!["a", "b", "done"],
        ),
        (
            vec![
                json!({"choices": [of(1, "a")]}),
                json!({"choices": [of(1, "b")]}),
            ],
            vec!["a", "b", "done"],
        ),
        (
            vec![
                json!({"choices": [{"delta": {"content": "a"}}]}),
                json!({"choices": [of(0, "b")]}),
            ],
            vec!["a", "b", "done"],
        ),
    ] {
        assert_eq!(answer(&events), expected, "{events:?}");
    }
}

#[test]
fn what_was_counted_is_found_anywhere() {
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 1});
    for event in [
        json!({"choices": [], "usage": usage}),
        json!({"usage": usage}),
        json!({"choices": [{"delta": {}, "usage": usage}], "usage": null}),
        json!({"choices": [], "x_groq": {"usage": usage}}),
        json!({"choices": [], "usage": {"input_tokens": "3", "output_tokens": 1.0}}),
    ] {
        assert_eq!(
            answer(&[piece(&json!("Hi")), event.clone()]),
            ["Hi", "3+1", "done"],
            "{event}"
        );
    }
}

#[test]
fn thoughts_are_not_part_of_the_answer() {
    let thought = |field: &str| json!({"choices": [{"delta": {"content": null, field: "Hm"}}]});
    let fields = [
        "reasoning",
        "reasoning_content",
        "thinking",
        "reasoning_details",
    ]
    .map(thought);
    let mut events = fields.to_vec();
    events.extend([
        piece(&json!("<thi")),
        piece(&json!("nk>Hm")),
        piece(&json!("</think>\n\n")),
        piece(&json!("Hi")),
    ]);
    assert_eq!(answer(&events), ["Hi", "done"]);
}

/// Old servers of Hugging Face count the tokens of the answer in the place of the choice.
#[test]
fn the_only_choice_is_taken_whatever_its_number() {
    let piece = |index: u32, text: &str| json!({"choices": [{"index": index, "delta": {"content": text}, "finish_reason": null}]});
    let end = json!({"choices": [{"index": 3, "delta": {}, "finish_reason": "stop"}]});
    let events = [piece(1, "once "), piece(2, "upon"), end];
    assert_eq!(answer(&events), ["once ", "upon", "done"]);
}

#[test]
fn an_empty_delta_beside_a_message_is_not_the_answer() {
    let event = json!({"choices": [{"delta": {"role": "assistant", "content": ""},
        "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}]});
    assert_eq!(answer(&[event]), ["yes", "done"]);
}
