//! `/p/{publisher}/{product}/tags`: every release with its platforms.

use askama::Template;

use crate::view::{Digest, Layout, Paging, When, megabytes};

/// A product's releases.
#[derive(Debug, Template)]
#[template(path = "tags.html")]
pub struct TagsPage {
    /// What is around.
    pub layout: Layout,
    /// The product.
    pub product: ProductLine,
    /// The releases, newest first.
    pub tags: Vec<TagPanel>,
    /// Which part of them is shown.
    pub paging: Paging,
}

/// The product that a page is about.
#[derive(Debug, Clone)]
pub struct ProductLine {
    /// Its name.
    pub name: String,
    /// Who publishes it.
    pub publisher: String,
    /// Address of its page.
    pub url: String,
    /// Whether its page is there for everybody.
    pub is_public: bool,
}

/// A release.
#[derive(Debug, Clone)]
pub struct TagPanel {
    /// Its tag.
    pub tag: String,
    /// The digest of the index or manifest.
    pub digest: Digest,
    /// Whether it bears the mark.
    pub is_certified: bool,
    /// When it was released.
    pub released_at: When,
    /// Address of the comparison with the one before it, where there is one.
    pub compare_url: Option<String>,
    /// The plans that give it, where some plan does not give everything.
    pub plans: Option<Vec<String>>,
    /// One for each platform.
    pub platforms: Vec<PlatformLine>,
}

/// One platform's image.
#[derive(Debug, Clone)]
pub struct PlatformLine {
    /// For example `linux/amd64`.
    pub platform: String,
    /// The operating system inside, for example `Alpine 3.19`.
    pub os: String,
    /// Compressed size in bytes.
    pub size: u64,
    /// The manifest's digest.
    pub digest: Digest,
    /// Address of its history.
    pub url: String,
}

impl PlatformLine {
    /// Returns the compressed size in MB.
    pub fn megabytes(&self) -> String {
        megabytes(self.size)
    }
}
