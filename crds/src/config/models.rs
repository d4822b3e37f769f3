//! The models that answer.

mod address;
mod headers;
mod providers;

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::headers::Header;
pub use self::providers::{Anthropic, Demo, Dify, OpenAi};
use crate::{Problem, SecretRef};

/// A model that answers, and how it is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "[has(self.openai), has(self.anthropic), has(self.dify), has(self.demo)].filter(x, x).size() == 1",
    "message": "exactly one of openai, anthropic, dify, demo must be set"
}, {
    "rule": "!has(self.dify) || (!has(self.systemPrompt) && !has(self.answerTokens) && !has(self.temperature))",
    "message": "an app of dify has its own systemPrompt, answerTokens and temperature: leave them out, and set them in the app"
}, {
    "rule": "!has(self.anthropic) || !has(self.temperature) || self.temperature <= 1.0",
    "message": "temperature is at most 1 for anthropic"
}]))]
pub struct Model {
    /// Identifier on the wire. Keep it when you change the model behind it.
    #[garde(
        length(chars, min = 1, max = 100),
        pattern("^[A-Za-z0-9][A-Za-z0-9._-]*$")
    )]
    pub id: String,
    /// Name that users see.
    #[garde(length(chars, min = 1, max = 100))]
    pub name: String,
    /// System prompt of every conversation. An app of dify has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 32_768))]
    pub system_prompt: Option<String>,
    /// How much of a conversation is sent to the model, in tokens (estimated: four characters of ASCII are one, any other
    /// character is one at least). The newest questions that fit are sent, each with its answer; one without an answer is
    /// left out. If the provider says that it is too much, half of it is sent, and so on down to the question alone. Dify keeps
    /// conversations itself, and is sent this only for one that it has lost.
    #[serde(default = "default_history_tokens")]
    #[garde(range(min = 256, max = 2_000_000))]
    pub history_tokens: i32,
    /// Maximum length of an answer, in tokens. Left out: the provider's default, and 4096 for anthropic, which has none. Sent
    /// as `max_tokens`, or as `max_completion_tokens` to a model that wants that. A model that takes neither answers without
    /// a limit; one of anthropic that takes less answers with 4096.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 1, max = 1_000_000))]
    pub answer_tokens: Option<i32>,
    /// How freely the model chooses its words: 0 is the least, 2 the most, and 1 the most for anthropic. Left out: the
    /// provider's default. A model that refuses it is asked without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 0.0, max = 2.0))]
    pub temperature: Option<f64>,
    /// How long the provider may be silent, before an answer and in it, in seconds. Whatever it sends is a sign of life,
    /// also a comment, or thinking that is not shown: how long that may take is up to totalSeconds.
    #[serde(default = "default_idle_seconds")]
    #[garde(range(min = 1, max = 600))]
    pub idle_seconds: i32,
    /// How long an answer may take in total, in seconds.
    #[serde(default = "default_total_seconds")]
    #[garde(range(min = 1, max = 3600))]
    pub total_seconds: i32,
    /// Ids of models that answer in place of this one when it fails before its first word, in this order. After three failures
    /// in a row a model is left alone for 30 seconds while another one can answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 4), inner(length(chars, min = 1, max = 100)))]
    #[schemars(extend("x-kubernetes-list-type" = "set"))]
    pub fallback: Vec<String>,
    /// An endpoint with the API of OpenAI's chat completions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub openai: Option<OpenAi>,
    /// An endpoint with the Messages API of Anthropic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub anthropic: Option<Anthropic>,
    /// A chat app of Dify.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub dify: Option<Dify>,
    /// Answers without any provider: for trials and tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub demo: Option<Demo>,
}

/// What all providers behind HTTP have.
#[derive(Clone, Copy, Debug)]
pub struct Endpoint<'a> {
    /// Its field of the model.
    pub field: &'static str,
    pub base_url: &'a str,
    pub api_key: Option<&'a SecretRef>,
    pub headers: &'a [Header],
    /// Names that the server sets itself, beside those that it sets for every provider.
    own_headers: &'static [&'static str],
    api: address::Api,
}

