//! Makes a cluster match its Chatbox resources.
//!
//! The modules, in reading order:
//!
//! - [`reconcile`]: one reconcile of one Chatbox, on one screen: observe → validate → plan → diff → apply → status
//! - [`retention`]: before anything else: whether what holds data or keys has the owner that the deletion policy asks for
//!   (pure)
//! - [`observe`]: reads what the spec refers to, into an [`observed::Observed`]
//! - [`secrets`]: from the referenced Secrets to what is wrong with them and to the digest of their values (pure)
//! - [`restrictions`]: which Secrets and hosts of providers a Chatbox may name (pure)
//! - [`validate`]: from the spec and what was observed to a [`validate::ValidatedChatbox`], or every error at once (pure)
//! - [`plan`]: the desired objects, one kind a file (pure, infallible); [`claim`]: what of a volume can be changed (pure)
//! - [`diff`]: from desired and live objects to the changes that are needed (pure)
//! - [`apply`]: makes these changes; decides nothing. [`exclusive`]: what must be taken out of an object before (pure)
//! - [`status`]: from the result to the status (pure), then one patch and an event
//! - [`controller`]: the watches, and which Chatbox each event triggers; [`cache`]: what the watches have delivered;
//!   [`guarded`]: a Chatbox whose spec may be unreadable
//! - [`run`], [`render`], [`rbac`]: the subcommands, on the command line of [`args`]
//! - [`context`], [`backoff`], [`contest`], [`metrics`], [`health`], [`telemetry`], [`error`]: shared by the rest
//! - [`kind`], [`names`], [`identity`], [`namespaced_name`], [`stored`], [`quantity`], [`text`], [`lock`]: below everything else
//!
//! `operator/tests/modules.rs` holds every file to the modules that it may use.
//!
//! Invariants: the spec is never written; nothing is decided from memory that the cluster does not hold; a converged
//! Chatbox costs no request; a secret value is seen by `observe`, `secrets` and the one create, and is printed nowhere.

pub mod apply;
pub mod args;
pub mod backoff;
pub mod cache;
pub mod claim;
pub mod contest;
pub mod context;
pub mod controller;
pub mod diff;
pub mod error;
pub mod exclusive;
#[cfg(test)]
mod fixtures;
pub mod guarded;
pub mod health;
mod hex;
pub mod identity;
pub mod kind;
pub mod lock;
pub mod metrics;
pub mod names;
pub mod namespaced_name;
pub mod observe;
pub mod observed;
pub mod plan;
pub mod quantity;
pub mod rbac;
pub mod reconcile;
pub mod render;
pub mod restrictions;
pub mod retention;
pub mod run;
pub mod secrets;
pub mod status;
pub mod stored;
pub mod telemetry;
pub mod text;
pub mod validate;
