//! Releases, looked into, as programs read them.

use app::{
    ComparisonPage, ComponentRow, ComponentsPage, ContentDifference, FindingChange, Fix,
    HistoryStep, ImageInside, ImageOutline, ImagePage, InsideDifference, LayerContents, Release,
    StepLayer, TagView, TagsPage, Update,
    inventory::{BaseImage, Claim, PackageChange},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    finding_json::FindingJson,
    products::LayerJson,
    submission_json::CountJson,
    words::{ClassJson, ReleaseIdJson, SubmissionIdJson},
};

/// A page of releases.
#[derive(Serialize, ToSchema)]
pub(super) struct TagsJson {
    /// The releases, newest first.
    items: Vec<TagJson>,
    /// How many there are on all pages.
    total: usize,
    /// Which page this is, from 1.
    page: usize,
    /// How many pages there are.
    pages: usize,
}

/// A release with its platforms.
#[derive(Serialize, ToSchema)]
struct TagJson {
    /// The release.
    #[serde(flatten)]
    release: NamedReleaseJson,
    /// Each platform by itself.
    images: Vec<PlatformImageJson>,
    /// Short names of the plans that give it; null where every plan gives everything.
    plans: Option<Vec<String>>,
}

/// A release.
#[derive(Serialize, ToSchema)]
struct NamedReleaseJson {
    /// Its identifier.
    id: ReleaseIdJson,
    /// Its tag.
    tag: String,
    /// What was signed.
    digest: String,
    /// Whether it bears the mark.
    certified: bool,
    /// When.
    released_at: DateTime<Utc>,
}

/// One platform of a release.
#[derive(Serialize, ToSchema)]
struct PlatformImageJson {
    /// `os/architecture`.
    platform: String,
    /// Of the platform's manifest.
    digest: String,
    /// Bytes of all layers as pushed.
    size: i64,
    /// The distribution inside, or empty.
    distribution: String,
}

/// One platform's image, and how it came to be.
#[derive(Serialize, ToSchema)]
pub(super) struct ImageHistoryJson {
    /// Under which tag it was released or submitted.
    tag: String,
    /// Its submission; for those who may see inside.
    submission: Option<SubmissionIdJson>,
    /// When it was released, if it was.
    released_at: Option<DateTime<Utc>>,
    /// `os/architecture`.
    platform: String,
    /// Of the platform's manifest.
    digest: String,
    /// Bytes of all layers as pushed.
    size: u64,
    /// The distribution inside, or empty.
    distribution: String,
    /// What it is built on, if that is known.
    base: Option<BaseImageJson>,
    /// Every step that made it, the oldest first.
    history: Vec<HistoryStepJson>,
    /// What is in it; for those who may see inside.
    inside: Option<ImageInsideJson>,
}

/// What an image is built on.
#[derive(Serialize, ToSchema)]
struct BaseImageJson {
    /// Its name.
    name: String,
    /// How many of the lowest layers are its own, if they are known.
    layers: Option<usize>,
}

/// A step of an image's history.
#[derive(Serialize, ToSchema)]
struct HistoryStepJson {
    /// The instruction, as the builder wrote it, or empty.
    instruction: String,
    /// When, as the builder wrote it.
    created: Option<String>,
    /// Whether it is the base image's.
    is_base: bool,
    /// The layer it made, if it made one.
    layer: Option<StepLayerJson>,
}

/// The layer that a step made.
#[derive(Serialize, ToSchema)]
struct StepLayerJson {
    /// Its place, from 1, lowest first.
    number: usize,
    /// Of the layer as pushed.
    digest: String,
    /// Bytes as pushed.
    size: u64,
    /// What it brings; for those who may see inside.
    contents: Option<LayerContentsJson>,
}

/// What a layer brings.
#[derive(Serialize, ToSchema)]
struct LayerContentsJson {
    /// How many components.
    components: usize,
    /// How many of them are vulnerable.
    vulnerable: usize,
    /// The worst class of their findings.
    worst: Option<ClassJson>,
}

/// What is in an image.
#[derive(Serialize, ToSchema)]
struct ImageInsideJson {
    /// How many components.
    components: usize,
    /// How many of them are vulnerable.
    vulnerable: usize,
    /// Open findings of each class, the worst first.
    counts: Vec<CountJson>,
    /// The updates that close most findings, the best first; each counts what those before it leave.
    fixes: Vec<FixJson>,
}

/// An update and what it closes.
#[derive(Serialize, ToSchema)]
struct FixJson {
    /// `base` for a newer base image, or `package`.
    update: &'static str,
    /// A package's ecosystem.
    ecosystem: Option<&'static str>,
    /// The source package's name.
    name: Option<String>,
    /// A package's first version that closes them all.
    version: Option<String>,
    /// Findings it closes by class, the worst first.
    closes: Vec<CountJson>,
}

