//! Roots of released names that are signed where the root key is: what is to be signed goes there
//! in a file and comes back in it. So a root key is replaced, and need never be on a server.

use std::collections::BTreeSet;

use market::{Action, ListingState};
use oci::Gun;
use store::{
    Tx, notary as rows,
    prepared_roots::{self, PreparedRoot},
    products::Product,
};
use trust::tuf::{
    self, File, Key, MAX_ROOTS, Role, RootKeys, RootToSign, RootsToSign, Signer, WhyRoot,
    named_root_key,
};

use super::released::{NextRoot, OTHER_RELEASE_KEY, is_targets_key_of, no_root};
use crate::{Actor, App, AppError, audit::Change};

/// So many products are read at once.
const AT_ONCE: i64 = 100;

/// What was taken of what came back signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TakenRoots {
    /// Names whose first release has its root now.
    pub prepared: usize,
    /// Names whose root is another one from now on.
    pub published: usize,
    /// Release keys of which it is said who follows them.
    pub successions: usize,
    /// Names that have what was brought already, or need another root by now, or none.
    pub skipped: usize,
    /// What needs a key that did not sign.
    pub unsigned: usize,
}

impl App {
    /// Returns what is to be signed where the root key is: the first root of each name of which
    /// nothing was released, the next one of each that is signed by another root key, names
    /// another release key, or ends soon; and what is to be said of release keys that were
    /// replaced, and of those `seen` by others. Where the root key before `is_lost`, the next
    /// roots go without its signature. First roots go first: where the file is full of others
    /// that nobody can sign, products are released all the same. Writes nothing but keys that are
    /// yet to be named.
    ///
    /// # Errors
    /// A key that is in a device cannot be reached, or the database refused.
    pub async fn roots_to_sign(
        &self,
        seen: &BTreeSet<String>,
        is_lost: bool,
    ) -> Result<RootsToSign, AppError> {
        let mut wanted = RootsToSign::new(self.config.host(), &self.keys.root_public);
        wanted.successions = self.successions_to_sign(seen).await?;
        for is_draft in [true, false] {
            self.add_roots(&mut wanted.roots, is_draft, is_lost).await?;
        }
        Ok(wanted)
    }

    /// Adds the roots of products that are drafts, or of those that are not.
    async fn add_roots(
        &self,
        wanted: &mut Vec<RootToSign>,
        is_draft: bool,
        is_lost: bool,
    ) -> Result<(), AppError> {
        let mut after = String::new();
        loop {
            let mut tx = self.read().await?;
            let products = store::products::after(&mut tx, &after, AT_ONCE).await?;
            drop(tx);
            let Some(last) = products.last() else {
                return Ok(());
            };
            after = last.id.to_string();
            let is_meant = |it: &&Product| (it.state == ListingState::Draft) == is_draft;
            for product in products.iter().filter(is_meant) {
                if wanted.len() == MAX_ROOTS {
                    return Ok(());
                }
                let open = self.root_to_sign(product, is_lost).await?;
                wanted.extend(open.map(|open| open.root));
            }
        }
    }

    /// Takes what came back signed: keeps the first root of a name for its first release, and
    /// publishes the next one of a name that has one, for clients to follow. What was taken
    /// already, and what nobody needs any more, is left alone, so it may be done again. Release
    /// keys are revoked that are among those `seen` by others only.
    ///
    /// # Errors
    /// Something is not signed as it must be, or with other keys than are to be named: nothing was
    /// changed then. Or something cannot be written; the next attempt goes on there.
    pub async fn take_roots(
        &self,
        signed: &RootsToSign,
        seen: &BTreeSet<String>,
        is_lost: bool,
    ) -> Result<TakenRoots, AppError> {
        let key = signed.root_key().map_err(|error| conflict(&error))?;
        if signed.market != self.config.host() || key != self.keys.root_public {
            return Err(AppError::Conflict(format!(
                "the file is for the root key {} at {}; here it is {} at {}",
                key.key_id(),
                signed.market,
                self.keys.root_public.key_id(),
                self.config.host(),
            )));
        }
        let mut checked = Vec::new();
        for wanted in &signed.roots {
            checked.extend(self.check_root(wanted, is_lost).await?);
        }
        let unsigned = signed.roots.iter().filter(|it| it.root.is_none()).count();
        let open = signed.successions.iter().filter(|it| it.decision.is_none());
        let mut taken = TakenRoots {
            unsigned: unsigned + open.count(),
            skipped: signed.roots.len() - unsigned - checked.len(),
            successions: self.take_successions(&signed.successions, seen).await?,
            ..TakenRoots::default()
        };
        for (open, root) in checked {
            let why = open.root.why;
            match (self.take_root(open, root).await?, why) {
                (false, _) => taken.skipped += 1,
                (true, WhyRoot::First) => taken.prepared += 1,
                (true, _) => taken.published += 1,
            }
        }
        Ok(taken)
    }

