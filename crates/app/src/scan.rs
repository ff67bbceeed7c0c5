//! What inspection makes of an image: the one place where an inventory meets the
//! advisories and the checks. The server and the command line both come through here,
//! so they say the same.

use std::collections::BTreeMap;

use advisory::{
    database::{Database, DatabaseError},
    matching::{self, Answer, Confidence, Match, Matcher, Notice, Uncovered, Uncoverings},
    record,
    score::Score,
    vex,
};
use certify::{LayerFacts, Report, Subject};
use chrono::{DateTime, Utc};
use inventory::{BaseImage, Claim, Component, Inventory, KnownBase};
use market::Class;
use oci::{Digest, ImageConfig, PlatformImage};
use serde::{Deserialize, Serialize};

use crate::AppError;

/// A layer as manifest and configuration describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageLayer {
    /// Of the layer as pushed.
    pub digest: Digest,
    /// Bytes as pushed.
    pub size: u64,
    /// The instruction that made it, as the builder wrote it.
    pub instruction: Option<String>,
    /// When, RFC 3339, as the builder wrote it.
    pub created: Option<String>,
}

/// One platform's image, taken apart.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageContent {
    /// `os/architecture`.
    pub platform: String,
    /// Its configuration.
    pub config: ImageConfig,
    /// Its manifest's annotations.
    pub annotations: BTreeMap<String, String>,
    /// What it is built on, if that is known.
    #[serde(default)]
    pub base: Option<BaseImage>,
    /// Its layers, lowest first.
    pub layers: Vec<ImageLayer>,
    /// What is inside.
    pub inventory: Inventory,
}

/// A vulnerability in a component, with what the programme makes of it.
#[derive(Debug, Clone)]
pub struct ScanFinding<'a> {
    /// The component.
    pub component: &'a Component,
    /// What the advisories say.
    pub matched: Match,
    /// The score that decides, if there is any.
    pub score: Option<Score>,
    /// The programme's class: by the score, but Minor for what does not [count](Self::counts).
    pub class: Class,
    /// How sure it is: the less sure of the component and of the match.
    pub confidence: Confidence,
    /// What somebody who knows the image says about it.
    pub vex: Option<vex::Statement>,
}

/// What is said of a component whose shared libraries nothing in the image is linked with.
pub const UNLOADED: &str = "Nothing in the image is linked with its libraries.";

impl ScanFinding<'_> {
    /// Returns whether it obliges the publisher: the package was installed rather than asked for
    /// by a lock file or claimed by a bill of materials, and what is affected is in it.
    pub fn counts(&self) -> bool {
        self.component.claim == Claim::Installed
            && self.confidence > Confidence::Low
            && self.matched.counts()
    }

    /// Returns whether the package has shared libraries and nothing in the image is linked with
    /// any of them. A program may open one by name all the same, so it lowers nothing.
    pub fn is_unloaded(&self) -> bool {
        self.component.linked == Some(false)
    }
}

/// Says in words what the advisories say of a package, wherever it is.
pub(crate) fn explained(matched: &Match, score: Option<&Score>) -> String {
    let mut sentences = vec![matched.explanation.clone()];
    sentences.extend(matched.note.clone());
    sentences.extend(score.map(|score| format!("Score {}.", score.reason())));
    let kev = matched.kev.as_ref();
    sentences.extend(kev.map(|kev| format!("CISA lists it as exploited since {}.", kev.added)));
    sentences.join(" ")
}

/// Says how likely it is to be exploited.
pub(crate) fn epss(epss: &record::Epss) -> String {
    let percent = epss.score * 100.0;
    format!(
        "EPSS on {}: exploited within 30 days with {percent:.1} %.",
        epss.date
    )
}

/// Says which advisories said so.
pub(crate) fn advisories(version: &str) -> String {
    let version: String = version.chars().take(12).collect();
    format!("Advisories {version}.")
}

/// Says why a finding is Minor whatever its score, if it is: of a component with this claim and
/// a confidence, and whether it counts.
pub(crate) fn why_it_does_not_count(
    (claim, confidence, counts): (Claim, Confidence, bool),
) -> Option<&'static str> {
    match claim {
        _ if counts => None,
        Claim::Declared => {
            Some("The package is asked for or lies ready, but is not installed, so it is Minor.")
        }
        Claim::Claimed => Some("Only a bill of materials claims the package, so it is Minor."),
        Claim::Installed if confidence == Confidence::Low => {
            Some("The match is not sure, so it is Minor.")
        }
        Claim::Installed => Some("The package as built is not concerned, so it is Minor."),
    }
}

