//! A small marketplace: a real application over SQLite and files in a temporary folder,
//! people with access tokens, and images pushed the way the registry takes them.

use std::{path::Path, sync::Arc};

use app::{
    Actor, App, AppConfig, Application, Clock, Keys, ManualClock, NewAccount, NewKey,
    NewSubmission, NewToken, Parts,
    market::{Decision, ListingState, PublisherDecision, Role, SubmissionState},
    oci::{Digest, RawManifest, RepoName, Tag, media_type},
    registry::ManifestPush,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta};
use serde_json::json;
use store::{
    Database, DatabaseUrl,
    blobs::{FsBlobs, FsUploads},
};
use tempfile::TempDir;
use trust::{SigningKey, cosign};

/// What everybody signs in with, where they do.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// Opens an application over the folder `dir`.
pub(crate) async fn open(dir: &Path, clock: Arc<dyn Clock>) -> Arc<App> {
    let db = DatabaseUrl::Sqlite(dir.join("plimsoll.db"));
    open_with((dir, &db), clock, app::ReviewPolicy::default()).await
}

async fn open_with(
    (dir, db): (&Path, &DatabaseUrl),
    clock: Arc<dyn Clock>,
    review: app::ReviewPolicy,
) -> Arc<App> {
    let key = |byte| SigningKey::from_scalar(&[byte; 32]).expect("a key");
    let blobs = FsBlobs::open(&dir.join("blobs")).expect("blobs");
    let uploads = FsUploads::open(&dir.join("uploads"), &blobs).expect("uploads");
    let parts = Parts {
        db: Database::open(db).await.expect("a database"),
        blobs: Arc::new(blobs),
        uploads: Arc::new(uploads),
        clock,
        keys: Keys {
            release: Arc::new(key(7)),
            tokens: key(8),
            is_trust_replaced: false,
            trust: key(9),
            root: Some(key(10)),
            root_public: key(10).public(),
        },
        config: AppConfig {
            public_url: "https://market.example".to_owned(),
            max_blob_bytes: 1 << 30,
            sparse_images: false,
            read_ahead: true,
            advisories_file: dir.join("advisories.db"),
            token_life: TimeDelta::minutes(5),
            open_registration: true,
            imports: app::oci::ClientOptions::default(),
            identity_root: None,
            witnesses: Vec::new(),
            webhooks_over_http: false,
            limits: app::Limits::default(),
            review,
            upkeep: app::UpkeepConfig::default(),
        },
    };
    App::new(parts).await.expect("an application")
}

/// A marketplace in a folder of its own.
pub(crate) struct Fixture {
    pub(crate) app: Arc<App>,
    pub(crate) clock: Arc<ManualClock>,
    dir: TempDir,
}

impl Fixture {
    /// Makes an empty marketplace with an operator and a reviewer.
    pub(crate) async fn new() -> Self {
        Self::reviewing(app::ReviewPolicy::default()).await
    }

    /// Makes one that reviews by a policy.
    pub(crate) async fn reviewing(policy: app::ReviewPolicy) -> Self {
        let dir = TempDir::new().expect("a folder");
        let db = DatabaseUrl::Sqlite(dir.path().join("plimsoll.db"));
        Self::within(dir, &db, policy).await
    }

    /// Makes one in a folder, over a database.
    pub(crate) async fn within(dir: TempDir, db: &DatabaseUrl, policy: app::ReviewPolicy) -> Self {
        let clock = Arc::new(ManualClock::new(noon()));
        let place = (dir.path(), db);
        let app = open_with(place, Arc::clone(&clock) as Arc<dyn Clock>, policy).await;
        let fixture = Self { app, clock, dir };
        fixture.account("olga", Some("operator")).await;
        fixture.account("rita", Some("reviewer")).await;
        fixture
    }

    /// Copies the marketplace as it stands; the original must be closed.
    pub(crate) async fn copy(&self) -> Self {
        let dir = TempDir::new().expect("a folder");
        copy_dir(self.dir.path(), dir.path());
        let clock = Arc::new(ManualClock::new(self.clock.now()));
        let app = open(dir.path(), Arc::clone(&clock) as Arc<dyn Clock>).await;
        Self { app, clock, dir }
    }

    /// Where the marketplace keeps its files.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Makes an account; gives who it is.
    pub(crate) async fn account(&self, name: &str, staff_role: Option<&str>) -> Actor {
        let new = NewAccount {
            name: name.to_owned(),
            email: format!("{name}@example.com"),
            password: PASSWORD.to_owned(),
            staff_role: staff_role.map(str::to_owned),
        };
        let made = self.app.create_account(&Actor::system(), &new).await;
        Actor::account(made.expect("an account"))
    }