    /// Returns what a product's name needs of the root key, if anything.
    async fn root_to_sign(
        &self,
        product: &Product,
        is_lost: bool,
    ) -> Result<Option<OpenRoot>, AppError> {
        let mut tx = self.read().await?;
        let name = self.name_of(&mut tx, product).await?;
        let gun = self.gun(&name)?;
        let previous = self.root_in_force(&mut tx, &gun).await?;
        drop(tx);
        let is_draft = product.state == ListingState::Draft;
        if previous.is_none() && !is_draft {
            return Ok(None);
        }
        let ours = match is_draft || product.state.is_public() {
            true => Some(self.targets_key(&name).await?),
            false => None,
        };
        let ours_key = ours.as_ref().map(|ours| &ours.key);
        let why = self.why_root((&gun, previous.as_ref()), ours_key, is_lost);
        let Some(why) = why.await? else {
            return Ok(None);
        };
        // What is off the market is signed by the key that signed it last.
        let of_before = || {
            let root = previous.as_ref()?.root().ok()?;
            root.role(&Role::Targets)?.keys.values().next().cloned()
        };
        let targets = ours_key.cloned().or_else(of_before);
        let root = RootToSign {
            gun: gun.to_string(),
            why,
            targets: targets.ok_or(AppError::internal("a root names no key for targets"))?,
            snapshot: self.trust_key(&gun, &Role::Snapshot).await?,
            timestamp: self.trust_key(&gun, &Role::Timestamp).await?,
            previous,
            root: None,
        };
        Ok(Some(OpenRoot {
            name,
            product: product.clone(),
            ours,
            root,
        }))
    }

    async fn why_root(
        &self,
        (gun, previous): (&Gun, Option<&File>),
        ours: Option<&Key>,
        is_lost: bool,
    ) -> Result<Option<WhyRoot>, AppError> {
        let Some(file) = previous else {
            let Some(ours) = ours else {
                return Ok(None);
            };
            let mut tx = self.read().await?;
            let prepared = self.prepared_root(&mut tx, gun, Some(ours)).await?;
            return Ok(prepared.is_none().then_some(WhyRoot::First));
        };
        let root = file.root().map_err(AppError::internal)?;
        let key = &self.keys.root_public;
        Ok(match named_root_key(&root, key) {
            None if is_lost => Some(WhyRoot::Lost),
            None => Some(WhyRoot::OtherRootKey),
            Some(_) if ours.is_some_and(|ours| !is_targets_key_of(&root, ours)) => {
                Some(WhyRoot::OtherReleaseKey)
            }
            Some(_) => (!tuf::lasts(file, key, self.now())).then_some(WhyRoot::Ends),
        })
    }

    /// Checks a root that came back; gives what is to be done with it, if anything. What publishers
    /// did meanwhile, or another import, must not keep all others from theirs.
    async fn check_root(
        &self,
        wanted: &RootToSign,
        is_lost: bool,
    ) -> Result<Option<(OpenRoot, File)>, AppError> {
        let Some(file) = &wanted.root else {
            return Ok(None);
        };
        if wanted.why == WhyRoot::Lost && !is_lost {
            return Err(AppError::Conflict(format!(
                "the root of {} goes without the signature of the root key that clients know, and they will refuse it: that is taken only where it is said that this key is lost",
                wanted.gun
            )));
        }
        let changed = || {
            AppError::Conflict(format!(
                "what is to be signed of {} is another thing by now: export again",
                wanted.gun
            ))
        };
        let gun: Gun = wanted.gun.parse().map_err(|_| changed())?;
        let mut tx = self.read().await?;
        let in_force = self.root_in_force(&mut tx, &gun).await?;
        let prepared = self.prepared_row(&mut tx, &gun).await?;
        let is_prepared = prepared.is_some_and(|found| found.content == file.bytes);
        if is_prepared || in_force.is_some_and(|found| found == *file) {
            return Ok(None);
        }
        let product = self.product_named(&mut tx, gun.repo().as_str()).await?;
        drop(tx);
        let is_lost = wanted.why == WhyRoot::Lost;
        let open = match product {
            Some(product) => self.root_to_sign(&product, is_lost).await?,
            None => None,
        };
        let Some(open) = open else {
            return Ok(None);
        };
        if (&open.root.previous, open.root.why) != (&wanted.previous, wanted.why) {
            return Ok(None);
        }
        let asked = RootToSign {
            root: None,
            ..wanted.clone()
        };
        if open.root != asked || file.version != wanted.version() {
            return Err(changed());
        }
        self.verify_brought(wanted, file)?;
        Ok(Some((open, file.clone())))
    }

