//! Images from other registries: asked for, shown, stopped. `fetch` is the job that brings them.

mod fetch;

use market::{
    Action, ImportId, ImportState, MOST_IMPORT_NAME, MOST_IMPORT_REGISTRY, MOST_IMPORT_SECRET,
    MOST_IMPORTS, NoticeKind,
};
use oci::{Client, Credentials, Digest, RepoName, Tag};
use serde::{Deserialize, Serialize};
use store::{
    Tx,
    imports::{self as rows, Import},
    publishers::Publisher,
};

use crate::{
    Actor, App, AppError, audit::Change, jobs::JobKind, notices::News, products::require_verified,
};

/// Imports that are shown.
const SHOWN: i64 = 50;

/// An image in another registry.
#[derive(Debug, Clone)]
pub struct ImportSource {
    /// The registry: host, and port where there is one.
    pub registry: String,
    /// The repository there.
    pub repository: RepoName,
    /// What is asked for there.
    pub reference: ImportTarget,
    /// User and password, where the image is private.
    pub credentials: Option<(String, String)>,
}

/// What of a repository is imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportTarget {
    /// What a tag names when the import begins.
    Tag(Tag),
    /// What has a digest.
    Digest(Digest),
}

impl std::fmt::Display for ImportTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

/// User and password for another registry, as they are sealed.
#[derive(Serialize, Deserialize)]
struct Login {
    user: String,
    password: String,
}

