//! Classes by hand: the certification team classifies what nobody scored, or what is scored
//! wrongly, with a reason. Findings and clocks follow in the same transaction, and so they do
//! when it is taken back.

use market::{Action, Class, ClassificationId, ProductId, classified};
use store::{
    Part, Tx,
    classifications::{Classification, Unscored},
    products::Product,
    publishers::Publisher,
};

use crate::{Actor, App, AppError, audit::Change, finding_view::FindingView};

/// Vulnerabilities without a score that are shown at once.
const UNSCORED: i64 = 200;

/// A class to give by hand.
#[derive(Debug, Clone, Copy)]
pub struct NewClassification<'a> {
    /// The vulnerability, by any of its names.
    pub vulnerability: &'a str,
    /// Publisher and product; nothing for every product.
    pub product: Option<(&'a str, &'a str)>,
    /// The class.
    pub class: Class,
    /// Why; the publishers concerned read it.
    pub reason: &'a str,
}

/// A class by hand, and what it is about.
#[derive(Debug, Clone)]
pub struct ClassificationEntry {
    /// The classification.
    pub classification: Classification,
    /// The product as `publisher/product`; nothing for every product.
    pub product: Option<String>,
}

impl App {
    /// Returns a part of what was classified by hand: of what counts, of what no longer does, or
    /// of all; the newest first.
    ///
    /// # Errors
    /// The asker may not see it.
    pub async fn classifications(
        &self,
        actor: &Actor,
        counting: Option<bool>,
        part: Part<'_>,
    ) -> Result<Vec<ClassificationEntry>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadQueue, None)
            .await?;
        let mut entries = Vec::new();
        for classification in store::classifications::newest(&mut tx, counting, part).await? {
            entries.push(self.classification_entry(&mut tx, classification).await?);
        }
        Ok(entries)
    }

    /// Returns vulnerabilities that nobody scored, the 200 that are known longest: what is
    /// classified makes room for others.
    ///
    /// # Errors
    /// The asker may not see it.
    pub async fn unscored(&self, actor: &Actor) -> Result<Vec<Unscored>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadQueue, None)
            .await?;
        Ok(store::classifications::unscored(&mut tx, UNSCORED).await?)
    }

    /// Gives a vulnerability a class by hand, in one product or in every product; the one before
    /// of the same is replaced.
    ///
    /// # Errors
    /// It lacks something, there is no such product, it is so already, or the asker may not
    /// (never on their own organisation's work).
    pub async fn classify(
        &self,
        actor: &Actor,
        new: NewClassification<'_>,
    ) -> Result<ClassificationEntry, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::Classify, None)
            .await?;
        let (vulnerability, reason) = (new.vulnerability.trim(), new.reason.trim());
        let problems = classified(vulnerability, new.class, reason);
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        let home = match new.product {
            Some((publisher, product)) => {
                Some(self.own_product(&mut tx, actor, publisher, product).await?)
            }
            None => None,
        };
        let product = home.as_ref().map(|(_, product)| &product.id);
        store::component_index::enter(&mut tx).await?;
        self.check_not_own(
            &mut tx,
            actor,
            (Action::Classify, home.as_ref()),
            vulnerability,
        )
        .await?;
        let before = self.class_before(&mut tx, product, vulnerability).await?;
        if before
            .as_ref()
            .is_some_and(|it| (it.class, &*it.reason) == (new.class, reason))
        {
            return Err(AppError::Conflict("it is classified so already".to_owned()));
        }
        let account = actor.require_account("to classify a vulnerability")?;
        let classification = Classification {
            id: self.id(ClassificationId::new),
            vulnerability: vulnerability.to_owned(),
            product_id: product.cloned(),
            class: new.class,
            reason: reason.to_owned(),
            made_by: account.id.clone(),
            author: account.name.clone(),
            made_at: self.now(),
            ender: None,
            ended_at: None,
            end_reason: None,
        };
        self.put_class(&mut tx, actor, before.as_ref(), &classification)
            .await?;
        self.follow_class(&mut tx, &classification).await?;
        let entry = self.classification_entry(&mut tx, classification).await?;
        tx.commit().await?;
        Ok(entry)
    }

    /// Keeps a class by hand in the place of the one before, and records it.
    async fn put_class(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        before: Option<&Classification>,
        new: &Classification,
    ) -> Result<(), AppError> {
        if let Some(before) = before {
            let by = (&new.made_by, None);
            store::classifications::end(tx, &before.id, by, self.now()).await?;
        }
        let created = store::classifications::create(tx, new).await;
        created.map_err(|error| match error.is_conflict() {
            true => AppError::changed_meanwhile("classification"),
            false => error.into(),
        })?;
        let change = Change {
            subject: new.id.as_str(),
            reason: Some(&new.reason),
            before: before.map(|before| before.class.as_str()),
            after: Some(new.class.as_str()),
        };
        self.record(tx, actor, Action::Classify, change).await
    }

    /// Takes a class by hand back; the advisories' word counts again.
    ///
    /// # Errors
    /// There is none, it does not count any more, no reason is given, or the asker may not
    /// (never on their own organisation's work).
    pub async fn end_classification(
        &self,
        actor: &Actor,
        id: &str,
        reason: &str,
    ) -> Result<ClassificationEntry, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::Classify, None)
            .await?;
        let missing = || AppError::not_found("classification", id);
        let id: ClassificationId = id.parse().map_err(|_malformed| missing())?;
        let found = store::classifications::find(&mut tx, &id).await?;
        let found = found.ok_or_else(missing)?;
        let reason = reason.trim();
        let problems = classified(&found.vulnerability, found.class, reason);
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        let home = match &found.product_id {
            Some(product) => self.product_and_publisher(&mut tx, product).await?,
            None => None,
        };
        store::component_index::enter(&mut tx).await?;
        let what = (Action::Classify, home.as_ref());
        self.check_not_own(&mut tx, actor, what, &found.vulnerability)
            .await?;
        let account = actor.require_account("to take a classification back")?;
        let by = (&account.id, Some(reason));
        if !store::classifications::end(&mut tx, &id, by, self.now()).await? {
            return Err(AppError::Conflict(
                "this classification does not count any more".to_owned(),
            ));
        }
        let change = Change {
            subject: id.as_str(),
            reason: Some(reason),
            before: Some(found.class.as_str()),
            after: Some("ended"),
        };
        self.record(&mut tx, actor, Action::Classify, change)
            .await?;
        let ended = store::classifications::find(&mut tx, &id).await?;
        let ended = ended.ok_or_else(missing)?;
        self.follow_class(&mut tx, &ended).await?;
        let entry = self.classification_entry(&mut tx, ended).await?;
        tx.commit().await?;
        Ok(entry)
    }

    /// Has the findings follow, and tells the publishers for whom it changes anything.
    async fn follow_class(&self, tx: &mut Tx, by_hand: &Classification) -> Result<(), AppError> {
        let product = by_hand.product_id.as_ref();
        for product in self.settle(tx, product, &by_hand.vulnerability).await? {
            if let Some(product) = store::products::find(tx, &product).await? {
                self.tell_of_class(tx, &product, by_hand).await?;
            }
        }
        Ok(())
    }

    /// Returns what counts now of exactly this product, or of all, under exactly this name.
    async fn class_before(
        &self,
        tx: &mut Tx,
        product: Option<&ProductId>,
        vulnerability: &str,
    ) -> Result<Option<Classification>, AppError> {
        let products: Vec<&str> = product.iter().map(|product| product.as_str()).collect();
        let all = store::classifications::in_force(tx, &products, &[vulnerability]).await?;
        let same = |it: &Classification| it.product_id.as_ref() == product;
        Ok(all.into_iter().find(same))
    }

    /// Denies what is about a product of the asker's own organisation; of what is about every
    /// product, if one of theirs has it.
    pub(crate) async fn check_not_own(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        (action, home): (Action, Option<&(Publisher, Product)>),
        vulnerability: &str,
    ) -> Result<(), AppError> {
        if let Some((publisher, _)) = home {
            return self.authorize(tx, actor, action, Some(&publisher.id)).await;
        }
        let names = self.names_of(vulnerability).await?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for publisher in store::findings::publishers_with(tx, &names).await? {
            self.authorize(tx, actor, action, Some(&publisher)).await?;
        }
        Ok(())
    }

    async fn classification_entry(
        &self,
        tx: &mut Tx,
        classification: Classification,
    ) -> Result<ClassificationEntry, AppError> {
        let product = match &classification.product_id {
            Some(product) => self.product_and_publisher(tx, product).await?,
            None => None,
        };
        Ok(ClassificationEntry {
            product: product
                .map(|(publisher, product)| format!("{}/{}", publisher.slug, product.slug)),
            classification,
        })
    }

    /// Gives each finding of a product the class by hand to show beside it.
    pub(crate) async fn show_classes(
        &self,
        tx: &mut Tx,
        product: &ProductId,
        views: &mut [FindingView],
    ) -> Result<(), AppError> {
        let mut names: Vec<&str> = views.iter().flat_map(FindingView::names).collect();
        names.sort_unstable();
        names.dedup();
        let judgements = self
            .judgements_of(tx, std::slice::from_ref(product), &names)
            .await?;
        let Some(judgement) = judgements.get(product) else {
            return Ok(());
        };
        for view in views {
            view.classification = judgement.classified(&view.names()).cloned();
        }
        Ok(())
    }
}
