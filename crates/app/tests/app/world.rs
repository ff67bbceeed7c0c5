//! A marketplace with people in it: one publisher with members and a key, staff, consumers.

use std::{
    collections::HashMap,
    io::Read,
    ops::Range,
    path::Path,
    sync::{Arc, Mutex},
};

use app::{
    Access, Actor, App, AppConfig, AppError, Application, Keys, ManualClock, NewKey, NewSubmission,
    Parts, PublisherKey, Scope, Submission,
    market::{
        Class, Decision, License, Money, Plan, ProductManifest, PublisherDecision, Role,
        SubmissionState,
    },
    oci::{Digest, RawManifest, RepoName},
    registry::{ManifestPush, RegistryError},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::{StreamExt, stream, stream::BoxStream};
use store::{
    Database,
    accounts::Account,
    blobs::{
        Blob, BlobEntry, BlobError, BlobStore, FsBlobs, FsUploads, S3Blobs, S3Config, S3Uploads,
        Uploads,
    },
    findings::Finding,
};
use trust::{SigningKey, cosign};

use crate::{
    images::{Image, picture},
    sigstore::Sigstore,
};

pub(crate) const HOST: &str = "market.example";

/// Blobs on disk that count how often each is opened to be taken apart.
pub(crate) struct CountingBlobs {
    inner: Arc<dyn BlobStore>,
    opened: Mutex<HashMap<Digest, usize>>,
}

#[async_trait::async_trait]
impl BlobStore for CountingBlobs {
    async fn put_bytes(&self, digest: &Digest, bytes: Bytes) -> Result<(), BlobError> {
        self.inner.put_bytes(digest, bytes).await
    }

    async fn get(&self, digest: &Digest, range: Option<Range<u64>>) -> Result<Blob, BlobError> {
        self.inner.get(digest, range).await
    }

    async fn size(&self, digest: &Digest) -> Result<Option<u64>, BlobError> {
        self.inner.size(digest).await
    }

    async fn delete_older(
        &self,
        digest: &Digest,
        than: DateTime<Utc>,
    ) -> Result<Option<u64>, BlobError> {
        self.inner.delete_older(digest, than).await
    }

    fn list(&self) -> BoxStream<'static, Result<BlobEntry, BlobError>> {
        self.inner.list()
    }

    fn open_sync(&self, digest: &Digest) -> Result<Box<dyn Read + Send>, BlobError> {
        let mut opened = self.opened.lock().expect("nobody panicked");
        *opened.entry(digest.clone()).or_default() += 1;
        self.inner.open_sync(digest)
    }

    async fn check(&self) -> Result<(), BlobError> {
        self.inner.check().await
    }
}

impl CountingBlobs {
    pub(crate) fn opened(&self, digest: &Digest) -> usize {
        let opened = self.opened.lock().expect("nobody panicked");
        opened.get(digest).copied().unwrap_or(0)
    }
}

pub(crate) struct World {
    pub(crate) app: Arc<App>,
    pub(crate) db: Database,
    pub(crate) blobs: Arc<CountingBlobs>,
    pub(crate) clock: Arc<ManualClock>,
    /// The publisher's key.
    pub(crate) key: SigningKey,
    pub(crate) operator: Actor,
    pub(crate) reviewer: Actor,
    pub(crate) owner: Actor,
    pub(crate) editor: Actor,
    pub(crate) viewer: Actor,
    /// A consumer.
    pub(crate) carl: Actor,
    pub(crate) dir: tempfile::TempDir,
}

fn world_config(dir: &Path, upkeep: app::UpkeepConfig) -> AppConfig {
    AppConfig {
        public_url: format!("https://{HOST}"),
        max_blob_bytes: 10 << 20,
        sparse_images: false,
        read_ahead: true,
        advisories_file: dir.join("advisories.db"),
        token_life: TimeDelta::minutes(5),
        open_registration: true,
        imports: oci::ClientOptions::default(),
        identity_root: Some(Arc::new(Sigstore::new().root())),
        witnesses: Vec::new(),
        webhooks_over_http: false,
        limits: app::Limits::default(),
        review: app::ReviewPolicy::default(),
        upkeep,
    }
}

