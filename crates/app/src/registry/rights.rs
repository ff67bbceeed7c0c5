//! Repositories, their place in the programme, and who may do what there.

use market::{Action, Entitlement, ProductId, PublisherId, RepositoryAction, RepositoryId};
use oci::{Digest, ErrorCode, RepoName};
use store::{
    StoreError, Tx,
    blobs::UploadError,
    products::Product,
    publishers::Publisher,
    quotas::Usage,
    repositories::{Asker, Repository},
};

use super::RegistryError;
use crate::{Actor, App, AppError};

/// What somebody may do in a repository.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// Read.
    pub pull: bool,
    /// Write.
    pub push: bool,
    /// Remove.
    pub delete: bool,
    /// Whether reading is open for some of what is there only, so that it has to be asked image
    /// by image.
    pub limited: bool,
}

impl Rights {
    /// Returns whether `action` is among them.
    pub fn allow(self, action: RepositoryAction) -> bool {
        match action {
            RepositoryAction::Pull => self.pull,
            RepositoryAction::Push => self.push,
            RepositoryAction::Delete => self.delete,
        }
    }

    /// Takes away what the tokens that `actor` signed in with do not reach.
    fn within_scopes(self, actor: &Actor, name: &str) -> Self {
        let reach = |action| actor.scopes_allow(name, action);
        Self {
            pull: self.pull && reach(RepositoryAction::Pull),
            push: self.push && reach(RepositoryAction::Push),
            delete: self.delete && reach(RepositoryAction::Delete),
            ..self
        }
    }
}

/// Names read at once for the catalogue.
const NAMES_AT_ONCE: i64 = 200;

/// What may still come into a publisher's staging.
pub(super) struct Room {
    /// Largest blob, in bytes.
    most: u64,
    usage: Usage,
    quota: Option<i64>,
}

impl Room {
    /// Returns how large a blob may become, in bytes.
    pub(super) fn limit(&self) -> u64 {
        let left = |quota: i64| u64::try_from(quota - self.usage.used_bytes).unwrap_or(0);
        self.quota
            .map_or(self.most, |quota| self.most.min(left(quota)))
    }

    /// Tells an upload that is too large at all from one that is too large for what is left.
    pub(super) fn explain(&self, error: UploadError) -> RegistryError {
        match (self.quota, &error) {
            (Some(quota), UploadError::TooLarge { limit, .. }) if *limit < self.most => {
                let more = i64::try_from(*limit).unwrap_or(i64::MAX).saturating_add(1);
                let used = self.usage.used_bytes.saturating_add(more);
                RegistryError::new(ErrorCode::Denied, crate::upkeep::full(used, quota))
            }
            _ => error.into(),
        }
    }
}

/// A repository's place in the programme.
enum Place {
    /// `staging/<publisher>/…`
    Staging(Box<Publisher>),
    /// `preview/<publisher>/<product>`
    Preview(Box<Product>),
    /// `<publisher>/<product>`
    Released(Box<Product>),
    /// Nowhere.
    Unknown,
}

