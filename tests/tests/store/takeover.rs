//! Members of staff who take sessions over, and give them back.

use std::sync::Arc;

use chatbox::chat::{Agent, Author, Kind, Message, MessageId, Rejection, Sender, Status};
use chatbox::clock;
use chatbox::store::{
    Answer, Appended, Assign, Assigned, By, HelpRequest, Judged, Notice, Question, Release,
};
use jiff::Timestamp;

use crate::fixture::{ALL, Fixture, answer, author, id, in_seconds, new_run, question};

fn staff(user: &str) -> Author {
    Author {
        roles: vec!["admin".to_owned()],
        ..author(user)
    }
}

fn notice(content: &str) -> Notice {
    Notice {
        id: MessageId::new(),
        content: content.to_owned(),
        at: clock::now(),
    }
}

async fn assign(fixture: &Fixture, user: &str) -> Judged<Assigned> {
    let store = &fixture.store;
    let ongoing = store.ongoing(&id("s")).await.unwrap();
    let ending = ongoing.map(|ongoing| {
        let answer = Answer {
            status: Status::Superseded,
            ..answer(&ongoing.text)
        };
        (ongoing.run, answer)
    });
    let request = Assign {
        session: id("s"),
        author: staff(user),
        notice: notice("has joined"),
        ending,
    };
    store.assign(request).await.unwrap()
}

async fn release(fixture: &Fixture, by: By) -> Judged<Option<Message>> {
    let request = Release {
        session: id("s"),
        by,
        notice: notice("has left"),
    };
    fixture.store.release(request).await.unwrap()
}

async fn ask_for_help(fixture: &Fixture, session: &str, user: &str) -> Judged<Option<Message>> {
    let request = HelpRequest {
        session: id(session),
        author: author(user),
        notice: notice("help"),
    };
    fixture.store.request_help(request).await.unwrap()
}

fn joined(assigned: Judged<Assigned>) -> Vec<Message> {
    match assigned.unwrap() {
        Assigned::Now(messages) => messages,
        other => panic!("not assigned: {other:?}"),
    }
}

async fn say(fixture: &Fixture, user: &str, client_id: &str) -> Appended {
    let mut question = Question {
        run: Some(new_run(in_seconds(60))),
        ..question("s", Some(client_id), "hello")
    };
    question.admission.author = staff(user);
    fixture.store.append(question).await.unwrap()
}

pub(crate) async fn a_run_ends_in_the_commit_that_gives_its_session_away(fixture: Fixture) {
    let store = &fixture.store;
    fixture.ask("s", "q1").await;
    fixture.ask("s", "q2").await;
    let run = fixture.claim("s").await.unwrap().run;
    store.begin_answer(&run, "So ".to_owned()).await.unwrap();
    let request = Assign {
        session: id("s"),
        author: staff("a"),
        notice: notice("has joined"),
        ending: None,
    };
    let unknown = store.assign(request).await.unwrap();
    assert_eq!(unknown, Ok(Assigned::RunChanged), "its end is not known");
    let messages = joined(assign(&fixture, "a").await);
    let [ended, join] = messages.as_slice() else {
        panic!("{messages:?}");
    };
    assert_eq!((ended.seq, ended.content.as_str()), (3, "So "));
    assert_eq!(ended.answer.as_ref().unwrap().status, Status::Superseded);
    let Kind::AdminJoin { fence } = join.kind else {
        panic!("{join:?}");
    };
    assert!(fence > run.fence);
    assert_eq!(
        (join.seq, join.sender, join.content.as_str()),
        (4, Sender::Admin, "has joined")
    );
    // Nothing of the run is stored after it, and nobody answers what had waited.
    let late = store.finish(&run, answer("So what"), Vec::new()).await;
    assert_eq!(late.unwrap(), None);
    assert!(!store.begin_answer(&run, "late".to_owned()).await.unwrap());
    assert!(fixture.claim("s").await.is_none());
    assert_eq!(store.waiting(9).await.unwrap(), []);
    assert_eq!(store.abandoned(in_seconds(99), 9).await.unwrap().len(), 0);
    let session = store.session(&id("s")).await.unwrap().unwrap();
    let agent = Agent {
        id: "a".to_owned(),
        name: "A".to_owned(),
    };
    assert_eq!(
        (session.assignee.as_ref(), session.is_assisted),
        (Some(&agent), true)
    );
    assert_eq!((join.agent.as_ref(), session.fence), (Some(&agent), fence));
    let stored = store.messages_after(&id("s"), 2, ALL).await.unwrap();
    assert_eq!(stored, messages);
}

