//! What is told apart by the answers of a MongoDB: faults that pass, and databases that cannot be used.

use std::collections::HashSet;

use chatbox::store::{Appended, ErrorKind, Store};
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Client, IndexModel};
use tests::mongodb::{Database, Server};
use tests::seeds;

use crate::fixture::{ALL, id, question};

const WRITERS: usize = 8;

/// Makes the next so many of these commands fail.
async fn fail(client: &Client, command: &str, times: i32, how: Document) {
    let mut data = doc! {"failCommands": [command]};
    data.extend(how);
    let admin = client.database("admin");
    let point = doc! {"configureFailPoint": "failCommand", "mode": {"times": times}, "data": data};
    admin.run_command(point).await.unwrap();
}

#[tokio::test]
async fn faults_that_pass_are_not_noticed_and_store_once() {
    let server = Server::start(&[]);
    let database = Database::at(server.uri());
    let store = database.open().await;
    let client = Client::with_uri_str(server.uri()).await.unwrap();
    let transient = doc! {"errorCode": 112, "errorLabels": ["TransientTransactionError"]};
    let unknown = doc! {"errorCode": 91, "errorLabels": ["UnknownTransactionCommitResult", "RetryableWriteError"]};
    let cut = doc! {"closeConnection": true};
    let faults = [
        ("find", 1, transient.clone()),
        ("update", 2, transient.clone()),
        ("insert", 1, cut.clone()),
        ("commitTransaction", 1, unknown),
        ("commitTransaction", 1, cut),
    ];
    let count = i64::try_from(faults.len()).unwrap();
    for (round, (command, times, how)) in faults.into_iter().enumerate() {
        fail(&client, command, times, how).await;
        let mut question = question("s", Some(&round.to_string()), "q");
        question.admission.pending_max = 100;
        let stored = store.append(question).await;
        assert!(
            matches!(stored, Ok(Appended::Stored { .. })),
            "{command}: {stored:?}"
        );
    }
    let messages = store.messages_after(&id("s"), 0, ALL).await.unwrap();
    let seqs: Vec<_> = messages.iter().map(|message| message.seq).collect();
    assert_eq!(seqs, (1..=count).collect::<Vec<_>>());
}

/// As many processes do, each with its own client. `SOAK_ROUNDS=100` makes it 10,000 messages.
#[tokio::test]
async fn writers_of_many_processes_leave_no_gap_and_store_once() {
    let database = Database::new();
    let rounds = seeds(2).count();
    let count = WRITERS * 25 * rounds / 2;
    let writers = (0..WRITERS).map(async |writer| {
        let store = database.open().await;
        for index in 0..count / WRITERS {
            // Every fifth message is sent by two of them.
            let author = if index % 5 == 0 { writer / 2 } else { writer };
            let mut question = question("s", Some(&format!("{author}-{index}")), "q");
            question.admission.pending_max = usize::MAX;
            match store.append(question).await.unwrap() {
                Appended::Stored { .. } | Appended::Duplicate(_) => {}
                Appended::Rejected(rejection) => panic!("rejected: {rejection:?}"),
            }
        }
    });
    join_all(writers).await;
    let store = database.open().await;
    let (mut seqs, mut names) = (Vec::new(), HashSet::new());
    loop {
        let after = seqs.last().copied().unwrap_or(0);
        let page = store.messages_after(&id("s"), after, ALL).await.unwrap();
        if page.is_empty() {
            break;
        }
        seqs.extend(page.iter().map(|message| message.seq));
        names.extend(page.into_iter().filter_map(|message| message.client_id));
    }
    let stored = i64::try_from(names.len()).unwrap();
    assert_eq!(seqs, (1..=stored).collect::<Vec<_>>());
    let of_two = (0..count / WRITERS).filter(|index| index % 5 == 0).count();
    assert_eq!(names.len(), count - of_two * WRITERS / 2);
    println!("{count} messages of {WRITERS} writers, {stored} stored");
}

#[tokio::test]
async fn a_fault_that_stays_is_told_from_one_that_passes() {
    let server = Server::start(&[]);
    let store = Database::at(server.uri()).open().await;
    let client = Client::with_uri_str(server.uri()).await.unwrap();
    // Unauthorized, and MaxTimeMSExpired.
    for (code, times, kind) in [
        (13, 1, ErrorKind::Permanent),
        (50, 1, ErrorKind::Unavailable),
    ] {
        fail(&client, "find", times, doc! {"errorCode": code}).await;
        let error = store.session(&id("s")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{code}: {error:?}");
    }
    assert_eq!(store.session(&id("s")).await.unwrap(), None);
}

#[tokio::test]
async fn a_database_that_cannot_be_used_says_why() {
    let database = Database::new();
    let client = Client::with_uri_str(&database.uri).await.unwrap();
    let raw = client.database(&database.name);
    let meta = raw.collection::<Document>("meta");
    meta.insert_one(doc! {"_id": "schema", "version": 99})
        .await
        .unwrap();
    let error = format!("{:#}", database.try_open().await.err().unwrap());
    assert!(error.contains("a newer release (version 99"), "{error}");

    meta.delete_many(doc! {}).await.unwrap();
    let index = IndexModel::builder()
        .keys(doc! {"session": 1})
        .options(IndexOptions::builder().name("in_order".to_owned()).build())
        .build();
    raw.collection::<Document>("messages")
        .create_index(index)
        .await
        .unwrap();
    let error = format!("{:#}", database.try_open().await.err().unwrap());
    assert!(
        error.contains("the indexes of the collection messages"),
        "{error}"
    );
}

#[tokio::test]
async fn a_single_server_is_refused() {
    let server = Server::start(&["--standalone"]);
    let error = Database::at(server.uri()).try_open().await.err().unwrap();
    let error = format!("{error:#}");
    assert!(error.contains("no replica set"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_told_at_once_and_not_repeated() {
    let server = Server::start(&["--auth"]);
    let uri = server.uri().replace("://", "://ada:hunter2@");
    let error = Database::at(uri).try_open().await.err().unwrap();
    let error = format!("{error:#}");
    assert!(
        error.contains("refuses the user or the password"),
        "{error}"
    );
    assert!(!error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn the_indexes_have_their_names() {
    let database = Database::new();
    database.open().await;
    let client = Client::with_uri_str(&database.uri).await.unwrap();
    for (collection, expected) in [
        ("sessions", &["_id_", "of_user", "waiting"][..]),
        ("messages", &["_id_", "by_client_id", "in_order"]),
        ("runs", &["_id_", "by_lease"]),
    ] {
        let collection = client
            .database(&database.name)
            .collection::<Document>(collection);
        let mut names = collection.list_index_names().await.unwrap();
        names.sort();
        assert_eq!(names, expected);
    }
}