    /// Checks that a root is signed as clients want it, names what it says, and will be used.
    fn verify_brought(&self, wanted: &RootToSign, file: &File) -> Result<(), AppError> {
        let trusted = wanted.previous.as_ref();
        let trusted = trusted.filter(|_| wanted.why != WhyRoot::Lost);
        let trusted = trusted.map(File::root).transpose();
        let trusted = trusted.map_err(AppError::internal)?;
        let root = tuf::verify_root(&wanted.gun, file, trusted.as_ref(), self.now());
        let root = root.map_err(|error| {
            AppError::Conflict(format!("the root of {} is no good: {error}", wanted.gun))
        })?;
        let keys = RootKeys {
            targets: &wanted.targets,
            snapshot: &wanted.snapshot,
            timestamp: &wanted.timestamp,
        };
        let key = &self.keys.root_public;
        if !keys.are_all_of(&root, key) {
            return Err(AppError::Conflict(format!(
                "the root of {} names other keys than were to be signed",
                wanted.gun
            )));
        }
        match tuf::lasts(file, key, self.now()) {
            true => Ok(()),
            false => Err(AppError::Conflict(format!(
                "the root of {}, or its certificate, ends within a year ({}): the clock of the machine that signed it is behind; set it, and sign again",
                wanted.gun,
                file.expires.format("%F"),
            ))),
        }
    }

