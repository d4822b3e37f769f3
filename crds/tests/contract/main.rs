//! The promises of the contract.

mod golden;
mod rules;
mod schema;
