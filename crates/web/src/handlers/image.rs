//! `/p/{publisher}/{product}/images/{image}`.

use std::sync::Arc;

use app::{App, Fix, HistoryStep, ImageHead, ImageInside, StepLayer, Update};
use axum::extract::{Path, State};
use chrono::DateTime;

use super::{
    count,
    publisher::severity_counts,
    tags::{product_line, system},
};
use crate::{
    answer::{Answer, page},
    pages::image::{
        FixLine, HistoryLine, ImageLine, ImagePage, InsidePanel, LayerContents, LayerLine,
    },
    view::{Digest, urlencoded},
    viewer::Viewer,
};

/// Updates that are shown.
const FIXES: usize = 10;

/// `GET /p/{publisher}/{product}/images/{image}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((publisher, product, image)): Path<(String, String, String)>,
) -> Answer {
    let names = (publisher.as_str(), product.as_str());
    let found = app.image_page(&viewer.actor, names, &image).await?;
    let head = image_line(&found.head, &viewer);
    let base = found.head.base.as_ref();
    let inside = found
        .inside
        .map(|inside| inside_panel(inside, &head.url, base.map(|base| base.name.as_str())));
    let history = found.history.into_iter();
    page(&ImagePage {
        base: base.map(|base| (base.name.clone(), base.layers.is_some())),
        history: history.map(|step| history_line(step, &viewer)).collect(),
        inside,
        head,
        layout: viewer.layout,
    })
}

/// Returns the image that a page is about.
pub(super) fn image_line(head: &ImageHead, viewer: &Viewer) -> ImageLine {
    let product = product_line(&head.of);
    let submission = head.submission.as_ref();
    ImageLine {
        tag: head.tag.clone(),
        released_at: head.released_at.map(|at| viewer.when(at)),
        platform: head.platform.clone(),
        os: system(head.distribution.clone()),
        size: head.size,
        digest: Digest(head.digest.clone()),
        url: format!("{}/images/{}", product.url, head.digest),
        submission_url: submission.map(|id| format!("/submissions/{id}")),
        product,
    }
}

fn history_line(step: HistoryStep, viewer: &Viewer) -> HistoryLine {
    let created = step.created.as_deref();
    let created = created.and_then(|at| DateTime::parse_from_rfc3339(at).ok());
    HistoryLine {
        instruction: step.instruction,
        created: created.map(|at| viewer.when(at.to_utc())),
        is_base: step.is_base,
        layer: step.layer.map(layer_line),
    }
}

fn layer_line(layer: StepLayer) -> LayerLine {
    LayerLine {
        number: layer.number,
        digest: Digest(layer.digest),
        size: layer.size,
        contents: layer.contents.map(|contents| LayerContents {
            components: contents.components,
            vulnerable: contents.vulnerable,
            worst: contents.worst,
        }),
    }
}

fn inside_panel(inside: ImageInside, url: &str, base: Option<&str>) -> InsidePanel {
    let severity = severity_counts(&inside.counts);
    let fixed: i64 = inside.fixes.iter().map(Fix::total).sum();
    let more_fixes = inside.fixes.len().saturating_sub(FIXES);
    let fixes = inside.fixes.into_iter().take(FIXES);
    InsidePanel {
        components: inside.components,
        vulnerable: inside.vulnerable,
        unfixed: severity.total().saturating_sub(count(fixed)),
        severity,
        fixes: fixes.map(|fix| fix_line(fix, url, base)).collect(),
        more_fixes,
    }
}

fn fix_line(fix: Fix, url: &str, base: Option<&str>) -> FixLine {
    let closes = severity_counts(&fix.closes);
    let (what, url) = match fix.update {
        Update::Base => (
            format!("Build on a newer {}", base.unwrap_or("base image")),
            None,
        ),
        Update::Package { kind, name } => {
            let to = fix.version.map(|version| format!(" to {version}"));
            let what = format!(
                "Update {name}{} ({})",
                to.unwrap_or_default(),
                kind.as_str()
            );
            let query = format!(
                "q={}&ecosystem={}&fixable=true",
                urlencoded(&name),
                kind.as_str()
            );
            (what, Some(format!("{url}/components?{query}")))
        }
    };
    FixLine { what, url, closes }
}
