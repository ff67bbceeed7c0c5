//! Plans, the programme's "product tiers", and which releases each gives.
//!
//! A publisher may keep editions apart: a plan that names sources gives the releases that came
//! from them, one that names none gives all. Repositories are the publisher's own business
//! ("This repository path will not be shown to users, but the repositories you choose determine
//! the Product Tiers available for customers to download"), so what consumers are told of a
//! source is tags alone.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{Money, ProductManifest, PullAccess, Slug, manifest::Problems, retention};

/// Most sources of a plan.
const MOST_SOURCES: usize = 10;
/// Most patterns of tags in a source.
const MOST_PATTERNS: usize = 20;
/// Longest pattern, in characters: no tag is longer.
const LONGEST_PATTERN: usize = 128;
/// Longest name of a staging repository behind `staging/<publisher>/`, in characters.
const LONGEST_NAME: usize = 200;

/// A plan (manifest items 8 to 10).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Its short name in addresses.
    pub id: Slug,
    /// Its name.
    pub name: String,
    /// What it gives.
    pub description: String,
    /// What it costs a month; zero is free.
    pub price: Money,
    /// Which releases it gives; all where there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<PlanSource>,
}

/// Some of a product's releases: those that were submitted from a staging repository, those
/// whose tags match a pattern, or those for which both is so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanSource {
    /// From which staging repository of the product's publisher; from any without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<StagingName>,
    /// With which tags; with any where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<TagPattern>,
}

/// Where a release came from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// The staging repository without `staging/<publisher>/` in front.
    pub repository: String,
    /// The tag that it was released under.
    pub tag: String,
}

impl Origin {
    /// Returns the origin of what was submitted from `staging/<publisher>/<name>`.
    pub fn of_submission(repository: &str, tag: &str) -> Self {
        let name = repository.splitn(3, '/').nth(2).unwrap_or(repository);
        Self {
            repository: name.to_owned(),
            tag: tag.to_owned(),
        }
    }
}

impl PlanSource {
    /// Returns whether it takes in what came from `origin`.
    pub fn has(&self, origin: &Origin) -> bool {
        let repository = self.repository.as_ref();
        repository.is_none_or(|name| name.as_str() == origin.repository)
            && (self.tags.is_empty() || self.tags.iter().any(|tag| tag.matches(&origin.tag)))
    }
}

impl fmt::Display for PlanSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(repository) = &self.repository {
            write!(f, "{repository}:")?;
        }
        for (place, tag) in self.tags.iter().enumerate() {
            let gap = place > 0 || self.repository.is_some();
            write!(f, "{}{tag}", if gap { " " } else { "" })?;
        }
        Ok(())
    }
}

impl FromStr for PlanSource {
    type Err = SourceError;

    /// Reads a line as people write it: `repository:`, then patterns of tags.
    fn from_str(line: &str) -> Result<Self, SourceError> {
        let (repository, tags) = match line.split_once(':') {
            Some((repository, tags)) => (Some(repository.trim().parse()?), tags),
            None => (None, line),
        };
        let tags = tags.split([' ', '\t', ',']).filter(|tag| !tag.is_empty());
        Ok(Self {
            repository,
            tags: tags.map(str::parse).collect::<Result<_, _>>()?,
        })
    }
}

/// Returns whether `sources` give an image of these origins: one is enough, for the bytes are
/// the same.
fn give(sources: &[PlanSource], origins: &[Origin]) -> bool {
    let has = |source: &PlanSource| origins.iter().any(|origin| source.has(origin));
    sources.iter().any(has)
}

impl Plan {
    /// Returns whether it costs nothing.
    pub fn is_free(&self) -> bool {
        self.price.amount_minor == 0
    }

    /// Returns whether it gives some releases only.
    pub fn is_limited(&self) -> bool {
        !self.sources.is_empty()
    }

    /// Returns whether it gives an image that was released with these origins.
    pub fn gives(&self, origins: &[Origin]) -> bool {
        !self.is_limited() || give(&self.sources, origins)
    }

    /// Returns the patterns whose tags it gives wherever they come from: what consumers may be
    /// told of releases to come.
    pub fn public_patterns(&self) -> impl Iterator<Item = &TagPattern> {
        let sources = self.sources.iter();
        sources
            .filter(|source| source.repository.is_none())
            .flat_map(|source| &source.tags)
    }

