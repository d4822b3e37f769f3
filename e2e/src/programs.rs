//! The page and both programs, built as they go into images: optimised and static.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::Result;

use crate::{command::run, fingerprint::Fingerprint, paths, process};

/// Builds the page of the chat server unless it is there already. Returns what was done.
pub fn build_page() -> Result<String> {
    let web = paths::checkout().join("chatbox/web");
    if !web.join("package.json").exists() {
        return Ok("left out, chatbox/web has no package.json".into());
    }
    let mark = paths::checkout().join("target/page.fingerprint");
    let sources = hash_of_tree(&web, &["node_modules", "dist"])?;
    if web.join("dist").exists() && fs::read_to_string(&mark).is_ok_and(|built| built == sources) {
        return Ok("unchanged".into());
    }
    install_node_modules(&web)?;
    run(process::helper("npm")
        .args(["run", "build"])
        .current_dir(&web))?;
    fs::create_dir_all(paths::checkout().join("target"))?;
    fs::write(&mark, sources)?;
    Ok(String::new())
}

/// `npm ci`, unless the folder already has what the lock file says.
pub fn install_node_modules(dir: &Path) -> Result<()> {
    let modified = |name: &str| fs::metadata(dir.join(name)).and_then(|data| data.modified());
    let installed = modified("node_modules/.package-lock.json");
    if installed.is_ok_and(|installed| {
        modified("package-lock.json").is_ok_and(|locked| locked <= installed)
    }) {
        return Ok(());
    }
    run(process::helper("npm")
        .args(["ci", "--no-audit", "--no-fund"])
        .current_dir(dir))
    .map(drop)
}

/// Whether nothing was built in this checkout yet.
pub fn is_first_build() -> bool {
    !paths::cargo_target().join("image").exists()
}

/// Builds both programs and returns the folder that they lie in.
pub fn build() -> Result<PathBuf> {
    let target = format!("{}-unknown-linux-gnu", env::consts::ARCH);
    let dir = paths::cargo_target().join("image");
    let flags = format!(
        "CARGO_TARGET_{}_RUSTFLAGS",
        target.to_uppercase().replace('-', "_")
    );
    let mut cargo = process::helper(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Set in the environment, RUSTFLAGS would replace the flags below.
    cargo
        .current_dir(paths::checkout())
        .env_remove("RUSTFLAGS")
        .env(flags, "-Ctarget-feature=+crt-static");
    cargo.args([
        "build",
        "--release",
        "--locked",
        "--package=chatbox",
        "--package=chatbox-operator",
    ]);
    // Another folder than that of daily work, whose builds would be thrown away by other flags.
    cargo
        .arg(format!("--target={target}"))
        .arg("--target-dir")
        .arg(&dir);
    run(&mut cargo)?;
    Ok(dir.join(target).join("release"))
}

fn hash_of_tree(dir: &Path, without: &[&str]) -> Result<String> {
    let mut files = Vec::new();
    collect(dir, without, &mut files)?;
    files.sort();
    let start = Ok(Fingerprint::default());
    files
        .iter()
        .fold(start, |print: Result<Fingerprint>, file| {
            print?.text(&file.to_string_lossy()).file(file)
        })
        .map(Fingerprint::name)
}

fn collect(dir: &Path, without: &[&str], files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if without.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), without, files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}
