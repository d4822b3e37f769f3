//! Joins pieces of an answer that wait together: one frame carries them as well as several, for less. Pure.

use std::borrow::Cow;
use std::sync::Arc;

use crate::bus::{Delta, Event};
use crate::chat::utf16;

/// The same events, with each piece that follows right on the one before it joined to it.
pub(super) fn coalesce(events: &[Arc<Event>]) -> Vec<Cow<'_, Event>> {
    let mut joined: Vec<Cow<'_, Event>> = Vec::with_capacity(events.len());
    for event in events {
        if let Event::Delta(next) = &**event
            && let Some(last) = joined.last_mut()
            && follows(last, next)
        {
            if let Event::Delta(delta) = last.to_mut() {
                delta.text.push_str(&next.text);
            }
            continue;
        }
        joined.push(Cow::Borrowed(event));
    }
    joined
}

fn follows(last: &Event, next: &Delta) -> bool {
    match last {
        Event::Delta(last) => {
            last.run == next.run
                && last.fence == next.fence
                && last.off + utf16::len(&last.text) == next.off
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::RunId;

    #[test]
    fn only_pieces_that_follow_each_other_are_joined() {
        let (one, two) = (RunId::new(), RunId::new());
        let delta = |run, fence, off, text: &str| {
            Arc::new(Event::Delta(Delta {
                run,
                fence,
                model: "m".to_owned(),
                off,
                text: text.to_owned(),
            }))
        };
        let ended = Arc::new(Event::RunEnded {
            run: one,
            fence: 1,
            failure: None,
        });
        let events = [
            delta(one, 1, 0, "a😀"),
            delta(one, 1, 3, "b"),
            delta(one, 1, 4, "c"),
            delta(one, 1, 9, "after a hole"),
            delta(one, 2, 21, "of another owner"),
            ended.clone(),
            delta(two, 3, 0, "x"),
            delta(one, 3, 1, "y"),
        ];
        let texts: Vec<_> = coalesce(&events)
            .iter()
            .map(|event| match &**event {
                Event::Delta(delta) => delta.text.clone(),
                other => format!("{other:?}"),
            })
            .collect();
        let ended = format!("{:?}", *ended);
        assert_eq!(
            texts,
            [
                "a😀bc",
                "after a hole",
                "of another owner",
                ended.as_str(),
                "x",
                "y"
            ]
        );
    }
}
