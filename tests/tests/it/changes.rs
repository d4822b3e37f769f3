//! What users ask for beside answers: another model, the end of an answer, another answer, other words.

use chatbox::chat::{Author, SessionId};
use chatbox::store::sqlite::Sqlite;
use chatbox::store::{Cancel, Store};
use serde_json::{Value, json};
use tests::mongodb::Database;
use tests::{Call, Client, Provider, World, demo, leave_run, openai};

/// Two models behind one provider, `small` and `large`.
fn two_models(provider: &Provider) -> crds::Config {
    let mut config = openai(provider);
    let mut second = config.models[0].clone();
    second.id = "good".to_owned();
    second.name = "Good".to_owned();
    second.openai.as_mut().unwrap().model = "large".to_owned();
    config.models.push(second);
    config
}

fn operation(op: &str, session: &str) -> Value {
    json!({"type": "connection_status", "session_id": session, "metadata": {"op": op}})
}

/// What the model was told, in order.
fn told(call: &Call) -> Vec<String> {
    let messages = call.messages().into_iter();
    messages.map(|(_, content)| content.to_owned()).collect()
}

async fn select(client: &mut Client, session: &str, model: &str) {
    let select = json!({"type": "model_select", "session_id": session, "model_id": model});
    client.send(select).await;
}

async fn stop(client: &mut Client, session: &str) {
    client.send(operation("cancel", session)).await;
}

async fn regenerate(client: &mut Client, session: &str, seq: i64) {
    let mut frame = operation("regenerate", session);
    frame["seq"] = seq.into();
    client.send(frame).await;
}

async fn edit(client: &mut Client, client_id: &str, content: &str, replaces: i64) {
    let frame = json!({
        "type": "user_message", "session_id": "s", "client_id": client_id, "content": content, "replaces": replaces,
    });
    client.send(frame).await;
}

#[tokio::test]
async fn a_visitor_chooses_the_model_before_the_first_question_and_later() {
    let mut provider = Provider::start().await;
    let world = World::start(two_models(&provider)).await;
    let mut client = world.connect("u", "").await;
    let hello = client.next().await;
    let models = json!([{"id": "fast", "name": "Fast"}, {"id": "good", "name": "Good"}]);
    assert_eq!(hello["models"], models, "in the order of the document");
    select(&mut client, "s", "good").await;
    let bound = client.next().await;
    assert_eq!(
        (&bound["metadata"]["op"], &bound["session_id"]),
        (&json!("hello"), &json!("s"))
    );
    let chosen = client.next().await;
    assert_eq!(
        (&chosen["metadata"]["op"], &chosen["model_id"]),
        (&json!("model"), &json!("good"))
    );
    let (_, list) = world.get("u", "/sessions").await;
    assert_eq!(list["count"], 0, "there is no conversation yet");
    client.say("s", "c1", "hello").await;
    let call = provider.call().await;
    assert_eq!(call.body["model"], "large");
    call.reply("hi");
    assert_eq!(client.wait_for("ai_response").await["model_id"], "good");

    // Another device is told, and one that connects later too.
    let mut other = world.connect("u", "session_id=s").await;
    assert_eq!(other.wait_for("model").await["model_id"], "good");
    select(&mut client, "s", "fast").await;
    assert_eq!(other.wait_for("model").await["model_id"], "fast");
    assert_eq!(client.wait_for("model").await["model_id"], "fast");
    let (_, history) = world.get("u", "/sessions/s").await;
    assert_eq!(history["model_id"], "fast");
    select(&mut client, "s", "huge").await;
    let refused = client.wait_for("error").await;
    assert_eq!(refused["error"]["code"], "INVALID_FORMAT");
    let mut foreign = world.connect("v", "").await;
    select(&mut foreign, "s", "good").await;
    assert_eq!(
        foreign.wait_for("error").await["error"]["code"],
        "UNAUTHORIZED"
    );
    client.say("s", "c2", "and now?").await;
    assert_eq!(provider.call().await.body["model"], "small");
}

