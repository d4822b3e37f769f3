//! The chat server: between visitors and language models.
//!
//! The modules, from the bottom up. A module uses only modules above it in this list; a test holds every file to it.
//!
//! - [`chat`]: session, message, run, and the rules about them; pure
//! - [`clock`], [`telemetry`], [`secrets`], [`metrics`], [`lifecycle`], [`supervisor`]: what every module may use
//! - [`limits`]: how much of everything
//! - [`store`], [`bus`], [`llm`]: what is kept, what is published, the models
//! - [`turn`]: one question to one answer
//! - [`wire`]: the JSON on the socket; pure
//! - [`auth`]: who makes a request
//! - [`old_clients`]: what clients have that never say it
//! - [`state`]: what a handler may ask for
//! - [`socket`]: the life of one connection
//! - [`http`]: every route, and the connections they come on
//! - [`app`]: the whole program in one place
//! - [`args`], [`commands`]: the command line, and what it does; [`config_file`],
//!   [`open_files`], [`signals`]

pub mod chat;

pub mod clock;
pub mod lifecycle;
pub mod limits;
pub mod metrics;
pub mod secrets;
pub mod supervisor;
pub mod telemetry;

pub mod bus;
pub mod llm;
pub mod store;

pub mod turn;

pub mod wire;

pub mod auth;
pub mod old_clients;

pub mod state;

pub mod socket;

pub mod http;

pub mod app;
pub mod args;
pub mod commands;
pub mod config_file;
pub mod open_files;
pub mod signals;