    /// Takes a root that was checked; gives whether it was still to be taken.
    async fn take_root(&self, open: OpenRoot, root: File) -> Result<bool, AppError> {
        let mut tx = self.begin().await?;
        let id = &open.product.id;
        let held = store::products::lock(&mut tx, id).await?;
        rows::lock(&mut tx).await?;
        let gun = self.gun(&open.name)?;
        let in_force = self.root_in_force(&mut tx, &gun).await?;
        // It may have been released, or taken off the market, since that was looked at.
        let is_same = held.is_some_and(|held| held.state == open.product.state);
        if !is_same || in_force != open.root.previous {
            return Ok(false);
        }
        let (version, now) = (root.version, self.now());
        match open.root.why {
            WhyRoot::First => {
                let prepared = PreparedRoot {
                    gun: gun.to_string(),
                    root_key: self.keys.root_public.key_id(),
                    release_key: self.release_key().key_id(),
                    content: root.bytes,
                    created_at: now,
                };
                prepared_roots::put(&mut tx, &prepared).await?;
            }
            why => {
                let is_key_lost = why == WhyRoot::Lost;
                let next = NextRoot { root, is_key_lost };
                self.publish_root(&mut tx, (&open.name, open.ours.as_ref()), id, next)
                    .await?;
            }
        }
        let key = self.keys.root_public.key_id();
        let change = Change {
            subject: id.as_str(),
            reason: Some(&key),
            after: Some(&format!("root {version}")),
            ..Change::default()
        };
        self.record(&mut tx, &Actor::system(), Action::ManageListing, change)
            .await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Returns the root that clients of a name believe.
    pub(super) async fn root_in_force(
        &self,
        tx: &mut Tx,
        gun: &Gun,
    ) -> Result<Option<File>, AppError> {
        let row = rows::newest_file(tx, gun.as_str(), Role::Root.as_str()).await?;
        let file = row.map(|row| File::parse(row.content.into()));
        file.transpose().map_err(AppError::internal)
    }

    /// Returns the root that waits for the first release of a name, if it is of the keys there
    /// are now. Without `targets` that of targets is the one it was taken with, of the release
    /// key there is now.
    pub(super) async fn prepared_root(
        &self,
        tx: &mut Tx,
        gun: &Gun,
        targets: Option<&Key>,
    ) -> Result<Option<File>, AppError> {
        let Some(row) = self.prepared_row(tx, gun).await? else {
            return Ok(None);
        };
        let file = File::parse(row.content).map_err(AppError::internal)?;
        let root = file.root().map_err(AppError::internal)?;
        let snapshot = self.present_key(tx, gun, &Role::Snapshot).await?;
        let timestamp = self.present_key(tx, gun, &Role::Timestamp).await?;
        let named = root.role(&Role::Targets);
        let named = named.and_then(|named| named.keys.values().next());
        let (Some(targets), Some(snapshot), Some(timestamp)) =
            (targets.or(named), snapshot, timestamp)
        else {
            return Ok(None);
        };
        let keys = RootKeys {
            targets,
            snapshot: &snapshot,
            timestamp: &timestamp,
        };
        let key = &self.keys.root_public;
        let is_good = keys.are_all_of(&root, key) && tuf::lasts(&file, key, self.now());
        Ok(is_good.then_some(file))
    }

    /// Says why the submission cannot be released, as [`Self::missing_root`] does, to who may
    /// decide on it.
    pub(crate) async fn missing_root_of(
        &self,
        actor: &Actor,
        submission: &str,
    ) -> Result<Option<String>, AppError> {
        let mut tx = self.read().await?;
        let found = self.visible_submission(&mut tx, actor, submission, Action::DecideSubmission);
        let (submission, _) = found.await?;
        let (publisher, product) = self.home_of(&mut tx, &submission).await?;
        drop(tx);
        let name = format!("{}/{}", publisher.slug, product.slug);
        self.missing_root(&name).await
    }

    /// Says why nothing can be released under a name yet: nobody signed a root for it, or one that
    /// names the release key there is now, and the root key is not here. Asks a device, so it is
    /// not for transactions; what that says when it is away is told by the release, which waits.
    pub(crate) async fn missing_root(&self, name: &str) -> Result<Option<String>, AppError> {
        let gun = self.gun(name)?;
        let mut tx = self.read().await?;
        let Some(file) = self.root_in_force(&mut tx, &gun).await? else {
            let is_there = self.keys.root.is_some()
                || self.prepared_root(&mut tx, &gun, None).await?.is_some();
            return Ok((!is_there).then(|| no_root(&gun)));
        };
        drop(tx);
        let root = file.root().map_err(AppError::internal)?;
        let here = self.keys.root.as_ref();
        if here.is_some_and(|key| named_root_key(&root, &key.public()).is_some()) {
            return Ok(None);
        }
        let ours = self.targets_key(name).await.ok();
        let is_other = ours.is_some_and(|ours| !is_targets_key_of(&root, &ours.key));
        Ok(is_other.then(|| OTHER_RELEASE_KEY.to_owned()))
    }

    /// Returns what was prepared with the root key and for the release key there are now.
    async fn prepared_row(&self, tx: &mut Tx, gun: &Gun) -> Result<Option<PreparedRoot>, AppError> {
        let found = prepared_roots::find(tx, gun.as_str()).await?;
        let (root, release) = (self.keys.root_public.key_id(), self.release_key().key_id());
        Ok(found.filter(|found| found.root_key == root && found.release_key == release))
    }

    async fn product_named(&self, tx: &mut Tx, name: &str) -> Result<Option<Product>, AppError> {
        let Some((publisher, product)) = name.split_once('/') else {
            return Ok(None);
        };
        let publisher = store::publishers::find_by_slug(tx, publisher).await?;
        Ok(match publisher {
            Some(publisher) => store::products::find_by_slug(tx, &publisher.id, product).await?,
            None => None,
        })
    }
}

/// What a product's name needs of the root key.
struct OpenRoot {
    /// `publisher/product`.
    name: String,
    product: Product,
    /// Who signs its targets, while it is on the market.
    ours: Option<Signer>,
    root: RootToSign,
}

fn conflict(error: &tuf::RootsError) -> AppError {
    AppError::Conflict(error.to_string())
}
