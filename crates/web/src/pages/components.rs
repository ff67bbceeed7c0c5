//! `/p/{publisher}/{product}/images/{image}/components`: what is in an image, for its publisher
//! and the staff.

use askama::Template;
use market::Class;

use super::image::ImageLine;
use crate::view::{Choice, Layout, Paging, Pill, class_pill, cvss_pill};

/// An image's components.
#[derive(Debug, Template)]
#[template(path = "components.html")]
pub struct ComponentsPage {
    /// What is around.
    pub layout: Layout,
    /// Which image.
    pub head: ImageLine,
    /// Address of this page without a query; the filters' form sends to it.
    pub url: String,
    /// What is searched for.
    pub text: String,
    /// Whether only what is fixed somewhere is shown.
    pub is_fixable_only: bool,
    /// Whether only what is known to be exploited is shown.
    pub is_exploited_only: bool,
    /// The ecosystems to choose from.
    pub ecosystems: Vec<Choice>,
    /// The classes to choose from.
    pub classes: Vec<Choice>,
    /// The layers to choose from.
    pub layers: Vec<Choice>,
    /// The probabilities of exploitation to choose from.
    pub estimates: Vec<Choice>,
    /// The orders to choose from.
    pub orders: Vec<Choice>,
    /// Whether anything is left out by a filter.
    pub is_filtered: bool,
    /// The components.
    pub rows: Vec<ComponentRow>,
    /// Which part of them is shown.
    pub paging: Paging,
}

impl ComponentsPage {
    /// Returns the filters: name, label, what stands for no choice, the choices.
    fn selects(&self) -> [(&'static str, &'static str, &'static str, &[Choice]); 5] {
        [
            ("ecosystem", "Ecosystem", "Any", &self.ecosystems),
            ("class", "Class", "Any", &self.classes),
            ("layer", "Layer", "Any", &self.layers),
            (
                "epss",
                "Exploitation expected (EPSS)",
                "Any",
                &self.estimates,
            ),
            ("order", "Order", "", &self.orders),
        ]
    }
}

/// A component.
#[derive(Debug, Clone)]
pub struct ComponentRow {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its ecosystem.
    pub ecosystem: &'static str,
    /// Its package URL.
    pub purl: String,
    /// How it is known: `installed`, `declared` or `claimed`, and by which file.
    pub evidence: String,
    /// The place of its layer, from 1.
    pub layer: usize,
    /// Whether the base image brings it.
    pub is_base: bool,
    /// Its findings, the worst first; of very many the first.
    pub findings: Vec<ComponentFinding>,
    /// How many it has.
    pub findings_total: usize,
}

impl ComponentRow {
    /// Returns the worst class as a pill.
    pub fn pill(&self) -> Option<Pill> {
        self.findings.first().map(ComponentFinding::pill)
    }

    /// Returns the style class of the worst class.
    pub fn tone(&self) -> &'static str {
        let worst = self.findings.first();
        worst.map_or("clean", |finding| finding.pill().tone.as_str())
    }

    /// Returns how many findings are not shown.
    pub fn left_out(&self) -> usize {
        self.findings_total.saturating_sub(self.findings.len())
    }
}

/// A finding in a component.
#[derive(Debug, Clone)]
pub struct ComponentFinding {
    /// For example `CVE-2022-0778`.
    pub id: String,
    /// Address of its entry.
    pub url: Option<String>,
    /// One line about it.
    pub title: String,
    /// The programme's class.
    pub class: Class,
    /// The base score that counts.
    pub score: Option<f64>,
    /// The first version without it.
    pub fixed_version: Option<String>,
    /// Probability of exploitation in percent, and the day of the estimate.
    pub epss: Option<(f64, String)>,
    /// Since when CISA lists it as exploited.
    pub exploited_since: Option<String>,
    /// Every source's rating.
    pub ratings: Vec<RatingLine>,
}

impl ComponentFinding {
    /// Returns the class as a pill.
    pub fn pill(&self) -> Pill {
        class_pill(self.class)
    }

    /// Returns CVSS's word as a pill.
    pub fn cvss_pill(&self) -> Pill {
        cvss_pill(self.score)
    }

    /// Returns the score with one decimal, or a dash.
    pub fn score_text(&self) -> String {
        score_text(self.score)
    }

    /// Returns the estimate with one decimal.
    pub fn epss_text(&self) -> Option<String> {
        let epss = self.epss.as_ref();
        epss.map(|(percent, day)| format!("EPSS {percent:.1} % on {day}"))
    }
}

/// What one source says of how grave it is.
#[derive(Debug, Clone)]
pub struct RatingLine {
    /// Who says so.
    pub source: String,
    /// The base score.
    pub score: Option<f64>,
    /// The word for it.
    pub word: Option<String>,
    /// The vector.
    pub vector: Option<String>,
}

impl RatingLine {
    /// Returns the score with one decimal, or a dash.
    pub fn score_text(&self) -> String {
        score_text(self.score)
    }
}

fn score_text(score: Option<f64>) -> String {
    score.map_or_else(|| "–".to_owned(), |score| format!("{score:.1}"))
}
