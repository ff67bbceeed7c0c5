//! One platform of a release: how it came to be, layer by layer, and what is in the layers.

use std::{cmp::Ordering, collections::HashMap};

use advisory::{matching, version::Scheme};
use chrono::{DateTime, Utc};
use inventory::{BaseImage, Component, Kind};
use market::{Class, SubmissionId};
use store::{Tx, findings::Finding};

use super::{
    ProductView,
    fixes::{Fix, Fixable, fixes},
};
use crate::{
    Actor, App, AppError,
    findings::class_counts,
    inspection::{ImageContent, blocking},
};

/// Which image a page is about.
#[derive(Debug, Clone)]
pub struct ImageHead {
    /// Of which product.
    pub of: ProductView,
    /// Under which tag it was released or submitted.
    pub tag: String,
    /// In which submission; for those who may see inside.
    pub submission: Option<SubmissionId>,
    /// When it was released, if it was.
    pub released_at: Option<DateTime<Utc>>,
    /// `os/architecture`.
    pub platform: String,
    /// Of the platform's manifest.
    pub digest: String,
    /// Bytes of all layers as pushed.
    pub size: u64,
    /// The distribution inside, or empty.
    pub distribution: String,
    /// What it is built on, if that is known.
    pub base: Option<BaseImage>,
}

/// One platform's image as its page shows it.
#[derive(Debug, Clone)]
pub struct ImagePage {
    /// Which one.
    pub head: ImageHead,
    /// Every step that made it, the oldest first.
    pub history: Vec<HistoryStep>,
    /// What is in it; for those who may see inside.
    pub inside: Option<ImageInside>,
}

/// A step of an image's history.
#[derive(Debug, Clone)]
pub struct HistoryStep {
    /// The instruction, as the builder wrote it, or empty.
    pub instruction: String,
    /// When, RFC 3339, as the builder wrote it.
    pub created: Option<String>,
    /// The layer it made, if it made one.
    pub layer: Option<StepLayer>,
    /// Whether it is the base image's.
    pub is_base: bool,
}

/// The layer that a step made.
#[derive(Debug, Clone)]
pub struct StepLayer {
    /// Its place, from 1, lowest first.
    pub number: usize,
    /// Of the layer as pushed.
    pub digest: String,
    /// Bytes as pushed.
    pub size: u64,
    /// What it brings; for those who may see inside.
    pub contents: Option<LayerContents>,
}

/// What a layer brings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LayerContents {
    /// How many components.
    pub components: usize,
    /// How many of them are vulnerable.
    pub vulnerable: usize,
    /// The worst class of their findings.
    pub worst: Option<Class>,
}

/// What is in an image.
#[derive(Debug, Clone)]
pub struct ImageInside {
    /// How many components.
    pub components: usize,
    /// How many of them are vulnerable.
    pub vulnerable: usize,
    /// Open findings of each class, the worst class first.
    pub counts: Vec<(Class, i64)>,
    /// The updates that close most findings, the best first.
    pub fixes: Vec<Fix>,
}

/// An image with its content.
pub(super) struct FoundImage {
    pub(super) head: ImageHead,
    pub(super) content: ImageContent,
    /// The submission that its findings are of.
    submission: SubmissionId,
}

impl App {
    /// Returns the history of an image that a product has, by its manifest's digest.
    ///
    /// # Errors
    /// There is no such image that the asker may look into.
    pub async fn image_page(
        &self,
        actor: &Actor,
        names: (&str, &str),
        image: &str,
    ) -> Result<ImagePage, AppError> {
        let mut tx = self.read().await?;
        let found = self.found_image(&mut tx, actor, names, image).await?;
        let findings = self.open_findings(&mut tx, &found).await?;
        let by_component = by_component(&findings);
        let inside = found.head.of.may_see_inside.then(|| {
            let components = &found.content.inventory.components;
            let is_vulnerable = |it: &&Component| by_component.contains_key(bare(&it.purl));
            ImageInside {
                components: components.len(),
                vulnerable: components.iter().filter(is_vulnerable).count(),
                counts: counts(&findings),
                fixes: fixes(&fixable(&found, &findings), newer),
            }
        });
        Ok(ImagePage {
            history: history(&found, &by_component),
            inside,
            head: found.head,
        })
    }

    /// Loads an image of a product: one that was released, or any for those who may see submissions.
    pub(super) async fn found_image(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        names: (&str, &str),
        digest: &str,
    ) -> Result<FoundImage, AppError> {
        let missing = || AppError::not_found("image", digest);
        let mut of = self.product_view(tx, actor, names).await?;
        let home = store::images::home(tx, &of.product.id, digest).await?;
        let home = home.filter(|home| of.may_see_submissions || home.released_at.is_some());
        let home = home.ok_or_else(missing)?;
        let row = store::images::find(tx, digest).await?.ok_or_else(missing)?;
        let content = blocking(move || ImageContent::decode(&row.content)).await??;
        of.may_see_inside = self.sees_inside(tx, (actor, &of), &[digest]).await?;
        let submission = home.submission_id;
        Ok(FoundImage {
            head: ImageHead {
                tag: home.tag,
                submission: of.may_see_submissions.then(|| submission.clone()),
                released_at: home.released_at,
                platform: content.platform.clone(),
                digest: digest.to_owned(),
                size: content.size(),
                distribution: content.distribution().to_owned(),
                base: content.base.clone(),
                of,
            },
            content,
            submission,
        })
    }

    /// Loads its open findings, the worst first; none for those who may not see inside.
    pub(super) async fn open_findings(
        &self,
        tx: &mut Tx,
        found: &FoundImage,
    ) -> Result<Vec<Finding>, AppError> {
        let FoundImage {
            head, submission, ..
        } = found;
        Ok(match head.of.may_see_inside {
            true => store::findings::open_in_image(tx, submission, &head.digest).await?,
            false => Vec::new(),
        })
    }

