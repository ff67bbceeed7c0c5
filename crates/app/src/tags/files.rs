//! What a layer of an image consists of: its files with owner and mode, as its report keeps them.

use inventory::FileEntry;
use serde::Deserialize;

use super::{image::ImageHead, page_of};
use crate::{
    Actor, App, AppError,
    inspection::{blocking, decompress},
};

/// Which files are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileQuery {
    /// The place of the layer, from 1, lowest first.
    pub layer: usize,
    /// In the path.
    pub text: String,
}

/// What an entry of a layer does to its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LayerFile {
    /// Adds or replaces it.
    Added(FileEntry),
    /// Removes what lower layers have there.
    Removed(String),
    /// Hides what lower layers have below it.
    Emptied(String),
}

impl LayerFile {
    /// Returns the path.
    pub fn path(&self) -> &str {
        match self {
            Self::Added(file) => &file.path,
            Self::Removed(path) | Self::Emptied(path) => path,
        }
    }
}

/// A page of a layer's files.
#[derive(Debug, Clone)]
pub struct FilesPage {
    /// Which image.
    pub head: ImageHead,
    /// The layer's digest.
    pub layer: String,
    /// How many layers the image has.
    pub layers: usize,
    /// Whether the layer's report is still kept.
    pub is_known: bool,
    /// The files, by path.
    pub rows: Vec<LayerFile>,
    /// How many are on all pages.
    pub total: usize,
    /// Which page this is, from 1.
    pub page: usize,
}

impl FilesPage {
    /// Files on one page.
    pub const SIZE: usize = 100;
}

impl App {
    /// Returns the files that a layer of an image brings, and the paths it takes away.
    ///
    /// # Errors
    /// There is no such image or layer, or what is in it is not the asker's business.
    pub async fn files_page(
        &self,
        actor: &Actor,
        at: ((&str, &str), &str),
        query: &FileQuery,
        page: usize,
    ) -> Result<FilesPage, AppError> {
        let mut tx = self.read().await?;
        let found = self.image_inside(&mut tx, actor, at, "files").await?;
        let layers = &found.content.layers;
        let place = query.layer.checked_sub(1);
        let layer = place.and_then(|place| layers.get(place));
        let layer = layer.ok_or_else(|| AppError::not_found("layer", query.layer.to_string()))?;
        let report = store::images::newest_layer_report(&mut tx, layer.digest.as_str()).await?;
        drop(tx);
        let text = query.text.trim().trim_start_matches('/').to_owned();
        let listing = blocking(move || listing(report, &text, page)).await?;
        let is_known = listing.is_some();
        let (rows, total, page) = listing.unwrap_or((Vec::new(), 0, 1));
        Ok(FilesPage {
            layer: layer.digest.to_string(),
            layers: layers.len(),
            is_known,
            rows,
            total,
            page,
            head: found.head,
        })
    }
}

/// What of a report says which files there are; the same in those of earlier parsers.
#[derive(Deserialize)]
struct Listing {
    files: Vec<FileEntry>,
    whiteouts: Vec<String>,
    opaque_dirs: Vec<String>,
}

/// Returns a page of what has `text` in its path, how much there is in all, and which page it is.
fn listing(
    report: Option<Vec<u8>>,
    text: &str,
    page: usize,
) -> Option<(Vec<LayerFile>, usize, usize)> {
    let listing: Listing = decompress(&report?)?;
    let added = listing.files.into_iter().map(LayerFile::Added);
    let removed = listing.whiteouts.into_iter().map(LayerFile::Removed);
    let emptied = listing.opaque_dirs.into_iter().map(LayerFile::Emptied);
    let all = added.chain(removed).chain(emptied);
    let mut asked: Vec<_> = all.filter(|file| file.path().contains(text)).collect();
    asked.sort_by(|a, b| a.path().cmp(b.path()));
    let (page, start) = page_of(page, asked.len(), FilesPage::SIZE);
    let total = asked.len();
    let rows = asked.into_iter().skip(start).take(FilesPage::SIZE);
    Some((rows.collect(), total, page))
}
