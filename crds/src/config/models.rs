//! The models that answer.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{Problem, SecretRef};

/// A model that answers, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "[has(self.openai), has(self.demo)].filter(x, x).size() == 1",
    "message": "exactly one of openai, demo must be set"
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
    /// System prompt of every conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(chars, min = 1, max = 32_768))]
    pub system_prompt: Option<String>,
    /// How much of a conversation is sent to the model, in tokens (estimated as a quarter of the bytes).
    /// The newest messages that fit are sent.
    #[serde(default = "default_history_tokens")]
    #[garde(range(min = 256, max = 2_000_000))]
    pub history_tokens: i32,
    /// Maximum length of an answer, in tokens. Left out: the provider's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 1, max = 1_000_000))]
    pub answer_tokens: Option<i32>,
    /// How long to wait for the first chunk of an answer, and between two chunks, in seconds.
    #[serde(default = "default_idle_seconds")]
    #[garde(range(min = 1, max = 600))]
    pub idle_seconds: i32,
    /// How long an answer may take in total, in seconds.
    #[serde(default = "default_total_seconds")]
    #[garde(range(min = 1, max = 3600))]
    pub total_seconds: i32,
    /// An endpoint with the API of OpenAI's chat completions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub openai: Option<OpenAi>,
    /// Answers without any provider: for trials and tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub demo: Option<Demo>,
}

/// An endpoint with the API of OpenAI's chat completions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
pub struct OpenAi {
    /// `/chat/completions` is appended to it.
    #[serde(default = "default_base_url")]
    #[garde(length(chars, min = 8, max = 2048), pattern("^https?://"))]
    pub base_url: String,
    /// The provider's name of the model.
    #[garde(length(chars, min = 1, max = 200))]
    pub model: String,
    /// Sent as a bearer token. Left out: nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub api_key: Option<SecretRef>,
}

/// Answers without any provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", default)]
pub struct Demo {
    /// Speed of an answer.
    #[garde(range(min = 1, max = 10_000))]
    pub words_per_second: i32,
}

impl Default for Demo {
    fn default() -> Self {
        Self {
            words_per_second: 25,
        }
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

fn default_base_url() -> String {
    "https://api.openai.com/v1".to_owned()
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
        if usize::from(model.openai.is_some()) + usize::from(model.demo.is_some()) != 1 {
            problems.push(Problem::new(
                at(""),
                "exactly one of openai, demo must be set",
            ));
        }
        if let Some(message) = model
            .openai
            .as_ref()
            .and_then(|openai| base_url_problem(&openai.base_url))
        {
            problems.push(Problem::new(at(".openai.baseUrl"), message));
        }
    }
    problems
}

fn base_url_problem(text: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(text) else {
        return Some("is not a URL; write for example https://api.openai.com/v1");
    };
    if !url.username().is_empty() || url.password().is_some() {
        return Some("holds credentials; put them into a secret and name it in apiKey");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Some("holds a query or fragment; end it with the path");
    }
    None
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

    #[test]
    fn a_base_url_holds_no_credentials_query_or_fragment() {
        assert_eq!(base_url_problem("https://a.example/v1"), None);
        for (url, problem) in [
            ("https://me@a.example", "holds credentials"),
            ("https://:secret@a.example", "holds credentials"),
            ("https://a.example?key=1", "holds a query"),
            ("https://a.example#top", "holds a query or fragment"),
            ("a.example", "is not a URL"),
        ] {
            let found = base_url_problem(url).unwrap();
            assert!(found.starts_with(problem), "{url}: {found}");
        }
    }
}
