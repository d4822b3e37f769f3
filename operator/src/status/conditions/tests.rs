use kube::core::Status as Answer;

use crate::cache::{CachedObject, Detail, Rollout};
use crate::fixtures::{cached, stored};
use crate::kind::Kind;

use super::*;

fn objects(ready: i32) -> OwnedObjects {
    let rollout = Rollout {
        desired: 1,
        replicas: 1,
        updated: 1,
        ready,
        available: ready,
        image: Some("chatbox:1".to_owned()),
        config_hash: Some("d1".to_owned()),
        ..Rollout::default()
    };
    let deployment = CachedObject {
        managed: true,
        ..cached(Detail::Deployment(Ok(Box::new(rollout))))
    };
    OwnedObjects::default().with(Kind::DEPLOYMENT, "support-chatbox", deployment)
}

fn status(
    before: &ChatboxStatus,
    generation: Option<i64>,
    result: &Result<Converged, Error>,
    objects: &OwnedObjects,
    now: &Time,
) -> ChatboxStatus {
    let facts = Facts {
        generation,
        result,
        unsettled: None,
        claim: None,
        volume: &Differences::default(),
        objects,
        unseen: &[],
    };
    super::status(&stored(), before, &facts, now)
}

fn time(second: i64) -> Time {
    Time(jiff::Timestamp::from_second(second).unwrap())
}

fn converged(pending: Option<usize>) -> Converged {
    Converged {
        url: "http://x/".to_owned(),
        selector: "a=b".to_owned(),
        pending,
    }
}

fn rejection(code: u16) -> kube::Error {
    let answer = Answer {
        code,
        message: "no, because\nlong".to_owned(),
        ..Answer::default()
    };
    kube::Error::Api(Box::new(answer))
}

fn write(code: u16) -> Result<Converged, Error> {
    Err(Error::Write {
        kind: Kind::SERVICE,
        name: "s".to_owned(),
        source: rejection(code),
    })
}

fn read(code: u16) -> Result<Converged, Error> {
    Err(Error::Read {
        kind: Kind::SECRET,
        name: "s".to_owned(),
        source: rejection(code),
    })
}

fn foreign(kind: Kind, name: &str) -> Error {
    Error::Foreign {
        kind,
        name: name.to_owned(),
        owner: None,
        chatbox: "support".to_owned(),
    }
}

fn invalid(config: bool, secrets: bool) -> Result<Converged, Error> {
    let problems = |desired: bool, field: &str| {
        desired
            .then(|| Problem::new(field, "is wrong"))
            .into_iter()
            .collect()
    };
    Err(Error::Invalid(Findings {
        config: problems(config, "spec.config.a"),
        secrets: problems(secrets, "spec.config.b"),
    }))
}

/// `Ready/Reconciling/Stalled/ConfigValid/SecretsResolved`, `-` for one that is not listed, and the reason of `Ready`.
fn line(status: &ChatboxStatus) -> String {
    let state = |type_: &str| {
        let found = status
            .conditions
            .iter()
            .find(|condition| condition.type_ == type_);
        found.map_or("-", |condition| &condition.status[..1])
    };
    let all = [READY, RECONCILING, STALLED, CONFIG_VALID, SECRETS_RESOLVED]
        .map(state)
        .join("/");
    format!("{all} {}", status.conditions[0].reason)
}

/// What kstatus makes of it (Ready, Reconciling and Stalled of the observed generation).
fn kstatus(status: &ChatboxStatus, generation: i64) -> &'static str {
    let is_true = |type_: &str| {
        status
            .conditions
            .iter()
            .any(|condition| condition.type_ == type_ && condition.status == "True")
    };
    if status.observed_generation != Some(generation) || is_true(RECONCILING) {
        return "InProgress";
    }
    match (is_true(STALLED), is_true(READY)) {
        (true, _) => "Failed",
        (false, true) => "Current",
        (false, false) => "InProgress",
    }
}

