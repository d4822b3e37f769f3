//! Whether the objects that hold data or keys have the owner that the deletion policy asks for. Pure.
//!
//! A setting that protects data takes effect by itself, whatever else is wrong with the Chatbox: the owner is settled before
//! anything is validated, in a write of the metadata alone, also while the Chatbox is paused.

use crds::chatbox::DeletionPolicy;
use crds::runtime::NAME_LABEL;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use serde_json::{Map, Value, json};

use crate::cache::{CachedObject, OwnedObjects};
use crate::guarded::Uses;
use crate::kind::Kind;
use crate::names;
use crate::plan::meta;
use crate::stored::Stored;

/// An object whose owner does not follow the policy, and the patch that makes it.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsettled {
    pub kind: Kind,
    pub name: String,
    /// A strategic merge patch. The uid in it is a precondition.
    pub patch: Value,
}

/// What the Chatbox says about the objects that it keeps.
#[derive(Clone, Copy, Debug)]
pub struct Wishes {
    pub policy: DeletionPolicy,
    pub uses: Uses,
    /// It is being deleted.
    pub is_terminating: bool,
}

/// The kept objects that exist, belong to the Chatbox, and do not follow the policy.
///
/// What it owns and should keep is let go in any case: generated keys stay when the spec names others. Only what the spec
/// uses gets an owner: a claim that it does not use may hold the messages of an earlier Chatbox of the same name, which was to
/// keep them. A Chatbox that is being deleted takes nothing any more: `--cascade=orphan` has taken its owner references off,
/// and to add one again would delete what was to stay.
pub fn unsettled(
    chatbox: &Stored,
    owner: &OwnerReference,
    wishes: Wishes,
    objects: &OwnedObjects,
) -> Vec<Unsettled> {
    let name = &chatbox.namespaced_name.name;
    let Uses {
        claim,
        signing_key,
        encryption_key,
    } = wishes.uses;
    let kept = [
        (Kind::PERSISTENT_VOLUME_CLAIM, names::data(name), claim),
        (Kind::SECRET, names::keys(name), signing_key),
        (Kind::SECRET, names::encryption(name), encryption_key),
    ];
    let unsettled = |(kind, name, is_used): (Kind, String, bool)| {
        let object = objects.get(kind, &name)?;
        let metadata = change(chatbox, wishes, owner, is_used, kind, object)?;
        let mut patch = json!({ "metadata": metadata });
        patch["metadata"]["uid"] = object.uid.clone().into();
        Some(Unsettled { kind, name, patch })
    };
    kept.into_iter().filter_map(unsettled).collect()
}

/// How the metadata of one object must change.
fn change(
    chatbox: &Stored,
    wishes: Wishes,
    owner: &OwnerReference,
    is_used: bool,
    kind: Kind,
    object: &CachedObject,
) -> Option<Value> {
    let deletes = wishes.policy == DeletionPolicy::Delete;
    let is_owned = object.owners.contains(&chatbox.uid);
    // It goes with this Chatbox, as the policy asks.
    let is_leaving = deletes && wishes.is_terminating;
    let former = object.owner.as_ref();
    let former = former.filter(|_| object.is_restored_of(chatbox) && !is_leaving);
    let is_ours = former.is_some() || object.belongs_to(kind, chatbox);
    let takes = deletes && is_used && !is_leaving && !is_owned && is_ours;
    let released = (!deletes && is_owned).then_some(&chatbox.uid);
    let gone: Vec<&String> = former
        .map(|owner| &owner.uid)
        .into_iter()
        .chain(released)
        .collect();
    if gone.is_empty() && !takes {
        return None;
    }
    let gone = gone
        .into_iter()
        .map(|uid| json!({"$patch": "delete", "uid": uid}));
    let added = takes.then(|| json!(owner));
    let mut labels = Map::new();
    if !takes {
        // Other tools prune by these what has no owner.
        labels.extend(meta::RECOMMENDED.map(|label| (label.to_owned(), Value::Null)));
    }
    if takes || former.is_some() {
        let name = chatbox.namespaced_name.name.clone();
        labels.insert(NAME_LABEL.to_owned(), name.into());
    }
    let owners: Vec<Value> = gone.chain(added).collect();
    Some(json!({"ownerReferences": owners, "labels": labels}))
}

