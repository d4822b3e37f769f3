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

/// What is generated, and its copy in a chart: what packs a chart may drop links.
fn check_both(paths: [&str; 2], expected: &str) {
    for path in paths {
        check(path, expected);
        let file = format!("{}/../{path}", env!("CARGO_MANIFEST_DIR"));
        let is_file = std::fs::symlink_metadata(file).is_ok_and(|found| found.is_file());
        assert!(is_file, "{path} is a link; run: make generate");
    }
}

#[test]
fn the_custom_resource_definition() {
    let paths = [
        "crds/chatbox.yaml",
        "charts/chatbox-crds/files/chatbox.yaml",
    ];
    check_both(paths, &yaml(&crds::chatbox::crd()).unwrap());
}

#[test]
fn the_rights() {
    let paths = [
        "operator/rbac.yaml",
        "charts/chatbox-operator/files/rbac.yaml",
    ];
    check_both(paths, &yaml(&rbac::cluster_role()).unwrap());
}
