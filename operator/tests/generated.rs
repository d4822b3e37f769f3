//! The files that are generated are as the code would generate them.

use chatbox_operator::{rbac, render::yaml};

fn check(path: &str, expected: &str) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let committed = std::fs::read_to_string(format!("{root}/{path}")).unwrap_or_default();
    assert!(
        committed == expected,
        "{path} is out of date; run: make generate"
    );
}

#[test]
fn the_custom_resource_definition() {
    check("crds/chatbox.yaml", &yaml(&crds::chatbox::crd()).unwrap());
}

#[test]
fn the_rights() {
    check("operator/rbac.yaml", &yaml(&rbac::cluster_role()).unwrap());
}
