//! Helpers of the tests: a started server, a client on its socket, a provider that the test drives.
//!
//! - [`World`]: a server of its own for each test, in this process, on free ports
//! - [`Process`]: the same as a process that can be killed
//! - [`Client`]: one socket, and the receiver's rules of the wire
//! - [`raw`]: a socket of which the test writes every byte
//! - [`Provider`]: an endpoint that speaks OpenAI's chat completions word by word, as the test says
//! - [`Proxy`]: stands before a server, and breaks its connections
//! - [`FaultyStore`]: a store of which single operations fail, as the test says
//! - [`UnreliableBus`]: a bus that loses, repeats and delays
//! - [`mongodb`]: a database of its own for each test
//! - [`seeds()`]: how many rounds a random test runs, and how one is run again

#![expect(
    clippy::missing_panics_doc,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a helper of tests fails by panicking"
)]

mod bus;
mod client;
mod faulty_store;
pub mod mongodb;
mod process;
mod provider;
mod proxy;
pub mod raw;
mod seeds;
mod world;

pub use bus::UnreliableBus;
pub use client::{Answer, Client};
pub use faulty_store::{FaultyStore, Operation, leave_question, leave_run};
pub use process::{Process, serve};
pub use provider::{Call, Provider, ResponseStream};
pub use proxy::Proxy;
pub use seeds::{Seeds, seeds};
pub use world::{World, demo, documents, guests, openai};

use std::time::Duration;

/// A test that waits so long hangs; nothing is measured by it.
pub const TIMEOUT: Duration = Duration::from_secs(20);
