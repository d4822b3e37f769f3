//! The table with the machine and the date, and its place in a document.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use jiff::Timestamp;

const BEGIN: &str = "<!-- bench: begin -->";
const END: &str = "<!-- bench: end -->";

/// What was measured where and when.
pub fn document(table: &str) -> Result<String> {
    let date = Timestamp::now().strftime("%Y-%m-%d %H:%M UTC");
    Ok(format!("Measured on {date}: {}.\n\n{table}", machine()?))
}

/// Replaces what stands between the two marks of `file`.
pub fn write(file: &Path, text: &str) -> Result<()> {
    let old =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let new = replace(&old, text)
        .with_context(|| format!("{} has no {BEGIN} with {END} after it", file.display()))?;
    fs::write(file, new).with_context(|| format!("cannot write {}", file.display()))
}

fn replace(old: &str, text: &str) -> Option<String> {
    let (before, rest) = old.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!(
        "{before}{BEGIN}\n{}\n{END}{after}",
        text.trim_end()
    ))
}

fn machine() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo")?;
    let memory = fs::read_to_string("/proc/meminfo")?;
    let load = fs::read_to_string("/proc/loadavg")?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let count = std::thread::available_parallelism()?;
    let model = field(&cpus, "model name").unwrap_or("processor of unknown name");
    let kib = field(&memory, "MemTotal").and_then(|text| text.strip_suffix(" kB")?.parse().ok());
    let gib = kib.map_or(0, |kib: u64| kib / 1024 / 1024);
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!(
        "{count} × {model}, {gib} GiB, Linux {}, load average at the end {load}",
        kernel.trim()
    ))
}

fn field<'text>(text: &'text str, name: &str) -> Option<&'text str> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_the_place_of_the_old_one() {
        let old = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        let new = format!("a\n{BEGIN}\nnew\n{END}\nb\n");
        assert_eq!(replace(&old, "new\n"), Some(new.clone()));
        assert_eq!(replace(&new, "new"), Some(new));
        assert_eq!(replace("a", "new"), None);
        assert_eq!(replace(&format!("{END}{BEGIN}"), "new"), None);
    }

    #[test]
    fn this_machine_can_be_described() {
        let machine = machine().unwrap();
        assert!(machine.contains("GiB"), "{machine}");
        assert_eq!(
            field("model name\t: X 1\nMemTotal:  5 kB", "MemTotal"),
            Some("5 kB")
        );
    }
}
