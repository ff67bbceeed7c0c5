//! The job of an import: manifests first, so that it is known how much there is; then the blobs,
//! one after the other, each checked on its way; then the manifests, the one with the tag last.
//! What is here already is not fetched again, so an import that was cut short goes on where it was.

use std::{
    collections::BTreeSet,
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use market::{Action, ImportId};
use oci::{
    Client, ClientError, Descriptor, Digest, DigestError, ErrorCode, RawManifest, Reference,
    ReferenceError, RepoName, media_type,
};
use store::imports::{self as rows, HowFar, Import};
use tokio::{sync::mpsc, task::spawn_blocking, time};
use trust::cosign;

use crate::{
    Actor, App, AppError,
    products::require_verified,
    registry::{ByteStream, ManifestPush, RegistryError},
};

/// How long an import may take, beyond which a registry only pretends to answer.
const LONGEST: Duration = Duration::from_secs(6 * 3600);
/// How often it is noted how far it is.
const PULSE: Duration = Duration::from_secs(1);
/// Most manifests of one image with all that is attached to it.
const MOST_MANIFESTS: usize = 500;
/// And their bytes.
const MOST_MANIFEST_BYTES: usize = 32 << 20;
/// Most signatures and attestations that come with an image.
const MOST_ATTACHED: usize = 50;
/// Bytes that are sent on at once.
const PIECE: usize = 64 << 10;
/// Pieces that wait to be written.
const PIECES: usize = 16;

/// Why an import does not go on.
enum Stop {
    /// It may do better a while later.
    Later(AppError),
    /// It never will; in words for whoever asked for it.
    Never(String),
    /// It is over: somebody stopped it.
    Over,
}

impl From<AppError> for Stop {
    fn from(error: AppError) -> Self {
        Self::Later(error)
    }
}

impl From<store::StoreError> for Stop {
    fn from(error: store::StoreError) -> Self {
        Self::Later(error.into())
    }
}

impl From<ClientError> for Stop {
    fn from(error: ClientError) -> Self {
        if error.may_pass() {
            return Self::Later(AppError::Conflict(error.to_string()));
        }
        let advice = match error.status() {
            _ if error.is_kept_from() => {
                "; the operator allows networks that are not public with imports.allow_networks"
            }
            Some(401 | 403) => {
                "; give a user and a password or token of that registry that may pull the image"
            }
            Some(404) => {
                "; check repository and tag, and give a user and a password or token if the image is private"
            }
            _ => "",
        };
        Self::Never(format!("{error}{advice}"))
    }
}

impl From<RegistryError> for Stop {
    fn from(error: RegistryError) -> Self {
        match error.code {
            ErrorCode::Internal | ErrorCode::Unavailable | ErrorCode::StorageFull => {
                Self::Later(AppError::internal(error))
            }
            _ => Self::Never(error.message),
        }
    }
}

/// An import under way.
struct Fetch<'a> {
    app: &'a App,
    import: &'a Import,
    client: Arc<Client>,
    /// The repository there.
    from: RepoName,
    /// The repository here.
    to: RepoName,
    /// What is known so far: children before those who name them, the image last.
    manifests: Vec<RawManifest>,
    /// The digest of the image, once it is known.
    root: Option<Digest>,
    done: Arc<AtomicU64>,
    total: u64,
}

impl App {
    /// The job.
    pub(crate) async fn import(&self, id: &ImportId) -> Result<(), AppError> {
        let found = rows::find(&mut self.read().await?, id).await?;
        let Some(import) = found.filter(|found| found.ended_at.is_none()) else {
            return Ok(());
        };
        let fetched = time::timeout(LONGEST, self.fetch(&import)).await;
        let fetched = fetched.unwrap_or_else(|_| {
            let hours = LONGEST.as_secs() / 3600;
            Err(Stop::Never(format!(
                "it took more than {hours} hours: ask again to go on with what is missing"
            )))
        });
        let mut tx = self.begin().await?;
        match fetched {
            Ok(digest) => self.end_import(&mut tx, &import, Ok(&digest)).await?,
            Err(Stop::Never(why)) => self.end_import(&mut tx, &import, Err(&why)).await?,
            Err(Stop::Over) => {}
            Err(Stop::Later(error)) => return Err(error),
        }
        Ok(tx.commit().await?)
    }

