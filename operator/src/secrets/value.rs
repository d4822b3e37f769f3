//! Secret values, which are never printed.

use crate::hex::hex;

/// The value of a key of a Secret.
#[derive(Clone)]
pub struct Value(Vec<u8>);

/// A generated key: hexadecimal digits.
#[derive(Clone)]
pub struct GeneratedKey(String);

impl Value {
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl GeneratedKey {
    pub fn new(random: &[u8; 32]) -> Self {
        Self(hex(random))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} bytes>", self.0.len())
    }
}

impl std::fmt::Debug for GeneratedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("<generated>")
    }
}
