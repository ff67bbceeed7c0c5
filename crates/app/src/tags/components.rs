//! The components of an image as a grid, with what is wrong with each.

use std::{cmp::Reverse, collections::BTreeMap};

use inventory::{Claim, Component};
use market::Class;
use store::findings::Finding;

use super::{
    image::{ByComponent, FoundImage, ImageHead, bare, by_component},
    page_of,
};
use crate::{Actor, App, AppError, FindingView, finding_view::Exploitations};

/// How components are ordered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ComponentOrder {
    /// The worst class first, then the most findings.
    #[default]
    Gravest,
    /// By name.
    Name,
    /// By ecosystem, then name.
    Ecosystem,
    /// By layer, the lowest first, then name.
    Layer,
}

impl ComponentOrder {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Gravest, Self::Name, Self::Ecosystem, Self::Layer];

    /// Returns its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gravest => "gravest",
            Self::Name => "name",
            Self::Ecosystem => "ecosystem",
            Self::Layer => "layer",
        }
    }

    /// Returns the order with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.as_str() == word)
    }
}

/// Which components are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComponentQuery {
    /// In name, version, package URL or the names of findings, in any case.
    pub text: String,
    /// Of this ecosystem, by the type of its package URLs; or empty.
    pub ecosystem: String,
    /// With a finding of this class.
    pub class: Option<Class>,
    /// Of this layer, from 1.
    pub layer: Option<usize>,
    /// With a finding that is fixed somewhere.
    pub fixable: bool,
    /// With a finding that CISA lists as exploited.
    pub exploited: bool,
    /// With a finding that EPSS expects to be exploited with at least this percentage; of no
    /// consequence at 0.
    pub epss: u8,
    /// In which order.
    pub order: ComponentOrder,
}

impl ComponentQuery {
    fn asks_exploitation(&self) -> bool {
        self.exploited || self.epss > 0
    }
}

/// A component with what is wrong with it.
#[derive(Debug, Clone)]
pub struct ComponentRow {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its ecosystem: the type of its package URL.
    pub ecosystem: &'static str,
    /// Its package URL.
    pub purl: String,
    /// How the file stands to it that names it.
    pub claim: Claim,
    /// The file that names it.
    pub path: String,
    /// Whether anything in the image is linked with its shared libraries, if it has some.
    pub linked: Option<bool>,
    /// The place of the layer that brought it, from 1.
    pub layer: usize,
    /// That layer's digest.
    pub layer_digest: String,
    /// Whether the base image brings it.
    pub is_base: bool,
    /// Its open findings, the worst first; of very many the first.
    pub findings: Vec<FindingView>,
    /// How many open findings it has.
    pub findings_total: usize,
}

/// Findings of one component that a page holds; the submission has all of them.
const FINDINGS: usize = 25;

/// A page of an image's components.
#[derive(Debug, Clone)]
pub struct ComponentsPage {
    /// Which image.
    pub head: ImageHead,
    /// The components.
    pub rows: Vec<ComponentRow>,
    /// How many are on all pages.
    pub total: usize,
    /// Which page this is, from 1.
    pub page: usize,
    /// The ecosystems in the image, and how many components each has.
    pub ecosystems: Vec<(&'static str, usize)>,
    /// How many layers the image has.
    pub layers: usize,
}

impl ComponentsPage {
    /// Components on one page.
    pub const SIZE: usize = 50;
}

impl App {
    /// Returns the components of an image that are asked for.
    ///
    /// # Errors
    /// There is no such image, or its components are not the asker's business.
    pub async fn components_page(
        &self,
        actor: &Actor,
        at: ((&str, &str), &str),
        query: &ComponentQuery,
        page: usize,
    ) -> Result<ComponentsPage, AppError> {
        let mut tx = self.read().await?;
        let found = self.image_inside(&mut tx, actor, at, "components").await?;
        let findings = self.open_findings(&mut tx, &found).await?;
        let by_component = by_component(&findings);
        let exploitation = self.asked_exploitation(&findings, query).await?;
        let asked = asked(&found, (&by_component, &exploitation), query);
        let (page, start) = page_of(page, asked.len(), ComponentsPage::SIZE);
        let total = asked.len();
        let shown: Vec<_> = asked
            .into_iter()
            .skip(start)
            .take(ComponentsPage::SIZE)
            .collect();
        let findings: Vec<Finding> = shown
            .iter()
            .flat_map(|(_, findings)| findings.iter().take(FINDINGS))
            .map(|finding| Finding::clone(finding))
            .collect();
        let platforms = BTreeMap::from([(at.1.to_owned(), found.head.platform.clone())]);
        let views = self.finding_views(&mut tx, &findings, &platforms).await?;
        let mut views = views.into_iter();
        let rows = shown.into_iter().map(|(component, findings)| {
            let first = views.by_ref().take(findings.len().min(FINDINGS));
            row(component, &found, (first.collect(), findings.len()))
        });
        Ok(ComponentsPage {
            rows: rows.collect(),
            total,
            page,
            ecosystems: ecosystems(&found),
            layers: found.content.layers.len(),
            head: found.head.clone(),
        })
    }