#[tokio::test]
async fn an_answer_that_is_stopped_is_kept_and_the_provider_is_left() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    let mut other = world.connect("u", "").await;
    client.say("s", "c1", "Tell me all.").await;
    let stream = provider.call().await.begin();
    stream.push("Well, ");
    client.wait_for("ai_response").await;
    let mut foreign = world.connect("v", "").await;
    stop(&mut foreign, "s").await;
    assert_eq!(
        foreign.wait_for("error").await["error"]["code"],
        "UNAUTHORIZED"
    );
    // From any connection of its user.
    stop(&mut other, "s").await;
    let stopped = other.wait_for("cancel").await;
    assert!(stopped["run"].is_string(), "{stopped}");
    stream.dropped().await;
    let last = client
        .until(|frame| frame["metadata"]["done"] == "true")
        .await
        .pop()
        .unwrap();
    assert_eq!(
        (&last["status"], &last["seq"]),
        (&json!("cancelled"), &json!(2))
    );
    let history = world.history("u", "s").await;
    assert_eq!(
        (history[1].1.as_str(), history[1].2.as_deref()),
        ("Well, ", Some("cancelled"))
    );
    // One that has ended is left as it is.
    let mut late = operation("cancel", "s");
    late["run"] = stopped["run"].clone();
    client.send(late).await;
    assert_eq!(client.wait_for("cancel").await.get("run"), None);
    client.say("s", "c2", "Go on.").await;
    let call = provider.call().await;
    let asked = told(&call);
    assert_eq!(asked, ["Be brief.", "Tell me all.", "Well, ", "Go on."]);
}

#[tokio::test]
async fn an_answer_is_stopped_before_its_first_word_and_the_next_question_goes_on() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    client.say("s", "c1", "first").await;
    let call = provider.call().await;
    client.say("s", "c2", "second").await;
    client.until(|frame| frame["client_id"] == "c2").await;
    stop(&mut client, "s").await;
    call.dropped().await;
    let ended = client.answer().await;
    assert_eq!(
        (ended.status.as_str(), ended.text.as_str()),
        ("cancelled", "")
    );
    let call = provider.call().await;
    let asked = told(&call);
    assert_eq!(asked, ["Be brief.", "second"]);
    let (_, history) = world.get("u", "/sessions/s").await;
    assert_eq!(
        history["messages"][2]["content"],
        "This answer was stopped."
    );
}

#[tokio::test]
async fn another_answer_stands_for_the_one_before() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    for (client_id, question) in [("c1", "q1"), ("c2", "q2")] {
        client.say("s", client_id, question).await;
        provider.call().await.reply(&format!("to {question}"));
        client.answer().await;
    }
    regenerate(&mut client, "s", 2).await;
    let refused = client.wait_for("error").await;
    assert_eq!(refused["error"]["code"], "INVALID_FORMAT", "not the newest");
    regenerate(&mut client, "s", 4).await;
    let loading = client.wait_for("loading").await;
    assert_eq!(loading["question"], 3);
    let call = provider.call().await;
    let asked = told(&call);
    assert_eq!(asked, ["Be brief.", "q1", "to q1", "q2"]);
    // Twice, as when somebody is impatient.
    regenerate(&mut client, "s", 4).await;
    assert_eq!(
        client.wait_for("error").await["error"]["code"],
        "SERVICE_ERROR"
    );
    call.reply("to q2, better");
    let last = client
        .until(|frame| frame["metadata"]["done"] == "true")
        .await
        .pop()
        .unwrap();
    assert_eq!((&last["question"], &last["seq"]), (&json!(3), &json!(5)));
    let texts: Vec<_> = world
        .history("u", "s")
        .await
        .into_iter()
        .map(|line| line.1)
        .collect();
    assert_eq!(texts, ["q1", "to q1", "q2", "to q2, better"]);
    // A client that knows about it gets all, and which question each answers.
    let (_, all) = world.get("u", "/sessions/s?with_empty=true").await;
    let all = all["messages"].as_array().unwrap().clone();
    let questions: Vec<_> = all
        .iter()
        .map(|message| message["question"].clone())
        .collect();
    assert_eq!(
        questions,
        [Value::Null, json!(1), Value::Null, json!(3), json!(3)]
    );
    client.say("s", "c3", "q3").await;
    let call = provider.call().await;
    let asked = told(&call);
    assert_eq!(
        asked,
        ["Be brief.", "q1", "to q1", "q2", "to q2, better", "q3"]
    );
}

