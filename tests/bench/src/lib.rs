//! Measures the server and the operator against floors in the same minutes on the same machine.
//!
//! | Module | What it knows |
//! |---|---|
//! | [`args`] | the command line |
//! | [`rows`] | what is measured, one module for each thing; [`scale`]: how much of it |
//! | [`table`], [`report`] | how it is told, and written into `docs/performance.md` |
//! | [`server`], [`client`] | the server under test and the load generator's side of a conversation |
//! | [`cluster`] | a control plane for the rows of the operator |
//! | [`roles`] | the other sides, as processes of their own: provider, naive relay, bare sockets |
//! | [`process`], [`proc`] | starting programs, and what the kernel says about them |
//! | [`script`], [`stamp`], [`clock`] | tokens on demand that say when they were sent |
//! | [`stats`] | medians and percentiles |

pub mod args;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod proc;
pub mod process;
pub mod report;
pub mod roles;
pub mod rows;
pub mod scale;
pub mod script;
pub mod server;
pub mod stamp;
pub mod stats;
pub mod table;
