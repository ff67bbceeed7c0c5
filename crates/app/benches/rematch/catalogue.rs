//! A catalogue as catalogues are: few bases under many stacks, and a little of each image's own.

use advisory::matching::{Kind, Package, keys};
use chrono::{DateTime, Utc};
use market::{
    AccountId, ListingState, ProductId, ProductManifest, PublisherId, PublisherState, ReleaseId,
    RepositoryId, SubmissionId, SubmissionState,
};
use serde_json::json;
use store::{
    Database, Tx,
    component_index::{self as index, NewComponent, NewPackage},
    images::ImageRow,
    products::Product,
    publishers::Publisher,
    releases::Release,
    repositories::Repository,
    submissions::Submission,
};

use crate::NAMES;

/// Bases, and components of each.
const BASES: (usize, usize) = (400, 120);
/// Stacks upon them, and components of each.
const STACKS: (usize, usize) = (3_000, 150);
/// Components that only one image has.
const OWN: usize = 30;
/// Names that packages of bases have.
const BASE_NAMES: usize = 2_000;

/// Returns ecosystem and name of a package.
pub(crate) fn names(number: usize) -> (&'static str, String) {
    let ecosystem = match number < BASE_NAMES {
        true => "Debian:12",
        false => "npm",
    };
    (ecosystem, format!("package-{number}"))
}

/// Returns one of three versions of a package.
pub(crate) fn package(number: usize, version: usize) -> Package {
    let (ecosystem, name) = names(number);
    let mut package = Package {
        kind: Kind::Npm,
        name,
        version: format!("1.0.{version}"),
        ..Package::default()
    };
    if ecosystem == "Debian:12" {
        package.kind = Kind::Deb;
        package.distribution = "debian".to_owned();
        package.version_id = "12".to_owned();
    }
    package
}

/// A number that looks like chance and is not.
fn scattered(seed: usize, below: usize) -> usize {
    let mut hash = (seed as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    usize::try_from((hash ^ (hash >> 31)) % below as u64).unwrap_or_default()
}

fn at(number: usize) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + i64::try_from(number).unwrap_or(0), 0).expect("a time")
}

fn id<T>(make: fn(DateTime<Utc>, [u8; 10]) -> T, number: usize) -> T {
    let mut random = [0; 10];
    random[..8].copy_from_slice(&(number as u64).to_be_bytes());
    make(at(0), random)
}

struct Filler {
    tx: Tx,
    /// The number of the first package; they are in a row, version by version.
    packages: i64,
    publisher: PublisherId,
    account: AccountId,
    repository: RepositoryId,
}

pub(crate) async fn fill(db: &Database, images: usize) {
    let mut tx = db.begin().await.expect("a transaction");
    let packages = add_packages(&mut tx).await;
    let (account, publisher) = people(&mut tx).await;
    let repository = Repository {
        id: id(RepositoryId::new, 1),
        name: "bench/images".to_owned(),
        publisher_id: publisher.clone(),
        product_id: None,
        created_at: at(0),
    };
    let repository = store::repositories::find_or_create(&mut tx, &repository).await;
    let mut filler = Filler {
        tx,
        packages,
        publisher,
        account,
        repository: repository.expect("created").id,
    };
    let mut shared = Vec::new();
    for (kind, (count, components), first, names) in [
        ("base", BASES, 0, BASE_NAMES),
        ("stack", STACKS, BASE_NAMES, NAMES - BASE_NAMES),
    ] {
        let mut layers = Vec::new();
        for layer in 0..count {
            let what = format!("{kind}-{layer}");
            layers.push(filler.layer(&what, (first, names), components).await);
        }
        shared.push(layers);
    }
    for number in 0..images {
        let mut components = shared[0][scattered(number, BASES.0)].clone();
        components.extend(&shared[1][scattered(number * 7, STACKS.0)]);
        let own = (BASE_NAMES, NAMES - BASE_NAMES);
        components.extend(filler.layer(&format!("own-{number}"), own, OWN).await);
        filler.image(number, &components).await;
        if number % 200 == 199 {
            filler.tx.commit().await.expect("committed");
            filler.tx = db.begin().await.expect("a transaction");
        }
        if number % 10_000 == 9_999 {
            eprintln!("{} images", number + 1);
        }
    }
    filler.tx.commit().await.expect("committed");
}

async fn add_packages(tx: &mut Tx) -> i64 {
    let first = index::take_numbers(tx, NAMES * 3).await.expect("numbers");
    for (id, number) in (first..).zip(0..NAMES * 3) {
        let package = package(number / 3, number % 3);
        let new = NewPackage {
            id,
            digest: &format!("p{number}"),
            package: &serde_json::to_value(&package).expect("JSON"),
            keys: &keys(&package),
        };
        index::add_package(tx, &new).await.expect("added");
    }
    first
}

