//! The process is killed without a word, and started again.

use tests::{Client, Process, Provider, demo, documents, openai, serve};

const BINARY: &str = env!("CARGO_BIN_EXE_server");

async fn connect(process: &Process, query: &str, token: &str) -> Client {
    Client::connect(
        &format!("ws://{}/chatbox/ws?{query}", process.public),
        token,
    )
    .await
    .unwrap()
}

#[tokio::test]
async fn a_run_that_had_spoken_ends_with_what_it_said() {
    let mut provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let config = openai(&provider);
    let mut process = Process::start(BINARY, &home, &config).await;
    let token = process.guest().await;
    let mut client = connect(&process, "", &token).await;
    client.say("s", "c", "tell me").await;
    client.wait_for("ack").await;
    let stream = provider.call().await.begin();
    stream.push("Once ");
    client.wait_for("ai_response").await;
    stream.push("upon ");
    process.logged("checkpoint kept").await;
    process.kill().await;

    let process = Process::start(BINARY, &home, &config).await;
    let mut client = connect(&process, "session_id=s&after_seq=0", &token).await;
    assert_eq!(client.wait_for("user_message").await["content"], "tell me");
    let answer = client.answer().await;
    assert_eq!(
        (answer.text.as_str(), answer.status.as_str()),
        ("Once upon ", "interrupted")
    );
    assert!(
        provider.is_idle(),
        "what was seen is not said again in other words"
    );
}

/// Wherever the crash comes behind the first word.
#[tokio::test]
async fn a_word_that_was_shown_is_not_said_again_after_a_crash() {
    let mut provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let config = openai(&provider);
    let mut process = Process::start(BINARY, &home, &config).await;
    let token = process.guest().await;
    for round in 1..=3 {
        let after = 2 * (round - 1);
        let query = format!("session_id=s&after_seq={after}");
        let mut client = connect(&process, &query, &token).await;
        client.say("s", &format!("c{round}"), "tell me").await;
        let stream = provider.call().await.begin();
        stream.push("Once ");
        client.wait_for("ai_response").await;
        process.kill().await;

        process = Process::start(BINARY, &home, &config).await;
        let query = format!("session_id=s&after_seq={}", after + 1);
        let mut client = connect(&process, &query, &token).await;
        let answer = client.answer().await;
        assert_eq!(
            (answer.text.as_str(), answer.status.as_str()),
            ("Once ", "interrupted"),
            "round {round}"
        );
        assert!(provider.is_idle(), "round {round}");
    }
}

#[tokio::test]
async fn a_run_that_had_not_spoken_is_started_again() {
    let mut provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let config = openai(&provider);
    let process = Process::start(BINARY, &home, &config).await;
    let token = process.guest().await;
    let mut client = connect(&process, "", &token).await;
    client.say("s", "c", "tell me").await;
    client.wait_for("ack").await;
    let _unanswered = provider.call().await;
    process.kill().await;

    let process = Process::start(BINARY, &home, &config).await;
    provider.call().await.reply("told");
    let mut client = connect(&process, "session_id=s&after_seq=1", &token).await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.text.as_str(), answer.status.as_str(), answer.seq),
        ("told", "complete", 2)
    );
}

/// Such as one that ends the process.
#[tokio::test]
async fn a_question_that_no_process_answers_is_asked_three_times() {
    let mut provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let config = openai(&provider);
    let mut process = Process::start(BINARY, &home, &config).await;
    let token = process.guest().await;
    let mut client = connect(&process, "", &token).await;
    client.say("s", "c", "tell me").await;
    client.wait_for("ack").await;
    for _ in 0..3 {
        let _unanswered = provider.call().await;
        process.kill().await;
        process = Process::start(BINARY, &home, &config).await;
    }
    let mut client = connect(&process, "session_id=s&after_seq=1", &token).await;
    let answer = client.answer().await;
    assert_eq!(
        (answer.text.as_str(), answer.status.as_str()),
        ("", "failed")
    );
    assert!(provider.is_idle());
    client.say("s", "c2", "and now?").await;
    provider.call().await.reply("now");
    assert_eq!(client.answer().await.text, "now");
}

#[tokio::test]
async fn two_servers_never_share_a_database() {
    let home = tempfile::tempdir().unwrap();
    let _first = Process::start(BINARY, &home, &demo()).await;
    let second = serve(BINARY, home.path()).output().await.unwrap();
    assert!(!second.status.success());
    let error = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(
        error.contains("another chat server uses the data directory"),
        "{error}"
    );
}

#[tokio::test]
async fn a_bad_document_stops_the_start_and_names_every_field() {
    let home = tempfile::tempdir().unwrap();
    let mut config = demo();
    config.limits.pending_questions = 0;
    config.server.trusted_proxies = vec!["nowhere".to_owned()];
    documents(home.path(), &config);
    let output = serve(BINARY, home.path()).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    for field in ["limits.pendingQuestions", "server.trustedProxies[0]"] {
        assert!(error.contains(field), "{field} in {error}");
    }
}
