//! A marketplace, its people, and requests to its registry.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use app::{
    Actor, App, AppConfig, Application, Clock, Keys, ManualClock, NewAccount, NewKey, NewRobot,
    NewSubmission, NewToken, Parts, Token,
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use market::{
    Decision, License, Money, Plan, ProductManifest, PublisherDecision, PullAccess, Role,
    TokenScopes,
};
use oci::Digest;
use store::{
    Database, DatabaseUrl,
    blobs::{BlobStore, FsBlobs, FsUploads, S3Blobs, S3Config, S3Uploads, Uploads},
};
use tempfile::TempDir;
use tower::ServiceExt;
use trust::SigningKey;

use crate::image::{Image, image, signature};

pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const STAGING: &str = "staging/acme/db";
pub(crate) const RELEASED: &str = "acme/db";

/// The marketplace: publishers `acme` (with owner, editor, viewer) and `rival`, staff, customers.
pub(crate) struct Market {
    pub(crate) app: Arc<App>,
    pub(crate) db: Database,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) router: Router,
    place: Place,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status, code and message of an error, or the status alone.
    pub(crate) fn summary(&self) -> String {
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        match serde_json::from_slice::<serde_json::Value>(&self.body) {
            Ok(body) if body["errors"][0]["code"].is_string() => {
                let error = &body["errors"][0];
                let (code, message) = (text(&error["code"]), text(&error["message"]));
                format!("{} {code}: {message}", self.status.as_u16())
            }
            _ => self.status.as_u16().to_string(),
        }
    }
}

/// What the marketplace lies on.
#[derive(Clone)]
enum Ground {
    /// SQLite, files, and one server.
    Folder,
    /// PostgreSQL, S3, and two servers that get requests by turns.
    Cluster {
        database: DatabaseUrl,
        bucket: S3Config,
    },
}

impl Ground {
    /// Returns what `PLIMSOLL_TEST_ON` says: `folder`, or `cluster` where its servers are installed.
    #[expect(clippy::disallowed_methods, reason = "where tests are told so")]
    async fn told() -> Self {
        if std::env::var("PLIMSOLL_TEST_ON").is_ok_and(|ground| ground == "cluster")
            && let Some(database) = crate::databases::fresh_postgres("icu").await
            && let Some(bucket) = crate::bucket::fresh_bucket()
        {
            return Self::Cluster { database, bucket };
        }
        Self::Folder
    }
}

/// Where the marketplace lies and what its servers have in common.
struct Place {
    dir: TempDir,
    ground: Ground,
    clock: Arc<ManualClock>,
    tokens: SigningKey,
    trust: SigningKey,
    release: SigningKey,
    url: String,
    /// Whether images may be pushed of which blobs are missing.
    sparse: bool,
}

impl Place {
    /// Starts the servers: opens what lies there, or makes it.
    async fn open(&self) -> Vec<(Arc<App>, Database)> {
        match &self.ground {
            Ground::Folder => vec![self.node("").await],
            Ground::Cluster { .. } => vec![self.node("one").await, self.node("two").await],
        }
    }

    async fn node(&self, name: &str) -> (Arc<App>, Database) {
        let dir = self.dir.path().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let blobs: Arc<dyn BlobStore>;
        let uploads: Arc<dyn Uploads>;
        let db: Database;
        match &self.ground {
            Ground::Folder => {
                let url = DatabaseUrl::Sqlite(dir.join("market.db"));
                db = Database::open(&url).await.unwrap();
                let files = FsBlobs::open(&dir.join("blobs")).unwrap();
                uploads = Arc::new(FsUploads::open(&dir.join("uploads"), &files).unwrap());
                blobs = Arc::new(files);
            }
            Ground::Cluster { database, bucket } => {
                db = Database::open(database).await.unwrap();
                let bucket = S3Blobs::open(bucket.clone(), &dir, 1 << 30).unwrap();
                let (clock, number) = (Arc::clone(&self.clock), random_number());
                let now = Arc::new(move || clock.now());
                let node = format!("{name}{number}");
                uploads = Arc::new(S3Uploads::new(&bucket, db.clone(), now, &node));
                blobs = Arc::new(bucket);
            }
        }
        let parts = Parts {
            db: db.clone(),
            blobs,
            uploads,
            clock: Arc::<ManualClock>::clone(&self.clock),
            keys: Keys {
                release: Arc::new(self.release.clone()),
                tokens: self.tokens.clone(),
                is_trust_replaced: false,
                trust: self.trust.clone(),
                root: SigningKey::from_scalar(&[10; 32]).ok(),
                root_public: SigningKey::from_scalar(&[10; 32]).expect("a key").public(),
            },
            config: AppConfig {
                public_url: self.url.clone(),
                max_blob_bytes: 64 << 20,
                sparse_images: self.sparse,
                read_ahead: true,
                advisories_file: dir.join("advisories.db"),
                token_life: chrono::TimeDelta::minutes(5),
                open_registration: true,
                imports: oci::ClientOptions::default(),
                identity_root: None,
                witnesses: Vec::new(),
                webhooks_over_http: false,
                limits: app::Limits::default(),
                review: app::ReviewPolicy::default(),
                upkeep: app::UpkeepConfig::default(),
            },
        };
        (App::new(parts).await.unwrap(), db)
    }
}

