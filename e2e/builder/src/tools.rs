//! Programs that are built from Go modules: Kubernetes, etcd, helm and the pause program. And a server that speaks
//! MongoDB's protocol, for tests, from Python packages.
//!
//! They are made once a machine: the cache entry is named after everything that goes into it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use anyhow::{Context, Result};

use crate::{
    command::{helper, run},
    fingerprint::Fingerprint,
    paths,
    progress::{Meter, Progress},
};

mod go;
mod python;

/// A folder with a `go.mod`.
struct Module {
    name: &'static str,
    /// Built when the module is a program itself, else its `tool` lines are.
    package: &'static str,
    /// Files that determine the build.
    sources: &'static [&'static str],
    /// How long the first build takes on two cores.
    takes: &'static str,
}

const KUBERNETES: Module = Module {
    name: "kubernetes",
    package: "tool",
    sources: &["go.mod", "go.sum"],
    takes: "five minutes",
};
const HELM: Module = Module {
    name: "helm",
    package: "tool",
    sources: &["go.mod", "go.sum"],
    takes: "a minute and a half",
};
const PAUSE: Module = Module {
    name: "pause",
    package: ".",
    sources: &["go.mod", "main.go"],
    takes: "a few seconds",
};

/// The built programs: a folder of each module's, and helm itself.
#[derive(Clone, Debug)]
pub struct Tools {
    pub kubernetes: PathBuf,
    pub helm: PathBuf,
    pub pause: PathBuf,
}

impl Tools {
    /// Builds what is not in the cache.
    pub fn ensure(progress: &Progress) -> Result<Self> {
        let tools = Self {
            kubernetes: kubernetes(progress)?,
            helm: helm(progress)?,
            pause: ensure(&PAUSE, progress)?,
        };
        tools.offer()?;
        Ok(tools)
    }

    /// Whether everything is in the cache already.
    pub fn cached() -> bool {
        [KUBERNETES, HELM, PAUSE]
            .iter()
            .all(|module| entry(module).is_ok_and(|dir| dir.exists()))
    }

    /// Puts kubectl and helm where a person finds them.
    fn offer(&self) -> Result<()> {
        fs::create_dir_all(paths::bin())?;
        for program in [&self.kubernetes.join("kubectl"), &self.helm] {
            let link = paths::bin().join(program.file_name().context("a program has a name")?);
            if fs::read_link(&link).is_ok_and(|target| target == *program) {
                continue;
            }
            let _ = fs::remove_file(&link);
            std::os::unix::fs::symlink(program, &link)
                .with_context(|| format!("cannot link {}", link.display()))?;
        }
        Ok(())
    }
}

/// The folder with etcd and the programs of Kubernetes; all that a control plane alone needs.
pub fn kubernetes(progress: &Progress) -> Result<PathBuf> {
    ensure(&KUBERNETES, progress)
}

/// The folder of the Python packages of `SecantusDB`, a server with MongoDB's protocol and transactions; its module is
/// `secantus.cli`. Run as a process of its own, and in tests only: it is GPL.
pub fn secantusdb(progress: &Progress) -> Result<PathBuf> {
    let requirements = Path::new(paths::checkout()).join("e2e/tools/secantusdb/requirements.txt");
    let version = run(helper("python3").arg("--version")).unwrap_or_default();
    let print = Fingerprint::default().text(&version).file(&requirements)?;
    let done = paths::cache()?.join(format!("secantusdb-{}", print.name()));
    once(&done, || {
        progress.step("secantusdb", |_| {
            place(&done, |partial| python::install(&requirements, partial))?;
            Ok(((), "installed".into()))
        })
    })?;
    Ok(done)
}

/// The helm program.
pub fn helm(progress: &Progress) -> Result<PathBuf> {
    Ok(ensure(&HELM, progress)?.join("helm"))
}

fn ensure(module: &Module, progress: &Progress) -> Result<PathBuf> {
    let done = entry(module)?;
    once(&done, || {
        progress.say(&format!(
            "{} is built from source, once a machine: about {} on two cores",
            module.name, module.takes
        ));
        progress.step(module.name, |meter| {
            place(&done, |partial| build(module, partial, meter))?;
            Ok(((), "built".into()))
        })
    })?;
    Ok(done)
}

/// Makes an entry that is missing. Tests of one program that run side by side make it once.
fn once(done: &Path, make: impl FnOnce() -> Result<()>) -> Result<()> {
    static MAKER: Mutex<()> = Mutex::new(());
    let _maker = MAKER.lock().unwrap_or_else(PoisonError::into_inner);
    if done.exists() { Ok(()) } else { make() }
}

fn build(module: &Module, out: &Path, meter: &Meter) -> Result<()> {
    let flags = [
        "-trimpath".to_owned(),
        "-buildvcs=false".to_owned(),
        format!("-ldflags={}", linker_flags(module)?),
    ];
    go::build(&source(module), &flags, out, module.package, meter)?;
    // etcd's package is the root of a module called `server`.
    let _ = fs::rename(out.join("server"), out.join("etcd"));
    Ok(())
}

/// Makes an entry beside its place and moves it there whole, so that it is never half made.
fn place(done: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let partial = done.with_extension(format!("{PARTIAL}{}", std::process::id()));
    remove_abandoned(&paths::cache()?);
    fs::create_dir_all(&partial)?;
    make(&partial)?;
    if fs::rename(&partial, done).is_err() && done.exists() {
        // Another checkout was faster with the same one.
        let _ = fs::remove_dir_all(&partial);
    }
    Ok(())
}

/// How the extension of a build that is under way begins; the id of the builder's process follows.
const PARTIAL: &str = "partial-";

/// Removes half builds whose builder was killed.
fn remove_abandoned(cache: &Path) {
    for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
        let path = entry.path();
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        let builder = extension.strip_prefix(PARTIAL);
        if builder.is_some_and(|process| !Path::new("/proc").join(process).exists()) {
            // One that stays costs only space.
            let _ = fs::remove_dir_all(&path);
        }
    }
}

/// Without symbols; Kubernetes also gets its version this way, which charts ask for.
fn linker_flags(module: &Module) -> Result<String> {
    let list = fs::read_to_string(source(module).join("go.mod"))?;
    let version = list.lines().find_map(|line| {
        line.trim()
            .strip_prefix("k8s.io/kubernetes ")?
            .split(' ')
            .next()
    });
    let stamp = version
        .filter(|_| module.name == KUBERNETES.name)
        .map(|version| {
            ["component-base/version", "client-go/pkg/version"]
                .map(|package| format!(" -X k8s.io/{package}.gitVersion={version}"))
                .concat()
        });
    Ok(format!("-s -w{}", stamp.unwrap_or_default()))
}

fn entry(module: &Module) -> Result<PathBuf> {
    let dir = source(module);
    let version = run(helper("go")
        .args(["env", "GOVERSION", "GOARCH"])
        .current_dir(&dir))?;
    let print = Fingerprint::default()
        .text(&version)
        .text(&linker_flags(module)?);
    let print = module
        .sources
        .iter()
        .try_fold(print, |print, name| print.file(&dir.join(name)))?;
    Ok(paths::cache()?.join(format!("{}-{}", module.name, print.name())))
}

fn source(module: &Module) -> PathBuf {
    Path::new(paths::checkout())
        .join("e2e/tools")
        .join(module.name)
}
