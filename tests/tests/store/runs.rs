//! Runs: one at a time, owned by a lease, ordered by a fence.

use std::sync::Arc;

use chatbox::chat::{ModelIds, Sender, Status};
use chatbox::clock;
use chatbox::store::{Answer, Appended, Kept, Question};

use crate::fixture::{Fixture, Home, answer, id, in_seconds, new_run, question};

pub(crate) async fn one_at_a_time_takes_the_oldest_question(fixture: Fixture) {
    assert!(fixture.claim("s").await.is_none());
    for text in ["one", "two"] {
        fixture.ask("s", text).await;
    }
    let first = fixture.claim("s").await.unwrap();
    assert_eq!(
        (first.question.content.as_str(), first.run.question),
        ("one", 1)
    );
    assert!(fixture.claim("s").await.is_none(), "a run is at work");
    let store = &fixture.store;
    let message = store.finish(&first.run, answer("a1"), Vec::new()).await;
    let message = message.unwrap().unwrap();
    assert_eq!(
        (
            message.seq,
            message.sender,
            message.answer.unwrap().question
        ),
        (3, Sender::Ai, 1)
    );
    let second = fixture.claim("s").await.unwrap();
    assert_eq!(second.question.content, "two");
    assert!(second.run.fence > first.run.fence);
    let late = store.finish(&first.run, answer("late"), Vec::new()).await;
    assert!(late.unwrap().is_none(), "an older fence stores nothing");
    let message = store.finish(&second.run, answer("a2"), Vec::new()).await;
    assert!(message.unwrap().is_some());
    assert!(fixture.claim("s").await.is_none());
    let session = store.session(&id("s")).await.unwrap().unwrap();
    assert_eq!(
        (
            session.seq,
            session.tokens,
            session.answers,
            session.answer_ms_sum,
            session.answer_ms_max
        ),
        (4, 6, 2, 40, 20)
    );
    // An answer stands behind the newest question that has one.
    fixture.ask("s", "three").await;
    let third = fixture.claim("s").await.unwrap();
    assert_eq!(third.question.content, "three");
}

pub(crate) async fn a_question_is_claimed_by_the_commit_that_stores_it(fixture: Fixture) {
    let ask = async |text: &str| {
        let question = Question {
            run: Some(new_run(in_seconds(60))),
            ..question("s", None, text)
        };
        match fixture.store.append(question).await.unwrap() {
            Appended::Stored { message, claim } => (message, claim),
            other => panic!("not stored: {other:?}"),
        }
    };
    let (message, claim) = ask("one").await;
    let claim = claim.unwrap();
    assert_eq!((&claim.question, claim.run.question), (&message, 1));
    assert!(ask("two").await.1.is_none(), "a run is at work");
    let finished = fixture
        .store
        .finish(&claim.run, answer("a1"), Vec::new())
        .await;
    assert!(finished.unwrap().is_some());
    assert!(ask("three").await.1.is_none(), "an older question waits");
    assert_eq!(fixture.claim("s").await.unwrap().question.content, "two");
}

pub(crate) async fn of_many_claims_one_succeeds(fixture: Fixture) {
    for session in 0..10 {
        let session = format!("s{session}");
        fixture.ask(&session, "q").await;
        let claims = (0..8).map(|_| {
            let (store, session) = (Arc::clone(&fixture.store), id(&session));
            tokio::spawn(async move { store.claim(&session, new_run(in_seconds(60))).await })
        });
        let mut claimed = 0;
        for claim in claims.collect::<Vec<_>>() {
            claimed += usize::from(claim.await.unwrap().unwrap().is_some());
        }
        assert_eq!(claimed, 1, "{session}");
    }
}

pub(crate) async fn a_lease_that_is_renewed_is_not_abandoned(fixture: Fixture) {
    let store = &fixture.store;
    fixture.ask("s", "q").await;
    let run = new_run(in_seconds(10));
    let run = store.claim(&id("s"), run).await.unwrap().unwrap().run;
    let abandoned = async |seconds| store.abandoned(in_seconds(seconds), 10).await.unwrap();
    assert_eq!(abandoned(5).await.len(), 0);
    assert_eq!(abandoned(15).await.len(), 1);
    let text = Some("half".to_owned());
    let kept = store.checkpoint(&run, text, in_seconds(30)).await;
    assert_eq!(kept.unwrap(), Kept::Kept);
    assert_eq!(abandoned(15).await.len(), 0);
    let kept = store.checkpoint(&run, None, in_seconds(50)).await;
    assert_eq!(kept.unwrap(), Kept::Kept);
    let left = abandoned(60).await;
    assert_eq!(
        (left[0].text.as_str(), &left[0].run),
        ("half", &run),
        "a renewal keeps the text"
    );
    assert_eq!(store.waiting(10).await.unwrap(), []);
    store
        .finish(&run, answer("whole"), Vec::new())
        .await
        .unwrap();
    let late = store.checkpoint(&run, None, in_seconds(60)).await;
    assert_eq!(late.unwrap(), Kept::Lost);
    assert_eq!(abandoned(99).await.len(), 0);
}

