//! Templates of decisions.

use market::Problem;

use super::{ago, layout, page, reviewer, said};
use crate::{
    pages::templates::{TemplateForm, TemplateRow, TemplatesPage},
    view::{Choice, FieldErrors},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut empty = templates();
    empty.rows.clear();
    let mut refused = templates();
    refused.layout = said(refused.layout, true, "name: it is taken");
    let wrong = |field: &str| Problem {
        field: field.to_owned(),
        message: "so it cannot be".to_owned(),
    };
    refused.form.errors = FieldErrors(["name", "decision", "body"].map(wrong).into());
    vec![
        page("decision-templates", &templates()),
        page("decision-templates-empty", &empty),
        page("decision-templates-refused", &refused),
    ]
}

fn form(name: &str, body: &str) -> TemplateForm {
    TemplateForm {
        name: name.to_owned(),
        body: body.to_owned(),
        decisions: vec![
            Choice::new("request-changes", "Request changes", "approve"),
            Choice::new("approve", "Approve", "approve"),
        ],
        errors: FieldErrors::default(),
    }
}

fn templates() -> TemplatesPage {
    let row = |id: &str, decision, name: &str, body: &str| TemplateRow {
        id: id.to_owned(),
        decision,
        name: name.to_owned(),
        body: body.to_owned(),
        author: "robin".to_owned(),
        at: ago(50),
        form: form(name, body),
    };
    TemplatesPage {
        layout: layout("/review/templates", reviewer()),
        rows: vec![
            row(
                "tpl_1",
                "Request changes",
                "Runs as root",
                "Your image runs as root.\n\nPlease set a user, or say on the thread why it cannot.",
            ),
            row("tpl_2", "Approve", "Welcome <b>", "Welcome on the market."),
        ],
        form: form("", ""),
    }
}
