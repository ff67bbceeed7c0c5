//! `/p/{publisher}/{product}/compare`.

use std::sync::Arc;

use app::{
    App, ContentDifference, FindingChange, InsideDifference, LayerView, Release,
    inventory::PackageChange,
};
use axum::extract::{Path, State};

use super::{Parameters, part, tags::product_line};
use crate::{
    answer::{Answer, page},
    pages::compare::{
        ChangedContent, ChangedFinding, ChangedInside, ChangedLayer, ChangedPackage, ComparePage,
    },
    view::{Choice, Digest, calendar_date, entry_url, urlencoded},
    viewer::Viewer,
};

/// Packages on one page.
const PAGE: usize = 100;

/// `GET /p/{publisher}/{product}/compare?old=&new=&page=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((publisher, product)): Path<(String, String)>,
    parameters: Parameters,
) -> Answer {
    let names = (publisher.as_str(), product.as_str());
    let named = |name: &str| {
        let id = parameters.get(name).map(String::as_str);
        id.filter(|id| !id.is_empty())
    };
    let asked = (named("old"), named("new"));
    let found = app.compare_releases(&viewer.actor, names, asked).await?;
    let product = product_line(&found.of);
    let choices = |chosen: Option<&Release>| {
        let choice = |release: &Release| Choice {
            value: release.id.to_string(),
            label: format!("{}, {}", release.tag, calendar_date(release.released_at)),
            is_selected: chosen == Some(release),
        };
        found.releases.iter().map(choice).collect()
    };
    let ids = [("old", &found.old), ("new", &found.new)].map(|(name, release)| {
        let id = release.as_ref().map(|release| release.id.to_string());
        format!("{name}={}", urlencoded(&id.unwrap_or_default()))
    });
    let mut content = found.difference.as_ref().map(changed_content);
    let inside = content.as_mut().and_then(|content| content.inside.as_mut());
    let total = inside.as_ref().map_or(0, |inside| inside.packages.len());
    let url = |page: usize| format!("{}/compare?{}&page={page}", product.url, ids.join("&"));
    let (start, paging) = part(total, PAGE, &parameters, url);
    if let Some(inside) = inside {
        let packages = std::mem::take(&mut inside.packages).into_iter();
        inside.packages = packages.skip(start).take(PAGE).collect();
    }
    page(&ComparePage {
        olds: choices(found.old.as_ref()),
        news: choices(found.new.as_ref()),
        content,
        paging,
        product,
        layout: viewer.layout,
    })
}

/// Returns what differs between two images as pages show it.
pub(super) fn changed_content(difference: &ContentDifference) -> ChangedContent {
    let layer = |layer: &LayerView| ChangedLayer {
        digest: Digest(layer.digest.clone()),
        instruction: layer.instruction.clone(),
        size: layer.size,
    };
    ChangedContent {
        layers_added: difference.new_layers.iter().map(layer).collect(),
        layers_removed: difference.gone_layers.iter().map(layer).collect(),
        inside: difference.inside.as_ref().map(changed_inside),
    }
}

fn changed_inside(inside: &InsideDifference) -> ChangedInside {
    let package = |change: &PackageChange| ChangedPackage {
        name: change.name.clone(),
        ecosystem: change.kind.as_str(),
        before: change.before.join(", "),
        after: change.after.join(", "),
    };
    let finding = |change: &FindingChange| ChangedFinding {
        url: entry_url(&change.vulnerability, &[], &[]),
        id: change.vulnerability.clone(),
        component: change.component.clone(),
        class: change.class,
    };
    ChangedInside {
        packages: inside.packages.iter().map(package).collect(),
        fixed: inside.gone_findings.iter().map(finding).collect(),
        introduced: inside.new_findings.iter().map(finding).collect(),
    }
}
