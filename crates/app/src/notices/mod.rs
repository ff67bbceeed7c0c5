//! What people are told: noted in the transaction that makes it true, shown on a page of
//! theirs, and sent by mail beside it. Nobody is told of one cause twice.

mod choices;
mod mail;
mod news;
mod organisations;

use market::{AccountId, Action, MailState, NoticeId, NoticeKind, ProductId};
use store::{
    Part, Tx,
    notices::{Addressed, Notice},
};

use crate::{Actor, App, AppError, state::random};

pub(crate) use news::without;

pub use choices::NoticePreference;
pub use mail::{Mail, MailItem, Mailed, MuteLink};

/// Something to tell people of.
pub(crate) struct News<'a> {
    /// What it is about.
    pub(crate) kind: NoticeKind,
    /// What happened; whoever was told of it is not told again.
    pub(crate) cause: String,
    /// One line.
    pub(crate) title: String,
    /// Plain text, in sentences.
    pub(crate) body: String,
    /// The page that it is about, from `/`.
    pub(crate) path: &'a str,
    /// The product that it is about.
    pub(crate) product: Option<&'a ProductId>,
}

impl App {
    /// Tells people, each once.
    pub(crate) async fn tell(
        &self,
        tx: &mut Tx,
        people: &[AccountId],
        news: &News<'_>,
    ) -> Result<(), AppError> {
        for account in people {
            let notice = Notice {
                id: self.id(NoticeId::new),
                account_id: account.clone(),
                kind: news.kind,
                cause: news.cause.clone(),
                title: news.title.clone(),
                body: news.body.clone(),
                path: news.path.to_owned(),
                product_id: news.product.map(ToString::to_string),
                mute_key: hex::encode(random::<16>()),
                created_at: self.now(),
                read_at: None,
                mail: MailState::Waiting,
                mail_at: self.now(),
                attempts: 0,
                error: None,
            };
            store::notices::create(tx, &notice).await?;
        }
        Ok(())
    }

    /// Returns a part of the asker's notices, newest first.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn my_notices(&self, actor: &Actor, part: Part<'_>) -> Result<Vec<Notice>, AppError> {
        let mut tx = self.read().await?;
        let account = self.reader(&mut tx, actor, Action::ReadOwnAccount).await?;
        Ok(store::notices::of_account(&mut tx, &account, part).await?)
    }

    /// Returns how many notices the asker has not seen.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn unread_notices(&self, actor: &Actor) -> Result<i64, AppError> {
        let mut tx = self.read().await?;
        let account = self.reader(&mut tx, actor, Action::ReadOwnAccount).await?;
        Ok(store::notices::unread(&mut tx, &account).await?)
    }

    /// Notes that the asker has seen all notices.
    ///
    /// # Errors
    /// Nobody is signed in, or with too little.
    pub async fn read_notices(&self, actor: &Actor) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let account = self
            .reader(&mut tx, actor, Action::ManageOwnNotices)
            .await?;
        store::notices::set_read(&mut tx, &account, self.now()).await?;
        Ok(tx.commit().await?)
    }

    /// Returns a part of everybody's notices, newest first, with how their mail fares.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn outbox(&self, actor: &Actor, part: Part<'_>) -> Result<Vec<Addressed>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadOutbox, None)
            .await?;
        Ok(store::notices::newest(&mut tx, part).await?)
    }
}
