//! What people are told: noted in the transaction that makes it true, shown on a page of
//! theirs, and sent by mail beside it. Nobody is told of one cause twice.

mod mail;
mod news;

use market::{AccountId, Action, MailState, NoticeId, NoticeKind};
use store::{
    Tx,
    notices::{Addressed, Notice},
};

use crate::{Actor, App, AppError, state::random};

pub use mail::Mail;

/// Notices on one page.
pub const NOTICES_AT_ONCE: i64 = 50;

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
}

/// Whether somebody wants mail of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoticePreference {
    /// The kind.
    pub kind: NoticeKind,
    /// Whether mail is sent; what is obligatory always is.
    pub mail: bool,
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

    /// Returns the asker's notices, newest first, from before the notice `before` on.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn my_notices(
        &self,
        actor: &Actor,
        before: &str,
        limit: i64,
    ) -> Result<Vec<Notice>, AppError> {
        let mut tx = self.read().await?;
        let account = self.reader(&mut tx, actor, Action::ReadOwnAccount).await?;
        let limit = limit.clamp(1, 1_000);
        Ok(store::notices::of_account(&mut tx, &account, before, limit).await?)
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

    /// Returns of which kinds the asker wants mail.
    ///
    /// # Errors
    /// Nobody is signed in.
    pub async fn notice_preferences(
        &self,
        actor: &Actor,
    ) -> Result<Vec<NoticePreference>, AppError> {
        let mut tx = self.read().await?;
        let account = self.reader(&mut tx, actor, Action::ReadOwnAccount).await?;
        let muted = store::notices::muted(&mut tx, &account).await?;
        let preference = |kind: &NoticeKind| NoticePreference {
            kind: *kind,
            mail: kind.is_obligatory() || !muted.iter().any(|muted| muted == kind.as_str()),
        };
        Ok(NoticeKind::ALL.iter().map(preference).collect())
    }

    /// Sets of which kinds the asker wants mail.
    ///
    /// # Errors
    /// One of them is obligatory and would be muted, or nobody is signed in, or with too little.
    pub async fn set_notice_preferences(
        &self,
        actor: &Actor,
        preferences: &[NoticePreference],
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let account = self
            .reader(&mut tx, actor, Action::ManageOwnNotices)
            .await?;
        for NoticePreference { kind, mail } in preferences {
            if kind.is_obligatory() && !mail {
                let message = format!("mail of the kind `{kind}` is always sent");
                return Err(AppError::Conflict(message));
            }
            store::notices::set_muted(&mut tx, &account, *kind, !mail).await?;
        }
        Ok(tx.commit().await?)
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
        store::notices::set_muted(&mut tx, &notice.account_id, notice.kind, true).await?;
        tx.commit().await?;
        Ok(notice.kind)
    }

    /// Returns everybody's notices, newest first, with how their mail fares.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn outbox(
        &self,
        actor: &Actor,
        before: &str,
        limit: i64,
    ) -> Result<Vec<Addressed>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadOutbox, None)
            .await?;
        Ok(store::notices::newest(&mut tx, before, limit.clamp(1, 1_000)).await?)
    }

    async fn reader(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        action: Action,
    ) -> Result<AccountId, AppError> {
        self.authorize(tx, actor, action, None).await?;
        Ok(actor.require_account("to read your notices")?.id.clone())
    }
}

async fn find_by_key(tx: &mut Tx, key: &str) -> Result<Notice, AppError> {
    let found = store::notices::find_by_mute_key(tx, key).await?;
    found.ok_or_else(|| AppError::not_found("mail with the key", key))
}
