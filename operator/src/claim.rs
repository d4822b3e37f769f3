//! The PersistentVolumeClaim as it is beside what the spec asks for. Pure.
//!
//! Of a claim that exists, only the size can be changed, and only to more than the volume has; a class can be given to a
//! pending one that has none. So it is planned as it is wherever the spec asks
//! for something else, and the difference is reported: a claim that cannot be changed must not keep every other change
//! from being made.

use std::cmp::Ordering;

use crds::config::Claim;

use crate::quantity;

/// What else to do about a claim that holds nothing.
const ANEW: &str =
    ", or delete it: no volume was bound to it yet, so it holds nothing, and it is created anew";

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
    /// No volume was ever bound to it, so it holds nothing.
    pub is_pending: bool,
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

/// What the spec asks for and the claim cannot be changed to, in words; none if there is nothing.
pub fn difference(name: &str, spec: &Claim, live: &LiveClaim) -> Option<String> {
    let words: Vec<String> = [class_difference(spec, live), size_difference(spec, live)]
        .into_iter()
        .flatten()
        .collect();
    (!words.is_empty()).then(|| format!("PersistentVolumeClaim {name:?} {}", words.join("; it ")))
}

/// Where there was no default class, the API server takes one later (`validateStorageClassUpgradeFromNil`).
fn takes_class(live: &LiveClaim) -> bool {
    live.is_pending && live.storage_class_name.is_none()
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

fn class_difference(spec: &Claim, live: &LiveClaim) -> Option<String> {
    let named = spec.storage_class_name.as_ref()?;
    let class = live.storage_class_name.as_deref();
    if class == Some(named) || takes_class(live) {
        return None;
    }
    let anew = anew(live);
    let (has, remedy) = match class {
        Some(class) => (
            format!("has the storage class {class:?}"),
            format!("write {class:?} or leave it out"),
        ),
        None => ("has no storage class".to_owned(), "leave it out".to_owned()),
    };
    Some(format!(
        "{has} and the spec names {named:?}, which cannot be changed and stays; {remedy}{anew}"
    ))
}

fn size_difference(spec: &Claim, live: &LiveClaim) -> Option<String> {
    let request = live.request.as_ref()?;
    let size = &spec.size;
    let anew = anew(live);
    match (quantity::compare(size, request)?, &live.capacity) {
        (Ordering::Equal, _) | (Ordering::Greater, Some(_)) => None,
        (Ordering::Greater, None) => Some(format!(
            "asks for {request} and the spec for {size}: it can grow once it is bound to a volume{anew}"
        )),
        (Ordering::Less, Some(capacity))
            if quantity::compare(size, capacity) == Some(Ordering::Less) =>
        {
            Some(format!(
                "has {capacity} and the spec asks for {size}: a volume cannot shrink and stays; write {request}"
            ))
        }
        (Ordering::Less, Some(capacity))
            if quantity::compare(size, capacity) == Some(Ordering::Greater) =>
        {
            None
        }
        (Ordering::Less, _) => Some(format!(
            "asks for {request} and the spec for {size}: what was asked for stays; write {request}{anew}"
        )),
    }
}

fn anew(live: &LiveClaim) -> &'static str {
    if live.is_pending { ANEW } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(size: &str, class: Option<&str>) -> Claim {
        Claim {
            size: size.to_owned(),
            storage_class_name: class.map(str::to_owned),
        }
    }

    fn live(request: &str, capacity: &str) -> LiveClaim {
        LiveClaim {
            access_modes: vec!["ReadWriteMany".to_owned()],
            storage_class_name: Some("ssd".to_owned()),
            is_class_applied: false,
            request: Some(request.to_owned()),
            capacity: Some(capacity.to_owned()).filter(|text| !text.is_empty()),
            is_pending: capacity.is_empty(),
        }
    }

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

    #[test]
    fn what_cannot_be_changed_is_said_in_words() {
        let static_class = LiveClaim {
            storage_class_name: Some(String::new()),
            ..live("1Gi", "1Gi")
        };
        let classless = LiveClaim {
            storage_class_name: None,
            ..live("1Gi", "")
        };
        // Its volume has gone, and what it held may be there still.
        let lost = LiveClaim {
            is_pending: false,
            ..live("1Gi", "")
        };
        let rows = [
            (spec("1Gi", None), live("1Gi", "1Gi"), None),
            (spec("1Gi", None), live("1Gi", "10Gi"), None),
            (spec("2Gi", Some("ssd")), live("1Gi", "1Gi"), None),
            (spec("20Gi", None), live("1000Gi", "1Gi"), None),
            (spec("1Gi", Some("fast")), classless, None),
            (
                spec("1Gi", None),
                live("3Gi", "3Gi"),
                Some(
                    "has 3Gi and the spec asks for 1Gi: a volume cannot shrink and stays; write 3Gi",
                ),
            ),
            (
                spec("1Gi", None),
                live("3Gi", "1Gi"),
                Some("asks for 3Gi and the spec for 1Gi: what was asked for stays; write 3Gi"),
            ),
            (
                spec("1Gi", None),
                live("3Gi", ""),
                Some(
                    "asks for 3Gi and the spec for 1Gi: what was asked for stays; write 3Gi, or delete it: no volume was \
                     bound to it yet, so it holds nothing, and it is created anew",
                ),
            ),
            (
                spec("2Gi", None),
                lost,
                Some("asks for 1Gi and the spec for 2Gi: it can grow once it is bound to a volume"),
            ),
            (
                spec("1Gi", Some("")),
                live("1Gi", "1Gi"),
                Some(
                    "has the storage class \"ssd\" and the spec names \"\", which cannot be changed and stays; write \
                     \"ssd\" or leave it out",
                ),
            ),
            (
                spec("1Gi", Some("ssd")),
                static_class,
                Some(
                    "has the storage class \"\" and the spec names \"ssd\", which cannot be changed and stays; write \"\" \
                     or leave it out",
                ),
            ),
        ];
        for (spec, live, expected) in rows {
            let words = difference("data", &spec, &live);
            let expected = expected.map(|words| format!("PersistentVolumeClaim \"data\" {words}"));
            assert_eq!(words, expected);
        }
    }
}
