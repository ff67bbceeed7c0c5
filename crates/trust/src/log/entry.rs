//! What a market's log says: what was released, held, reinstated, revoked, withdrawn, and when.
//! An entry is one JSON object; its bytes are what is hashed.

use chrono::{DateTime, Utc};
use oci::Digest;
use serde::{Deserialize, Serialize};

/// No entry is larger, in bytes: its length stands before it in two.
pub const MAX_ENTRY_BYTES: usize = u16::MAX as usize;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Under which name: host and repository.
    pub name: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// What happened to a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// An image was signed and made public.
    Released {
        /// Under which tag.
        tag: String,
        /// Which image.
        digest: Digest,
        /// Whether it bears the mark.
        certified: bool,
        /// Name of the key that signed it.
        key: String,
    },
    /// It got a warning, and takes no new subscribers.
    Held,
    /// The warning was lifted.
    Reinstated,
    /// It was taken off the market.
    Revoked,
    /// Its publisher took it off the market.
    Withdrawn,
    /// Its publisher no longer offers what it released under a tag.
    TagWithdrawn {
        /// Which.
        tag: String,
    },
}

impl Entry {
    /// Writes the bytes that are hashed.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("texts and times always serialise")
    }

    /// Reads an entry; none where it is of a kind that is not known here.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_ENTRY_BYTES {
            return None;
        }
        serde_json::from_slice(bytes).ok()
    }
}

/// How an image stands with the market.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// On the market.
    Listed,
    /// On the market with a warning.
    OnHold,
    /// Taken off the market.
    Revoked,
    /// Taken off the market by its publisher.
    Withdrawn,
    /// No longer offered under any tag; others of its name are.
    TagWithdrawn,
}

impl State {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::OnHold => "on-hold",
            Self::Revoked => "revoked",
            Self::Withdrawn => "withdrawn",
            Self::TagWithdrawn => "tag-withdrawn",
        }
    }
}

/// What the log says of an image at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How its name stands.
    pub state: State,
    /// Since when it stands so.
    pub since: DateTime<Utc>,
    /// When the image was released last.
    pub released_at: DateTime<Utc>,
    /// Under which tag.
    pub tag: String,
    /// Whether it bears the mark.
    pub certified: bool,
    /// The image that the tag names at that time, where it is another one.
    pub replaced_by: Option<Digest>,
}

impl Standing {
    /// Returns whether the image bore the mark and was neither held nor off the market.
    pub fn is_certified(&self) -> bool {
        self.certified && self.state == State::Listed
    }
}

/// Returns how an image stands after all entries of its name, which are in the log's order, or
/// stood at a time. None where it was not released by then.
///
/// What stands now is a matter of the order alone: clocks of the nodes that wrote it may be apart.
pub fn standing(entries: &[Entry], digest: &Digest, at: Option<DateTime<Utc>>) -> Option<Standing> {
    // By the tag under which it was released; an image that was withdrawn under one may be
    // offered under another.
    let mut found: Vec<Standing> = Vec::new();
    let mut state: Option<(State, DateTime<Utc>)> = None;
    let by_then = |entry: &&Entry| at.is_none_or(|at| entry.at <= at);
    for entry in entries.iter().filter(by_then) {
        let next = match &entry.event {
            Event::Released {
                tag,
                digest: released,
                certified,
                ..
            } => {
                if released == digest {
                    found.retain(|found| found.tag != *tag);
                    found.push(Standing {
                        state: State::Listed,
                        since: entry.at,
                        released_at: entry.at,
                        tag: tag.clone(),
                        certified: *certified,
                        replaced_by: None,
                    });
                } else if let Some(found) = found.iter_mut().find(|found| found.tag == *tag) {
                    found.replaced_by = Some(released.clone());
                }
                // A fix is released while on hold; the hold is lifted apart.
                match state {
                    Some(_) => continue,
                    None => State::Listed,
                }
            }
            Event::Held => State::OnHold,
            Event::Reinstated => State::Listed,
            Event::Revoked => State::Revoked,
            Event::Withdrawn => State::Withdrawn,
            Event::TagWithdrawn { tag } => {
                if let Some(found) = found.iter_mut().find(|found| found.tag == *tag) {
                    (found.state, found.since) = (State::TagWithdrawn, entry.at);
                }
                continue;
            }
        };
        state = Some((next, entry.at));
    }
    let is_offered = |found: &&Standing| found.state == State::Listed;
    let found = found.iter().rfind(is_offered).or(found.last()).cloned();
    let (mut found, (state, since)) = found.zip(state)?;
    let is_on_market = matches!(state, State::Listed | State::OnHold);
    if found.state == State::Listed || !is_on_market {
        found.state = state;
        found.since = since.max(found.released_at);
    }
    Some(found)
}

/// What the log says of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named<'a> {
    /// It names this image.
    Image(&'a Digest),
    /// Its publisher no longer offers it, since then.
    Withdrawn(DateTime<Utc>),
}

/// Returns what a tag names after all entries of its name; none where nothing was released under
/// it.
pub fn named<'a>(entries: &'a [Entry], wanted: &str) -> Option<Named<'a>> {
    let named = |entry: &'a Entry| match &entry.event {
        Event::Released { tag, digest, .. } if tag == wanted => Some(Named::Image(digest)),
        Event::TagWithdrawn { tag } if tag == wanted => Some(Named::Withdrawn(entry.at)),
        _ => None,
    };
    entries.iter().rev().find_map(named)
}
