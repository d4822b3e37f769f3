//! What users change beside asking: the model, the newest question and its answer, the end of an answer.

use chatbox::chat::{ModelIds, Rejection, RunId};
use chatbox::clock;
use chatbox::store::{
    Answer, Appended, Cancel, Claim, Judged, Kept, ModelChoice, NewRun, Question, Regenerate,
};

use crate::fixture::{ALL, Fixture, HasMessage, answer, author, id, in_seconds, new_run, question};

pub(crate) async fn the_model_that_was_chosen_answers(fixture: Fixture) {
    fixture.ask("s", "q").await;
    assert_eq!(claimed_by(&fixture, "s").await, "fast");
    for (model, answering) in [("good", "good"), ("fast", "fast"), ("gone", "fast")] {
        assert_eq!(choose(&fixture, "s", "u", model).await, Ok(()));
        fixture.ask("s", "q").await;
        assert_eq!(claimed_by(&fixture, "s").await, answering);
    }
    let session = fixture.store.session(&id("s")).await.unwrap().unwrap();
    assert_eq!(session.model.as_deref(), Some("gone"));
    let foreign = choose(&fixture, "s", "v", "good").await;
    assert_eq!(foreign, Err(Rejection::NotPermitted));
    // Also where the commit that stores a question claims it, and for a run that takes another one over.
    assert_eq!(choose(&fixture, "s", "u", "good").await, Ok(()));
    let asked = Question {
        run: Some(of_two(-1)),
        ..question("s", None, "q")
    };
    let Appended::Stored {
        claim: Some(claim), ..
    } = fixture.store.append(asked).await.unwrap()
    else {
        panic!("not claimed");
    };
    assert_eq!(claim.run.model, "good");
    let taken = fixture
        .store
        .take_over(&claim.run, of_two(60), clock::now())
        .await;
    assert_eq!(taken.unwrap().unwrap().run.model, "good");
}

pub(crate) async fn a_session_that_begins_with_a_model_is_named_and_listed_by_its_first_message(
    fixture: Fixture,
) {
    let store = &fixture.store;
    assert_eq!(choose(&fixture, "s", "u", "good").await, Ok(()));
    let session = store.session(&id("s")).await.unwrap().unwrap();
    assert_eq!((session.name.as_str(), session.seq), ("", 0));
    assert!(store.sessions("u", 10).await.unwrap().is_empty());
    let mut foreign = question("s", None, "mine?");
    foreign.admission.author.user = "v".to_owned();
    let foreign = store.append(foreign).await.unwrap();
    assert!(matches!(
        foreign,
        Appended::Rejected(Rejection::NotPermitted)
    ));
    assert_eq!(fixture.ask("s", "Which one?").await.seq, 1);
    assert_eq!(claimed_by(&fixture, "s").await, "good");
    fixture.ask("s", "And now?").await;
    let listed = store.sessions("u", 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, "Which one?");
}

pub(crate) async fn the_newest_answer_is_written_anew_once(fixture: Fixture) {
    let store = &fixture.store;
    assert_eq!(
        regenerate(&fixture, "u", 2, None).await.map(|_| ()),
        Err(Rejection::NotNewest),
        "there is no session"
    );
    for text in ["q1", "q2"] {
        fixture.ask("s", text).await;
    }
    let first = fixture.claim("s").await.unwrap();
    let busy = regenerate(&fixture, "u", 3, None).await;
    assert_eq!(busy.map(|_| ()), Err(Rejection::Busy));
    finish(&fixture, &first, "a1").await;
    let waits = regenerate(&fixture, "u", 3, None).await;
    assert_eq!(waits.map(|_| ()), Err(Rejection::Busy), "q2 waits");
    let second = fixture.claim("s").await.unwrap();
    assert_eq!(finish(&fixture, &second, "a2").await, 4);
    for (user, answer, expected) in [
        ("v", 4, Rejection::NotPermitted),
        ("u", 3, Rejection::NotNewest),
        ("u", 2, Rejection::NotNewest),
        ("u", 9, Rejection::NotNewest),
    ] {
        let refused = regenerate(&fixture, user, answer, None).await;
        assert_eq!(refused.map(|_| ()), Err(expected), "{user} {answer}");
    }
    let new = Some(new_run(in_seconds(60)));
    let claim = regenerate(&fixture, "u", 4, new).await.unwrap().unwrap();
    assert_eq!(
        (claim.run.question, claim.question.content.as_str()),
        (2, "q2")
    );
    assert!(claim.run.fence > second.run.fence);
    assert_eq!(finish(&fixture, &claim, "a2 again").await, 5);
    let late = regenerate(&fixture, "u", 4, None).await;
    assert_eq!(late.map(|_| ()), Err(Rejection::NotNewest), "asked twice");
    // Without a run that answers at once it waits like a question.
    assert!(regenerate(&fixture, "u", 5, None).await.unwrap().is_none());
    assert_eq!(store.waiting(10).await.unwrap(), [id("s")]);
    let claim = fixture.claim("s").await.unwrap();
    assert_eq!(claim.run.question, 2);
    assert_eq!(finish(&fixture, &claim, "a2 once more").await, 6);
    assert_eq!(store.waiting(10).await.unwrap(), []);
    fixture.ask("s", "q3").await;
    assert_eq!(fixture.claim("s").await.unwrap().question.content, "q3");
}