/// The keys that every node has.
pub(crate) fn keys() -> Keys {
    Keys {
        release: Arc::new(SigningKey::from_scalar(&[7; 32]).expect("a key")),
        tokens: SigningKey::from_scalar(&[8; 32]).expect("a key"),
        is_trust_replaced: false,
        trust: SigningKey::from_scalar(&[9; 32]).expect("a key"),
        root: SigningKey::from_scalar(&[10; 32]).ok(),
        root_public: SigningKey::from_scalar(&[10; 32]).expect("a key").public(),
    }
}

/// Opens an application over what the nodes of a marketplace share.
async fn node(
    db: &Database,
    blobs: &Arc<CountingBlobs>,
    (uploads, config, keys): (Arc<dyn Uploads>, AppConfig, Keys),
    clock: &Arc<ManualClock>,
) -> Result<Arc<App>, AppError> {
    let parts = Parts {
        db: db.clone(),
        blobs: Arc::clone(blobs) as Arc<dyn BlobStore>,
        uploads,
        clock: Arc::clone(clock) as Arc<dyn app::Clock>,
        keys,
        config,
    };
    App::new(parts).await
}

impl World {
    /// Opens another node over the same database.
    pub(crate) async fn another_node(&self) -> Arc<App> {
        self.node_reviewing(app::ReviewPolicy::default()).await
    }

    /// Opens another node that reviews by a policy.
    pub(crate) async fn node_reviewing(&self, review: app::ReviewPolicy) -> Arc<App> {
        self.node_with(review, keys()).await
    }

    /// Opens another node, with keys of its own.
    pub(crate) async fn node_with(&self, review: app::ReviewPolicy, keys: Keys) -> Arc<App> {
        let node = self.try_node_with(review, keys).await;
        node.expect("an application")
    }

    /// Opens another node, whose log has witnesses.
    pub(crate) async fn node_witnessed(&self, witnesses: Vec<app::LogWitness>) -> Arc<App> {
        let dir = self.dir.path();
        let files = FsBlobs::open(&dir.join("blobs")).expect("blobs");
        let uploads = FsUploads::open(&dir.join("uploads"), &files).expect("uploads");
        let config = AppConfig {
            witnesses,
            ..world_config(dir, app::UpkeepConfig::default())
        };
        let parts = (Arc::new(uploads) as Arc<dyn Uploads>, config, keys());
        let node = node(&self.db, &self.blobs, parts, &self.clock).await;
        node.expect("an application")
    }

    /// The same where the keys may be wrong.
    pub(crate) async fn try_node_with(
        &self,
        review: app::ReviewPolicy,
        keys: Keys,
    ) -> Result<Arc<App>, AppError> {
        let dir = self.dir.path();
        let files = FsBlobs::open(&dir.join("blobs")).expect("blobs");
        let uploads = FsUploads::open(&dir.join("uploads"), &files).expect("uploads");
        let config = AppConfig {
            review,
            ..world_config(dir, app::UpkeepConfig::default())
        };
        node(
            &self.db,
            &self.blobs,
            (Arc::new(uploads), config, keys),
            &self.clock,
        )
        .await
    }

    /// Staff, and the verified publisher `acme` with its members and key.
    pub(crate) async fn new(db: Database) -> Self {
        Self::with_upkeep(db, app::UpkeepConfig::default()).await
    }

    /// With the blobs in a bucket instead of on disk.
    pub(crate) async fn in_bucket(db: Database, bucket: S3Config) -> Self {
        Self::empty(db, Some(bucket), app::UpkeepConfig::default())
            .await
            .with_acme()
            .await
    }

    /// Where collections take away at once what is out of reach.
    pub(crate) async fn without_grace(db: Database) -> Self {
        let upkeep = app::UpkeepConfig {
            collect_grace: TimeDelta::zero(),
            ..app::UpkeepConfig::default()
        };
        Self::with_upkeep(db, upkeep).await
    }

    /// Where the store is kept in another way.
    pub(crate) async fn with_upkeep(db: Database, upkeep: app::UpkeepConfig) -> Self {
        Self::empty(db, None, upkeep).await.with_acme().await
    }

