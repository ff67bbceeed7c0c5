//! Who belongs to a publisher: on its page, and behind the link of an invitation.

use askama::Template;

use crate::view::{FieldErrors, Layout, Pill, When};

/// Who belongs to a publisher.
#[derive(Debug, Clone, Default)]
pub struct TeamView {
    /// Its people.
    pub members: Vec<MemberRow>,
    /// Who is invited, or was lately.
    pub invitations: Vec<InvitationRow>,
    /// Whether the viewer manages them.
    pub can_manage: bool,
    /// The address as it was typed.
    pub email: String,
    /// The role as it was chosen.
    pub role: String,
    /// What is wrong with that.
    pub errors: FieldErrors,
}

impl TeamView {
    /// Returns what a member can be, with what that is good for.
    pub fn roles(&self) -> [(&'static str, &'static str); 4] {
        [
            ("viewer", "viewer: look and pull from staging"),
            ("editor", "editor: also change, push and submit"),
            ("finance", "finance: look, and see the terms and the money"),
            (
                "owner",
                "owner: all of it, and manage keys, members and webhooks",
            ),
        ]
    }
}

/// Somebody who belongs to a publisher.
#[derive(Debug, Clone)]
pub struct MemberRow {
    /// The name.
    pub name: String,
    /// The address; empty for those who do not manage members.
    pub email: String,
    /// As what.
    pub role: String,
    /// Since when.
    pub since: When,
    /// Whether it is the viewer.
    pub is_self: bool,
}

/// An invitation.
#[derive(Debug, Clone)]
pub struct InvitationRow {
    /// Its identifier.
    pub id: String,
    /// Where it was sent.
    pub email: String,
    /// As what.
    pub role: String,
    /// Who invited, and when.
    pub by: String,
    /// When.
    pub at: When,
    /// What became of it.
    pub state: Pill,
    /// Whether it can be sent anew or taken back.
    pub is_waiting: bool,
}

/// The page behind the link of an invitation.
#[derive(Debug, Template)]
#[template(path = "invitation.html")]
pub struct InvitationPage {
    /// What is around.
    pub layout: Layout,
    /// The publisher.
    pub legal_name: String,
    /// Its short name.
    pub slug: String,
    /// Where the letter went.
    pub email: String,
    /// As what one joins.
    pub role: String,
    /// Who invited.
    pub invited_by: String,
    /// Whether it can still be accepted.
    pub is_open: bool,
    /// Where to sign in and come back.
    pub sign_in_url: String,
    /// Whether a new account can be made.
    pub can_register: bool,
    /// The new account's name as it was typed.
    pub name: String,
    /// What is wrong with what was typed.
    pub errors: FieldErrors,
}
