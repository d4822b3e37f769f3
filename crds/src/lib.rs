//! What the operator writes and the chat server reads.
//!
//! One document, [`Config`], is the `spec.config` block of a `Chatbox` resource and, unchanged, the file that the
//! server starts from. Both sides parse it with [`Config::parse`] and validate it with [`Config::check`], so
//! their verdicts cannot differ. It holds no secret value, only [`SecretRef`]s; one rule, [`SecretRef::path`], says where the
//! operator mounts such a secret and where the server reads it.
//!
//! The modules, in reading order:
//!
//! - [`problem`]: a finding, with the path of the field it is about
//! - [`secret`]: references to secret keys, and their place on disk
//! - [`config`]: the document, one file a section; rules stand beside the fields
//! - [`runtime`]: ports, paths, names and times that both programs must know
//! - `chatbox`, `status` (feature `kube`): the resource around the document
//!
//! Compatibility: within one version of the resource, fields are only added, and always optional. Every document ever
//! released stays in `golden/` and must parse, check and round-trip.

pub mod problem;
pub mod secret;

pub mod config;
pub mod runtime;

#[cfg(feature = "kube")]
pub mod chatbox;
#[cfg(feature = "kube")]
pub mod status;

pub use config::Config;
pub use problem::Problem;
pub use secret::SecretRef;

#[cfg(feature = "kube")]
pub use chatbox::{Chatbox, ChatboxSpec};
#[cfg(feature = "kube")]
pub use status::ChatboxStatus;
