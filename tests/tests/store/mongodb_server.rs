//! What is told apart by the answers of a MongoDB: faults that pass, and databases that cannot be used.

use std::collections::HashSet;

use chatbox::store::{Appended, ErrorKind, Store};
use futures_util::future::join_all;
use mongodb::bson::{Document, doc};
use mongodb::options::IndexOptions;
use mongodb::{Client, IndexModel};
use tests::mongodb::{Database, Server};
use tests::seeds;

use crate::fixture::{ALL, answer, id, in_seconds, new_run, question};

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

/// The reply to the commit may be lost.
#[tokio::test]
async fn an_answer_that_is_stored_already_is_found_again() {
    let store = Database::new().open().await;
    store.append(question("s", None, "q")).await.unwrap();
    let claim = store.claim(&id("s"), new_run(in_seconds(60))).await;
    let run = claim.unwrap().unwrap().run;
    let answer = answer("a");
    let stored = store.finish(&run, answer.clone(), Vec::new()).await;
    let again = store.finish(&run, answer, Vec::new()).await;
    let stored = stored.unwrap();
    assert!(stored.is_some());
    assert_eq!(again.unwrap(), stored);
    let messages = store.messages_after(&id("s"), 0, ALL).await.unwrap();
    assert_eq!(messages.len(), 2);
}

#[tokio::test]
async fn documents_that_cannot_be_read_hide_no_others() {
    let database = Database::new();
    let store = database.open().await;
    for session in ["waits", "abandoned"] {
        store.append(question(session, None, "q")).await.unwrap();
    }
    let run = new_run(in_seconds(-1));
    store.claim(&id("abandoned"), run).await.unwrap().unwrap();
    let client = Client::with_uri_str(&database.uri).await.unwrap();
    let raw = client.database(&database.name);
    // Of a newer release, say.
    for (collection, document) in [
        ("runs", doc! {"_id": "a", "lease": 1_i64}),
        (
            "sessions",
            doc! {"_id": "", "user": "v", "pending": 1_i64, "active": 1_i64, "run": null},
        ),
    ] {
        let collection = raw.collection::<Document>(collection);
        collection.insert_one(document).await.unwrap();
    }
    let left = store.abandoned(in_seconds(0), 1).await.unwrap();
    assert_eq!(left[0].run.session, id("abandoned"));
    assert_eq!(store.waiting(1).await.unwrap(), [id("waits")]);
    assert_eq!(store.waiting(9).await.unwrap(), [id("waits")]);
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
    let passes = "TransientTransactionError";
    // Unauthorized, MaxTimeMSExpired, and one that only its label tells.
    for (code, labels, kind) in [
        (13, &[][..], ErrorKind::Permanent),
        (50, &[], ErrorKind::Unavailable),
        (9999, &[], ErrorKind::Permanent),
        (9999, &[passes], ErrorKind::Unavailable),
    ] {
        let how = doc! {"errorCode": code, "errorLabels": labels};
        fail(&client, "find", 1, how).await;
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

/// Without it two questions of one session could get the same number.
#[tokio::test]
async fn an_index_that_is_not_unique_is_told() {
    let database = Database::new();
    let client = Client::with_uri_str(&database.uri).await.unwrap();
    let index = IndexModel::builder()
        .keys(doc! {"session": 1, "seq": 1})
        .options(IndexOptions::builder().name("in_order".to_owned()).build())
        .build();
    client
        .database(&database.name)
        .collection::<Document>("messages")
        .create_index(index)
        .await
        .unwrap();
    let error = format!("{:#}", database.try_open().await.err().unwrap());
    assert!(
        error.contains("in_order") || error.contains("the indexes of the collection messages"),
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
        (
            "sessions",
            &["_id_", "attended", "help", "of_user", "waiting"][..],
        ),
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
