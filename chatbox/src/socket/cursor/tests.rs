//! Whatever the bus reorders, loses or repeats, the client ends with the text that is stored.

mod appending;
mod takeover;

use proptest::prelude::*;

use super::*;
use crate::chat::{MessageId, Sender, Status};

fn stored(session: &SessionId, seq: i64, answer: Option<(RunId, &str)>) -> Message {
    Message {
        id: MessageId::new(),
        session: session.clone(),
        seq,
        client_id: None,
        sender: if answer.is_some() {
            Sender::Ai
        } else {
            Sender::User
        },
        content: answer.map_or("question", |(_, text)| text).to_owned(),
        at: Timestamp::UNIX_EPOCH,
        replaces: None,
        kind: Kind::Text,
        agent: None,
        answer: answer.map(|(run, _)| Answered {
            run,
            fence: 1,
            question: seq - 1,
            status: Status::Complete,
            model: "m".to_owned(),
        }),
    }
}

/// A client that obeys the receiver's rules and nothing more.
#[derive(Default)]
struct Client {
    seqs: Vec<i64>,
    text: String,
}

impl Client {
    fn take(&mut self, frame: &ServerFrame<'_>) {
        let frame: serde_json::Value = serde_json::from_str(&frame.render()).unwrap();
        if let Some(seq) = frame["seq"].as_i64() {
            self.seqs.push(seq);
        }
        if frame["type"] == "ai_response" {
            assert_eq!(
                frame["off"],
                utf16::len(&self.text),
                "every piece follows the one before"
            );
            self.text.push_str(frame["content"].as_str().unwrap());
        }
    }
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

#[test]
fn the_sender_gets_an_acknowledgement_and_others_get_the_message() {
    let session = SessionId::random();
    let message = stored(&session, 1, None);
    for (own, kind) in [(true, r#""op":"ack""#), (false, r#""type":"user_message""#)] {
        let mut cursor = Cursor::new(session.clone(), 0, None);
        if own {
            cursor.expect_ack(&message);
        }
        let event = Event::MessageStored(message.clone());
        let Step::Send(frame) = cursor.event(now(), &event) else {
            panic!("nothing is sent");
        };
        assert!(frame.render().contains(kind), "{}", frame.render());
        assert_eq!(cursor.seq(), 1);
    }
}

#[test]
fn a_hole_is_noticed() {
    let session = SessionId::random();
    let mut cursor = Cursor::new(session.clone(), 1, None);
    assert!(matches!(
        cursor.message(now(), &stored(&session, 3, None)),
        Step::Gap
    ));
    assert!(matches!(
        cursor.message(now(), &stored(&session, 1, None)),
        Step::Skip
    ));
    assert!(matches!(
        cursor.message(now(), &stored(&session, 2, None)),
        Step::Send(_)
    ));
}

#[test]
fn what_is_given_up_is_not_missing() {
    let session = SessionId::random();
    let mut cursor = Cursor::new(session.clone(), 1, None);
    cursor.skip_to(7);
    assert_eq!(cursor.seq(), 7);
    assert!(matches!(
        cursor.message(now(), &stored(&session, 8, None)),
        Step::Send(_)
    ));
}

proptest! {
    /// The client joins the answer anywhere, with a part it may have from before; deltas are lost or come twice;
    /// every gap is answered from the store, as the socket does.
    #[test]
    fn the_text_is_whole_and_nothing_comes_twice(
        pieces in prop::collection::vec("[a-zä😀 ]{0,6}", 1..12),
        faults in prop::collection::vec(0u8..4, 12),
        has in 0usize..20,
        joins in 0usize..12,
    ) {
        let (session, run) = (SessionId::random(), RunId::new());
        let whole: String = pieces.concat();
        let head: String = whole.chars().take(has).collect();
        let mut cursor = Cursor::new(session.clone(), 1, Some((run, utf16::len(&head))));
        let mut client = Client { text: head.clone(), ..Client::default() };
        let mut live = LiveRun { run, fence: 1, question: 1, model: "m".to_owned(), text: String::new(), units: 0 };
        for (index, text) in pieces.iter().enumerate() {
            let off = utf16::len(&live.text);
            live.text.push_str(text);
            live.units = utf16::len(&live.text);
            let delta = Event::Delta(Delta { run, fence: 1, model: "m".to_owned(), off, text: text.clone() });
            if index < joins || live.text.len() < head.len() {
                continue;
            }
            for _ in 0..match faults[index] { 0 => 0, 1 => 2, _ => 1 } {
                match cursor.event(now(), &delta) {
                    Step::Send(frame) => client.take(&frame),
                    Step::Skip => {}
                    Step::Gap => for frame in cursor.live(now(), Some(&live)) { client.take(&frame) },
                }
            }
        }
        let end = stored(&session, 2, Some((run, &whole)));
        for _ in 0..2 {
            if let Step::Send(frame) = cursor.message(now(), &end) {
                client.take(&frame);
            }
        }
        prop_assert!(cursor.live(now(), Some(&live)).is_empty(), "an ended run is not live");
        prop_assert_eq!(client.text, whole);
        prop_assert_eq!(client.seqs, vec![2]);
    }
}

/// A backlog that was retained while the client fell behind comes after it was caught up: nothing of it is sent again.
#[test]
fn an_old_backlog_says_nothing_after_a_catch_up() {
    let session = SessionId::random();
    let runs = [RunId::new(), RunId::new(), RunId::new()];
    let started = |index: usize| Event::RunStarted {
        run: runs[index],
        fence: fence(index),
        question: 1,
        model: "m".to_owned(),
    };
    let delta = |index: usize, off: usize, text: &str| {
        Event::Delta(Delta {
            run: runs[index],
            fence: fence(index),
            model: "m".to_owned(),
            off,
            text: text.to_owned(),
        })
    };
    let answered = |index: usize, seq: i64| {
        let mut message = stored(&session, seq, Some((runs[index], "all of it")));
        message.answer.as_mut().unwrap().fence = fence(index);
        message
    };
    let live = LiveRun {
        run: runs[2],
        fence: fence(2),
        question: 1,
        model: "m".to_owned(),
        text: "third".to_owned(),
        units: 5,
    };
    let mut cursor = Cursor::new(session.clone(), 3, None);
    for (index, seq) in [(0, 4), (1, 5)] {
        assert!(matches!(
            cursor.message(now(), &answered(index, seq)),
            Step::Send(_)
        ));
    }
    assert_eq!(cursor.live(now(), Some(&live)).len(), 2);
    let failure = crate::chat::Failure::Timeout;
    for old in [
        started(0),
        delta(0, 0, "all"),
        delta(0, 7, " it"),
        Event::MessageStored(answered(0, 4)),
        Event::RunEnded {
            run: runs[0],
            fence: fence(0),
            failure: Some(failure),
        },
        started(1),
        delta(1, 3, " of it"),
        Event::MessageStored(answered(1, 5)),
        started(2),
        delta(2, 0, "third"),
    ] {
        assert!(matches!(cursor.event(now(), &old), Step::Skip), "{old:?}");
    }
    assert!(matches!(
        cursor.event(now(), &delta(2, 5, " and on")),
        Step::Send(_)
    ));
}

/// Each run has the fence after the one before.
fn fence(index: usize) -> i64 {
    i64::try_from(index).unwrap() + 1
}

/// A bus that cannot give the beginning of a run is asked once, and not again for each piece.
#[test]
fn a_run_whose_beginning_nobody_has_comes_with_its_message() {
    let (session, run) = (SessionId::random(), RunId::new());
    let mut cursor = Cursor::new(session.clone(), 1, None);
    let delta = |off| {
        Event::Delta(Delta {
            run,
            fence: 1,
            model: "m".to_owned(),
            off,
            text: "x".to_owned(),
        })
    };
    assert!(matches!(cursor.event(now(), &delta(3)), Step::Gap));
    assert!(cursor.live(now(), None).is_empty());
    assert!(matches!(cursor.event(now(), &delta(4)), Step::Skip));
    let end = stored(&session, 2, Some((run, "abcxx")));
    let Step::Send(frame) = cursor.message(now(), &end) else {
        panic!("the message is not sent");
    };
    let frame: serde_json::Value = serde_json::from_str(&frame.render()).unwrap();
    assert_eq!(
        (&frame["off"], &frame["content"]),
        (&0.into(), &"abcxx".into())
    );
}

/// A client that comes between the commit of an answer and its announcement has seen the run as a live one.
#[test]
fn a_live_run_that_is_stored_already_ends() {
    let (session, run) = (SessionId::random(), RunId::new());
    let mut cursor = Cursor::new(session.clone(), 2, None);
    let live = LiveRun {
        run,
        fence: 1,
        question: 1,
        model: "m".to_owned(),
        text: "so".to_owned(),
        units: 2,
    };
    assert_eq!(cursor.live(now(), Some(&live)).len(), 2);
    let message = stored(&session, 2, Some((run, "so what")));
    let Step::Send(frame) = cursor.message(now(), &message) else {
        panic!("the end is not sent");
    };
    let frame: serde_json::Value = serde_json::from_str(&frame.render()).unwrap();
    assert_eq!(
        (&frame["off"], &frame["content"], &frame["status"]),
        (&2.into(), &" what".into(), &"complete".into())
    );
    assert!(matches!(cursor.message(now(), &message), Step::Skip));
}

#[test]
fn a_failure_is_sent_once() {
    let mut cursor = Cursor::new(SessionId::random(), 1, None);
    let ended = Event::RunEnded {
        run: RunId::new(),
        fence: 1,
        failure: Some(crate::chat::Failure::Timeout),
    };
    assert!(matches!(cursor.event(now(), &ended), Step::Send(_)));
    assert!(matches!(cursor.event(now(), &ended), Step::Skip));
}

#[test]
fn the_failure_of_the_run_at_work_is_sent() {
    let (session, run) = (SessionId::random(), RunId::new());
    let mut cursor = Cursor::new(session, 1, None);
    let started = Event::RunStarted {
        run,
        fence: 2,
        question: 1,
        model: "m".to_owned(),
    };
    let ended = Event::RunEnded {
        run,
        fence: 2,
        failure: Some(crate::chat::Failure::Unavailable),
    };
    assert!(matches!(cursor.event(now(), &started), Step::Send(_)));
    assert!(matches!(cursor.event(now(), &ended), Step::Send(_)));
}

#[test]
fn what_this_client_sent_is_taken_once() {
    let session = SessionId::random();
    let (own, other) = (stored(&session, 1, None), stored(&session, 2, None));
    let mut cursor = Cursor::new(session, 0, None);
    cursor.expect_ack(&own);
    assert!(!cursor.take_expected_ack(other.id));
    assert!(cursor.take_expected_ack(own.id));
    assert!(!cursor.take_expected_ack(own.id));
}

/// What the client says to have is of another run, or more than there is.
#[test]
fn an_answer_that_does_not_go_on_from_what_the_client_has_comes_whole() {
    let (session, run) = (SessionId::random(), RunId::new());
    for has in [(RunId::new(), 2), (run, 4)] {
        let mut cursor = Cursor::new(session.clone(), 1, Some(has));
        let message = stored(&session, 2, Some((run, "abc")));
        let Step::Send(frame) = cursor.message(now(), &message) else {
            panic!("the message is not sent");
        };
        let frame: serde_json::Value = serde_json::from_str(&frame.render()).unwrap();
        assert_eq!(
            (&frame["off"], &frame["content"]),
            (&0.into(), &"abc".into())
        );
    }
}

#[test]
fn pieces_go_on_after_a_gap_was_filled() {
    let (session, run) = (SessionId::random(), RunId::new());
    let mut cursor = Cursor::new(session, 1, None);
    let delta = |off, text: &str| {
        Event::Delta(Delta {
            run,
            fence: 1,
            model: "m".to_owned(),
            off,
            text: text.to_owned(),
        })
    };
    let live = LiveRun {
        run,
        fence: 1,
        question: 1,
        model: "m".to_owned(),
        text: "abc".to_owned(),
        units: 3,
    };
    assert!(matches!(cursor.event(now(), &delta(2, "c")), Step::Gap));
    assert_eq!(cursor.live(now(), Some(&live)).len(), 2);
    assert!(matches!(cursor.event(now(), &delta(3, "d")), Step::Send(_)));
}

/// The start of the second run was lost, and the first had no message.
#[test]
fn the_first_piece_of_a_run_begins_at_its_start() {
    let mut cursor = Cursor::new(SessionId::random(), 1, None);
    for (fence, text) in [(1, "a long text"), (2, "short")] {
        let delta = Event::Delta(Delta {
            run: RunId::new(),
            fence,
            model: "m".to_owned(),
            off: 0,
            text: text.to_owned(),
        });
        let Step::Send(frame) = cursor.event(now(), &delta) else {
            panic!("the piece is not sent");
        };
        let frame: serde_json::Value = serde_json::from_str(&frame.render()).unwrap();
        assert_eq!(
            (&frame["off"], &frame["content"]),
            (&0.into(), &text.into())
        );
    }
}
