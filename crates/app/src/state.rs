//! The application: its store, its keys, its clock, its advisories.

use std::{
    sync::{Arc, Mutex, RwLock},
    time::Duration,
};

use chrono::{DateTime, Utc};
use store::{
    Database, Tx,
    blobs::{BlobStore, Uploads},
    notary::FirstToEnd,
};
use tokio::{
    sync::{Notify, Semaphore},
    task::spawn_blocking,
    time::timeout,
};
use trust::{SignError, Signer, SigningKey};

use crate::{
    Actor, AppError, Clock,
    layer_reports::LayerTurns,
    log::Stamps,
    pulls::PullRecorder,
    registry::{RecentlyFound, SmallBlobs},
    requests::Requests,
    throttle::Throttle,
    token_keys::TokenKeys,
    tokens::VerifiedTokens,
    upkeep::TagPulls,
};

/// So many wait for the key for releases at once, each on a thread.
const SIGNING_AT_ONCE: usize = 4;
/// So many updates of trust metadata are read and verified at once: each may take a repository's
/// metadata in memory, and a thread that reads of blobs wait for as well.
const JUDGING_AT_ONCE: usize = 2;
/// Nobody waits longer for the key for releases.
const SIGNING_PATIENCE: Duration = Duration::from_secs(10);

/// What the operator configured.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// Where browsers and clients reach this marketplace, without a slash at the end: `https://market.example`.
    pub public_url: String,
    /// Largest blob accepted, in bytes.
    pub max_blob_bytes: u64,
    /// Whether manifests may name blobs that were not pushed.
    pub sparse_images: bool,
    /// Whether images are read as soon as they are pushed.
    pub read_ahead: bool,
    /// Where the advisory database's file stands.
    pub advisories_file: std::path::PathBuf,
    /// How long an access token for the registry lives.
    pub token_life: chrono::TimeDelta,
    /// Whether people may make their own accounts.
    pub open_registration: bool,
    /// Whom signatures of identities are believed by; without it they are refused.
    pub identity_root: Option<Arc<trust::keyless::TrustRoot>>,
    /// Who cosigns the heads of the log.
    pub witnesses: Vec<crate::LogWitness>,
    /// How other registries are reached that images are imported from.
    pub imports: oci::ClientOptions,
    /// Whether webhooks may be called without TLS.
    pub webhooks_over_http: bool,
    /// What one account may take of the registry.
    pub limits: Limits,
    /// What people are asked for before something happens to submissions and listings.
    pub review: crate::ReviewPolicy,
    /// How the store is kept.
    pub upkeep: crate::UpkeepConfig,
}

/// What one account may take of the registry, and one manifest.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests under way at once.
    pub requests_per_account: usize,
    /// Uploads that are open at once.
    pub uploads_per_account: i64,
    /// How long an upload is kept that nobody goes on with.
    pub upload_life: chrono::TimeDelta,
    /// How many indexes may stand in one another.
    pub index_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_account: 2_000,
            uploads_per_account: 1_000,
            upload_life: chrono::TimeDelta::days(1),
            index_depth: 4,
        }
    }
}

impl AppConfig {
    /// Returns host and port, as image references begin with.
    pub fn host(&self) -> &str {
        self.public_url
            .split_once("://")
            .map_or(self.public_url.as_str(), |(_, host)| host)
    }
}

/// The operator's keys.
#[derive(Debug)]
pub struct Keys {
    /// Signs releases; in a file, or in a device.
    pub release: Arc<dyn Signer>,
    /// What the keys of the registry's access tokens are derived from.
    pub tokens: SigningKey,
    /// Opens the secret that the keys are derived from which are held for publishers' trust
    /// metadata; the secret itself where that was never replaced.
    pub trust: SigningKey,
    /// Whether it is known that the secret was replaced by it, and is not the key itself.
    pub is_trust_replaced: bool,
    /// Signs the roots of released repositories, once for each; may be kept elsewhere meanwhile.
    pub root: Option<SigningKey>,
    /// The public half of it, wherever it is.
    pub root_public: trust::PublicKey,
}

