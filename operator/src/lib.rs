//! Makes a cluster match its Chatbox resources.
//!
//! The rooms, in reading order:
//!
//! - [`reconcile`]: one look at one Chatbox, on one screen: observe → validate → plan → apply → report
//! - [`observe`]: reads what the spec refers to; [`observed`] is what it found
//! - [`validate`]: from the spec and what was read to something that can be planned, or everything that is wrong (pure)
//! - [`plan`]: what a Chatbox becomes, one kind of object a file (pure, infallible)
//! - [`diff`]: from what is to be and what is to what must be done (pure)
//! - [`apply`]: does it; decides nothing
//! - [`report`]: from the outcome to the status (pure), then one patch and an event
//! - [`controller`]: what is watched, and how a change leads back to a Chatbox; [`children`] and [`references`] are what
//!   the watches know, [`watched`] is how a Chatbox is decoded, [`watches`] says whether all of them stand
//! - [`run`], [`render`], [`rbac`]: the subcommands, on the command line of [`args`]
//! - [`context`], [`backoff`], [`metrics`], [`health`], [`telemetry`], [`error`], [`outcome`],
//!   [`kind`], [`lock`]: what the rest shares
//!
//! What holds everywhere: the spec is never written; nothing is decided from memory that the cluster does not hold; what
//! is as it should be gets no request; a secret value is seen by `observe`, `validate` and the one create, and printed by
//! nobody.

pub mod apply;
pub mod args;
pub mod backoff;
pub mod children;
pub mod context;
pub mod controller;
pub mod diff;
pub mod error;
#[cfg(test)]
mod fixtures;
pub mod health;
mod hex;
pub mod kind;
pub mod lock;
pub mod metrics;
pub mod observe;
pub mod observed;
pub mod outcome;
pub mod plan;
pub mod rbac;
pub mod reconcile;
pub mod references;
pub mod render;
pub mod report;
pub mod run;
pub mod telemetry;
pub mod validate;
pub mod watched;
pub mod watches;
