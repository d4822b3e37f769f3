//! A model that needs no provider: it tells what it was asked, in Markdown, word by word.

use std::time::Duration;

use async_stream::stream;
use crds::config;
use tokio::time::{MissedTickBehavior, interval};

use super::{Event, Finish, Progress, ProgressStream, Provider, Request, Role, Usage};

pub(super) struct Demo {
    word_interval: Duration,
}

impl Demo {
    pub(super) fn new(config: &config::Demo) -> Self {
        let words_per_second = config.words_per_second.max(1).unsigned_abs();
        Self {
            word_interval: Duration::from_secs(1) / words_per_second,
        }
    }
}

impl Provider for Demo {
    fn stream_completion(&self, request: Request) -> ProgressStream {
        let answer = reply(&request);
        let mut ticks = interval(self.word_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        Box::pin(stream! {
            let mut words = 0;
            for word in answer.split_inclusive(' ') {
                ticks.tick().await;
                words += 1;
                yield Progress::Event(Event::Text(word.to_owned()));
            }
            let usage = Usage { question: words_in(&request), answer: words };
            yield Progress::Event(Event::Usage(usage));
            yield Progress::Event(Event::Done(Finish::Stop));
        })
    }
}

fn words_in(request: &Request) -> u32 {
    let count = request
        .messages
        .iter()
        .map(|message| message.content.split_whitespace().count())
        .sum::<usize>();
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// The same request always gets the same answer.
fn reply(request: &Request) -> String {
    let mut questions = request
        .messages
        .iter()
        .filter(|message| message.role == Role::User);
    let asked = questions
        .next_back()
        .map_or("", |message| message.content.trim());
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

    use super::super::Message;
    use super::*;
    use crate::chat::SessionId;

    #[tokio::test(start_paused = true)]
    async fn it_repeats_the_question_and_counts_the_earlier_ones() {
        let message = |role, content: &str| Message {
            role,
            content: content.to_owned(),
        };
        let request = Request {
            session: SessionId::random(),
            system: None,
            state: None,
            messages: vec![
                message(Role::User, "one"),
                message(Role::Assistant, "two"),
                message(Role::User, "three?"),
            ],
        };
        let progress: Vec<_> = Demo::new(&config::Demo::default())
            .stream_completion(request)
            .collect()
            .await;
        let text: String = progress
            .iter()
            .filter_map(|progress| match progress {
                Progress::Event(Event::Text(text)) => Some(&**text),
                _ => None,
            })
            .collect();
        assert!(
            text.contains("> three?") && text.contains("**one** thing before"),
            "{text}"
        );
        assert!(matches!(
            progress.last(),
            Some(Progress::Event(Event::Done(Finish::Stop)))
        ));
    }
}
