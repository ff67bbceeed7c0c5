//! The files of an image's layers.

use std::sync::Arc;

use app::{App, FileQuery, FilesPage, LayerFile};
use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::Answer,
    extract::{Asked, At, SignedIn, within},
    releases::{ImagePath, one, place},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new().routes(routes!(list_layer_files))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct LayerFilesQuery {
    /// Of this layer, counted from 1, lowest first.
    #[serde(default = "one", deserialize_with = "within::<_, 1, 10_000>")]
    #[param(minimum = 1, maximum = 10_000, default = 1)]
    layer: i64,
    /// In the path.
    #[serde(default)]
    q: String,
    /// Which page, from 1; beyond the last one, the last one.
    #[serde(default = "one", deserialize_with = "within::<_, 1, 10_000>")]
    #[param(minimum = 1, maximum = 10_000, default = 1)]
    page: i64,
}

/// A page of the files of a layer.
#[derive(Serialize, ToSchema)]
struct LayerFilesJson {
    /// The files, by path.
    items: Vec<LayerFileJson>,
    /// How many there are on all pages.
    total: usize,
    /// Which page this is, from 1.
    page: usize,
    /// How many pages there are.
    pages: usize,
    /// The layer's digest.
    layer: String,
    /// How many layers the image has.
    layers: usize,
    /// Whether it is still kept what the layer consists of.
    is_known: bool,
}

/// An entry of a layer.
#[derive(Serialize, ToSchema)]
struct LayerFileJson {
    /// Its path, without leading slash.
    path: String,
    /// `file`, `directory`, `symlink`, `hardlink`, `char-device`, `block-device` or `fifo`; else
    /// what the layer takes away: `removed`, or `emptied` of what lies below it.
    kind: &'static str,
    /// Bytes of content.
    size: u64,
    /// Rights in octal digits, such as `4755`; none of what is taken away.
    mode: Option<String>,
    /// Number of its owner.
    uid: Option<u32>,
    /// Number of its group.
    gid: Option<u32>,
    /// Where a link points, as written.
    link: Option<String>,
}

/// Returns the files of a layer with owner and mode, and the paths that it takes away.
#[utoipa::path(get, path = "/products/{publisher}/{product}/images/{image}/files", tag = "products", params(ImagePath, LayerFilesQuery),
    responses((status = 200, description = "A page of files.", body = LayerFilesJson)))]
async fn list_layer_files(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<ImagePath>,
    Asked(asked): Asked<LayerFilesQuery>,
) -> Answer<Json<LayerFilesJson>> {
    let names = (at.publisher.as_str(), at.product.as_str());
    let query = FileQuery {
        layer: place(asked.layer),
        text: asked.q,
    };
    let image = (names, at.image.as_str());
    let page = app
        .files_page(&actor, image, &query, place(asked.page))
        .await?;
    Ok(Json(page.into()))
}

impl From<FilesPage> for LayerFilesJson {
    fn from(page: FilesPage) -> Self {
        Self {
            items: page.rows.into_iter().map(LayerFileJson::from).collect(),
            total: page.total,
            page: page.page,
            pages: page.total.div_ceil(FilesPage::SIZE),
            layer: page.layer,
            layers: page.layers,
            is_known: page.is_known,
        }
    }
}

impl From<LayerFile> for LayerFileJson {
    fn from(file: LayerFile) -> Self {
        let taken = |path: String, kind| Self {
            path,
            kind,
            size: 0,
            mode: None,
            uid: None,
            gid: None,
            link: None,
        };
        match file {
            LayerFile::Removed(path) => taken(path, "removed"),
            LayerFile::Emptied(path) => taken(path, "emptied"),
            LayerFile::Added(file) => Self {
                kind: file.kind.as_str(),
                size: file.size,
                mode: Some(format!("{:04o}", file.mode)),
                uid: Some(file.uid),
                gid: Some(file.gid),
                link: file.link,
                path: file.path,
            },
        }
    }
}
