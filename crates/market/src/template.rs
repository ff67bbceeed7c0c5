//! Templates of decisions: short texts that the certification team writes once. Who decides
//! takes one and edits it; the decision keeps its own reason.

use crate::Problem;

/// Most characters of a template's name.
pub const MOST_TEMPLATE_NAME: usize = 80;
/// Most characters of a template's text: as many as a decision's reason has.
pub const MOST_TEMPLATE_BODY: usize = 10_000;

/// Returns everything that is wrong with a template of this name and text.
pub fn template_problems(name: &str, body: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (field, text, most) in [
        ("name", name, MOST_TEMPLATE_NAME),
        ("body", body, MOST_TEMPLATE_BODY),
    ] {
        let length = text.trim().chars().count();
        if length == 0 || length > most {
            problems.push(Problem {
                field: field.to_owned(),
                message: format!("write 1 to {most} characters"),
            });
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_has_a_name_and_a_text() {
        assert_eq!(template_problems("Signature", "Please sign it."), []);
        let fields = |name: &str, body: &str| -> Vec<_> {
            let problems = template_problems(name, body).into_iter();
            problems.map(|problem| problem.field).collect()
        };
        assert_eq!(fields(" ", "\n"), ["name", "body"]);
        let long = |most| "x".repeat(most + 1);
        let (name, body) = (long(MOST_TEMPLATE_NAME), long(MOST_TEMPLATE_BODY));
        assert_eq!(fields(&name, &body), ["name", "body"]);
    }
}
