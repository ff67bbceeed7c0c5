//! What authorisation costs a request: a token that was seen before, one that was not, the
//! rights behind a new token, and the whole of a manifest's HEAD.

use std::{hint::black_box, sync::Arc};

use app::{Actor, App, AppConfig, Application, Keys, NewAccount, Parts, Scope, SystemClock};
use axum::{body::Body, http::Request};
use criterion::{Criterion, criterion_group, criterion_main};
use market::PublisherDecision;
use store::{
    Database,
    blobs::{FsBlobs, FsUploads},
};
use trust::SigningKey;

const REPOSITORY: &str = "staging/acme/db";

async fn market(dir: &std::path::Path) -> (Arc<App>, Actor) {
    let address = format!("sqlite:{}", dir.join("market.db").display());
    let blobs = FsBlobs::open(&dir.join("blobs")).expect("blobs");
    let uploads = FsUploads::open(&dir.join("uploads"), &blobs).expect("uploads");
    let parts = Parts {
        db: Database::open(&address.parse().expect("an address"))
            .await
            .expect("a database"),
        blobs: Arc::new(blobs),
        uploads: Arc::new(uploads),
        clock: Arc::new(SystemClock),
        keys: Keys {
            release: Arc::new(SigningKey::generate().expect("a key")),
            tokens: SigningKey::generate().expect("a key"),
            is_trust_replaced: false,
            trust: SigningKey::generate().expect("a key"),
            root: None,
            root_public: SigningKey::generate().expect("a key").public(),
        },
        config: AppConfig {
            public_url: "https://registry.example".to_owned(),
            max_blob_bytes: 1 << 20,
            sparse_images: false,
            read_ahead: true,
            advisories_file: dir.join("advisories.db"),
            token_life: chrono::TimeDelta::hours(1),
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
    let app = App::new(parts).await.expect("an application");
    let new = NewAccount {
        name: "owner".to_owned(),
        email: "owner@example.org".to_owned(),
        password: "correct horse battery".to_owned(),
        staff_role: None,
    };
    let owner = app.create_account(&Actor::system(), &new).await;
    let owner = Actor::account(owner.expect("an account"));
    let application = Application {
        slug: "acme".to_owned(),
        legal_name: "Acme".to_owned(),
        website: "https://example.org".to_owned(),
        phone: "+1 555 0100".to_owned(),
        email: "office@example.org".to_owned(),
        agreement: None,
    };
    app.apply_as_publisher(&owner, &application)
        .await
        .expect("an application");
    app.decide_publisher(
        &Actor::system(),
        "acme",
        PublisherDecision::VerifyWithoutProofs,
        "So.",
    )
    .await
    .expect("a publisher");
    (app, owner)
}

/// Pushes an index of nothing, which is enough to ask for.
async fn push(app: &Arc<App>, token: &str) {
    let put = Request::put(format!("/v2/{REPOSITORY}/manifests/1"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", oci::media_type::OCI_INDEX)
        .body(Body::from(r#"{"schemaVersion":2,"manifests":[]}"#))
        .expect("a request");
    assert_eq!(plimsoll_registry::serve(app, put).await.status(), 201);
}

fn authorisation(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let dir = tempfile::tempdir().expect("a folder");
    let (app, owner) = runtime.block_on(market(dir.path()));
    let scope = Scope::parse(&format!("repository:{REPOSITORY}:pull,push")).expect("a scope");
    let scopes = [scope];
    let issue = || runtime.block_on(app.issue_registry_token(&owner, &scopes));
    let token = issue().expect("a token").token;
    runtime.block_on(push(&app, &token));

    criterion.bench_function("token seen before, and its grant", |bench| {
        bench.iter(|| {
            let access = runtime.block_on(app.verify_registry_token(black_box(&token)));
            let access = access.expect("read").expect("valid");
            assert!(access.grants(REPOSITORY, "pull"));
        });
    });
    criterion.bench_function("token never seen, and its grant", |bench| {
        bench.iter_batched(
            || issue().expect("a token").token,
            |token| {
                runtime
                    .block_on(app.verify_registry_token(&token))
                    .expect("read")
            },
            criterion::BatchSize::PerIteration,
        );
    });
    criterion.bench_function("rights in a repository", |bench| {
        bench.iter(|| {
            let rights = runtime.block_on(app.repository_rights(&owner, REPOSITORY));
            assert!(rights.expect("rights").push);
        });
    });
    criterion.bench_function("token issued", |bench| {
        bench.iter(|| issue().expect("a token"));
    });
    let call = |path: &str| {
        let request = Request::head(path)
            .header("authorization", format!("Bearer {token}"))
            .body(Body::empty())
            .expect("a request");
        let answer = runtime.block_on(plimsoll_registry::serve(&app, request));
        assert_eq!(answer.status(), 200);
    };
    criterion.bench_function("HEAD /v2/ (all but the manifest)", |bench| {
        bench.iter(|| call("/v2/"));
    });
    let manifest = format!("/v2/{REPOSITORY}/manifests/1");
    criterion.bench_function("HEAD a manifest", |bench| bench.iter(|| call(&manifest)));
}

criterion_group!(benches, authorisation);
criterion_main!(benches);
