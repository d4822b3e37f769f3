//! Runs a program to its end and tells what went wrong in its own last words.

use std::{
    io::Write,
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result, bail};

/// Lines of a failed program's output that an error repeats.
const LAST_LINES: usize = 40;

/// Runs a command and returns what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    feed(command, "")
}

/// Runs a command that reads `input`, and returns what it printed.
pub fn feed(command: &mut Command, input: &str) -> Result<String> {
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
    let pipe = child.stdin.take();
    let output = thread::scope(|scope| {
        // Written beside the reader: a program that answers while it reads would block on full pipes.
        scope.spawn(move || pipe.map(|mut pipe| pipe.write_all(input.as_bytes())));
        child.wait_with_output()
    })?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    bail!(
        "{} failed ({}):\n{}",
        line(command),
        output.status,
        tail(&format!("{printed}{complaint}"), LAST_LINES)
    )
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

    #[test]
    fn an_error_repeats_the_last_words() {
        let error = run(Command::new("sh").args(["-c", "echo reason >&2; exit 3"]))
            .unwrap_err()
            .to_string();
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
}
