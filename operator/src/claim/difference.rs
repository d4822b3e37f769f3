//! What the spec asks of the claim and it is not, in words. Pure.

use std::cmp::Ordering;

use crds::config::Claim;

use super::{ClaimPhase, Growth, GrowthKind, LiveClaim, takes_class};
use crate::quantity;

/// What else to do about a claim that holds nothing.
const ANEW: &str =
    ", or delete it: no volume was bound to it yet, so it holds nothing, and it is created anew";
/// A pod writes to the volume.
const WRITABLE: [&str; 3] = ["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"];

/// Why the claim is not as the spec asks; the first gives the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// The volume that it was bound to is gone.
    VolumeLost,
    /// No pod can write files to it.
    Unusable,
    /// The API server, or admission, has refused to change it.
    Refused,
    /// It can never be what the spec asks for.
    CannotBeChanged,
    GrowthFailed,
    Growing,
}

/// Everything that the spec asks of the claim and it is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Differences(Vec<(Difference, String)>);

impl Difference {
    /// The reason of a condition.
    pub fn reason(self) -> &'static str {
        match self {
            Self::VolumeLost => "VolumeLost",
            Self::Unusable => "Unusable",
            Self::Refused => "WriteRefused",
            Self::CannotBeChanged => "CannotBeChanged",
            Self::GrowthFailed => "GrowthFailed",
            Self::Growing => "Growing",
        }
    }
}

impl Differences {
    /// The same, and one that the cluster has answered to a write.
    #[must_use]
    pub fn with_refusal(mut self, words: String) -> Self {
        self.0.push((Difference::Refused, words));
        self.0.sort_by_key(|(difference, _)| *difference);
        self
    }

    /// The most serious.
    pub fn first(&self) -> Option<Difference> {
        self.0.first().map(|(difference, _)| *difference)
    }

    /// All in words; none if there is nothing.
    pub fn message(&self) -> Option<String> {
        let words: Vec<&str> = self.0.iter().map(|(_, words)| words.as_str()).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }
}

/// What the spec asks for and the claim is not.
pub fn differences(name: &str, spec: &Claim, live: &LiveClaim) -> Differences {
    let found = [
        lost(live),
        unusable(live),
        class_difference(spec, live).map(|words| (Difference::CannotBeChanged, words)),
        size_difference(spec, live).map(|words| (Difference::CannotBeChanged, words)),
        growth(spec, live),
    ];
    let found = found.into_iter().flatten();
    let named = |(difference, words)| {
        let words = format!("PersistentVolumeClaim {name:?} {words}");
        (difference, words)
    };
    Differences(found.map(named).collect())
}

fn lost(live: &LiveClaim) -> Option<(Difference, String)> {
    let words = "has lost its volume, and with it what was stored; bring its PersistentVolume back, or, to begin with an \
                 empty one, set spec.replicas to 0 and delete the claim";
    (live.phase == ClaimPhase::Lost).then(|| (Difference::VolumeLost, words.to_owned()))
}

/// Somebody else has created it, as from a snapshot: the operator never asks for this.
fn unusable(live: &LiveClaim) -> Option<(Difference, String)> {
    let remedy = "create it anew, as from a snapshot of it";
    let is_writable = |mode: &String| WRITABLE.contains(&mode.as_str());
    if live.is_block {
        let words = format!("has the volumeMode \"Block\", and pods need a directory; {remedy}");
        return Some((Difference::Unusable, words));
    }
    if live.access_modes.is_empty() || live.access_modes.iter().any(is_writable) {
        return None;
    }
    let modes = live.access_modes.join(", ");
    let words =
        format!("has the access mode {modes}, and the server writes to its volume; {remedy}");
    Some((Difference::Unusable, words))
}

/// A growth that is asked for and has not happened.
fn growth(spec: &Claim, live: &LiveClaim) -> Option<(Difference, String)> {
    let (request, capacity) = (live.request.as_ref()?, live.capacity.as_ref()?);
    let is_larger = |size: &str| quantity::compare(size, capacity) == Some(Ordering::Greater);
    if !is_larger(request) || !is_larger(&spec.size) {
        return None;
    }
    let said = live.growth.iter().map(said).collect::<String>();
    let is_failed = live
        .growth
        .iter()
        .any(|growth| growth.kind == GrowthKind::Failed);
    Some(if is_failed {
        let words = format!(
            "asks for {request} and has {capacity}, and its storage could not grow it; it goes on trying, and a smaller \
             size above {capacity} can be asked for{said}"
        );
        (Difference::GrowthFailed, words)
    } else {
        let words = format!("asks for {request} and has {capacity}: it has not grown yet{said}");
        (Difference::Growing, words)
    })
}