    /// Returns who `name` is.
    pub(crate) async fn actor(&self, name: &str) -> Actor {
        Actor::account(self.app.find_account(name).await.expect("an account"))
    }

    /// Makes an access token for `name`.
    pub(crate) async fn token(&self, name: &str, may_push: bool) -> String {
        let actor = self.actor(name).await;
        let new = NewToken {
            name: "test".to_owned(),
            may_push,
            ..NewToken::default()
        };
        let made = self.app.create_token(&actor, &new).await;
        made.expect("a token").1
    }

    /// Makes the verified publisher `acme`, owned by `owner`, with a signing key.
    pub(crate) async fn publisher(&self, owner: &str) {
        let actor = self.actor(owner).await;
        let application = Application {
            slug: "acme".to_owned(),
            legal_name: "Acme Ltd".to_owned(),
            website: "https://acme.example".to_owned(),
            phone: "+1 555 0100".to_owned(),
            email: "sales@acme.example".to_owned(),
            agreement: None,
        };
        let applied = self.app.apply_as_publisher(&actor, &application).await;
        applied.expect("an application");
        let key = NewKey {
            name: "build".to_owned(),
            pem: publisher_key().public().to_pem(),
            valid_from: None,
        };
        let added = self.app.add_publisher_key(&actor, "acme", &key).await;
        let added = added.expect("a key");
        let challenge = added.challenge.expect("a text to sign");
        let proof = STANDARD.encode(publisher_key().sign_der(challenge.as_bytes()));
        let id = added.id.as_str();
        let proven = (self.app).prove_publisher_key(&actor, "acme", id, &proof);
        proven.await.expect("proven");
        let decided = self
            .app
            .decide_publisher(
                &Actor::system(),
                "acme",
                PublisherDecision::VerifyWithoutProofs,
                "Known to us.",
            )
            .await;
        decided.expect("a decision");
    }

    /// Makes `account` a member of `acme`.
    pub(crate) async fn member(&self, owner: &str, account: &str, role: Role) {
        let owner = self.actor(owner).await;
        let set = self.app.set_member(&owner, "acme", account, role).await;
        set.expect("a member");
    }

    /// Makes the product `acme/ship-db` with a complete draft.
    pub(crate) async fn product(&self, owner: &str) {
        let actor = self.actor(owner).await;
        let made = self.app.create_product(&actor, "acme", "ship-db").await;
        made.expect("a product");
        let picture = self.app.upload_picture(&actor, "acme", picture(512)).await;
        let digest = picture.expect("a picture").digest;
        let draft = serde_json::from_value(manifest(&digest)).expect("a manifest");
        let saved = self
            .app
            .save_draft(&actor, "acme", "ship-db", &draft)
            .await
            .expect("a draft");
        assert_eq!(saved, [], "the draft is complete");
    }

    /// Pushes and signs an image and submits it; gives the submission, inspected.
    pub(crate) async fn submission(&self, owner: &str, tag: &str) -> String {
        let actor = self.actor(owner).await;
        self.push_image("staging/acme/db", tag).await;
        let new = NewSubmission {
            repository: "db".to_owned(),
            tag: tag.to_owned(),
        };
        let made = self.app.submit(&actor, "acme", "ship-db", &new).await;
        let id = made.expect("a submission").id.to_string();
        self.work().await;
        let page = self.app.submission_page(&actor, &id).await.expect("a page");
        let submission = page.submission;
        assert_eq!(
            submission.state,
            SubmissionState::InReview,
            "{:?}",
            submission.problem
        );
        id
    }

    /// Approves and releases a submission.
    pub(crate) async fn release(&self, submission: &str) {
        let reviewer = self.actor("rita").await;
        let decided = self
            .app
            .decide(&reviewer, submission, Decision::Approve, "")
            .await;
        decided.expect("an approval");
        self.work().await;
        let page = self
            .app
            .submission_page(&reviewer, submission)
            .await
            .expect("a page");
        assert_eq!(page.product.state, ListingState::Listed);
    }

    /// Does every job that is due.
    pub(crate) async fn work(&self) {
        while self.app.work_once("test").await.expect("the queue") {}
    }

