//! `/p/{publisher}/{product}/images/{image}`: how one platform's image came to be. What is in the
//! layers is only there for those who may see it.

use askama::Template;
use market::Class;

use super::tags::ProductLine;
use crate::view::{Digest, Layout, Pill, SeverityCounts, When, class_pill, megabytes};

/// One platform's image.
#[derive(Debug, Template)]
#[template(path = "image.html")]
pub struct ImagePage {
    /// What is around.
    pub layout: Layout,
    /// Which image.
    pub head: ImageLine,
    /// The image it is built on: its name, and whether its layers are known.
    pub base: Option<(String, bool)>,
    /// Its history, the oldest step first.
    pub history: Vec<HistoryLine>,
    /// What is in it; only for those who may see it.
    pub inside: Option<InsidePanel>,
}

/// Which image a page is about.
#[derive(Debug, Clone)]
pub struct ImageLine {
    /// Of which product.
    pub product: ProductLine,
    /// Its tag.
    pub tag: String,
    /// When it was released, if it was.
    pub released_at: Option<When>,
    /// For example `linux/amd64`.
    pub platform: String,
    /// The operating system inside, for example `Alpine 3.19`.
    pub os: String,
    /// Compressed size in bytes.
    pub size: u64,
    /// The manifest's digest.
    pub digest: Digest,
    /// Address of this image's page.
    pub url: String,
    /// Address of its submission, for those who may see it.
    pub submission_url: Option<String>,
}

impl ImageLine {
    /// Returns the compressed size in MB.
    pub fn megabytes(&self) -> String {
        megabytes(self.size)
    }
}

/// One step of an image's history.
#[derive(Debug, Clone)]
pub struct HistoryLine {
    /// What was done, for example `RUN apk add curl`.
    pub instruction: String,
    /// When, as the builder wrote it.
    pub created: Option<When>,
    /// Whether it is the base image's.
    pub is_base: bool,
    /// The layer it made, if it made one.
    pub layer: Option<LayerLine>,
}

/// A layer.
#[derive(Debug, Clone)]
pub struct LayerLine {
    /// Its place, from 1.
    pub number: usize,
    /// Its digest.
    pub digest: Digest,
    /// Compressed size in bytes.
    pub size: u64,
    /// What it brings; only for those who may see it.
    pub contents: Option<LayerContents>,
}

impl LayerLine {
    /// Returns the compressed size in MB.
    pub fn megabytes(&self) -> String {
        megabytes(self.size)
    }
}

/// What a layer brings.
#[derive(Debug, Clone)]
pub struct LayerContents {
    /// How many components.
    pub components: usize,
    /// How many of them are vulnerable.
    pub vulnerable: usize,
    /// The worst class of their findings.
    pub worst: Option<Class>,
}

impl LayerContents {
    /// Returns the worst class as a pill.
    pub fn pill(&self) -> Option<Pill> {
        self.worst.map(class_pill)
    }
}

/// What is in an image.
#[derive(Debug, Clone)]
pub struct InsidePanel {
    /// How many components.
    pub components: usize,
    /// How many of them are vulnerable.
    pub vulnerable: usize,
    /// How many findings of each class.
    pub severity: SeverityCounts,
    /// The best updates.
    pub fixes: Vec<FixLine>,
    /// How many more updates close something.
    pub more_fixes: usize,
    /// Findings that nobody has fixed yet.
    pub unfixed: u64,
}

/// An update.
#[derive(Debug, Clone)]
pub struct FixLine {
    /// What to do.
    pub what: String,
    /// Address of the components it concerns.
    pub url: Option<String>,
    /// Findings it closes beyond those before it.
    pub closes: SeverityCounts,
}
