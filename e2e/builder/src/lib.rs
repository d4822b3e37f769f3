//! Builds what runs, and says how far it is. Nothing here starts a server.
//!
//! | Module | What it knows |
//! |---|---|
//! | [`page`], [`programs`], [`images`] | the page of the chat server, both programs, their images |
//! | [`tools`] | Kubernetes, etcd and helm from Go modules, a MongoDB server of Python packages: made once a machine |
//! | [`packages`] | which Debian packages are missing, and how they are installed |
//! | [`progress`] | one line a step, and every 15 seconds how far a long one is |
//! | [`command`] | runs a program to its end and repeats the end of its output when it failed |
//! | [`fingerprint`], [`paths`], [`scratch`] | names of content; where things lie; a folder that goes with its run |

pub mod command;
pub mod fingerprint;
pub mod images;
pub mod packages;
pub mod page;
pub mod paths;
pub mod programs;
pub mod progress;
pub mod scratch;
pub mod tools;
