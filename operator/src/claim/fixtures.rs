//! Claims for tests.

use super::*;

pub(super) fn spec(size: &str, class: Option<&str>) -> Claim {
    Claim {
        size: size.to_owned(),
        storage_class_name: class.map(str::to_owned),
    }
}

pub(super) fn live(request: &str, capacity: &str) -> LiveClaim {
    LiveClaim {
        access_modes: vec!["ReadWriteMany".to_owned()],
        storage_class_name: Some("ssd".to_owned()),
        is_class_applied: false,
        request: Some(request.to_owned()),
        capacity: Some(capacity.to_owned()).filter(|text| !text.is_empty()),
        phase: if capacity.is_empty() {
            ClaimPhase::Pending
        } else {
            ClaimPhase::Bound
        },
        ..LiveClaim::default()
    }
}
