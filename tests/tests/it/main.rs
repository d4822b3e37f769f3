//! The whole chat server on one machine.

mod auth;
mod chat;
mod crash;
mod limits;
mod pages;
mod providers;
mod resume;
mod rooms;
mod stop;
mod store;