pub(crate) async fn both_talk_and_no_run_begins_until_it_is_given_back(fixture: Fixture) {
    let store = &fixture.store;
    fixture.ask("s", "q").await;
    let claim = fixture.claim("s").await.unwrap();
    store
        .finish(&claim.run, answer("a"), Vec::new())
        .await
        .unwrap();
    let before = say(&fixture, "a", "c0").await;
    assert!(matches!(
        before,
        Appended::Rejected(Rejection::NotPermitted)
    ));
    joined(assign(&fixture, "a").await);
    assert_eq!(assign(&fixture, "a").await, Ok(Assigned::Before));
    assert_eq!(
        assign(&fixture, "b").await,
        Err(Rejection::AssignedToAnother)
    );
    let mut senders = Vec::new();
    for (user, client_id) in [("u", "c1"), ("a", "c2"), ("u", "c3")] {
        let Appended::Stored { message, claim } = say(&fixture, user, client_id).await else {
            panic!("{user} {client_id}");
        };
        assert!(claim.is_none(), "{client_id}");
        senders.push((message.seq, message.sender));
    }
    assert_eq!(
        senders,
        [(4, Sender::User), (5, Sender::Admin), (6, Sender::User)]
    );
    let again = say(&fixture, "a", "c2").await;
    assert!(matches!(again, Appended::Duplicate(message) if message.seq == 5));
    let other = say(&fixture, "b", "c4").await;
    assert!(matches!(other, Appended::Rejected(Rejection::NotPermitted)));
    assert!(fixture.claim("s").await.is_none());
    let foreign = release(&fixture, By::Agent(staff("b"))).await;
    assert_eq!(foreign, Err(Rejection::NotPermitted));
    let own = release(&fixture, By::Agent(author("u"))).await;
    assert_eq!(own, Err(Rejection::NotPermitted));
    let left = release(&fixture, By::Agent(staff("a")))
        .await
        .unwrap()
        .unwrap();
    assert!(matches!(left.kind, Kind::AdminLeave { .. }));
    assert_eq!((left.seq, left.agent.unwrap().id), (7, "a".to_owned()));
    assert_eq!(release(&fixture, By::Agent(staff("a"))).await, Ok(None));
    assert!(
        fixture.claim("s").await.is_none(),
        "what was said was said to staff"
    );
    let gone = say(&fixture, "a", "c5").await;
    assert!(matches!(gone, Appended::Rejected(Rejection::NotPermitted)));
    let Appended::Stored { claim, .. } = say(&fixture, "u", "c6").await else {
        panic!("not stored");
    };
    assert_eq!(claim.unwrap().run.question, 8);
    let seqs: Vec<_> = store.messages_after(&id("s"), 0, ALL).await.unwrap();
    let seqs: Vec<_> = seqs.iter().map(|message| message.seq).collect();
    assert_eq!(seqs, (1..=8).collect::<Vec<_>>());
}

pub(crate) async fn of_many_who_take_a_session_one_has_it(fixture: Fixture) {
    for round in 0..10 {
        let session = format!("s{round}");
        fixture.ask(&session, "q").await;
        let tries = ["a", "b", "c", "d"].map(|user| {
            let (store, session) = (Arc::clone(&fixture.store), id(&session));
            tokio::spawn(async move {
                let request = Assign {
                    session,
                    author: staff(user),
                    notice: notice("has joined"),
                    ending: None,
                };
                store.assign(request).await.unwrap()
            })
        });
        let mut taken = 0;
        for one in tries {
            match one.await.unwrap() {
                Ok(Assigned::Now(_)) => taken += 1,
                Err(Rejection::AssignedToAnother) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(taken, 1, "{session}");
    }
}

pub(crate) async fn one_who_is_away_loses_the_session(fixture: Fixture) {
    let store = &fixture.store;
    fixture.ask("s", "q").await;
    assert!(!store.attend(&id("s"), "a", clock::now()).await.unwrap());
    joined(assign(&fixture, "a").await);
    let unattended = async |before: Timestamp| store.unattended(before, 9).await.unwrap();
    assert_eq!(unattended(in_seconds(-5)).await, []);
    assert_eq!(unattended(in_seconds(5)).await, [id("s")]);
    assert!(!store.attend(&id("s"), "b", in_seconds(60)).await.unwrap());
    assert!(store.attend(&id("s"), "a", in_seconds(10)).await.unwrap());
    assert_eq!(unattended(in_seconds(5)).await, []);
    assert_eq!(
        release(&fixture, By::Absence(in_seconds(5))).await,
        Ok(None)
    );
    // An older sign of life takes nothing back.
    assert!(store.attend(&id("s"), "a", in_seconds(-60)).await.unwrap());
    assert_eq!(unattended(in_seconds(5)).await, []);
    let left = release(&fixture, By::Absence(in_seconds(15))).await;
    assert!(left.unwrap().is_some());
    assert_eq!(unattended(in_seconds(99)).await, []);
    assert_eq!(
        release(&fixture, By::Absence(in_seconds(99))).await,
        Ok(None)
    );
}

pub(crate) async fn who_asks_for_help_waits_once_until_somebody_comes(fixture: Fixture) {
    let store = &fixture.store;
    // Also before the first message.
    let asked = ask_for_help(&fixture, "t", "u").await.unwrap().unwrap();
    assert_eq!(
        (asked.seq, asked.kind, asked.sender),
        (1, Kind::HelpRequest, Sender::User)
    );
    fixture.ask("s", "q").await;
    let foreign = ask_for_help(&fixture, "s", "v").await;
    assert_eq!(foreign, Err(Rejection::NotPermitted));
    let asked = ask_for_help(&fixture, "s", "u").await.unwrap().unwrap();
    assert_eq!((asked.seq, asked.content.as_str()), (2, "help"));
    assert_eq!(ask_for_help(&fixture, "s", "u").await, Ok(None));
    let waiting = async || -> Vec<_> {
        let waiting = store.waiting_for_help(9).await.unwrap();
        waiting.into_iter().map(|session| session.id).collect()
    };
    assert_eq!(waiting().await, [id("t"), id("s")]);
    joined(assign(&fixture, "a").await);
    assert_eq!(waiting().await, [id("t")]);
    assert_eq!(
        ask_for_help(&fixture, "s", "u").await,
        Ok(None),
        "somebody is there"
    );
    release(&fixture, By::Agent(staff("a"))).await.unwrap();
    assert!(ask_for_help(&fixture, "s", "u").await.unwrap().is_some());
    assert_eq!(waiting().await, [id("t"), id("s")]);
    // A question is answered all the same, and names the session.
    fixture.ask("t", "Is anybody there?").await;
    assert!(fixture.claim("t").await.is_some());
    let session = store.session(&id("t")).await.unwrap().unwrap();
    assert_eq!(session.name, "Is anybody there?");
    assert!(session.help_since.is_some());
}
