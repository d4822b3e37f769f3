//! What the command line says of a document before anything is served.

use std::path::Path;
use std::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_server");
const DOCUMENT: &str = "auth:
  hs256: {keys: [{name: jwt, key: current}]}
models:
- {id: demo, name: Demo, demo: {}}
storage:
  sqlite: {}
";

/// Whether the document in this file is accepted, and everything that is said of it.
fn check(home: &Path, file: &str, document: &str, flags: &[&str]) -> (bool, String) {
    std::fs::write(home.join(file), document).unwrap();
    let mut command = Command::new(BINARY);
    command.current_dir(home).args(["check", file]).args(flags);
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn an_unknown_field_is_told_with_what_it_was_meant_for_and_is_an_error_if_asked() {
    let home = tempfile::tempdir().unwrap();
    let mistyped = format!("{DOCUMENT}limits: {{mesageChars: 5}}\n");
    let words = "limits.mesageChars: is not known to this release; did you mean messageChars?";
    let (is_accepted, said) = check(home.path(), "config.yaml", &mistyped, &[]);
    assert!(is_accepted && said.contains(words), "{said}");
    let (is_accepted, said) = check(home.path(), "config.yaml", &mistyped, &["--strict"]);
    assert!(!is_accepted && said.contains(words), "{said}");
    let (is_accepted, said) = check(home.path(), "config.yaml", DOCUMENT, &["--strict"]);
    assert!(is_accepted, "{said}");
}

#[test]
fn secrets_are_checked_where_their_directory_is_named() {
    let home = tempfile::tempdir().unwrap();
    let (is_accepted, said) = check(home.path(), "config.yaml", DOCUMENT, &[]);
    assert!(is_accepted, "{said}");
    let with_secrets = || {
        check(
            home.path(),
            "config.yaml",
            DOCUMENT,
            &["--secrets", "secrets"],
        )
    };
    let (is_accepted, said) = with_secrets();
    let words =
        "auth.hs256.keys[0]: cannot read key \"current\" of secret \"jwt\" at secrets/jwt/current";
    assert!(!is_accepted && said.contains(words), "{said}");
    std::fs::create_dir_all(home.path().join("secrets/jwt")).unwrap();
    let key = home.path().join("secrets/jwt/current");
    std::fs::write(&key, "short").unwrap();
    let (is_accepted, said) = with_secrets();
    assert!(
        !is_accepted && said.contains("is shorter than 32 bytes"),
        "{said}"
    );
    std::fs::write(&key, "0123456789abcdef0123456789abcdef").unwrap();
    let (is_accepted, said) = with_secrets();
    assert!(is_accepted, "{said}");
}

/// A line that is told is one of the file as its author wrote it.
#[test]
fn what_cannot_be_read_is_told_by_its_field_and_by_no_line_that_nobody_wrote() {
    let home = tempfile::tempdir().unwrap();
    for (file, document, expected) in [
        (
            "config.yaml",
            DOCUMENT.replace("name: Demo", "name: [7]"),
            "config.yaml cannot be read: models[0].name: has the wrong type, expected a string\n",
        ),
        (
            "config.yaml",
            DOCUMENT.replace("storage:\n  sqlite: {}\n", ""),
            "config.yaml cannot be read: missing field `storage`\n",
        ),
        ("config.yaml", format!("{DOCUMENT}  {{"), "line 7"),
        (
            "config.json",
            "{\n  \"models\": 7\n}".to_owned(),
            "models: has the wrong type, expected a sequence at line 2 column 13\n",
        ),
    ] {
        let (is_accepted, said) = check(home.path(), file, &document, &[]);
        assert!(!is_accepted && said.contains(expected), "{said}");
    }
}
