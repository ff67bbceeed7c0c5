//! Products and their draft manifests.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use market::{
    Action, Class, ListingEvent, ListingState, ProductId, ProductManifest, PublisherId,
    PublisherState, Slug,
};
use store::{
    Part, Tx,
    products::{Glance, Product},
    publishers::Publisher,
    submissions::Submission,
};

use crate::{
    Actor, App, AppError,
    audit::Change,
    draft_versions::lock_draft,
    findings::{class_counts, counts_of},
};

/// A product with its newest submission.
#[derive(Debug, Clone)]
pub struct ProductOverview {
    /// The product.
    pub product: Product,
    /// Its newest submission.
    pub latest: Option<Submission>,
    /// Open findings of each class in what is released or, before that, in the newest submission.
    pub counts: Vec<(Class, i64)>,
    /// When the next promise to fix ends, or ended.
    pub next_due: Option<DateTime<Utc>>,
}

/// What the asker may do with a publisher's products.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProductRights {
    /// Change drafts and submit.
    pub may_edit: bool,
    /// Take products off the market.
    pub may_withdraw: bool,
}

impl App {
    /// Makes a product with an empty draft.
    ///
    /// # Errors
    /// The short name is malformed or taken, the publisher not verified, or the asker may not.
    pub async fn create_product(
        &self,
        actor: &Actor,
        publisher: &str,
        slug: &str,
    ) -> Result<Product, AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, publisher, Action::EditProduct)
            .await?;
        require_verified(&publisher)?;
        let slug = Slug::for_address(slug)
            .map_err(|error| AppError::invalid("slug", error.to_string()))?;
        let product = Product {
            id: self.id(ProductId::new),
            publisher_id: publisher.id.clone(),
            slug,
            state: ListingState::Draft,
            draft: ProductManifest::default().into(),
            listed: None,
            search_text: String::new(),
            category: String::new(),
            certified: false,
            held_at: None,
            inside_opened_at: None,
            pulls_closed_at: None,
            state_reason: None,
            created_at: self.now(),
            updated_at: self.now(),
        };
        store::products::create(&mut tx, &product)
            .await
            .map_err(|error| {
                if error.is_conflict() {
                    AppError::Invalid(vec![taken(&product.slug)])
                } else {
                    error.into()
                }
            })?;
        let change = Change {
            subject: product.id.as_str(),
            after: Some(product.state.as_str()),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::EditProduct, change)
            .await?;
        tx.commit().await?;
        Ok(product)
    }

    /// Returns what would keep a product from being made under a short name with this draft, and
    /// the draft from being submitted; nothing is made.
    ///
    /// # Errors
    /// The publisher is not verified, or the asker may not make products.
    pub async fn check_new_product(
        &self,
        actor: &Actor,
        publisher: &str,
        slug: &str,
        draft: &ProductManifest,
    ) -> Result<Vec<market::Problem>, AppError> {
        check_size(draft)?;
        let mut tx = self.read().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, publisher, Action::EditProduct)
            .await?;
        require_verified(&publisher)?;
        let mut problems = self.manifest_problems(&mut tx, draft).await?;
        match Slug::for_address(slug) {
            Err(error) => problems.push(slug_problem(error.to_string())),
            Ok(slug) => {
                let found = store::products::find_by_slug(&mut tx, &publisher.id, slug.as_str());
                problems.extend(found.await?.map(|product| taken(&product.slug)));
            }
        }
        Ok(problems)
    }

    /// Opens components and findings of a product's releases to those who may pull it, or closes
    /// them again; releases from then on bear bills of materials that are attested, or none.
    ///
    /// # Errors
    /// There is no such product, or the asker may not change it.
    pub async fn set_inside_open(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        open: bool,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let (publisher, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        self.authorize(&mut tx, actor, Action::EditProduct, Some(&publisher.id))
            .await?;
        let opened_at = open.then(|| product.inside_opened_at.unwrap_or(self.now()));
        store::products::set_inside_opened(&mut tx, &product.id, opened_at).await?;
        let word = |open| match open {
            true => "inside-open",
            false => "inside-closed",
        };
        let change = Change {
            subject: product.id.as_str(),
            before: Some(word(product.inside_opened_at.is_some())),
            after: Some(word(open)),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::EditProduct, change)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Replaces a product's draft manifest; a draft may be incomplete. Gives what still keeps it from being submitted.
    ///
    /// # Errors
    /// There is no such product, or the asker may not change it.
    pub async fn save_draft(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        draft: &ProductManifest,
    ) -> Result<Vec<market::Problem>, AppError> {
        self.save_draft_if(actor, (publisher, product), draft, &|_any| true)
            .await
    }

    /// Does the same if the draft that is replaced is one that `is_known`, as of the moment that
    /// it is replaced.
    ///
    /// # Errors
    /// As [`Self::save_draft`]; [`AppError::Changed`] where it is another one.
    pub async fn save_draft_if(
        &self,
        actor: &Actor,
        (publisher, product): (&str, &str),
        draft: &ProductManifest,
        is_known: &(dyn Fn(&ProductManifest) -> bool + Sync),
    ) -> Result<Vec<market::Problem>, AppError> {
        check_size(draft)?;
        let mut tx = self.begin().await?;
        let (publisher, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        self.authorize(&mut tx, actor, Action::EditProduct, Some(&publisher.id))
            .await?;
        let held = lock_draft(&mut tx, &product).await?;
        if !is_known(&held.draft) {
            return Err(AppError::Changed(
                "the draft is not the one that you read: somebody changed it since; read it again"
                    .to_owned(),
            ));
        }
        self.write_draft(&mut tx, (actor, &held), draft, None)
            .await?;
        let problems = self.manifest_problems(&mut tx, draft).await?;
        tx.commit().await?;
        Ok(problems)
    }

    /// Returns what would keep a draft from being submitted, were it saved; it is not.
    ///
    /// # Errors
    /// There is no such product, or the asker may not change it.
    pub async fn check_draft(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        draft: &ProductManifest,
    ) -> Result<Vec<market::Problem>, AppError> {
        check_size(draft)?;
        let mut tx = self.read().await?;
        let (publisher, _) = self.own_product(&mut tx, actor, publisher, product).await?;
        self.authorize(&mut tx, actor, Action::EditProduct, Some(&publisher.id))
            .await?;
        self.manifest_problems(&mut tx, draft).await
    }

    /// Returns every problem of a manifest, those of its pictures included.
    pub(crate) async fn manifest_problems(
        &self,
        tx: &mut Tx,
        manifest: &ProductManifest,
    ) -> Result<Vec<market::Problem>, AppError> {
        let mut problems = manifest.problems();
        if let Some(logo) = &manifest.logo {
            problems.extend(self.logo_problem(tx, logo).await?);
        }
        for (place, digest) in manifest.screenshots.iter().enumerate() {
            if store::assets::find(tx, digest).await?.is_none() {
                let message = format!("no picture `{digest}` was uploaded: upload it first");
                problems.push(market::Problem {
                    field: format!("screenshots[{place}]"),
                    message,
                });
            }
        }
        Ok(problems)
    }

    /// Returns a product as its publisher and the staff see it, with its ten newest submissions
    /// and what keeps its draft from being submitted.
    ///
    /// # Errors
    /// There is no such product, or the asker may not see it.
    pub async fn product_draft(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
    ) -> Result<(Publisher, Product, Vec<Submission>, Vec<market::Problem>), AppError> {
        let mut tx = self.read().await?;
        let (publisher, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        let submissions =
            store::submissions::of_product(&mut tx, &product.id, Part::first(10)).await?;
        let problems = self.manifest_problems(&mut tx, &product.draft).await?;
        Ok((publisher, product, submissions, problems))
    }

    /// Returns a product's draft alone.
    ///
    /// # Errors
    /// There is no such product, or the asker may not see it.
    pub async fn product_manifest(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
    ) -> Result<ProductManifest, AppError> {
        let mut tx = self.read().await?;
        let (_, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        Ok(product.draft.0)
    }

    /// Returns a part of a product's submissions, newest first.
    ///
    /// # Errors
    /// There is no such product, or the asker may not see it.
    pub async fn product_submissions(
        &self,
        actor: &Actor,
        (publisher, product): (&str, &str),
        part: Part<'_>,
    ) -> Result<Vec<Submission>, AppError> {
        let mut tx = self.read().await?;
        let (_, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        Ok(store::submissions::of_product(&mut tx, &product.id, part).await?)
    }

    /// Returns a page of a publisher's products, by short name, with how each does.
    pub(crate) async fn product_overviews(
        tx: &mut Tx,
        publisher: &PublisherId,
        place: (i64, i64),
    ) -> Result<Vec<ProductOverview>, AppError> {
        let page = store::products::page_of_publisher(tx, publisher, place).await?;
        let ids = |of: fn(&Glance) -> &Option<String>| -> Vec<&str> {
            page.iter().filter_map(|it| of(it).as_deref()).collect()
        };
        let submissions = store::submissions::all_of(tx, &ids(|it| &it.latest)).await?;
        let counts = store::findings::counts(tx, &ids(|it| &it.shown)).await?;
        let of = |glance: &Glance| ProductOverview {
            product: glance.product.clone(),
            latest: glance.latest.as_ref().and_then(|latest| {
                let found = submissions.iter().find(|it| it.id.as_str() == latest);
                found.cloned()
            }),
            counts: match &glance.shown {
                Some(shown) => class_counts(counts_of(&counts, shown)),
                None => Vec::new(),
            },
            next_due: glance.next_due,
        };
        Ok(page.iter().map(of).collect())
    }

    /// Returns how many promises to fix something in what stands of products are broken, by
    /// product; nothing of those where none is.
    ///
    /// # Errors
    /// The asker may not see it.
    pub async fn broken_promises(
        &self,
        actor: &Actor,
        products: &[&str],
    ) -> Result<HashMap<String, i64>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ManageListing, None)
            .await?;
        let broken = store::promises::count_broken(&mut tx, products, self.now()).await?;
        Ok(broken.into_iter().collect())
    }

    /// Returns what the asker may do with a publisher's products.
    ///
    /// # Errors
    /// There is no such publisher, or the asker is no member.
    pub async fn product_rights(
        &self,
        actor: &Actor,
        publisher: &str,
    ) -> Result<ProductRights, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, publisher).await?;
        let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
        let may = |action| crate::actor::check(actor, action, &roles).is_ok();
        Ok(ProductRights {
            may_edit: may(Action::EditProduct),
            may_withdraw: may(Action::WithdrawProduct),
        })
    }

    /// Returns the first hundred tags in one of a publisher's staging repositories; none if nothing was pushed.
    ///
    /// # Errors
    /// There is no such publisher, or the asker is no member.
    pub async fn staging_tags(
        &self,
        actor: &Actor,
        publisher: &str,
        repository: &str,
    ) -> Result<Vec<String>, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, publisher).await?;
        let name = format!("staging/{}/{repository}", publisher.slug);
        match store::repositories::find_by_name(&mut tx, &name).await? {
            Some(found) => {
                let mut tags = store::repositories::tags(&mut tx, &found.id, "", 100).await?;
                // Signatures and attestations lie beside images under tags of this form.
                tags.retain(|tag| !tag.starts_with("sha256-"));
                Ok(tags)
            }
            None => Ok(Vec::new()),
        }
    }

    /// Takes the asker's own product off the market for good.
    ///
    /// # Errors
    /// There is no such product, its state does not allow it, or the asker is no owner.
    pub async fn withdraw_product(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        reason: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.read().await?;
        let (publisher, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        self.authorize(&mut tx, actor, Action::WithdrawProduct, Some(&publisher.id))
            .await?;
        drop(tx);
        let event = ListingEvent::Withdraw;
        let key = self.key_to_unsign(&product, event).await?;
        let change = (Action::WithdrawProduct, event, key.as_ref());
        let mut tx = self.begin().await?;
        self.change_listing(&mut tx, actor, &product, change, reason)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns a product with its publisher, whoever asks.
    pub(crate) async fn product_and_publisher(
        &self,
        tx: &mut Tx,
        product: &ProductId,
    ) -> Result<Option<(Publisher, Product)>, AppError> {
        let Some(product) = store::products::find(tx, product).await? else {
            return Ok(None);
        };
        let publisher = store::publishers::find(tx, &product.publisher_id).await?;
        Ok(publisher.map(|publisher| (publisher, product)))
    }

    /// Returns a product for its members and the staff; anybody else is told that there is none.
    pub(crate) async fn own_product(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        publisher: &str,
        product: &str,
    ) -> Result<(Publisher, Product), AppError> {
        let publisher = self.member_publisher(tx, actor, publisher).await?;
        let found = store::products::find_by_slug(tx, &publisher.id, product).await?;
        Ok((
            publisher,
            found.ok_or_else(|| AppError::not_found("product", product))?,
        ))
    }
}

fn taken(slug: &Slug) -> market::Problem {
    slug_problem(format!("you have a product `{slug}` already"))
}

fn slug_problem(message: String) -> market::Problem {
    market::Problem {
        field: "slug".to_owned(),
        message,
    }
}

/// Returns an error for a manifest that is too large to keep.
fn check_size(draft: &ProductManifest) -> Result<(), AppError> {
    let size = serde_json::to_vec(draft).map_err(AppError::internal)?.len();
    if size > 1 << 20 {
        return Err(AppError::TooLarge(format!(
            "the manifest has {size} bytes; at most 1048576 are accepted"
        )));
    }
    Ok(())
}

/// Publishing is open to verified publishers only.
pub(crate) fn require_verified(publisher: &Publisher) -> Result<(), AppError> {
    match publisher.state {
        PublisherState::Verified => Ok(()),
        PublisherState::Applied => Err(AppError::Denied(format!(
            "publisher `{}` is not verified yet: the operator is looking at the application",
            publisher.slug
        ))),
        PublisherState::Rejected | PublisherState::Suspended => Err(AppError::Denied(format!(
            "publisher `{}` is {}: {}",
            publisher.slug,
            publisher.state,
            publisher
                .reason
                .as_deref()
                .unwrap_or("ask the operator why")
        ))),
    }
}
