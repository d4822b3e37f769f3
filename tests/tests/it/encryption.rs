//! What people write is encrypted before it is stored, and found nowhere else.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use chatbox::chat::UNREADABLE;
use chatbox::clock;
use chatbox::store::cipher::Encrypted;
use chatbox::store::cipher::keyring::Keyring;
use chatbox::store::sqlite::Sqlite;
use crds::Config;
use crds::config::{Encryption, Storage};
use futures_util::TryStreamExt;
use jiff::SignedDuration;
use mongodb::bson::Document;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::mongodb::Database;
use tests::{Client, Process, Provider, TIMEOUT, demo, documents, openai, serve};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::time::timeout;

const BINARY: &str = env!("CARGO_BIN_EXE_server");
/// What people and models write here.
const CANARY: &str = "canary-c0ffee";
const KEYS: [(&str, &str); 2] = [
    (
        "k1",
        "9f1c07e25ab84d3366c0f1e87a2b95d4013fce8826745ab9d0e19c3b7f5a6e42",
    ),
    (
        "k2",
        "0b7de1f04432c98e5d6a7f81bb29054c3e96ad10f8c7d25b614f83a2e9907cd6",
    ),
];

/// The same document with these keys, which lie below `home`.
fn with_keys(home: &Path, config: Config, ids: &[&str]) -> Config {
    std::fs::create_dir_all(home.join("secrets/enc")).unwrap();
    for (id, value) in KEYS {
        std::fs::write(home.join("secrets/enc").join(id), format!("{value}\n")).unwrap();
    }
    let key = |id: &&str| json!({"id": id, "secret": {"name": "enc", "key": id}});
    let keys: Vec<_> = ids.iter().map(key).collect();
    let encryption: Encryption = serde_json::from_value(json!({ "keys": keys })).unwrap();
    let encryption = (!ids.is_empty()).then_some(encryption);
    let config = Config {
        encryption,
        ..config
    };
    assert_eq!(config.check(), []);
    config
}

async fn connect(process: &Process, query: &str, token: &str) -> Client {
    let address = format!("ws://{}/chatbox/ws?{query}", process.public);
    Client::connect(&address, token).await.unwrap()
}

/// A conversation with a question that is answered, one that is being answered, and one that waits. The server is killed
/// then, so its files are as they are while it works. Returns what it measured and logged, and the token of the guest.
async fn talk_and_kill(
    home: &TempDir,
    config: &Config,
    mut provider: Provider,
) -> (String, String) {
    let mut process = Process::start(BINARY, home, config).await;
    let token = process.guest().await;
    let mut client = connect(&process, "", &token).await;
    client.say("s", "c1", &format!("{CANARY} one")).await;
    provider.call().await.reply(&format!("{CANARY} two"));
    let answer = client.answer().await;
    assert_eq!(answer.text, format!("{CANARY} two"));
    client.say("s", "c2", &format!("{CANARY} three")).await;
    let stream = provider.call().await.begin();
    stream.push(&format!("{CANARY} four "));
    client.wait_for("ai_response").await;
    client.say("s", "c3", &format!("{CANARY} five")).await;
    client.wait_for("ack").await;
    let metrics = reqwest::get(format!("http://{}/metrics", process.internal));
    let metrics = metrics.await.unwrap().text().await.unwrap();
    assert!(
        metrics.contains("chatbox_encryption_values_left"),
        "{metrics}"
    );
    process.signal("KILL").await;
    (metrics + &process.rest_of_log().await, token)
}