async fn people(tx: &mut Tx) -> (AccountId, PublisherId) {
    let account = store::accounts::Account {
        id: id(AccountId::new, 1),
        name: "bench".to_owned(),
        email: "bench@example.org".to_owned(),
        password_hash: String::new(),
        staff_role: None,
        created_at: at(0),
        disabled_at: None,
        robot: store::accounts::Robot::default(),
    };
    let publisher = Publisher {
        id: id(PublisherId::new, 1),
        slug: "bench".parse().expect("a short name"),
        state: PublisherState::Verified,
        legal_name: String::new(),
        website: String::new(),
        phone: String::new(),
        email: String::new(),
        logo: None,
        created_at: at(0),
        decided_at: None,
        reason: None,
    };
    let added = store::accounts::create(tx, &account).await;
    added.expect("added");
    let added = store::publishers::create(tx, &publisher).await;
    added.expect("added");
    (account.id, publisher.id)
}

impl Filler {
    /// Adds a layer's components, of packages with names from `first` on.
    async fn layer(
        &mut self,
        layer: &str,
        (first, names): (usize, usize),
        count: usize,
    ) -> Vec<i64> {
        let seed = layer.bytes().fold(7_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(usize::from(byte))
        });
        let numbers = index::take_numbers(&mut self.tx, count).await;
        let numbers = numbers.expect("numbers")..;
        let mut added = Vec::new();
        for (id, one) in numbers.zip(0..count) {
            let number = (first + scattered(seed + one, names)) * 3 + scattered(seed ^ one, 3);
            let name = format!("package-{}", number / 3);
            let component = json!({
                "name": name, "version": format!("1.0.{}", number % 3), "layer": layer,
                "purl": format!("pkg:npm/{name}"), "path": format!("opt/{one}/package.json"),
                "claim": "installed", "confidence": "high",
            });
            let new = NewComponent {
                id,
                digest: &format!("{layer}-{one}"),
                package: self.packages + i64::try_from(number).expect("small"),
                component: &component,
            };
            let outcome = index::add_component(&mut self.tx, &new).await;
            outcome.expect("added");
            added.push(id);
        }
        added
    }

    /// Adds an image, released as the newest of a product of its own.
    async fn image(&mut self, number: usize, components: &[i64]) {
        let tx = &mut self.tx;
        let product = Product {
            id: id(ProductId::new, number),
            publisher_id: self.publisher.clone(),
            slug: format!("product-{number}").parse().expect("a short name"),
            state: ListingState::Listed,
            draft: ProductManifest::default().into(),
            listed: None,
            search_text: String::new(),
            category: String::new(),
            certified: false,
            held_at: None,
            inside_opened_at: None,
            pulls_closed_at: None,
            state_reason: None,
            created_at: at(number),
            updated_at: at(number),
        };
        let submission = Submission {
            id: id(SubmissionId::new, number),
            product_id: product.id.clone(),
            number: 1,
            state: SubmissionState::Released,
            manifest: product.draft.clone(),
            repository: String::new(),
            tag: "1".to_owned(),
            digest: format!("sha256:{number:064}"),
            media_type: String::new(),
            submitted_by: self.account.clone(),
            submitted_at: at(number),
            waiting_since: at(number),
            inspected_at: None,
            signature: None,
            problem: None,
            certifiable: false,
            reviewer_id: None,
            publication: market::Publication::AtOnce,
            publish_at: None,
        };
        let release = Release {
            id: id(ReleaseId::new, number),
            product_id: product.id.clone(),
            submission_id: submission.id.clone(),
            repository_id: self.repository.clone(),
            tag: "1".to_owned(),
            digest: submission.digest.clone(),
            key_id: String::new(),
            certified: false,
            released_at: at(number),
            withdrawn_at: None,
        };
        let image = ImageRow {
            digest: submission.digest.clone(),
            platform: "linux/amd64".to_owned(),
            size: 0,
            content: Vec::new(),
            distribution: None,
            created_at: at(number),
        };
        store::products::create(tx, &product).await.expect("added");
        let added = store::submissions::create(tx, &submission).await;
        added.expect("added");
        store::releases::create(tx, &release).await.expect("added");
        let added = store::images::put(tx, &submission.id, 0, &image).await;
        added.expect("added");
        let one = index::take_numbers(tx, 1).await.expect("a number");
        let indexed = index::index_image(tx, &image.digest, one, "bench", components).await;
        indexed.expect("indexed");
    }
}