#[test]
fn each_result_has_its_conditions() {
    let foreign = || Err(foreign(Kind::SERVICE, "s"));
    let not_served = || Err(Error::NotServed(Kind::SERVICE));
    let not_listed = || {
        Err(Error::NotListed {
            kind: Kind::SERVICE,
            reason: "forbidden".to_owned(),
        })
    };
    let terminating = || {
        Err(Error::Terminating {
            kind: Kind::SERVICE,
            name: "s".to_owned(),
        })
    };
    let unreadable = || Err(Error::DeploymentUnreadable("why".to_owned()));
    let undecodable = || Err(Error::Undecodable(Problem::new("spec.x", "is unknown")));
    let not_allowed = || Err(Error::NotAllowed(vec![Problem::new("spec.x", "is not")]));
    let rows = [
        (Ok(converged(None)), 1, "T/-/-/T/T RolledOut", "Current"),
        (
            Ok(converged(None)),
            0,
            "F/T/-/T/T Progressing",
            "InProgress",
        ),
        (Ok(converged(Some(0))), 1, "T/-/-/T/T Paused", "Current"),
        (
            Ok(converged(Some(0))),
            0,
            "F/T/-/T/T Progressing",
            "InProgress",
        ),
        (Ok(converged(Some(2))), 1, "F/-/-/T/T Paused", "InProgress"),
        (invalid(true, false), 1, "F/-/T/F/T InvalidConfig", "Failed"),
        (invalid(true, true), 1, "F/-/T/F/F InvalidConfig", "Failed"),
        (
            invalid(false, true),
            1,
            "F/T/-/T/F SecretsUnresolved",
            "InProgress",
        ),
        (undecodable(), 1, "F/-/T/F/U InvalidConfig", "Failed"),
        (not_allowed(), 1, "F/-/T/F/U NotAllowed", "Failed"),
        (foreign(), 1, "F/-/T/T/T NameTaken", "Failed"),
        (unreadable(), 1, "F/-/T/U/U DeploymentUnreadable", "Failed"),
        (not_served(), 1, "F/-/T/T/T ApiNotServed", "Failed"),
        (not_listed(), 1, "F/-/T/T/T ApiNotListed", "Failed"),
        (
            terminating(),
            1,
            "F/T/-/T/T WaitingForDeletion",
            "InProgress",
        ),
        (write(403), 1, "F/-/T/T/T WriteFailed", "Failed"),
        (write(422), 1, "F/-/T/T/T WriteFailed", "Failed"),
        (write(409), 1, "F/T/-/T/T WriteFailed", "InProgress"),
        (write(500), 1, "F/T/-/T/T WriteFailed", "InProgress"),
        (read(403), 1, "F/-/T/U/U ReadFailed", "Failed"),
        (read(503), 1, "F/T/-/U/U ReadFailed", "InProgress"),
    ];
    for (result, ready, conditions, verdict) in rows {
        let status = status(
            &ChatboxStatus::default(),
            Some(4),
            &result,
            &objects(ready),
            &time(1),
        );
        assert_eq!(line(&status), conditions, "{result:?}");
        assert_eq!(kstatus(&status, 4), verdict, "{result:?}");
        assert!(
            status
                .conditions
                .iter()
                .all(|condition| condition.observed_generation == Some(4))
        );
    }
}

#[test]
fn a_rejection_is_reported_with_the_message_of_the_api_server() {
    let status = status(
        &ChatboxStatus::default(),
        Some(1),
        &write(403),
        &objects(1),
        &time(1),
    );
    assert_eq!(
        status.conditions[0].message,
        "cannot write Service \"s\": no, because long"
    );
}

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

