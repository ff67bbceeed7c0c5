//! Rows with sensible content, for tests to vary.

use chrono::{DateTime, TimeDelta, Utc};
use market::{
    AccountId, ListingState, ProductId, ProductManifest, PublisherId, PublisherState, RepositoryId,
    SubmissionId, SubmissionState,
};
use store::{
    StoreError, Tx,
    accounts::{self, Account, Robot},
    blobs::FsBlobs,
    products::{self, Product},
    publishers::{self, Publisher},
    repositories::{self, Repository},
    submissions::{self, Submission},
};

/// A time with microseconds, `seconds` after the beginning.
pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    let start: DateTime<Utc> = "2026-11-01T10:00:00.123456Z".parse().expect("a time");
    start + TimeDelta::seconds(seconds)
}

/// An identifier that sorts by `number`.
pub(crate) fn id<T>(make: fn(DateTime<Utc>, [u8; 10]) -> T, number: u8) -> T {
    make(at(i64::from(number)), [number; 10])
}

pub(crate) fn account(number: u8, name: &str) -> Account {
    Account {
        id: id(AccountId::new, number),
        name: name.to_owned(),
        email: format!("{name}@example.com"),
        password_hash: "$argon2id$".to_owned(),
        staff_role: None,
        created_at: at(0),
        disabled_at: None,
        robot: Robot::default(),
    }
}

pub(crate) fn publisher(number: u8, slug: &str) -> Publisher {
    Publisher {
        id: id(PublisherId::new, number),
        slug: slug.parse().expect("a short name"),
        state: PublisherState::Applied,
        legal_name: format!("{slug} Ltd"),
        website: "https://example.com".to_owned(),
        phone: "+1 555 0100".to_owned(),
        email: "sales@example.com".to_owned(),
        logo: None,
        created_at: at(0),
        decided_at: None,
        reason: None,
    }
}

pub(crate) fn product(number: u8, publisher: &Publisher, slug: &str) -> Product {
    Product {
        id: id(ProductId::new, number),
        publisher_id: publisher.id.clone(),
        slug: slug.parse().expect("a short name"),
        state: ListingState::Draft,
        draft: ProductManifest::default().into(),
        listed: None,
        search_text: String::new(),
        category: String::new(),
        certified: false,
        held_at: None,
        inside_opened_at: None,
        pulls_closed_at: None,
        state_reason: None,
        created_at: at(0),
        updated_at: at(0),
    }
}

pub(crate) fn submission(number: u8, product: &Product, by: &Account) -> Submission {
    Submission {
        id: id(SubmissionId::new, number),
        product_id: product.id.clone(),
        number: i64::from(number),
        state: SubmissionState::Inspecting,
        manifest: product.draft.clone(),
        repository: "staging/acme/db".to_owned(),
        tag: "1.0".to_owned(),
        digest: format!("sha256:{number:064}"),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        submitted_by: by.id.clone(),
        submitted_at: at(0),
        waiting_since: at(0),
        inspected_at: None,
        signature: None,
        problem: None,
        certifiable: false,
        reviewer_id: None,
        publication: market::Publication::AtOnce,
        publish_at: None,
    }
}

/// Who and what most tests need to be there.
pub(crate) struct Cast {
    pub(crate) account: Account,
    pub(crate) publisher: Publisher,
    pub(crate) product: Product,
    pub(crate) submission: Submission,
    pub(crate) repository: Repository,
}

pub(crate) async fn cast(tx: &mut Tx) -> Cast {
    let account = account(1, "ann");
    let publisher = publisher(1, "acme");
    let product = product(1, &publisher, "db");
    let submission = submission(1, &product, &account);
    let repository = Repository {
        id: id(RepositoryId::new, 1),
        name: "staging/acme/db".to_owned(),
        publisher_id: publisher.id.clone(),
        product_id: None,
        created_at: at(0),
    };
    accounts::create(tx, &account).await.expect("an account");
    publishers::create(tx, &publisher).await.expect("created");
    products::create(tx, &product).await.expect("created");
    submissions::create(tx, &submission).await.expect("created");
    let repository = repositories::find_or_create(tx, &repository).await;
    Cast {
        account,
        publisher,
        product,
        submission,
        repository: repository.expect("created"),
    }
}

/// Blobs that hold nothing, for links to digests that nobody condemned.
pub(crate) fn no_blobs() -> FsBlobs {
    FsBlobs::open(&std::env::temp_dir().join("plimsoll-no-blobs")).expect("a folder")
}

/// Makes a blob part of a repository.
pub(crate) async fn link(
    tx: &mut Tx,
    repository: &RepositoryId,
    digest: &str,
    size: i64,
) -> Result<(), StoreError> {
    repositories::link_blob(tx, &no_blobs(), repository, (digest, size), at(0))
        .await
        .map(drop)
}
