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
    /// How much of a conversation is sent to the model, in tokens (estimated: four characters of ASCII are one, any other
    /// character is one at least). The newest questions that fit are sent, each with its answer; one without an answer is
    /// left out. If the provider says that it is too much, half of it is sent, and so on down to the question alone.
    #[serde(default = "default_history_tokens")]
    #[garde(range(min = 256, max = 2_000_000))]
    pub history_tokens: i32,
    /// Maximum length of an answer, in tokens. Left out: the provider's default. Sent as `max_tokens`, or as
    /// `max_completion_tokens` to a model that wants that. A model that takes neither answers without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(range(min = 1, max = 1_000_000))]
    pub answer_tokens: Option<i32>,
    /// How long the provider may be silent, before an answer and in it, in seconds. Whatever it sends is a sign of life,
    /// also a comment, or thinking that is not shown: how long that may take is up to totalSeconds.
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
    /// Where the API is. `/chat/completions` is appended, unless the path ends with it. The only query that it may have is
    /// Azure's `?api-version=`. A redirect is not followed.
    #[serde(default = "default_base_url")]
    #[garde(length(chars, min = 8, max = 2048), pattern("^https?://"))]
    pub base_url: String,
    /// The provider's name of the model.
    #[garde(length(chars, min = 1, max = 200))]
    pub model: String,
    /// Sent as a bearer token, and to Azure as `api-key` too. Left out: nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub api_key: Option<SecretRef>,
}

impl OpenAi {
    /// What the path of the address ends with that is called.
    pub const PATH: &str = "/chat/completions";
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
    if url.fragment().is_some() {
        return Some("holds a fragment; end it with the path");
    }
    if url.query_pairs().any(|(name, _)| name != "api-version") {
        return Some(
            "holds a query other than api-version; put a key into a secret and name it in apiKey",
        );
    }
    let path = url.path().trim_end_matches('/');
    let is_other = OTHER_APIS.iter().any(|other| path.ends_with(other));
    if is_other && !path.ends_with(OpenAi::PATH) {
        return Some(
            "ends with the path of another API; end it before, as in https://api.openai.com/v1",
        );
    }
    None
}

/// Paths that stand beside `/chat/completions`, and mistakes for it.
const OTHER_APIS: [&str; 7] = [
    "/chat",
    "/completions",
    "/responses",
    "/messages",
    "/embeddings",
    "/models",
    "/api/generate",
];

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
    fn a_base_url_works_or_is_refused_with_words() {
        for good in [
            "https://api.openai.com/v1",
            "https://api.openai.com/v1/",
            "https://api.openai.com/v1/chat/completions",
            "https://api.openai.com/v1/chat/completions/",
            "http://llm.default.svc:8000/v1",
            "http://llm",
            "https://x.openai.azure.com/openai/deployments/gpt-4o?api-version=2024-06-01",
            "https://x.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-06-01",
            "https://x.test/chat-models/v1",
        ] {
            assert_eq!(base_url_problem(good), None, "{good}");
        }
        for (bad, word) in [
            ("https://", "not a URL"),
            ("https://user:pass@x.test/v1", "credentials"),
            ("https://x.test/v1#a", "fragment"),
            ("https://x.test/v1?key=sk-1", "apiKey"),
            ("https://x.test/v1?api-version=1&key=sk-1", "apiKey"),
            ("https://x.test/v1/completions", "another API"),
            ("https://x.test/v1/chat", "another API"),
            ("https://x.test/v1/responses", "another API"),
            ("https://api.anthropic.com/v1/messages", "another API"),
        ] {
            let problem = base_url_problem(bad).unwrap_or_default();
            assert!(problem.contains(word), "{bad}: {problem:?}");
        }
    }
}
