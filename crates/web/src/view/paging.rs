//! Where one is in a long list.

/// The ways from a part of a list that goes on behind its last one, not by number: for lists
/// that grow while they are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Onward {
    /// Address of the beginning, where this is not it.
    pub first_url: Option<String>,
    /// Address of the part after.
    pub next_url: Option<String>,
}

impl Onward {
    /// Returns whether there is another part.
    pub fn has_more(&self) -> bool {
        self.first_url.is_some() || self.next_url.is_some()
    }
}

/// The part of a list that is shown, with the ways to the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paging {
    /// Place of the first one shown, from 1; 0 if none is.
    pub first: u64,
    /// Place of the last one shown.
    pub last: u64,
    /// How many there are in all; at least, where there are more.
    pub total: u64,
    /// Whether there are more than were counted.
    pub more: bool,
    /// Address of the part before.
    pub previous_url: Option<String>,
    /// Address of the part after.
    pub next_url: Option<String>,
}

impl Paging {
    /// Returns how many there are, in words.
    pub fn count(&self) -> String {
        match self.more {
            true => format!("more than {}", self.total),
            false => self.total.to_string(),
        }
    }

    /// Returns whether there are more than are shown on any page.
    pub fn is_cut(&self) -> bool {
        self.more && self.next_url.is_none()
    }

    /// Returns whether there is another part.
    pub fn has_more(&self) -> bool {
        self.previous_url.is_some() || self.next_url.is_some()
    }
}
