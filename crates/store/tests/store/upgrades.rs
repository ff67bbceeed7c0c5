//! What migrations make of rows from before them.

use market::{ReleaseId, RepositoryId};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};
use store::{
    Database, DatabaseUrl, Tx,
    notary::{self, TrustKey},
    publishers, quotas, releases,
    repositories::{self, ManifestRow, Repository},
    trust_guns,
};

use crate::rows::{at, cast, id};

/// Opens the database as one to which these migrations are new.
async fn migrate_again(url: &DatabaseUrl, versions: &str) {
    let forget = format!("DELETE FROM _sqlx_migrations WHERE version IN ({versions})");
    let forget = AssertSqlSafe(forget);
    match url {
        DatabaseUrl::Sqlite(path) => {
            let path = format!("sqlite:{}", path.display());
            let mut raw = SqliteConnection::connect(&path).await.expect("a file");
            raw.execute(forget).await.expect("forgotten");
            raw.close().await.expect("closed");
        }
        DatabaseUrl::Postgres(address) => {
            let mut raw = PgConnection::connect(address).await.expect("a server");
            raw.execute(forget).await.expect("forgotten");
            raw.close().await.expect("closed");
        }
    }
    let again = Database::open(url).await.expect("it opens again");
    again.close().await;
}

/// Puts an index with a child and an image there, all about something else; and a signature.
async fn put(tx: &mut Tx, repository: &RepositoryId) {
    for (name, names) in [
        ("index", &["child".to_owned()][..]),
        ("child", &[]),
        ("image", &[]),
        ("signature", &[]),
    ] {
        let row = ManifestRow {
            digest: name.to_owned(),
            media_type: "application/json".to_owned(),
            content: Vec::new(),
            subject: Some("other".to_owned()),
            artifact_type: None,
            annotations: None,
        };
        let put = repositories::put_manifest(tx, repository, &row, names, at(0)).await;
        put.expect("kept");
    }
}

/// Returns what still refers to something.
async fn referrers(db: &Database, repository: &RepositoryId) -> Vec<&'static str> {
    let mut tx = db.read().await.expect("a connection");
    let mut found = Vec::new();
    for name in ["index", "child", "image", "signature"] {
        let row = repositories::find_manifest(&mut tx, repository, name).await;
        if row.expect("read").expect("there").subject.is_some() {
            found.push(name);
        }
    }
    found
}

async fn what_is_released_refers_to_nothing(db: Database, url: DatabaseUrl) {
    let mut tx = db.begin().await.expect("a transaction");
    let cast = cast(&mut tx).await;
    let public = Repository {
        id: id(RepositoryId::new, 2),
        name: "acme/db".to_owned(),
        product_id: Some(cast.product.id.to_string()),
        ..cast.repository.clone()
    };
    let public = repositories::find_or_create(&mut tx, &public).await;
    let public = public.expect("created").id;
    let staging = cast.repository.id.clone();
    for repository in [&staging, &public] {
        put(&mut tx, repository).await;
    }
    for (number, digest) in [(1, "index"), (2, "image")] {
        let submission = market::SubmissionId::new;
        let mut row = crate::rows::submission(number, &cast.product, &cast.account);
        if number > 1 {
            (row.id, row.number) = (id(submission, number), number.into());
            let created = store::submissions::create(&mut tx, &row).await;
            created.expect("created");
        }
        let release = releases::Release {
            id: id(ReleaseId::new, number),
            product_id: cast.product.id.clone(),
            submission_id: row.id,
            repository_id: public.clone(),
            tag: digest.to_owned(),
            digest: digest.to_owned(),
            key_id: "key".to_owned(),
            certified: true,
            released_at: at(5),
            withdrawn_at: None,
        };
        let created = releases::create(&mut tx, &release).await;
        created.expect("created");
    }
    tx.commit().await.expect("committed");
    let all = ["index", "child", "image", "signature"];
    assert_eq!(referrers(&db, &public).await, all);
    migrate_again(&url, "226").await;
    assert_eq!(
        referrers(&db, &public).await,
        ["index", "image", "signature"]
    );
    migrate_again(&url, "227").await;
    assert_eq!(referrers(&db, &public).await, ["signature"]);
    assert_eq!(referrers(&db, &staging).await, all, "it is its publisher's");
}

async fn trust_metadata_is_its_publishers(db: Database, url: DatabaseUrl) {
    let mut tx = db.begin().await.expect("a transaction");
    let cast = cast(&mut tx).await;
    let other = crate::rows::publisher(7, "other");
    publishers::create(&mut tx, &other).await.expect("created");
    let (acme, other) = (Some(&cast.publisher.id), Some(&other.id));
    let guns = [
        ("market.example/staging/acme/db", acme),
        ("market.example:5000/staging/other/a/b", other),
        ("market.example/staging/acme/staging/other/c", acme),
        ("market.example/acme/db", None),
    ];
    for (gun, _) in guns {
        let key = TrustKey {
            gun: gun.to_owned(),
            role: "timestamp".to_owned(),
            id: "id".to_owned(),
            salt: "s".to_owned(),
            created_at: at(1),
        };
        notary::add_key(&mut tx, &key).await.expect("added");
    }
    tx.commit().await.expect("committed");
    migrate_again(&url, "235").await;
    let mut tx = db.begin().await.expect("a transaction");
    for (gun, whose) in guns {
        let counted = trust_guns::count(&mut tx, gun, 10).await.expect("counted");
        assert_eq!(counted.is_some(), whose.is_some(), "{gun}");
    }
    for (publisher, bytes) in [(acme, 20), (other, 10)] {
        let usage = quotas::usage(&mut tx, publisher.expect("a publisher")).await;
        assert_eq!(usage.expect("read").used_bytes, bytes);
    }
}

#[test]
fn trust_metadata_is_its_publishers_on_sqlite() {
    crate::databases::with_sqlite(trust_metadata_is_its_publishers);
}

#[test]
fn trust_metadata_is_its_publishers_on_postgres() {
    crate::databases::with_postgres("icu", trust_metadata_is_its_publishers);
}

#[test]
fn what_is_released_refers_to_nothing_on_sqlite() {
    crate::databases::with_sqlite(what_is_released_refers_to_nothing);
}

#[test]
fn what_is_released_refers_to_nothing_on_postgres() {
    crate::databases::with_postgres("icu", what_is_released_refers_to_nothing);
}
