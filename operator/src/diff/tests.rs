use crate::cache::Detail;
use crate::cache::cached_object::Owner;
use crate::fixtures::{self, QUICKSTART, cached, stored};

use super::*;

fn object(kind: Kind) -> Object {
    let objects = fixtures::objects(QUICKSTART);
    objects
        .into_iter()
        .find(|object| object.kind == kind)
        .unwrap()
}

fn owned_by(owner: Option<(&str, &str)>) -> CachedObject {
    CachedObject {
        owner: owner.map(|(name, uid)| Owner {
            group: "chatbox.dev".to_owned(),
            kind: "Chatbox".to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
        }),
        ..cached(Detail::None)
    }
}

fn update() -> Change {
    Change::Update {
        uid: "object".to_owned(),
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one row a case")]
fn the_change_follows_from_the_owner_and_the_state() {
    let ours = || owned_by(Some(("support", "u-1")));
    let applied = |object, applied| {
        Some(CachedObject {
            managed: true,
            applied: Some(applied),
            ..object
        })
    };
    let same = managed_fields::of_desired(&object(Kind::SERVICE).body);
    let terminating = |object| {
        Some(CachedObject {
            terminating: true,
            ..object
        })
    };
    let labelled = |name: &str| {
        Some(CachedObject {
            label: Some(name.to_owned()),
            ..owned_by(None)
        })
    };
    let former = || Some(owned_by(Some(("support", "u-0"))));
    let foreign = |owner: Option<CachedObject>| Change::Foreign {
        owner: owner.and_then(|object| object.owner),
    };
    let of_another = || owned_by(Some(("other", "u-9")));
    let rows: [(&str, Kind, Option<CachedObject>, Change); 14] = [
        ("absent", Kind::SERVICE, None, Change::Create),
        (
            "as applied",
            Kind::SERVICE,
            applied(ours(), same),
            Change::None,
        ),
        ("drifted", Kind::SERVICE, applied(ours(), [0; 32]), update()),
        (
            "owner edited away",
            Kind::SERVICE,
            applied(owned_by(None), [0; 32]),
            update(),
        ),
        (
            "terminating",
            Kind::SERVICE,
            terminating(ours()),
            Change::AwaitDeletion,
        ),
        (
            "kept, terminating",
            Kind::PERSISTENT_VOLUME_CLAIM,
            terminating(ours()),
            Change::AwaitRelease,
        ),
        (
            "another's",
            Kind::SERVICE,
            Some(of_another()),
            foreign(Some(of_another())),
        ),
        (
            "nobody's",
            Kind::SERVICE,
            Some(owned_by(None)),
            foreign(None),
        ),
        (
            "labelled only",
            Kind::SERVICE,
            labelled("support"),
            foreign(None),
        ),
        (
            "another's, terminating",
            Kind::SERVICE,
            terminating(owned_by(None)),
            Change::AwaitDeletion,
        ),
        (
            "of a deleted Chatbox of the same name",
            Kind::SERVICE,
            former(),
            Change::AwaitDeletion,
        ),
        (
            "retained, of a deleted Chatbox of the same name",
            Kind::PERSISTENT_VOLUME_CLAIM,
            former(),
            Change::AwaitDeletion,
        ),
        (
            "retained after its Chatbox was deleted",
            Kind::PERSISTENT_VOLUME_CLAIM,
            labelled("support"),
            update(),
        ),
        (
            "kept by another",
            Kind::PERSISTENT_VOLUME_CLAIM,
            labelled("other"),
            foreign(None),
        ),
    ];
    for (what, kind, live, expected) in rows {
        assert_eq!(
            change(&stored(), &object(kind), live.as_ref(), None),
            expected,
            "{what}"
        );
    }
}

fn nobodys() -> Change {
    Change::Foreign { owner: None }
}

/// The change of one object, beside those of a Deployment and a Service.
fn blocked(kind: Kind, change: Change, deployment: Change) -> Option<String> {
    let changes = [
        (object(Kind::SERVICE_ACCOUNT), Change::Create),
        (object(kind), change),
        (object(Kind::DEPLOYMENT), deployment),
    ];
    blocker(&changes).map(|error| error.to_string())
}

#[test]
fn what_is_in_the_way_keeps_the_rest_from_being_made_only_before_anything_runs() {
    let claim = Kind::PERSISTENT_VOLUME_CLAIM;
    for change in [Change::None, Change::Create, update(), Change::AwaitRelease] {
        assert_eq!(blocked(claim, change, Change::Create), None);
    }
    let foreign = blocked(Kind::SERVICE, nobodys(), Change::Create);
    assert!(foreign.unwrap().contains("does not belong to this chatbox"));
    let waiting = blocked(Kind::SERVICE, Change::AwaitDeletion, Change::Create);
    assert!(waiting.unwrap().contains("is being deleted"));
    for runs in [Change::None, update()] {
        for change in [nobodys(), Change::AwaitDeletion] {
            assert_eq!(blocked(Kind::SERVICE, change, runs.clone()), None);
        }
    }
}

#[test]
fn pods_miss_what_does_not_exist_and_they_need() {
    let rows = [
        (Kind::CONFIG_MAP, Change::Create, true),
        (Kind::SECRET, Change::Create, true),
        (Kind::SERVICE_ACCOUNT, nobodys(), true),
        (Kind::PERSISTENT_VOLUME_CLAIM, Change::AwaitDeletion, true),
        (Kind::PERSISTENT_VOLUME_CLAIM, update(), false),
        // Its data goes with the pod.
        (Kind::PERSISTENT_VOLUME_CLAIM, Change::AwaitRelease, true),
        (Kind::SECRET, Change::AwaitRelease, false),
        (Kind::CONFIG_MAP, update(), false),
        (Kind::SERVICE, Change::Create, false),
        (Kind::SERVICE, nobodys(), false),
    ];
    for (kind, change, expected) in rows {
        assert_eq!(
            is_missed_by_pods(kind, &change),
            expected,
            "{kind} {change:?}"
        );
    }
    let replicas = |replicas: i32| {
        let yaml = QUICKSTART.replace("spec:", &format!("spec:\n  replicas: {replicas}"));
        let objects = fixtures::objects(&yaml);
        stops_pods(objects.last().unwrap())
    };
    assert!(replicas(0) && !replicas(1));
}

#[test]
fn nobody_is_told_to_delete_what_holds_data() {
    let somebodys = Change::Foreign {
        owner: owned_by(Some(("other", "u-9"))).owner,
    };
    for kind in Kind::ALL.into_iter().filter(|kind| kind.is_retained()) {
        let words = obstacle(&object(kind), &nobodys()).unwrap().to_string();
        assert!(
            words.contains("set its label chatbox.dev/name to \"support\""),
            "{words}"
        );
        assert!(!words.contains("delete"), "{words}");
        let words = obstacle(&object(kind), &somebodys).unwrap().to_string();
        assert!(
            words.contains("belongs to Chatbox \"other\", not to this chatbox"),
            "{words}"
        );
        assert!(!words.contains("delete"), "{words}");
    }
    let words = obstacle(&object(Kind::SERVICE), &nobodys())
        .unwrap()
        .to_string();
    assert!(
        words.contains("delete it, or give the chatbox another name"),
        "{words}"
    );
    let claim = object(Kind::PERSISTENT_VOLUME_CLAIM);
    let words = obstacle(&claim, &Change::AwaitRelease).unwrap().to_string();
    let expected = "PersistentVolumeClaim \"support-chatbox-data\" is being deleted; waiting until it is gone, which \
                    is when no pod uses it; its data goes with it, so until then pods are not replaced; copy what is \
                    needed first, and then set spec.replicas to 0 to stop them";
    assert_eq!(words, expected);
}

#[test]
fn only_our_own_deployment_with_pods_is_stopped() {
    let live = |desired: i32, owner: Option<(&str, &str)>, terminating: bool| {
        let rollout = crate::cache::Rollout {
            desired,
            ..crate::cache::Rollout::default()
        };
        let deployment = CachedObject {
            terminating,
            detail: Detail::Deployment(Ok(Box::new(rollout))),
            ..owned_by(owner)
        };
        let objects = OwnedObjects::default();
        objects.with(Kind::DEPLOYMENT, "support-chatbox", deployment)
    };
    let ours = Some(("support", "u-1"));
    let rows = [
        (live(1, ours, false), true),
        (live(0, ours, false), false),
        (live(1, ours, true), false),
        (live(1, Some(("other", "u-9")), false), false),
        (live(1, None, false), false),
        (OwnedObjects::default(), false),
    ];
    let unreadable = CachedObject {
        detail: Detail::Deployment(Err("why".to_owned())),
        ..owned_by(ours)
    };
    let unreadable = OwnedObjects::default().with(Kind::DEPLOYMENT, "support-chatbox", unreadable);
    for (objects, expected) in rows.into_iter().chain([(unreadable, true)]) {
        let uid = to_be_stopped(&stored(), &objects);
        assert_eq!(uid.is_some(), expected, "{objects:?}");
    }
}

/// A webhook has changed what was applied.
#[test]
fn what_the_api_server_answered_counts_as_applied() {
    let desired = object(Kind::DEPLOYMENT);
    let digest = managed_fields::of_desired(&desired.body);
    let live = |applied: u8| CachedObject {
        applied: Some([applied; 32]),
        managed: true,
        ..owned_by(Some(("support", "u-1")))
    };
    let answer = |uid: &str, desired: [u8; 32]| Answer {
        uid: uid.to_owned(),
        desired,
        answered: [7; 32],
    };
    let rows = [
        (
            "as it was answered",
            live(7),
            answer("object", digest),
            Change::None,
        ),
        ("edited since", live(8), answer("object", digest), update()),
        (
            "something else is desired",
            live(7),
            answer("object", [1; 32]),
            update(),
        ),
        (
            "another object",
            live(7),
            answer("another", digest),
            update(),
        ),
    ];
    for (what, live, answer, expected) in rows {
        let change = change(&stored(), &desired, Some(&live), Some(&answer));
        assert_eq!(change, expected, "{what}");
    }
}

#[test]
fn only_what_we_applied_to_this_chatbox_is_stale() {
    let ours = || CachedObject {
        managed: true,
        ..owned_by(Some(("support", "u-1")))
    };
    let terminating = || CachedObject {
        terminating: true,
        ..ours()
    };
    let unowned = || CachedObject {
        owner: None,
        ..ours()
    };
    let of_another = || CachedObject {
        managed: true,
        ..owned_by(Some(("other", "u-9")))
    };
    let desired = fixtures::objects(QUICKSTART);
    let planned = desired
        .iter()
        .fold(OwnedObjects::default(), |objects, object| {
            objects.with(object.kind, &object.name, ours())
        });
    assert_eq!(stale(&stored(), &desired, &planned), []);
    for kind in Kind::ALL {
        let is_managed = kind.definition().role == Role::Managed;
        let rows = [
            ("ours", ours(), is_managed),
            ("a copy", owned_by(Some(("support", "u-1"))), false),
            ("terminating", terminating(), false),
            ("without owner", unowned(), false),
            ("of another Chatbox", of_another(), false),
        ];
        for (what, object, expected) in rows {
            let live = planned.clone().with(kind, "old", object);
            let stale = stale(&stored(), &desired, &live);
            let names: Vec<_> = stale
                .iter()
                .map(|stale| (stale.kind, &*stale.name))
                .collect();
            let expected: Vec<_> = expected.then_some((kind, "old")).into_iter().collect();
            assert_eq!(names, expected, "{kind} {what}");
        }
    }
}

#[test]
fn an_object_whose_api_is_absent_or_fails_is_reported_by_its_kind_and_stops_no_other() {
    let desired = || fixtures::objects(QUICKSTART);
    let (objects, failures) = available(desired(), |_| None);
    assert_eq!((objects.len(), failures.len()), (6, 0));
    let only = |reason: Unavailable| move |kind| (kind == Kind::DEPLOYMENT).then(|| reason.clone());
    let rows = [
        (
            Unavailable::Failed("forbidden".to_owned()),
            "cannot list deployments of apps: forbidden; none of them is written until that succeeds, and it is tried \
             again",
        ),
        (
            Unavailable::NotServed,
            "this cluster does not serve deployments of apps; install its CustomResourceDefinition, or take what needs \
             it out of the spec",
        ),
    ];
    for (reason, expected) in rows {
        let (objects, failures) = available(desired(), only(reason));
        assert_eq!(objects.len(), 5);
        let [failure] = &failures[..] else {
            panic!("{failures:?}");
        };
        assert_eq!(failure.to_string(), expected);
        assert!(failure.awaits_change() && !failure.is_transient());
    }
}

#[test]
fn each_object_has_its_change_and_those_with_one_are_pending() {
    let [account, service] = [Kind::SERVICE_ACCOUNT, Kind::SERVICE].map(object);
    let applied = CachedObject {
        managed: true,
        applied: Some(managed_fields::of_desired(&account.body)),
        ..owned_by(Some(("support", "u-1")))
    };
    let live = OwnedObjects::default().with(account.kind, &account.name, applied);
    let changes = changes(
        &stored(),
        vec![account.clone(), service.clone()],
        &live,
        &AnswersOfChatbox::default(),
    );
    assert_eq!(
        changes,
        [(account, Change::None), (service, Change::Create)]
    );
    assert_eq!(pending(&changes), 1);
    assert_eq!(pending(&changes[..1]), 0);
    assert_eq!(pending(&[changes[1].clone(), changes[1].clone()]), 2);
}