/// What the advisories say about an inventory.
#[derive(Debug, Clone, Default)]
pub struct ScanResult<'a> {
    /// The worst first.
    pub findings: Vec<ScanFinding<'a>>,
    /// Findings that a statement closes; each bears it.
    pub closed: Vec<ScanFinding<'a>>,
    /// What is worth knowing without being a vulnerability.
    pub notices: Vec<Notice>,
    /// Packages about which the advisories cannot say anything.
    pub uncovered: Vec<Uncovered>,
}

impl ScanResult<'_> {
    /// Applies statements about the image that goes by `image` (references, digests); what they
    /// close leaves the findings.
    pub fn apply(&mut self, statements: &[vex::Statement], image: &[String]) {
        let findings = std::mem::take(&mut self.findings);
        for mut finding in findings {
            let aliases = finding.matched.aliases.iter();
            let names = std::iter::once(&finding.matched.vulnerability).chain(aliases);
            let names: Vec<&str> = names.map(String::as_str).collect();
            let target = vex::Target {
                vulnerability: &names,
                purl: &finding.component.purl,
                image,
            };
            finding.vex = vex::applicable(statements, target).cloned();
            match &finding.vex {
                Some(statement) if statement.status.closes() => self.closed.push(finding),
                _ => self.findings.push(finding),
            }
        }
    }
}

impl ImageContent {
    /// Puts an image together with what was found in it; it may be built on what is `known`.
    pub fn new(image: &PlatformImage, inventory: Inventory, known: &[KnownBase]) -> Self {
        let history = image.config.layer_history();
        let layers = image.layers().iter().enumerate().map(|(place, layer)| {
            let step = history.get(place).copied().flatten();
            ImageLayer {
                digest: layer.digest.clone(),
                size: layer.size,
                instruction: step.and_then(|step| step.created_by.clone()),
                created: step.and_then(|step| step.created.clone()),
            }
        });
        Self {
            platform: image.platform(),
            base: inventory::base_image(image, known),
            layers: layers.collect(),
            annotations: image.manifest.annotations().cloned().unwrap_or_default(),
            config: image.config.clone(),
            inventory,
        }
    }

    /// Puts a root file system without image configuration together with what was found in it.
    pub fn of_rootfs(inventory: Inventory) -> Self {
        let layer = |summary: &inventory::LayerSummary| ImageLayer {
            digest: summary.digest.clone(),
            size: summary.size,
            instruction: None,
            created: None,
        };
        Self {
            platform: "linux".to_owned(),
            config: ImageConfig::default(),
            annotations: BTreeMap::new(),
            base: None,
            layers: inventory.layers.iter().map(layer).collect(),
            inventory,
        }
    }

    /// Returns when the image was made, as its builder wrote it.
    pub fn created(&self) -> Option<DateTime<Utc>> {
        let created = DateTime::parse_from_rfc3339(self.config.created.as_deref()?);
        created.ok().map(|time| time.to_utc())
    }

    /// Returns the name of the distribution inside, or an empty one.
    pub fn distribution(&self) -> &str {
        let distribution = self.inventory.distribution.as_ref();
        distribution.map_or("", |distribution| &distribution.name)
    }

    /// Returns the bytes of all layers as pushed.
    pub fn size(&self) -> u64 {
        let sizes = self.layers.iter().map(|layer| layer.size);
        sizes.fold(0, u64::saturating_add)
    }

    /// Runs the certification checks; `tag` is the name the image goes by.
    pub fn certify(&self, tag: Option<&str>, now: DateTime<Utc>) -> Report {
        let facts = |layer: &ImageLayer| LayerFacts {
            digest: layer.digest.clone(),
            compressed_size: layer.size,
            history: layer.instruction.clone(),
        };
        let layers: Vec<_> = self.layers.iter().map(facts).collect();
        Report::of(&Subject {
            reference_tag: tag,
            config: &self.config,
            annotations: Some(&self.annotations),
            layers: &layers,
            inventory: &self.inventory,
            now,
        })
    }
}

/// Matches an inventory against the advisories.
///
/// # Errors
/// The advisory database cannot be read.
pub fn match_inventory<'a>(
    inventory: &'a Inventory,
    database: &Database,
) -> Result<ScanResult<'a>, DatabaseError> {
    let matcher = Matcher::new(database);
    let mut result = ScanResult::default();
    let mut uncovered = Uncoverings::default();
    let mut of_other_kinds = BTreeMap::<&str, u64>::new();
    for component in &inventory.components {
        let package = package(inventory, component);
        match matcher.package(&package)? {
            Ok(Answer { matches, notices }) => {
                let found = matches
                    .into_iter()
                    .map(|matched| finding(component, matched));
                result.findings.extend(found);
                result.notices.extend(notices);
            }
            Err(matching::Unsupported::Kind) => {
                *of_other_kinds.entry(component.kind.as_str()).or_default() += 1;
            }
            Err(reason) => uncovered.add(&package, &reason),
        }
    }
    result.findings.sort_by(|a, b| {
        let tenths =
            |finding: &ScanFinding<'_>| finding.score.as_ref().map(|score| score.score.tenths());
        let order = (b.class, tenths(b)).cmp(&(a.class, tenths(a)));
        order
            .then_with(|| a.component.name.cmp(&b.component.name))
            .then_with(|| a.matched.vulnerability.cmp(&b.matched.vulnerability))
    });
    result.uncovered = uncovered.into_list();
    result.uncovered.extend(
        of_other_kinds
            .into_iter()
            .map(|(kind, packages)| Uncovered {
                distribution: kind.to_owned(),
                packages,
                reason: format!(
                    "nobody publishes advisories for packages of type `{kind}` that are read here"
                ),
            }),
    );
    Ok(result)
}