    async fn with_acme(self) -> Self {
        let world = self;
        let app = &world.app;
        let application = Application {
            slug: "acme".to_owned(),
            legal_name: "ACME Harbour Works Ltd".to_owned(),
            website: "https://acme.example".to_owned(),
            phone: "+1 555 0100".to_owned(),
            email: "sales@acme.example".to_owned(),
            agreement: None,
        };
        app.apply_as_publisher(&world.owner, &application)
            .await
            .expect("applied");
        for (name, role) in [("eve-editor", Role::Editor), ("vic-viewer", Role::Viewer)] {
            app.set_member(&world.owner, "acme", name, role)
                .await
                .expect("a member");
        }
        let verified = PublisherDecision::VerifyWithoutProofs;
        app.decide_publisher(&world.operator, "acme", verified, "Known to us.")
            .await
            .expect("verified");
        world.register("release key", &world.key).await;
        world
    }

    /// Registers a signing key of `acme` and proves it.
    pub(crate) async fn register(&self, name: &str, key: &SigningKey) -> PublisherKey {
        let new = NewKey {
            name: name.to_owned(),
            pem: key.public().to_pem(),
            valid_from: None,
        };
        let added = self.app.add_publisher_key(&self.owner, "acme", &new).await;
        let added = added.expect("a key");
        self.prove(&added, key).await
    }

    /// Proves a signing key of `acme`.
    pub(crate) async fn prove(&self, added: &PublisherKey, key: &SigningKey) -> PublisherKey {
        let challenge = added.challenge.as_deref().expect("a text to sign");
        let proof = STANDARD.encode(key.sign_der(challenge.as_bytes()));
        let id = added.id.as_str();
        let proven = (self.app).prove_publisher_key(&self.owner, "acme", id, &proof);
        proven.await.expect("proven")
    }

