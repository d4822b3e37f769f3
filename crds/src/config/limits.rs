//! Limits of the server, with their defaults and reasons.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Problem;

/// Limits of the server. Each applies per pod.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", default)]
#[schemars(extend("x-kubernetes-validations" = [{
    "rule": "self.frameBytes >= 4 * self.messageChars + 4096",
    "message": "frameBytes must hold the longest message: at least 4 * messageChars + 4096"
}]))]
pub struct Limits {
    /// Characters in one message: more than a person types, less than the context of a model.
    #[garde(range(min = 1, max = 100_000))]
    pub message_chars: i32,
    /// Bytes in one WebSocket frame; a larger one closes the connection with code 1009. What is half sent is held in
    /// memory, so the default is little more than the longest message of the default `messageChars` needs. Programs that
    /// escape all but ASCII need up to 12 bytes for a character.
    #[garde(range(min = 16_384, max = 1_048_576))]
    pub frame_bytes: i32,
    /// Messages one user may send in a minute: each one costs a completion.
    #[garde(range(min = 1, max = 10_000))]
    pub messages_per_minute: i32,
    /// Questions of one session that wait for an answer at the same time.
    #[garde(range(min = 1, max = 100))]
    pub pending_questions: i32,
    /// Open connections of one user: a few devices with a few tabs each. As many answers are written for one user at the
    /// same time.
    #[garde(range(min = 1, max = 1_000))]
    pub connections_per_user: i32,
    /// Open connections in all: what fits into the memory of a pod.
    #[garde(range(min = 1, max = 100_000))]
    pub connections: i32,
    /// New visitors per client address and minute: enough for an office behind one address. Those who come back do not
    /// count.
    #[garde(range(min = 1, max = 10_000))]
    pub guests_per_minute: i32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_chars: 10_000,
            frame_bytes: 65_536,
            messages_per_minute: 100,
            pending_questions: 3,
            connections_per_user: 10,
            connections: 15_000,
            guests_per_minute: 60,
        }
    }
}

impl Limits {
    pub(super) fn check(&self) -> Vec<Problem> {
        // A character takes up to four bytes, and the rest of the frame some more.
        let needed = i64::from(self.message_chars) * 4 + 4096;
        if i64::from(self.frame_bytes) >= needed {
            return Vec::new();
        }
        let message = "frameBytes must hold the longest message: at least 4 * messageChars + 4096";
        vec![Problem::new("limits", message)]
    }
}
