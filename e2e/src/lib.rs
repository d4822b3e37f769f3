//! A real Kubernetes on one machine, without a container engine and without image downloads.
//!
//! | Room | What it knows |
//! |---|---|
//! | [`up`], [`down`] | the two commands, step by step |
//! | [`preflight`] | what would make `up` fail later, named before anything starts |
//! | [`packages`], [`tools`], [`programs`], [`images`] | what is built or installed, and when that can be skipped |
//! | [`control_plane`] | etcd, API server, controllers, scheduler: also alone, without root, for tests |
//! | [`node`] | bridge, containerd, kubelet and kube-proxy: what makes pods run |
//! | [`install`] | the charts and the sample |
//! | [`world`], [`browser`], [`llm`] | what a story stands on |
//! | [`part`], [`process`], [`command`], [`kubectl`] | how programs are started, found and ended |
//! | [`paths`], [`ports`], [`pki`], [`state`], [`fingerprint`], [`progress`] | where things lie and how they are told |

pub mod browser;
pub mod command;
pub mod control_plane;
pub mod down;
pub mod fingerprint;
pub mod images;
pub mod install;
pub mod kubectl;
pub mod llm;
pub mod node;
pub mod packages;
pub mod part;
pub mod paths;
pub mod pki;
pub mod ports;
pub mod preflight;
pub mod process;
pub mod programs;
pub mod progress;
pub mod state;
pub mod tools;
pub mod up;
pub mod world;

pub use control_plane::ControlPlane;
