//! What inspection makes of an image: the one place where an inventory meets the
//! advisories and the checks. The server and the command line both come through here,
//! so they say the same.

use std::collections::{BTreeMap, HashMap};

use advisory::{
    database::{Database, DatabaseError},
    matching::{self, Match, Uncovered},
    score::Score,
};
use certify::{LayerFacts, Report, Subject};
use chrono::{DateTime, Utc};
use inventory::{BaseImage, Component, Inventory, Kind};
use market::Class;
use oci::{Digest, ImageConfig, PlatformImage};
use serde::{Deserialize, Serialize};

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
    /// The programme's class.
    pub class: Class,
}

/// What the advisories say about an inventory.
#[derive(Debug, Clone, Default)]
pub struct ScanResult<'a> {
    /// The worst first.
    pub findings: Vec<ScanFinding<'a>>,
    /// Packages about which the advisories cannot say anything.
    pub uncovered: Vec<Uncovered>,
}

impl ImageContent {
    /// Puts an image together with what was found in it.
    pub fn new(image: &PlatformImage, inventory: Inventory) -> Self {
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
            base: inventory::base_image(image, &[]),
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

    /// Returns the bytes of all layers as pushed.
    pub fn size(&self) -> u64 {
        self.layers.iter().map(|layer| layer.size).sum()
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
    let packages: Vec<_> = inventory
        .components
        .iter()
        .filter_map(|component| Some((package(inventory, component)?, component)))
        .collect();
    let components: HashMap<_, _> = packages.iter().cloned().collect();
    let packages: Vec<_> = packages.into_iter().map(|(package, _)| package).collect();
    let report = matching::match_packages(database, &packages)?;
    let findings = report.matches.into_iter().filter_map(|matched| {
        let component = *components.get(&matched.package)?;
        let score = matched.score();
        let class = Class::of_score(score.as_ref().map(|score| score.score.value()));
        Some(ScanFinding {
            component,
            matched,
            score,
            class,
        })
    });
    let mut findings: Vec<_> = findings.collect();
    findings.sort_by(|a, b| {
        let tenths =
            |finding: &ScanFinding<'_>| finding.score.as_ref().map(|score| score.score.tenths());
        let name = |finding: &ScanFinding<'_>| {
            (
                finding.component.name.clone(),
                finding.matched.vulnerability.clone(),
            )
        };
        tenths(b)
            .cmp(&tenths(a))
            .then_with(|| name(a).cmp(&name(b)))
    });
    let mut uncovered = report.uncovered;
    uncovered.extend(of_other_kinds(inventory));
    Ok(ScanResult {
        findings,
        uncovered,
    })
}

/// Returns how many packages there are of each ecosystem of which no advisory speaks.
fn of_other_kinds(inventory: &Inventory) -> impl Iterator<Item = Uncovered> {
    let mut counts = BTreeMap::<&str, u64>::new();
    for component in &inventory.components {
        if package(inventory, component).is_none() {
            *counts.entry(component.kind.as_str()).or_default() += 1;
        }
    }
    counts.into_iter().map(|(kind, packages)| Uncovered {
        distribution: kind.to_owned(),
        packages,
        reason: format!("advisories for packages of type `{kind}` are not matched"),
    })
}

/// Returns what the advisories go by; nothing of ecosystems of which they say nothing.
fn package(inventory: &Inventory, component: &Component) -> Option<matching::Package> {
    let distribution = inventory.distribution.clone().unwrap_or_default();
    Some(matching::Package {
        kind: match component.kind {
            Kind::Deb => matching::Kind::Deb,
            Kind::Apk => matching::Kind::Apk,
            _ => return None,
        },
        // Debian's testing and unstable have a codename only.
        version_id: distribution
            .version_id
            .or(distribution.version_codename)
            .unwrap_or_default(),
        distribution: distribution.id,
        name: component.name.clone(),
        version: component.version.clone(),
        source_name: component.source_name.clone(),
        source_version: component.source_version.clone(),
        architecture: component.architecture.clone(),
    })
}