/// The application, shared by servers and workers.
pub struct App {
    pub(crate) db: Database,
    pub(crate) blobs: Arc<dyn BlobStore>,
    pub(crate) uploads: Arc<dyn Uploads>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) keys: Keys,
    pub(crate) config: AppConfig,
    pub(crate) advisories: RwLock<Arc<advisory::database::Database>>,
    pub(crate) throttle: Throttle,
    pub(crate) verified_tokens: VerifiedTokens,
    pub(crate) token_keys: TokenKeys,
    pub(crate) pulls: PullRecorder,
    pub(crate) tag_pulls: TagPulls,
    pub(crate) job_added: Notify,
    pub(crate) import_added: Notify,
    pub(crate) push_added: Notify,
    pub(crate) webhook_queued: Notify,
    pub(crate) domain_asked: Notify,
    /// Turns at the key for releases: a device that hangs holds up no more threads than these.
    signing: Arc<Semaphore>,
    pub(crate) judging: Arc<Semaphore>,
    pub(crate) stamps: Stamps,
    pub(crate) requests: Arc<Requests>,
    pub(crate) recent: RecentlyFound,
    pub(crate) small_blobs: SmallBlobs,
    pub(crate) layer_turns: LayerTurns,
    ids: Ids,
}

/// The chance in identifiers: within one millisecond each is one more than the last, so
/// that what one transaction makes sorts in the order it was made.
#[derive(Debug, Default)]
struct Ids(Mutex<(i64, [u8; 10])>);

impl Ids {
    fn next(&self, now: DateTime<Utc>) -> [u8; 10] {
        let mut last = self
            .0
            .lock()
            .expect("nobody panics while holding the last identifier");
        let millis = now.timestamp_millis();
        if last.0 == millis {
            for byte in last.1.iter_mut().rev() {
                *byte = byte.wrapping_add(1);
                if *byte != 0 {
                    break;
                }
            }
        } else {
            *last = (millis, random());
            // Room to count up in.
            last.1[0] &= 0x7f;
        }
        last.1
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// How the server is doing.
#[derive(Debug, Clone)]
pub struct Measures {
    /// Jobs by kind and state.
    pub jobs: Vec<(String, String, i64)>,
    /// Uploads that were begun and not yet finished.
    pub open_uploads: i64,
    /// When the first piece of trust metadata ends, by its place and role.
    pub trust_ends: Vec<FirstToEnd>,
    /// How the witnesses of the log stand.
    pub witnesses: Vec<crate::WitnessStanding>,
    /// When the advisories in use were compiled.
    pub advisories: DateTime<Utc>,
    /// How often each feed of advisories could not be had since it was had last.
    pub feed_failures: Vec<(String, u32)>,
    /// Events that wait to be sent to webhooks.
    pub waiting_events: i64,
    /// Webhooks that work, that took nothing last, and that are disabled.
    pub webhooks: [i64; 3],
    /// Connections to the database.
    pub database: store::PoolSize,
}

/// The parts an application is put together from.
pub struct Parts {
    /// The database.
    pub db: Database,
    /// The blobs.
    pub blobs: Arc<dyn BlobStore>,
    /// Where uploads wait until they are whole.
    pub uploads: Arc<dyn Uploads>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The operator's keys.
    pub keys: Keys,
    /// What the operator configured.
    pub config: AppConfig,
}

impl App {
    /// Puts the application together and opens its advisory database, made from the starter set where there is none.
    ///
    /// # Errors
    /// The advisory database cannot be opened or made.
    pub async fn new(parts: Parts) -> Result<Arc<Self>, AppError> {
        let Parts {
            db,
            blobs,
            uploads,
            clock,
            mut keys,
            config,
        } = parts;
        keys.trust = crate::trust_secret::open(&db, &keys).await?;
        let advisories =
            crate::advisories::open_or_make(&config.advisories_file, clock.now()).await?;
        let pulls = PullRecorder::start(db.clone());
        let app = Arc::new(Self {
            db,
            blobs,
            uploads,
            clock,
            keys,
            config,
            advisories: RwLock::new(Arc::new(advisories)),
            throttle: Throttle::default(),
            verified_tokens: VerifiedTokens::default(),
            token_keys: TokenKeys::default(),
            recent: RecentlyFound::default(),
            small_blobs: SmallBlobs::default(),
            layer_turns: LayerTurns::default(),
            pulls,
            tag_pulls: TagPulls::default(),
            job_added: Notify::new(),
            import_added: Notify::new(),
            push_added: Notify::new(),
            webhook_queued: Notify::new(),
            domain_asked: Notify::new(),
            signing: Arc::new(Semaphore::new(SIGNING_AT_ONCE)),
            judging: Arc::new(Semaphore::new(JUDGING_AT_ONCE)),
            stamps: Stamps::default(),
            requests: Arc::default(),
            ids: Ids::default(),
        });
        app.match_advisories_replaced_meanwhile().await?;
        Ok(app)
    }

    /// Returns the present time.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// Returns what the operator configured.
    pub fn config(&self) -> &AppConfig {
        &self.config
    }

    /// Returns the public key that releases are signed with.
    pub fn release_key(&self) -> trust::PublicKey {
        self.keys.release.public()
    }

    /// Makes sure that the key for releases can sign.
    ///
    /// # Errors
    /// It is in a device, and cannot.
    pub async fn check_release_key(&self) -> Result<(), AppError> {
        Ok(self.with_release_key(|key| key.check()).await??)
    }

    /// Has the key for releases do something while all else goes on: it may be in a device,
    /// which takes its time.
    pub(crate) async fn with_release_key<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Signer) -> T + Send + 'static,
    ) -> Result<T, AppError> {
        let key = Arc::clone(&self.keys.release);
        let turns = Arc::clone(&self.signing);
        let signed = async {
            let turn = turns.acquire_owned().await;
            let turn = turn.expect("nobody closes it");
            // The turn is the thread's: it lasts where nobody waits for it any more.
            let work = move || {
                let done = work(&*key);
                drop(turn);
                done
            };
            spawn_blocking(work).await
        };
        match timeout(SIGNING_PATIENCE, signed).await {
            Ok(done) => done.map_err(AppError::internal),
            Err(_) => Err(SignError::Away("it does not answer".to_owned()).into()),
        }
    }

