//! What a publisher proves: on its page, on the operator's, and behind the link in a letter.

use askama::Template;

use crate::view::{Layout, When};

/// What a publisher proves, on its own page.
#[derive(Debug, Clone)]
pub struct ProofsView {
    /// The company e-mail.
    pub email: String,
    /// When it was proven.
    pub email_proven: Option<When>,
    /// When the last link was sent there.
    pub email_sent: Option<When>,
    /// Until when that holds.
    pub email_expires: Option<When>,
    /// The website.
    pub website: String,
    /// Its domain; none where nothing can be proven of it.
    pub domain: Option<DomainView>,
    /// Whether the e-mail is of that domain.
    pub domains_agree: bool,
    /// Whether the viewer may prove them.
    pub can_prove: bool,
    /// Whether the viewer may mend the profile.
    pub can_mend: bool,
}

impl ProofsView {
    /// Returns whether nothing is left to prove.
    pub fn is_done(&self) -> bool {
        let domain = self.domain.as_ref();
        self.email_proven.is_some() && domain.is_some_and(|domain| domain.proven.is_some())
    }
}

/// How it stands about a domain.
#[derive(Debug, Clone)]
pub struct DomainView {
    /// The domain.
    pub domain: String,
    /// The name whose TXT record proves it.
    pub record: String,
    /// The address of the file that proves it.
    pub file: String,
    /// The text.
    pub text: String,
    /// Where the text was found, and when.
    pub proven: Option<(String, When)>,
    /// When it is looked at next.
    pub next_look: Option<When>,
    /// When it was last looked at, and why that found nothing.
    pub failed: Option<(When, String)>,
}

/// The page behind the link in a letter.
#[derive(Debug, Template)]
#[template(path = "email_proof.html")]
pub struct EmailProofPage {
    /// What is around.
    pub layout: Layout,
    /// Who applied.
    pub legal_name: String,
    /// Their website.
    pub website: String,
    /// The address.
    pub email: String,
    /// Whether the link can still be followed.
    pub is_open: bool,
    /// Whether the address is proven.
    pub is_proven: bool,
}
