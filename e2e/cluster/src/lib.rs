//! A one-node Kubernetes on this machine, without a container engine and without image downloads.
//!
//! | Module | What it knows |
//! |---|---|
//! | [`up`], [`down`] | the two commands, step by step |
//! | [`preflight`] | what would make `up` fail later, named before anything starts |
//! | [`install`] | the charts and the sample |
//! | [`node`] | everything that runs, in namespaces of its own |
//! | [`processes`] | finds what runs, and ends it |
//! | [`paths`], [`ports`], [`state`], [`packages`] | where things lie and listen, whose cluster it is, what it stands on |
//!
//! It stands on `control-plane` and `builder`, and knows no test.

pub mod down;
pub mod install;
pub mod node;
pub mod packages;
pub mod paths;
pub mod ports;
pub mod preflight;
pub mod processes;
pub mod state;
pub mod up;
