//! What a publisher owes, on its page.

use crate::view::{FieldErrors, When};

/// What a publisher owes.
#[derive(Debug, Clone, Default)]
pub struct TermsView {
    /// The fee for each listing, in words.
    pub fee: String,
    /// The operator's share, in words.
    pub share: String,
    /// Every version, the newest first.
    pub versions: Vec<TermsLine>,
    /// Whether the viewer may set them.
    pub can_set: bool,
    /// The fee as it was typed.
    pub typed_fee: String,
    /// Its currency.
    pub typed_currency: String,
    /// The share as it was typed.
    pub typed_share: String,
    /// The note as it was typed.
    pub typed_note: String,
    /// What is wrong with these.
    pub errors: FieldErrors,
}

/// A version of the terms.
#[derive(Debug, Clone)]
pub struct TermsLine {
    /// When it was set.
    pub at: When,
    /// By whom.
    pub by: String,
    /// The fee, in words.
    pub fee: String,
    /// The share, in words.
    pub share: String,
    /// Why.
    pub note: String,
}