    /// Pushes a small Debian image to a repository, with the publisher's signature.
    async fn push_image(&self, repository: &str, tag: &str) {
        let name: RepoName = repository.parse().expect("a name");
        let layer = layer(tag);
        let config = json!({
            "architecture": "amd64", "os": "linux", "created": "2026-11-01T00:00:00Z",
            "config": {"Cmd": ["/bin/db"], "User": "1000"},
            "rootfs": {"type": "layers", "diff_ids": [Digest::of(&layer)]},
            "history": [{"created": "2026-11-01T00:00:00Z", "created_by": "COPY rootfs / # build"}],
        })
        .to_string();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_MANIFEST,
            "config": descriptor(config.as_bytes(), media_type::OCI_CONFIG),
            "layers": [descriptor(&layer, media_type::OCI_LAYER)],
        });
        let manifest = manifest.to_string().into_bytes();
        let manifest = RawManifest::parse(manifest, None).expect("a manifest");
        self.push_blob(&name, layer).await;
        self.push_blob(&name, config.into_bytes()).await;
        self.push_manifest(&name, tag.parse().expect("a tag"), &manifest)
            .await;

        let reference = format!("market.example/{repository}");
        let payload = cosign::payload(&reference, &manifest.digest, None);
        let signature = cosign::sign(&publisher_key(), payload).expect("signed");
        let signed = cosign::signature_manifest(&[signature]).expect("a signature");
        for payload in signed.payloads {
            self.push_blob(&name, payload).await;
        }
        self.push_blob(&name, signed.config).await;
        let tag = cosign::signature_tag(&manifest.digest).expect("a tag");
        self.push_manifest(&name, tag, &signed.manifest).await;
    }

    async fn push_blob(&self, name: &RepoName, bytes: Vec<u8>) {
        let digest = Digest::of(&bytes);
        let body = Box::pin(futures_util::stream::iter([Ok(Bytes::from(bytes))]));
        let finished = self.app.put_blob(name, body, &digest).await;
        finished.expect("a blob");
    }

    async fn push_manifest(&self, name: &RepoName, tag: Tag, manifest: &RawManifest) {
        let pushed = self
            .app
            .put_manifest(name, ManifestPush::new(manifest, &[tag]))
            .await;
        pushed.expect("a manifest");
    }
}

/// When every test begins.
fn noon() -> DateTime<chrono::Utc> {
    DateTime::from_timestamp(1_795_262_400, 0).expect("a time")
}

fn publisher_key() -> SigningKey {
    SigningKey::from_scalar(&[9; 32]).expect("a key")
}

fn descriptor(bytes: &[u8], media_type: &str) -> serde_json::Value {
    json!({"mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len()})
}

/// A layer with a distribution, one old package, and a file that differs by `tag`.
fn layer(tag: &str) -> Vec<u8> {
    let status = "Package: libssl1.1\nStatus: install ok installed\nArchitecture: amd64\n\
                  Source: openssl\nVersion: 1.1.1k-1\nMaintainer: Debian\nDescription: TLS\n\n";
    let os = "PRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\nID=debian\nVERSION_ID=\"11\"\n\
              VERSION_CODENAME=bullseye\n";
    let mut builder = tar::Builder::new(Vec::new());
    for (path, text) in [
        ("etc/os-release", os),
        ("etc/version", tag),
        ("var/lib/dpkg/status", status),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        let added = builder.append_data(&mut header, path, text.as_bytes());
        added.expect("a member");
    }
    builder.into_inner().expect("a layer")
}

/// A square picture of one colour.
pub(crate) fn picture(pixels: u32) -> Bytes {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels, pixels);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("a header");
    let rows = vec![90; (pixels * pixels) as usize];
    writer.write_image_data(&rows).expect("rows");
    writer.finish().expect("an end");
    bytes.into()
}

/// A complete manifest that uses `picture` wherever it needs one.
pub(crate) fn manifest(picture: &str) -> serde_json::Value {
    json!({
        "name": "Ship DB", "logo": picture, "screenshots": [picture],
        "short_description": "A database for ships.", "category": "Databases", "tags": ["sql"],
        "long_description": "Long.", "support_link": "https://acme.example/help",
        "support": {"email": "help@acme.example", "sla": {
            "from": "09:00", "until": "17:00", "time_zone": "UTC",
            "response_hours": {"critical": 4, "major": 24, "minor": 72},
        }},
        "plans": [
            {"id": "pro", "name": "Pro", "description": "All.", "price": {"amount_minor": 1999, "currency": "USD"}},
        ],
        "installation_instructions": "Run it.", "license": {"link": "https://acme.example/license"},
        "platform": "certified-infrastructure", "access": "subscribers",
    })
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}
