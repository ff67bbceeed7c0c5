//! A publisher no longer offers a tag that it released. The image stays where it is, under its
//! digest, for those who run it; nothing names it any more, and nothing is promised of it.

use market::{Action, NoticeKind, is_same_line};
use store::{Tx, products::Product};
use trust::log::Event;

use crate::{
    Actor, App, AppError,
    audit::Change,
    notices::{News, without},
};

impl App {
    /// Withdraws a released tag of the asker's own product. What it took the place of and is
    /// still offered has to keep its promises again, with the times that it had.
    ///
    /// # Errors
    /// There is no such product on the market or no such tag, it is the last one, no reason is
    /// given, or the asker is no editor.
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
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(AppError::invalid(
                "reason",
                "say why; it stands in the audit log",
            ));
        }
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
        store::releases::withdraw_tag(tx, &product.id, tag, self.now()).await?;
        store::repositories::delete_tag(tx, &newest.repository_id, tag).await?;
        self.restore_line(tx, &product, tag).await?;
        if let Some(newest) = store::releases::newest(tx, &product.id).await? {
            store::products::set_certified(tx, &product.id, newest.certified).await?;
        }
        Ok(newest.digest.clone())
    }

    /// Has the newest release of a tag's line that is still offered stand: nothing offered is
    /// without its promises because of what was withdrawn.
    async fn restore_line(
        &self,
        tx: &mut Tx,
        product: &Product,
        tag: &str,
    ) -> Result<(), AppError> {
        let offered = store::releases::of_product(tx, &product.id).await?;
        let next = offered
            .iter()
            .find(|release| is_same_line(&release.tag, tag));
        let Some(next) = next else {
            return Ok(());
        };
        if store::releases::stands(tx, &next.submission_id).await? {
            return Ok(());
        }
        store::releases::set_standing(tx, &next.id).await?;
        let submission = store::submissions::find(tx, &next.submission_id).await?;
        let submission =
            submission.ok_or_else(|| AppError::not_found("submission", next.id.as_str()))?;
        self.start_clocks(tx, &submission).await?;
        self.announce_promises(tx, &product.id).await
    }

    async fn tell_of_tag(
        &self,
        tx: &mut Tx,
        (actor, product, name): (&Actor, &Product, &str),
        tag: &str,
        reason: &str,
    ) -> Result<(), AppError> {
        let path = format!("/p/{name}/tags");
        let at = self.now().timestamp_millis();
        let news = |body| News {
            kind: NoticeKind::Withdrawn,
            cause: format!("tag-withdrawn:{}:{tag}:{at}", product.id),
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