#[test]
fn a_message_is_bounded() {
    let problems =
        (0..500).map(|index| Problem::new(format!("spec.config.models[{index}]"), "ist falsch: ä"));
    let findings = Findings {
        config: problems.collect(),
        secrets: vec![],
    };
    let status = status(
        &ChatboxStatus::default(),
        Some(1),
        &Err(Error::Invalid(findings)),
        &objects(1),
        &time(1),
    );
    for condition in &status.conditions {
        assert!(condition.message.len() <= MESSAGE_BYTES);
    }
    assert!(status.conditions[0].message.ends_with("..."));
}

/// One has taken the name, and is read because no watch delivers it.
#[test]
fn a_foreign_deployment_is_not_reported_as_ours() {
    let foreign = foreign(Kind::DEPLOYMENT, "support-chatbox");
    let unmanaged = CachedObject {
        managed: false,
        ..objects(1)
            .get(Kind::DEPLOYMENT, "support-chatbox")
            .unwrap()
            .clone()
    };
    let objects = OwnedObjects::default().with(Kind::DEPLOYMENT, "support-chatbox", unmanaged);
    let before = ChatboxStatus::default();
    let status = status(&before, Some(1), &Err(foreign), &objects, &time(1));
    assert_eq!(line(&status), "F/-/T/T/T NameTaken");
    assert_eq!((status.replicas, status.ready_replicas), (None, None));
    assert_eq!((status.image, status.config_hash), (None, None));
}

/// A setting that protects data is reported by itself, and kstatus looks at neither condition.
#[test]
fn what_the_policy_and_the_volume_lack_is_said_beside_the_rest() {
    let objects = objects(1);
    let result = Ok(converged(None));
    let refused = write(403).unwrap_err();
    let volume = Differences::default().with_refusal("no expansion".to_owned());
    let facts = Facts {
        generation: Some(1),
        result: &result,
        unsettled: Some(&refused),
        claim: Some(&refused),
        volume: &volume,
        objects: &objects,
        unseen: &[(Kind::POD, "no right".to_owned())],
    };
    let status = super::status(&stored(), &ChatboxStatus::default(), &facts, &time(1));
    assert_eq!(line(&status), "T/-/-/T/T RolledOut");
    assert_eq!(kstatus(&status, 1), "Current");
    let find = |type_: &str| {
        let mut conditions = status.conditions.iter();
        let condition = conditions
            .find(|condition| condition.type_ == type_)
            .unwrap();
        (&*condition.status, &*condition.reason, &*condition.message)
    };
    let words = "takes traffic; changes of pods are not seen, because the operator has no right to list them: no right";
    assert!(find(READY).2.ends_with(words), "{:?}", find(READY));
    let (state, reason, message) = find(DELETION_POLICY_APPLIED);
    assert_eq!((state, reason), ("False", "WriteFailed"));
    assert!(
        message.starts_with("spec.deletionPolicy is not in effect yet"),
        "{message}"
    );
    assert!(
        message.ends_with("cannot write Service \"s\": no, because long"),
        "{message}"
    );
    let expected = ("False", "WriteRefused", "no expansion");
    assert_eq!(find(VOLUME_AS_SPECIFIED), expected);
}

#[test]
fn of_several_failures_the_first_that_needs_somebody_gives_the_reason() {
    let busy = || write(409).unwrap_err();
    let rows = [
        (vec![busy(), busy()], "F/T/-/T/T WriteFailed"),
        (
            vec![busy(), foreign(Kind::SERVICE, "s")],
            "F/-/T/T/T NameTaken",
        ),
    ];
    for (failures, expected) in rows {
        let result = Err(Error::all(failures).unwrap());
        let status = status(
            &ChatboxStatus::default(),
            Some(1),
            &result,
            &objects(1),
            &time(1),
        );
        assert_eq!(line(&status), expected);
        assert!(status.conditions[0].message.contains("because long; "));
    }
}