#[cfg(test)]
mod tests {
    use crate::cache::Detail;
    use crate::cache::cached_object::Owner;
    use crate::fixtures::{QUICKSTART, cached, chatbox, stored};

    use super::*;

    fn owner() -> OwnerReference {
        chatbox(QUICKSTART).identity().owner.unwrap()
    }

    fn object(owners: &[&str], label: Option<&str>) -> CachedObject {
        CachedObject {
            owners: owners.iter().map(|uid| (*uid).to_owned()).collect(),
            label: label.map(str::to_owned),
            ..cached(Detail::None)
        }
    }

    fn patches(policy: DeletionPolicy, object: &CachedObject) -> Vec<Unsettled> {
        let objects = OwnedObjects::default()
            .with(
                Kind::PERSISTENT_VOLUME_CLAIM,
                "support-chatbox-data",
                object.clone(),
            )
            .with(Kind::SECRET, "support-chatbox-keys", object.clone())
            // Not what holds data, and not ours by its name.
            .with(Kind::SERVICE, "support-chatbox", object.clone())
            .with(Kind::PERSISTENT_VOLUME_CLAIM, "other", object.clone());
        unsettled(&stored(), &owner(), wishes(policy), &objects)
    }

    fn wishes(policy: DeletionPolicy) -> Wishes {
        Wishes {
            policy,
            uses: Uses {
                claim: true,
                signing_key: true,
                encryption_key: true,
            },
            is_terminating: false,
        }
    }

    #[test]
    fn only_an_owner_that_does_not_follow_the_policy_is_changed() {
        use DeletionPolicy::{Delete, Retain};
        let ours = Some("support");
        let rows = [
            ("released", Retain, object(&["u-1"], ours), true),
            (
                "released beside another owner",
                Retain,
                object(&["u-9", "u-1"], ours),
                true,
            ),
            (
                "released although its label is gone",
                Retain,
                object(&["u-1"], None),
                true,
            ),
            ("has no owner", Retain, object(&[], ours), false),
            ("has another owner", Retain, object(&["u-9"], ours), false),
            ("owned", Delete, object(&[], ours), true),
            (
                "owned beside another owner",
                Delete,
                object(&["u-9"], ours),
                true,
            ),
            ("is owned", Delete, object(&["u-1"], ours), false),
            ("is foreign", Delete, object(&[], None), false),
            (
                "is kept by another",
                Delete,
                object(&[], Some("other")),
                false,
            ),
        ];
        for (what, policy, object, expected) in rows {
            let found: Vec<_> = patches(policy, &object)
                .into_iter()
                .map(|unsettled| (unsettled.kind, unsettled.name))
                .collect();
            let both = vec![
                (
                    Kind::PERSISTENT_VOLUME_CLAIM,
                    "support-chatbox-data".to_owned(),
                ),
                (Kind::SECRET, "support-chatbox-keys".to_owned()),
            ];
            assert_eq!(found, if expected { both } else { vec![] }, "{what}");
        }
    }

    #[test]
    fn the_patch_is_of_the_metadata_of_this_object_alone() {
        let released = &patches(DeletionPolicy::Retain, &object(&["u-1"], None))[0].patch;
        let expected = json!({"metadata": {
            "uid": "object",
            "ownerReferences": [{"$patch": "delete", "uid": "u-1"}],
            "labels": {
                "app.kubernetes.io/name": null, "app.kubernetes.io/instance": null,
                "app.kubernetes.io/managed-by": null,
            },
        }});
        assert_eq!(*released, expected);
        let owned = &patches(DeletionPolicy::Delete, &object(&[], Some("support")))[0].patch;
        let expected = json!({"metadata": {
            "uid": "object",
            "ownerReferences": [owner()],
            "labels": {"chatbox.dev/name": "support"},
        }});
        assert_eq!(*owned, expected);
    }

