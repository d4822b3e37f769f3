use crate::children::child::Detail;
use crate::children::trouble::Trouble;
use crate::fixtures::child;
use crate::kind::Kind;

use super::*;

fn rolled_out() -> Rollout {
    Rollout {
        generation: 3,
        observed_generation: 3,
        wanted: 1,
        replicas: 1,
        updated: 1,
        ready: 1,
        available: 1,
        digest: Some("new".to_owned()),
        ..Rollout::default()
    }
}

fn family(rollout: Rollout, pods: Vec<Pod>) -> Family {
    let mut family = Family::new("x");
    family.insert(
        Kind::Deployment,
        "x-chatbox",
        child(Detail::Deployment(Box::new(rollout))),
    );
    for pod in pods {
        family.insert(Kind::Pod, &pod.name.clone(), child(Detail::Pod(pod)));
    }
    family
}

fn pod(name: &str, digest: &str, reason: Option<&str>) -> Pod {
    Pod {
        name: name.to_owned(),
        digest: Some(digest.to_owned()),
        trouble: reason.map(|reason| Trouble {
            reason: reason.to_owned(),
            message: "why".to_owned(),
        }),
    }
}

#[test]
fn it_is_complete_only_when_nothing_is_left_to_happen() {
    let complete = rolled_out();
    assert_eq!(
        progress(&family(complete.clone(), vec![])),
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
        let progress = progress(&family(rollout, vec![]));
        assert!(
            matches!(progress, Progress::Underway(_)),
            "{what}: {progress:?}"
        );
    }
    assert!(matches!(progress(&Family::new("x")), Progress::Underway(_)));
}

#[test]
fn none_wanted_and_none_left_is_stopped() {
    let none = Rollout {
        wanted: 0,
        replicas: 0,
        updated: 0,
        ready: 0,
        available: 0,
        ..rolled_out()
    };
    assert_eq!(progress(&family(none.clone(), vec![])), Progress::Stopped);
    let one_left = Rollout {
        replicas: 1,
        ..none
    };
    assert!(matches!(
        progress(&family(one_left, vec![])),
        Progress::Underway(_)
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
        progress(&family(waiting.clone(), pods.clone())),
        Progress::Underway(expected)
    );
    let stuck = Rollout {
        stuck: Some("timed out".to_owned()),
        ..waiting.clone()
    };
    let expected = Cause {
        reason: "ProgressDeadlineExceeded".to_owned(),
        message: "CrashLoopBackOff: pod b: why".to_owned(),
    };
    assert_eq!(
        progress(&family(stuck.clone(), pods)),
        Progress::Stuck(expected)
    );
    let expected = Cause {
        reason: "ProgressDeadlineExceeded".to_owned(),
        message: "timed out".to_owned(),
    };
    assert_eq!(progress(&family(stuck, vec![])), Progress::Stuck(expected));
    let refused = Rollout {
        refused: Some("quota".to_owned()),
        ..waiting
    };
    let expected = Cause {
        reason: "PodsRefused".to_owned(),
        message: "quota".to_owned(),
    };
    assert_eq!(
        progress(&family(refused, vec![])),
        Progress::Underway(expected)
    );
}
