//! The publisher agreement: what the operator asks publishers to accept, and who did.

use market::Action;
use store::{
    Tx,
    agreements::{Acceptance, Agreement},
    publishers::Publisher,
};

use crate::{Actor, App, AppError, audit::Change};

/// The longest agreement, in characters.
const MOST_CHARACTERS: usize = 200_000;

/// Returns the text of an agreement without what is blank around it.
///
/// # Errors
///
/// [`AppError::Invalid`] where nothing is left, or there is too much.
pub(crate) fn agreement_text(text: &str) -> Result<&str, AppError> {
    let characters = text.chars().count();
    if characters > MOST_CHARACTERS {
        let message = format!("it has {characters} characters; {MOST_CHARACTERS} are the most");
        return Err(AppError::invalid("text", message));
    }
    match text.trim() {
        "" => Err(AppError::invalid("text", "write the agreement")),
        text => Ok(text),
    }
}

/// How a publisher stands towards the agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgreementState {
    /// The current version; none where publishers need accept nothing.
    pub current: Option<Agreement>,
    /// What was accepted for the publisher, the newest version first.
    pub accepted: Vec<Acceptance>,
    /// Whether the asker may accept it.
    pub may_accept: bool,
}

impl AgreementState {
    /// Returns the version that is still to be accepted.
    pub fn due(&self) -> Option<&Agreement> {
        let newest = self.accepted.first().map(|newest| newest.version);
        let current = self.current.as_ref();
        current.filter(|current| newest != Some(current.version))
    }
}

impl App {
    /// Returns a version of the publisher agreement, for everybody to read: without `version`
    /// the current one, if there is any.
    ///
    /// # Errors
    /// There is no such version.
    pub async fn agreement(&self, version: Option<i64>) -> Result<Option<Agreement>, AppError> {
        let mut tx = self.read().await?;
        let Some(version) = version else {
            return Ok(store::agreements::current(&mut tx).await?);
        };
        let found = store::agreements::find(&mut tx, version).await?;
        let missing = || AppError::not_found("version of the agreement", version.to_string());
        found.ok_or_else(missing).map(Some)
    }

    /// Returns the current version to whoever may write the next.
    ///
    /// # Errors
    /// The asker may not.
    pub async fn agreement_to_change(&self, actor: &Actor) -> Result<Option<Agreement>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::SetAgreement, None)
            .await?;
        Ok(store::agreements::current(&mut tx).await?)
    }

    /// Makes a new version of the agreement, which every publisher has to accept before it
    /// submits again. Earlier versions stay, as they were accepted.
    ///
    /// # Errors
    /// The text is empty, too long or what it was, or the asker may not.
    pub async fn set_agreement(&self, actor: &Actor, text: &str) -> Result<Agreement, AppError> {
        let mut tx = self.begin().await?;
        self.authorize(&mut tx, actor, Action::SetAgreement, None)
            .await?;
        let text = agreement_text(text)?;
        let current = store::agreements::current(&mut tx).await?;
        if current.as_ref().is_some_and(|current| current.text == text) {
            let message = "the text is the same as the current version's";
            return Err(AppError::Conflict(message.to_owned()));
        }
        let agreement = Agreement {
            version: current.map_or(1, |current| current.version + 1),
            text: text.to_owned(),
            set_at: self.now(),
        };
        store::agreements::create(&mut tx, &agreement).await?;
        let change = Change {
            subject: &format!("agreement {}", agreement.version),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::SetAgreement, change)
            .await?;
        tx.commit().await?;
        Ok(agreement)
    }

    /// Returns how a publisher stands towards the agreement.
    ///
    /// # Errors
    /// There is no such publisher, or the asker is no member.
    pub async fn agreement_state(
        &self,
        actor: &Actor,
        publisher: &str,
    ) -> Result<AgreementState, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, publisher).await?;
        let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
        Ok(AgreementState {
            current: store::agreements::current(&mut tx).await?,
            accepted: store::agreements::accepted(&mut tx, &publisher.id).await?,
            may_accept: crate::actor::check(actor, Action::AcceptAgreement, &roles).is_ok(),
        })
    }

    /// Accepts the current version of the agreement for a publisher; `version` is the one that
    /// was read.
    ///
    /// # Errors
    /// There is no such publisher, another version is current, or the asker may not.
    pub async fn accept_agreement(
        &self,
        actor: &Actor,
        publisher: &str,
        version: i64,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, publisher, Action::AcceptAgreement)
            .await?;
        if let Some(message) = self.not_accepted(&mut tx, Some(version)).await? {
            return Err(AppError::Conflict(message));
        }
        self.note_accepted(&mut tx, actor, &publisher, Some(version))
            .await?;
        Ok(tx.commit().await?)
    }

    /// Returns what to do where `version` is not the current one.
    pub(crate) async fn not_accepted(
        &self,
        tx: &mut Tx,
        version: Option<i64>,
    ) -> Result<Option<String>, AppError> {
        let current = store::agreements::current(tx).await?;
        let current = current.map(|current| current.version);
        Ok((current != version).then(|| match current {
            Some(current) => {
                format!("read and accept version {current} of the publisher agreement")
            }
            None => "there is no publisher agreement to accept".to_owned(),
        }))
    }

    pub(crate) async fn note_accepted(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        publisher: &Publisher,
        version: Option<i64>,
    ) -> Result<(), AppError> {
        let Some(version) = version else {
            return Ok(());
        };
        let account = actor.require_account("to accept the agreement")?.id.clone();
        let accepted = (version, &account);
        if !store::agreements::accept(tx, &publisher.id, accepted, self.now()).await? {
            return Ok(());
        }
        let change = Change {
            subject: publisher.id.as_str(),
            after: Some(&format!("agreement {version}")),
            ..Change::default()
        };
        self.record(tx, actor, Action::AcceptAgreement, change)
            .await
    }

    /// Checks that a publisher accepted the current version, before it submits.
    pub(crate) async fn require_agreement(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
    ) -> Result<(), AppError> {
        let Some(current) = store::agreements::current(tx).await? else {
            return Ok(());
        };
        let accepted = store::agreements::accepted(tx, &publisher.id).await?;
        if accepted.iter().any(|one| one.version == current.version) {
            return Ok(());
        }
        Err(AppError::Conflict(format!(
            "an owner of {} must accept version {} of the publisher agreement first, on its page",
            publisher.slug, current.version
        )))
    }
}
