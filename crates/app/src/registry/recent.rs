//! What was lately found in the database for those who pull or check, kept for as long as the database
//! is known to be unchanged: a popular image is looked up once after each change of anything,
//! not once a request. Where changes cannot be seen (see [`store::Database::stamp`]), nothing
//! is kept and each request looks for itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use market::Origin;
use store::{Database, Stamp, notary::TrustFile};

use super::{FoundManifest, Referrers, bounded::Bounded, given::Decision};

/// What was lately found for pulls.
#[derive(Debug, Default)]
pub(crate) struct RecentlyFound {
    /// Sizes of blobs in repositories.
    pub(super) blobs: Recent<u64>,
    /// Manifests by tag and by digest.
    pub(super) manifests: Recent<FoundManifest>,
    /// Lists of what refers to manifests.
    pub(super) referrers: Recent<Referrers>,
    /// From which releases images and blobs are; asked for those alone whose plan gives less than
    /// everything.
    pub(super) origins: Recent<Arc<[Origin]>>,
    /// What those may pull.
    pub(super) deciding: Recent<Arc<Decision>>,
    /// Files of trust metadata by role and name.
    pub(crate) trust_files: Recent<TrustFile>,
    /// What no collection has marked and what is not damaged.
    pub(super) sound: Recent<()>,
}

/// Answers of one kind, all of one state of the database.
#[derive(Debug)]
pub(crate) struct Recent<T>(Mutex<Kept<T>>);

#[derive(Debug)]
struct Kept<T> {
    stamp: Option<Stamp>,
    found: Bounded<String, T>,
}

/// What is asked of the database, and its state at that moment.
#[derive(Debug)]
pub(crate) struct Question(Option<(String, Stamp)>);

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self(Mutex::new(Kept::of(None)))
    }
}

impl<T> Kept<T> {
    fn of(stamp: Option<Stamp>) -> Self {
        Self {
            stamp,
            found: Bounded::default(),
        }
    }
}

impl<T: Clone> Recent<T> {
    /// Gives what is kept under `key`, or else the question to be answered.
    pub(crate) fn look(&self, db: &Database, key: String) -> Result<T, Question> {
        let Some(stamp) = db.stamp() else {
            return Err(Question(None));
        };
        let kept = self.kept();
        match kept.found.get(&key) {
            Some(found) if kept.stamp == Some(stamp) => Ok(found.clone()),
            _ => Err(Question(Some((key, stamp)))),
        }
    }

    /// Keeps an answer that takes `bytes`, if the database is still as it was when the question
    /// was asked.
    pub(crate) fn keep(&self, db: &Database, question: Question, found: T, bytes: usize) {
        let Question(Some((key, stamp))) = question else {
            return;
        };
        if db.stamp() != Some(stamp) {
            return;
        }
        let bytes = key.len() + bytes;
        let mut kept = self.kept();
        if kept.stamp != Some(stamp) {
            *kept = Kept::of(Some(stamp));
        }
        kept.found.keep(key, found, bytes);
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        // No panic can leave it wrong: at worst it is counted as larger than it is.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
