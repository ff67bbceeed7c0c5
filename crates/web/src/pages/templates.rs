//! `/review/templates`: texts that the certification team keeps for its decisions.

use askama::Template;

use crate::view::{Choice, FieldErrors, Layout, When};

/// The templates of decisions.
#[derive(Debug, Template)]
#[template(path = "decision_templates.html")]
pub struct TemplatesPage {
    /// What is around.
    pub layout: Layout,
    /// The templates, by kind and name.
    pub rows: Vec<TemplateRow>,
    /// The form for another one.
    pub form: TemplateForm,
}

/// A template.
#[derive(Debug, Clone)]
pub struct TemplateRow {
    /// Its identifier.
    pub id: String,
    /// What it is a reason for.
    pub decision: &'static str,
    /// What it is called.
    pub name: String,
    /// What it says.
    pub body: String,
    /// Who wrote it as it is.
    pub author: String,
    /// When.
    pub at: When,
    /// The form that changes it.
    pub form: TemplateForm,
}

/// A template as it is typed.
#[derive(Debug, Clone)]
pub struct TemplateForm {
    /// What it is called.
    pub name: String,
    /// What it says.
    pub body: String,
    /// What it can be a reason for.
    pub decisions: Vec<Choice>,
    /// What is wrong with it.
    pub errors: FieldErrors,
}
