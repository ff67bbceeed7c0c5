//! What plans give of a released repository, asked image by image: of those alone whose token
//! says that they have not all of it. Nothing here names a staging repository.

use std::sync::Arc;

use market::{Entitlement, Origin, Plan, ProductManifest};
use oci::{Digest, ErrorCode, RepoName};
use store::entitlements::Deciding;

use super::{RegistryError, referrers::Referrers};
use crate::{Access, App};

/// Tags looked at at once.
const TAGS_AT_ONCE: i64 = 200;
/// Tags and plans named in one refusal.
const MOST_NAMED: usize = 3;
/// What a decision takes in memory, about.
const DECISION_BYTES: usize = 4 << 10;

/// What decides on somebody's pulls of a product.
#[derive(Debug)]
pub(super) struct Decision {
    /// What they have.
    has: Entitlement,
    /// The name of the plan that they are subscribed to.
    plan: Option<String>,
    /// The plans on offer.
    offered: Vec<Plan>,
}

impl Decision {
    fn of(found: &Deciding, is_signed_in: bool) -> Self {
        let nothing = ProductManifest::default();
        let listed = found.listed.as_deref().unwrap_or(&nothing);
        let bought = found.bought();
        let named = |id: &str| {
            let known = listed.plans.iter().find(|plan| plan.id.as_str() == id);
            known.map_or_else(|| id.to_owned(), |plan| plan.name.clone())
        };
        Self {
            has: Entitlement::of_consumer(listed, is_signed_in, bought),
            plan: bought.map(|bought| named(bought.plan)),
            offered: listed.plans.clone(),
        }
    }
}

impl App {
    /// Fails where the plan of who holds a token does not give what lies under a digest in a
    /// released repository: a manifest, a blob, or what is about either.
    ///
    /// # Errors
    /// It does not; the words say which plan does. The database cannot be read.
    pub async fn require_given(
        &self,
        access: &Access,
        name: &RepoName,
        digest: &str,
    ) -> Result<(), RegistryError> {
        if !access.is_limited(name.as_str()) {
            return Ok(());
        }
        let decision = self.decision((name.as_str(), &access.account)).await?;
        let origins = self.origins(name.as_str(), digest).await?;
        if decision.has.gives(&origins) {
            return Ok(());
        }
        let words = self.not_given(name, &decision, (&origins, access.account.is_empty()));
        Err(RegistryError::new(ErrorCode::Denied, words))
    }

    /// Returns whether what an account has of the released repository called `name` takes in a
    /// digest there.
    pub(super) async fn gives(
        &self,
        (name, account): (&str, &str),
        digest: &str,
    ) -> Result<bool, RegistryError> {
        let decision = self.decision((name, account)).await?;
        Ok(decision.has.gives(&self.origins(name, digest).await?))
    }

    /// Returns up to `limit` tags after `last` that the holder of a token may pull, in byte order.
    ///
    /// # Errors
    /// There is no such repository.
    pub async fn list_given_tags(
        &self,
        access: &Access,
        name: &RepoName,
        (last, limit): (&str, i64),
    ) -> Result<Vec<String>, RegistryError> {
        if !access.is_limited(name.as_str()) {
            return self.list_tags(name, last, limit).await;
        }
        let decision = self.decision((name.as_str(), &access.account)).await?;
        let limit = usize::try_from(limit).unwrap_or_default();
        let mut tx = self.read().await?;
        self.repository(&mut tx, name).await?;
        let (mut given, mut last) = (Vec::new(), last.to_owned());
        while given.len() < limit {
            let page =
                store::entitlements::tag_origins(&mut tx, name.as_str(), &last, TAGS_AT_ONCE);
            let page = page.await?;
            let Some(end) = page.last() else { break };
            last.clone_from(&end.name);
            for tag in page.chunk_by(|one, other| one.name == other.name) {
                let origins: Vec<_> = tag.iter().filter_map(|it| it.origin.clone()).collect();
                if decision.has.gives(&origins) {
                    given.push(tag[0].name.clone());
                }
            }
        }
        given.truncate(limit);
        Ok(given)
    }

    /// Lists what refers to `subject`, as [`App::referrers`] does, to the holder of a token:
    /// nothing where their plan does not give it, whether it is there or not.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn given_referrers(
        &self,
        access: &Access,
        (name, subject): (&RepoName, &Digest),
        part: (Option<&str>, Option<Digest>),
    ) -> Result<Referrers, RegistryError> {
        let whose = (name.as_str(), access.account.as_str());
        if access.is_limited(name.as_str()) && !self.gives(whose, subject.as_str()).await? {
            return Ok(Referrers::none());
        }
        self.referrers(name, subject, part).await
    }

    async fn decision(
        &self,
        (name, account): (&str, &str),
    ) -> Result<Arc<Decision>, RegistryError> {
        let recent = &self.recent.deciding;
        let question = match recent.look(&self.db, format!("{name} {account}")) {
            Ok(found) => return Ok(found),
            Err(question) => question,
        };
        let mut tx = self.read().await?;
        let found = store::entitlements::deciding(&mut tx, name, account).await?;
        drop(tx);
        let found = found.unwrap_or_default();
        let decision = Arc::new(Decision::of(&found, !account.is_empty()));
        recent.keep(&self.db, question, Arc::clone(&decision), DECISION_BYTES);
        Ok(decision)
    }

    async fn origins(&self, name: &str, digest: &str) -> Result<Arc<[Origin]>, RegistryError> {
        let recent = &self.recent.origins;
        let question = match recent.look(&self.db, format!("{name}@{digest}")) {
            Ok(found) => return Ok(found),
            Err(question) => question,
        };
        let mut tx = self.read().await?;
        let found = store::entitlements::origins(&mut tx, name, digest).await?;
        drop(tx);
        let origins: Arc<[Origin]> = found.into();
        let sizes = origins
            .iter()
            .map(|one| 48 + one.tag.len() + one.repository.len());
        recent.keep(&self.db, question, Arc::clone(&origins), sizes.sum());
        Ok(origins)
    }

    /// Says in plain words which plan gives something, and what to do.
    fn not_given(
        &self,
        name: &RepoName,
        decision: &Decision,
        (origins, is_nobody): (&[Origin], bool),
    ) -> String {
        let place = format!("{}/p/{name}", self.config.public_url);
        let mut tags: Vec<_> = origins.iter().map(|origin| origin.tag.as_str()).collect();
        tags.dedup();
        let what = match tags.is_empty() {
            true => format!("this part of {name}"),
            false => format!("{name}:{}", some(&tags)),
        };
        let plans = decision.offered.iter();
        let giving = plans.filter(|plan| !origins.is_empty() && plan.gives(origins));
        let giving: Vec<_> = giving.map(|plan: &Plan| plan.name.as_str()).collect();
        let by = match giving.len() {
            0 => return format!("{what} is given by no plan that is on offer: see {place}"),
            1 => format!("the plan {}", giving[0]),
            _ => format!("the plans {}", some(&giving)),
        };
        match &decision.plan {
            Some(own) => format!("{what} is given by {by}, not by your plan {own}: see {place}"),
            None if is_nobody => format!(
                "{what} is given by {by}: sign in (docker login {}) and subscribe at {place}",
                self.config.host()
            ),
            None => format!("{what} is given by {by}: subscribe at {place}"),
        }
    }
}

/// Returns the first few of many.
fn some(names: &[&str]) -> String {
    let shown = names[..names.len().min(MOST_NAMED)].join(", ");
    match names.len() {
        0..=MOST_NAMED => shown,
        more => format!("{shown} and {} more", more - MOST_NAMED),
    }
}
