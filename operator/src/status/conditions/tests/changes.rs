//! What stays from one status to the next.

use super::*;

#[test]
fn only_a_condition_that_changes_gets_a_new_transition_time() {
    let first = status(
        &ChatboxStatus::default(),
        Some(1),
        &Ok(converged(None)),
        &objects(0),
        &time(1),
    );
    let same = status(&first, Some(1), &Ok(converged(None)), &objects(0), &time(2));
    assert_eq!(same, first);
    let second = status(&first, Some(1), &Ok(converged(None)), &objects(1), &time(3));
    let times: Vec<(&str, Time)> = second
        .conditions
        .iter()
        .map(|condition| {
            (
                condition.type_.as_str(),
                condition.last_transition_time.clone(),
            )
        })
        .collect();
    assert_eq!(
        times,
        [
            (READY, time(3)),
            (CONFIG_VALID, time(1)),
            (SECRETS_RESOLVED, time(1)),
            (DELETION_POLICY_APPLIED, time(1))
        ]
    );
}

#[test]
fn what_runs_is_reported_even_when_the_spec_is_invalid() {
    let before = status(
        &ChatboxStatus::default(),
        Some(1),
        &Ok(converged(None)),
        &objects(1),
        &time(1),
    );
    let after = status(
        &before,
        Some(2),
        &invalid(true, false),
        &objects(1),
        &time(2),
    );
    assert_eq!(after.observed_generation, Some(2));
    assert_eq!(after.url.as_deref(), Some("http://x/"));
    assert_eq!(after.image.as_deref(), Some("chatbox:1"));
    assert_eq!((after.replicas, after.ready_replicas), (Some(1), Some(1)));
}

#[test]
fn an_unknown_check_keeps_its_last_result_for_the_same_generation_only() {
    let before = status(
        &ChatboxStatus::default(),
        Some(1),
        &invalid(false, true),
        &objects(1),
        &time(1),
    );
    assert_eq!(
        line(&status(&before, Some(1), &read(500), &objects(1), &time(2))),
        "F/T/-/T/F ReadFailed"
    );
    assert_eq!(
        line(&status(&before, Some(2), &read(500), &objects(1), &time(2))),
        "F/T/-/U/U ReadFailed"
    );
}

#[test]
fn conditions_of_others_are_not_ours() {
    let mut reported = status(
        &ChatboxStatus::default(),
        Some(1),
        &Ok(converged(None)),
        &objects(1),
        &time(1),
    );
    let expected = reported.clone();
    let theirs = Condition {
        type_: "Theirs".to_owned(),
        ..reported.conditions[0].clone()
    };
    reported.conditions.insert(0, theirs);
    reported.conditions.reverse();
    assert_eq!(ours(&reported), expected);
}
