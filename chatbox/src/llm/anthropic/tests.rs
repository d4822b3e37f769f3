use reqwest::StatusCode;
use serde_json::{Value, json};

use super::super::{Message, Role};
use super::http::Question as _;
use super::*;
use crate::chat::SessionId;

fn question(messages: usize, answer_tokens: Option<i32>) -> Question {
    let config = config::Anthropic {
        base_url: "https://x.test".to_owned(),
        model: "m".to_owned(),
        api_key: None,
        headers: Vec::new(),
    };
    let settings = Settings {
        answer_tokens,
        ..Settings::default()
    };
    let anthropic = Anthropic::new(Client::default(), &config, settings).unwrap();
    let message = |place: usize| Message {
        role: [Role::User, Role::Assistant][place % 2],
        content: place.to_string(),
    };
    Question {
        endpoint: anthropic.0,
        request: Request {
            session: SessionId::random(),
            system: Some("s".to_owned()),
            messages: (0..messages).map(message).collect(),
            state: None,
        },
        refused: Refused::new(),
    }
}

fn bad_request(message: &str) -> FailedAttempt {
    let error = json!({"type": "invalid_request_error", "message": message});
    let body = json!({"type": "error", "error": error});
    http::rejected(errors::CODES, StatusCode::BAD_REQUEST, body)
}

fn body(question: &Question) -> Value {
    let request = question.call(&reqwest::Client::new()).build().unwrap();
    serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap()
}

#[test]
fn a_request_as_the_api_takes_it() {
    let messages = json!([{"role": "user", "content": "0"}, {"role": "assistant", "content": "1"},
        {"role": "user", "content": "2"}]);
    let expected = |tokens: i32| {
        json!({"model": "m", "max_tokens": tokens, "system": "s", "messages": messages,
            "stream": true})
    };
    assert_eq!(body(&question(3, None)), expected(4096));
    assert_eq!(body(&question(3, Some(5))), expected(5));
    assert_eq!(body(&question(3, Some(9000))), expected(9000));
    let mut bare = question(1, None);
    bare.request.system = None;
    assert!(body(&bare).get("system").is_none());
}

#[test]
fn a_limit_that_a_model_does_not_take_becomes_the_default_and_is_remembered() {
    let mut question = question(1, Some(64_000));
    let failed = bad_request("max_tokens: 64000 > 8192, which is the maximum allowed");
    assert!(question.adapt(&failed));
    assert_eq!(body(&question)["max_tokens"], 4096);
    assert!(!question.adapt(&failed), "once");
    assert!(question.endpoint.learned.refused().is_empty());
    question.accepted(false);
    assert_eq!(
        question.endpoint.learned.refused(),
        Refused::from([Field::MaxTokens])
    );
}

#[test]
fn a_conversation_that_is_too_long_is_halved_down_to_the_question() {
    let mut question = question(9, Some(64_000));
    let failed = bad_request("prompt is too long: 200001 tokens > 200000 maximum");
    let mut asked = vec![];
    while question.adapt(&failed) {
        let body = body(&question);
        let messages = body["messages"].as_array().unwrap();
        assert_eq!(messages.last().unwrap()["content"], "8");
        asked.push((messages.len(), body["max_tokens"].as_i64().unwrap()));
    }
    assert_eq!(asked, [(9, 4096), (5, 4096), (3, 4096), (1, 4096)]);
}
