//! Speaks OpenAI's chat completions as fast as the question asks for. Written from the public description.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::stream;
use serde::Deserialize;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::script::Script;
use crate::{clock, stamp};

pub(super) fn router() -> Router {
    Router::new().route("/v1/chat/completions", post(answer))
}

#[derive(Deserialize)]
struct Request {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    content: String,
}

/// An answer under way.
struct Answer {
    script: Script,
    sent: u32,
    pace: Option<Interval>,
    ended: bool,
}

async fn answer(Json(request): Json<Request>) -> Response {
    let question = request.messages.last().map(|message| &message.content);
    let Some(Ok(script)) = question.map(|question| question.parse::<Script>()) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let pace = (script.every > Duration::ZERO).then(|| {
        let mut pace = interval(script.every);
        // A provider that was held up sends what is due at once, as a real one does.
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        pace
    });
    let answer = Answer {
        script,
        sent: 0,
        pace,
        ended: false,
    };
    let events = stream::unfold(answer, |mut answer| async {
        let event = answer.next().await?;
        Some((Ok::<_, Infallible>(event), answer))
    });
    (
        [("content-type", "text/event-stream")],
        Body::from_stream(events),
    )
        .into_response()
}

impl Answer {
    async fn next(&mut self) -> Option<String> {
        if self.ended {
            return None;
        }
        if self.sent == self.script.tokens {
            self.ended = true;
            return Some(end(self.sent));
        }
        if let Some(pace) = &mut self.pace {
            pace.tick().await;
        }
        self.sent += 1;
        Some(event(&stamp::token(clock::now(), self.script.bytes)))
    }
}

/// As long as the events of the real interface.
fn event(token: &str) -> String {
    format!(
        "data: {{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1735689600,\
         \"model\":\"bench\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{token}\"}},\
         \"logprobs\":null,\"finish_reason\":null}}]}}\n\n"
    )
}

fn end(tokens: u32) -> String {
    format!(
        "data: {{\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\n\
         data: {{\"choices\":[],\"usage\":{{\"prompt_tokens\":8,\"completion_tokens\":{tokens}}}}}\n\n\
         data: [DONE]\n\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_what_the_script_says() {
        let mut answer = Answer {
            script: Script::at_once(2, 30),
            sent: 0,
            pace: None,
            ended: false,
        };
        let mut text = String::new();
        while let Some(event) = answer.next().await {
            text.push_str(&event);
        }
        let data: Vec<_> = text
            .split("\n\n")
            .filter(|event| !event.is_empty())
            .collect();
        assert_eq!((data.len(), data[4]), (5, "data: [DONE]"));
        for event in &data[..4] {
            let json = event.strip_prefix("data: ").unwrap();
            serde_json::from_str::<serde_json::Value>(json).unwrap();
        }
        let mut stamps = 0;
        stamp::Scanner::default().push(text.as_bytes(), |_| stamps += 1);
        assert_eq!(stamps, 2);
    }
}
