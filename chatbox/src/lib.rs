//! The chat server: talks with people and models.
//!
//! The rooms, in reading order. An arrow never points upwards in this list, and neighbours on one line do not know
//! each other; a test holds the rooms to it.
//!
//! - [`chat`]: the nouns; pure
//! - [`clock`], [`secrets`], [`metrics`], [`lifecycle`], [`telemetry`]: what every room may use
//! - [`store`], [`bus`], [`llm`]: what is kept, what is told, who answers
//! - [`turn`]: one question to one answer
//! - [`wire`]: the JSON on the socket; pure
//! - [`auth`], [`limits`], [`error`], [`state`]: who speaks, how much, what outsiders are told
//! - [`socket`]: the life of one connection
//! - [`http`]: every route
//! - [`app`]: the whole program in one place
//! - [`args`]: the command line

pub mod chat;

pub mod clock;
pub mod lifecycle;
pub mod metrics;
pub mod secrets;
pub mod telemetry;

pub mod bus;
pub mod llm;
pub mod store;

pub mod turn;

pub mod wire;

pub mod auth;
pub mod error;
pub mod limits;
pub mod state;

pub mod socket;

pub mod http;

pub mod app;
pub mod args;
