//! Splits what a program says into lines while it says it.

use std::io::BufRead;

/// Calls `on_line` for each line that is not empty. A carriage return ends a line too: a progress bar ends its own with
/// one. Ends with the input, also with one that cannot be read any further.
pub(super) fn each(input: &mut impl BufRead, mut on_line: impl FnMut(&str)) {
    let mut line = Vec::new();
    loop {
        let available = match input.fill_buf() {
            Ok([]) | Err(_) => break,
            Ok(available) => available,
        };
        let count = available.len();
        for &byte in available {
            if byte == b'\n' || byte == b'\r' {
                flush(&mut line, &mut on_line);
            } else {
                line.push(byte);
            }
        }
        input.consume(count);
    }
    flush(&mut line, &mut on_line);
}

fn flush(line: &mut Vec<u8>, on_line: &mut impl FnMut(&str)) {
    if !line.is_empty() {
        on_line(&String::from_utf8_lossy(line));
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_a_line_count() {
        let mut seen = Vec::new();
        each(&mut &b"one\r\ntwo\rthree\n\nfour"[..], |line| {
            seen.push(line.to_owned());
        });
        assert_eq!(seen, ["one", "two", "three", "four"]);
    }
}