/// Servers have names that none had before.
fn random_number() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// Gives requests to each of the servers by turns.
fn by_turns(servers: Vec<Arc<App>>) -> Router {
    let next = Arc::new(AtomicUsize::new(0));
    Router::new().fallback(move |request: Request<Body>| {
        let number = next.fetch_add(1, Ordering::Relaxed) % servers.len();
        let server = Arc::clone(&servers[number]);
        async move { plimsoll_registry::serve(&server, request).await }
    })
}

/// Makes the accounts and publishers.
async fn people(app: &App) {
    let staff = [("reviewer", "reviewer"), ("operator", "operator")];
    for name in [
        "owner",
        "editor",
        "viewer",
        "rival",
        "other",
        "subscriber",
        "reviewer",
        "operator",
    ] {
        let role = staff.iter().find(|(staff, _)| *staff == name);
        let new = NewAccount {
            name: name.to_owned(),
            email: format!("{name}@example.org"),
            password: PASSWORD.to_owned(),
            staff_role: role.map(|(_, role)| (*role).to_owned()),
        };
        app.create_account(&Actor::system(), &new).await.unwrap();
    }
    for (owner, slug) in [("owner", "acme"), ("rival", "rival")] {
        let application = Application {
            slug: slug.to_owned(),
            legal_name: slug.to_owned(),
            website: "https://example.org".to_owned(),
            phone: "+1 555 0100".to_owned(),
            email: "office@example.org".to_owned(),
            agreement: None,
        };
        let owner = actor(app, owner).await;
        app.apply_as_publisher(&owner, &application).await.unwrap();
        app.decide_publisher(
            &Actor::system(),
            slug,
            PublisherDecision::VerifyWithoutProofs,
            "So.",
        )
        .await
        .unwrap();
    }
    let owner = actor(app, "owner").await;
    for (name, role) in [("editor", Role::Editor), ("viewer", Role::Viewer)] {
        app.set_member(&owner, "acme", name, role).await.unwrap();
    }
}

/// Somebody who signed in.
pub(crate) async fn actor(app: &App, name: &str) -> Actor {
    Actor::account(app.find_account(name).await.unwrap())
}

impl Market {
    pub(crate) async fn new() -> Self {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Self::at(at, "https://registry.example").await
    }

    /// Makes the marketplace at a time, under an address.
    pub(crate) async fn at(time: DateTime<Utc>, url: &str) -> Self {
        Self::founded(time, url, false).await
    }

    /// One that takes images of which blobs are missing.
    pub(crate) async fn sparse() -> Self {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        Self::founded(at, "https://registry.example", true).await
    }

    async fn founded(time: DateTime<Utc>, url: &str, sparse: bool) -> Self {
        let place = Place {
            sparse,
            dir: TempDir::new().unwrap(),
            ground: Ground::told().await,
            clock: Arc::new(ManualClock::new(time)),
            tokens: SigningKey::generate().unwrap(),
            trust: SigningKey::generate().unwrap(),
            release: SigningKey::generate().unwrap(),
            url: url.to_owned(),
        };
        let market = Self::over(place).await;
        people(&market.app).await;
        market
    }

