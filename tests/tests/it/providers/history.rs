//! What a model is told of the conversation so far.

use serde_json::json;
use tests::{Provider, World, openai};

/// Providers refuse `[user, user]` and `[assistant, user]`: one bad turn must not end a session.
#[tokio::test]
async fn after_bad_turns_the_prompt_still_goes_by_turns() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    for (place, question) in ["first", "rejected", "half", "filtered", "last"]
        .into_iter()
        .enumerate()
    {
        client.say("s", &place.to_string(), question).await;
        let call = provider.call().await;
        match question {
            "rejected" => call.reject(401),
            "half" => {
                let stream = call.begin();
                stream.push("ha");
                client.wait_for("ai_response").await;
                stream.cut();
            }
            "filtered" => {
                let stream = call.begin();
                stream.push("fi");
                stream
                    .event(&json!({"choices": [{"delta": {}, "finish_reason": "content_filter"}]}));
            }
            "last" => {
                let expected = [
                    ("system", "Be brief."),
                    ("user", "first"),
                    ("assistant", "yes"),
                    ("user", "half"),
                    ("assistant", "ha"),
                    ("user", "last"),
                ];
                assert_eq!(call.messages(), expected);
                call.reply("yes");
            }
            _ => call.reply("yes"),
        }
        client
            .until(|frame| frame["metadata"]["done"] == "true")
            .await;
    }
}

#[tokio::test]
async fn a_budget_cuts_between_pairs() {
    let mut provider = Provider::start().await;
    let mut config = openai(&provider);
    config.models[0].history_tokens = 256;
    let world = World::start(config).await;
    let mut client = world.connect("u", "").await;
    // A question of these is fifty tokens, and its answer is a hundred: one of them and half of the next would fit.
    for place in 0..3 {
        client.say("s", &place.to_string(), &"好".repeat(50)).await;
        let call = provider.call().await;
        let roles: Vec<_> = call.messages().iter().map(|(role, _)| *role).collect();
        let expected: &[_] = match place {
            0 => &["system", "user"],
            _ => &["system", "user", "assistant", "user"],
        };
        assert_eq!(roles, expected, "{place}");
        call.reply(&"好".repeat(100));
        client.answer().await;
    }
}
