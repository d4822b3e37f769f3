//! What the scenarios on a real Kubernetes share. They themselves lie in `tests/scenarios`.
//!
//! | Module | What it knows |
//! |---|---|
//! | [`environment`] | the cluster that all scenarios of one run use, or a control plane where pods cannot run |
//! | [`llm`] | an endpoint of a model that can fail on demand |
//!
//! The crates below this folder go one way, and `tests/directions.rs` holds them to it:
//!
//! ```text
//! e2e ──► cluster ──► control-plane ──► builder ◄── local-server (`make try`) ──► chatbox
//!                          ▲             ▲
//!                   operator's tests   browser ◄── e2e, tests
//! ```

pub mod environment;
pub mod llm;
