//! The providers behind a model.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Endpoint, Header, address, headers};
use crate::SecretRef;

/// An endpoint with the API of OpenAI's chat completions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": headers::rule_without(&Self::HEADERS),
    "message": "the server sets one of these headers itself: leave it out"
}]))]
pub struct OpenAi {
    /// Where the API is. `/chat/completions` is appended, unless the path ends with it. The only query that it may have is
    /// Azure's `?api-version=`. A redirect is not followed.
    #[serde(default = "openai_base_url")]
    #[garde(length(chars, min = 8, max = 2048), pattern("^https?://"))]
    pub base_url: String,
    /// The provider's name of the model.
    #[garde(length(chars, min = 1, max = 200))]
    pub model: String,
    /// Sent as a bearer token, and to Azure as `api-key` too. Left out: nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub api_key: Option<SecretRef>,
    /// Headers of every call beside those of the API, such as a gateway asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 16), dive)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub headers: Vec<Header>,
}

impl OpenAi {
    /// What the path of the address ends with that is called.
    pub const PATH: &str = "/chat/completions";

    /// Headers that the server sets itself.
    const HEADERS: [&str; 2] = ["authorization", "api-key"];

    pub(super) fn endpoint(&self) -> Endpoint<'_> {
        Endpoint {
            field: "openai",
            base_url: &self.base_url,
            api_key: self.api_key.as_ref(),
            headers: &self.headers,
            own_headers: &Self::HEADERS,
            api: address::OPENAI,
        }
    }
}

/// An endpoint with the Messages API of Anthropic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": headers::rule_without(&Self::HEADERS),
    "message": "the server sets one of these headers itself: leave it out"
}]))]
pub struct Anthropic {
    /// Where the API is. `/v1/messages` is appended, as far as the path does not end with it. It may have no query. A
    /// redirect is not followed.
    #[serde(default = "anthropic_base_url")]
    #[garde(length(chars, min = 8, max = 2048), pattern("^https?://"))]
    pub base_url: String,
    /// The provider's name of the model.
    #[garde(length(chars, min = 1, max = 200))]
    pub model: String,
    /// Sent as `x-api-key`. Left out: nothing is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub api_key: Option<SecretRef>,
    /// Headers of every call beside those of the API, such as a gateway asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 16), dive)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub headers: Vec<Header>,
}

impl Anthropic {
    /// What the path of the address ends with that is called.
    pub const PATH: &str = "/v1/messages";

    /// Headers that the server sets itself.
    const HEADERS: [&str; 2] = ["x-api-key", "anthropic-version"];

    pub(super) fn endpoint(&self) -> Endpoint<'_> {
        Endpoint {
            field: "anthropic",
            base_url: &self.base_url,
            api_key: self.api_key.as_ref(),
            headers: &self.headers,
            own_headers: &Self::HEADERS,
            api: address::ANTHROPIC,
        }
    }
}

/// A chat app of Dify: a chatbot, an agent or a chatflow. Dify keeps its conversations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": headers::rule_without(&Self::HEADERS),
    "message": "the server sets one of these headers itself: leave it out"
}]))]
pub struct Dify {
    /// Where the API is. `/chat-messages` is appended, unless the path ends with it. It may have no query. A redirect is not
    /// followed.
    #[serde(default = "dify_base_url")]
    #[garde(length(chars, min = 8, max = 2048), pattern("^https?://"))]
    pub base_url: String,
    /// Key of the app, sent as a bearer token. It says which app answers.
    #[garde(dive)]
    pub api_key: SecretRef,
    /// Headers of every call beside those of the API, such as a gateway asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[garde(length(max = 16), dive)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub headers: Vec<Header>,
}

impl Dify {
    /// What the path of the address ends with that is called.
    pub const PATH: &str = "/chat-messages";

    /// Headers that the server sets itself.
    const HEADERS: [&str; 1] = ["authorization"];

    pub(super) fn endpoint(&self) -> Endpoint<'_> {
        Endpoint {
            field: "dify",
            base_url: &self.base_url,
            api_key: Some(&self.api_key),
            headers: &self.headers,
            own_headers: &Self::HEADERS,
            api: address::DIFY,
        }
    }
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

fn openai_base_url() -> String {
    address::OPENAI.example.to_owned()
}

fn anthropic_base_url() -> String {
    address::ANTHROPIC.example.to_owned()
}

fn dify_base_url() -> String {
    address::DIFY.example.to_owned()
}