/// In the words of the storage, and with what may help.
fn said(growth: &Growth) -> String {
    let Growth { kind, message } = growth;
    match kind {
        GrowthKind::FileSystemPending => format!(
            "; its file system is still to grow on the node, which some drivers do only when the pod is created anew \
             ({message})"
        ),
        GrowthKind::Resizing | GrowthKind::Failed if message.is_empty() => String::new(),
        GrowthKind::Resizing | GrowthKind::Failed => format!(": {message}"),
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
    // Made anew, it would be empty, whatever it is to be made from.
    if live.phase == ClaimPhase::Pending && !live.has_source {
        ANEW
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{live, spec};
    use super::*;

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
        let from_snapshot = LiveClaim {
            has_source: true,
            ..live("3Gi", "")
        };
        // Its volume has gone, and what it held may be there still.
        let lost = LiveClaim {
            phase: ClaimPhase::Bound,
            ..live("1Gi", "")
        };
        let rows = [
            (spec("1Gi", None), live("1Gi", "1Gi"), None),
            (spec("1Gi", None), live("1Gi", "10Gi"), None),
            (spec("2Gi", Some("ssd")), live("1Gi", "1Gi"), None),
            (
                spec("20Gi", None),
                live("1000Gi", "1Gi"),
                Some("asks for 1000Gi and has 1Gi: it has not grown yet"),
            ),
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
                spec("1Gi", None),
                from_snapshot,
                Some("asks for 3Gi and the spec for 1Gi: what was asked for stays; write 3Gi"),
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
            let found = differences("data", &spec, &live).message();
            let expected = expected.map(|words| format!("PersistentVolumeClaim \"data\" {words}"));
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_growth_that_does_not_happen_is_told_in_the_words_of_the_storage() {
        let growing = |kind, message: &str| LiveClaim {
            growth: vec![Growth {
                kind,
                message: message.to_owned(),
            }],
            ..live("2Gi", "1Gi")
        };
        let rows = [
            (
                "2Gi",
                live("2Gi", "1Gi"),
                Some((Difference::Growing, "it has not grown yet")),
            ),
            (
                "2Gi",
                growing(GrowthKind::Resizing, ""),
                Some((Difference::Growing, "has not grown yet")),
            ),
            (
                "2Gi",
                growing(GrowthKind::FileSystemPending, "waiting for the user"),
                Some((
                    Difference::Growing,
                    "pod is created anew (waiting for the user)",
                )),
            ),
            (
                "2Gi",
                growing(GrowthKind::Failed, "no space in pool"),
                Some((
                    Difference::GrowthFailed,
                    "above 1Gi can be asked for: no space in pool",
                )),
            ),
            ("2Gi", live("2Gi", "2Gi"), None),
            // A static volume may be larger than what was asked for.
            ("2Gi", live("2Gi", "10Gi"), None),
        ];
        for (size, live, expected) in rows {
            let found = differences("data", &spec(size, None), &live);
            assert_eq!(found.first(), expected.map(|(difference, _)| difference));
            let message = found.message().unwrap_or_default();
            let words = expected.map_or("", |(_, words)| words);
            assert!(message.ends_with(words), "{message}");
        }
    }

    #[test]
    fn a_claim_that_no_pod_can_use_is_told() {
        let lost = LiveClaim {
            phase: ClaimPhase::Lost,
            ..live("1Gi", "")
        };
        let block = LiveClaim {
            is_block: true,
            ..live("1Gi", "1Gi")
        };
        let read_only = LiveClaim {
            access_modes: vec!["ReadOnlyMany".to_owned()],
            ..live("1Gi", "1Gi")
        };
        let rows = [
            (lost, Difference::VolumeLost, "has lost its volume"),
            (block, Difference::Unusable, "volumeMode \"Block\""),
            (read_only, Difference::Unusable, "access mode ReadOnlyMany"),
        ];
        for (live, expected, words) in rows {
            let found = differences("data", &spec("1Gi", None), &live);
            assert_eq!(found.first(), Some(expected));
            assert!(found.message().unwrap().contains(words));
        }
    }

    #[test]
    fn a_claim_that_a_pod_can_write_to_is_as_good_as_any() {
        for modes in [
            &["ReadWriteOnce"][..],
            &["ReadWriteMany"],
            &["ReadWriteOncePod"],
            &["ReadOnlyMany", "ReadWriteMany"],
            // It has just been created.
            &[],
        ] {
            let live = LiveClaim {
                access_modes: modes.iter().map(|&mode| mode.to_owned()).collect(),
                ..live("1Gi", "1Gi")
            };
            let found = differences("data", &spec("1Gi", None), &live);
            assert_eq!(found.first(), None, "{modes:?}");
        }
    }

    #[test]
    fn the_most_serious_gives_the_reason_and_all_are_told() {
        let live = LiveClaim {
            growth: vec![],
            ..live("3Gi", "3Gi")
        };
        let found = differences("data", &spec("1Gi", None), &live);
        let found = found.with_refusal("refused".to_owned());
        assert_eq!(found.first().map(Difference::reason), Some("WriteRefused"));
        assert!(found.message().unwrap().starts_with("refused; Persistent"));
    }
}
