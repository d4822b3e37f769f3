//! Which model answers.

use std::sync::Arc;

/// Ids of the configured models, in the order of the document. The first one is the default.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelIds(Arc<[String]>);

impl ModelIds {
    /// `None` without any.
    pub fn new(ids: impl IntoIterator<Item = String>) -> Option<Self> {
        let ids: Arc<[String]> = ids.into_iter().collect();
        (!ids.is_empty()).then_some(Self(ids))
    }

    /// One model alone.
    pub fn of(id: String) -> Self {
        Self([id].into())
    }

    /// The model that answers in a session whose user chose `chosen`: that one, unless it is not configured any more.
    pub fn answering(&self, chosen: Option<&str>) -> &str {
        let known = self.0.iter().find(|id| Some(id.as_str()) == chosen);
        // No constructor makes an empty list.
        known.unwrap_or(&self.0[0])
    }

    pub fn contains(&self, id: &str) -> bool {
        self.0.iter().any(|known| known == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_holds_while_it_is_configured_and_else_the_first_answers() {
        let ids = ModelIds::new(["fast", "good", "Fast"].map(ToOwned::to_owned)).unwrap();
        for (chosen, expected) in [
            (None, "fast"),
            (Some("fast"), "fast"),
            (Some("good"), "good"),
            (Some("Fast"), "Fast"),
            (Some("gone"), "fast"),
            (Some(""), "fast"),
        ] {
            assert_eq!(ids.answering(chosen), expected, "{chosen:?}");
            let is_known = chosen == Some(expected);
            assert_eq!(chosen.is_some_and(|id| ids.contains(id)), is_known);
        }
        assert_eq!(ModelIds::new([]), None);
    }
}
