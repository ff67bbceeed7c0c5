//! A publisher no longer offers a tag that it released. The image stays where it is, under its
//! digest, for those who run it; nothing names it any more, and nothing is promised of it.

use market::{Action, EventId, NoticeKind, is_same_line};
use store::{Tx, products::Product, releases::Release};
use trust::log::Event;

use crate::{
    Actor, App, AppError,
    audit::{Change, stated},
    notices::{News, without},
};

impl App {
    /// Withdraws a released tag of the asker's own product: of a line of releases the oldest first.
    ///
    /// # Errors
    /// There is no such product on the market or no such tag, it is the last one or took the place
    /// of one that is still offered, no reason is given, or the asker is no editor.
    pub async fn withdraw_tag(
        &self,
        actor: &Actor,
        (publisher, product): (&str, &str),
        tag: &str,
        reason: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.read().await?;
        let (publisher, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        self.authorize(&mut tx, actor, Action::WithdrawTag, Some(&publisher.id))
            .await?;
        drop(tx);
        let reason = stated(reason)?;
        let name = format!("{}/{}", publisher.slug, product.slug);
        let key = self.targets_key(&name).await?;
        let mut tx = self.begin().await?;
        let digest = self.take_tag(&mut tx, (&product, &name), tag).await?;
        self.log(&mut tx, &name, withdrawn(tag), self.now()).await?;
        self.sign_targets(&mut tx, (&name, &key), &product.id)
            .await?;
        let (before, after) = (format!("{tag} {digest}"), format!("{tag} withdrawn"));
        let change = Change {
            subject: product.id.as_str(),
            reason: Some(reason),
            before: Some(&before),
            after: Some(&after),
        };
        self.record(&mut tx, actor, Action::WithdrawTag, change)
            .await?;
        let about = (&product, name.as_str());
        self.publish_tag_withdrawn(&mut tx, about, (tag, &digest), reason)
            .await?;
        self.tell_of_tag(&mut tx, (actor, &product, &name), tag, reason)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Takes a tag from what is offered; gives the digest that it named.
    async fn take_tag(
        &self,
        tx: &mut Tx,
        (product, name): (&Product, &str),
        tag: &str,
    ) -> Result<String, AppError> {
        let product = store::products::lock(tx, &product.id).await?;
        let product = product.filter(|product| product.state.is_public());
        let product = product.ok_or_else(|| {
            AppError::Conflict(format!("{name} is not on the market: nothing is offered"))
        })?;
        let offered = store::releases::of_product(tx, &product.id).await?;
        let newest = offered.iter().find(|release| release.tag == tag);
        let newest = newest.ok_or_else(|| AppError::not_found("tag", format!("{name}:{tag}")))?;
        if offered.iter().all(|release| release.tag == tag) {
            return Err(AppError::Conflict(format!(
                "{tag} is the last tag of {name}: withdraw the product instead"
            )));
        }
        Self::check_line(tx, &offered, tag).await?;
        store::releases::withdraw_tag(tx, &product.id, tag, self.now()).await?;
        store::repositories::delete_tag(tx, &newest.repository_id, tag).await?;
        if let Some(newest) = store::releases::newest(tx, &product.id).await? {
            store::products::set_certified(tx, &product.id, newest.certified).await?;
        }
        Ok(newest.digest.clone())
    }

    /// Refuses to withdraw what took the place of something that is still offered: that would
    /// stay on offer with nobody to keep it up, unwatched since it was replaced.
    async fn check_line(tx: &mut Tx, offered: &[Release], tag: &str) -> Result<(), AppError> {
        let mut others = offered.iter().filter(|release| release.tag != tag);
        let Some(next) = others.find(|release| is_same_line(&release.tag, tag)) else {
            return Ok(());
        };
        if store::releases::stands(tx, &next.submission_id).await? {
            return Ok(());
        }
        Err(AppError::Conflict(format!(
            "{tag} took the place of {}, which is still offered: withdraw that first, or release a newer one",
            next.tag
        )))
    }

    async fn tell_of_tag(
        &self,
        tx: &mut Tx,
        (actor, product, name): (&Actor, &Product, &str),
        tag: &str,
        reason: &str,
    ) -> Result<(), AppError> {
        let path = format!("/p/{name}/tags");
        let event = self.id(EventId::new);
        let news = |body| News {
            kind: NoticeKind::Withdrawn,
            cause: format!("tag-withdrawn:{}:{tag}:{event}", product.id),
            title: format!("{name}: {tag} was withdrawn"),
            body,
            path: &path,
            product: Some(&product.id),
        };
        let publisher = store::notices::publishers_people(tx, &product.publisher_id).await?;
        let publisher = without(publisher, actor);
        let told = format!("{name}:{tag} is no longer offered.\n\n{reason}");
        self.tell(tx, &publisher, &news(told)).await?;
        let consumers = store::notices::consumers(tx, &product.id, false).await?;
        let consumers = without(consumers, actor);
        let told = format!(
            "{name}:{tag} is no longer offered by its publisher. What you run keeps running; change to another release."
        );
        self.tell(tx, &consumers, &news(told)).await
    }
}

fn withdrawn(tag: &str) -> Event {
    Event::TagWithdrawn {
        tag: tag.to_owned(),
    }
}