    /// Tells what is wrong with it, as the `place`th of its manifest.
    pub(crate) fn check(&self, place: usize, problems: &mut Problems) {
        let field = |name: &str| format!("plans[{place}].{name}");
        problems.text(&field("name"), &self.name, "the plan's name", 60);
        problems.text(
            &field("description"),
            &self.description,
            "the plan's description",
            500,
        );
        if let Err(error) = self.price.check_price() {
            problems.add(&field("price"), error.to_string());
        }
        if self.sources.len() > MOST_SOURCES {
            let message = format!(
                "{} sources were given; at most {MOST_SOURCES} are looked at",
                self.sources.len()
            );
            problems.add(&field("sources"), message);
        }
        for source in &self.sources {
            if *source == PlanSource::default() {
                problems.add(
                    &field("sources"),
                    "a source names a repository, patterns of tags, or both: a plan without sources gives everything",
                );
            }
            if source.tags.len() > MOST_PATTERNS {
                let message = format!(
                    "{} patterns of tags were given in one source; at most {MOST_PATTERNS} are looked at",
                    source.tags.len()
                );
                problems.add(&field("sources"), message);
            }
        }
    }
}

/// A release as plans see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleasedOrigin {
    /// What was released.
    pub digest: String,
    /// Where it came from.
    pub origin: Origin,
    /// Whether its tag is offered.
    pub is_offered: bool,
}

/// Returns the origins of what was released under a digest.
pub fn origins_of(releases: &[ReleasedOrigin], digest: &str) -> Vec<Origin> {
    let same = releases.iter().filter(|release| release.digest == digest);
    same.map(|release| release.origin.clone()).collect()
}

/// What a plan gives, as everybody may see it: tags, and no repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanGives {
    /// The plan's short name.
    pub plan: Slug,
    /// Whether it gives all there is and will be.
    pub everything: bool,
    /// The tags on offer that it gives, the newest first; none where it gives everything.
    pub tags: Vec<String>,
    /// Patterns of tags that it gives whenever they are released.
    pub patterns: Vec<String>,
}

impl PlanGives {
    /// Returns what each plan of a manifest gives of a product's releases, the newest of which
    /// comes first.
    pub fn of(manifest: &ProductManifest, releases: &[ReleasedOrigin]) -> Vec<Self> {
        let mut offered: Vec<(&str, Vec<Origin>)> = Vec::new();
        if manifest.has_limited_plans() {
            for release in releases.iter().filter(|release| release.is_offered) {
                let tag = release.origin.tag.as_str();
                // A tag names what was released under it last.
                if !offered.iter().any(|(known, _)| *known == tag) {
                    offered.push((tag, origins_of(releases, &release.digest)));
                }
            }
        }
        let gives = |plan: &Plan| {
            let given = offered
                .iter()
                .filter(|(_, from)| plan.is_limited() && plan.gives(from));
            Self {
                plan: plan.id.clone(),
                everything: !plan.is_limited(),
                tags: given.map(|(tag, _)| (*tag).to_owned()).collect(),
                patterns: plan.public_patterns().map(TagPattern::to_string).collect(),
            }
        };
        manifest.plans.iter().map(gives).collect()
    }
}

/// What somebody may pull of what is released of a product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entitlement {
    /// All of it.
    Everything,
    /// What any of these sources has; without one, nothing.
    Only(Vec<PlanSource>),
}

/// A subscription, as far as it says what it gives.
#[derive(Debug, Clone, Copy)]
pub struct Bought<'a> {
    /// The short name of the plan.
    pub plan: &'a str,
    /// The sources that the plan had when the subscription began; none is everything.
    pub sources: &'a [PlanSource],
}

impl Entitlement {
    /// Returns what is given to nobody in particular.
    pub fn nothing() -> Self {
        Self::Only(Vec::new())
    }

