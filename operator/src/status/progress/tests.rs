use crate::cache::cached_object::Detail;
use crate::cache::pod_failure::PodFailure;
use crate::fixtures::child;
use crate::kind::Kind;

use super::*;

fn rolled_out() -> Rollout {
    Rollout {
        generation: 3,
        observed_generation: 3,
        desired: 1,
        replicas: 1,
        updated: 1,
        ready: 1,
        available: 1,
        digest: Some("new".to_owned()),
        ..Rollout::default()
    }
}

fn objects(rollout: Rollout, pods: Vec<Pod>) -> OwnedObjects {
    let mut objects = OwnedObjects::new("x");
    objects.insert(
        Kind::Deployment,
        "x-chatbox",
        child(Detail::Deployment(Box::new(rollout))),
    );
    for pod in pods {
        objects.insert(Kind::Pod, &pod.name.clone(), child(Detail::Pod(pod)));
    }
    objects
}

fn pod(name: &str, digest: &str, reason: Option<&str>) -> Pod {
    Pod {
        name: name.to_owned(),
        digest: Some(digest.to_owned()),
        failure: reason.map(|reason| PodFailure {
            reason: reason.to_owned(),
            message: "why".to_owned(),
        }),
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
                observed_generation: 2,
                ..complete.clone()
            },
        ),
        (
            "not made",
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
        progress(&OwnedObjects::new("x")),
        Progress::InProgress(_)
    ));
}

#[test]
fn none_wanted_and_none_left_is_stopped() {
    let none = Rollout {
        desired: 0,
        replicas: 0,
        updated: 0,
        ready: 0,
        available: 0,
        ..rolled_out()
    };
    assert_eq!(progress(&objects(none.clone(), vec![])), Progress::Stopped);
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
fn the_cause_is_that_of_a_pod_of_the_new_kind() {
    let waiting = Rollout {
        ready: 0,
        available: 0,
        ..rolled_out()
    };
    let pods = vec![
        pod("a", "old", Some("OldTrouble")),
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
        message: "CrashLoopBackOff: pod b: why".to_owned(),
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