    async fn fetch(&self, import: &Import) -> Result<Digest, Stop> {
        self.require_may_import(import).await?;
        let client = Client::new(
            &import.registry,
            self.open_login(import)?,
            &self.config.imports,
        )?;
        let name = |text: &str| text.parse::<RepoName>().map_err(AppError::internal);
        let mut fetch = Fetch {
            app: self,
            import,
            client: Arc::new(client),
            from: name(&import.repository)?,
            to: name(&import.staging)?,
            manifests: Vec::new(),
            root: None,
            done: Arc::default(),
            total: 0,
        };
        fetch.all().await
    }

    /// Who asked may have lost the right to, and the publisher its standing, since then.
    async fn require_may_import(&self, import: &Import) -> Result<(), Stop> {
        let mut tx = self.read().await?;
        let account = store::accounts::find(&mut tx, &import.account_id).await?;
        let publisher = store::publishers::find(&mut tx, &import.publisher_id).await?;
        let (Some(account), Some(publisher)) = (account, publisher) else {
            return Err(Stop::Never("whoever asked for it is gone".to_owned()));
        };
        require_verified(&publisher).map_err(|error| Stop::Never(error.to_string()))?;
        let may = self
            .authorize(
                &mut tx,
                &Actor::account(account),
                Action::ImportImage,
                Some(&publisher.id),
            )
            .await;
        may.map_err(|error| match error {
            AppError::Denied(_) | AppError::Unauthenticated(_) => Stop::Never(format!(
                "{} may no longer import for {}",
                import.asked_by, publisher.slug
            )),
            other => Stop::Later(other),
        })
    }
}

