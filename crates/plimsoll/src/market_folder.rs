//! The data folder: what a marketplace consists of, made where it is not there, and opened.
//!
//! ```text
//! ../FOLDER.passphrase      opens the keys, unless `keys.passphrase_file` says otherwise
//! plimsoll.lock             held by the server while the database is SQLite
//! plimsoll.db               the database, unless `database.url` says otherwise
//! keys/release.key, .pub    signs releases; may be in a token, then only .pub is here
//! keys/tokens.key           what the keys of registry tokens are derived from
//! keys/trust.key, .pub      opens the secret that keys for trust metadata are derived from
//! keys/trust-next.key       what is to replace trust.key, while it does
//! keys/root.key, .pub       signs the roots of released names; may be kept elsewhere
//! keys/.lock                held by commands that replace keys
//! blobs/                    unless they are in S3
//! uploads/                  pushes that are not whole yet
//! advisories/advisories.db  compiled advisories, unless `advisories.file` says otherwise
//! scratch/                  local copies of blobs in S3 while they are taken apart
//! ```

use std::{
    fs::{self, DirBuilder, File, TryLockError},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::Path,
    process,
    sync::Arc,
};

use app::{App, AppConfig, Clock as _, Limits, Parts, SystemClock};
use chrono::TimeDelta;
use ipnet::IpNet;
use store::{
    Database, DatabaseUrl,
    blobs::{BlobStore, FsBlobs, FsUploads, S3Blobs, S3Config, S3Uploads, Uploads},
};

use trust::keyless::TrustRoot;

use crate::{
    config::Config,
    exit::Exit,
    failure::{Failure, OrFail},
    server::keys,
};

/// Local copies of blobs in S3 take so many bytes at most.
const SCRATCH_BYTES: u64 = 20 << 30;

/// An open marketplace.
pub(crate) struct Market {
    /// What it can do.
    pub(crate) app: Arc<App>,
    /// The blobs, where they are files here.
    pub(crate) files: Option<Arc<FsBlobs>>,
    /// The proxies whose word on a client's address is believed.
    pub(crate) trusted_proxies: Arc<[IpNet]>,
    /// The age at which a new key for registry tokens is made.
    pub(crate) rotate_tokens_after: TimeDelta,
}

/// Makes sure that there is a marketplace, so that a mistyped folder is not filled with one.
///
/// # Errors
/// There is none in the data folder.
pub(crate) fn must_exist(config: &Config) -> Result<(), Failure> {
    let dir = config.data_dir();
    let is_there = |file: &str| dir.join("keys").join(file).is_file();
    if is_there("release.key") || is_there("release.pub") {
        return Ok(());
    }
    Err(
        Failure::usage(format!("there is no marketplace in `{}`", dir.display())).hint(
            "name its data folder with --data or `data.dir`; `plimsoll serve` makes a new one",
        ),
    )
}

/// Makes the data folder, readable by its owner only.
///
/// # Errors
/// It cannot be made or written.
pub(crate) fn make(config: &Config) -> Result<(), Failure> {
    let dir = config.data_dir();
    for folder in ["", "keys", "uploads", "advisories"] {
        make_folder(&dir.join(folder))?;
    }
    tempfile::tempfile_in(&dir)
        .map(drop)
        .map_err(|error| unwritable(&dir, &error))
}

fn make_folder(path: &Path) -> Result<(), Failure> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::failed(format!(
        "cannot write in the data folder `{}`",
        path.display()
    ))
    .because(error);
    match error.kind() {
        io::ErrorKind::PermissionDenied => failure.hint(
            "give the folder to the user that runs plimsoll, or name another one with --data",
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            failure.hint("make room on that file system")
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            failure.hint("name a folder that can be written with --data")
        }
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
            failure.hint("a file is in the way: name a folder with --data")
        }
        _ => failure,
    }
}

/// Keeps a second server out of the folder for as long as the result lives. With PostgreSQL
/// there may be several, so nothing is held.
///
/// # Errors
/// Another process holds it.
pub(crate) fn lock(config: &Config) -> Result<Option<File>, Failure> {
    if matches!(config.database()?, DatabaseUrl::Postgres(_)) {
        return Ok(None);
    }
    let dir = config.data_dir();
    let path = dir.join("plimsoll.lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| unwritable(&dir, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Err(Failure::failed(format!(
            "another server is running on the data folder `{}`",
            dir.display()
        ))
        .hint("stop it first; several servers side by side need PostgreSQL (`database.url`)")),
        Err(TryLockError::Error(error)) => {
            Err(Failure::failed(format!("cannot lock `{}`", path.display())).because(&error))
        }
    }
}

