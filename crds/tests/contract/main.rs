//! The rules of the configuration document and of the resource.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_documents;
mod docs;
mod documents;
mod edits;
mod golden;
mod rules;
mod schema;