fn finding(component: &Component, matched: Match) -> ScanFinding<'_> {
    let score = matched.score();
    let scored = scored(matched.kind, score.as_ref());
    let mut finding = ScanFinding {
        component,
        confidence: confidence(component.confidence, matched.confidence),
        matched,
        score,
        class: scored,
        vex: None,
    };
    finding.class = class(scored, finding.counts());
    finding
}

/// Returns the class by the score alone.
pub(crate) fn scored(kind: record::Kind, score: Option<&Score>) -> Class {
    match kind {
        // There is nothing to score: the package itself is the attack.
        record::Kind::Malicious => Class::Critical,
        _ => Class::of_score(score.map(|score| score.score.value())),
    }
}

/// Returns how sure a finding is: the less sure of the component and of the match.
pub(crate) fn confidence(component: inventory::Confidence, matched: Confidence) -> Confidence {
    let component = match component {
        inventory::Confidence::High => Confidence::High,
        inventory::Confidence::Medium => Confidence::Medium,
        inventory::Confidence::Low => Confidence::Low,
    };
    component.min(matched)
}

/// Returns the class of a finding that counts, or does not.
pub(crate) fn class(scored: Class, counts: bool) -> Class {
    match counts || scored == Class::None {
        true => scored,
        false => Class::Minor,
    }
}

/// Returns a package that was kept.
pub(crate) fn kept_package(kept: serde_json::Value) -> Result<matching::Package, AppError> {
    let mut package: matching::Package =
        serde_json::from_value(kept).map_err(AppError::internal)?;
    package.third_party = third_party(&package);
    Ok(package)
}

fn third_party(package: &matching::Package) -> Option<String> {
    let kind = match package.kind {
        matching::Kind::Deb => inventory::Kind::Deb,
        matching::Kind::Rpm => inventory::Kind::Rpm,
        _ => return None,
    };
    let (distribution, version) = (&package.distribution, &package.version);
    inventory::third_party(kind, distribution, version, &package.supplier)
}

/// Returns what the advisories go by.
pub(crate) fn package(inventory: &Inventory, component: &Component) -> matching::Package {
    let kind = matching::Kind::of_purl(component.kind.as_str());
    let mut package = matching::Package {
        kind,
        name: component.name.clone(),
        version: component.version.clone(),
        source_name: component.source_name.clone(),
        source_version: component.source_version.clone(),
        architecture: component.architecture.clone(),
        cpes: component.cpes.clone(),
        ..matching::Package::default()
    };
    // A claim is answered by those whose package it is, whatever image it lies in.
    if let Some((distribution, release)) = component.other_distribution() {
        package.distribution = distribution.to_owned();
        package.version_id = release.to_owned();
        return package;
    }
    if component.kind.is_distribution() {
        let distribution = inventory.distribution.clone().unwrap_or_default();
        package.distribution = distribution.id;
        // Debian's testing and unstable have a codename only.
        package.version_id = distribution
            .version_id
            .or(distribution.version_codename)
            .unwrap_or_default();
        if kind == matching::Kind::Apk && inventory.is_of_edge() {
            package.version_id = "edge".to_owned();
        }
        if kind == matching::Kind::Rpm {
            package.repositories = inventory.repository_cpes();
        }
        let label = component.qualifiers.get("rpmmod");
        package.module = label.cloned().unwrap_or_default();
        let supplier = component.vendor.as_ref().or(component.maintainer.as_ref());
        package.supplier = supplier.cloned().unwrap_or_default();
        package.third_party = third_party(&package);
        return package;
    }
    if !component.namespace.is_empty() {
        // Maven writes group:artifact, all others namespace/name.
        let mark = if kind == matching::Kind::Maven {
            ':'
        } else {
            '/'
        };
        package.name = format!("{}{mark}{}", component.namespace, component.name);
    }
    let qualifier = |key| component.qualifiers.get(key).cloned();
    // What is in an image runs on Linux, or not at all.
    package.operating_system = qualifier("goos").unwrap_or_else(|| "linux".to_owned());
    if let Some(architecture) = qualifier("goarch") {
        package.architecture = architecture;
    }
    package
}
