//! How people want their mail: of each kind, and about single products otherwise than about all.

use market::{AccountId, Action, MailChoice, NoticeKind, ProductId};
use store::{Tx, notices::Notice};

use crate::{Actor, App, AppError};

/// How somebody wants mail of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticePreference {
    /// The kind.
    pub kind: NoticeKind,
    /// Their choice. Without one about a product it is as about all products, and without one
    /// about all it is sent at once. What is obligatory is always sent at once.
    pub mail: Option<MailChoice>,
}

impl App {
    /// Returns how the asker wants mail of each kind: about a product, `publisher/product`, or
    /// about all that they chose nothing else for.
    ///
    /// # Errors
    /// Nobody is signed in, or they see no such product.
    pub async fn notice_preferences(
        &self,
        actor: &Actor,
        product: Option<&str>,
    ) -> Result<Vec<NoticePreference>, AppError> {
        let mut tx = self.read().await?;
        let account = self.reader(&mut tx, actor, Action::ReadOwnAccount).await?;
        let product = self.chosen_for(&mut tx, actor, product).await?;
        let choices = store::notices::choices(&mut tx, &account, &product).await?;
        let preference = |kind: &NoticeKind| NoticePreference {
            kind: *kind,
            mail: choices
                .iter()
                .find(|(of, _)| of == kind.as_str() && !kind.is_obligatory())
                .and_then(|(_, choice)| choice.parse().ok()),
        };
        Ok(NoticeKind::ALL.iter().map(preference).collect())
    }

    /// Sets how the asker wants mail of some kinds, about a product or about all.
    ///
    /// # Errors
    /// One of them is obligatory and would not be sent at once; nobody is signed in, or with
    /// too little; or they see no such product.
    pub async fn set_notice_preferences(
        &self,
        actor: &Actor,
        product: Option<&str>,
        preferences: &[NoticePreference],
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let account = self
            .reader(&mut tx, actor, Action::ManageOwnNotices)
            .await?;
        let product = self.chosen_for(&mut tx, actor, product).await?;
        for NoticePreference { kind, mail } in preferences {
            let as_always = matches!(mail, None | Some(MailChoice::AtOnce));
            if kind.is_obligatory() && !as_always {
                let message = format!("mail of the kind `{kind}` is always sent at once");
                return Err(AppError::Conflict(message));
            }
            store::notices::choose(&mut tx, &account, (*kind, &product), *mail).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Returns the products that the asker chose something of their own for.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn products_with_preferences(&self, actor: &Actor) -> Result<Vec<String>, AppError> {
        let mut tx = self.read().await?;
        let account = self.reader(&mut tx, actor, Action::ReadOwnAccount).await?;
        Ok(store::notices::products_with_choices(&mut tx, &account).await?)
    }

    /// Returns the kind that a mail's key ends, for the page that asks whether to.
    ///
    /// # Errors
    /// There is no such mail.
    pub async fn kind_to_mute(&self, key: &str) -> Result<NoticeKind, AppError> {
        Ok(find_by_key(&mut self.read().await?, key).await?.kind)
    }

    /// Ends mail of a kind to whoever got the mail with this key; obligatory kinds go on.
    ///
    /// # Errors
    /// There is no such mail, or its kind is obligatory.
    pub async fn mute_by_key(&self, key: &str) -> Result<NoticeKind, AppError> {
        let mut tx = self.begin().await?;
        let notice = find_by_key(&mut tx, key).await?;
        if notice.kind.is_obligatory() {
            return Err(AppError::Conflict(
                "mail of this kind is always sent: it is about promises and images in use"
                    .to_owned(),
            ));
        }
        store::notices::mute(&mut tx, &notice.account_id, notice.kind).await?;
        tx.commit().await?;
        Ok(notice.kind)
    }

    /// Ends all mail that is not obligatory to whoever got the mail with this key.
    ///
    /// # Errors
    /// There is no such mail.
    pub async fn mute_all_by_key(&self, key: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let account = find_by_key(&mut tx, key).await?.account_id;
        let kinds = NoticeKind::ALL.iter().filter(|kind| !kind.is_obligatory());
        for kind in kinds {
            store::notices::mute(&mut tx, &account, *kind).await?;
        }
        Ok(tx.commit().await?)
    }

    pub(super) async fn reader(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: Action,
    ) -> Result<AccountId, AppError> {
        self.authorize(tx, actor, action, None).await?;
        Ok(actor.require_account("to read your notices")?.id.clone())
    }

    /// Returns the id of a product that the asker sees, as their choices are kept under; an
    /// empty text for all products.
    async fn chosen_for(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        product: Option<&str>,
    ) -> Result<String, AppError> {
        let Some(name) = product else {
            return Ok(String::new());
        };
        let missing = || AppError::not_found("product", name);
        let (publisher, product) = name.split_once('/').ok_or_else(missing)?;
        let found = match self.public_product(tx, publisher, product).await {
            Err(AppError::NotFound { .. }) => self.own_product(tx, actor, publisher, product).await,
            found => found,
        };
        let id: ProductId = found.map_err(|_hidden| missing())?.1.id;
        Ok(id.to_string())
    }
}

async fn find_by_key(tx: &mut Tx, key: &str) -> Result<Notice, AppError> {
    let found = store::notices::find_by_mute_key(tx, key).await?;
    found.ok_or_else(|| AppError::not_found("mail with the key", key))
}
