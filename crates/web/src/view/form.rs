//! Parts of forms: the hidden token, what is wrong with a field, a choice.

use std::fmt;

use askama::filters::HtmlSafe;
use market::Problem;

use super::escaped;

/// The token that proves a form came from one of our pages; writes the hidden field `csrf`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Csrf(pub String);

impl fmt::Display for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            r#"<input type="hidden" name="csrf" value="{}">"#,
            escaped(&self.0)
        )
    }
}

impl HtmlSafe for Csrf {}

/// What is wrong with a form, field by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors(pub Vec<Problem>);

impl FieldErrors {
    /// Returns whether the form is as it should be.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns how many problems there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Returns the paragraph below the field `name`; empty if nothing is wrong with it.
    pub fn of<'a>(&'a self, name: &'a str) -> FieldError<'a> {
        FieldError {
            errors: self,
            name,
            place: Place::Below,
        }
    }

    /// Returns the same, with an empty paragraph if nothing is wrong: a place for what a script
    /// hears while somebody types.
    pub fn place<'a>(&'a self, name: &'a str) -> FieldError<'a> {
        FieldError {
            errors: self,
            name,
            place: Place::Always,
        }
    }

    /// Returns the attributes inside the field's tag that say that something is wrong.
    pub fn mark<'a>(&'a self, name: &'a str) -> FieldError<'a> {
        FieldError {
            errors: self,
            name,
            place: Place::Inside,
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Place {
    Inside,
    Below,
    Always,
}

/// What is wrong with one field, at one of the two places where it is said.
#[derive(Debug)]
pub struct FieldError<'a> {
    errors: &'a FieldErrors,
    name: &'a str,
    place: Place,
}

impl fmt::Display for FieldError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut messages = self
            .errors
            .0
            .iter()
            .filter(|problem| problem.field == self.name)
            .peekable();
        if messages.peek().is_none() && !matches!(self.place, Place::Always) {
            return Ok(());
        }
        let name = escaped(self.name);
        match self.place {
            Place::Inside => write!(f, r#" aria-invalid="true" aria-describedby="error-{name}""#),
            Place::Below | Place::Always => {
                write!(f, r#"<span class="field-error" id="error-{name}">"#)?;
                for (place, problem) in messages.enumerate() {
                    let space = if place > 0 { "; " } else { "" };
                    write!(f, "{space}{}", escaped(&problem.message))?;
                }
                f.write_str("</span>")
            }
        }
    }
}

impl HtmlSafe for FieldError<'_> {}

/// One option of a select field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What people read.
    pub label: String,
    /// Whether it is the one in force.
    pub is_selected: bool,
}

impl Choice {
    /// Returns an option; it is selected if `value` is `current`.
    pub fn new(value: &str, label: &str, current: &str) -> Self {
        Self {
            value: value.to_owned(),
            label: label.to_owned(),
            is_selected: value == current,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_where_it_is() {
        let errors = FieldErrors(vec![Problem {
            field: "name".to_owned(),
            message: "`<b>` is no name".to_owned(),
        }]);
        insta::assert_snapshot!(errors.of("name"), @r#"<span class="field-error" id="error-name">`&#60;b&#62;` is no name</span>"#);
        insta::assert_snapshot!(errors.mark("name"), @r#" aria-invalid="true" aria-describedby="error-name""#);
        assert_eq!(errors.of("logo").to_string(), "");
        insta::assert_snapshot!(errors.place("logo"), @r#"<span class="field-error" id="error-logo"></span>"#);
    }
}
