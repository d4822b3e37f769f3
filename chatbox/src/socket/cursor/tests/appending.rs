//! Clients of the predecessor, which append whatever comes.

use super::*;

/// What a client of the predecessor is sent: the types, and the text that it appends.
fn appended(frames: &[ServerFrame<'_>]) -> (Vec<String>, String) {
    let frames: Vec<serde_json::Value> = frames
        .iter()
        .map(|frame| serde_json::from_str(&frame.render()).unwrap())
        .collect();
    let text = |frame: &serde_json::Value, key| frame[key].as_str().map(str::to_owned);
    (
        frames
            .iter()
            .filter_map(|frame| text(frame, "type"))
            .collect(),
        frames
            .iter()
            .filter_map(|frame| text(frame, "content"))
            .collect(),
    )
}

fn live_run(run: RunId, text: &str) -> LiveRun {
    LiveRun {
        run,
        fence: 1,
        question: 1,
        model: "m".to_owned(),
        text: text.to_owned(),
        units: utf16::len(text),
    }
}

#[test]
fn a_client_that_appends_gets_of_a_live_answer_what_it_lacks() {
    let (session, run) = (SessionId::random(), RunId::new());
    let live = live_run(run, "once upon");
    let sent = |run| Has::Sent(Position { seq: 1, run });
    for (has, kinds, text) in [
        (Has::History(1), "loading ai_response", "once upon"),
        (sent(None), "loading ai_response", "once upon"),
        (
            sent(Some((RunId::new(), 3))),
            "loading ai_response",
            "once upon",
        ),
        (sent(Some((run, 0))), "ai_response", "once upon"),
        (sent(Some((run, 5))), "ai_response", "upon"),
        (sent(Some((run, 9))), "", ""),
        (Has::Nothing, "loading ai_response", "once upon"),
    ] {
        let mut cursor = Cursor::appending(session.clone(), has, 1);
        let shown = appended(&cursor.live(now(), Some(&live)));
        assert_eq!(
            (shown.0.join(" ").as_str(), shown.1.as_str()),
            (kinds, text),
            "{has:?}"
        );
    }
    let silent = live_run(run, "");
    let mut cursor = Cursor::appending(session, Has::Nothing, 1);
    assert_eq!(appended(&cursor.live(now(), Some(&silent))).0, ["loading"]);
}

#[test]
fn a_client_that_appends_is_sent_nothing_of_an_answer_that_was_stored_shorter() {
    let (session, run) = (SessionId::random(), RunId::new());
    let has = Has::Sent(Position {
        seq: 1,
        run: Some((run, 9)),
    });
    let mut cursor = Cursor::appending(session.clone(), has, 2);
    let message = stored(&session, 2, Some((run, "once")));
    let Step::Send(frame) = cursor.message(now(), &message) else {
        panic!("nothing is sent");
    };
    let frame = frame.render();
    assert!(
        frame.contains(r#""content":"""#) && frame.contains(r#""done":"true""#),
        "{frame}"
    );
}

#[test]
fn a_client_that_appends_gets_the_answers_that_it_missed_and_no_question_twice() {
    let session = SessionId::random();
    let has = Has::Sent(Position { seq: 1, run: None });
    let mut cursor = Cursor::appending(session.clone(), has, 3);
    let question = stored(&session, 2, None);
    assert!(matches!(cursor.message(now(), &question), Step::Skip));
    let answer = stored(&session, 3, Some((RunId::new(), "yes")));
    assert!(matches!(cursor.message(now(), &answer), Step::Send(_)));
    cursor.has_caught_up();
    let other = stored(&session, 4, None);
    assert!(matches!(cursor.message(now(), &other), Step::Send(_)));
}