    /// Its owner is the Chatbox of this name that was saved with it.
    fn restored() -> CachedObject {
        CachedObject {
            owner: Some(Owner {
                group: "chatbox.dev".to_owned(),
                kind: "Chatbox".to_owned(),
                name: "support".to_owned(),
                uid: "u-0".to_owned(),
            }),
            ..object(&["u-0"], None)
        }
    }

    #[test]
    fn what_a_backup_has_restored_is_taken_from_its_former_owner() {
        use DeletionPolicy::{Delete, Retain};
        let gone = || json!({"$patch": "delete", "uid": "u-0"});
        let owners = |policy, object: &CachedObject| {
            let first = patches(policy, object).into_iter().next()?;
            assert_eq!(
                first.patch["metadata"]["labels"][NAME_LABEL], "support",
                "nothing would say whose it is"
            );
            Some(first.patch["metadata"]["ownerReferences"].clone())
        };
        assert_eq!(owners(Retain, &restored()), Some(json!([gone()])));
        let taken = owners(Delete, &restored());
        assert_eq!(taken, Some(json!([gone(), owner()])));
        let of_this_cluster = CachedObject {
            written_here: true,
            ..restored()
        };
        let terminating = CachedObject {
            terminating: true,
            ..restored()
        };
        for object in [of_this_cluster, terminating] {
            assert_eq!(owners(Retain, &object), None, "it goes with its Chatbox");
            assert_eq!(owners(Delete, &object), None, "it goes with its Chatbox");
        }
    }

    #[test]
    fn what_the_spec_does_not_use_gets_no_owner_and_is_let_go() {
        let kinds = |uses: Uses, policy, object: CachedObject| {
            let objects = OwnedObjects::default()
                .with(
                    Kind::PERSISTENT_VOLUME_CLAIM,
                    "support-chatbox-data",
                    object.clone(),
                )
                .with(Kind::SECRET, "support-chatbox-keys", object);
            let wishes = Wishes {
                uses,
                ..wishes(policy)
            };
            let found = unsettled(&stored(), &owner(), wishes, &objects);
            let kinds = found.into_iter().map(|unsettled| unsettled.kind);
            kinds.collect::<Vec<_>>()
        };
        let (claim, keys) = (Kind::PERSISTENT_VOLUME_CLAIM, Kind::SECRET);
        for (uses_claim, uses_keys, expected) in [
            (false, false, vec![]),
            (true, false, vec![claim]),
            (false, true, vec![keys]),
        ] {
            let uses = Uses {
                claim: uses_claim,
                signing_key: uses_keys,
                encryption_key: uses_keys,
            };
            let kept = object(&[], Some("support"));
            assert_eq!(kinds(uses, DeletionPolicy::Delete, kept), expected);
            let owned = object(&["u-1"], Some("support"));
            assert_eq!(kinds(uses, DeletionPolicy::Retain, owned), [claim, keys]);
        }
    }

    #[test]
    fn what_is_being_deleted_takes_nothing_and_still_lets_go() {
        let objects = |object| {
            OwnedObjects::default().with(
                Kind::PERSISTENT_VOLUME_CLAIM,
                "support-chatbox-data",
                object,
            )
        };
        let unsettled = |policy, object| {
            let wishes = Wishes {
                is_terminating: true,
                ..wishes(policy)
            };
            unsettled(&stored(), &owner(), wishes, &objects(object)).len()
        };
        let orphaned = object(&[], Some("support"));
        assert_eq!(unsettled(DeletionPolicy::Delete, orphaned), 0);
        let owned = object(&["u-1"], Some("support"));
        assert_eq!(unsettled(DeletionPolicy::Retain, owned), 1);
    }
}
