//! Products before their first release, for accounts that their publisher names: the page as
//! consumers will see it, and the candidate of the first release to pull. Whoever is not named
//! cannot tell that there is anything. It ends when the product is released or withdrawn.

use chrono::{DateTime, Utc};
use market::{
    Action, EventId, ListingEvent, ListingState, NoticeKind, Origin, PlanGives, ProductId,
    ReleasedOrigin, RepositoryId, Role,
};
use store::{
    Part, Tx,
    accounts::Account,
    previews::{self as rows, PreviewRow, Previewer},
    products::Product,
    publishers::Publisher,
    repositories::Repository,
    submissions::Submission,
};

use crate::{
    Actor, App, AppError, ImageView, PublicCheck, audit::Change, jobs::JobKind, notices::News,
    products::require_verified, storefront::without_private,
};

/// Most accounts that see one product.
const MOST_NAMED: i64 = 100;

/// A product as consumers will see it.
#[derive(Debug, Clone)]
pub struct PreviewPage {
    /// Who publishes it.
    pub publisher: Publisher,
    /// The product; `listed` is the manifest that a release would list now.
    pub product: Product,
    /// What would be released.
    pub candidate: Option<Candidate>,
    /// What each of its plans would give.
    pub gives: Vec<PlanGives>,
    /// Whether it lies in the repository of the preview, and the asker may pull it.
    pub may_pull: bool,
    /// Whether the asker belongs to the publisher or the staff.
    pub is_insider: bool,
}

/// The submission that would be released, as far as consumers will see it.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its tag.
    pub tag: String,
    /// Its digest.
    pub digest: String,
    /// Whether it would bear the mark.
    pub certified: bool,
    /// When it was submitted.
    pub submitted_at: DateTime<Utc>,
    /// When it was inspected.
    pub inspected_at: Option<DateTime<Utc>>,
    /// Its platforms.
    pub images: Vec<ImageView>,
    /// Certification checks that counted.
    pub check_results: Vec<PublicCheck>,
}

/// Returns where a submission comes from, as plans see it.
fn origin(submission: &Submission) -> ReleasedOrigin {
    ReleasedOrigin {
        digest: submission.digest.clone(),
        origin: Origin::of_submission(&submission.repository, &submission.tag),
        is_offered: true,
    }
}

/// Returns the name of the repository that the candidate is pulled from.
pub(crate) fn preview_repository(publisher: &Publisher, product: &Product) -> String {
    format!("preview/{}/{}", publisher.slug, product.slug)
}