    /// The same, for whoever may see inside; `what` of it is asked for.
    pub(super) async fn image_inside(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (names, digest): ((&str, &str), &str),
        what: &str,
    ) -> Result<FoundImage, AppError> {
        let found = self.found_image(tx, actor, names, digest).await?;
        if found.head.of.may_see_inside {
            return Ok(found);
        }
        let why = format!("{what} are the publisher's business");
        Err(match actor.signed_in() {
            None => AppError::Unauthenticated(why),
            Some(_) => AppError::Denied(why),
        })
    }
}

impl FoundImage {
    /// Returns how many of the lowest layers are the base image's.
    pub(super) fn base_layers(&self) -> usize {
        let base = self.content.base.as_ref();
        base.and_then(|base| base.layers).unwrap_or(0)
    }
}

/// Open findings by the component they are of: its package URL without qualifiers.
pub(super) type ByComponent<'a> = HashMap<&'a str, Vec<&'a Finding>>;

/// Sorts findings by component; of each the worst class comes first.
pub(super) fn by_component(findings: &[Finding]) -> ByComponent<'_> {
    let mut sorted = ByComponent::new();
    for finding in findings {
        let purl = finding.detail.0["purl"].as_str().unwrap_or_default();
        sorted.entry(bare(purl)).or_default().push(finding);
    }
    for findings in sorted.values_mut() {
        findings.sort_by_key(|finding| std::cmp::Reverse(finding.class));
    }
    sorted
}

/// Returns a package URL without qualifiers and subpath.
pub(super) fn bare(purl: &str) -> &str {
    purl.split(['?', '#']).next().unwrap_or_default()
}

fn counts(findings: &[Finding]) -> Vec<(Class, i64)> {
    class_counts(findings.iter().map(|it| (it.class, 1)))
}

/// Returns every step, the oldest first; where history and layers do not agree, the layers alone.
fn history(found: &FoundImage, by_component: &ByComponent<'_>) -> Vec<HistoryStep> {
    let content = &found.content;
    let contents = found.head.of.may_see_inside;
    let mut contents = contents.then(|| layer_contents(content, by_component).into_iter());
    let base = found.base_layers();
    let mut layers = content.layers.iter().zip(1..).map(|(layer, number)| {
        let contents = contents.as_mut().and_then(Iterator::next);
        HistoryStep {
            instruction: layer.instruction.clone().unwrap_or_default(),
            created: layer.created.clone(),
            is_base: number <= base,
            layer: Some(StepLayer {
                number,
                digest: layer.digest.to_string(),
                size: layer.size,
                contents,
            }),
        }
    });
    let told = &content.config.history;
    let agrees = told.iter().filter(|it| !it.empty_layer).count() == content.layers.len();
    let mut steps = Vec::new();
    let mut below = 0;
    for step in told.iter().filter(|_| agrees) {
        if !step.empty_layer {
            below += 1;
            steps.extend(layers.next());
            continue;
        }
        steps.push(HistoryStep {
            instruction: step.created_by.clone().unwrap_or_default(),
            created: step.created.clone(),
            layer: None,
            // What follows the base's last layer may be anybody's.
            is_base: below < base,
        });
    }
    steps.extend(layers);
    steps
}

fn layer_contents(content: &ImageContent, by_component: &ByComponent<'_>) -> Vec<LayerContents> {
    let mut layers = vec![LayerContents::default(); content.layers.len()];
    for component in &content.inventory.components {
        let Some(layer) = layers.get_mut(component.layer_index) else {
            continue;
        };
        layer.components += 1;
        if let Some(findings) = by_component.get(bare(&component.purl)) {
            layer.vulnerable += 1;
            let worst = findings.first().map(|finding| finding.class);
            layer.worst = layer.worst.max(worst);
        }
    }
    layers
}

/// Returns the findings that somebody has fixed, with what to update.
fn fixable(found: &FoundImage, findings: &[Finding]) -> Vec<Fixable> {
    let mut places: HashMap<&str, (&Component, bool)> = HashMap::new();
    for component in &found.content.inventory.components {
        let in_base = component.layer_index < found.base_layers();
        let known = places.entry(bare(&component.purl));
        known.or_insert((component, true)).1 &= in_base;
    }
    let of = |finding: &Finding| {
        let purl = finding.detail.0["purl"].as_str().unwrap_or_default();
        let (component, in_base) = places.get(bare(purl))?;
        Some(Fixable {
            class: finding.class,
            package: (component.kind, source(component)),
            fixed: finding.fixed_version.clone()?,
            in_base: *in_base,
        })
    };
    let counting = findings.iter().filter(|it| it.class != Class::None);
    counting.filter_map(of).collect()
}

/// Returns the name of the source package that a component is built from.
fn source(component: &Component) -> String {
    match component.source_name.as_str() {
        "" => component.full_name(),
        source => source.to_owned(),
    }
}

/// Orders two versions of an ecosystem; what cannot be ordered counts as equal.
fn newer(kind: Kind, a: &str, b: &str) -> Ordering {
    let scheme = match kind {
        Kind::Deb | Kind::Opkg => Some(Scheme::Dpkg),
        Kind::Apk => Some(Scheme::Apk),
        Kind::Rpm => Some(Scheme::Rpm),
        Kind::Pacman => Some(Scheme::Pacman),
        other => matching::Kind::of_purl(other.as_str())
            .ecosystem()
            .and_then(Scheme::of_ecosystem),
    };
    let order = scheme.unwrap_or(Scheme::Generic).compare(a, b);
    order.unwrap_or(Ordering::Equal)
}
