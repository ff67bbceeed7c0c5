//! Why something is kept: the way from a digest up to what reaches it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use market::Action;
use oci::Digest;
use serde::Serialize;
use store::{Tx, collection, condemned};

use crate::{Actor, App, AppError, clock::to_the_minute};

/// So many places are told at most.
const MOST: i64 = 100;

/// Where a digest is kept, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WhyKept {
    /// What was asked about.
    pub digest: Digest,
    /// Size of its bytes in the blob store, where they are there.
    pub stored_bytes: Option<u64>,
    /// What keeps it as a logo or screenshot that was uploaded, where it is one.
    pub picture: Option<PictureKept>,
    /// Repositories that have it.
    pub kept_in: Vec<KeptIn>,
    /// Whether there are more repositories than are told.
    pub more: bool,
}

/// What keeps an uploaded picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PictureKept {
    /// Nothing named it when a collection looked: one after this time deletes it.
    pub until: Option<DateTime<Utc>>,
}

impl std::fmt::Display for PictureKept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.until {
            Some(until) => write!(
                f,
                "an uploaded picture that nothing names; deleted by the first collection after {}",
                to_the_minute(until)
            ),
            None => f.write_str("an uploaded picture, kept while anything names it"),
        }
    }
}

/// One repository's reason.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptIn {
    /// The repository's name.
    pub repository: String,
    /// `manifest` or `blob`.
    pub kind: String,
    /// What keeps it there.
    pub because: KeptBecause,
    /// The way there: the digest that was asked about, then always what keeps the one before.
    pub way: Vec<String>,
}

/// What keeps something.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum KeptBecause {
    /// It was released, or belongs to what was: kept for ever.
    Release {
        /// Tag of the release; none for signatures and the like beside it.
        tag: Option<String>,
    },
    /// A tag.
    Tag {
        /// Its name.
        tag: String,
    },
    /// A submission under way, or decided a short time ago.
    Submission {
        /// Which.
        submission: String,
    },
    /// Nothing; a collection after this time deletes it.
    Grace {
        /// When the grace ends; not known before a collection has looked.
        until: Option<DateTime<Utc>>,
    },
}

impl std::fmt::Display for KeptBecause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Release { tag: Some(tag) } => write!(f, "release {tag}, kept for ever"),
            Self::Release { tag: None } => f.write_str("beside a release, kept for ever"),
            Self::Tag { tag } => write!(f, "tag {tag}"),
            Self::Submission { submission } => write!(f, "submission {submission}"),
            Self::Grace { until: Some(until) } => write!(
                f,
                "nothing; deleted by the first collection after {}",
                to_the_minute(*until)
            ),
            Self::Grace { until: None } => {
                f.write_str("nothing; the next collection notes that and its grace begins")
            }
        }
    }
}

impl App {
    /// Says why a digest is kept, and where.
    ///
    /// # Errors
    /// It is no digest, or the asker may not know.
    pub async fn why_kept(&self, actor: &Actor, digest: &str) -> Result<WhyKept, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::KeepStorage, None)
            .await?;
        let digest: Digest = digest
            .parse()
            .map_err(|error: oci::DigestError| AppError::invalid("digest", error.to_string()))?;
        let places = condemned::places(&mut tx, digest.as_str(), MOST + 1).await?;
        let most = usize::try_from(MOST).unwrap_or(usize::MAX);
        let mut kept_in = Vec::new();
        for place in places.iter().take(most) {
            kept_in.push(self.reason(&mut tx, place, digest.as_str()).await?);
        }
        let picture = store::assets::find(&mut tx, digest.as_str()).await?;
        drop(tx);
        Ok(WhyKept {
            stored_bytes: self.blobs.size(&digest).await?,
            picture: picture.map(|picture| PictureKept {
                until: picture
                    .unreachable_since
                    .map(|since| since + self.config.upkeep.collect_grace),
            }),
            more: places.len() > most,
            kept_in,
            digest,
        })
    }

    async fn reason(
        &self,
        tx: &mut Tx,
        place: &condemned::KeptIn,
        digest: &str,
    ) -> Result<KeptIn, AppError> {
        let grace = self.config.upkeep.collect_grace;
        let (root, way) = self.way_up(tx, &place.repository_id, digest).await?;
        let because = match (root, &place.product_id) {
            (Some(KeptBecause::Tag { tag }), Some(_)) => KeptBecause::Release { tag: Some(tag) },
            (_, Some(_)) => KeptBecause::Release { tag: None },
            (Some(root), None) => root,
            (None, None) => KeptBecause::Grace {
                until: place.unreachable_since.map(|since| since + grace),
            },
        };
        Ok(KeptIn {
            repository: place.repository.clone(),
            kind: place.kind.clone(),
            because,
            way,
        })
    }

    /// Walks to the nearest tag or submission; gives the way there, or as far as it went.
    async fn way_up(
        &self,
        tx: &mut Tx,
        repository: &str,
        digest: &str,
    ) -> Result<(Option<KeptBecause>, Vec<String>), AppError> {
        let cutoff = self.now() - self.config.upkeep.collect_grace;
        let mut below: HashMap<String, Option<String>> = HashMap::from([(digest.to_owned(), None)]);
        let mut level = vec![digest.to_owned()];
        let mut farthest = digest.to_owned();
        while !level.is_empty() {
            let mut above = Vec::new();
            for digest in level {
                farthest.clone_from(&digest);
                let root = match condemned::roots(tx, repository, &digest, cutoff).await? {
                    (Some(tag), _) => Some(KeptBecause::Tag { tag }),
                    (None, Some(submission)) => Some(KeptBecause::Submission { submission }),
                    (None, None) => None,
                };
                if root.is_some() {
                    return Ok((root, way(&below, digest)));
                }
                for keeper in collection::keepers(tx, repository, &digest, cutoff).await? {
                    if !below.contains_key(&keeper.digest) {
                        below.insert(keeper.digest.clone(), Some(digest.clone()));
                        above.push(keeper.digest);
                    }
                }
            }
            level = above;
        }
        Ok((None, way(&below, farthest)))
    }
}

/// Returns the way from where it began to `end`.
fn way(below: &HashMap<String, Option<String>>, end: String) -> Vec<String> {
    let mut way = vec![end];
    while let Some(Some(next)) = way.last().and_then(|last| below.get(last)) {
        way.push(next.clone());
    }
    way.reverse();
    way
}