impl App {
    /// Returns what `actor` may do in the repository called `name`; nothing where it has no place.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn repository_rights(&self, actor: &Actor, name: &str) -> Result<Rights, AppError> {
        let mut tx = self.read().await?;
        // Clients of content trust put the host in front of the name; what they ask for is the
        // trust metadata, not the images.
        let gun = name
            .strip_prefix(self.config.host())
            .and_then(|rest| rest.strip_prefix('/'));
        let name = gun.unwrap_or(name);
        let push_staging = match gun {
            Some(_) => Action::PublishTrust,
            None => Action::PushStaging,
        };
        let may =
            |action, roles: &[market::Role]| crate::actor::check(actor, action, roles).is_ok();
        let rights = match self.place(&mut tx, name).await? {
            Place::Unknown => {
                self.look_in_vain(&mut tx, actor, name).await?;
                Rights::default()
            }
            Place::Staging(publisher) => {
                let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
                let verified = publisher.state == market::PublisherState::Verified;
                let push = verified && may(push_staging, &roles);
                Rights {
                    pull: may(Action::PullStaging, &roles),
                    push,
                    delete: push,
                    ..Rights::default()
                }
            }
            Place::Preview(product) => {
                let roles = self.preview_roles(&mut tx, actor, &product).await?;
                let is_on = product.state == market::ListingState::Draft && gun.is_none();
                Rights {
                    pull: is_on && may(Action::PullPreview, &roles),
                    ..Rights::default()
                }
            }
            Place::Released(product) if gun.is_some() => Rights {
                pull: self.may_read_trust(&mut tx, actor, &product).await?,
                ..Rights::default()
            },
            Place::Released(product) => {
                let has = self.entitlement(&mut tx, actor, &product).await?;
                let pull = !has.is_nothing();
                Rights {
                    pull,
                    limited: pull && has.is_limited(),
                    ..Rights::default()
                }
            }
        };
        Ok(rights.within_scopes(actor, name))
    }

    /// Returns what `actor` may pull of what is released of a product; tokens that are cut down
    /// to repositories are another matter.
    pub(crate) async fn entitlement(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        product: &Product,
    ) -> Result<Entitlement, AppError> {
        let (roles, has) = self.roles_for_product(tx, actor, product).await?;
        let on_market = product.state.is_public() || actor.is_staff();
        let may = on_market && crate::actor::check(actor, Action::PullReleased, &roles).is_ok();
        Ok(if may { has } else { Entitlement::nothing() })
    }

    /// Returns whether `actor` may read the trust metadata of a product's public name. That
    /// nothing of it is signed any more is what clients must learn, too.
    async fn may_read_trust(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        product: &Product,
    ) -> Result<bool, AppError> {
        let (roles, _) = self.roles_for_product(tx, actor, product).await?;
        let is_known = product.state.is_public()
            || actor.is_staff()
            || store::releases::newest(tx, &product.id).await?.is_some();
        Ok(is_known && crate::actor::check(actor, Action::ReadReleasedTrust, &roles).is_ok())
    }

    /// Asks for as much as where there is something, so that the time an answer takes does not
    /// tell a private repository from a missing one.
    async fn look_in_vain(&self, tx: &mut Tx, actor: &Actor, name: &str) -> Result<(), AppError> {
        let product = self.id(ProductId::new);
        self.roles(tx, actor, Some(&self.id(PublisherId::new)))
            .await?;
        // Nobody buys what is in staging.
        if let Some(account) = actor.signed_in()
            && !name.starts_with("staging/")
        {
            store::entitlements::bought(tx, &account.id, &product).await?;
        }
        Ok(())
    }

    async fn place(&self, tx: &mut Tx, name: &str) -> Result<Place, StoreError> {
        let Ok(name) = name.parse::<RepoName>() else {
            return Ok(Place::Unknown);
        };
        let parts: Vec<_> = name.parts().collect();
        match parts.as_slice() {
            ["staging", publisher, _, ..] => {
                let publisher = store::publishers::find_by_slug(tx, publisher).await?;
                Ok(publisher.map_or(Place::Unknown, |found| Place::Staging(Box::new(found))))
            }
            ["preview", publisher, product] => {
                let product = self.product_in_place(tx, publisher, product).await?;
                Ok(product.map_or(Place::Unknown, Place::Preview))
            }
            [publisher, product] => {
                let product = self.product_in_place(tx, publisher, product).await?;
                Ok(product.map_or(Place::Unknown, Place::Released))
            }
            _ => Ok(Place::Unknown),
        }
    }

    /// Asks for a product even where there is no such publisher.
    async fn product_in_place(
        &self,
        tx: &mut Tx,
        publisher: &str,
        product: &str,
    ) -> Result<Option<Box<Product>>, StoreError> {
        let publisher = store::publishers::find_by_slug(tx, publisher).await?;
        let publisher = publisher.map_or_else(|| self.id(PublisherId::new), |found| found.id);
        let product = store::products::find_by_slug(tx, &publisher, product).await?;
        Ok(product.map(Box::new))
    }

    /// Returns the publisher in whose staging a name lies.
    pub(crate) async fn publisher_of(
        &self,
        tx: &mut Tx,
        name: &RepoName,
    ) -> Result<Option<PublisherId>, StoreError> {
        Ok(match self.place(tx, name.as_str()).await? {
            Place::Staging(publisher) => Some(publisher.id),
            Place::Preview(_) | Place::Released(_) | Place::Unknown => None,
        })
    }

    /// Returns the words for somebody who may not do `action` in `name`: what to do, without
    /// telling a private repository from a missing one.
    pub async fn denial(&self, name: &RepoName, action: &str, signed_in: bool) -> String {
        let url = &self.config.public_url;
        let place = match self.read().await {
            Ok(mut tx) => self.place(&mut tx, name.as_str()).await.ok(),
            Err(_) => None,
        };
        let product = match place {
            Some(Place::Released(product)) if product.state.is_public() => Some(product),
            _ => None,
        };
        let public = product.is_some();
        let is_closed = product.is_some_and(|product| product.pulls_closed_at.is_some());
        let host = self.config.host();
        let sign_in = if signed_in {
            String::new()
        } else {
            format!("sign in first (docker login {host}), and ")
        };
        match (public, action) {
            (true, "pull") if is_closed => {
                format!("{name} is on hold and cannot be pulled at present: see {url}/p/{name}")
            }
            (true, "pull") => format!("{sign_in}subscribe to {name} at {url}/p/{name} to pull it"),
            (true, _) => format!(
                "{name} holds released images, which nobody pushes: push to staging/… and submit"
            ),
            (false, "pull") if signed_in => {
                format!("there is no repository {name} that your account may pull from")
            }
            (false, _) if signed_in => {
                format!(
                    "there is no repository {name} that your account may push to: publishers push to staging/<publisher>/<name>, with a token that may write"
                )
            }
            (false, _) => {
                format!("sign in first (docker login {host}): {name} is not open to everybody")
            }
        }
    }

    pub(super) async fn repository(
        &self,
        tx: &mut Tx,
        name: &RepoName,
    ) -> Result<Repository, RegistryError> {
        let found = store::repositories::find_by_name(tx, name.as_str()).await?;
        found.ok_or_else(|| unknown_repository(name))
    }

    /// Returns the room there is for a push, of `digest` where that is known, before anything of it
    /// is taken. Only reads: nothing is made before it is there.
    pub(super) async fn room(
        &self,
        name: &RepoName,
        digest: Option<&Digest>,
    ) -> Result<Room, RegistryError> {
        let mut tx = self.read().await?;
        let Some(publisher) = self.publisher_of(&mut tx, name).await? else {
            return Err(takes_no_pushes(name));
        };
        let usage = store::quotas::usage(&mut tx, &publisher).await?;
        let most = self.config.max_blob_bytes;
        if let Some(digest) = digest
            && store::quotas::has(&mut tx, &publisher, digest.as_str()).await?
        {
            // Counted already; what is damaged is mended so.
            let quota = None;
            return Ok(Room { most, usage, quota });
        }
        self.require_room(Some(&usage), 1)?;
        let quota = self.limit(&usage);
        Ok(Room { most, usage, quota })
    }

    /// Says whether `name` lies in a publisher's staging, where alone something is pushed to.
    pub(crate) async fn require_staging(
        &self,
        tx: &mut Tx,
        name: &RepoName,
    ) -> Result<(), AppError> {
        match self.place(tx, name.as_str()).await? {
            Place::Staging(_) => Ok(()),
            Place::Preview(_) | Place::Released(_) | Place::Unknown => {
                Err(AppError::Denied(takes_no_pushes(name).message))
            }
        }
    }

    /// Returns the repository to push to, made on the first push; only staging is pushed to.
    ///
    /// Whoever pushes or deletes has called [`store::collection::enter`] or
    /// [`store::collection::decide`] before, so that all wait for one another in one order.
    pub(super) async fn repository_to_push(
        &self,
        tx: &mut Tx,
        name: &RepoName,
    ) -> Result<Repository, RegistryError> {
        let Place::Staging(publisher) = self.place(tx, name.as_str()).await? else {
            return Err(takes_no_pushes(name));
        };
        let repository = Repository {
            id: self.id(RepositoryId::new),
            name: name.to_string(),
            publisher_id: publisher.id,
            product_id: None,
            created_at: self.now(),
        };
        Ok(store::repositories::find_or_create(tx, &repository).await?)
    }

    /// Returns the names of the repositories that the asker may pull from, after `last`, in byte order.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn catalog(
        &self,
        actor: &Actor,
        last: &str,
        limit: usize,
    ) -> Result<Vec<String>, RegistryError> {
        let mut visible = Vec::new();
        let mut last = last.to_owned();
        let asker = asker(actor);
        while visible.len() < limit {
            let page = {
                let mut tx = self.read().await?;
                store::repositories::names(&mut tx, asker, &last, NAMES_AT_ONCE).await?
            };
            let Some(end) = page.last() else { break };
            last.clone_from(&end.name);
            for repository in page {
                if visible.len() < limit
                    && self.repository_rights(actor, &repository.name).await?.pull
                {
                    visible.push(repository.name);
                }
            }
        }
        Ok(visible)
    }
}

/// Returns whose repositories are looked at for somebody at all: what others have in private
/// must not even cost time.
pub(super) fn asker(actor: &Actor) -> Asker<'_> {
    match actor.signed_in() {
        _ if actor.is_staff() => Asker::Staff,
        Some(account) => Asker::Account(&account.id),
        None => Asker::Anybody,
    }
}

pub(super) fn unknown_repository(name: &RepoName) -> RegistryError {
    RegistryError::new(
        ErrorCode::NameUnknown,
        format!("repository {name} does not exist: push to it first"),
    )
}

fn takes_no_pushes(name: &RepoName) -> RegistryError {
    RegistryError::new(
        ErrorCode::Denied,
        format!("{name} is no staging repository: push to staging/<publisher>/<name>"),
    )
}
