//! `/p/{publisher}/{product}/images/{image}/files`.

use std::sync::Arc;

use app::{App, FileQuery, FilesPage, LayerFile};
use axum::extract::{Path, State};

use super::{Parameters, asked_page, image::image_line, paging};
use crate::{
    answer::{Answer, page},
    pages::layer_files::{FileRow, LayerFilesPage},
    view::{Choice, Digest, urlencoded},
    viewer::Viewer,
};

/// `GET /p/{publisher}/{product}/images/{image}/files?layer=&q=&page=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((publisher, product, image)): Path<(String, String, String)>,
    parameters: Parameters,
) -> Answer {
    let query = query(&parameters);
    let image = ((publisher.as_str(), product.as_str()), image.as_str());
    let asked = asked_page(&parameters);
    let found = app.files_page(&viewer.actor, image, &query, asked).await?;
    let head = image_line(&found.head, &viewer);
    let url = format!("{}/files", head.url);
    let place = (found.page, found.total, FilesPage::SIZE);
    page(&LayerFilesPage {
        layers: layers(found.layers, query.layer),
        layer: Digest(found.layer),
        is_known: found.is_known,
        paging: paging(place, |page| page_url(&url, &query, page)),
        rows: found.rows.iter().map(row).collect(),
        text: query.text,
        url,
        head,
        layout: viewer.layout,
    })
}

/// Reads what is asked for; without a layer, the lowest.
fn query(parameters: &Parameters) -> FileQuery {
    let text = |name: &str| parameters.get(name).map_or("", String::as_str);
    FileQuery {
        layer: text("layer").parse().unwrap_or(1),
        text: text("q").to_owned(),
    }
}

fn layers(count: usize, chosen: usize) -> Vec<Choice> {
    let choice = |number: usize| Choice {
        value: number.to_string(),
        label: number.to_string(),
        is_selected: number == chosen,
    };
    (1..=count).map(choice).collect()
}

fn page_url(url: &str, query: &FileQuery, page: usize) -> String {
    let text = urlencoded(&query.text);
    format!("{url}?layer={}&q={text}&page={page}", query.layer)
}

fn row(file: &LayerFile) -> FileRow {
    let path = format!("/{}", file.path());
    let file = match file {
        LayerFile::Added(file) => file,
        LayerFile::Removed(_) | LayerFile::Emptied(_) => {
            let is_removed = matches!(file, LayerFile::Removed(_));
            let what = if is_removed { "removed" } else { "emptied" };
            return FileRow {
                path,
                taken: Some(what),
                ..FileRow::default()
            };
        }
    };
    FileRow {
        path,
        taken: None,
        rights: file.rights(),
        owner: format!("{}:{}", file.uid, file.gid),
        size: file.size,
        link: file.link.clone(),
        is_privileged: file.mode & 0o6000 != 0 && file.kind == app::inventory::EntryKind::File,
    }
}
