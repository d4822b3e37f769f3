//! A model that needs no provider: it tells what it was asked, in Markdown, word by word.

use std::time::Duration;

use async_stream::stream;
use crds::config;
use tokio::time::{MissedTickBehavior, interval};

use super::{Event, Events, Provider, Request, Role, Usage};

pub(super) struct Demo {
    pace: Duration,
}

impl Demo {
    pub(super) fn new(config: &config::Demo) -> Self {
        let words_per_second = config.words_per_second.max(1).unsigned_abs();
        Self {
            pace: Duration::from_secs(1) / words_per_second,
        }
    }
}

impl Provider for Demo {
    fn ask(&self, request: Request) -> Events {
        let answer = reply(&request);
        let mut pace = interval(self.pace);
        pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Box::pin(stream! {
            let mut words = 0;
            for word in answer.split_inclusive(' ') {
                pace.tick().await;
                words += 1;
                yield Event::Text(word.to_owned());
            }
            yield Event::Usage(Usage { question: words_in(&request), answer: words });
            yield Event::Done;
        })
    }
}

fn words_in(request: &Request) -> u32 {
    let count = request
        .messages
        .iter()
        .map(|turn| turn.content.split_whitespace().count())
        .sum::<usize>();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The same request always gets the same answer.
fn reply(request: &Request) -> String {
    let mut questions = request
        .messages
        .iter()
        .filter(|turn| turn.role == Role::User);
    let asked = questions.next_back().map_or("", |turn| turn.content.trim());
    let before = questions.count();
    let quoted = asked
        .lines()
        .map(|line| format!("> {line}\n"))
        .collect::<String>();
    let memory = match before {
        0 => "This is the first thing you asked me here.".to_owned(),
        1 => "You asked me **one** thing before, and I was told of it again.".to_owned(),
        _ => format!("You asked me **{before}** things before, and I was told of them again."),
    };
    format!(
        "You wrote:\n\n{quoted}\nI am the *demo* model: I answer by myself, without any provider. {memory}\n\n\
         To get real answers, put a model of yours into the resource:\n\n\
         ```yaml\nmodels:\n- id: assistant\n  name: Assistant\n  openai:\n    model: gpt-4o-mini\n    \
         apiKey: {{name: llm, key: openai}}\n```\n\n\
         1. Write the key into a Secret.\n2. Apply the resource.\n3. Ask again: this page stays open meanwhile."
    )
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::super::Turn;
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_repeats_the_question_and_counts_the_earlier_ones() {
        let say = |role, content: &str| Turn {
            role,
            content: content.to_owned(),
        };
        let request = Request {
            system: None,
            messages: vec![
                say(Role::User, "one"),
                say(Role::Assistant, "two"),
                say(Role::User, "three?"),
            ],
        };
        let events: Vec<_> = Demo::new(&config::Demo::default())
            .ask(request)
            .collect()
            .await;
        let text: String = events
            .iter()
            .filter_map(|event| {
                if let Event::Text(text) = event {
                    Some(&**text)
                } else {
                    None
                }
            })
            .collect();
        assert!(
            text.contains("> three?") && text.contains("**one** thing before"),
            "{text}"
        );
        assert!(matches!(events.last(), Some(Event::Done)));
    }
}
