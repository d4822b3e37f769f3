//! A validation error.

use std::fmt;

/// One validation error of a document: the field, what is wrong, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Path of the field as the author wrote it, for example `models[0].openai.baseUrl`.
    pub field: String,
    /// What is wrong and how to fix it, in lower case and without a full stop.
    pub message: String,
}

impl Problem {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }

    /// The same error in a document that embeds this one at `parent`.
    #[must_use]
    pub fn under(self, parent: &str) -> Self {
        let field = match self.field.as_str() {
            "" => parent.to_owned(),
            field if field.starts_with('[') => format!("{parent}{field}"),
            field => format!("{parent}.{field}"),
        };
        Self { field, ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            return f.write_str(&self.message);
        }
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_put_before_the_field() {
        for (field, expected) in [
            ("", "spec.config"),
            ("models", "spec.config.models"),
            ("[0]", "spec.config[0]"),
        ] {
            assert_eq!(
                Problem::new(field, "x").under("spec.config").field,
                expected
            );
        }
    }

    #[test]
    fn a_problem_is_printed_after_its_field() {
        for (field, expected) in [("models", "models: is empty"), ("", "is empty")] {
            assert_eq!(Problem::new(field, "is empty").to_string(), expected);
        }
    }
}