/// A page of components.
#[derive(Serialize, ToSchema)]
pub(super) struct ComponentsJson {
    /// The components.
    items: Vec<ComponentRowJson>,
    /// How many there are on all pages.
    total: usize,
    /// Which page this is, from 1.
    page: usize,
    /// How many pages there are.
    pages: usize,
    /// The ecosystems in the image.
    ecosystems: Vec<EcosystemCountJson>,
}

/// An ecosystem and how many components it has.
#[derive(Serialize, ToSchema)]
struct EcosystemCountJson {
    /// The type of its package URLs.
    name: &'static str,
    /// How many.
    components: usize,
}

/// A component with what is wrong with it.
#[derive(Serialize, ToSchema)]
struct ComponentRowJson {
    /// Its name.
    name: String,
    /// Its version.
    version: String,
    /// The type of its package URL.
    ecosystem: &'static str,
    /// Its package URL.
    purl: String,
    /// `installed`, `declared` or `claimed`: how the file stands to it that names it.
    claim: &'static str,
    /// The file that names it.
    path: String,
    /// Whether anything in the image is linked with a shared library of this distribution
    /// package; null if it has none. What programs open by name has nothing linked with it.
    linked: Option<bool>,
    /// The place of the layer that brought it, from 1.
    layer: usize,
    /// That layer's digest.
    layer_digest: String,
    /// Whether the base image brings it.
    is_base: bool,
    /// Its open findings, the worst first; of very many the first.
    findings: Vec<FindingJson>,
    /// How many open findings it has.
    findings_total: usize,
}

/// Two releases beside each other.
#[derive(Serialize, ToSchema)]
pub(super) struct ComparisonJson {
    /// The older one.
    old: Option<NamedReleaseJson>,
    /// The newer one.
    new: Option<NamedReleaseJson>,
    /// What differs, where there are two.
    difference: Option<ContentDifferenceJson>,
}

/// What differs between two images.
#[derive(Serialize, ToSchema)]
pub(super) struct ContentDifferenceJson {
    /// Layers that are new.
    new_layers: Vec<LayerJson>,
    /// Layers that are gone.
    gone_layers: Vec<LayerJson>,
    /// What differs in them; for those who may see inside.
    inside: Option<InsideDifferenceJson>,
}

/// What differs in components and findings.
#[derive(Serialize, ToSchema)]
struct InsideDifferenceJson {
    /// Packages that are new, gone, or there in another version.
    packages: Vec<PackageChangeJson>,
    /// Findings that are new, the worst first.
    new_findings: Vec<FindingChangeJson>,
    /// Findings that are gone, the worst first.
    gone_findings: Vec<FindingChangeJson>,
}

/// A package that one of two images lacks, or has in another version.
#[derive(Serialize, ToSchema)]
struct PackageChangeJson {
    /// The type of its package URLs.
    ecosystem: &'static str,
    /// Its name with its namespace.
    name: String,
    /// The versions before; none if it is new.
    before: Vec<String>,
    /// The versions after; none if it is gone.
    after: Vec<String>,
}

/// A finding that one of two images has.
#[derive(Serialize, ToSchema)]
struct FindingChangeJson {
    /// The CVE, or the advisory's own id.
    vulnerability: String,
    /// The component's name.
    component: String,
    /// The programme's class.
    class: ClassJson,
}

/// Converts every item.
fn each<T, U: From<T>>(items: impl IntoIterator<Item = T>) -> Vec<U> {
    items.into_iter().map(U::from).collect()
}

impl From<TagsPage> for TagsJson {
    fn from(page: TagsPage) -> Self {
        Self {
            items: each(page.tags),
            total: page.total,
            page: page.page,
            pages: page.total.div_ceil(TagsPage::SIZE),
        }
    }
}

impl From<TagView> for TagJson {
    fn from(tag: TagView) -> Self {
        Self {
            release: tag.release.into(),
            images: each(tag.images),
            plans: (tag.plans).map(|plans| plans.into_iter().map(|(id, _)| id).collect()),
        }
    }
}

impl From<Release> for NamedReleaseJson {
    fn from(release: Release) -> Self {
        Self {
            id: release.id.into(),
            tag: release.tag,
            digest: release.digest,
            certified: release.certified,
            released_at: release.released_at,
        }
    }
}

impl From<ImageOutline> for PlatformImageJson {
    fn from(image: ImageOutline) -> Self {
        Self {
            platform: image.platform,
            digest: image.digest,
            size: image.size,
            distribution: image.distribution.unwrap_or_default(),
        }
    }
}