    /// People, and nothing else.
    async fn empty(db: Database, bucket: Option<S3Config>, upkeep: app::UpkeepConfig) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let start: DateTime<Utc> = "2026-11-01T10:00:00.123456Z".parse().expect("a time");
        let clock = Arc::new(ManualClock::new(start));
        let (inner, uploads): (Arc<dyn BlobStore>, Arc<dyn Uploads>) = match bucket {
            None => {
                let files = FsBlobs::open(&dir.path().join("blobs")).expect("blobs");
                let uploads = FsUploads::open(&dir.path().join("uploads"), &files);
                (Arc::new(files), Arc::new(uploads.expect("uploads")))
            }
            Some(bucket) => {
                let bucket = S3Blobs::open(bucket, dir.path(), 1 << 20).expect("a bucket");
                let time = Arc::clone(&clock);
                let now = Arc::new(move || app::Clock::now(&*time));
                let uploads = S3Uploads::new(&bucket, db.clone(), now, "node");
                (Arc::new(bucket), Arc::new(uploads))
            }
        };
        let blobs = Arc::new(CountingBlobs {
            inner,
            opened: Mutex::default(),
        });
        let person = async |number: u8, name: &str, staff_role: Option<&str>| {
            let account = Account {
                id: market::AccountId::new(start, [number; 10]),
                name: name.to_owned(),
                email: format!("{name}@example.com"),
                password_hash: String::new(),
                staff_role: staff_role.map(str::to_owned),
                created_at: start,
                disabled_at: None,
                robot: store::accounts::Robot::default(),
            };
            let mut tx = db.begin().await.expect("a transaction");
            store::accounts::create(&mut tx, &account)
                .await
                .expect("an account");
            tx.commit().await.expect("committed");
            Actor::account(account)
        };
        let (operator, reviewer) = (
            person(1, "olga-operator", Some("operator")).await,
            person(2, "rita-reviewer", Some("reviewer")).await,
        );
        let (owner, editor) = (
            person(3, "oscar-owner", None).await,
            person(4, "eve-editor", None).await,
        );
        let (viewer, carl) = (
            person(5, "vic-viewer", None).await,
            person(6, "carl-consumer", None).await,
        );
        let config = world_config(dir.path(), upkeep);
        let app = node(&db, &blobs, (uploads, config, keys()), &clock).await;
        let app = app.expect("an application");
        Self {
            app,
            db,
            blobs,
            clock,
            key: SigningKey::from_scalar(&[9; 32]).expect("a key"),
            operator,
            reviewer,
            owner,
            editor,
            viewer,
            carl,
            dir,
        }
    }

    /// Signs in somebody new.
    pub(crate) async fn newcomer(&self, name: &str) -> Actor {
        let new = app::NewAccount {
            name: name.to_owned(),
            email: format!("{name}@example.com"),
            password: "a long enough password".to_owned(),
            staff_role: None,
        };
        let account = self.app.create_account(&Actor::anonymous(), &new).await;
        Actor::account(account.expect("an account"))
    }

    /// Makes the product `acme/db` with a complete draft.
    pub(crate) async fn product(&self) -> ProductManifest {
        let (app, editor) = (&self.app, &self.editor);
        app.create_product(editor, "acme", "db")
            .await
            .expect("a product");
        let logo = app
            .upload_picture(editor, "acme", picture(512, 512).into())
            .await;
        let digest = logo.expect("a picture").digest;
        let plan = |id: &str, amount_minor| Plan {
            id: id.parse().expect("a short name"),
            name: id.to_owned(),
            description: "A plan".to_owned(),
            price: Money {
                amount_minor,
                currency: "EUR".to_owned(),
            },
            sources: Vec::new(),
        };
        let draft = ProductManifest {
            name: "Harbour DB".to_owned(),
            logo: Some(digest.clone()),
            short_description: "A small database.".to_owned(),
            category: "Databases".to_owned(),
            tags: vec!["sql".to_owned()],
            long_description: "# Harbour DB".to_owned(),
            screenshots: vec![digest],
            support_link: "https://acme.example/support".to_owned(),
            support: market::Support::sample(),
            plans: vec![plan("free", 0), plan("pro", 1999)],
            installation_instructions: "docker pull".to_owned(),
            license: License {
                link: None,
                text: Some("Be kind.".to_owned()),
            },
            ..ProductManifest::default()
        };
        let problems = app.save_draft(editor, "acme", "db", &draft).await;
        assert_eq!(problems.expect("saved"), []);
        draft
    }

    /// Returns what `actor` may do in a repository, as a client's token says.
    pub(crate) async fn access(&self, actor: &Actor, name: &str) -> Arc<Access> {
        let scope = Scope::parse(&format!("repository:{name}:pull,push,delete")).expect("a scope");
        let issued = self.app.issue_registry_token(actor, &[scope]).await;
        let token = issued.expect("a token").token;
        self.app
            .verify_registry_token(&token)
            .await
            .expect("read")
            .expect("our own")
    }

    pub(crate) async fn push_blob(
        &self,
        name: &str,
        bytes: &[u8],
    ) -> Result<Digest, RegistryError> {
        let access = self.access(&self.editor, name).await;
        assert!(access.grants(name, "push"), "{access:?}");
        let name: RepoName = name.parse().expect("a name");
        let body = stream::iter([Ok(Bytes::copy_from_slice(bytes))]).boxed();
        let digest = Digest::of(bytes);
        self.app.put_blob(&name, body, &digest).await?;
        Ok(digest)
    }

    pub(crate) async fn push_manifest(
        &self,
        name: &str,
        tag: Option<&str>,
        bytes: Vec<u8>,
    ) -> Result<Digest, RegistryError> {
        let tags: Vec<_> = tag.iter().map(|tag| tag.parse().expect("a tag")).collect();
        let manifest = RawManifest::parse(bytes, None).expect("a manifest");
        let name = name.parse().expect("a name");
        Ok(self
            .app
            .put_manifest(&name, ManifestPush::new(&manifest, &tags))
            .await?
            .digest)
    }

    /// Returns a blob's bytes.
    pub(crate) async fn blob(&self, digest: &Digest) -> Vec<u8> {
        let blob = self.blobs.get(digest, None).await.expect("a blob");
        let parts: Vec<_> = blob.into_stream().collect().await;
        let parts = parts.into_iter().map(|part| part.expect("read"));
        parts.flat_map(|part| part.to_vec()).collect()
    }

    /// Pushes an image to `staging/acme/db`.
    pub(crate) async fn push(&self, tag: Option<&str>, image: &Image) -> Digest {
        let name = "staging/acme/db";
        for (bytes, _) in &image.layers {
            self.push_blob(name, bytes).await.expect("pushed");
        }
        self.push_blob(name, image.config.to_string().as_bytes())
            .await
            .expect("pushed");
        let pushed = self.push_manifest(name, tag, image.manifest()).await;
        pushed.expect("pushed")
    }

    /// Pushes a signature beside the image, as `cosign sign` does.
    pub(crate) async fn sign(&self, key: &SigningKey, digest: &Digest) {
        let payload = cosign::payload(&format!("{HOST}/staging/acme/db"), digest, None);
        let signature = cosign::sign(key, payload).expect("signed");
        self.push_signature(digest, &[signature]).await;
    }

    pub(crate) async fn push_signature(&self, digest: &Digest, signatures: &[cosign::Signature]) {
        let image = cosign::signature_manifest(signatures).expect("a signature's image");
        let tag = cosign::signature_tag(digest).expect("a tag");
        for blob in image.payloads.iter().chain([&image.config]) {
            self.push_blob("staging/acme/db", blob)
                .await
                .expect("pushed");
        }
        let pushed = self
            .push_manifest("staging/acme/db", Some(tag.as_str()), image.manifest.bytes)
            .await;
        pushed.expect("pushed");
    }

    pub(crate) async fn submit(&self, tag: &str) -> Result<Submission, AppError> {
        let new = NewSubmission {
            repository: "db".to_owned(),
            tag: tag.to_owned(),
        };
        self.app.submit(&self.editor, "acme", "db", &new).await
    }

    /// Works until nothing is due; gives how many jobs there were.
    pub(crate) async fn work(&self) -> usize {
        let mut done = 0;
        while self.app.work_once("worker").await.expect("the queue") {
            done += 1;
        }
        done
    }

    /// Pushes, signs, submits and inspects.
    pub(crate) async fn submitted(&self, tag: &str, image: &Image) -> Submission {
        let digest = self.push(Some(tag), image).await;
        self.sign(&self.key, &digest).await;
        let submission = self.submit(tag).await.expect("submitted");
        assert_eq!(self.work().await, 1);
        self.submission(&submission).await
    }

    /// The whole way to the market.
    pub(crate) async fn released(&self, tag: &str, image: &Image) -> Submission {
        let submission = self.submitted(tag, image).await;
        self.decide(&submission, Decision::Approve, "")
            .await
            .expect("approved");
        assert_eq!(self.work().await, 1);
        let submission = self.submission(&submission).await;
        assert_eq!(submission.state, SubmissionState::Released);
        submission
    }

    pub(crate) async fn decide(
        &self,
        submission: &Submission,
        decision: Decision,
        reason: &str,
    ) -> Result<Submission, AppError> {
        self.app
            .decide(&self.reviewer, submission.id.as_str(), decision, reason)
            .await
    }

    /// Submits and looks: the submission, and what is said of its signature.
    pub(crate) async fn signature_looked_for(&self) -> (Submission, String) {
        let submission = self.submit("1.0").await.expect("submitted");
        self.work().await;
        let submission = self.submission(&submission).await;
        let found = submission.signature.clone().expect("looked for").0;
        let reason = found["reason"].as_str().expect("text").to_owned();
        (submission, reason)
    }

    /// Returns the submission as it is now.
    pub(crate) async fn submission(&self, submission: &Submission) -> Submission {
        let mut tx = self.db.read().await.expect("a transaction");
        let found = store::submissions::find(&mut tx, &submission.id).await;
        found.expect("read").expect("there")
    }

    pub(crate) async fn findings(&self, submission: &Submission) -> Vec<Finding> {
        let mut tx = self.db.read().await.expect("a transaction");
        let found = store::findings::of_submission(&mut tx, &submission.id, app::Part::ALL).await;
        found.expect("read")
    }

    pub(crate) async fn classes(&self, submission: &Submission) -> Vec<(String, Class)> {
        let findings = self.findings(submission).await;
        findings
            .into_iter()
            .map(|f| (f.vulnerability, f.class))
            .collect()
    }

    /// Returns what stands in the audit log about `subject`: action, before, after.
    pub(crate) async fn audit(&self, subject: &str) -> Vec<String> {
        let mut tx = self.db.read().await.expect("a transaction");
        let records = store::audit::of_subject(&mut tx, subject)
            .await
            .expect("read");
        let line = |record: store::audit::AuditRecord| {
            let state = |state: Option<String>| state.unwrap_or_else(|| "-".to_owned());
            format!(
                "{} {}>{}",
                record.action,
                state(record.before),
                state(record.after)
            )
        };
        records.into_iter().map(line).collect()
    }

    pub(crate) async fn rights(&self, actor: &Actor, name: &str) -> (bool, bool) {
        let rights = self.app.repository_rights(actor, name).await.expect("read");
        (rights.pull, rights.push)
    }
}

/// Returns an error's code and words.
pub(crate) fn told<T: std::fmt::Debug>(outcome: Result<T, AppError>) -> String {
    let error = outcome.expect_err("refused");
    format!("{}: {error}", error.code())
}
