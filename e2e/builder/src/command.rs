//! Runs a program to its end; the error of one that fails repeats the end of its output.

use std::{
    ffi::OsStr,
    io::{BufReader, Read, Write},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result, bail};

mod lines;

/// Lines of a failed program's output that an error repeats.
const LAST_LINES: usize = 40;

/// Environment variable that marks a process as part of a cluster. Its children inherit it.
pub const MARK: &str = "CHATBOX_CLUSTER_PROCESS";

/// The mark of helpers of the command line and of tests, such as builds and kubectl. Their caller's process id follows
/// it: a helper whose caller is alive is the caller's to end.
pub const HELPER: &str = "helper";

/// A command that `make down` ends if its caller died before it.
pub fn helper(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env(MARK, format!("{HELPER}:{}", std::process::id()));
    command
}

/// Runs a command and returns what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    feed(command, "")
}

/// Runs a command that reads `input`, and returns what it printed.
pub fn feed(command: &mut Command, input: &str) -> Result<String> {
    execute(command, input, &mut |_| false)
}

/// Runs a command and hands each line of its standard error to `on_line` while it runs. Returns what it printed.
///
/// A line for which `on_line` returns true only reported progress: an error does not repeat it.
pub fn watch(command: &mut Command, mut on_line: impl FnMut(&str) -> bool) -> Result<String> {
    execute(command, "", &mut on_line)
}

/// Whether a command ends well; its output is of no interest.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The last lines of a text.
pub fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn execute(
    command: &mut Command,
    input: &str,
    on_line: &mut dyn FnMut(&str) -> bool,
) -> Result<String> {
    let stdin = if input.is_empty() {
        Stdio::null()
    } else {
        Stdio::piped()
    };
    command
        .stdin(stdin)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .with_context(|| format!("cannot start {}", line(command)))?;
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let stderr = child.stderr.take().context("standard error is a pipe")?;
    let mut complaint = String::new();
    let printed = thread::scope(|scope| {
        // Each pipe has its own thread: a program that waits on a full one would never end.
        scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(input.as_bytes())));
        let printed = scope.spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is still worth showing.
            let _ = stdout.map(|mut pipe| pipe.read_to_end(&mut bytes));
            String::from_utf8_lossy(&bytes).into_owned()
        });
        lines::each(&mut BufReader::new(stderr), |line| {
            if !on_line(line) {
                complaint.push_str(line);
                complaint.push('\n');
            }
        });
        printed.join().unwrap_or_default()
    });
    let status = child.wait()?;
    if status.success() {
        return Ok(printed);
    }
    bail!(
        "{} failed ({status}):\n{}",
        line(command),
        tail(&format!("{printed}{complaint}"), LAST_LINES)
    )
}

fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn an_error_repeats_the_end_of_the_output() {
        let error = run(&mut shell("echo reason >&2; exit 3")).unwrap_err();
        let error = error.to_string();
        assert!(
            error.contains("exit status: 3") && error.contains("reason"),
            "{error}"
        );
    }

    #[test]
    fn input_larger_than_a_pipe_does_not_block() {
        let input = "x".repeat(1 << 20);
        assert_eq!(
            feed(&mut Command::new("cat"), &input).unwrap().len(),
            input.len()
        );
    }

    #[test]
    fn progress_is_seen_and_left_out_of_the_error() {
        let mut seen = Vec::new();
        let script = "printf '1/2\\r2/2\\r\\nreason\\n' >&2; echo printed; exit 1";
        let error = watch(&mut shell(script), |line| {
            seen.push(line.to_owned());
            line.contains('/')
        });
        assert_eq!(seen, ["1/2", "2/2", "reason"]);
        let error = error.unwrap_err().to_string();
        assert!(error.ends_with("printed\nreason"), "{error}");
    }
}