    /// Returns what is known of the exploitation of findings, where a filter asks for it.
    async fn asked_exploitation(
        &self,
        findings: &[Finding],
        query: &ComponentQuery,
    ) -> Result<Exploitations, AppError> {
        if !query.asks_exploitation() {
            return Ok(Exploitations::new());
        }
        let names = findings.iter().map(|it| it.vulnerability.clone()).collect();
        self.exploitations(names).await
    }
}

/// A component with its findings, the worst first.
type Asked<'a> = (&'a Component, &'a [&'a Finding]);

fn asked<'a>(
    found: &'a FoundImage,
    (by_component, exploitations): (&'a ByComponent<'_>, &Exploitations),
    query: &ComponentQuery,
) -> Vec<Asked<'a>> {
    let text = query.text.trim().to_lowercase();
    let components = found.content.inventory.components.iter();
    let with_findings = components.map(|component| {
        let findings = by_component.get(bare(&component.purl));
        (component, findings.map_or(&[][..], Vec::as_slice))
    });
    let mut asked: Vec<Asked<'_>> = with_findings
        .filter(|one| {
            fits(*one, query) && is_feared(*one, exploitations, query) && says(*one, &text)
        })
        .collect();
    let key = |(component, _): &Asked<'_>| (component.full_name(), component.version.clone());
    asked.sort_by_cached_key(key);
    // Stable sorts: within each, by name.
    match query.order {
        ComponentOrder::Name => {}
        ComponentOrder::Ecosystem => asked.sort_by_key(|(component, _)| component.kind.as_str()),
        ComponentOrder::Layer => asked.sort_by_key(|(component, _)| component.layer_index),
        ComponentOrder::Gravest => asked.sort_by_key(|(_, findings)| {
            Reverse((findings.first().map(|it| it.class), findings.len()))
        }),
    }
    asked
}

fn fits((component, findings): Asked<'_>, query: &ComponentQuery) -> bool {
    (query.ecosystem.is_empty() || query.ecosystem == component.kind.as_str())
        && query
            .layer
            .is_none_or(|layer| layer == component.layer_index + 1)
        && query
            .class
            .is_none_or(|class| findings.iter().any(|it| it.class == class))
        && (!query.fixable || findings.iter().any(|it| it.fixed_version.is_some()))
}

/// Returns whether one finding is as exploited as is asked for.
fn is_feared(
    (_, findings): Asked<'_>,
    exploitations: &Exploitations,
    query: &ComponentQuery,
) -> bool {
    if !query.asks_exploitation() {
        return true;
    }
    let mut known = findings
        .iter()
        .filter_map(|it| exploitations.get(&it.vulnerability));
    known.any(|known| {
        let epss = known.epss.as_ref().map_or(0.0, |epss| epss.score * 100.0);
        (!query.exploited || known.kev.is_some()) && epss >= f64::from(query.epss)
    })
}

/// Returns whether a text, in lower case, stands anywhere people would look for it.
fn says((component, findings): Asked<'_>, text: &str) -> bool {
    let says = |told: &str| told.to_lowercase().contains(text);
    text.is_empty()
        || says(&component.full_name())
        || says(&component.version)
        || says(&component.source_name)
        || says(&component.purl)
        || findings.iter().any(|it| says(&it.vulnerability))
}

fn ecosystems(found: &FoundImage) -> Vec<(&'static str, usize)> {
    let mut counts = BTreeMap::new();
    for component in &found.content.inventory.components {
        *counts.entry(component.kind.as_str()).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn row(
    component: &Component,
    found: &FoundImage,
    (findings, findings_total): (Vec<FindingView>, usize),
) -> ComponentRow {
    ComponentRow {
        name: component.full_name(),
        version: component.version.clone(),
        ecosystem: component.kind.as_str(),
        purl: component.purl.clone(),
        claim: component.claim,
        path: component.path.clone(),
        linked: component.linked,
        layer: component.layer_index + 1,
        layer_digest: component.layer.to_string(),
        is_base: component.layer_index < found.base_layers(),
        findings,
        findings_total,
    }
}