pub(crate) async fn a_question_is_replaced_and_who_may_do_that(fixture: Fixture) {
    let replace = async |client_id: &str, text: &str, replaces: i64| {
        let mut question = question("s", Some(client_id), text);
        question.admission.replaces = Some(replaces);
        fixture.store.append(question).await.unwrap()
    };
    fixture.ask("s", "q1").await;
    let busy = replace("c1", "q1, better", 1).await;
    assert!(matches!(busy, Appended::Rejected(Rejection::Busy)));
    let claim = fixture.claim("s").await.unwrap();
    finish(&fixture, &claim, "a1").await;
    for wrong in [0, 2, 3] {
        let refused = replace("c1", "q1, better", wrong).await;
        assert!(
            matches!(refused, Appended::Rejected(Rejection::NotNewest)),
            "{wrong}: {refused:?}"
        );
    }
    let new = replace("c1", "q1, better", 1).await.message();
    assert_eq!((new.seq, new.replaces), (3, Some(1)));
    let again = replace("c1", "q1, better", 1).await;
    assert!(matches!(&again, Appended::Duplicate(message) if *message == new));
    let claim = fixture.claim("s").await.unwrap();
    assert_eq!(claim.question, new);
    finish(&fixture, &claim, "a3").await;
    let fixture = fixture.restart().await;
    let all = fixture.store.messages_after(&id("s"), 0, ALL).await;
    let replaces: Vec<_> = all
        .unwrap()
        .iter()
        .map(|message| message.replaces)
        .collect();
    assert_eq!(replaces, [None, None, Some(1), None]);
}

pub(crate) async fn a_run_is_stopped_by_its_user_alone(fixture: Fixture) {
    let store = &fixture.store;
    assert_eq!(cancel(&fixture, "u", None).await, Ok(None));
    fixture.ask("s", "q").await;
    assert_eq!(cancel(&fixture, "u", None).await, Ok(None));
    let run = fixture.claim("s").await.unwrap().run;
    assert_eq!(
        cancel(&fixture, "v", None).await,
        Err(Rejection::NotPermitted)
    );
    let other = Some(RunId::new());
    assert_eq!(cancel(&fixture, "u", other).await, Ok(None));
    let lease = in_seconds(60);
    let kept = store.checkpoint(&run, Some("so".to_owned()), lease).await;
    assert_eq!(kept.unwrap(), Kept::Kept);
    assert!(!store.abandoned(in_seconds(99), 9).await.unwrap()[0].is_cancelled);
    for wanted in [Some(run.id), None, Some(run.id)] {
        assert_eq!(cancel(&fixture, "u", wanted).await, Ok(Some(run.id)));
    }
    let kept = store
        .checkpoint(&run, Some("so far".to_owned()), lease)
        .await;
    assert_eq!(kept.unwrap(), Kept::Cancelled);
    let left = store.abandoned(in_seconds(99), 9).await.unwrap();
    assert_eq!(
        (left[0].text.as_str(), left[0].is_cancelled),
        ("so far", true)
    );
    let message = store.finish(&run, answer("so far"), Vec::new()).await;
    assert_eq!(message.unwrap().unwrap().seq, 2);
    assert_eq!(cancel(&fixture, "u", Some(run.id)).await, Ok(None));
    // The next run is not stopped by what was said of the one before.
    fixture.ask("s", "q").await;
    let next = fixture.claim("s").await.unwrap().run;
    let kept = store.checkpoint(&next, None, lease).await;
    assert_eq!(kept.unwrap(), Kept::Kept);
}

