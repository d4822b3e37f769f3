use reqwest::StatusCode;
use serde_json::{Value, json};

use super::super::{Message, Role};
use super::http::Question as _;
use super::*;
use crate::chat::SessionId;

fn question(messages: usize, state: Option<&str>) -> Question {
    let config = json!({"apiKey": {"name": "a", "key": "b"}});
    let config = serde_json::from_value(config).unwrap();
    let dify = Dify::new(Client::default(), &config, Settings::default()).unwrap();
    let message = |place: usize| Message {
        role: [Role::User, Role::Assistant][place % 2],
        content: place.to_string(),
    };
    Question {
        endpoint: dify.0,
        request: Request {
            session: SessionId::parse("s").unwrap(),
            system: None,
            messages: (0..messages).map(message).collect(),
            state: state.map(ToOwned::to_owned),
        },
    }
}

fn failed(status: u16, code: &str, message: &str) -> FailedAttempt {
    let body = json!({"code": code, "message": message, "status": status});
    http::rejected(errors::CODES, StatusCode::from_u16(status).unwrap(), body)
}

fn body(question: &Question) -> Value {
    let request = question.call(&reqwest::Client::new()).build().unwrap();
    serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap()
}

#[test]
fn only_the_question_is_sent_in_a_conversation_that_dify_knows() {
    let user = "chatbox-043a718774c572bd8a25adbeb1bfcd5c";
    let known = json!({"inputs": {}, "query": "2", "response_mode": "streaming", "user": user,
        "conversation_id": "c1", "auto_generate_name": false});
    assert_eq!(body(&question(3, Some("c1"))), known);
    let first = body(&question(1, None));
    assert_eq!(
        (&first["query"], &first["user"]),
        (&json!("0"), &json!(user))
    );
    assert!(first.get("conversation_id").is_none());
}

#[test]
fn a_conversation_that_is_lost_is_begun_anew_once_with_what_came_before() {
    for (status, code) in [
        (404, "not_found"),
        (404, "conversation_not_exists"),
        (400, "conversation_completed"),
    ] {
        let lost = failed(status, code, "Conversation Not Exists.");
        let mut question = question(3, Some("c1"));
        assert!(question.adapt(&lost));
        let body = body(&question);
        assert!(body.get("conversation_id").is_none(), "{code}");
        assert_eq!(
            body["query"],
            "The conversation so far:\n\nUser: 0\n\nAssistant: 1\n\nThe next message of the user:\n\n2"
        );
        assert!(!question.adapt(&lost), "{code}: once");
    }
    let mut question = question(3, Some("c1"));
    assert!(!question.adapt(&failed(400, "invalid_param", "m")));
    assert_eq!(body(&question)["conversation_id"], "c1");
}

#[test]
fn a_conversation_that_is_too_long_is_begun_anew_with_less() {
    let words = "maximum context length is 8192 tokens";
    let long = failed(400, "completion_request_error", words);
    let mut question = question(9, Some("c1"));
    let mut asked = vec![];
    while question.adapt(&long) {
        assert!(question.request.state.is_none());
        asked.push(question.request.messages.len());
    }
    assert_eq!(asked, [9, 5, 3, 1]);
}
