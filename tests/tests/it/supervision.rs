//! What the server cannot do without ends: the process ends, says why, and fails its probes meanwhile.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};
use tests::{Client, Process, Provider, TIMEOUT, World, demo, documents, openai, serve};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::time::timeout;

const BINARY: &str = env!("CARGO_BIN_EXE_server");

#[tokio::test]
async fn a_listening_socket_that_is_gone_ends_the_server() {
    for which in ["the public server", "the probe server"] {
        let world = World::start(demo()).await;
        let address = if which == "the public server" {
            world.public
        } else {
            world.internal
        };
        world.break_listener(address);
        let error = world.ended().await.unwrap_err();
        let error = format!("{error:#}");
        assert!(
            error.starts_with(which) && error.contains("the listening socket is gone"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_damaged_database_ends_the_process_with_a_reason() {
    let home = tempfile::tempdir().unwrap();
    let mut provider = Provider::start().await;
    let mut process = Process::start(BINARY, &home, &openai(&provider)).await;
    let token = process.guest().await;
    let url = format!("ws://{}/chatbox/ws?session_id=s", process.public);
    let mut client = Client::connect(&url, &token).await.unwrap();
    client.say("s", "c", "hello").await;
    let stream = provider.call().await.begin();
    stream.push("so ");
    client.wait_for("ai_response").await;
    for file in ["chatbox.db", "chatbox.db-wal"] {
        let path = home.path().join("data").join(file);
        let length = std::fs::metadata(&path).unwrap().len();
        let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        let noise = vec![0xa5; usize::try_from(length).unwrap()];
        file.write_all(&noise).unwrap();
    }
    // A write that comes after the damage makes every reader read the file anew.
    client.say("s", "c2", "is it stored?").await;
    let history = reqwest::Client::new()
        .get(format!("http://{}/chatbox/sessions/s", process.public))
        .bearer_auth(&token);
    assert_eq!(history.send().await.unwrap().status(), 500);
    let failed = process.logged("the server cannot go on").await;
    let cause = failed["cause"].as_str().unwrap();
    assert!(cause.starts_with("the store ended unexpectedly"), "{cause}");
    let livez = format!("http://{}/livez", process.internal);
    assert_eq!(reqwest::get(livez).await.unwrap().status(), 503);
    stream.end();
    assert_eq!(process.exit_code().await, Some(1));
}

#[tokio::test]
async fn a_second_signal_ends_the_process_at_once() {
    let home = tempfile::tempdir().unwrap();
    let mut provider = Provider::start().await;
    let mut process = Process::start(BINARY, &home, &openai(&provider)).await;
    let token = process.guest().await;
    let url = format!("ws://{}/chatbox/ws?session_id=s", process.public);
    let mut client = Client::connect(&url, &token).await.unwrap();
    client.say("s", "c", "hello").await;
    let _speech = provider.call().await.begin();
    process.signal("TERM").await;
    process.logged("stopping: running answers may finish").await;
    process.signal("INT").await;
    assert_eq!(process.exit_code().await, Some(130));
    let log = process.rest_of_log().await;
    assert!(log.contains("second signal"), "{log}");
}

#[tokio::test]
async fn the_limit_on_open_files_is_raised_and_a_low_one_is_told_once() {
    let home = tempfile::tempdir().unwrap();
    documents(home.path(), &demo());
    let script = home.path().join("limited");
    let text = format!("#!/bin/sh\nulimit -Sn 300; ulimit -Hn 400; exec {BINARY} \"$@\"\n");
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut server = serve(script.to_str().unwrap(), home.path())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    let mut warnings = Vec::new();
    let internal = loop {
        let line = timeout(TIMEOUT, lines.next_line()).await.unwrap().unwrap();
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let message = line["message"].as_str().unwrap();
        if message.contains("open files") {
            warnings.push((line["allowed"].clone(), line["needed"].clone()));
        }
        if message == "serving" {
            break line["internal"].as_str().unwrap().to_owned();
        }
    };
    assert_eq!(warnings, [(json!(400), json!(16_300))]);
    let metrics = reqwest::get(format!("http://{internal}/metrics")).await;
    let metrics = metrics.unwrap().text().await.unwrap();
    assert!(metrics.contains("process_max_fds 400"), "{metrics}");
}

#[tokio::test]
async fn a_machine_without_certificates_ends_the_process_with_a_reason() {
    let home = tempfile::tempdir().unwrap();
    documents(home.path(), &demo());
    let ended = serve(BINARY, home.path())
        .env("SSL_CERT_FILE", home.path().join("none"))
        .env("SSL_CERT_DIR", home.path().join("none"))
        .output();
    let ended = timeout(TIMEOUT, ended).await.unwrap().unwrap();
    let log = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{log}");
    assert!(log.contains("the client of the models ended"), "{log}");
    assert!(log.contains("builder error"), "{log}");
}

#[tokio::test]
async fn a_proxy_that_nobody_trusts_is_told_once() {
    let home = tempfile::tempdir().unwrap();
    let mut process = Process::start(BINARY, &home, &demo()).await;
    for _ in 0..2 {
        let request = reqwest::Client::new()
            .post(format!("http://{}/chatbox/guest", process.public))
            .header("x-forwarded-for", "203.0.113.7");
        assert_eq!(request.send().await.unwrap().status(), 200);
    }
    process.terminate().await;
    let log = process.rest_of_log().await;
    let told = log.matches("server.trustedProxies does not name").count();
    assert_eq!(told, 1, "{log}");
    assert!(log.contains("127.0.0.1/32"), "{log}");
}