pub(crate) async fn first_words_are_kept_at_once_and_only_by_the_owner(fixture: Fixture) {
    let store = &fixture.store;
    fixture.ask("s", "q").await;
    let run = new_run(in_seconds(-1));
    let run = store.claim(&id("s"), run).await.unwrap().unwrap().run;
    assert_eq!(store.abandoned(clock::now(), 10).await.unwrap()[0].text, "");
    assert!(store.begin_answer(&run, "So ".to_owned()).await.unwrap());
    let left = store.abandoned(clock::now(), 10).await.unwrap();
    assert_eq!(left[0].text, "So ", "its lease is the one it had");
    let new = new_run(in_seconds(60));
    let taken = store.take_over(&run, new, clock::now()).await.unwrap();
    assert!(taken.is_some());
    let late = store.begin_answer(&run, "late".to_owned()).await;
    assert!(!late.unwrap());
    let left = store.abandoned(in_seconds(99), 10).await.unwrap();
    assert_eq!(left[0].text, "So ");
}

pub(crate) async fn an_abandoned_run_is_taken_over_once(fixture: Fixture) {
    let store = &fixture.store;
    for session in ["spoke", "silent", "waits"] {
        fixture.ask(session, "q").await;
    }
    let claim = async |session| {
        let run = new_run(in_seconds(10));
        store.claim(&id(session), run).await.unwrap().unwrap().run
    };
    let (spoke, silent) = (claim("spoke").await, claim("silent").await);
    let text = Some("half".to_owned());
    store
        .checkpoint(&spoke, text, in_seconds(10))
        .await
        .unwrap();
    let early = store
        .take_over(&spoke, new_run(in_seconds(60)), clock::now())
        .await;
    assert!(early.unwrap().is_none(), "its lease has not ended");

    let later = in_seconds(20);
    let mut left = store.abandoned(later, 10).await.unwrap();
    left.sort_by_key(|abandoned| abandoned.text.clone());
    let found: Vec<_> = left
        .iter()
        .map(|left| (&left.run, left.text.as_str()))
        .collect();
    assert_eq!(found, [(&silent, ""), (&spoke, "half")]);
    assert_eq!(store.waiting(10).await.unwrap(), [id("waits")]);

    let attempts = (0..4).map(|_| {
        let (store, run) = (Arc::clone(store), spoke.clone());
        tokio::spawn(async move { store.take_over(&run, new_run(in_seconds(60)), later).await })
    });
    let mut taken = Vec::new();
    for attempt in attempts.collect::<Vec<_>>() {
        taken.extend(attempt.await.unwrap().unwrap());
    }
    let [taken] = &taken[..] else {
        panic!("taken over {} times", taken.len());
    };
    assert!(taken.run.fence > spoke.fence);
    assert_eq!(taken.question.content, "q");
    let text = &store.abandoned(in_seconds(99), 10).await.unwrap();
    assert!(
        text.iter()
            .any(|left| left.run == taken.run && left.text == "half"),
        "what it produced goes to the new owner"
    );
    let interrupted = Answer {
        status: Status::Interrupted,
        ..answer("half")
    };
    let closed = store.finish(&taken.run, interrupted, Vec::new()).await;
    assert_eq!(closed.unwrap().unwrap().content, "half");
}

pub(crate) async fn attempts_at_a_question_are_counted(fixture: Fixture) {
    let store = &fixture.store;
    fixture.ask("s", "one").await;
    fixture.ask("s", "two").await;
    let ended = || new_run(in_seconds(-1));
    let mut run = store.claim(&id("s"), ended()).await.unwrap().unwrap().run;
    for expected in 1..=4 {
        let left = store.abandoned(clock::now(), 10).await.unwrap();
        assert_eq!((left.len(), left[0].attempts), (1, expected));
        let taken = store.take_over(&run, ended(), clock::now()).await.unwrap();
        run = taken.unwrap().run;
    }
    store.finish(&run, answer("a"), Vec::new()).await.unwrap();
    store.claim(&id("s"), ended()).await.unwrap().unwrap();
    let left = store.abandoned(clock::now(), 10).await.unwrap();
    assert_eq!(left[0].attempts, 1, "another question");
}

