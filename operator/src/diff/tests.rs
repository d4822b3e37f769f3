use crate::cache::cached_object::{Detail, Owner};
use crate::fixtures::{self, QUICKSTART, watched};

use Kind::{PersistentVolumeClaim as Claim, Service};

use super::*;

fn identity() -> Identity {
    watched(QUICKSTART).identity()
}

fn object(kind: Kind) -> Object {
    let objects = fixtures::plan(QUICKSTART).objects();
    objects
        .into_iter()
        .find(|object| object.kind == kind)
        .unwrap()
}

fn child(owner: Option<(&str, &str)>) -> CachedObject {
    CachedObject {
        uid: "child".to_owned(),
        version: 1,
        owner: owner.map(|(name, uid)| Owner {
            kind: "Chatbox".to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
        }),
        instance: None,
        terminating: false,
        owned: None,
        detail: Detail::None,
    }
}

fn update() -> Step {
    Step::Update {
        uid: "child".to_owned(),
    }
}

#[test]
fn what_must_be_done_follows_from_whose_it_is() {
    let ours = || child(Some(("support", "u-1")));
    let applied = |child, owned| {
        Some(CachedObject {
            owned: Some(owned),
            ..child
        })
    };
    let same = managed_fields::of_desired(&object(Service).body);
    let leaving = |child| {
        Some(CachedObject {
            terminating: true,
            ..child
        })
    };
    let labelled = |name: &str| {
        Some(CachedObject {
            instance: Some(name.to_owned()),
            ..child(None)
        })
    };
    let former = || Some(child(Some(("support", "u-0"))));
    let rows: [(&str, Kind, Option<CachedObject>, Step); 14] = [
        ("absent", Service, None, Step::Create),
        ("as applied", Service, applied(ours(), same), Step::Keep),
        ("drifted", Service, applied(ours(), [0; 32]), update()),
        (
            "owner edited away",
            Service,
            applied(child(None), [0; 32]),
            update(),
        ),
        ("leaving", Service, leaving(ours()), Step::Wait),
        ("kept, leaving", Claim, leaving(ours()), Step::AwaitRelease),
        (
            "another's",
            Service,
            Some(child(Some(("other", "u-9")))),
            Step::Foreign,
        ),
        ("nobody's", Service, Some(child(None)), Step::Foreign),
        ("labelled only", Service, labelled("support"), Step::Foreign),
        (
            "another's, leaving",
            Service,
            leaving(child(None)),
            Step::Wait,
        ),
        ("of a former life", Service, former(), Step::Wait),
        ("kept, of a former life", Claim, former(), Step::Wait),
        (
            "kept from a former life",
            Claim,
            labelled("support"),
            update(),
        ),
        ("kept by another", Claim, labelled("other"), Step::Foreign),
    ];
    for (what, kind, live, expected) in rows {
        assert_eq!(
            step(&identity(), &object(kind), live.as_ref()),
            expected,
            "{what}"
        );
    }
}

#[test]
fn only_what_lingers_lets_the_others_be_written() {
    let told = |step: Step| {
        let steps = [
            (object(Kind::ServiceAccount), Step::Create),
            (object(Claim), step),
            (object(Kind::Deployment), update()),
        ];
        let text = |error: Option<Error>| error.map(|error| error.to_string());
        (text(blocker(&steps)), text(awaiting_release(&steps)))
    };
    for step in [Step::Keep, Step::Create, update()] {
        assert_eq!(told(step), (None, None));
    }
    let (blocker, awaiting_release) = told(Step::Foreign);
    assert!(blocker.unwrap().contains("does not belong to this chatbox"));
    assert_eq!(awaiting_release, None);
    let (blocker, awaiting_release) = told(Step::Wait);
    assert!(blocker.unwrap().contains("is being deleted"));
    assert_eq!(awaiting_release, None);
    let (blocker, awaiting_release) = told(Step::AwaitRelease);
    assert_eq!(blocker, None);
    let expected = "PersistentVolumeClaim \"support-chatbox-data\" is being deleted; waiting until it is gone, which \
                    is when no pod uses it; set spec.replicas to 0 to stop them";
    assert_eq!(awaiting_release.as_deref(), Some(expected));
}

#[test]
fn only_old_configs_of_ours_are_pruned() {
    let plan = fixtures::plan(QUICKSTART);
    let mut objects = OwnedObjects::new("support");
    let ours = || child(Some(("support", "u-1")));
    let leaving = || CachedObject {
        terminating: true,
        ..ours()
    };
    for object in plan.objects() {
        objects.insert(object.kind, &object.name, ours());
    }
    assert_eq!(stale(&identity(), &plan, &objects), []);
    let config = |number: u32| names::config_map("support", &format!("{number:016x}"));
    let old = config(1);
    let rows = [
        (Kind::ConfigMap, old.clone(), ours()),
        (Kind::ConfigMap, config(2), child(Some(("other", "u-9")))),
        (Kind::ConfigMap, config(3), child(None)),
        (Kind::ConfigMap, config(4), leaving()),
        (Kind::ConfigMap, "a-copy".to_owned(), ours()),
        (Kind::ConfigMap, format!("{old}-copy"), ours()),
        (Kind::Service, "a-copy".to_owned(), ours()),
        (Kind::Deployment, "a-copy".to_owned(), ours()),
        (Kind::Secret, old.clone(), ours()),
        (Claim, old.clone(), ours()),
        (Kind::Pod, "pod".to_owned(), child(Some(("x-77", "r-1")))),
    ];
    for (kind, name, child) in rows {
        objects.insert(kind, &name, child);
    }
    let pruned = Stale {
        kind: Kind::ConfigMap,
        name: old,
        uid: "child".to_owned(),
    };
    assert_eq!(stale(&identity(), &plan, &objects), [pruned]);
}
