//! Their events → ours. Pure.

use serde_json::{Value, json};

use super::end::{End, end};
use super::errors;
use crate::llm::http::{self, Batch, ErrorCodes, Reported, values};
use crate::llm::{Event, Finish};

/// Reads one answer: the pieces of a stream, or one completion.
#[derive(Default)]
pub(super) struct Mapper {
    finish: Option<Finish>,
    /// The `index` of the choice that is read, once one has come.
    index: Option<Value>,
    /// The answer comes in pieces: what looks like a whole one repeats them.
    has_deltas: bool,
    /// An event had several choices.
    several: bool,
    /// What the newest whole one held.
    whole: String,
    /// Words without an answer.
    remark: Option<Value>,
}

impl http::Mapper for Mapper {
    const ERROR_CODES: ErrorCodes = errors::CODES;

    fn map(&mut self, event: &Value, batch: &mut Batch) -> Result<(), Reported> {
        let choice = self.choice(event);
        let end = choice.and_then(|choice| self.read(choice, batch));
        let counted = [Some(event), event.get("x_groq"), choice];
        let usage = counted.into_iter().flatten();
        if let Some(usage) = usage
            .filter_map(|place| values::usage(place.get("usage")?))
            .next_back()
        {
            batch.push(Event::Usage(usage));
        }
        if let Some(error) = error(event, choice) {
            return Err(Reported(error.clone()));
        }
        if choice.is_none() && has_words(event) {
            if says_why(event) {
                return Err(Reported(event.clone()));
            }
            self.remark = Some(event.clone());
        }
        match end {
            Some(End::Error) => return Err(Reported(json!({"type": "server_error"}))),
            // The first reason holds, unless it was none.
            Some(End::Finish(finish)) if !matches!(self.finish, Some(known) if known != Finish::Stop) =>
            {
                self.finish = Some(finish);
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&self) -> Option<Finish> {
        self.finish
    }

    fn remark(&self) -> Option<&Value> {
        self.remark.as_ref()
    }
}

impl Mapper {
    /// The choice that is read: one was asked for, and of several the first one that came is followed.
    fn choice<'a>(&mut self, event: &'a Value) -> Option<&'a Value> {
        let index = |choice: &'a Value| choice.get("index").filter(|index| !index.is_null());
        let choices = match event.get("choices")? {
            Value::Array(choices) => choices.as_slice(),
            choice @ Value::Object(_) => std::slice::from_ref(choice),
            _ => return None,
        };
        self.several |= choices.len() > 1;
        let choice = match choices {
            // Old servers of Hugging Face count the tokens here.
            [choice] if !self.several => choice,
            _ => choices.iter().find(|choice| {
                let index = index(choice);
                index.is_none() || self.index.is_none() || index == self.index.as_ref()
            })?,
        };
        if self.index.is_none() {
            self.index = index(choice).cloned();
        }
        Some(choice)
    }

    fn read(&mut self, choice: &Value, batch: &mut Batch) -> Option<End> {
        let (text, refusal) = match choice.get("delta").filter(|delta| !delta.is_null()) {
            Some(delta @ Value::Object(_)) => {
                let (text, refusal) = (field(delta, "content"), field(delta, "refusal"));
                self.has_deltas |= !text.is_empty() || !refusal.is_empty();
                // Perplexity's events have both, and where a server answers at once the delta is empty.
                if text.is_empty() && refusal.is_empty() {
                    self.whole(choice)
                } else {
                    (text, refusal)
                }
            }
            Some(delta) => (values::text(delta), String::new()),
            None => self.whole(choice),
        };
        batch.push(Event::Text(text));
        batch.push_refusal(refusal);
        ["finish_reason", "finish_details"]
            .into_iter()
            .find_map(|name| end(choice.get(name)?))
    }

    /// What a message that claims to be the whole answer adds to what came before it.
    fn whole(&mut self, choice: &Value) -> (String, String) {
        if self.has_deltas {
            return Default::default();
        }
        let message = choice.get("message").unwrap_or(&Value::Null);
        let (mut text, refusal) = match choice.get("text") {
            Some(text) if message.is_null() => (values::text(text), String::new()),
            _ if message.is_string() => (values::text(message), String::new()),
            _ => (field(message, "content"), field(message, "refusal")),
        };
        if !self.whole.is_empty() && text.starts_with(&self.whole) {
            let whole = std::mem::replace(&mut self.whole, text.clone());
            text.drain(..whole.len());
        } else {
            self.whole.push_str(&text);
        }
        (text, refusal)
    }
}

fn field(object: &Value, name: &str) -> String {
    object.get(name).map(values::text).unwrap_or_default()
}

/// The error that an event holds, in one of the ways in which servers put one into an answer.
fn error<'a>(event: &'a Value, choice: Option<&'a Value>) -> Option<&'a Value> {
    let is = |object: &Value, name: &str| {
        object
            .get(name)
            .is_some_and(|field| !values::is_nothing(field))
    };
    let says_error = ["object", "type"]
        .into_iter()
        .any(|name| event[name].as_str() == Some("error"));
    if is(event, "error") || says_error {
        return Some(event);
    }
    if let Some(choice) = choice {
        return Some(choice).filter(|choice| is(choice, "error"));
    }
    // MiniMax answers with this beside choices that are null.
    event
        .get("base_resp")
        .filter(|base| is(base, "status_code"))
}

/// No answer, but words: a gateway in between says that it failed, or that it is still at work.
fn has_words(event: &Value) -> bool {
    let words = ["message", "detail", "error_msg", "errors"]
        .into_iter()
        .filter_map(|name| event.get(name));
    event.get("choices").is_none() && words.into_iter().any(|words| !values::is_nothing(words))
}

/// Whether something beside the words makes them an error: a status, or a kind that is called one.
fn says_why(event: &Value) -> bool {
    let kinds = [
        "status",
        "code",
        "status_code",
        "type",
        "error_code",
        "error_msg",
        "errors",
    ];
    kinds
        .into_iter()
        .filter_map(|name| event.get(name))
        .any(|kind| {
            let word = match kind {
                Value::String(word) => word.to_lowercase(),
                Value::Number(number) => number.to_string(),
                kind => return matches!(kind, Value::Array(errors) if !errors.is_empty()),
            };
            word.parse().is_ok_and(|status: f64| status >= 400.0)
                || [
                    "error", "fail", "invalid", "denied", "exceed", "unauth", "limit",
                ]
                .into_iter()
                .any(|part| word.contains(part))
        })
}

#[cfg(test)]
mod tests;