/// How often the canary is in the files of the database.
fn in_files(home: &TempDir) -> usize {
    let mut names = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(home.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let found = bytes
            .windows(CANARY.len())
            .filter(|at| *at == CANARY.as_bytes());
        count += found.count();
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    for name in ["chatbox.db", "chatbox.db-wal", "chatbox.db-shm"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    count
}

/// How often the canary is in the documents of the database.
async fn in_documents(database: &Database) -> usize {
    let client = mongodb::Client::with_uri_str(&database.uri).await.unwrap();
    let client = client.database(&database.name);
    let mut count = 0;
    for name in client.list_collection_names().await.unwrap() {
        let collection = client.collection::<Document>(&name);
        let found = collection.find(Document::new()).await.unwrap();
        let documents: Vec<_> = found.try_collect().await.unwrap();
        for document in documents {
            count += document.to_string().matches(CANARY).count();
        }
    }
    count
}

#[tokio::test]
async fn what_is_written_is_in_no_file_log_or_metric_and_without_keys_it_is_in_the_file() {
    for (keys, is_found) in [(&["k1"][..], false), (&[], true)] {
        let provider = Provider::start().await;
        let home = tempfile::tempdir().unwrap();
        let config = with_keys(home.path(), openai(&provider), keys);
        let (told, _) = talk_and_kill(&home, &config, provider).await;
        assert_eq!(in_files(&home) > 0, is_found, "{keys:?}");
        assert!(!told.contains(CANARY), "{told}");
        let age = "chatbox_encryption_key_first_used_timestamp_seconds{key=\"k1\"} ";
        assert_eq!(told.contains(age), !is_found, "{told}");
        for (_, value) in KEYS {
            assert!(!told.contains(value), "a key in a log: {told}");
        }
    }
}

#[tokio::test]
async fn what_is_written_is_in_no_document_of_mongodb_and_without_keys_it_is() {
    for (keys, is_found) in [(&["k1"][..], false), (&[], true)] {
        let provider = Provider::start().await;
        let (home, database) = (tempfile::tempdir().unwrap(), Database::new());
        let storage = Storage {
            sqlite: None,
            mongodb: Some(database.config(&home.path().join("secrets"))),
        };
        let config = Config {
            storage,
            ..openai(&provider)
        };
        let config = with_keys(home.path(), config, keys);
        let (told, _) = talk_and_kill(&home, &config, provider).await;
        assert_eq!(in_documents(&database).await > 0, is_found, "{keys:?}");
        assert!(!told.contains(CANARY), "{told}");
    }
}

/// Encryption is switched on for a database that people have written to.
#[tokio::test]
async fn nothing_older_stays_in_the_files_when_encryption_is_switched_on() {
    let provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let config = with_keys(home.path(), openai(&provider), &[]);
    talk_and_kill(&home, &config, provider).await;
    assert!(in_files(&home) > 0);

    let provider = Provider::start().await;
    let config = with_keys(home.path(), openai(&provider), &["k1"]);
    let mut process = Process::start(BINARY, &home, &config).await;
    process
        .logged("every stored text is encrypted with this key; `chatbox rekey --verify` says which keys may be removed")
        .await;
    process.kill().await;
    // What was replaced is in the log until the next start.
    let process = Process::start(BINARY, &home, &config).await;
    process.kill().await;
    assert_eq!(in_files(&home), 0);
}

#[tokio::test]
async fn a_server_without_the_keys_of_its_database_does_not_start_and_says_why() {
    let home = tempfile::tempdir().unwrap();
    let config = with_keys(home.path(), demo(), &["k1"]);
    let process = Process::start(BINARY, &home, &config).await;
    process.kill().await;
    let swap = |from: &str, to: &str| {
        let enc = home.path().join("secrets/enc");
        std::fs::copy(enc.join(from), enc.join(to)).unwrap();
    };
    let without = "the database is encrypted (keys: k1), and the document names no key";
    assert_ends(&home, &with_keys(home.path(), demo(), &[]), without).await;
    let missing = "may be encrypted with the key \"k1\", which the document does not name";
    assert_ends(&home, &with_keys(home.path(), demo(), &["k2"]), missing).await;
    let config = with_keys(home.path(), demo(), &["k1"]);
    swap("k2", "k1");
    let wrong = "the encryption key \"k1\" (key \"k1\" of secret \"enc\") is not the key that this database knows";
    assert_ends(&home, &config, wrong).await;
    let same = with_keys(home.path(), demo(), &["k1", "k2"]);
    swap("k1", "k2");
    let repeated =
        "the encryption key \"k2\" (key \"k2\" of secret \"enc\") has the value of an earlier one";
    assert_ends(&home, &same, repeated).await;
    let none = Config {
        encryption: Some(Encryption::default()),
        ..demo()
    };
    let nobody = "encryption.keys: is missing; name at least one key";
    assert_ends(&home, &none, nobody).await;
    std::fs::write(home.path().join("secrets/enc/k1"), [0; 32]).unwrap();
    let weak = "secrets/enc/k1 is a pattern, which can be guessed";
    assert_ends(&home, &config, weak).await;
}

async fn assert_ends(home: &TempDir, config: &Config, words: &str) {
    documents(home.path(), config);
    let ended = serve(BINARY, home.path()).output().await.unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains(words), "{told} lacks {words}");
}

/// What waits for an answer was damaged, and so was an answer before it.
#[tokio::test]
async fn a_question_that_cannot_be_read_is_not_put_to_a_model_and_stops_no_other() {
    let provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let config = with_keys(home.path(), openai(&provider), &["k1"]);
    let (_, token) = talk_and_kill(&home, &config, provider).await;
    let database = rusqlite::Connection::open(home.path().join("data/chatbox.db")).unwrap();
    let damaged = "UPDATE messages SET content = 'enc:1:k1:AAAA' WHERE seq IN (2, 4)";
    assert_eq!(database.execute(damaged, []).unwrap(), 2);
    drop(database);

    let mut provider = Provider::start().await;
    let config = with_keys(home.path(), openai(&provider), &["k1"]);
    let mut process = Process::start(BINARY, &home, &config).await;
    let mut client = connect(&process, "session_id=s&after_seq=0", &token).await;
    client.until(|frame| frame["seq"] == 6).await;
    client.say("s", "c4", "and now?").await;
    let call = provider.call().await;
    let asked: Vec<_> = call
        .messages()
        .into_iter()
        .map(|(_, text)| text.to_owned())
        .collect();
    let told = [
        &format!("{CANARY} three"),
        &format!("{CANARY} four "),
        "and now?",
    ];
    assert_eq!(
        asked[asked.len() - 3..],
        told,
        "without what cannot be read"
    );
    assert_eq!(asked.len(), 4, "one is the prompt of the system: {asked:?}");
    call.reply("Now.");
    client.until(|frame| frame["seq"] == 8).await;
    assert!(provider.is_idle());

    let history = reqwest::Client::new()
        .get(format!("http://{}/chatbox/sessions/s", process.public))
        .bearer_auth(token);
    let history: Value = history.send().await.unwrap().json().await.unwrap();
    let line = |message: &Value| {
        let text = |key: &str| message[key].as_str().unwrap_or_default().to_owned();
        (text("content"), text("status"))
    };
    let messages = history["messages"].as_array().unwrap();
    let lines: Vec<_> = messages.iter().map(line).collect();
    let line = |content: &str, status: &str| (content.to_owned(), status.to_owned());
    assert_eq!(
        lines,
        [
            line(&format!("{CANARY} one"), ""),
            line(UNREADABLE, "complete"),
            line(&format!("{CANARY} three"), ""),
            line(UNREADABLE, ""),
            line(&format!("{CANARY} four "), "interrupted"),
            line(
                "The assistant could not answer. Please try again.",
                "failed"
            ),
            line("and now?", ""),
            line("Now.", "complete"),
        ]
    );
    process.signal("KILL").await;
    let log = process.rest_of_log().await;
    let told: Vec<_> = log
        .lines()
        .filter(|line| line.contains("a stored text cannot be read"))
        .collect();
    assert_eq!(told.len(), 2, "each once, however often it is read: {log}");
    for words in ["\"session.id\":\"s\"", "\"of\":\"", "key \\\"k1\\\""] {
        assert!(told.iter().all(|line| line.contains(words)), "{told:?}");
    }
}

#[tokio::test]
async fn an_old_key_is_told_at_the_start() {
    let home = tempfile::tempdir().unwrap();
    let config = with_keys(home.path(), demo(), &["k1"]);
    let keyring = Keyring::load(config.encryption.as_ref(), &home.path().join("secrets")).unwrap();
    let store = Arc::new(Sqlite::open(&home.path().join("data")).unwrap());
    let long_ago = clock::now() - SignedDuration::from_hours(400 * 24);
    drop(Encrypted::open(store, keyring, long_ago).await.unwrap());
    documents(home.path(), &config);
    let mut process = serve(BINARY, home.path()).spawn().unwrap();
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
    let told = loop {
        let line = timeout(TIMEOUT, log.next_line()).await.unwrap().unwrap();
        let line: Value = serde_json::from_str(&line.expect("it is told")).unwrap();
        if line["message"]
            .as_str()
            .unwrap()
            .starts_with("the key that encrypts is old")
        {
            break line;
        }
    };
    assert_eq!((&told["key"], &told["days"]), (&json!("k1"), &json!(400)));
    process.kill().await.unwrap();
}

#[tokio::test]
async fn a_key_is_replaced_step_by_step_and_verify_says_when_the_old_one_may_go() {
    let provider = Provider::start().await;
    let home = tempfile::tempdir().unwrap();
    let first = with_keys(home.path(), openai(&provider), &["k1"]);
    talk_and_kill(&home, &first, provider).await;
    let provider = Provider::start().await;
    let both = with_keys(home.path(), openai(&provider), &["k2", "k1"]);
    documents(home.path(), &both);
    let (code, told) = rekey(&home, &["--verify"]).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("key k1: ") && told.contains("are not encrypted with the key \"k2\""),
        "{told}"
    );

    let mut process = Process::start(BINARY, &home, &both).await;
    process
        .logged("every stored text is encrypted with this key; `chatbox rekey --verify` says which keys may be removed")
        .await;
    // Beside the server that runs.
    let (code, told) = rekey(&home, &["--verify"]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("key k1 may be removed"), "{told}");
    assert!(!told.contains("key k1: "), "{told}");
    let (code, told) = rekey(&home, &[]).await;
    assert_eq!(code, Some(1), "the server does it: {told}");
    assert!(told.contains("is locked"), "{told}");
    process.kill().await;

    let provider = Provider::start().await;
    let config = with_keys(home.path(), openai(&provider), &["k2"]);
    let process = Process::start(BINARY, &home, &config).await;
    process.kill().await;
    let (code, told) = rekey(&home, &[]).await;
    assert_eq!(code, Some(0), "{told}");
    assert!(
        told.contains("everything is encrypted with the first key"),
        "{told}"
    );
}

/// Runs `rekey` on the document and the files below `home`: exit code, and what it said.
async fn rekey(home: &TempDir, more: &[&str]) -> (Option<i32>, String) {
    let done = Command::new(BINARY)
        .arg("rekey")
        .args(more)
        .env("CHATBOX_CONFIG", home.path().join("config.json"))
        .env("CHATBOX_SECRETS", home.path().join("secrets"))
        .env("CHATBOX_DATA", home.path().join("data"))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let told = [done.stdout, done.stderr].concat();
    (done.status.code(), String::from_utf8(told).unwrap())
}
