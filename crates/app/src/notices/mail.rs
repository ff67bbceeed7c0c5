//! Notices on their way out as mail. Taking one keeps others from it for a while; what is
//! not said to be sent by then is sent again, under the same message id.

use chrono::TimeDelta;
use market::{MAIL_ATTEMPTS, MailState, NoticeId, mail_back_off};
use store::notices::{Addressed, MailOutcome};

use crate::{App, AppError};

/// Mails taken at once.
const AT_ONCE: i64 = 20;
/// How long somebody has a mail to send it.
const LEASE: TimeDelta = TimeDelta::minutes(5);

/// A mail to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The notice.
    pub id: NoticeId,
    /// How often it was tried before.
    pub attempts: i64,
    /// The person's name.
    pub name: String,
    /// Their address.
    pub to: String,
    /// One line.
    pub subject: String,
    /// Plain text.
    pub body: String,
    /// The page that it is about.
    pub url: String,
    /// Where mail of this kind can be ended; none where it is obligatory.
    pub mute_url: Option<String>,
    /// The same for every attempt.
    pub message_id: String,
}

impl App {
    /// Takes mails that are to be sent now.
    ///
    /// # Errors
    /// The database refused.
    pub async fn take_mails(&self) -> Result<Vec<Mail>, AppError> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let claimed = store::notices::claim_mails(&mut tx, now, now + LEASE, AT_ONCE).await?;
        let mut mails = Vec::new();
        for addressed in claimed {
            let notice = &addressed.notice;
            if addressed.muted && !notice.kind.is_obligatory() {
                let outcome = MailOutcome {
                    mail: MailState::Muted,
                    at: now,
                    attempts: notice.attempts,
                    error: None,
                };
                store::notices::set_mail(&mut tx, &notice.id, outcome).await?;
            } else {
                mails.push(self.mail(addressed));
            }
        }
        tx.commit().await?;
        Ok(mails)
    }

    fn mail(&self, addressed: Addressed) -> Mail {
        let Addressed {
            notice,
            account,
            email,
            muted: _,
        } = addressed;
        let base = &self.config.public_url;
        let may_end = !notice.kind.is_obligatory();
        Mail {
            message_id: format!("<{}@{}>", notice.id, self.config.host()),
            mute_url: may_end.then(|| format!("{base}/notices/mute/{}", notice.mute_key)),
            url: format!("{base}{}", notice.path),
            id: notice.id,
            attempts: notice.attempts,
            name: account,
            to: email,
            subject: notice.title,
            body: notice.body,
        }
    }

    /// Notes that a mail was sent, or why it was not; that is tried again, less and less often.
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
        let (state, at) = match &outcome {
            Ok(()) => (MailState::Sent, now),
            Err(_) if attempts >= MAIL_ATTEMPTS => (MailState::Failed, now),
            Err(_) => (MailState::Waiting, now + mail_back_off(attempts)),
        };
        let outcome = MailOutcome {
            mail: state,
            at,
            attempts,
            error: outcome.as_ref().err().map(String::as_str),
        };
        let mut tx = self.begin().await?;
        store::notices::set_mail(&mut tx, &mail.id, outcome).await?;
        Ok(tx.commit().await?)
    }
}
