use crate::cache::cached_object::Owner;
use crate::cache::pod_failure::PodFailure;
use crate::cache::{CachedObject, Detail};
use crate::fixtures::{cached, stored};
use crate::kind::Kind;

use super::*;

fn progress(objects: &OwnedObjects) -> Progress {
    super::progress(&stored(), objects)
}

/// An object of [`stored`].
fn owned(kind: &str, name: &str, uid: &str, detail: Detail) -> CachedObject {
    CachedObject {
        owner: Some(Owner {
            group: String::new(),
            kind: kind.to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
        }),
        ..cached(detail)
    }
}

fn deployment(rollout: Result<Box<Rollout>, String>) -> OwnedObjects {
    let deployment = owned("Chatbox", "support", "u-1", Detail::Deployment(rollout));
    OwnedObjects::default().with(Kind::DEPLOYMENT, "support-chatbox", deployment)
}

fn rolled_out() -> Rollout {
    Rollout {
        generation: Some(3),
        observed_generation: Some(3),
        desired: 1,
        replicas: 1,
        updated: 1,
        ready: 1,
        available: 1,
        config_hash: Some("new".to_owned()),
        ..Rollout::default()
    }
}

fn objects(rollout: Rollout, pods: Vec<Pod>) -> OwnedObjects {
    let objects = deployment(Ok(Box::new(rollout)));
    pods.into_iter().fold(objects, |objects, pod| {
        let name = pod.name.clone();
        let pod = owned("ReplicaSet", "support-chatbox-1", "r", Detail::Pod(pod));
        objects.with(Kind::POD, &name, pod)
    })
}

fn pod(name: &str, config_hash: &str, reason: Option<&str>) -> Pod {
    Pod {
        name: name.to_owned(),
        config_hash: Some(config_hash.to_owned()),
        failure: reason.map(|reason| PodFailure {
            reason: reason.to_owned(),
            message: "why".to_owned(),
        }),
        ..Pod::default()
    }
}

#[test]
fn it_is_complete_only_when_nothing_is_left_to_happen() {
    let complete = rolled_out();
    assert_eq!(
        progress(&objects(complete.clone(), vec![])),
        Progress::Complete
    );
    let unfinished = [
        (
            "not seen by the controller",
            Rollout {
                observed_generation: Some(2),
                ..complete.clone()
            },
        ),
        (
            "not created",
            Rollout {
                replicas: 0,
                updated: 0,
                ready: 0,
                available: 0,
                ..complete.clone()
            },
        ),
        (
            "an old pod is left",
            Rollout {
                replicas: 2,
                ..complete.clone()
            },
        ),
        (
            "the pod is old",
            Rollout {
                updated: 0,
                ..complete.clone()
            },
        ),
        (
            "not ready",
            Rollout {
                ready: 0,
                ..complete.clone()
            },
        ),
        (
            "not available",
            Rollout {
                available: 0,
                ..complete.clone()
            },
        ),
    ];
    for (what, rollout) in unfinished {
        let progress = progress(&objects(rollout, vec![]));
        assert!(
            matches!(progress, Progress::InProgress(_)),
            "{what}: {progress:?}"
        );
    }
    assert!(matches!(
        progress(&OwnedObjects::default()),
        Progress::InProgress(_)
    ));
}

#[test]
fn none_desired_and_none_left_is_stopped() {
    let none = Rollout {
        desired: 0,
        replicas: 0,
        updated: 0,
        ready: 0,
        available: 0,
        ..rolled_out()
    };
    assert_eq!(
        progress(&objects(none.clone(), vec![])),
        Progress::ScaledToZero
    );
    let one_left = Rollout {
        replicas: 1,
        ..none
    };
    assert!(matches!(
        progress(&objects(one_left, vec![])),
        Progress::InProgress(_)
    ));
}

#[test]
fn the_cause_is_that_of_a_new_pod() {
    let waiting = Rollout {
        ready: 0,
        available: 0,
        ..rolled_out()
    };
    let pods = vec![
        pod("a", "old", Some("OldPodFailure")),
        pod("b", "new", Some("CrashLoopBackOff")),
    ];
    let expected = Cause {
        reason: "CrashLoopBackOff".to_owned(),
        message: "pod b: why".to_owned(),
    };
    assert_eq!(
        progress(&objects(waiting.clone(), pods.clone())),
        Progress::InProgress(expected)
    );
    let stalled = Rollout {
        stalled: Some("timed out".to_owned()),
        ..waiting.clone()
    };
    let expected = Cause {
        reason: "ProgressDeadlineExceeded".to_owned(),
        message: "timed out CrashLoopBackOff: pod b: why".to_owned(),
    };
    assert_eq!(
        progress(&objects(stalled.clone(), pods)),
        Progress::Stalled(expected)
    );
    let expected = Cause {
        reason: "ProgressDeadlineExceeded".to_owned(),
        message: "timed out".to_owned(),
    };
    assert_eq!(
        progress(&objects(stalled, vec![])),
        Progress::Stalled(expected)
    );
    let replica_failure = Rollout {
        replica_failure: Some("quota".to_owned()),
        ..waiting
    };
    let expected = Cause {
        reason: "PodsRefused".to_owned(),
        message: "quota".to_owned(),
    };
    assert_eq!(
        progress(&objects(replica_failure, vec![])),
        Progress::InProgress(expected)
    );
}

