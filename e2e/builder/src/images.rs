//! Images: built with buildah from the Dockerfiles that users have, named after their content.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{
    command::{helper, run},
    fingerprint::Fingerprint,
    packages, page, paths, programs,
    progress::Progress,
};

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

    /// The file that containerd or another engine loads.
    pub fn archive(&self) -> &Path {
        &self.archive
    }

    /// Size of the archive in megabytes: what a registry would store and a node would load.
    fn megabytes(&self) -> Result<f64> {
        let bytes = fs::metadata(&self.archive)?.len();
        #[expect(
            clippy::cast_precision_loss,
            reason = "shown with one digit after the point"
        )]
        Ok(bytes as f64 / 1e6)
    }
}

/// The images of both programs.
#[derive(Clone, Debug)]
pub struct Images {
    pub operator: Image,
    pub chatbox: Image,
}

/// Builds the page, both programs and their images.
pub fn build(progress: &Progress) -> Result<Images> {
    packages::ensure(&[("buildah", "buildah"), ("ca-certificates", CA_BUNDLE)])?;
    page::build(progress)?;
    progress.step("operator and chatbox", |meter| {
        let built = programs::release(meter)?;
        meter.set("building images");
        let images = Images {
            operator: of_program("chatbox-operator", &built)?,
            chatbox: of_program("chatbox", &built)?,
        };
        let detail = format!(
            "images of {:.1} and {:.1} MB",
            images.operator.megabytes()?,
            images.chatbox.megabytes()?
        );
        Ok((images, detail))
    })
}

/// The image of one of our programs, from its Dockerfile with the build stage replaced by what cargo built.
fn of_program(program: &str, built: &Path) -> Result<Image> {
    let dockerfile = paths::checkout().join(format!(
        "Dockerfile.{}",
        program.trim_start_matches("chatbox-")
    ));
    let files = [
        (built.join(program), format!("out/{program}")),
        (CA_BUNDLE.into(), CA_BUNDLE[1..].to_owned()),
    ];
    image(
        program,
        &paths::public().join("images"),
        &dockerfile,
        &files,
    )
}

/// The image that holds a pod's namespaces open.
pub fn of_pause(tools: &Path) -> Result<Image> {
    let dockerfile = paths::checkout().join("e2e/tools/pause/Dockerfile");
    image(
        "pause",
        tools,
        &dockerfile,
        &[(tools.join("pause"), "out/pause".to_owned())],
    )
}

fn image(
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
        let mut command = helper("buildah");
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
