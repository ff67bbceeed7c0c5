//! `/operator/audit`: who did what to what, and why.

use askama::Template;

use crate::view::{Choice, Layout, Onward, When};

/// The audit log.
#[derive(Debug, Template)]
#[template(path = "audit.html")]
pub struct AuditPage {
    /// What is around.
    pub layout: Layout,
    /// The records, newest first.
    pub rows: Vec<AuditRow>,
    /// The ways to the rest of them.
    pub onward: Onward,
    /// Whether some are left out.
    pub is_filtered: bool,
    /// Whose are asked for.
    pub actor: String,
    /// The actions, of which one may be asked for.
    pub actions: Vec<Choice>,
    /// About what they are asked for.
    pub subject: String,
}

/// An audit record.
#[derive(Debug, Clone)]
pub struct AuditRow {
    /// When.
    pub at: When,
    /// Who.
    pub who: String,
    /// Address of everything that they did.
    pub actor_url: String,
    /// What was done.
    pub action: String,
    /// From which state into which, where it has states.
    pub change: String,
    /// The id of what it was done to.
    pub subject: String,
    /// Address of everything that was done to it.
    pub subject_url: String,
    /// Why, if a reason was given.
    pub reason: String,
}
