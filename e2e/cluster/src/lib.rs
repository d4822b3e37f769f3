//! A one-node Kubernetes on this machine, without a container engine and without image downloads.
//!
//! | Module | What it knows |
//! |---|---|
//! | [`up`], [`down`] | the two commands, step by step |
//! | [`preflight`] | what would make `up` fail later, named before anything starts |
//! | [`install`] | the charts and the sample |
//! | [`node`] | bridge, containerd, kubelet and kube-proxy: what makes pods run |
//! | [`daemons`] | how components are started so that they stay, found and ended |
//! | [`paths`], [`ports`], [`state`], [`packages`] | where things lie and listen, whose cluster it is, what it stands on |
//!
//! It stands on `control-plane` and `builder`, and knows no test.

pub mod daemons;
pub mod down;
pub mod install;
pub mod node;
pub mod packages;
pub mod paths;
pub mod ports;
pub mod preflight;
pub mod state;
pub mod up;
