//! What differs between two releases, or between a submission and the one before.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
};

use inventory::PackageChange;
use market::{Class, FindingState, SubmissionId};
use store::{Part, Tx, findings::Finding, images::ImageRow, releases::Release};

use super::{ProductView, contents, release_of};
use crate::{Actor, App, AppError, LayerView, inspection::ImageContent, storefront::public_layers};

/// What differs between the images of two submissions; all platforms of each count as one.
#[derive(Debug, Clone)]
pub struct ContentDifference {
    /// Layers that are new.
    pub new_layers: Vec<LayerView>,
    /// Layers that are gone.
    pub gone_layers: Vec<LayerView>,
    /// What differs in them; for those who may see inside.
    pub inside: Option<InsideDifference>,
}

/// What differs in components and findings.
#[derive(Debug, Clone, Default)]
pub struct InsideDifference {
    /// Packages that are new, gone, or there in another version.
    pub packages: Vec<PackageChange>,
    /// Findings that are new, the worst first.
    pub new_findings: Vec<FindingChange>,
    /// Findings that are gone, the worst first.
    pub gone_findings: Vec<FindingChange>,
}

/// A finding that one of two submissions has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingChange {
    /// The CVE, or the advisory's own id.
    pub vulnerability: String,
    /// The component's name.
    pub component: String,
    /// The programme's class.
    pub class: Class,
}

/// Two releases of a product beside each other.
#[derive(Debug, Clone)]
pub struct ComparisonPage {
    /// The product.
    pub of: ProductView,
    /// All releases to choose from, newest first.
    pub releases: Vec<Release>,
    /// The older one.
    pub old: Option<Release>,
    /// The newer one.
    pub new: Option<Release>,
    /// What differs, where there are two.
    pub difference: Option<ContentDifference>,
}

/// The images and findings of a submission.
pub(crate) struct Side<'a> {
    pub(crate) images: &'a [(ImageRow, ImageContent)],
    pub(crate) findings: &'a [Finding],
}

impl App {
    /// Compares two releases by their identifiers: the newest and the one before it unless
    /// others are named.
    ///
    /// # Errors
    /// There is no such product that the asker may look into, or no such release of it.
    pub async fn compare_releases(
        &self,
        actor: &Actor,
        names: (&str, &str),
        (old, new): (Option<&str>, Option<&str>),
    ) -> Result<ComparisonPage, AppError> {
        let mut tx = self.read().await?;
        let of = self.product_view(&mut tx, actor, names).await?;
        let releases = store::releases::of_product(&mut tx, &of.product.id).await?;
        let name = format!("{}/{}", of.publisher.slug, of.product.slug);
        let named = |id: Option<&str>| id.map(|id| release_of(&releases, id, &name));
        let new = named(new).transpose()?.or(releases.first()).cloned();
        let before = || {
            let mut older = releases.iter().skip_while(|it| Some(*it) != new.as_ref());
            older.nth(1)
        };
        let old = named(old).transpose()?.or_else(before).cloned();
        let difference = match (&old, &new) {
            (Some(old), Some(new)) => {
                let ids = (&old.submission_id, &new.submission_id);
                let digests = [old.digest.as_str(), new.digest.as_str()];
                let inside = self.sees_inside(&mut tx, (actor, &of), &digests).await?;
                Some(difference_of(&mut tx, ids, inside).await?)
            }
            _ => None,
        };
        Ok(ComparisonPage {
            of,
            releases,
            old,
            new,
            difference,
        })
    }
}

async fn difference_of(
    tx: &mut Tx,
    (old, new): (&SubmissionId, &SubmissionId),
    may_see_inside: bool,
) -> Result<ContentDifference, AppError> {
    let (before, after) = (contents(tx, old).await?, contents(tx, new).await?);
    let mut findings = (Vec::new(), Vec::new());
    if may_see_inside {
        findings.0 = store::findings::of_submission(tx, old, Part::ALL).await?;
        findings.1 = store::findings::of_submission(tx, new, Part::ALL).await?;
    }
    let before = Side {
        images: &before,
        findings: &findings.0,
    };
    let after = Side {
        images: &after,
        findings: &findings.1,
    };
    Ok(content_difference(&before, &after, may_see_inside))
}

/// Returns what is different in `after`.
pub(crate) fn content_difference(
    before: &Side<'_>,
    after: &Side<'_>,
    may_see_inside: bool,
) -> ContentDifference {
    let inside = || InsideDifference {
        packages: inventory::package_changes(before.inventories(), after.inventories()),
        new_findings: only_in(after, before),
        gone_findings: only_in(before, after),
    };
    ContentDifference {
        new_layers: layers_without(after, before),
        gone_layers: layers_without(before, after),
        inside: may_see_inside.then(inside),
    }
}

impl Side<'_> {
    fn inventories(&self) -> impl Iterator<Item = &inventory::Inventory> {
        self.images.iter().map(|(_, content)| &content.inventory)
    }

    fn layers(&self) -> impl Iterator<Item = LayerView> {
        let each = self.images.iter();
        each.flat_map(|(_, content)| public_layers(content))
    }

    /// Returns what is open, each once with its worst class.
    fn open(&self) -> BTreeMap<(&str, &str), Class> {
        let mut open = BTreeMap::new();
        let findings = self.findings.iter();
        for finding in findings.filter(|it| it.state == FindingState::Open) {
            let name = (&*finding.vulnerability, &*finding.component);
            let class = open.entry(name).or_insert(finding.class);
            *class = finding.class.max(*class);
        }
        open
    }
}

/// Returns the layers that one side has and the other has not, each once.
fn layers_without(of: &Side<'_>, other: &Side<'_>) -> Vec<LayerView> {
    let mut known: HashSet<String> = other.layers().map(|layer| layer.digest).collect();
    let new = |layer: &LayerView| known.insert(layer.digest.clone());
    of.layers().filter(new).collect()
}

fn only_in(side: &Side<'_>, other: &Side<'_>) -> Vec<FindingChange> {
    let known = other.open();
    let only = side.open().into_iter();
    let only = only.filter(|(name, _)| !known.contains_key(name));
    let change = |((vulnerability, component), class): ((&str, &str), Class)| FindingChange {
        vulnerability: vulnerability.to_owned(),
        component: component.to_owned(),
        class,
    };
    let mut changes: Vec<_> = only.map(change).collect();
    changes.sort_by_key(|change| Reverse(change.class));
    changes
}