#[test]
fn a_deployment_that_cannot_be_decoded_is_stalled() {
    let objects = deployment(Err("has the wrong type".to_owned()));
    let expected = Cause {
        reason: "DeploymentUnreadable".to_owned(),
        message: "the Deployment cannot be decoded: has the wrong type".to_owned(),
    };
    assert_eq!(progress(&objects), Progress::Stalled(expected));
}

/// After the deadline the cause that still holds is told too.
#[test]
fn a_quota_is_not_replaced_by_the_deadline() {
    let stalled = Rollout {
        ready: 0,
        available: 0,
        stalled: Some("timed out".to_owned()),
        replica_failure: Some("exceeded quota: pods".to_owned()),
        ..rolled_out()
    };
    let expected = Cause {
        reason: "ProgressDeadlineExceeded".to_owned(),
        message: "timed out PodsRefused: exceeded quota: pods".to_owned(),
    };
    assert_eq!(
        progress(&objects(stalled, vec![])),
        Progress::Stalled(expected)
    );
}

#[test]
fn a_paused_deployment_is_told_with_how_to_resume_it() {
    let paused = Rollout {
        updated: 0,
        is_paused: true,
        ..rolled_out()
    };
    let Progress::Stalled(cause) = progress(&objects(paused, vec![])) else {
        panic!("it is not stalled");
    };
    assert_eq!(cause.reason, "DeploymentPaused");
    let command = "kubectl --namespace shop rollout resume deployment/support-chatbox";
    assert!(cause.message.ends_with(command), "{}", cause.message);
    let complete = Rollout {
        is_paused: true,
        ..rolled_out()
    };
    let progress = progress(&objects(complete, vec![]));
    assert_eq!(progress, Progress::Complete, "there is nothing to resume");
}

fn message(rollout: Rollout, pods: Vec<Pod>) -> String {
    match progress(&objects(rollout, pods)) {
        Progress::InProgress(cause) | Progress::Stalled(cause) => {
            format!("{}: {}", cause.reason, cause.message)
        }
        other => panic!("{other:?}"),
    }
}

fn unready() -> Rollout {
    Rollout {
        ready: 0,
        available: 0,
        ..rolled_out()
    }
}

fn exceeded() -> Rollout {
    Rollout {
        stalled: Some("has timed out progressing.".to_owned()),
        ..unready()
    }
}

#[test]
fn a_pod_that_is_over_does_not_hide_its_successor() {
    let evicted = Pod {
        is_over: true,
        ..pod("a", "new", Some("Evicted"))
    };
    let pods = vec![evicted.clone(), pod("z", "new", Some("ImagePullBackOff"))];
    assert_eq!(message(unready(), pods), "ImagePullBackOff: pod z: why");
    assert_eq!(message(unready(), vec![evicted]), "Evicted: pod a: why");
}

#[test]
fn a_pod_that_cannot_end_is_told_with_its_node() {
    let ending = || Pod {
        node: Some("n1".to_owned()),
        ends: Some("2026-01-01T00:00:00Z".to_owned()),
        ..pod("a", "old", Some("Error"))
    };
    let words = "pod a on node n1 is stopping, and should have ended by 2026-01-01T00:00:00Z";
    assert_eq!(
        message(unready(), vec![ending()]),
        format!("Progressing: 0 of 1 pods are ready; {words}")
    );
    let stalled = message(exceeded(), vec![ending()]);
    assert!(
        stalled
            .starts_with("ProgressDeadlineExceeded: has timed out progressing. PodTerminating: "),
        "{stalled}"
    );
    let force = "two servers must not write to one volume, end it with: kubectl --namespace shop delete pod a --force";
    assert!(
        stalled.contains(words) && stalled.ends_with(force),
        "{stalled}"
    );
    // It is of this config, and its failure is that of its end.
    let current = Pod {
        config_hash: Some("new".to_owned()),
        ..ending()
    };
    assert!(message(unready(), vec![current]).contains(words));
}

#[test]
fn a_pod_that_cannot_be_set_up_is_told_after_the_deadline() {
    let waiting = || Pod {
        is_being_set_up: true,
        ..pod("a", "new", None)
    };
    assert_eq!(
        message(unready(), vec![waiting()]),
        "Progressing: 0 of 1 pods are ready"
    );
    let stalled = message(exceeded(), vec![waiting()]);
    assert!(
        stalled.ends_with("kubectl --namespace shop describe pod a"),
        "{stalled}"
    );
}

#[test]
fn a_pause_does_not_hide_a_pod_that_fails() {
    let paused = Rollout {
        is_paused: true,
        ..unready()
    };
    let message = message(paused, vec![pod("a", "new", Some("CrashLoopBackOff"))]);
    assert!(
        message.starts_with("DeploymentPaused: somebody has paused"),
        "{message}"
    );
    assert!(
        message.ends_with("CrashLoopBackOff: pod a: why"),
        "{message}"
    );
}
