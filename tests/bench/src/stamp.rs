//! Tokens that say when the provider sent them: `@` and nanoseconds of [`crate::clock`], ended by a space.

const MARK: u8 = b'@';

/// A token sent at `at`, filled up to `bytes` where that is more than the stamp needs.
pub fn token(at: u64, bytes: usize) -> String {
    let mut token = format!("@{at} ");
    while token.len() < bytes {
        token.push('x');
    }
    token
}

/// Finds stamps in text that arrives in pieces.
#[derive(Default)]
pub struct Scanner {
    /// A stamp that the last piece broke off.
    rest: Vec<u8>,
}

impl Scanner {
    /// Calls `found` with every stamp that `piece` completes.
    pub fn push(&mut self, piece: &[u8], mut found: impl FnMut(u64)) {
        if self.rest.is_empty() {
            self.rest = scan(piece, &mut found);
            return;
        }
        self.rest.extend_from_slice(piece);
        let joined = std::mem::take(&mut self.rest);
        self.rest = scan(&joined, &mut found);
    }
}

/// Gives back the incomplete stamp at the end.
fn scan(text: &[u8], found: &mut impl FnMut(u64)) -> Vec<u8> {
    let mut left = text;
    while let Some(mark) = left.iter().position(|byte| *byte == MARK) {
        let digits = &left[mark + 1..];
        let Some(len) = digits.iter().position(|byte| !byte.is_ascii_digit()) else {
            return left[mark..].to_vec();
        };
        if let Some(at) = number(&digits[..len]) {
            found(at);
        }
        left = &digits[len..];
    }
    Vec::new()
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps(pieces: &[&str]) -> Vec<u64> {
        let (mut scanner, mut stamps) = (Scanner::default(), Vec::new());
        for piece in pieces {
            scanner.push(piece.as_bytes(), |at| stamps.push(at));
        }
        stamps
    }

    #[test]
    fn stamps_are_found_wherever_the_text_is_cut() {
        for (pieces, expected) in [
            (&["{\"content\":\"@12 xx@345 \"}"][..], &[12, 345][..]),
            (&["@1", "2", " @3", " "], &[12, 3]),
            (&["a@", "b @x 7"], &[]),
            (&["@12"], &[]),
            (&["@99999999999999999999999 @5 "], &[5]),
            (&[""], &[]),
        ] {
            assert_eq!(stamps(pieces), expected, "{pieces:?}");
        }
    }

    #[test]
    fn a_token_has_the_length_that_was_asked_for() {
        assert_eq!(token(12, 0), "@12 ");
        assert_eq!(token(12, 8), "@12 xxxx");
        assert_eq!(stamps(&[&token(12, 8), &token(13, 0)]), [12, 13]);
    }
}