impl Fetch<'_> {
    async fn all(&mut self) -> Result<Digest, Stop> {
        self.note("looking what is there").await?;
        let root = self.manifest(&self.import.reference).await?;
        let digest = root.digest.clone();
        self.root = Some(digest.clone());
        self.below(root).await?;
        let images = self.manifests.len();
        self.attached(&digest).await?;
        self.blobs().await?;
        self.note("noting what belongs together").await?;
        let attached = self.manifests.split_off(images);
        for manifest in self.manifests.iter().chain(&attached) {
            self.put(manifest, &[]).await?;
        }
        // The tag appears once everything is there.
        let tag: oci::Tag = (self.import.tag.parse()).map_err(AppError::internal)?;
        if let Some(root) = self.manifests.last() {
            self.put(root, &[tag]).await?;
        }
        self.signature_tag(&digest, &attached).await?;
        Ok(digest)
    }

    /// Fetches a manifest by tag or digest.
    async fn manifest(&self, reference: &str) -> Result<RawManifest, Stop> {
        let wrong = |error: &dyn std::error::Error| Stop::Never(error.to_string());
        let (tag, digest) = match reference.contains(':') {
            true => (
                None,
                Some(
                    reference
                        .parse()
                        .map_err(|error: DigestError| wrong(&error))?,
                ),
            ),
            false => (
                Some(
                    reference
                        .parse()
                        .map_err(|error: ReferenceError| wrong(&error))?,
                ),
                None,
            ),
        };
        let reference = Reference {
            host: None,
            repo: self.from.clone(),
            tag,
            digest,
        };
        let client = Arc::clone(&self.client);
        let asked = spawn_blocking(move || client.manifest(&reference)).await;
        Ok(asked.map_err(AppError::internal)??)
    }

    /// Fetches what a manifest names, level by level, and keeps them all with the last ones first.
    async fn below(&mut self, root: RawManifest) -> Result<(), Stop> {
        let mut seen = BTreeSet::from([root.digest.clone()]);
        let mut levels = vec![root];
        let mut next = 0;
        while next < levels.len() {
            let children: Vec<Digest> = (levels[next].children().iter())
                .filter(|child| media_type::MANIFESTS.contains(&child.media_type.as_str()))
                .map(|child| child.digest.clone())
                .collect();
            for child in children {
                if seen.insert(child.clone()) {
                    let manifest = self.manifest(child.as_str()).await?;
                    levels.push(manifest);
                    self.require_few(&levels)?;
                }
            }
            next += 1;
        }
        levels.reverse();
        self.manifests.extend(levels);
        Ok(())
    }

    fn require_few(&self, more: &[RawManifest]) -> Result<(), Stop> {
        let all = self.manifests.iter().chain(more);
        let (count, bytes) = all.fold((0, 0), |(count, bytes), manifest| {
            (count + 1, bytes + manifest.bytes.len())
        });
        if count > MOST_MANIFESTS || bytes > MOST_MANIFEST_BYTES {
            return Err(Stop::Never(format!(
                "the image has more than {MOST_MANIFESTS} manifests, or they have more than {MOST_MANIFEST_BYTES} bytes: import its platforms by their digests"
            )));
        }
        Ok(())
    }

    /// Fetches signatures and attestations that lie beside the image: a publisher who signed it
    /// there need not sign it again.
    async fn attached(&mut self, root: &Digest) -> Result<(), Stop> {
        let (client, from, digest) = (Arc::clone(&self.client), self.from.clone(), root.clone());
        let asked = spawn_blocking(move || client.referrers(&from, &digest, None)).await;
        let referrers = match asked.map_err(AppError::internal)? {
            Ok(referrers) => referrers,
            // A registry that does not say has none for us.
            Err(error) if !error.may_pass() => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        for referrer in referrers.into_iter().take(MOST_ATTACHED) {
            self.keep_attached(referrer.digest.as_str()).await?;
        }
        match cosign::signature_tag(root) {
            Some(tag) => self.keep_attached(tag.as_str()).await,
            None => Ok(()),
        }
    }

    /// Keeps what is attached under a reference; what is not there is not in the way.
    async fn keep_attached(&mut self, reference: &str) -> Result<(), Stop> {
        let manifest = match self.manifest(reference).await {
            Ok(manifest) => manifest,
            Err(Stop::Never(_)) => return Ok(()),
            Err(other) => return Err(other),
        };
        let is_known = self
            .manifests
            .iter()
            .any(|known| known.digest == manifest.digest);
        // An index beside an image would lead to further images, which nobody asked for.
        if is_known || manifest.image().is_none() {
            return Ok(());
        }
        self.require_few(std::slice::from_ref(&manifest))?;
        self.manifests.push(manifest);
        Ok(())
    }

    /// Brings the blobs that are not here.
    async fn blobs(&mut self) -> Result<(), Stop> {
        let mut seen = BTreeSet::new();
        let all: Vec<Descriptor> = (self.manifests.iter())
            .flat_map(RawManifest::blobs)
            .filter(|blob| !media_type::is_foreign(&blob.media_type))
            .filter(|blob| seen.insert(blob.digest.clone()))
            .cloned()
            .collect();
        self.total = all
            .iter()
            .fold(0, |sum, blob| sum.saturating_add(blob.size));
        let limit = self.app.config.max_blob_bytes;
        if let Some(large) = all.iter().find(|blob| blob.size > limit) {
            return Err(Stop::Never(format!(
                "the blob {} has {} bytes; at most {limit} are accepted",
                large.digest, large.size
            )));
        }
        let mut missing = Vec::new();
        for blob in all {
            match self.app.blob_size(&self.to, &blob.digest).await {
                Ok(_) => drop(self.done.fetch_add(blob.size, Ordering::Relaxed)),
                Err(error) if is_absent(&error) => missing.push(blob),
                Err(error) => return Err(error.into()),
            }
        }
        let manifests = self.manifests.iter();
        let manifests = manifests.map(|one| (&one.digest, one.bytes.len() as u64));
        let pieces = missing.iter().map(|blob| (&blob.digest, blob.size));
        let pieces: Vec<_> = pieces.chain(manifests).collect();
        self.app.require_room_for(&self.to, &pieces).await?;
        let count = missing.len();
        for (place, blob) in missing.into_iter().enumerate() {
            self.blob(&blob, &format!("layer {} of {count}", place + 1))
                .await?;
        }
        Ok(())
    }

    /// Brings a blob, and notes all the while how far it is.
    async fn blob(&self, blob: &Descriptor, note: &str) -> Result<(), Stop> {
        self.note(note).await?;
        let (client, from, wanted) = (Arc::clone(&self.client), self.from.clone(), blob.clone());
        let opened = spawn_blocking(move || client.blob(&from, &wanted)).await;
        let reader = opened.map_err(AppError::internal)??;
        let before = self.done.load(Ordering::Relaxed);
        let (bytes, pump) = pumped(reader, Arc::clone(&self.done));
        let put = self.app.put_blob(&self.to, bytes, &blob.digest);
        tokio::pin!(put);
        let put = loop {
            tokio::select! {
                put = &mut put => break put,
                () = time::sleep(PULSE) => self.note(note).await?,
            }
        };
        let pumped = pump.await.map_err(AppError::internal)?;
        if let Err(error) = pumped {
            self.done.store(before, Ordering::Relaxed);
            let place = format!("{}/{}", self.client.host(), self.from);
            return Err(ClientError::from_read(&place, error).into());
        }
        Ok(put?)
    }

    async fn put(&self, manifest: &RawManifest, tags: &[oci::Tag]) -> Result<(), Stop> {
        let push = ManifestPush::new(manifest, tags);
        self.app.put_manifest(&self.to, push).await?;
        Ok(())
    }

    /// Gives the signature the tag at which clients of cosign look for it.
    async fn signature_tag(&self, root: &Digest, attached: &[RawManifest]) -> Result<(), Stop> {
        let Some(tag) = cosign::signature_tag(root) else {
            return Ok(());
        };
        // Those that say themselves what they are about are found by that.
        if let Some(signature) = attached.iter().find(|one| one.subject().is_none()) {
            self.put(signature, &[tag]).await?;
        }
        Ok(())
    }

    /// Notes how far it is; ends where it is over.
    async fn note(&self, note: &str) -> Result<(), Stop> {
        let whole = |bytes: u64| i64::try_from(bytes).unwrap_or(i64::MAX);
        let far = HowFar {
            digest: self.root.as_ref().map(Digest::as_str),
            done: whole(self.done.load(Ordering::Relaxed)),
            total: whole(self.total),
            note,
        };
        let mut tx = self.app.begin().await?;
        let is_open = rows::note(&mut tx, &self.import.id, &far).await?;
        tx.commit().await?;
        is_open.then_some(()).ok_or(Stop::Over)
    }
}

fn is_absent(error: &RegistryError) -> bool {
    matches!(error.code, ErrorCode::BlobUnknown | ErrorCode::NameUnknown)
}

type Pump = tokio::task::JoinHandle<io::Result<()>>;

/// Reads on a thread that may wait, counts, and sends on; gives how the reading ended.
fn pumped(mut reader: impl Read + Send + 'static, done: Arc<AtomicU64>) -> (ByteStream, Pump) {
    let (send, receive) = mpsc::channel(PIECES);
    let pump = spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            match reader.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => {
                    piece.truncate(count);
                    done.fetch_add(count as u64, Ordering::Relaxed);
                    // Nobody takes it any more where the whole was refused or stopped.
                    if send.blocking_send(Ok(Bytes::from(piece))).is_err() {
                        return Ok(());
                    }
                }
                Err(error) => {
                    let said = io::Error::new(error.kind(), error.to_string());
                    drop(send.blocking_send(Err(said.into())));
                    return Err(error);
                }
            }
        }
    });
    let stream = futures_util::stream::unfold(receive, |mut receive| async move {
        receive.recv().await.map(|piece| (piece, receive))
    });
    (stream.boxed(), pump)
}
