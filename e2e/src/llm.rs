//! `llmock`, a stand-in for a model's endpoint that can break on demand, kept beside the tools.

use std::{
    fs,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use cluster::node::network::HOST;

use builder::{
    command::{helper, run, succeeds},
    packages::{self, find},
    paths,
};

const VERSION: &str = "0.2.2";
const TIMEOUT: Duration = Duration::from_secs(30);

/// An OpenAI-compatible endpoint. Dropping it ends it.
#[derive(Debug)]
pub struct Llm {
    server: Child,
    address: SocketAddr,
}

impl Llm {
    /// Starts one on 127.0.0.1. `options` are those of `llmock serve`.
    pub fn start(options: &[&str]) -> Result<Self> {
        let program = ensure()?;
        // Nobody else takes the port in the moment between: ports are given out in turn.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program);
        command.args([
            "serve",
            "--host",
            &address.ip().to_string(),
            "--port",
            &address.port().to_string(),
            "--log-level",
            "warning",
        ]);
        command
            .args(options)
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        let server = command.spawn().context("cannot start llmock")?;
        let mut llm = Self { server, address };
        llm.wait()?;
        Ok(llm)
    }

    /// The base address as pods reach it, for `models[].openai.baseUrl`.
    pub fn base_url(&self) -> String {
        format!("http://{HOST}:{}/v1", self.address.port())
    }

    fn wait(&mut self) -> Result<()> {
        let begun = Instant::now();
        while !answers(self.address) {
            if let Some(status) = self.server.try_wait()? {
                bail!("llmock ended by itself ({status}); its output is above");
            }
            if begun.elapsed() > TIMEOUT {
                bail!("llmock did not answer within {} s", TIMEOUT.as_secs());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Llm {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

fn answers(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /health HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1."))
}

/// Installs it into an environment of its own, once a machine. Returns the program.
fn ensure() -> Result<PathBuf> {
    let done = paths::cache()?.join(format!("llmock-{VERSION}"));
    let program = done.join("bin/llmock");
    let marker = done.join("complete");
    if marker.exists() {
        return Ok(program);
    }
    // An environment cannot be moved once it is made, so a half-made one is made again in its place.
    let _ = fs::remove_dir_all(&done);
    // Debian's python3 lacks what environments are made with.
    if !succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])) {
        packages::install(vec!["python3-venv"])?;
    }
    let python = find("python3").context("python3 is not installed")?;
    run(helper(python).args(["-m", "venv"]).arg(&done))?;
    run(helper(done.join("bin/pip")).args(["install", "--quiet", &format!("llmock=={VERSION}")]))?;
    fs::write(marker, "")?;
    Ok(program)
}
