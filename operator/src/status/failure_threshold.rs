//! Which failures are told at once, and which may pass before anybody need hear of them. Pure.

use crate::error::Error;

/// A failure that may pass by itself is told when it has happened this often before: until then the last word holds.
const FAILURE_THRESHOLD: u32 = 4;

/// Whether a failure is told now. `is_known` says that there is a last word about this generation of the spec, and
/// `failures` how often in a row it failed before.
pub fn is_reported(error: &Error, is_known: bool, failures: u32) -> bool {
    // To wait is not to fail: somebody may want to know for what.
    let may_pass = error.is_transient() && !matches!(error, Error::Terminating { .. });
    !may_pass || !is_known || failures >= FAILURE_THRESHOLD
}

#[cfg(test)]
mod tests {
    use crate::kind::Kind;
    use crate::validate::Findings;

    use super::*;

    #[test]
    fn what_may_pass_is_told_late_and_the_rest_at_once() {
        let leaving = || Error::Terminating {
            kind: Kind::Service,
            name: "s".to_owned(),
        };
        let foreign = || Error::Foreign {
            kind: Kind::Service,
            name: "s".to_owned(),
        };
        let invalid = || Error::Invalid(Findings::default());
        let rows = [
            (Error::TimedOut(1), true, 0, false),
            (Error::TimedOut(1), true, FAILURE_THRESHOLD - 1, false),
            (Error::TimedOut(1), true, FAILURE_THRESHOLD, true),
            (Error::TimedOut(1), true, u32::MAX, true),
            (Error::TimedOut(1), false, 0, true),
            (leaving(), true, 0, true),
            (foreign(), true, 0, true),
            (invalid(), true, 0, true),
            (invalid(), false, FAILURE_THRESHOLD, true),
        ];
        for (error, is_known, failures, expected) in rows {
            let told = is_reported(&error, is_known, failures);
            assert_eq!(told, expected, "{error}, {is_known}, {failures}");
        }
    }
}