impl From<ImagePage> for ImageHistoryJson {
    fn from(page: ImagePage) -> Self {
        let head = page.head;
        Self {
            tag: head.tag,
            submission: head.submission.map(SubmissionIdJson::from),
            released_at: head.released_at,
            platform: head.platform,
            digest: head.digest,
            size: head.size,
            distribution: head.distribution,
            base: head.base.map(BaseImageJson::from),
            history: each(page.history),
            inside: page.inside.map(ImageInsideJson::from),
        }
    }
}

impl From<BaseImage> for BaseImageJson {
    fn from(base: BaseImage) -> Self {
        Self {
            name: base.name,
            layers: base.layers,
        }
    }
}

impl From<HistoryStep> for HistoryStepJson {
    fn from(step: HistoryStep) -> Self {
        Self {
            instruction: step.instruction,
            created: step.created,
            is_base: step.is_base,
            layer: step.layer.map(StepLayerJson::from),
        }
    }
}

impl From<StepLayer> for StepLayerJson {
    fn from(layer: StepLayer) -> Self {
        Self {
            number: layer.number,
            digest: layer.digest,
            size: layer.size,
            contents: layer.contents.map(LayerContentsJson::from),
        }
    }
}

impl From<LayerContents> for LayerContentsJson {
    fn from(contents: LayerContents) -> Self {
        Self {
            components: contents.components,
            vulnerable: contents.vulnerable,
            worst: contents.worst.map(ClassJson::from),
        }
    }
}

impl From<ImageInside> for ImageInsideJson {
    fn from(inside: ImageInside) -> Self {
        Self {
            components: inside.components,
            vulnerable: inside.vulnerable,
            counts: each(inside.counts),
            fixes: each(inside.fixes),
        }
    }
}

impl From<Fix> for FixJson {
    fn from(fix: Fix) -> Self {
        let (update, ecosystem, name) = match fix.update {
            Update::Base => ("base", None, None),
            Update::Package { kind, name } => ("package", Some(kind.as_str()), Some(name)),
        };
        Self {
            update,
            ecosystem,
            name,
            version: fix.version,
            closes: each(fix.closes),
        }
    }
}

impl From<ComponentsPage> for ComponentsJson {
    fn from(page: ComponentsPage) -> Self {
        let ecosystems = page.ecosystems.into_iter();
        Self {
            items: each(page.rows),
            total: page.total,
            page: page.page,
            pages: page.total.div_ceil(ComponentsPage::SIZE),
            ecosystems: ecosystems
                .map(|(name, components)| EcosystemCountJson { name, components })
                .collect(),
        }
    }
}

impl From<ComponentRow> for ComponentRowJson {
    fn from(row: ComponentRow) -> Self {
        Self {
            name: row.name,
            version: row.version,
            ecosystem: row.ecosystem,
            purl: row.purl,
            claim: match row.claim {
                Claim::Installed => "installed",
                Claim::Declared => "declared",
                Claim::Claimed => "claimed",
            },
            path: row.path,
            linked: row.linked,
            layer: row.layer,
            layer_digest: row.layer_digest,
            is_base: row.is_base,
            findings: each(row.findings),
            findings_total: row.findings_total,
        }
    }
}

impl From<ComparisonPage> for ComparisonJson {
    fn from(page: ComparisonPage) -> Self {
        Self {
            old: page.old.map(NamedReleaseJson::from),
            new: page.new.map(NamedReleaseJson::from),
            difference: page.difference.map(ContentDifferenceJson::from),
        }
    }
}

impl From<ContentDifference> for ContentDifferenceJson {
    fn from(difference: ContentDifference) -> Self {
        Self {
            new_layers: each(difference.new_layers),
            gone_layers: each(difference.gone_layers),
            inside: difference.inside.map(InsideDifferenceJson::from),
        }
    }
}

impl From<InsideDifference> for InsideDifferenceJson {
    fn from(inside: InsideDifference) -> Self {
        Self {
            packages: each(inside.packages),
            new_findings: each(inside.new_findings),
            gone_findings: each(inside.gone_findings),
        }
    }
}

impl From<PackageChange> for PackageChangeJson {
    fn from(change: PackageChange) -> Self {
        Self {
            ecosystem: change.kind.as_str(),
            name: change.name,
            before: change.before,
            after: change.after,
        }
    }
}

impl From<FindingChange> for FindingChangeJson {
    fn from(change: FindingChange) -> Self {
        Self {
            vulnerability: change.vulnerability,
            component: change.component,
            class: change.class.into(),
        }
    }
}
