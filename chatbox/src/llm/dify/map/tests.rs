use serde_json::json;

use super::*;
use crate::llm::http::testing::{assert_cut_anywhere, read_bytes};

const PING: &str = "event: ping\n\n";
const CUT: &str = "transport: the answer was cut";

fn event(name: &str, more: &Value) -> String {
    let mut event = json!({"event": name, "task_id": "t", "message_id": "m",
        "conversation_id": "c1", "created_at": 1_679_586_595});
    let more = more.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(more);
    format!("data: {event}\n\n")
}

fn say(answer: &str) -> String {
    event("message", &json!({"answer": answer}))
}

fn end() -> String {
    let usage = json!({"prompt_tokens": 1033, "completion_tokens": 135, "total_price": "0.0013"});
    event("message_end", &json!({"metadata": {"usage": usage}}))
}

fn answer(events: &[String]) -> Vec<String> {
    read_bytes::<Mapper>(&[&events.concat()])
}

#[test]
fn answers() {
    let step = |name: &str| event(name, &json!({"data": {"outputs": {"answer": "secret"}}}));
    let events = [
        step("workflow_started"),
        step("node_started"),
        PING.to_owned(),
        say("I'm"),
        step("node_finished"),
        say(" glad"),
        event(
            "message_file",
            &json!({"type": "image", "url": "https://x.test"}),
        ),
        event("tts_message", &json!({"audio": "secret"})),
        step("workflow_finished"),
        end(),
    ];
    let expected = ["state c1", "I'm glad", "1033+135", "done"];
    assert_eq!(answer(&events), expected);
}

#[test]
fn an_agent_answers_without_its_thoughts() {
    let events = [
        event(
            "agent_thought",
            &json!({"thought": "secret", "observation": "secret"}),
        ),
        event("agent_message", &json!({"answer": "Hi"})),
        end(),
    ];
    assert_eq!(answer(&events), ["state c1", "Hi", "1033+135", "done"]);
}

#[test]
fn where_a_stream_is_cut_makes_no_difference() {
    let stream = [
        PING.to_owned(),
        say("größe "),
        say("😀 \"x\"\n"),
        PING.to_owned(),
        end(),
    ];
    assert_cut_anywhere::<Mapper>(&stream.concat());
    let error = event(
        "error",
        &json!({"status": 400, "code": "provider_quota_exceeded"}),
    );
    assert_cut_anywhere::<Mapper>(&[say("Hällo"), error].concat());
}

#[test]
fn an_answer_without_its_end_was_cut() {
    assert_eq!(answer(&[say("Hi")]), ["state c1", "Hi", CUT]);
    let empty = answer(&[end()]);
    assert!(empty.last().unwrap().starts_with("empty"), "{empty:?}");
}

#[test]
fn what_comes_behind_the_end_is_not_waited_for() {
    let error = event("error", &json!({"status": 500, "code": "x"}));
    let read = answer(&[say("Hi"), end(), say("no"), error]);
    assert_eq!(read, ["state c1", "Hi", "1033+135", "done"]);
}

#[test]
fn errors_in_an_answer() {
    for (status, code, expected) in [
        (400, "provider_quota_exceeded", "quota"),
        (400, "completion_request_error", "overloaded"),
        (400, "invalid_param", "malformed"),
        (500, "internal_server_error", "overloaded"),
        (429, "unknown", "rate_limit"),
    ] {
        let error = event(
            "error",
            &json!({"status": status, "code": code, "message": "m"}),
        );
        let read = answer(&[say("Hi"), error]);
        assert!(
            read.len() == 3 && read[2].starts_with(expected),
            "{code}: {read:?}"
        );
    }
    let whole =
        json!({"code": "provider_quota_exceeded", "message": "m", "status": 400}).to_string();
    let read = read_bytes::<Mapper>(&[&whole]);
    assert!(read[0].starts_with("quota"), "{read:?}");
}

#[test]
fn one_message_in_answer_to_a_stream() {
    let message = json!({"event": "message", "mode": "chat", "conversation_id": "c1", "answer": "Hi",
        "metadata": {"usage": {"prompt_tokens": 3, "completion_tokens": 2}}});
    let read = read_bytes::<Mapper>(&[&message.to_string()]);
    assert_eq!(read, ["3+2", "state c1", "Hi", "done"]);
}

#[test]
fn a_reply_of_the_moderation_is_the_whole_answer() {
    let replace = |reply: &str| event("message_replace", &json!({"answer": reply}));
    // Before the first word.
    let read = answer(&[replace("No."), end()]);
    assert_eq!(read, ["No.", "1033+135", "state c1", "done Refusal"]);
    for shown in ["How to ", "```\nHow to ", "He said \""] {
        let read = answer(&[say(shown), replace("No."), say("more"), end()]);
        assert_eq!(thoughts::answer(&read[1]), "No.", "{read:?}");
        assert_eq!(read.last().unwrap(), "done Refusal");
    }
    // It cannot be taken back, or there is nothing instead.
    let shown: String = thoughts::BLOCKS
        .iter()
        .map(|(start, _)| format!("x{start}"))
        .collect();
    for (shown, reply) in [(shown.as_str(), "No."), ("How to ", "")] {
        let read = answer(&[say(shown), replace(reply), end()]);
        assert_eq!(read, ["state c1", shown, "1033+135", "done ContentFilter"]);
    }
}

#[test]
fn fields_of_any_type_fail_no_answer() {
    for more in [
        json!({"event": "message", "answer": null}),
        json!({"event": "message", "answer": [], "conversation_id": 7}),
        json!({"event": 7, "metadata": []}),
        json!({"metadata": {"usage": "none"}, "conversation_id": null}),
    ] {
        let read = answer(&[event("message", &more), say("Hi"), end()]);
        assert_eq!(read[read.len() - 3..], ["Hi", "1033+135", "done"], "{more}");
    }
}
