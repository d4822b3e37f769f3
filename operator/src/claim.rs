//! The PersistentVolumeClaim as it is beside what the spec asks for. Pure.
//!
//! Of a claim that exists, only the size can be changed, and only to more than the volume has; a class can be given to a
//! pending one that has none. So it is planned as it is wherever the spec asks
//! for something else, and the difference is reported: a claim that cannot be changed must not keep every other change
//! from being made.

pub mod difference;
#[cfg(test)]
mod fixtures;

use std::cmp::Ordering;

use crds::config::Claim;

use crate::quantity;

pub use difference::{Difference, Differences};

/// What is planned when no claim exists: one pod writes to the volume.
const ACCESS_MODE: &str = "ReadWriteOnce";

/// A PersistentVolumeClaim that exists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveClaim {
    pub access_modes: Vec<String>,
    pub storage_class_name: Option<String>,
    /// Our field manager has applied the class: to leave it out would be to take it away, which is refused.
    pub is_class_applied: bool,
    /// The size that is asked for.
    pub request: Option<String>,
    /// The size of the volume; none before the claim is bound to one.
    pub capacity: Option<String>,
    pub phase: ClaimPhase,
    /// It names a volume, a snapshot or the like: what it is to hold exists already.
    pub has_source: bool,
    /// It is handed to pods as a device, not as a directory.
    pub is_block: bool,
    /// What the storage says about a growth that is under way.
    pub growth: Vec<Growth>,
}

/// Whether it has a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClaimPhase {
    #[default]
    Bound,
    /// No volume was ever bound to it, so it holds nothing yet.
    Pending,
    /// The volume that it was bound to is gone.
    Lost,
}

/// What the storage says about a growth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    pub kind: GrowthKind,
    pub message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrowthKind {
    Resizing,
    /// The volume has grown, and its file system grows on the node.
    FileSystemPending,
    Failed,
}

/// What is applied to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedClaim {
    pub access_modes: Vec<String>,
    pub storage_class_name: Option<String>,
    pub size: String,
}

/// What is applied, so that the API server need not refuse it.
pub fn plan(spec: &Claim, live: Option<&LiveClaim>) -> PlannedClaim {
    let Some(live) = live else {
        return PlannedClaim {
            access_modes: vec![ACCESS_MODE.to_owned()],
            storage_class_name: spec.storage_class_name.clone(),
            size: quantity::canonical(&spec.size),
        };
    };
    let is_class_named = spec.storage_class_name.is_some() || live.is_class_applied;
    let storage_class_name = if takes_class(live) {
        spec.storage_class_name.clone()
    } else {
        live.storage_class_name.clone().filter(|_| is_class_named)
    };
    PlannedClaim {
        access_modes: live.access_modes.clone(),
        storage_class_name,
        size: size(spec, live),
    }
}

/// Where there was no default class, the API server takes one later (`validateStorageClassUpgradeFromNil`).
fn takes_class(live: &LiveClaim) -> bool {
    live.phase == ClaimPhase::Pending && live.storage_class_name.is_none()
}

/// What the spec asks for if that is more than there is, and what the claim asks for otherwise. A growth that failed can be
/// taken back to less, as long as it remains one.
fn size(spec: &Claim, live: &LiveClaim) -> String {
    let Some(request) = &live.request else {
        return quantity::canonical(&spec.size);
    };
    let Some(capacity) = &live.capacity else {
        // The size of a claim that is not bound is immutable.
        return request.clone();
    };
    let is_larger = |than: &str| quantity::compare(&spec.size, than) == Some(Ordering::Greater);
    let is_as_asked = quantity::compare(&spec.size, request) == Some(Ordering::Equal);
    if is_larger(capacity) && !is_as_asked {
        quantity::canonical(&spec.size)
    } else {
        request.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::fixtures::{live, spec};
    use super::*;

    #[test]
    fn the_larger_size_is_planned() {
        let rows = [
            ("grows", "2Gi", live("1Gi", "1Gi"), "2Gi"),
            ("as it is", "1024Mi", live("1Gi", "1Gi"), "1Gi"),
            ("grown from outside", "1Gi", live("3Gi", "3Gi"), "3Gi"),
            ("still growing", "1Gi", live("2Gi", "1Gi"), "2Gi"),
            (
                "a growth that failed",
                "20Gi",
                live("1000Gi", "1Gi"),
                "20Gi",
            ),
            (
                "grown by bytes",
                "2Gi",
                live("3221225472", "3Gi"),
                "3221225472",
            ),
            (
                "grown in another notation",
                "2Gi",
                live("3e9", "3e9"),
                "3e9",
            ),
            (
                "in another notation, less",
                "2Gi",
                live("1e9", "1e9"),
                "2Gi",
            ),
            ("a large static volume", "5Gi", live("1Gi", "10Gi"), "1Gi"),
            (
                "more than a static volume has",
                "20Gi",
                live("1Gi", "10Gi"),
                "20Gi",
            ),
            ("not bound", "2Gi", live("1Gi", ""), "1Gi"),
            ("not comparable", "2Gi", live("many", "many"), "many"),
        ];
        for (what, size, live, expected) in rows {
            let planned = plan(&spec(size, None), Some(&live));
            assert_eq!(planned.size, expected, "{what}");
        }
        assert_eq!(plan(&spec("2048Mi", None), None).size, "2Gi");
    }

    #[test]
    fn a_claim_keeps_its_class_and_access_modes() {
        let applied = LiveClaim {
            is_class_applied: true,
            ..live("1Gi", "1Gi")
        };
        let none = LiveClaim {
            storage_class_name: None,
            ..live("1Gi", "1Gi")
        };
        let pending = LiveClaim {
            storage_class_name: None,
            ..live("1Gi", "")
        };
        let rows = [
            ("never named", None, live("1Gi", "1Gi"), None),
            (
                "named before, and no longer",
                None,
                applied.clone(),
                Some("ssd"),
            ),
            ("as it is", Some("ssd"), applied, Some("ssd")),
            ("another", Some("fast"), live("1Gi", "1Gi"), Some("ssd")),
            ("named, and it has none", Some("fast"), none, None),
            ("named later", Some("fast"), pending.clone(), Some("fast")),
            ("still not named", None, pending, None),
        ];
        for (what, class, live, expected) in rows {
            let planned = plan(&spec("1Gi", class), Some(&live));
            assert_eq!(planned.storage_class_name.as_deref(), expected, "{what}");
            assert_eq!(planned.access_modes, ["ReadWriteMany"], "{what}");
        }
        let fresh = plan(&spec("1Gi", Some("")), None);
        assert_eq!(fresh.storage_class_name.as_deref(), Some(""));
        assert_eq!(fresh.access_modes, ["ReadWriteOnce"]);
    }
}