#[tokio::test]
async fn a_question_in_other_words_stands_for_the_one_before() {
    let mut provider = Provider::start().await;
    let world = World::start(openai(&provider)).await;
    let mut client = world.connect("u", "").await;
    let mut other = world.connect("u", "session_id=s&after_seq=0").await;
    client.say("s", "c1", "Where is it?").await;
    provider.call().await.reply("What?");
    client.answer().await;
    edit(&mut client, "c2", "Where is my parcel?", 1).await;
    assert_eq!(client.wait_for("ack").await["seq"], 3);
    let call = provider.call().await;
    let asked = told(&call);
    assert_eq!(asked, ["Be brief.", "Where is my parcel?"]);
    call.reply("At the door.");
    assert_eq!(client.answer().await.text, "At the door.");
    let told = other
        .until(|frame| frame["type"] == "user_message" && frame["seq"] == 3)
        .await;
    assert_eq!(told.last().unwrap()["replaces"], 1);
    // Sent again after a lost acknowledgement.
    edit(&mut client, "c2", "Where is my parcel?", 1).await;
    assert_eq!(client.wait_for("ack").await["seq"], 3);
    edit(&mut client, "c3", "Where?", 1).await;
    let refused = client.wait_for("error").await;
    assert_eq!(
        (&refused["error"]["code"], &refused["client_id"]),
        (&json!("INVALID_FORMAT"), &json!("c3"))
    );
    let texts: Vec<_> = world
        .history("u", "s")
        .await
        .into_iter()
        .map(|line| line.1)
        .collect();
    assert_eq!(texts, ["Where is my parcel?", "At the door."]);
}

/// Two servers that do not hear each other: the owner of the run learns it from the database.
#[tokio::test]
async fn an_answer_is_stopped_through_another_server() {
    let mut provider = Provider::start().await;
    let database = Database::new();
    let one = World::start_on_mongodb(&database, openai(&provider)).await;
    let other = World::start_on_mongodb(&database, demo()).await;
    let mut asker = one.connect("u", "").await;
    asker.say("s", "c1", "Tell me all.").await;
    let stream = provider.call().await.begin();
    stream.push("Well, ");
    asker.wait_for("ai_response").await;
    let mut elsewhere = other.connect("u", "").await;
    stop(&mut elsewhere, "s").await;
    assert!(elsewhere.wait_for("cancel").await["run"].is_string());
    stream.dropped().await;
    let last = asker
        .until(|frame| frame["metadata"]["done"] == "true")
        .await
        .pop()
        .unwrap();
    assert_eq!(last["status"], "cancelled");
}

/// The process ended between the request and the end of the answer.
#[tokio::test]
async fn an_answer_that_was_to_stop_is_not_asked_for_again() {
    let world = World::start(demo()).await;
    let data = world.data();
    let mut stopping = world.stop();
    stopping.stopped().await;
    {
        let store = Sqlite::open(&data).unwrap();
        leave_run(&store, "s", "u", "Tell me all.").await;
        let request = Cancel {
            session: SessionId::parse("s").unwrap(),
            author: Author {
                user: "u".to_owned(),
                name: "u".to_owned(),
                roles: Vec::new(),
            },
            run: None,
        };
        assert!(matches!(store.cancel(request).await, Ok(Ok(Some(_)))));
    }
    let world = stopping.start_again().await;
    let mut client = world.connect("u", "session_id=s&after_seq=1").await;
    assert_eq!(client.answer().await.status, "cancelled");
}
