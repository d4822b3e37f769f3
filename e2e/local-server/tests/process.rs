//! The program as somebody runs it: started, asked, ended by Ctrl-C.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use builder::paths::{cargo_target, checkout};
use serde_json::Value;

#[test]
fn a_visitor_is_served_until_an_interrupt_and_nothing_is_left() -> Result<()> {
    let mut server = Server::start()?;
    let scratch = server.scratch();
    let key = scratch.join("secrets/jwt/current");
    ensure!(mode(&scratch)? == 0o700, "others may read {scratch:?}");
    ensure!(mode(&key)? == 0o600, "others may read {key:?}");

    let guest = server.request("POST", "/chatbox/guest")?;
    let (head, body) = guest.split_once("\r\n\r\n").context("no answer")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{guest}");
    let token: Value = serde_json::from_str(body)?;
    ensure!(token["token"].is_string(), "{body}");
    // Before `make page` there is none to serve.
    if checkout().join("chatbox/web/dist/chat.html").exists() {
        let page = server.request("GET", "/chatbox/chat.html")?;
        ensure!(
            page.starts_with("HTTP/1.1 200") && page.contains("<html"),
            "{page}"
        );
    }

    server.interrupt()?;
    ensure!(server.child.wait()?.success(), "it did not end in order");
    ensure!(!scratch.exists(), "{scratch:?} is left");
    ensure!(
        TcpStream::connect(&server.address).is_err(),
        "the port is still open"
    );
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_named() -> Result<()> {
    let held = TcpListener::bind("127.0.0.1:0")?;
    let port = held.local_addr()?.port();
    let output = command().arg(format!("--port={port}")).output()?;
    ensure!(!output.status.success(), "it took a port that is taken");
    let words = String::from_utf8_lossy(&output.stderr);
    let expected = format!("error: cannot listen on 127.0.0.1:{port}: ");
    ensure!(words.starts_with(&expected), "{words}");
    Ok(())
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Starts one, and waits until it prints its address.
    fn start() -> Result<Self> {
        let mut child = command().arg("--port=0").stdout(Stdio::piped()).spawn()?;
        let output = BufReader::new(child.stdout.take().context("no output")?);
        let link = output.lines().find_map(|line| {
            let line = line.ok()?;
            line.split_once("http://").map(|(_, link)| link.to_owned())
        });
        let link = link.context("it printed no address")?;
        let (address, path) = link.split_once('/').context("the link has no path")?;
        ensure!(path == "chatbox/chat.html", "{link} is not the chat page");
        Ok(Self {
            address: address.to_owned(),
            child,
        })
    }

    fn scratch(&self) -> PathBuf {
        cargo_target().join(format!("local-server/{}-0", self.child.id()))
    }

    fn request(&self, method: &str, path: &str) -> Result<String> {
        let mut stream = TcpStream::connect(&self.address)?;
        let host = &self.address;
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    /// What Ctrl-C sends.
    fn interrupt(&self) -> Result<()> {
        let mut kill = Command::new("kill");
        let status = kill.args(["-INT", &self.child.id().to_string()]).status()?;
        ensure!(status.success(), "cannot send a signal");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_local-server"))
}

fn mode(path: &Path) -> Result<u32> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o777)
}
