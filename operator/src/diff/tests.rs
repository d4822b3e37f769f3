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
            Some(owned_by(Some(("other", "u-9")))),
            Change::Foreign,
        ),
        (
            "nobody's",
            Kind::SERVICE,
            Some(owned_by(None)),
            Change::Foreign,
        ),
        (
            "labelled only",
            Kind::SERVICE,
            labelled("support"),
            Change::Foreign,
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
            Change::Foreign,
        ),
    ];
    for (what, kind, live, expected) in rows {
        assert_eq!(
            change(&stored(), &object(kind), live.as_ref()),
            expected,
            "{what}"
        );
    }
}

#[test]
fn only_a_retained_object_lets_the_others_be_applied() {
    let report = |step: Change| {
        let steps = [
            (object(Kind::SERVICE_ACCOUNT), Change::Create),
            (object(Kind::PERSISTENT_VOLUME_CLAIM), step),
            (object(Kind::DEPLOYMENT), update()),
        ];
        let text = |error: Option<Error>| error.map(|error| error.to_string());
        (text(blocker(&steps)), text(awaited(&steps)))
    };
    for step in [Change::None, Change::Create, update()] {
        assert_eq!(report(step), (None, None));
    }
    let (blocker, awaited) = report(Change::Foreign);
    assert!(blocker.unwrap().contains("does not belong to this chatbox"));
    assert_eq!(awaited, None);
    let (blocker, awaited) = report(Change::AwaitDeletion);
    assert!(blocker.unwrap().contains("is being deleted"));
    assert_eq!(awaited, None);
    let (blocker, awaited) = report(Change::AwaitRelease);
    assert_eq!(blocker, None);
    let expected = "PersistentVolumeClaim \"support-chatbox-data\" is being deleted; waiting until it is gone, which \
                    is when no pod uses it; set spec.replicas to 0 to stop them";
    assert_eq!(awaited.as_deref(), Some(expected));
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
fn an_object_whose_api_is_absent_or_fails_is_reported_by_its_kind() {
    let desired = fixtures::objects(QUICKSTART);
    assert!(unavailable(&desired, |_| None).is_none());
    let only = |reason: Unavailable| move |kind| (kind == Kind::DEPLOYMENT).then(|| reason.clone());
    let failed = only(Unavailable::Failed("forbidden".to_owned()));
    let error = unavailable(&desired, failed).unwrap();
    assert_eq!(
        error.to_string(),
        "cannot list deployments of apps: forbidden; nothing is applied until that succeeds, and it is tried again"
    );
    assert!(error.awaits_change() && !error.is_transient());
    let error = unavailable(&desired, only(Unavailable::NotServed)).unwrap();
    assert_eq!(
        error.to_string(),
        "this cluster does not serve deployments of apps; install its CustomResourceDefinition, or take what needs it \
         out of the spec"
    );
    assert!(error.awaits_change() && !error.is_transient());
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
    let changes = changes(&stored(), vec![account.clone(), service.clone()], &live);
    assert_eq!(
        changes,
        [(account, Change::None), (service, Change::Create)]
    );
    assert_eq!(pending(&changes), 1);
    assert_eq!(pending(&changes[..1]), 0);
    assert_eq!(pending(&[changes[1].clone(), changes[1].clone()]), 2);
}