pub(crate) async fn what_a_provider_kept_is_dropped_when_it_does_not_know_all(fixture: Fixture) {
    let store = &fixture.store;
    let ask = async |model: &str, state: Option<&str>| {
        fixture.ask("s", "q").await;
        let new = of_one(model);
        let claim = store.claim(&id("s"), new).await.unwrap().unwrap();
        let answer = Answer {
            provider_state: state.map(ToOwned::to_owned),
            model: model.to_owned(),
            ..answer("a")
        };
        let message = store.finish(&claim.run, answer, Vec::new()).await;
        (claim.provider_state, message.unwrap().unwrap().seq)
    };
    assert_eq!(ask("dify", Some("c1")).await.0, None);
    assert_eq!(ask("dify", None).await.0.as_deref(), Some("c1"));
    assert_eq!(ask("dify", Some("c1")).await.0.as_deref(), Some("c1"));
    assert_eq!(ask("other", None).await.0, None);
    assert_eq!(ask("dify", Some("c2")).await.0, None, "it missed an answer");
    let (state, seq) = ask("dify", Some("c2")).await;
    assert_eq!(state.as_deref(), Some("c2"));
    let new = Some(of_one("dify"));
    let claim = regenerate(&fixture, "u", seq, new).await.unwrap().unwrap();
    assert_eq!(claim.provider_state, None, "it knows the answer before");
    let answer = Answer {
        provider_state: Some("c3".to_owned()),
        model: "dify".to_owned(),
        ..answer("again")
    };
    let message = store.finish(&claim.run, answer, Vec::new()).await;
    let mut edited = question("s", None, "other words");
    edited.admission.replaces = Some(message.unwrap().unwrap().seq - 2);
    store.append(edited).await.unwrap().message();
    let claim = store
        .claim(&id("s"), of_one("dify"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claim.provider_state, None, "it knows the question before");
    // A fallback answered: what it keeps is its own.
    let answer = Answer {
        provider_state: Some("f1".to_owned()),
        model: "fallback".to_owned(),
        ..self::answer("a")
    };
    let message = store.finish(&claim.run, answer, Vec::new()).await;
    let message = message.unwrap().unwrap();
    assert_eq!(message.answer.unwrap().model, "fallback");
    assert_eq!(ask("fallback", None).await.0.as_deref(), Some("f1"));
}

fn of_one(model: &str) -> NewRun {
    NewRun {
        models: ModelIds::of(model.to_owned()),
        ..new_run(in_seconds(60))
    }
}

fn of_two(seconds: i64) -> NewRun {
    NewRun {
        models: ModelIds::new(["fast", "good"].map(ToOwned::to_owned)).unwrap(),
        ..new_run(in_seconds(seconds))
    }
}

async fn claimed_by(fixture: &Fixture, session: &str) -> String {
    let claim = fixture.store.claim(&id(session), of_two(60)).await;
    let claim = claim.unwrap().unwrap();
    finish(fixture, &claim, "a").await;
    claim.run.model
}

/// `seq` of the answer.
async fn finish(fixture: &Fixture, claim: &Claim, content: &str) -> i64 {
    let message = fixture
        .store
        .finish(&claim.run, answer(content), Vec::new())
        .await;
    message.unwrap().unwrap().seq
}

async fn choose(fixture: &Fixture, session: &str, user: &str, model: &str) -> Judged<()> {
    let choice = ModelChoice {
        session: id(session),
        author: author(user),
        model: model.to_owned(),
        at: clock::now(),
    };
    fixture.store.choose_model(choice).await.unwrap()
}

async fn regenerate(
    fixture: &Fixture,
    user: &str,
    answer: i64,
    run: Option<NewRun>,
) -> Judged<Option<Box<Claim>>> {
    let request = Regenerate {
        session: id("s"),
        author: author(user),
        answer,
        run,
    };
    fixture.store.regenerate(request).await.unwrap()
}

async fn cancel(fixture: &Fixture, user: &str, run: Option<RunId>) -> Judged<Option<RunId>> {
    let request = Cancel {
        session: id("s"),
        author: author(user),
        run,
    };
    fixture.store.cancel(request).await.unwrap()
}