    async fn over(place: Place) -> Self {
        let nodes = place.open().await;
        let servers = nodes.iter().map(|(app, _)| Arc::clone(app));
        let router = by_turns(servers.collect());
        let (app, db) = nodes[0].clone();
        Self {
            app,
            db,
            clock: Arc::clone(&place.clock),
            router,
            place,
        }
    }

    /// Leaves everything as it is and opens it again, as after a crash.
    pub(crate) async fn restarted(self) -> Self {
        Self::over(self.place).await
    }

    /// Returns a path in a folder of its own.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.place.dir.path().join(name)
    }

    /// Returns how many uploads are open.
    pub(crate) async fn open_uploads(&self) -> usize {
        match self.place.ground {
            Ground::Folder => std::fs::read_dir(self.path("uploads")).unwrap().count(),
            Ground::Cluster { .. } => {
                let far = self.clock.now() + chrono::TimeDelta::days(9);
                let mut tx = self.db.read().await.unwrap();
                let rows = store::uploads::abandoned(&mut tx, far, far).await;
                rows.unwrap().len()
            }
        }
    }

    /// Makes the marketplace with `acme/db:1` on it.
    pub(crate) async fn listed(access: PullAccess) -> (Self, Image) {
        let market = Self::new().await;
        let image = market.release(access).await;
        (market, image)
    }

    /// Puts `acme/db:1` on the market, with a subscriber.
    pub(crate) async fn release(&self, access: PullAccess) -> Image {
        let owner = actor(&self.app, "owner").await;
        let key = SigningKey::generate().unwrap();
        let new = NewKey {
            name: "release".to_owned(),
            pem: key.public().to_pem(),
            valid_from: None,
        };
        let added = self.app.add_publisher_key(&owner, "acme", &new).await;
        let added = added.unwrap();
        let proof = STANDARD.encode(key.sign_der(added.challenge.unwrap().as_bytes()));
        self.app
            .prove_publisher_key(&owner, "acme", added.id.as_str(), &proof)
            .await
            .unwrap();
        let image = image("a database");
        let token = self.token("owner", &[STAGING]).await;
        self.push(&token, STAGING, "1", &image).await;
        let (signed, tag) = signature(&key, &image.manifest);
        self.push(&token, STAGING, &tag, &signed).await;
        let picture = self
            .app
            .upload_picture(&owner, "acme", picture().into())
            .await
            .unwrap();
        let draft = draft(&picture.digest, access);
        self.app.create_product(&owner, "acme", "db").await.unwrap();
        self.app
            .save_draft(&owner, "acme", "db", &draft)
            .await
            .unwrap();
        let new = NewSubmission {
            repository: "db".to_owned(),
            tag: "1".to_owned(),
        };
        let submission = self.app.submit(&owner, "acme", "db", &new).await.unwrap();
        self.work().await;
        let reviewer = actor(&self.app, "reviewer").await;
        self.app
            .decide(&reviewer, submission.id.as_str(), Decision::Approve, "")
            .await
            .unwrap();
        self.work().await;
        let subscriber = actor(&self.app, "subscriber").await;
        self.app
            .subscribe(&subscriber, "acme", "db", "free", true)
            .await
            .unwrap();
        image
    }

    /// Ends the application and counts the pulls of `acme/db` that it recorded.
    pub(crate) async fn pulls(self) -> i64 {
        self.app.close().await;
        let market = self.restarted().await;
        let mut tx = market.db.read().await.unwrap();
        let acme = store::publishers::find_by_slug(&mut tx, "acme")
            .await
            .unwrap();
        let product = store::products::find_by_slug(&mut tx, &acme.unwrap().id, "db").await;
        let product = product.unwrap().unwrap();
        store::pulls::count(&mut tx, &product.id).await.unwrap()
    }

    async fn work(&self) {
        while self.app.work_once("test").await.unwrap() {}
    }

    /// Asks `/token` for everything in `repositories`, signed in as `who`; nobody is `""`.
    pub(crate) async fn token(&self, who: &str, repositories: &[&str]) -> String {
        let scopes: Vec<_> = repositories
            .iter()
            .map(|name| format!("repository:{name}:pull,push,delete"))
            .collect();
        self.token_for(who, &scopes.join("+")).await
    }

    /// Asks `/token` for `scopes`.
    pub(crate) async fn token_for(&self, who: &str, scopes: &str) -> String {
        let authorization = match who {
            "" => String::new(),
            who => basic(who, PASSWORD),
        };
        let answer = self.ask_token(&authorization, scopes).await;
        assert_eq!(answer.status, 200, "{}", answer.summary());
        answer.json()["token"].as_str().unwrap().to_owned()
    }

    /// Asks `/token` for `scopes` with the header `Authorization`, or without where it is empty.
    pub(crate) async fn ask_token(&self, authorization: &str, scopes: &str) -> Answer {
        let mut request = Request::get(format!("/token?scope={scopes}"));
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Makes an access token of somebody's; gives it and its secret.
    pub(crate) async fn access_token(&self, who: &str, new: &NewToken) -> (Token, String) {
        let who = actor(&self.app, who).await;
        self.app.create_token(&who, new).await.unwrap()
    }

    /// Makes a robot with a token of all its rights; gives the secret.
    pub(crate) async fn robot(&self, owner: &str, name: &str, role: Option<Role>) -> String {
        let owner = actor(&self.app, owner).await;
        let new = NewRobot {
            name: name.to_owned(),
            role,
            life: None,
        };
        self.app.create_robot(&owner, &new).await.unwrap();
        let all = writing("all");
        let made = self.app.create_robot_token(&owner, name, &all).await;
        made.unwrap().1
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        }
    }

    /// Sends `method path` with a token, extra headers and a body.
    pub(crate) async fn ask(
        &self,
        token: &str,
        call: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let (method, path) = call.split_once(' ').unwrap();
        let mut request = Request::builder().method(method).uri(path);
        if !token.is_empty() {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub(crate) async fn get(&self, token: &str, call: &str) -> Answer {
        self.ask(token, call, &[], Body::empty()).await
    }

    pub(crate) async fn push_blob(&self, token: &str, repository: &str, blob: &[u8]) -> Digest {
        let digest = Digest::of(blob);
        let call = format!("POST /v2/{repository}/blobs/uploads/?digest={digest}");
        let answer = self.ask(token, &call, &[], blob.to_vec()).await;
        assert_eq!(answer.status, 201, "{}", answer.summary());
        digest
    }

    pub(crate) async fn push(&self, token: &str, repository: &str, tag: &str, image: &Image) {
        for blob in &image.blobs {
            self.push_blob(token, repository, blob).await;
        }
        let call = format!("PUT /v2/{repository}/manifests/{tag}");
        let kind = [("content-type", image.manifest.media_type.as_str())];
        let answer = self
            .ask(token, &call, &kind, image.manifest.bytes.clone())
            .await;
        assert_eq!(answer.status, 201, "{}", answer.summary());
    }
}

/// An access token that may only read.
pub(crate) fn reading(name: &str) -> NewToken {
    NewToken {
        name: name.to_owned(),
        ..NewToken::default()
    }
}

/// An access token that may do what its account may.
pub(crate) fn writing(name: &str) -> NewToken {
    NewToken {
        may_push: true,
        ..reading(name)
    }
}

/// An access token that is cut down to repositories.
pub(crate) fn scoped(name: &str, scopes: &str) -> NewToken {
    NewToken {
        scopes: TokenScopes::parse([scopes]).unwrap(),
        ..writing(name)
    }
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

fn picture() -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 512, 512);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&[200; 512 * 512]).unwrap();
    writer.finish().unwrap();
    bytes
}

fn draft(picture: &str, access: PullAccess) -> ProductManifest {
    ProductManifest {
        name: "Acme DB".to_owned(),
        logo: Some(picture.to_owned()),
        short_description: "Keeps rows.".to_owned(),
        category: "Databases".to_owned(),
        long_description: "It keeps rows.".to_owned(),
        screenshots: vec![picture.to_owned()],
        support_link: "https://example.org/help".to_owned(),
        support: market::Support::sample(),
        plans: vec![Plan {
            id: "free".parse().unwrap(),
            name: "Free".to_owned(),
            description: "Everything.".to_owned(),
            price: Money {
                amount_minor: 0,
                currency: "EUR".to_owned(),
            },
            sources: Vec::new(),
        }],
        installation_instructions: "Pull and run.".to_owned(),
        license: License {
            link: None,
            text: Some("Use it.".to_owned()),
        },
        access,
        ..ProductManifest::default()
    }
}
