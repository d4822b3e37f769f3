//! A process is killed while it writes. What it was told is stored must be there, and everything must fit together.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use chatbox::chat::Sender;
use tests::seeds;

use crate::fixture::{ALL, Fixture, Home, id, in_seconds};

/// How often one store is opened and its process killed.
const CRASHES: u64 = 6;

pub(crate) async fn a_killed_process_loses_nothing_and_leaves_nothing_half_done(fixture: Fixture) {
    if fixture.kind.is_encrypted() {
        // The process opens the store bare; a cipher around it changes nothing about its transactions.
        return;
    }
    for seed in seeds(1) {
        crash(Fixture::new(fixture.kind).await, seed).await;
    }
}

/// Kills the process after another number of acknowledgements each time.
async fn crash(mut fixture: Fixture, seed: u64) {
    let mut acknowledged: HashMap<String, Vec<String>> = HashMap::new();
    for crash in 0..CRASHES {
        let Fixture { store, home, kind } = fixture;
        drop(store);
        let mut writer = Command::new(env!("CARGO_BIN_EXE_store_writer"));
        match &home {
            Home::Directory(dir) => writer.arg(dir.path()),
            Home::Database(database) => writer.args([&database.uri, &database.name]),
            Home::None => panic!("another fixture has it"),
        };
        let mut process = writer.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let acknowledgements = 5 + (13 * crash + 7 * seed) % 97;
        for line in lines.take(usize::try_from(acknowledgements).unwrap()) {
            let line = line.unwrap();
            let (session, content) = line.split_once(' ').unwrap();
            acknowledged
                .entry(session.to_owned())
                .or_default()
                .push(content.to_owned());
        }
        process.kill().unwrap();
        process.wait().unwrap();
        fixture = Fixture::open(kind, home).await;
        for (session, contents) in &acknowledged {
            check(&fixture, session, contents).await;
        }
    }
}

async fn check(fixture: &Fixture, session: &str, acknowledged: &[String]) {
    let store = &fixture.store;
    let messages = store.messages_after(&id(session), 0, ALL).await.unwrap();
    let head = store.session(&id(session)).await.unwrap().unwrap();
    let numbers: Vec<_> = messages.iter().map(|message| message.seq).collect();
    assert_eq!(
        numbers,
        (1..=head.seq).collect::<Vec<_>>(),
        "no gap in {session}"
    );
    for content in acknowledged {
        let found = messages
            .iter()
            .filter(|message| message.content == *content);
        assert_eq!(found.count(), 1, "{content} in {session}");
    }
    let asked = messages
        .iter()
        .filter(|message| message.sender == Sender::User)
        .count();
    let answered = messages.len() - asked;
    assert_eq!(
        i64::try_from(answered).unwrap(),
        head.answers,
        "in {session}"
    );
    let abandoned = store.abandoned(in_seconds(999), 1000).await.unwrap();
    let running = abandoned
        .iter()
        .filter(|left| left.run.session == id(session))
        .count();
    assert!(running <= 1, "{running} runs in {session}");
    let waiting = store.waiting(1000).await.unwrap().contains(&id(session));
    assert_eq!(
        waiting,
        running == 0 && answered < asked,
        "a question waits if nobody answers it, in {session}"
    );
}