impl Model {
    /// The endpoint behind the model; none where it asks nobody.
    pub fn endpoint(&self) -> Option<Endpoint<'_>> {
        let openai = self.openai.as_ref().map(OpenAi::endpoint);
        openai
            .or_else(|| self.anthropic.as_ref().map(Anthropic::endpoint))
            .or_else(|| self.dify.as_ref().map(Dify::endpoint))
    }
}

fn default_history_tokens() -> i32 {
    16_000
}

fn default_idle_seconds() -> i32 {
    30
}

fn default_total_seconds() -> i32 {
    120
}

pub(super) fn check(models: &[Model]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, model) in models.iter().enumerate() {
        let at = |field: &str| format!("models[{index}]{field}");
        if models[..index].iter().any(|earlier| earlier.id == model.id) {
            let message = format!(
                "{:?} is taken by an earlier model; give each its own id",
                model.id
            );
            problems.push(Problem::new(at(".id"), message));
        }
        problems.extend(
            fallback_problems(models, model)
                .map(|problem| problem.under(&format!("models[{index}]"))),
        );
        let choices = [
            model.openai.is_some(),
            model.anthropic.is_some(),
            model.dify.is_some(),
            model.demo.is_some(),
        ];
        if choices.into_iter().filter(|is_set| *is_set).count() != 1 {
            problems.push(Problem::new(
                at(""),
                "exactly one of openai, anthropic, dify, demo must be set",
            ));
        }
        let own = [
            (".systemPrompt", model.system_prompt.is_some()),
            (".answerTokens", model.answer_tokens.is_some()),
            (".temperature", model.temperature.is_some()),
        ];
        for (field, is_set) in own {
            if is_set && model.dify.is_some() {
                problems.push(Problem::new(
                    at(field),
                    "has no effect on an app of dify; leave it out, and set it in the app",
                ));
            }
        }
        if model.anthropic.is_some()
            && model
                .temperature
                .is_some_and(|temperature| temperature > 1.0)
        {
            problems.push(Problem::new(
                at(".temperature"),
                "is at most 1 for anthropic",
            ));
        }
        let endpoint = model.endpoint().into_iter();
        let of_endpoint = endpoint.flat_map(|endpoint| {
            let base_url = endpoint.api.base_url_problem(endpoint.base_url);
            let base_url = base_url.map(|message| Problem::new("baseUrl", message));
            let headers = headers::check(endpoint.headers, endpoint.own_headers);
            let field = at(&format!(".{}", endpoint.field));
            let all = base_url.into_iter().chain(headers);
            all.map(move |problem| problem.under(&field))
        });
        problems.extend(of_endpoint);
    }
    problems
}

fn fallback_problems<'a>(
    models: &'a [Model],
    model: &'a Model,
) -> impl Iterator<Item = Problem> + 'a {
    model
        .fallback
        .iter()
        .enumerate()
        .filter_map(move |(index, id)| {
            let message = if *id == model.id {
                "a model cannot stand in for itself; name another one".to_owned()
            } else if model.fallback[..index].contains(id) {
                format!("{id:?} is named twice; name it once")
            } else if !models.iter().any(|other| other.id == *id) {
                format!("no model has the id {id:?}; name one of this list")
            } else {
                return None;
            };
            Some(Problem::new(format!("fallback[{index}]"), message))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demo(id: &str) -> Model {
        let json = serde_json::json!({"id": id, "name": "Demo", "demo": {}});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn each_model_has_an_id_of_its_own() {
        assert_eq!(check(&[demo("a"), demo("b"), demo("c")]), []);
        let fields = |models: &[Model]| -> Vec<_> {
            let problems = check(models).into_iter();
            problems.map(|problem| problem.field).collect()
        };
        assert_eq!(fields(&[demo("a"), demo("b"), demo("a")]), ["models[2].id"]);
    }
}