    /// Returns what a consumer may pull of a product with this listed manifest.
    ///
    /// A subscription gives what its plan gave when it began **and** what the listed plan of the
    /// same short name gives now: what somebody bought is never taken away by a manifest that
    /// narrows or drops the plan, and what a plan gains reaches those who have it.
    ///
    /// Where the manifest lets people pull without a subscription, they have what the free
    /// plans give; all, if no plan is limited.
    pub fn of_consumer(
        listed: &ProductManifest,
        is_signed_in: bool,
        bought: Option<Bought<'_>>,
    ) -> Self {
        let is_open = match listed.access {
            PullAccess::Everyone => true,
            PullAccess::SignedIn => is_signed_in,
            PullAccess::Subscribers => false,
        };
        let mut has = match is_open {
            true if !listed.has_limited_plans() => Self::Everything,
            true => {
                (listed.plans.iter().filter(|plan| plan.is_free())).fold(Self::nothing(), Self::and)
            }
            false => Self::nothing(),
        };
        if let Some(bought) = bought {
            has = has.and_sources(bought.sources);
            let same = |plan: &&Plan| plan.id.as_str() == bought.plan;
            has = listed.plans.iter().filter(same).fold(has, Self::and);
        }
        has
    }

    fn and(self, plan: &Plan) -> Self {
        self.and_sources(&plan.sources)
    }

    fn and_sources(self, more: &[PlanSource]) -> Self {
        match self {
            Self::Only(mut sources) if !more.is_empty() => {
                for source in more {
                    if !sources.contains(source) {
                        sources.push(source.clone());
                    }
                }
                Self::Only(sources)
            }
            _ => Self::Everything,
        }
    }

    /// Returns whether it takes in an image that was released with these origins.
    pub fn gives(&self, origins: &[Origin]) -> bool {
        match self {
            Self::Everything => true,
            Self::Only(sources) => give(sources, origins),
        }
    }

    /// Returns whether it has to be asked image by image.
    pub fn is_limited(&self) -> bool {
        *self != Self::Everything
    }

    /// Returns whether it takes in nothing at all.
    pub fn is_nothing(&self) -> bool {
        *self == Self::nothing()
    }
}

/// What is wrong with what a plan's source says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// No pattern of tags.
    #[error(
        "`{0}` is no pattern of tags: use 1 to {LONGEST_PATTERN} letters, digits, `.`, `_`, `-` and `*`, which stands for any characters"
    )]
    Pattern(String),
    /// No name of a repository.
    #[error(
        "`{0}` is no staging repository: write what stands behind staging/<publisher>/, lower-case letters and digits, with `.`, `_`, `-` or `/` between them"
    )]
    Repository(String),
}

/// A pattern of tags: what tags consist of, and `*` for any characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TagPattern(String);

impl TagPattern {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns whether all of `tag` is as it says.
    pub fn matches(&self, tag: &str) -> bool {
        retention::matches(&self.0, tag)
    }
}

impl FromStr for TagPattern {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || b"._-*".contains(&b);
        match (1..=LONGEST_PATTERN).contains(&text.len()) && text.bytes().all(legal) {
            true => Ok(Self(text.to_owned())),
            false => Err(SourceError::Pattern(text.chars().take(140).collect())),
        }
    }
}

/// The name of a staging repository behind `staging/<publisher>/`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StagingName(String);

impl StagingName {
    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StagingName {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match (1..=LONGEST_NAME).contains(&text.len()) && text.split('/').all(is_part) {
            true => Ok(Self(text.to_owned())),
            false => Err(SourceError::Repository(text.chars().take(220).collect())),
        }
    }
}

/// Returns whether it can be a part of a repository's name (distribution-spec, "Pulling
/// manifests").
fn is_part(part: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let mut gaps = part.split(|c: char| c.is_ascii() && is_word(c as u8));
    let is_gap = |gap: &str| matches!(gap, "" | "." | "_" | "__") || gap.bytes().all(|b| b == b'-');
    let ends = |part: &str| part.bytes().next().is_some_and(is_word);
    ends(part) && part.bytes().next_back().is_some_and(is_word) && gaps.all(is_gap)
}

macro_rules! text {
    ($($of:ty),*) => { $(
        impl TryFrom<String> for $of {
            type Error = SourceError;

            fn try_from(text: String) -> Result<Self, SourceError> {
                text.parse()
            }
        }

        impl From<$of> for String {
            fn from(of: $of) -> Self {
                of.0
            }
        }

        impl fmt::Display for $of {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )* };
}
text!(TagPattern, StagingName);

#[cfg(test)]
mod tests;
