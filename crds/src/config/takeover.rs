//! Members of staff who take conversations over.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Members of staff who take conversations over: those whose token has the role `admin` or `chat_admin`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", default)]
pub struct Takeover {
    /// How long a member of staff may be away from a conversation that they have taken over, in seconds. Then it goes back to
    /// the model. Long enough for a reload, a lost network or a short look elsewhere.
    #[garde(range(min = 1, max = 86_400))]
    pub away_seconds: i32,
}

impl Takeover {
    /// Left out of a rendered document: what an older release has written keeps its hash, and no pod is replaced for it.
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Default for Takeover {
    fn default() -> Self {
        Self { away_seconds: 120 }
    }
}
