//! Letters to addresses that need no account. The link in one ends in its identifier and a
//! secret that is derived from it, so that whoever reads the database cannot follow it.

use chrono::{DateTime, TimeDelta, Utc};
use market::{Action, LetterId, MAIL_ATTEMPTS, MailState, mail_back_off, may_mail_again};
use store::{
    Part, Tx,
    letters::{self as rows, Letter},
    notices::MailOutcome,
};
use subtle::ConstantTimeEq as _;

use crate::{
    Actor, App, AppError,
    accounts::secret_text,
    notices::{Mail, MailItem, Mailed},
};

/// What to write to whom.
pub(crate) struct NewLetter<'a> {
    /// Where it goes.
    pub(crate) address: &'a str,
    /// One line.
    pub(crate) subject: String,
    /// Plain text, in sentences.
    pub(crate) body: String,
    /// The page that it leads to, without a slash at its end.
    pub(crate) path: &'a str,
    /// From when on it is of no use.
    pub(crate) good_until: DateTime<Utc>,
}

/// A letter as the operator sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LetterView {
    /// The letter.
    pub letter: Letter,
    /// Where it leads, where it was not sent and the asker may hand it over instead.
    pub link: Option<String>,
}

impl App {
    /// Writes a letter, which is sent beside the transaction.
    pub(crate) async fn write_letter(
        &self,
        tx: &mut Tx,
        new: NewLetter<'_>,
    ) -> Result<LetterId, AppError> {
        let letter = Letter {
            id: self.id(LetterId::new),
            address: new.address.to_owned(),
            subject: new.subject,
            body: new.body,
            path: new.path.to_owned(),
            good_until: new.good_until,
            created_at: self.now(),
            mail: MailState::Waiting,
            mail_at: self.now(),
            attempts: 0,
            error: None,
        };
        rows::create(tx, &letter).await?;
        Ok(letter.id)
    }

    /// Says when the next letter to an address may be written, where it may not be yet.
    pub(crate) fn may_write_again(&self, written: &[DateTime<Utc>]) -> Result<(), AppError> {
        let now = self.now();
        may_mail_again(written, now)
            .map_err(|next| AppError::TooMany((next - now).to_std().unwrap_or_default()))
    }

    /// Returns which letter a link came with.
    pub(crate) fn open_letter(&self, id: &str, key: &str) -> Result<LetterId, AppError> {
        // What is wrong with a link is not said to whoever guesses.
        let missing = || AppError::not_found("letter with the link", id);
        let letter: LetterId = id.parse().map_err(|_malformed| missing())?;
        let expected = self.letter_key(&letter);
        let fits: bool = expected.as_bytes().ct_eq(key.as_bytes()).into();
        fits.then_some(letter).ok_or_else(missing)
    }

    fn letter_key(&self, letter: &LetterId) -> String {
        let seed = self
            .keys
            .trust
            .derive_seed(format!("letter\n{letter}").as_bytes());
        secret_text(&seed)
    }

    fn letter_link(&self, letter: &Letter) -> String {
        let key = self.letter_key(&letter.id);
        format!(
            "{}{}/{}/{key}",
            self.config.public_url, letter.path, letter.id
        )
    }

    /// Returns a part of the letters to addresses, newest first, with how their mail fares. What was not
    /// sent can be handed over by an operator who signed in with their password.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn list_letters(
        &self,
        actor: &Actor,
        part: Part<'_>,
    ) -> Result<Vec<LetterView>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadOutbox, None)
            .await?;
        let letters = rows::newest(&mut tx, part).await?;
        let now = self.now();
        let view = |letter: Letter| {
            let unsent = matches!(letter.mail, MailState::Waiting | MailState::Failed);
            // A token may be good for less than what a link is good for.
            let show = unsent && letter.good_until > now && actor.token().is_none();
            LetterView {
                link: show.then(|| self.letter_link(&letter)),
                letter,
            }
        };
        Ok(letters.into_iter().map(view).collect())
    }

    /// Takes the letter that waits longest, if one is to be sent now.
    pub(crate) async fn take_letter(
        &self,
        tx: &mut Tx,
        lease: TimeDelta,
    ) -> Result<Option<Mail>, AppError> {
        let now = self.now();
        while let Some(letter) = rows::claim(tx, now, now + lease).await? {
            if letter.good_until <= now {
                let outcome = MailOutcome {
                    mail: MailState::Late,
                    at: now,
                    attempts: letter.attempts,
                    error: None,
                };
                rows::set_mail(tx, &letter.id, outcome).await?;
                continue;
            }
            return Ok(Some(Mail {
                attempts: letter.attempts,
                name: None,
                to: letter.address.clone(),
                subject: letter.subject.clone(),
                mute: None,
                message_id: format!("<{}@{}>", letter.id, self.config.host()),
                items: vec![MailItem {
                    title: letter.subject.clone(),
                    body: letter.body.clone(),
                    url: self.letter_link(&letter),
                }],
                of: Mailed::Letter(letter.id),
            }));
        }
        Ok(None)
    }
}

/// Returns how a mail fares after an attempt.
pub(crate) fn after_attempt(
    attempts: i64,
    outcome: &Result<(), String>,
    now: DateTime<Utc>,
) -> (MailState, DateTime<Utc>) {
    match outcome {
        Ok(()) => (MailState::Sent, now),
        Err(_) if attempts >= MAIL_ATTEMPTS => (MailState::Failed, now),
        Err(_) => (MailState::Waiting, now + mail_back_off(attempts)),
    }
}
