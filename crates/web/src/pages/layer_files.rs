//! `/p/{publisher}/{product}/images/{image}/files`: what a layer consists of, for the image's
//! publisher and the staff.

use askama::Template;

use super::image::ImageLine;
use crate::view::{Choice, Digest, Layout, Paging, grouped};

/// A layer's files.
#[derive(Debug, Template)]
#[template(path = "layer_files.html")]
pub struct LayerFilesPage {
    /// What is around.
    pub layout: Layout,
    /// Which image.
    pub head: ImageLine,
    /// Address of this page without a query; the filters' form sends to it.
    pub url: String,
    /// Which layer.
    pub layer: Digest,
    /// The layers to choose from.
    pub layers: Vec<Choice>,
    /// What is searched for in paths.
    pub text: String,
    /// Whether it is still known what the layer consists of.
    pub is_known: bool,
    /// The files.
    pub rows: Vec<FileRow>,
    /// Which part of them is shown.
    pub paging: Paging,
}

/// An entry of a layer.
#[derive(Debug, Clone, Default)]
pub struct FileRow {
    /// Its path.
    pub path: String,
    /// What the layer takes away: `removed` the path, `emptied` the folder.
    pub taken: Option<&'static str>,
    /// Kind and rights, as `ls -l` writes them.
    pub rights: String,
    /// Numbers of owner and group.
    pub owner: String,
    /// Bytes of content.
    pub size: u64,
    /// Where a link points.
    pub link: Option<String>,
    /// Whether it runs with its owner's or group's rights.
    pub is_privileged: bool,
}

impl FileRow {
    /// Returns the bytes in groups of three digits.
    pub fn bytes(&self) -> String {
        grouped(self.size)
    }
}