/// Opens the marketplace, making what is missing; `public_url` is where clients reach it.
///
/// # Errors
/// Database, blobs or keys cannot be opened.
pub(crate) async fn open(config: &Config, public_url: &str) -> Result<Market, Failure> {
    let dir = config.data_dir();
    let advisories_file = config.advisories_file();
    if let Some(folder) = advisories_file.parent() {
        make_folder(folder)?;
    }
    let keys = keys::load_or_make(config)?;
    let database = Database::open(&config.database()?)
        .await
        .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    let mut files = None;
    let blobs: Arc<dyn BlobStore>;
    let uploads: Arc<dyn Uploads>;
    if config.text("blobs.kind") == Some("s3") {
        let scratch = dir.join("scratch");
        make_folder(&scratch)?;
        let opened = S3Blobs::open(s3(config), &scratch, SCRATCH_BYTES);
        let opened = opened.or_fail("cannot open the bucket")?;
        let clock = Arc::new(|| SystemClock.now());
        let node = format!("{}-{}", node_name(), SystemClock.now().timestamp_micros());
        uploads = Arc::new(S3Uploads::new(&opened, database.clone(), clock, &node));
        blobs = Arc::new(opened);
    } else {
        let path = dir.join("blobs");
        make_folder(&path)?;
        let opened = FsBlobs::open(&path).or_fail("cannot open the blobs")?;
        let waiting = FsUploads::open(&dir.join("uploads"), &opened);
        uploads = Arc::new(waiting.or_fail("cannot open the uploads")?);
        let opened = Arc::new(opened);
        blobs = Arc::<FsBlobs>::clone(&opened);
        files = Some(opened);
    }
    let parts = Parts {
        db: database,
        blobs,
        uploads,
        clock: Arc::new(SystemClock),
        keys,
        config: AppConfig {
            public_url: public_url.trim_end_matches('/').to_owned(),
            max_blob_bytes: config.max_blob_bytes(),
            sparse_images: config.is_on("registry.sparse_images"),
            read_ahead: config.is_on("registry.read_ahead"),
            advisories_file,
            token_life: config.token_life(),
            open_registration: config.is_on("accounts.open_registration"),
            imports: oci::ClientOptions {
                public_only: true,
                allow_networks: config.import_networks(),
                ..oci::ClientOptions::default()
            },
            identity_root: identity_root(config)?,
            witnesses: config.witnesses(),
            webhooks_over_http: config.is_on("webhooks.allow_http"),
            review: app::ReviewPolicy {
                two_for_first_release: config.is_on("review.two_for_first_release"),
                partners_only: config.is_on("review.partners_only"),
                confirm_holds: config.is_on("review.confirm_holds"),
            },
            limits: Limits {
                requests_per_account: limit(config, "server.limits.requests_per_account"),
                uploads_per_account: i64::try_from(limit(config, "registry.uploads_per_account"))
                    .unwrap_or(i64::MAX),
                upload_life: config.upload_life(),
                index_depth: limit(config, "registry.index_depth"),
            },
            upkeep: config.upkeep(),
        },
    };
    Ok(Market {
        app: App::new(parts).await?,
        files,
        trusted_proxies: config.trusted_proxies().into(),
        rotate_tokens_after: config.rotate_tokens_after(),
    })
}

/// Reads the trust root that signatures of identities are checked with, where one is set.
fn identity_root(config: &Config) -> Result<Option<Arc<TrustRoot>>, Failure> {
    let Some(path) = config.path("trust.identity_root") else {
        return Ok(None);
    };
    let shown = path.display();
    let bytes = fs::read(&path).or_fail(format!("cannot read the trust root `{shown}`"))?;
    let root = TrustRoot::read(&bytes).or_fail(format!("cannot use the trust root `{shown}`"))?;
    Ok(Some(Arc::new(root)))
}

/// Zero stands for any number.
pub(crate) fn limit(config: &Config, key: &'static str) -> usize {
    match config.number(key) {
        0 => usize::MAX,
        number => number as usize,
    }
}

/// Returns this process's name among the servers.
pub(crate) fn node_name() -> String {
    let host = fs::read_to_string("/proc/sys/kernel/hostname");
    let host = host.map_or_else(|_| "server".to_owned(), |name| name.trim().to_owned());
    format!("{host}-{}", process::id())
}

fn s3(config: &Config) -> S3Config {
    let text = |key| config.text(key).unwrap_or_default().to_owned();
    S3Config {
        endpoint: config.text("blobs.s3.endpoint").map(str::to_owned),
        region: text("blobs.s3.region"),
        bucket: text("blobs.s3.bucket"),
        access_key: text("blobs.s3.access_key"),
        secret_key: text("blobs.s3.secret_key"),
        prefix: text("blobs.s3.prefix"),
        allow_http: config.is_on("blobs.s3.allow_http"),
        redirect: config.is_on("blobs.s3.redirect"),
    }
}
