//! Which failures are reported at once, and which only when they persist. Pure.

use crate::error::Error;

/// A transient failure is reported after this many failures in a row; until then the last status stays.
const FAILURE_THRESHOLD: u32 = 4;

/// Whether a failure is reported now. `is_reported` says that there is a status of this generation of the spec, and
/// `failures` is the number of failures in a row before this one.
pub fn is_reached(error: &Error, is_reported: bool, failures: u32) -> bool {
    // To wait is not to fail, and the admin may have to act.
    let is_told_at_once = matches!(
        error.primary(),
        Error::Terminating { .. } | Error::Contested { .. }
    );
    let is_transient = error.is_transient() && !is_told_at_once;
    !is_transient || !is_reported || failures >= FAILURE_THRESHOLD
}

#[cfg(test)]
mod tests {
    use crate::kind::Kind;
    use crate::validate::Findings;

    use super::*;

    #[test]
    fn only_transient_failures_have_a_threshold() {
        let terminating = || Error::Terminating {
            kind: Kind::SERVICE,
            name: "s".to_owned(),
        };
        let contested = || Error::Contested {
            kind: Kind::SERVICE,
            name: "s".to_owned(),
            manager: None,
        };
        let foreign = || Error::Foreign {
            kind: Kind::SERVICE,
            name: "s".to_owned(),
            owner: None,
            chatbox: "support".to_owned(),
        };
        let invalid = || Error::Invalid(Findings::default());
        let rows = [
            (Error::TimedOut(1), true, 0, false),
            (Error::TimedOut(1), true, FAILURE_THRESHOLD - 1, false),
            (Error::TimedOut(1), true, FAILURE_THRESHOLD, true),
            (Error::TimedOut(1), true, u32::MAX, true),
            (Error::TimedOut(1), false, 0, true),
            (terminating(), true, 0, true),
            (contested(), true, 0, true),
            (foreign(), true, 0, true),
            (invalid(), true, 0, true),
            (invalid(), false, FAILURE_THRESHOLD, true),
        ];
        for (error, is_reported, failures, expected) in rows {
            let reached = is_reached(&error, is_reported, failures);
            assert_eq!(reached, expected, "{error}, {is_reported}, {failures}");
        }
    }
}
