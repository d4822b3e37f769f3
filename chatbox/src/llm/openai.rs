//! Endpoints that speak `OpenAI`'s chat completions.
//!
//! - `endpoint`: where they are, and with which headers they are called
//! - `wire`: the JSON that is sent, and `fields`: which of it a server may refuse
//! - `map`: the JSON that comes → our events, and `end`: why the model stopped
//! - `errors`: the table of their error codes

mod end;
mod endpoint;
mod errors;
mod fields;
mod map;
mod wire;

use std::sync::Arc;

use crds::config;
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;
use url::Url;

use self::fields::{Field, Refused};
use self::map::Mapper;
use self::wire::Options;
use super::http::{self, Client, FailedAttempt, Learned};
use super::{ErrorClass, ProgressStream, Provider, Request, Settings};
use crate::secrets::Secret;

pub(super) struct OpenAi(Arc<Endpoint>);

struct Endpoint {
    client: Client,
    url: Url,
    headers: HeaderMap,
    model: String,
    options: Options,
    learned: Learned<Field>,
}

/// A question, as it is put to one model.
struct Question {
    endpoint: Arc<Endpoint>,
    request: Request,
    refused: Refused,
    /// The answer may be as long as there is room for: what was set does not fit beside the question.
    is_unlimited: bool,
    /// Some of the history is left out, because all of it does not fit.
    is_shortened: bool,
}

impl OpenAi {
    /// # Errors
    /// When the address or the key is not usable; both were checked before.
    pub(super) fn new(
        client: Client,
        config: &config::OpenAi,
        settings: Settings<'_>,
    ) -> anyhow::Result<Self> {
        let url = endpoint::url(config)?;
        let mut headers = endpoint::headers(&url, settings.key.map(Secret::expose))?;
        headers.extend(settings.headers);
        Ok(Self(Arc::new(Endpoint {
            client,
            headers,
            url,
            model: config.model.clone(),
            options: Options {
                answer_tokens: settings.answer_tokens,
                temperature: settings.temperature,
            },
            learned: Learned::default(),
        })))
    }
}

impl Provider for OpenAi {
    fn stream_completion(&self, request: Request) -> ProgressStream {
        http::stream_completion(Question {
            endpoint: Arc::clone(&self.0),
            request,
            refused: self.0.learned.refused(),
            is_unlimited: false,
            is_shortened: false,
        })
    }
}

impl http::Question for Question {
    type Mapper = Mapper;

    fn client(&self) -> &Client {
        &self.endpoint.client
    }

    fn call(&self, client: &reqwest::Client) -> RequestBuilder {
        let endpoint = &self.endpoint;
        let body = wire::request(
            &endpoint.model,
            &self.request,
            self.options(),
            &self.refused,
        );
        let call = client.post(endpoint.url.clone());
        call.headers(endpoint.headers.clone()).json(&body)
    }

    fn is_streamed(&self) -> bool {
        !self.refused.contains(&Field::Stream) && self.endpoint.learned.is_streamed()
    }

    fn adapt(&mut self, failed: &FailedAttempt) -> bool {
        match failed.error.class {
            ErrorClass::ContextTooLong => return self.shorten(),
            // What set the filter off may stand in what came before, and would do so at every question.
            ErrorClass::ContentRefused => return self.request.forget_history(),
            _ => {}
        }
        let sent = wire::fields(&self.request, self.options(), &self.refused);
        let Some(field) = fields::refused(failed, &sent) else {
            return false;
        };
        tracing::info!(
            model.name = self.endpoint.model,
            field = field.name(),
            cause = format!("{:#}", failed.error.cause),
            "the provider refuses a field, asking without it"
        );
        self.refused.insert(field)
    }

    fn accepted(&self, in_one_piece: bool) {
        let mut without = self.refused.clone();
        // What helped was to set no limit: it fits beside no other question of this length either.
        if self.is_unlimited && !self.is_shortened {
            without.extend([Field::MaxTokens, Field::MaxCompletionTokens]);
        }
        self.endpoint.learned.answered(&without, in_one_piece);
    }
}

impl Question {
    fn options(&self) -> Options {
        let options = self.endpoint.options;
        Options {
            answer_tokens: options.answer_tokens.filter(|_| !self.is_unlimited),
            ..options
        }
    }

    /// Makes room for the answer. Some servers count the length that it may have as if it were used, so that is dropped
    /// first: it costs no history.
    fn shorten(&mut self) -> bool {
        let has_limit = wire::fields(&self.request, self.options(), &self.refused)
            .iter()
            .any(|field| matches!(field, Field::MaxTokens | Field::MaxCompletionTokens));
        let is_halved = !has_limit && self.request.halve_history();
        self.is_unlimited |= has_limit;
        self.is_shortened |= is_halved;
        let is_shorter = has_limit || is_halved;
        if is_shorter {
            tracing::info!(
                model.name = self.endpoint.model,
                session.id = %self.request.session,
                messages = self.request.messages.len(),
                "the conversation is too long for the model, asking with less of it"
            );
        }
        is_shorter
    }
}