    /// Returns whether database and blobs can be written.
    ///
    /// # Errors
    /// Which of them cannot.
    pub async fn ready(&self) -> Result<(), AppError> {
        let mut tx = self.db.read().await?;
        store::accounts::count(&mut tx).await?;
        Ok(self.blobs.check().await?)
    }

    /// Returns whether `actor` may see how the server is doing.
    ///
    /// # Errors
    /// They may not.
    pub async fn may_measure(&self, actor: &Actor) -> Result<(), AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, market::Action::ReadAudit, None)
            .await
    }

    /// Returns how the server is doing, in numbers; whoever shows them asks [`App::may_measure`].
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn measure(&self) -> Result<Measures, AppError> {
        let database = self.db.pool();
        let mut tx = self.read().await?;
        let ends = store::notary::first_to_end(&mut tx).await?;
        let (waiting_events, webhooks) = store::webhooks::counts(&mut tx).await?;
        let advisories = self.advisory_status();
        let health = advisories
            .feeds
            .iter()
            .filter_map(|feed| feed.health.as_ref());
        Ok(Measures {
            trust_ends: ends,
            witnesses: self.witness_standings(&mut tx).await?,
            jobs: store::jobs::counts_by_kind(&mut tx).await?,
            open_uploads: self.uploads.count().await.map_err(AppError::internal)?,
            advisories: advisories.compiled_at().unwrap_or_default(),
            feed_failures: health.map(|it| (it.name.clone(), it.failures)).collect(),
            waiting_events,
            webhooks,
            database,
        })
    }

    /// Writes what is still in memory and closes the database.
    pub async fn close(&self) {
        self.pulls.flush().await;
        self.db.close().await;
    }

    pub(crate) async fn begin(&self) -> Result<Tx, AppError> {
        Ok(self.db.begin().await?)
    }

    pub(crate) async fn read(&self) -> Result<Tx, AppError> {
        Ok(self.db.read().await?)
    }

    /// Makes an identifier of any kind: `self.id(ProductId::new)`.
    pub(crate) fn id<T>(&self, make: fn(DateTime<Utc>, [u8; 10]) -> T) -> T {
        let now = self.now();
        make(now, self.ids.next(now))
    }

    pub(crate) fn advisory_database(&self) -> Arc<advisory::database::Database> {
        Arc::clone(
            &self
                .advisories
                .read()
                .expect("nobody panics while holding the advisories"),
        )
    }
}

/// Returns random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}
