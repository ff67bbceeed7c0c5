//! `/p/{publisher}/{product}/compare`.

use std::sync::Arc;

use app::{
    App, ContentDifference, FindingChange, InsideDifference, LayerView, Release,
    inventory::PackageChange,
};
use axum::extract::{Path, State};

use super::{Parameters, cut, going_on, tags::product_line};
use crate::{
    answer::{Answer, page},
    pages::compare::{
        ChangedContent, ChangedFinding, ChangedInside, ChangedLayer, ChangedPackage, ComparePage,
    },
    view::{Choice, Digest, calendar_date, entry_url},
    viewer::Viewer,
};

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
    let mut content = found.difference.as_ref().map(changed_content);
    if let Some(content) = content.as_mut() {
        let path = format!("{}/compare", product.url);
        // What was compared stays so when there is a newer release.
        let mut asked = parameters.clone();
        for (name, release) in [("old", &found.old), ("new", &found.new)] {
            let id = release.as_ref().map(|release| release.id.to_string());
            asked.insert(name.to_owned(), id.unwrap_or_default());
        }
        let lists = ["old", "new", "gone", "introduced", "packages"];
        cut_changes(content, &parameters, |key, page| {
            going_on(&path, (&asked, &lists), (key, page), &format!("#{key}"))
        });
    }
    page(&ComparePage {
        olds: choices(found.old.as_ref()),
        news: choices(found.new.as_ref()),
        content,
        product,
        layout: viewer.layout,
    })
}

/// Cuts what differs inside to the pages that were asked for, each list with its own; `url` makes
/// the address of a page of a list.
pub(super) fn cut_changes(
    content: &mut ChangedContent,
    parameters: &Parameters,
    url: impl Fn(&str, &str) -> String,
) {
    let Some(inside) = content.inside.as_mut() else {
        return;
    };
    let to = |key: &'static str| {
        let url = &url;
        move |page: usize| url(key, &page.to_string())
    };
    let asked = |key| (parameters, key);
    inside.fixed_paging = cut(&mut inside.fixed, asked("gone"), 1, to("gone"));
    inside.introduced_paging = cut(
        &mut inside.introduced,
        asked("introduced"),
        1,
        to("introduced"),
    );
    inside.packages_paging = cut(&mut inside.packages, asked("packages"), 1, to("packages"));
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
        ..ChangedInside::default()
    }
}
