//! `/p/{publisher}/{product}/images/{image}/components`.

use std::sync::Arc;

use app::{
    App, ComponentOrder, ComponentQuery, FindingView, Rating, inventory::Claim, scan::UNLOADED,
};
use axum::extract::{Path, State};
use market::Class;

use super::{Parameters, asked_page, image::image_line, paging};
use crate::{
    answer::{Answer, page},
    pages::components::{ComponentFinding, ComponentRow, ComponentsPage, RatingLine},
    view::{Choice, entry_url, urlencoded},
    viewer::Viewer,
};

/// Probabilities of exploitation to choose from, in percent.
const ESTIMATES: [&str; 4] = ["1", "10", "50", "90"];

/// `GET /p/{publisher}/{product}/images/{image}/components?q=&ecosystem=&class=&layer=&epss=&exploited=&fixable=&order=&page=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((publisher, product, image)): Path<(String, String, String)>,
    parameters: Parameters,
) -> Answer {
    let query = query(&parameters);
    let image = ((publisher.as_str(), product.as_str()), image.as_str());
    let asked = asked_page(&parameters);
    let found = app
        .components_page(&viewer.actor, image, &query, asked)
        .await?;
    let head = image_line(&found.head, &viewer);
    let url = format!("{}/components", head.url);
    let place = (found.page, found.total, app::ComponentsPage::SIZE);
    page(&ComponentsPage {
        ecosystems: ecosystems(&found, &query),
        classes: classes(&query),
        layers: layers(&found, &query),
        estimates: estimates(&query),
        orders: orders(&query),
        is_filtered: !pairs(&query).is_empty(),
        is_fixable_only: query.fixable,
        is_exploited_only: query.exploited,
        paging: paging(place, |page| page_url(&url, &query, page)),
        rows: found.rows.into_iter().map(row).collect(),
        text: query.text,
        url,
        head,
        layout: viewer.layout,
    })
}

fn choice(value: &str, label: String, chosen: &str) -> Choice {
    Choice {
        value: value.to_owned(),
        label,
        is_selected: value == chosen,
    }
}

fn ecosystems(found: &app::ComponentsPage, query: &ComponentQuery) -> Vec<Choice> {
    let known = found.ecosystems.iter();
    known
        .map(|(name, count)| choice(name, format!("{name} ({count})"), &query.ecosystem))
        .collect()
}

fn classes(query: &ComponentQuery) -> Vec<Choice> {
    let chosen = query.class.map_or("", Class::as_str);
    let classes = [Class::Critical, Class::Major, Class::Minor, Class::Unscored];
    let choice = |class: Class| choice(class.as_str(), class.title().to_owned(), chosen);
    classes.map(choice).to_vec()
}

fn layers(found: &app::ComponentsPage, query: &ComponentQuery) -> Vec<Choice> {
    let chosen = query.layer.map(|layer| layer.to_string());
    let chosen = chosen.unwrap_or_default();
    let numbers = (1..=found.layers).map(|number| number.to_string());
    numbers
        .map(|number| choice(&number, number.clone(), &chosen))
        .collect()
}

fn estimates(query: &ComponentQuery) -> Vec<Choice> {
    let chosen = query.epss.to_string();
    let label = |percent: &str| format!("{percent} % or more");
    ESTIMATES
        .map(|percent| choice(percent, label(percent), &chosen))
        .to_vec()
}

fn orders(query: &ComponentQuery) -> Vec<Choice> {
    let label = |order: ComponentOrder| match order {
        ComponentOrder::Gravest => "Gravest first",
        ComponentOrder::Name => "By name",
        ComponentOrder::Ecosystem => "By ecosystem",
        ComponentOrder::Layer => "By layer",
    };
    let orders = ComponentOrder::ALL.iter();
    orders
        .map(|order| {
            choice(
                order.as_str(),
                label(*order).to_owned(),
                query.order.as_str(),
            )
        })
        .collect()
}

/// Reads the filters; what is no filter is left out.
fn query(parameters: &Parameters) -> ComponentQuery {
    let text = |name: &str| parameters.get(name).map_or("", String::as_str);
    ComponentQuery {
        text: text("q").to_owned(),
        ecosystem: text("ecosystem").to_owned(),
        class: text("class").parse().ok(),
        layer: text("layer").parse().ok(),
        fixable: text("fixable") == "true",
        exploited: text("exploited") == "true",
        epss: text("epss").parse().unwrap_or_default(),
        order: ComponentOrder::of_word(text("order")).unwrap_or_default(),
    }
}

/// Returns the filters that leave something out, as a query writes them.
fn pairs(query: &ComponentQuery) -> Vec<String> {
    let layer = query.layer.map(|layer| layer.to_string());
    let epss = Some(query.epss).filter(|percent| *percent > 0);
    let epss = epss.map(|percent| percent.to_string());
    let word = |is_asked| if is_asked { "true" } else { "" };
    let told = [
        ("q", query.text.as_str()),
        ("ecosystem", query.ecosystem.as_str()),
        ("class", query.class.map_or("", Class::as_str)),
        ("layer", layer.as_deref().unwrap_or_default()),
        ("epss", epss.as_deref().unwrap_or_default()),
        ("exploited", word(query.exploited)),
        ("fixable", word(query.fixable)),
    ];
    let told = told.into_iter().filter(|(_, value)| !value.is_empty());
    told.map(|(name, value)| format!("{name}={}", urlencoded(value)))
        .collect()
}

fn page_url(url: &str, query: &ComponentQuery, page: usize) -> String {
    let mut pairs = pairs(query);
    pairs.push(format!("order={}&page={page}", query.order.as_str()));
    format!("{url}?{}", pairs.join("&"))
}

fn row(row: app::ComponentRow) -> ComponentRow {
    let known = match row.claim {
        Claim::Installed => "Installed, by",
        Claim::Declared => "Asked for by",
        Claim::Claimed => "Claimed by",
    };
    let mut evidence = format!("{known} /{}.", row.path);
    if row.linked == Some(false) {
        evidence = format!("{evidence} {UNLOADED}");
    }
    ComponentRow {
        evidence,
        name: row.name,
        version: row.version,
        ecosystem: row.ecosystem,
        purl: row.purl,
        layer: row.layer,
        is_base: row.is_base,
        findings: row.findings.iter().map(finding).collect(),
        findings_total: row.findings_total,
    }
}

fn finding(view: &FindingView) -> ComponentFinding {
    let rating = |rating: Rating| RatingLine {
        source: rating.source,
        score: rating.score,
        word: rating.word,
        vector: rating.vector,
    };
    let finding = &view.finding;
    let epss = view.exploitation.epss.as_ref();
    let kev = view.exploitation.kev.as_ref();
    ComponentFinding {
        id: finding.vulnerability.clone(),
        url: entry_url(&finding.vulnerability, &view.aliases, &view.urls),
        title: view.title.clone(),
        class: finding.class,
        score: finding.score,
        fixed_version: finding.fixed_version.clone(),
        epss: epss.map(|epss| (epss.score * 100.0, epss.date.clone())),
        exploited_since: kev.map(|kev| kev.added.clone()),
        ratings: view.ratings().into_iter().map(rating).collect(),
    }
}
