//! How many files, and so connections, this process may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as this process may, and warns if that is less than `needed`: the soft limit that shells and
/// container runtimes set is often 1,024, for programs that use `select`.
pub fn raise(needed: u64) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "cannot raise the limit on open files");
    }
    if let Some(allowed) = too_few(getrlimit(Resource::Nofile).current, needed) {
        tracing::warn!(
            allowed,
            needed,
            "the limit on open files is lower than what `limits.connections` needs; connections beyond it will wait. \
             Raise the hard limit (`ulimit -Hn`, LimitNOFILE=) or lower `limits.connections`"
        );
    }
}

/// The limit, if it is lower than what is needed.
fn too_few(limit: Option<u64>, needed: u64) -> Option<u64> {
    limit.filter(|limit| *limit < needed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_limit_is_enough() {
        assert_eq!(too_few(None, u64::MAX), None);
        assert_eq!(too_few(Some(5), 5), None);
        assert_eq!(too_few(Some(4), 5), Some(4));
    }
}
