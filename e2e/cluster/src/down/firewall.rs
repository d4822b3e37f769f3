//! Removes the chains that kube-proxy and the CNI plugins made for us, and the rules that lead there.
//!
//! Other programs of the machine have chains of the same kinds: those stay.

use std::process::Command;

use anyhow::Result;

use builder::{
    command::{feed, run},
    packages,
};

use crate::{node::network, preflight};

/// Returns the number of chains and rules that were removed.
pub(super) fn clean() -> Result<usize> {
    // The chains of every kube-proxy have the same names.
    let kubernetes = preflight::other_kubernetes().is_none();
    let mut removed = 0;
    for family in ["iptables", "ip6tables"] {
        if packages::find(&format!("{family}-save")).is_none() {
            continue;
        }
        // A kernel without IPv6 has no tables to read.
        let Ok(rules) = run(&mut Command::new(format!("{family}-save"))) else {
            continue;
        };
        let script = removal(&rules, kubernetes);
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
/// `kubernetes`: the chains of Kubernetes are ours too, because no other one is here.
fn removal(saved: &str, kubernetes: bool) -> String {
    let lines: Vec<&str> = saved.lines().collect();
    let tables = lines.split(|line| *line == "COMMIT");
    tables
        .filter_map(|table| removal_in_table(table, kubernetes))
        .collect::<Vec<_>>()
        .concat()
}

fn removal_in_table(lines: &[&str], kubernetes: bool) -> Option<String> {
    let name = lines.iter().find(|line| line.starts_with('*'))?;
    let rules: Vec<Rule<'_>> = lines.iter().filter_map(|line| Rule::parse(line)).collect();
    let is_ours = |chain: &str| {
        kubernetes && chain.starts_with("KUBE-")
            || chain.starts_with("CNI-") && rules.iter().any(|rule| rule.gives(chain))
    };
    let chains = lines
        .iter()
        .filter_map(|line| line.strip_prefix(':')?.split(' ').next());
    let chains: Vec<&str> = chains.filter(|chain| is_ours(chain)).collect();
    let jumps = rules.iter().filter(|rule| {
        !chains.contains(&rule.chain) && rule.target.is_some_and(|target| chains.contains(&target))
    });
    let mut script: Vec<String> = jumps.map(|rule| format!("-D {}", rule.text)).collect();
    // All are emptied first: a chain that another still leads to cannot be removed.
    script.extend(chains.iter().map(|chain| format!("-F {chain}")));
    script.extend(chains.iter().map(|chain| format!("-X {chain}")));
    (!script.is_empty()).then(|| format!("{name}\n{}\nCOMMIT\n", script.join("\n")))
}

/// A line `-A <chain> … -j <target>`.
struct Rule<'a> {
    text: &'a str,
    chain: &'a str,
    target: Option<&'a str>,
}

impl<'a> Rule<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let text = line.strip_prefix("-A ")?;
        // The target stands last: a comment before it may hold any words.
        let target = text.rsplit_once(" -j ").map(|(_, target)| target);
        Some(Self {
            text,
            chain: text.split(' ').next()?,
            target: target.and_then(|target| target.split(' ').next()),
        })
    }

    /// Whether the rule shows that a chain was made for our network. The plugins name the network in every rule that
    /// leads to their chain or stands in it; the chain's own name is a digest.
    fn gives(&self, chain: &str) -> bool {
        let comment = format!(r#"name: \"{}\" id: "#, network::NAME);
        (self.chain == chain || self.target == Some(chain)) && self.text.contains(&comment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAVED: &str = r#"# Generated
*filter
:INPUT ACCEPT [0:0]
:KUBE-FIREWALL - [0:0]
:MINE - [0:0]
-A INPUT -m comment --comment "a b" -j KUBE-FIREWALL
-A INPUT -m comment --comment "not -j KUBE-FIREWALL" -j MINE
-A KUBE-FIREWALL -j DROP
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
:CNI-1 - [0:0]
:CNI-2 - [0:0]
:CNI-3 - [0:0]
:CNI-HOSTPORT-MASQ - [0:0]
-A POSTROUTING -s 10.244.0.2/32 -m comment --comment "name: \"chatbox\" id: \"a\"" -j CNI-1
-A POSTROUTING -s 10.4.0.2/32 -m comment --comment "name: \"chatbox-of-others\" id: \"b\"" -j CNI-2
-A POSTROUTING -j CNI-HOSTPORT-MASQ
-A CNI-1 -j MASQUERADE
-A CNI-2 -j MASQUERADE
-A CNI-3 -m comment --comment "name: \"chatbox\" id: \"c\"" -j MASQUERADE
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
COMMIT
"#;

    const KUBERNETES: &str = r#"*filter
-D INPUT -m comment --comment "a b" -j KUBE-FIREWALL
-F KUBE-FIREWALL
-X KUBE-FIREWALL
COMMIT
"#;

    const NETWORK: &str = r#"*nat
-D POSTROUTING -s 10.244.0.2/32 -m comment --comment "name: \"chatbox\" id: \"a\"" -j CNI-1
-F CNI-1
-F CNI-3
-X CNI-1
-X CNI-3
COMMIT
"#;

    #[test]
    fn removes_what_is_ours_and_nothing_else() {
        assert_eq!(removal(SAVED, true), format!("{KUBERNETES}{NETWORK}"));
    }

    #[test]
    fn the_chains_of_another_kubernetes_stay() {
        assert_eq!(removal(SAVED, false), NETWORK);
    }

    #[test]
    fn a_clean_machine_needs_no_script() {
        let clean = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j ACCEPT\nCOMMIT\n";
        assert_eq!(removal(clean, true), "");
    }
}
