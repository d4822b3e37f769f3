//! The whole chat server on one machine.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod auth;
mod bounds;
mod changes;
mod chat;
mod commands;
mod crash;
mod encryption;
mod limits;
mod modules;
mod mongodb;
mod old_clients;
mod pages;
mod providers;
mod recovery;
mod resume;
mod slow;
mod stop;
mod supervision;
mod takeover;
mod unreliable;
