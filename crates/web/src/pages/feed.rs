//! Feeds in the form of Atom (RFC 4287).

use askama::Template;

/// A feed.
#[derive(Debug, Template)]
#[template(path = "feed.xml")]
pub struct FeedPage {
    /// Never changes, wherever the feed is (a `tag:` URI, RFC 4151).
    pub id: String,
    /// What it is about.
    pub title: String,
    /// The time of the newest entry.
    pub updated: String,
    /// Who says it: the marketplace.
    pub author: String,
    /// Where the feed is.
    pub url: String,
    /// The page about the same.
    pub page: String,
    /// Newest first.
    pub entries: Vec<FeedEntry>,
}

/// Something that happened to a listing.
#[derive(Debug, Clone)]
pub struct FeedEntry {
    /// Never changes.
    pub id: String,
    /// One line.
    pub title: String,
    /// When it happened.
    pub at: String,
    /// The word for it.
    pub kind: &'static str,
    /// The listing's page.
    pub url: String,
    /// A sentence or two; it names no vulnerability.
    pub summary: String,
}
