//! The content manifest on the wire. A draft may be incomplete, so every field may be left
//! out; what keeps it from being submitted is told as problems, not refused.

use market::{License, Money, Plan, PlanGives, PlanSource, ProductManifest};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    extract::{object, objects, within},
    support::SupportJson,
    words::{
        PlatformJson, ProductKindJson, PullAccessJson, SlugJson, StagingNameJson, TagPatternJson,
    },
};

/// The largest whole number that every JSON reader keeps exactly.
const LARGEST: i64 = 9_007_199_254_740_991;

/// A product's content manifest.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ManifestJson {
    /// The product's name.
    name: String,
    /// Digest of an uploaded picture, square, at least 512 × 512.
    logo: Option<String>,
    /// One or two sentences, at most 140 characters.
    short_description: String,
    /// A category of the catalogue.
    category: String,
    /// Words people search for.
    tags: Vec<String>,
    /// Markdown.
    long_description: String,
    /// Digests of uploaded pictures.
    screenshots: Vec<String>,
    /// Where customers find help.
    support_link: String,
    /// How else customers get help, and what they may expect of it.
    #[serde(deserialize_with = "object")]
    support: SupportJson,
    /// The plans (product tiers).
    #[serde(deserialize_with = "objects")]
    plans: Vec<PlanJson>,
    /// Markdown.
    installation_instructions: String,
    /// The licence agreement.
    #[serde(deserialize_with = "object")]
    license: LicenseJson,
    /// Where the content runs.
    platform: PlatformJson,
    /// Who may pull.
    access: PullAccessJson,
    /// What it is.
    kind: ProductKindJson,
    /// Of a plugin: where the report on its tests against the engine's interfaces stands.
    test_report: Option<String>,
    /// Of a cloud service: where the service is described.
    service_link: Option<String>,
}

/// A licence agreement: a link to it, its text, or both.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LicenseJson {
    /// Where it stands.
    link: Option<String>,
    /// What it says.
    text: Option<String>,
}

/// A plan.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PlanJson {
    /// Its short name.
    id: SlugJson,
    /// Its name.
    name: String,
    /// What it gives.
    description: String,
    /// What it costs a month; zero is free.
    #[serde(deserialize_with = "object")]
    price: PriceJson,
    /// Which releases it gives; all without one. Left out of what consumers see.
    #[serde(
        default,
        deserialize_with = "objects",
        skip_serializing_if = "Vec::is_empty"
    )]
    sources: Vec<PlanSourceJson>,
}

/// Some of a product's releases: those that were submitted from a staging repository, those whose
/// tags match a pattern, or those for which both is so.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PlanSourceJson {
    /// The staging repository, without `staging/<publisher>/` in front; any without one.
    repository: Option<StagingNameJson>,
    /// Patterns of tags, at most twenty that count; any tag without one.
    tags: Vec<TagPatternJson>,
}

/// What a plan gives, as everybody may see it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct PlanGivesJson {
    /// The plan's short name.
    plan: SlugJson,
    /// Whether it gives every release there is and will be.
    everything: bool,
    /// The tags on offer that it gives, the newest first; none where it gives everything.
    tags: Vec<String>,
    /// Patterns of tags that it gives whenever they are released.
    patterns: Vec<String>,
}

/// An amount of money.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PriceJson {
    /// Minor units: 1999 is 19.99.
    #[serde(deserialize_with = "within::<_, 0, LARGEST>")]
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64)]
    amount_minor: i64,
    /// ISO 4217 code, three capitals.
    currency: String,
}

impl Default for ManifestJson {
    fn default() -> Self {
        ProductManifest::default().into()
    }
}

impl From<ProductManifest> for ManifestJson {
    fn from(manifest: ProductManifest) -> Self {
        Self {
            name: manifest.name,
            logo: manifest.logo,
            short_description: manifest.short_description,
            category: manifest.category,
            tags: manifest.tags,
            long_description: manifest.long_description,
            screenshots: manifest.screenshots,
            support_link: manifest.support_link,
            support: manifest.support.into(),
            plans: manifest.plans.into_iter().map(PlanJson::from).collect(),
            installation_instructions: manifest.installation_instructions,
            license: LicenseJson {
                link: manifest.license.link,
                text: manifest.license.text,
            },
            platform: manifest.platform.into(),
            access: manifest.access.into(),
            kind: manifest.kind.into(),
            test_report: manifest.test_report,
            service_link: manifest.service_link,
        }
    }
}

impl From<ManifestJson> for ProductManifest {
    fn from(json: ManifestJson) -> Self {
        Self {
            name: json.name,
            logo: json.logo,
            short_description: json.short_description,
            category: json.category,
            tags: json.tags,
            long_description: json.long_description,
            screenshots: json.screenshots,
            support_link: json.support_link,
            support: json.support.into(),
            plans: json.plans.into_iter().map(Plan::from).collect(),
            installation_instructions: json.installation_instructions,
            license: License {
                link: json.license.link,
                text: json.license.text,
            },
            platform: json.platform.0,
            access: json.access.0,
            kind: json.kind.0,
            test_report: json.test_report,
            service_link: json.service_link,
        }
    }
}

impl From<Plan> for PlanJson {
    fn from(plan: Plan) -> Self {
        Self {
            id: plan.id.into(),
            name: plan.name,
            description: plan.description,
            price: plan.price.into(),
            sources: plan.sources.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PlanJson> for Plan {
    fn from(json: PlanJson) -> Self {
        Self {
            id: json.id.0,
            name: json.name,
            description: json.description,
            price: Money {
                amount_minor: json.price.amount_minor,
                currency: json.price.currency,
            },
            sources: json.sources.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PlanSource> for PlanSourceJson {
    fn from(source: PlanSource) -> Self {
        Self {
            repository: source.repository.map(Into::into),
            tags: source.tags.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<PlanSourceJson> for PlanSource {
    fn from(json: PlanSourceJson) -> Self {
        Self {
            repository: json.repository.map(|name| name.0),
            tags: json.tags.into_iter().map(|tag| tag.0).collect(),
        }
    }
}

impl From<PlanGives> for PlanGivesJson {
    fn from(gives: PlanGives) -> Self {
        Self {
            plan: gives.plan.into(),
            everything: gives.everything,
            tags: gives.tags,
            patterns: gives.patterns,
        }
    }
}

impl From<Money> for PriceJson {
    fn from(money: Money) -> Self {
        Self {
            amount_minor: money.amount_minor,
            currency: money.currency,
        }
    }
}
