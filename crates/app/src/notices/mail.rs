//! Notices on their way out as mail: what is due for a person goes in one letter. Taking it
//! keeps others from it for a while; what is not said to be sent by then is sent again.

use chrono::{DateTime, TimeDelta, Utc};
use market::{LetterId, MAIL_LATE, MailState, NoticeId};
use store::{
    Tx,
    notices::{Addressed, MailOutcome},
};

use crate::{App, AppError, letters::after_attempt};

/// Notices in one letter at most.
const MOST_ITEMS: i64 = 50;
/// How long somebody has a letter to send it.
const LEASE: TimeDelta = TimeDelta::minutes(5);

/// A letter to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// What it is made of.
    pub of: Mailed,
    /// How often it was tried before.
    pub attempts: i64,
    /// The person's name, where they have an account.
    pub name: Option<String>,
    /// Their address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// What it tells: what is obligatory first, then the oldest first.
    pub items: Vec<MailItem>,
    /// Where such mail can be ended; none where it is obligatory.
    pub mute: Option<MuteLink>,
    /// The same for every attempt.
    pub message_id: String,
}

/// What a mail is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mailed {
    /// Notices to one person.
    Notices(Vec<NoticeId>),
    /// A letter to an address.
    Letter(LetterId),
}

/// One notice in a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailItem {
    /// One line.
    pub title: String,
    /// Plain text.
    pub body: String,
    /// The page that it is about.
    pub url: String,
}

/// Where mail can be ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuteLink {
    /// The page.
    pub url: String,
    /// What it ends, in words.
    pub label: &'static str,
}

impl App {
    /// Takes the letter that waits longest, if one is to be sent now.
    ///
    /// # Errors
    /// The database refused.
    pub async fn take_mail(&self) -> Result<Option<Mail>, AppError> {
        loop {
            let mut tx = self.begin().await?;
            let now = self.now();
            let claimed =
                store::notices::claim_mails(&mut tx, now, now + LEASE, MOST_ITEMS).await?;
            if claimed.is_empty() {
                let letter = self.take_letter(&mut tx, LEASE).await?;
                tx.commit().await?;
                return Ok(letter);
            }
            let mut wanted = Vec::new();
            for addressed in claimed {
                if set_aside(&mut tx, &addressed, now).await? {
                    continue;
                }
                wanted.push(addressed);
            }
            tx.commit().await?;
            // All of this person's may have been set aside; somebody else's wait behind.
            if let Some(mail) = self.letter(wanted) {
                return Ok(Some(mail));
            }
        }
    }

    fn letter(&self, mut notices: Vec<Addressed>) -> Option<Mail> {
        let base = &self.config.public_url;
        let newest = notices.last()?.notice.clone();
        notices.sort_by_key(|addressed| !addressed.notice.kind.is_obligatory());
        let first = notices.first()?.clone();
        let more = notices.len() - 1;
        let mut ended = notices
            .iter()
            .map(|addressed| &addressed.notice)
            .filter(|notice| !notice.kind.is_obligatory());
        let mute = ended.next().map(|notice| {
            let (page, label) = if ended.all(|other| other.kind == notice.kind) {
                ("mute", "No more mail of this kind")
            } else {
                ("mute-all", "No more mail but what is always sent")
            };
            let url = format!("{base}/notices/{page}/{}", notice.mute_key);
            MuteLink { url, label }
        });
        Some(Mail {
            // A letter that grew before it was tried again is another one.
            message_id: format!("<{}@{}>", newest.id, self.config.host()),
            subject: match more {
                0 => first.notice.title,
                more => format!("{} (and {more} more)", first.notice.title),
            },
            attempts: notices.iter().map(|one| one.notice.attempts).max()?,
            of: Mailed::Notices(notices.iter().map(|one| one.notice.id.clone()).collect()),
            name: Some(first.account),
            to: first.email,
            mute,
            items: notices
                .into_iter()
                .map(|Addressed { notice, .. }| MailItem {
                    url: format!("{base}{}", notice.path),
                    title: notice.title,
                    body: notice.body,
                })
                .collect(),
        })
    }

    /// Notes that a letter was sent, or why it was not; that is tried again, less and less often.
    ///
    /// # Errors
    /// The database refused.
    pub async fn mail_ended(
        &self,
        mail: &Mail,
        outcome: Result<(), String>,
    ) -> Result<(), AppError> {
        let attempts = mail.attempts + 1;
        let now = self.now();
        let (state, at) = after_attempt(attempts, &outcome, now);
        let outcome = MailOutcome {
            mail: state,
            at,
            attempts,
            error: outcome.as_ref().err().map(String::as_str),
        };
        let mut tx = self.begin().await?;
        match &mail.of {
            Mailed::Notices(ids) => {
                for id in ids {
                    store::notices::set_mail(&mut tx, id, outcome).await?;
                }
            }
            Mailed::Letter(id) => store::letters::set_mail(&mut tx, id, outcome).await?,
        }
        Ok(tx.commit().await?)
    }
}

/// Sees to a notice that does not go out now: its reader wants no such mail, or only once a
/// day, or it is no longer news.
async fn set_aside(
    tx: &mut Tx,
    addressed: &Addressed,
    now: DateTime<Utc>,
) -> Result<bool, AppError> {
    let notice = &addressed.notice;
    if notice.kind.is_obligatory() {
        return Ok(false);
    }
    let (mail, at) = match addressed.choice.due(notice.created_at) {
        None => (MailState::Muted, now),
        Some(_) if now - notice.created_at > MAIL_LATE => (MailState::Late, now),
        Some(due) if due > now => (MailState::Waiting, due),
        Some(_) => return Ok(false),
    };
    let outcome = MailOutcome {
        mail,
        at,
        attempts: notice.attempts,
        error: None,
    };
    store::notices::set_mail(tx, &notice.id, outcome).await?;
    Ok(true)
}