impl App {
    /// Returns who sees a product before its first release, for its members and the staff.
    ///
    /// # Errors
    /// There is no such product, or the asker is no member.
    pub async fn previewers(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
    ) -> Result<Vec<Previewer>, AppError> {
        let mut tx = self.read().await?;
        let (_, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        Ok(rows::of_product(&mut tx, &product.id).await?)
    }

    /// Lets an account see a product before its first release.
    ///
    /// # Errors
    /// There is no such product or account, the product was released, a hundred see it, or the
    /// asker may not.
    pub async fn add_previewer(
        &self,
        actor: &Actor,
        (publisher, product): (&str, &str),
        account: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let (publisher, product) = self.previewed(&mut tx, actor, (publisher, product)).await?;
        require_verified(&publisher)?;
        if product.state != ListingState::Draft {
            return Err(AppError::Conflict(format!(
                "the product is {}: previews are for products before their first release",
                product.state
            )));
        }
        let account = self.person(&mut tx, account).await?;
        if rows::count(&mut tx, &product.id).await? >= MOST_NAMED {
            return Err(AppError::Conflict(format!(
                "{MOST_NAMED} accounts see it, which is the limit: take one away first"
            )));
        }
        let by = actor.signed_in().map_or("system", |who| who.name.as_str());
        let pair = (&product.id, &account.id);
        if !rows::create(&mut tx, pair, by, self.now()).await? {
            return Ok(());
        }
        let change = Change {
            subject: product.id.as_str(),
            reason: Some(&account.name),
            after: Some("named"),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::ManagePreview, change)
            .await?;
        self.follow_preview(&mut tx, &product.id).await?;
        self.tell_previewer(&mut tx, (&publisher, &product), &account)
            .await?;
        tx.commit().await?;
        self.job_added.notify_one();
        Ok(())
    }

    /// Lets an account see a product no longer.
    ///
    /// # Errors
    /// There is no such product, the account is not named, or the asker may not.
    pub async fn remove_previewer(
        &self,
        actor: &Actor,
        (publisher, product): (&str, &str),
        account: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let (_, product) = self.previewed(&mut tx, actor, (publisher, product)).await?;
        let missing = || AppError::not_found("account with a preview", account);
        let found = store::accounts::find_by_name(&mut tx, account).await?;
        let found = found.ok_or_else(missing)?;
        if !rows::delete(&mut tx, &product.id, &found.id).await? {
            return Err(missing());
        }
        let change = Change {
            subject: product.id.as_str(),
            reason: Some(&found.name),
            before: Some("named"),
            after: Some("gone"),
        };
        self.record(&mut tx, actor, Action::ManagePreview, change)
            .await?;
        self.keep_preview_soon(&mut tx, &product.id).await?;
        tx.commit().await?;
        self.job_added.notify_one();
        Ok(())
    }

    /// Returns a product as consumers will see it.
    ///
    /// # Errors
    /// Nobody is signed in, or there is none that the asker may see.
    pub async fn preview_page(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
    ) -> Result<PreviewPage, AppError> {
        // Who is nobody learns nothing about which products there are.
        if actor.is_nobody() {
            return Err(AppError::Unauthenticated(
                "previews are seen by those whom a publisher names".to_owned(),
            ));
        }
        let mut tx = self.read().await?;
        let name = format!("{publisher}/{product}");
        let (publisher, product) = self.product_by_name(&mut tx, publisher, product).await?;
        let roles = self.preview_roles(&mut tx, actor, &product).await?;
        let may = |action| crate::actor::check(actor, action, &roles);
        may(Action::SeePreview).map_err(|_denied| AppError::not_found("product", name))?;
        let found = self.candidate(&mut tx, &product.id).await?;
        let manifest = match &found {
            Some(submission) => submission.manifest.clone(),
            None => product.draft.clone(),
        };
        let released = self
            .origins_for_plans(&mut tx, &product.id, &manifest)
            .await?;
        let origins: Vec<_> = (found.as_ref().map(origin))
            .into_iter()
            .chain(released)
            .collect();
        let candidate = match &found {
            Some(submission) => Some(self.as_released(&mut tx, submission).await?),
            None => None,
        };
        let kept = self
            .kept_preview(&mut tx, (&publisher, &product), found.as_ref())
            .await?;
        Ok(PreviewPage {
            may_pull: kept && may(Action::PullPreview).is_ok(),
            is_insider: may(Action::ReadSubmission).is_ok(),
            candidate,
            gives: PlanGives::of(&manifest, &origins),
            product: Product {
                listed: Some(manifest.0.without_sources().into()),
                ..without_private(product)
            },
            publisher,
        })
    }

    /// Returns the products that the asker is named to see before their first release.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn my_previews(&self, actor: &Actor) -> Result<Vec<PreviewRow>, AppError> {
        let account = actor.require_account("to see your previews")?;
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadOwnAccount, None)
            .await?;
        Ok(rows::of_account(&mut tx, &account.id).await?)
    }

    /// Returns what `actor` is towards the preview of a product.
    pub(crate) async fn preview_roles(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        product: &Product,
    ) -> Result<Vec<Role>, AppError> {
        let mut roles = self.roles(tx, actor, Some(&product.publisher_id)).await?;
        if let Some(account) = actor.signed_in()
            && rows::sees(tx, &product.id, &account.id).await?
        {
            roles.push(Role::Previewer);
        }
        Ok(roles)
    }

    async fn previewed(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (publisher, product): (&str, &str),
    ) -> Result<(Publisher, Product), AppError> {
        let (publisher, product) = self.own_product(tx, actor, publisher, product).await?;
        self.authorize(tx, actor, Action::ManagePreview, Some(&publisher.id))
            .await?;
        Ok((publisher, product))
    }

    async fn person(&self, tx: &mut Tx, name: &str) -> Result<Account, AppError> {
        let found = store::accounts::find_by_name(tx, name.trim()).await?;
        let account = found.ok_or_else(|| AppError::not_found("account", name))?;
        if account.is_robot() {
            return Err(AppError::Conflict(
                "a robot sees what its person sees: name the person".to_owned(),
            ));
        }
        Ok(account)
    }

    /// Returns the submission that would be released: the newest one, if people look at it.
    async fn candidate(
        &self,
        tx: &mut Tx,
        product: &ProductId,
    ) -> Result<Option<Submission>, AppError> {
        let newest = store::submissions::of_product(tx, product, Part::first(1)).await?;
        let newest = newest.into_iter().next();
        Ok(newest.filter(|one| one.inspected_at.is_some() && one.state.may_be_released()))
    }

    async fn as_released(
        &self,
        tx: &mut Tx,
        submission: &Submission,
    ) -> Result<Candidate, AppError> {
        let inside = self.public_inside(tx, &submission.id).await?;
        Ok(Candidate {
            tag: submission.tag.clone(),
            digest: submission.digest.clone(),
            certified: submission.certifiable,
            submitted_at: submission.submitted_at,
            inspected_at: submission.inspected_at,
            images: inside.images,
            check_results: inside.check_results,
        })
    }

    /// Returns whether the candidate lies where it is pulled from.
    async fn kept_preview(
        &self,
        tx: &mut Tx,
        (publisher, product): (&Publisher, &Product),
        candidate: Option<&Submission>,
    ) -> Result<bool, AppError> {
        let name = preview_repository(publisher, product);
        let repository = store::repositories::find_by_name(tx, &name).await?;
        let (Some(candidate), Some(repository)) = (candidate, repository) else {
            return Ok(false);
        };
        let tagged = store::repositories::tagged_digest(tx, &repository.id, &candidate.tag).await?;
        Ok(tagged.as_deref() == Some(&candidate.digest))
    }

    /// Has what named accounts pull of a product follow what became of it.
    pub(crate) async fn follow_preview(
        &self,
        tx: &mut Tx,
        product: &ProductId,
    ) -> Result<(), AppError> {
        if rows::count(tx, product).await? > 0 {
            self.keep_preview_soon(tx, product).await?;
        }
        Ok(())
    }

    async fn keep_preview_soon(&self, tx: &mut Tx, product: &ProductId) -> Result<(), AppError> {
        let job = JobKind::Preview {
            product: product.clone(),
            asked_at: self.now(),
        };
        self.enqueue(tx, &job).await
    }

    /// Ends the preview of a product that leaves the state in which there is one.
    pub(crate) async fn end_preview(
        &self,
        tx: &mut Tx,
        (actor, product, name): (&Actor, &Product, &str),
        event: ListingEvent,
    ) -> Result<(), AppError> {
        let named = rows::of_product(tx, &product.id).await?;
        if product.state != ListingState::Draft || named.is_empty() {
            return Ok(());
        }
        rows::delete_all(tx, &product.id).await?;
        let names: Vec<_> = named.iter().map(|one| one.name.as_str()).collect();
        let change = Change {
            subject: product.id.as_str(),
            reason: Some(&names.join(" ")),
            before: Some("named"),
            after: Some("gone"),
        };
        self.record(tx, actor, Action::ManagePreview, change)
            .await?;
        self.keep_preview_soon(tx, &product.id).await?;
        let is_released = event == ListingEvent::Release;
        let (what, path) = match is_released {
            true => ("is on the market, for everybody", format!("/p/{name}")),
            false => ("will not come to the market", "/account".to_owned()),
        };
        let people: Vec<_> = named.into_iter().map(|one| one.account_id).collect();
        let news = News {
            kind: NoticeKind::Preview,
            cause: format!("preview-ended:{}", product.id),
            title: format!("{name} {what}"),
            body: format!("The preview of {name} has ended: it {what}."),
            path: &path,
            product: is_released.then_some(&product.id),
        };
        self.tell(tx, &people, &news).await
    }

    async fn tell_previewer(
        &self,
        tx: &mut Tx,
        (publisher, product): (&Publisher, &Product),
        account: &Account,
    ) -> Result<(), AppError> {
        let (name, by) = (
            format!("{}/{}", publisher.slug, product.slug),
            &publisher.legal_name,
        );
        let news = News {
            kind: NoticeKind::Preview,
            cause: format!("preview:{}:{}", product.id, self.id(EventId::new)),
            title: format!("{by} lets you see {name} before its release"),
            body: format!(
                "{by} named you among those who see {name} before it comes to the market. Its page says what it will be, and how to pull what is there. Please keep it to yourself: nobody else sees it."
            ),
            path: &format!("/preview/{name}"),
            product: None,
        };
        self.tell(tx, std::slice::from_ref(&account.id), &news)
            .await
    }

    /// The job: makes the repository of a preview hold the candidate and nothing else.
    pub(crate) async fn keep_preview(&self, id: &ProductId) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        // Two of these at once must not mix what they found.
        store::products::lock(&mut tx, id).await?;
        store::collection::enter(&mut tx).await?;
        let Some((publisher, product)) = self.product_and_publisher(&mut tx, id).await? else {
            return Ok(());
        };
        let is_on = product.state == ListingState::Draft && rows::count(&mut tx, id).await? > 0;
        let candidate = match is_on {
            true => self.candidate(&mut tx, id).await?,
            false => None,
        };
        let repository = Repository {
            id: self.id(RepositoryId::new),
            name: preview_repository(&publisher, &product),
            publisher_id: publisher.id.clone(),
            product_id: None,
            created_at: self.now(),
        };
        let repository = store::repositories::find_or_create(&mut tx, &repository).await?;
        for tag in store::repositories::tags(&mut tx, &repository.id, "", i64::MAX).await? {
            if candidate.as_ref().is_none_or(|one| one.tag != tag) {
                store::repositories::delete_tag(&mut tx, &repository.id, &tag).await?;
            }
        }
        if let Some(candidate) = candidate {
            let (from, digest) = (&candidate.repository, &candidate.digest);
            let manifests = self.manifests_below(&mut tx, from, digest).await?;
            for manifest in manifests.values() {
                self.copy_manifest(&mut tx, &candidate, &repository, manifest)
                    .await?;
            }
            let (tag, now) = (&candidate.tag, self.now());
            store::repositories::set_tag(&mut tx, &repository.id, tag, digest, now).await?;
        }
        Ok(tx.commit().await?)
    }
}
