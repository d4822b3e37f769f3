//! What each result is reported as.

use super::*;

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
    let contested = || {
        Err(Error::Contested {
            kind: Kind::SERVICE,
            name: "s".to_owned(),
            manager: None,
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
        (contested(), 1, "F/T/-/T/T Contested", "InProgress"),
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