/// To stop its pods was refused beside that.
#[test]
fn a_refused_stop_does_not_make_a_chatbox_valid() {
    let and = |result: Result<Converged, Error>, code: u16| {
        Err(result.unwrap_err().and(write(code).unwrap_err()))
    };
    let undecodable = || Err(Error::Undecodable(Problem::new("spec.x", "is unknown")));
    let not_allowed = || Err(Error::NotAllowed(vec![Problem::new("spec.x", "is not")]));
    let rows = [
        (and(invalid(true, false), 403), "F/-/T/F/T InvalidConfig"),
        (and(invalid(true, true), 409), "F/-/T/F/F InvalidConfig"),
        (and(undecodable(), 403), "F/-/T/F/U InvalidConfig"),
        (and(not_allowed(), 403), "F/-/T/F/U NotAllowed"),
        (and(read(403), 403), "F/-/T/U/U ReadFailed"),
        // It still waits for its Secret.
        (
            and(invalid(false, true), 409),
            "F/T/-/T/F SecretsUnresolved",
        ),
        (and(invalid(false, true), 403), "F/-/T/T/F WriteFailed"),
        (and(write(403), 403), "F/-/T/T/T WriteFailed"),
    ];
    for (result, expected) in rows {
        let before = ChatboxStatus::default();
        let status = status(&before, Some(1), &result, &objects(1), &time(1));
        assert_eq!(line(&status), expected, "{result:?}");
    }
}

#[test]
fn a_paused_chatbox_says_why_its_pods_fail_and_what_waits() {
    let failing = Rollout {
        desired: 1,
        replica_failure: Some("exceeded quota".to_owned()),
        ..Rollout::default()
    };
    let failing = CachedObject {
        managed: true,
        ..cached(Detail::Deployment(Ok(Box::new(failing))))
    };
    let failing = OwnedObjects::default().with(Kind::DEPLOYMENT, "support-chatbox", failing);
    let rows = [
        (
            0,
            objects(1),
            "T/-/-/T/T Paused",
            "takes traffic; paused, so changes will wait",
        ),
        (
            0,
            objects(0),
            "F/T/-/T/T Progressing",
            "are ready; paused, so changes will wait",
        ),
        (
            0,
            failing.clone(),
            "F/T/-/T/T PodsRefused",
            "exceeded quota; paused, so changes will wait",
        ),
        (
            1,
            objects(1),
            "F/-/-/T/T Paused",
            "1 object waits until spec.paused is false, and what runs is left as it is",
        ),
        (
            2,
            objects(0),
            "F/-/-/T/T Paused",
            "2 objects wait until spec.paused is false, and what runs is left as it is",
        ),
        (
            2,
            failing,
            "F/T/-/T/T PodsRefused",
            "exceeded quota; 2 objects wait until spec.paused is false, and what runs is left as it is",
        ),
    ];
    for (pending, objects, expected, words) in rows {
        let before = ChatboxStatus::default();
        let result = Ok(converged(Some(pending)));
        let status = status(&before, Some(1), &result, &objects, &time(1));
        assert_eq!(line(&status), expected, "{pending}");
        let message = &status.conditions[0].message;
        assert!(message.ends_with(words), "{message}");
    }
}

#[test]
fn what_is_refused_does_not_hide_why_pods_do_not_start() {
    let stalled = Rollout {
        desired: 1,
        stalled: Some("has timed out progressing.".to_owned()),
        replica_failure: Some("exceeded quota".to_owned()),
        ..Rollout::default()
    };
    let deployment = CachedObject {
        managed: true,
        ..cached(Detail::Deployment(Ok(Box::new(stalled))))
    };
    let objects = OwnedObjects::default().with(Kind::DEPLOYMENT, "support-chatbox", deployment);
    let before = ChatboxStatus::default();
    for result in [write(403), invalid(true, false)] {
        let status = status(&before, Some(1), &result, &objects, &time(1));
        let message = &status.conditions[0].message;
        let error = result.unwrap_err().to_string();
        assert!(message.starts_with(&error), "{message}");
        let cause =
            "; ProgressDeadlineExceeded: has timed out progressing. PodsRefused: exceeded quota";
        assert!(message.ends_with(cause), "{message}");
    }
}
