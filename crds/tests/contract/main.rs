//! The promises of the contract.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod edits;
mod golden;
mod rules;
mod schema;
