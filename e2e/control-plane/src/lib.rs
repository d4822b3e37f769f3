//! The API of Kubernetes without a node. Needs no root, and ends with the test that started it.
//!
//! | Module | What it knows |
//! |---|---|
//! | [`ControlPlane`] | one that a test owns: starts it, and ends it when dropped |
//! | [`world`] | a namespace of one test, and what is asked of it |
//! | [`kubectl`] | the API, used as a person would |
//! | [`plane`] | the components with their arguments, for a test or for a whole cluster |
//! | [`credentials`] | certificates, tokens and kubeconfigs |
//! | [`component`], [`ports`] | how a program is started and waited for; where it listens |
//!
//! It stands on `builder`, which builds the programs, and knows nothing of nodes, pods or images.

pub mod component;
pub mod credentials;
pub mod kubectl;
pub mod plane;
pub mod ports;
mod standalone;
pub mod world;

/// How a test starts a program of its own, so that it does not outlive the test for long.
pub use builder::command::helper;
pub use standalone::ControlPlane;