pub(crate) async fn those_of_one_user_that_wait_hide_no_others(fixture: Fixture) {
    let store = &fixture.store;
    for session in 0..40 {
        fixture.ask(&format!("s{session}"), "of one user").await;
    }
    for user in ["v", "w"] {
        let mut question = question(&format!("of-{user}"), None, "q");
        question.admission.author.user = user.to_owned();
        store.append(question).await.unwrap();
    }
    let mut first = store.waiting(3).await.unwrap();
    first.sort_by_key(ToString::to_string);
    assert_eq!(first, [id("of-v"), id("of-w"), id("s0")]);
    assert_eq!(store.waiting(100).await.unwrap().len(), 42);
}

pub(crate) async fn an_owner_that_lost_its_session_stores_nothing(fixture: Fixture) {
    let store = &fixture.store;
    for (session, keeps_id) in [("new", false), ("same", true)] {
        fixture.ask(session, "q").await;
        let run = new_run(in_seconds(-1));
        let claim = store.claim(&id(session), run).await.unwrap();
        let slow = claim.unwrap().run;
        let mut new = new_run(in_seconds(60));
        if keeps_id {
            // As for a run that is closed with what it had produced.
            new.id = slow.id;
        }
        let taken = store.take_over(&slow, new, clock::now()).await.unwrap();
        let fast = taken.unwrap().run;
        let text = Some("slow".to_owned());
        let kept = store.checkpoint(&slow, text, in_seconds(60)).await;
        assert_eq!(kept.unwrap(), Kept::Lost, "{session}");
        let late = store.finish(&slow, answer("slow"), Vec::new()).await;
        assert!(late.unwrap().is_none(), "{session}");
        let kept = store.checkpoint(&fast, None, in_seconds(60)).await;
        assert_eq!(kept.unwrap(), Kept::Kept);
        let stored = store.finish(&fast, answer("fast"), Vec::new()).await;
        assert!(stored.unwrap().is_some());
        let late = store.finish(&slow, answer("slow"), Vec::new()).await;
        assert!(late.unwrap().is_none(), "{session}");
        assert_eq!(fixture.contents(session).await, ["q", "fast"]);
    }
}

/// A store that one process holds alone knows that a new process has no other beside it.
pub(crate) async fn leases_end_with_the_process(fixture: Fixture) {
    if matches!(fixture.home, Home::Database(_)) {
        // Other processes may use it, so a lease ends by time alone.
        return;
    }
    fixture.ask("s", "q").await;
    let run = fixture.claim("s").await.unwrap().run;
    assert_eq!(
        fixture
            .store
            .abandoned(clock::now(), 10)
            .await
            .unwrap()
            .len(),
        0
    );
    let fixture = fixture.restart().await;
    let left = fixture.store.abandoned(clock::now(), 10).await.unwrap();
    assert_eq!(left[0].run, run);
}

pub(crate) async fn provider_state_is_kept_for_its_model_and_session(fixture: Fixture) {
    let store = &fixture.store;
    for (round, state) in [(0, Some("first")), (1, None), (2, Some("second"))] {
        fixture.ask("s", "q").await;
        let claim = fixture.claim("s").await.unwrap();
        let expected = [None, Some("first"), Some("first")][round];
        assert_eq!(claim.provider_state.as_deref(), expected, "round {round}");
        let answer = Answer {
            provider_state: state.map(ToOwned::to_owned),
            ..answer("a")
        };
        store.finish(&claim.run, answer, Vec::new()).await.unwrap();
    }
    for session in ["s", "other"] {
        fixture.ask(session, "q").await;
    }
    let mut other_model = new_run(in_seconds(60));
    other_model.models = ModelIds::of("n".to_owned());
    let claim = store.claim(&id("s"), other_model).await.unwrap().unwrap();
    assert_eq!(claim.provider_state, None, "another model");
    let claim = fixture.claim("other").await.unwrap();
    assert_eq!(claim.provider_state, None, "another session");
}
