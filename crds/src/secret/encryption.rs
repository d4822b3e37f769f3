//! The one form of an encryption key: 256 random bits.

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE};

use super::PLACEHOLDERS;

/// Length of an encryption key, in bytes.
pub const KEY_BYTES: usize = 32;

/// Fewer different bytes than this are a pattern: 32 random ones have 30 on average, and fewer than 16 once in 10^18 keys.
const DIFFERENT_BYTES: usize = 16;

const NO_KEY: &str = "is no key of 32 bytes; write 64 hexadecimal digits, as `openssl rand -hex 32` makes them, or base64 of 32 bytes";
const TEXT: &str =
    "is text, which can be guessed; use 32 random bytes, as `openssl rand -hex 32` makes them";
const PATTERN: &str =
    "is a pattern, which can be guessed; use 32 random bytes, as `openssl rand -hex 32` makes them";
const PLACEHOLDER: &str =
    "is a placeholder; use 32 random bytes, as `openssl rand -hex 32` makes them";

/// The key that a value holds: 32 bytes as they are, 64 hexadecimal digits, or base64. The length says which.
///
/// # Errors
/// What is wrong and how to fix it; never the value.
pub fn encryption_key(value: &[u8]) -> Result<[u8; KEY_BYTES], &'static str> {
    if value.trim_ascii().is_empty() {
        return Err("is empty; put the value into it");
    }
    let lower = String::from_utf8_lossy(value).to_lowercase();
    if PLACEHOLDERS.iter().any(|word| lower.contains(word)) {
        return Err(PLACEHOLDER);
    }
    let key = decoded(value).ok_or(NO_KEY)?;
    // Of 32 random bytes all are printable once in 10^13 keys.
    if key.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(TEXT);
    }
    if is_pattern(&key) {
        return Err(PATTERN);
    }
    Ok(key)
}

fn decoded(value: &[u8]) -> Option<[u8; KEY_BYTES]> {
    if let Ok(raw) = value.try_into() {
        return Some(raw);
    }
    let text = value.trim_ascii();
    let bytes = match text.len() {
        64 => HEXLOWER_PERMISSIVE.decode(text),
        _ => BASE64.decode(text),
    };
    bytes.ok()?.try_into().ok()
}

fn is_pattern(key: &[u8; KEY_BYTES]) -> bool {
    let mut seen = [false; 256];
    for byte in key {
        seen[usize::from(*byte)] = true;
    }
    let different = seen.iter().filter(|seen| **seen).count();
    let step = key[1].wrapping_sub(key[0]);
    let counts = key
        .windows(2)
        .all(|pair| pair[1].wrapping_sub(pair[0]) == step);
    different < DIFFERENT_BYTES || counts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::secret::{Use, usable};

    const HEX: &str = "9f1c07e25ab84d3366c0f1e87a2b95d4013fce8826745ab9d0e19c3b7f5a6e42";

    #[test]
    fn which_values_are_encryption_keys() {
        let raw = HEXLOWER_PERMISSIVE.decode(HEX.as_bytes()).unwrap();
        let base64 = BASE64.encode(&raw);
        let counting: Vec<u8> = (0..32).collect();
        let in_base64 = |text: &[u8]| BASE64.encode(text).into_bytes();
        for (value, expected) in [
            (raw.clone(), Ok(())),
            (HEX.as_bytes().to_vec(), Ok(())),
            (HEX.to_uppercase().into_bytes(), Ok(())),
            (format!("\n{HEX}\r\n").into_bytes(), Ok(())),
            (base64.clone().into_bytes(), Ok(())),
            (format!("{base64}\n").into_bytes(), Ok(())),
            // A line break behind raw bytes may as well belong to them.
            ([&raw[..], b"\n"].concat(), Err(NO_KEY)),
            (raw[..31].to_vec(), Err(NO_KEY)),
            (HEX.as_bytes()[..62].to_vec(), Err(NO_KEY)),
            (in_base64(&raw[..16]), Err(NO_KEY)),
            (in_base64(&[&raw[..], &raw[..]].concat()), Err(NO_KEY)),
            (b"g".repeat(64), Err(NO_KEY)),
            (Vec::new(), Err("is empty; put the value into it")),
            (b" \n".to_vec(), Err("is empty; put the value into it")),
            (
                b"REPLACE_WITH_32_BYTES_OF_RANDOM!".to_vec(),
                Err(PLACEHOLDER),
            ),
            (b"changeme".to_vec(), Err(PLACEHOLDER)),
            // The key of another service, which takes 32 letters for 32 bytes.
            (HEX.as_bytes()[..32].to_vec(), Err(TEXT)),
            (in_base64(b"correct horse battery staple 123"), Err(TEXT)),
            (vec![0; 32], Err(PATTERN)),
            (b"00".repeat(32), Err(PATTERN)),
            (b"0123456789abcdef".repeat(4), Err(PATTERN)),
            (counting, Err(PATTERN)),
        ] {
            let shown = String::from_utf8_lossy(&value).into_owned();
            assert_eq!(encryption_key(&value).map(drop), expected, "{shown:?}");
            let used = usable(&value, Use::Encryption);
            assert_eq!(used, expected.map(|()| &value[..]), "{shown:?}");
        }
    }

    proptest! {
        #[test]
        fn random_bytes_are_a_key_in_every_form(key: [u8; KEY_BYTES]) {
            prop_assume!(!is_pattern(&key) && !key.iter().all(u8::is_ascii));
            prop_assert_eq!(encryption_key(&key), Ok(key));
            let hex = HEXLOWER_PERMISSIVE.encode(&key);
            prop_assert_eq!(encryption_key(hex.as_bytes()), Ok(key));
            let base64 = BASE64.encode(&key);
            // Base64 of a key spells a placeholder about never, and is refused then.
            prop_assert_eq!(encryption_key(base64.as_bytes()), Ok(key));
        }
    }
}
