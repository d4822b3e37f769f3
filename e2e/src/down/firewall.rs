//! Removes the chains of kube-proxy and of the CNI plugins, and the rules that lead there.

use std::process::Command;

use anyhow::Result;

use crate::{
    command::{feed, run},
    packages,
};

/// Names that kube-proxy, the kubelet and the CNI plugins give to their chains.
const PREFIXES: [&str; 2] = ["KUBE-", "CNI-"];

/// Returns the number of chains and rules that were removed.
pub(super) fn clean() -> Result<usize> {
    let mut removed = 0;
    for family in ["iptables", "ip6tables"] {
        if packages::find(&format!("{family}-save")).is_none() {
            continue;
        }
        // A kernel without IPv6 has no tables to read.
        let Ok(rules) = run(&mut Command::new(format!("{family}-save"))) else {
            continue;
        };
        let script = removal(&rules);
        if script.is_empty() {
            continue;
        }
        feed(
            Command::new(format!("{family}-restore")).args(["--noflush", "--wait=5"]),
            &script,
        )?;
        removed += script
            .lines()
            .filter(|line| line.starts_with("-D") || line.starts_with("-X"))
            .count();
    }
    Ok(removed)
}

/// A script for `iptables-restore --noflush` that undoes what is ours in the output of `iptables-save`.
fn removal(saved: &str) -> String {
    let lines: Vec<&str> = saved.lines().collect();
    let tables = lines.split(|line| *line == "COMMIT");
    tables
        .filter_map(removal_in_table)
        .collect::<Vec<_>>()
        .concat()
}

fn removal_in_table(lines: &[&str]) -> Option<String> {
    let name = lines.iter().find(|line| line.starts_with('*'))?;
    let chains = lines
        .iter()
        .filter_map(|line| line.strip_prefix(':')?.split(' ').next());
    let chains: Vec<&str> = chains.filter(|chain| is_ours(chain)).collect();
    let jumps = lines
        .iter()
        .filter_map(|line| line.strip_prefix("-A "))
        .filter(|rule| {
            let mut words = rule.split(' ');
            !words.next().is_some_and(is_ours) && words.any(is_ours)
        });
    let mut script: Vec<String> = jumps.map(|rule| format!("-D {rule}")).collect();
    // All are emptied first: a chain that another still leads to cannot be removed.
    script.extend(chains.iter().map(|chain| format!("-F {chain}")));
    script.extend(chains.iter().map(|chain| format!("-X {chain}")));
    (!script.is_empty()).then(|| format!("{name}\n{}\nCOMMIT\n", script.join("\n")))
}

fn is_ours(word: &str) -> bool {
    PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAVED: &str = "\
# Generated
*filter
:INPUT ACCEPT [0:0]
:KUBE-FIREWALL - [0:0]
:MINE - [0:0]
-A INPUT -m comment --comment \"a b\" -j KUBE-FIREWALL
-A INPUT -j MINE
-A KUBE-FIREWALL -j DROP
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
:CNI-1 - [0:0]
-A POSTROUTING -s 10.244.0.2/32 -j CNI-1
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
COMMIT
";

    #[test]
    fn removes_what_is_ours_and_nothing_else() {
        let expected = "\
*filter
-D INPUT -m comment --comment \"a b\" -j KUBE-FIREWALL
-F KUBE-FIREWALL
-X KUBE-FIREWALL
COMMIT
*nat
-D POSTROUTING -s 10.244.0.2/32 -j CNI-1
-F CNI-1
-X CNI-1
COMMIT
";
        assert_eq!(removal(SAVED), expected);
    }

    #[test]
    fn a_clean_machine_needs_no_script() {
        assert_eq!(
            removal("*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n"),
            ""
        );
    }
}
