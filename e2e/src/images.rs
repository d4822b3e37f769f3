//! Images: built with buildah from the Dockerfiles that users have, named after their content.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{command::run, fingerprint::Fingerprint, node::containerd, paths, process};

const CA_BUNDLE: &str = "/etc/ssl/certs/ca-certificates.crt";

/// An image that lies as an archive on the disk.
#[derive(Clone, Debug)]
pub struct Image {
    pub repository: String,
    /// Derived from the content, so that another content is another name, and pods roll.
    pub tag: String,
    archive: PathBuf,
}

impl Image {
    pub fn name(&self) -> String {
        format!("{}:{}", self.repository, self.tag)
    }

    /// Puts it into containerd if it is not there. Returns whether it was put.
    pub fn import(&self) -> Result<bool> {
        if containerd::images()?.contains(&self.name()) {
            return Ok(false);
        }
        run(containerd::ctr(&["images", "import"]).arg(&self.archive))?;
        Ok(true)
    }

    /// Size of the archive in megabytes: what a registry would store and a node would load.
    pub fn megabytes(&self) -> Result<f64> {
        let bytes = fs::metadata(&self.archive)?.len();
        #[expect(
            clippy::cast_precision_loss,
            reason = "shown with one digit after the point"
        )]
        Ok(bytes as f64 / 1e6)
    }
}

/// The image of one of our programs, from its Dockerfile with the build stage replaced by what cargo built.
pub fn of_program(program: &str, built: &Path) -> Result<Image> {
    let dockerfile = paths::checkout().join(format!(
        "Dockerfile.{}",
        program.trim_start_matches("chatbox-")
    ));
    let files = [
        (built.join(program), format!("out/{program}")),
        (CA_BUNDLE.into(), CA_BUNDLE[1..].to_owned()),
    ];
    build(
        program,
        &paths::public().join("images"),
        &dockerfile,
        &files,
    )
}

/// The image that holds a pod's namespaces open.
pub fn of_pause(tools: &Path) -> Result<Image> {
    let dockerfile = paths::checkout().join("e2e/tools/pause/Dockerfile");
    build(
        "pause",
        tools,
        &dockerfile,
        &[(tools.join("pause"), "out/pause".to_owned())],
    )
}

fn build(
    name: &str,
    archives: &Path,
    dockerfile: &Path,
    files: &[(PathBuf, String)],
) -> Result<Image> {
    let tag = hash(dockerfile, files)?;
    let image = Image {
        repository: format!("chatbox.dev/{name}"),
        archive: archives.join(format!("{name}-{tag}.tar")),
        tag,
    };
    if image.archive.exists() {
        return Ok(image);
    }
    fs::create_dir_all(archives)?;
    let partial = image.archive.with_extension("partial");
    let _ = fs::remove_file(&partial);
    let work = Work::new(name)?;
    work.stage_files(files)?;
    work.build(dockerfile, &image.name(), &partial)?;
    remove_older(archives, name)?;
    fs::rename(&partial, &image.archive)?;
    Ok(image)
}

fn hash(dockerfile: &Path, files: &[(PathBuf, String)]) -> Result<String> {
    let mut contents =
        std::iter::once(dockerfile).chain(files.iter().map(|(from, _)| from.as_path()));
    Ok(contents
        .try_fold(Fingerprint::default(), Fingerprint::file)?
        .name())
}

fn remove_older(archives: &Path, name: &str) -> Result<()> {
    for entry in fs::read_dir(archives)?.flatten() {
        let file = entry.file_name().to_string_lossy().into_owned();
        let tag = file
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix('-'))
            .and_then(|rest| rest.strip_suffix(".tar"));
        if tag.is_some_and(|tag| !tag.contains('-')) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Folders of one build, removed with it.
struct Work {
    dir: PathBuf,
}

impl Work {
    fn new(name: &str) -> Result<Self> {
        let dir = paths::public().join("buildah").join(name);
        let _ = fs::remove_dir_all(&dir);
        fs::create_dir_all(dir.join("stage"))?;
        Ok(Self { dir })
    }

    fn stage(&self) -> PathBuf {
        self.dir.join("stage")
    }

    /// Copies the files that the Dockerfile expects of its build stage.
    fn stage_files(&self, files: &[(PathBuf, String)]) -> Result<()> {
        for (from, to) in files {
            let to = self.stage().join(to);
            fs::create_dir_all(to.parent().context("a staged file has a folder")?)?;
            fs::copy(from, &to).with_context(|| format!("cannot copy {}", from.display()))?;
        }
        Ok(())
    }

    /// Builds the image on the staged files and writes it to `archive`.
    fn build(&self, dockerfile: &Path, image: &str, archive: &Path) -> Result<()> {
        let stage = self.stage().display().to_string();
        run(self
            .buildah(&["bud", "--isolation=chroot", "--tag", image])
            .arg(format!("--build-context=build={stage}"))
            .arg("--file")
            .args([dockerfile, Path::new(&stage)]))?;
        run(self
            .buildah(&["push", image])
            .arg(format!("oci-archive:{}:{image}", archive.display())))
        .map(drop)
    }

    /// buildah with a store of its own: the user's images are left alone.
    fn buildah(&self, args: &[&str]) -> std::process::Command {
        let mut command = process::helper("buildah");
        command
            .args(["--storage-driver=vfs", "--root"])
            .arg(self.dir.join("root"));
        command
            .arg("--runroot")
            .arg(self.dir.join("run"))
            .args(args);
        command
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        // What is left is removed by the next build or by `down`.
        let _ = fs::remove_dir_all(&self.dir);
    }
}