#[cfg(test)]
mod tests {
    use reqwest::StatusCode;
    use serde_json::{Value, json};

    use super::super::{Message, Role};
    use super::http::Question as _;
    use super::*;
    use crate::chat::SessionId;

    fn question(messages: usize) -> Question {
        let config = config::OpenAi {
            base_url: "https://x.test/v1".to_owned(),
            model: "m".to_owned(),
            api_key: None,
            headers: Vec::new(),
        };
        let settings = Settings {
            answer_tokens: Some(5),
            temperature: Some(0.5),
            ..Settings::default()
        };
        let openai = OpenAi::new(Client::default(), &config, settings).unwrap();
        let message = |place: usize| Message {
            role: [Role::User, Role::Assistant][place % 2],
            content: place.to_string(),
        };
        Question {
            endpoint: openai.0,
            request: Request {
                session: SessionId::random(),
                system: Some("s".to_owned()),
                messages: (0..messages).map(message).collect(),
                state: None,
            },
            refused: Refused::new(),
            is_unlimited: false,
            is_shortened: false,
        }
    }

    fn bad_request(error: &Value) -> FailedAttempt {
        http::rejected(
            errors::CODES,
            StatusCode::BAD_REQUEST,
            json!({"error": error}),
        )
    }

    fn body(question: &Question) -> Value {
        let request = question.call(&reqwest::Client::new()).build().unwrap();
        serde_json::from_slice(request.body().unwrap().as_bytes().unwrap()).unwrap()
    }

    #[test]
    fn each_refused_field_is_left_out_once() {
        let mut question = question(1);
        let all =
            "stream_options temperature max_tokens max_completion_tokens 'stream' system role";
        let failed = bad_request(&json!({"message": all}));
        let mut bodies = vec![body(&question)];
        while question.adapt(&failed) {
            bodies.push(body(&question));
        }
        assert_eq!(bodies.len(), 7, "each field once, and an end");
        let messages = json!([{"role": "user", "content": "s\n\n0"}]);
        assert_eq!(
            bodies.pop(),
            Some(json!({"model": "m", "messages": messages, "stream": false}))
        );
        let names = bodies.iter().map(|body| {
            ["max_tokens", "max_completion_tokens"].map(|name| body.get(name).is_some())
        });
        let both = names.clone().any(|names| names == [true, true]);
        assert!(bodies.iter().any(|body| body["temperature"] == 0.5));
        assert!(!both && names.clone().any(|names| names == [false, true]));
    }

    #[test]
    fn what_is_refused_is_remembered_once_the_rest_is_accepted() {
        let mut question = question(1);
        assert!(question.adapt(&bad_request(&json!({"param": "stream_options"}))));
        assert!(question.endpoint.learned.refused().is_empty());
        question.accepted(false);
        assert_eq!(
            question.endpoint.learned.refused(),
            Refused::from([Field::StreamOptions])
        );
    }

    #[test]
    fn a_limit_that_does_not_fit_is_remembered_for_the_model() {
        let mut question = question(1);
        let words =
            "'max_tokens' is too large: 32000. This model's maximum context length is 32768 tokens";
        assert!(question.adapt(&bad_request(&json!({"message": words}))));
        question.accepted(false);
        let next = Question {
            endpoint: Arc::clone(&question.endpoint),
            request: question.request.clone(),
            refused: question.endpoint.learned.refused().clone(),
            is_unlimited: false,
            is_shortened: false,
        };
        let body = body(&next);
        assert!(body.get("max_tokens").is_none(), "{body}");
        assert!(body.get("max_completion_tokens").is_none(), "{body}");
    }

    #[test]
    fn a_history_that_sets_off_a_filter_is_left_out_once() {
        let mut question = question(3);
        let failed = bad_request(&json!({"code": "content_filter"}));
        assert!(question.adapt(&failed));
        assert_eq!(body(&question)["messages"].as_array().unwrap().len(), 2);
        assert!(!question.adapt(&failed));
    }

    #[test]
    fn a_conversation_that_is_too_long_is_halved_down_to_the_question() {
        let mut question = question(9);
        let failed = bad_request(&json!({"code": "context_length_exceeded"}));
        let mut asked = vec![];
        while question.adapt(&failed) {
            let body = body(&question);
            let messages = body["messages"].as_array().unwrap();
            assert_eq!(messages.last().unwrap()["content"], "8");
            asked.push((messages.len() - 1, body.get("max_tokens").is_some()));
        }
        assert_eq!(asked, [(9, false), (5, false), (3, false), (1, false)]);
        question.accepted(false);
        assert!(
            question.endpoint.learned.refused().is_empty(),
            "one long question says nothing of the next"
        );
    }
}