impl App {
    /// Has an image brought from another registry into `staging/<publisher>/<into>` under `tag`.
    ///
    /// # Errors
    /// Too many are under way, the user or the password is too long, the publisher is not
    /// verified, or the asker may not.
    pub async fn import_image(
        &self,
        actor: &Actor,
        publisher: &str,
        source: &ImportSource,
        (into, tag): (&RepoName, &Tag),
    ) -> Result<Import, AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, publisher, Action::ImportImage)
            .await?;
        require_verified(&publisher)?;
        let account = actor.require_account("to import an image")?;
        let config = &self.config.imports;
        if source.registry.len() > MOST_IMPORT_REGISTRY {
            let message = format!("a host has at most {MOST_IMPORT_REGISTRY} characters");
            return Err(AppError::invalid("registry", message));
        }
        if into.as_str().len() > MOST_IMPORT_NAME {
            let message = format!("a repository here has at most {MOST_IMPORT_NAME} characters");
            return Err(AppError::invalid("into", message));
        }
        if let Err(error) = Client::new(&source.registry, Credentials::Anonymous, config) {
            return Err(AppError::invalid("registry", error.to_string()));
        }
        if rows::count_open(&mut tx, &publisher.id).await? >= MOST_IMPORTS {
            return Err(AppError::Conflict(format!(
                "{MOST_IMPORTS} imports are under way: wait for one to end, or stop one"
            )));
        }
        let staging: RepoName = format!("staging/{}/{into}", publisher.slug)
            .parse()
            .map_err(|error: oci::ReferenceError| AppError::Conflict(error.to_string()))?;
        let id = self.id(ImportId::new);
        let import = Import {
            credentials: self.seal_login(&id, source.credentials.as_ref())?,
            id,
            publisher_id: publisher.id.clone(),
            registry: source.registry.clone(),
            repository: source.repository.to_string(),
            reference: source.reference.to_string(),
            staging: staging.to_string(),
            tag: tag.to_string(),
            state: ImportState::Waiting,
            digest: None,
            bytes_done: 0,
            bytes_total: 0,
            note: String::new(),
            error: None,
            account_id: account.id.clone(),
            asked_by: account.name.clone(),
            asked_at: self.now(),
            ended_at: None,
        };
        rows::create(&mut tx, &import).await?;
        let job = JobKind::Import {
            import: import.id.clone(),
        };
        self.enqueue(&mut tx, &job).await?;
        let from = import.source();
        let change = Change {
            subject: import.id.as_str(),
            reason: Some(&from),
            after: Some(import.state.as_str()),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::ImportImage, change)
            .await?;
        tx.commit().await?;
        self.import_added.notify_one();
        Ok(import)
    }

    /// Returns a publisher's newest imports, for its members and the staff.
    ///
    /// # Errors
    /// There is no such publisher, or the asker is no member.
    pub async fn imports(&self, actor: &Actor, publisher: &str) -> Result<Vec<Import>, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, publisher).await?;
        Ok(rows::of_publisher(&mut tx, &publisher.id, SHOWN).await?)
    }

    /// Returns an import of a publisher's.
    ///
    /// # Errors
    /// There is none, or the asker is no member.
    pub async fn import_status(
        &self,
        actor: &Actor,
        publisher: &str,
        import: &str,
    ) -> Result<Import, AppError> {
        let mut tx = self.read().await?;
        let publisher = self.member_publisher(&mut tx, actor, publisher).await?;
        self.own_import(&mut tx, &publisher, import).await
    }

    /// Stops an import; what is there of the image stays until a collection takes it.
    ///
    /// # Errors
    /// There is none, it is over, or the asker may not.
    pub async fn cancel_import(
        &self,
        actor: &Actor,
        publisher: &str,
        import: &str,
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let publisher = self
            .publisher_for(&mut tx, actor, publisher, Action::ImportImage)
            .await?;
        let import = self.own_import(&mut tx, &publisher, import).await?;
        let state = ImportState::Cancelled;
        if !rows::end(&mut tx, &import.id, (state, None), self.now()).await? {
            return Err(AppError::Conflict(format!(
                "the import is {}: there is nothing to stop",
                import.state
            )));
        }
        let change = Change {
            subject: import.id.as_str(),
            before: Some(import.state.as_str()),
            after: Some(state.as_str()),
            ..Change::default()
        };
        self.record(&mut tx, actor, Action::ImportImage, change)
            .await?;
        Ok(tx.commit().await?)
    }

    async fn own_import(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
        import: &str,
    ) -> Result<Import, AppError> {
        let missing = || AppError::not_found("import", import);
        let id: ImportId = import.parse().map_err(|_malformed| missing())?;
        let found = rows::find(tx, &id).await?;
        let own = found.filter(|found| found.publisher_id == publisher.id);
        own.ok_or_else(missing)
    }

    /// Ends an import that its job gave up.
    pub(crate) async fn give_up_import(
        &self,
        tx: &mut Tx,
        id: &ImportId,
        why: &str,
    ) -> Result<(), AppError> {
        match rows::find(tx, id).await? {
            Some(import) => self.end_import(tx, &import, Err(why)).await,
            None => Ok(()),
        }
    }

    /// Ends an import, and tells whoever asked for it.
    async fn end_import(
        &self,
        tx: &mut Tx,
        import: &Import,
        outcome: Result<&Digest, &str>,
    ) -> Result<(), AppError> {
        let error = outcome.err();
        let state = match error {
            None => ImportState::Done,
            Some(_) => ImportState::Failed,
        };
        if !rows::end(tx, &import.id, (state, error), self.now()).await? {
            return Ok(());
        }
        let change = Change {
            subject: import.id.as_str(),
            reason: error.or(outcome.ok().map(Digest::as_str)),
            before: Some(ImportState::Running.as_str()),
            after: Some(state.as_str()),
        };
        self.record(tx, &Actor::system(), Action::ImportImage, change)
            .await?;
        let Some(publisher) = store::publishers::find(tx, &import.publisher_id).await? else {
            return Ok(());
        };
        let (from, to) = (
            import.source(),
            format!("{}:{}", import.staging, import.tag),
        );
        let (title, body) = match error {
            None => (
                format!("{from} was imported"),
                format!("{from} is now in {to}. It can be submitted once it is signed there."),
            ),
            Some(why) => (
                format!("{from} could not be imported"),
                format!("{from} could not be brought into {to}.\n\n{why}"),
            ),
        };
        let news = News {
            kind: NoticeKind::Imported,
            cause: format!("imported:{}", import.id),
            title,
            body,
            path: &format!("/publisher/{}/products/imports", publisher.slug),
            product: None,
        };
        self.tell(tx, std::slice::from_ref(&import.account_id), &news)
            .await
    }

    fn seal_login(
        &self,
        id: &ImportId,
        login: Option<&(String, String)>,
    ) -> Result<Option<Vec<u8>>, AppError> {
        let Some((user, password)) = login else {
            return Ok(None);
        };
        let is_long = |text: &str| text.chars().count() > MOST_IMPORT_SECRET;
        if is_long(user) || is_long(password) {
            return Err(AppError::invalid(
                "password",
                format!("at most {MOST_IMPORT_SECRET} characters"),
            ));
        }
        let login = Login {
            user: user.clone(),
            password: password.clone(),
        };
        let plain = serde_json::to_vec(&login).map_err(AppError::internal)?;
        Ok(Some(trust::sealed::seal(&self.import_seal(id), &plain)))
    }

    /// Returns what an import signs in with.
    fn open_login(&self, import: &Import) -> Result<Credentials, AppError> {
        let Some(sealed) = &import.credentials else {
            return Ok(Credentials::Anonymous);
        };
        let plain = trust::sealed::open(&self.import_seal(&import.id), sealed);
        let plain = plain.ok_or_else(|| AppError::internal("credentials sealed by another key"))?;
        let login: Login = serde_json::from_slice(&plain).map_err(AppError::internal)?;
        Ok(Credentials::Basic {
            user: login.user,
            password: login.password,
        })
    }

    fn import_seal(&self, id: &ImportId) -> [u8; 32] {
        self.keys
            .trust
            .derive_seed(format!("import\n{id}").as_bytes())
    }
}
