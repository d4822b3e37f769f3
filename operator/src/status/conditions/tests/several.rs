//! What is told beside something else.

use super::*;

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
    let status = super::super::status(&stored(), &ChatboxStatus::default(), &facts, &time(1));
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
