//! The models that may answer a question, one after the other.

use std::collections::VecDeque;

use super::Model;

/// Those that are worth asking first, in their order; then, where none of them answered, those that were left alone.
pub struct Candidates<'a> {
    ahead: VecDeque<&'a Model>,
    left_alone: VecDeque<&'a Model>,
}

impl<'a> Candidates<'a> {
    pub(super) fn new(chosen: &'a Model, others: Vec<&'a Model>) -> Self {
        let mut ahead = VecDeque::from(others);
        ahead.push_front(chosen);
        Self {
            ahead,
            left_alone: VecDeque::new(),
        }
    }
}

impl<'a> Iterator for Candidates<'a> {
    type Item = &'a Model;

    /// There is one at least.
    fn next(&mut self) -> Option<&'a Model> {
        while let Some(model) = self.ahead.pop_front() {
            if model.try_ask() {
                return Some(model);
            }
            self.left_alone.push_back(model);
        }
        self.left_alone.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use crate::llm::{ErrorClass, Models};

    fn models() -> Models {
        let models = serde_json::json!([
            {"id": "a", "name": "A", "demo": {}, "fallback": ["c", "b"]},
            {"id": "b", "name": "B", "demo": {}, "fallback": ["a"]},
            {"id": "c", "name": "C", "demo": {}},
        ]);
        let models: Vec<_> = serde_json::from_value(models).unwrap();
        Models::new(&models, std::path::Path::new("/")).unwrap()
    }

    fn ids(models: &Models, chosen: &str) -> Vec<String> {
        models
            .candidates(chosen)
            .map(|model| model.id.clone())
            .collect()
    }

    #[test]
    fn the_chosen_one_comes_first_and_one_that_fails_last() {
        let models = models();
        assert_eq!(ids(&models, "a"), ["a", "c", "b"]);
        assert_eq!(ids(&models, "b"), ["b", "a"]);
        assert_eq!(ids(&models, "c"), ["c"]);
        assert_eq!(ids(&models, "gone"), ["a", "c", "b"]);
        for id in ["a", "c"] {
            for _ in 0..3 {
                models.get(id).unwrap().report(Err(ErrorClass::Overloaded));
            }
        }
        assert_eq!(ids(&models, "a"), ["b", "a", "c"]);
        assert_eq!(ids(&models, "c"), ["c"], "nobody stands in for it");
        models.get("a").unwrap().report(Ok(()));
        assert_eq!(ids(&models, "a"), ["a", "b", "c"]);
    }

    #[test]
    fn what_is_up_to_the_question_is_not_up_to_the_model() {
        let models = models();
        for class in [ErrorClass::ContextTooLong, ErrorClass::ContentRefused] {
            for _ in 0..9 {
                models.first().report(Err(class));
            }
        }
        assert_eq!(ids(&models, "a"), ["a", "c", "b"]);
    }
}
