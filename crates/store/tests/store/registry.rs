//! Repositories, their blobs, manifests, tags and uploads.

use market::RepositoryId;
use serde_json::json;
use sqlx::types::Json;
use store::{
    Database, Tx,
    contents::{self, ReferrerPage},
    repositories::{self, Asker, ManifestRow, Repository},
    uploads::{self, UploadRow},
};

use crate::rows::{Cast, at, cast, id, link};

fn manifest(name: &str, subject: Option<&str>) -> ManifestRow {
    ManifestRow {
        digest: format!("sha256:{name}"),
        media_type: "application/vnd.oci.image.manifest.v1+json".to_owned(),
        content: name.as_bytes().to_vec(),
        subject: subject.map(str::to_owned),
        artifact_type: subject.map(|_| "application/x".to_owned()),
        annotations: subject.map(|_| json!({"k": "v"}).into()),
    }
}

/// Tags that collations for people order otherwise than bytes do.
const TAGS: [&str; 14] = [
    "-", ".", "1", "1-rc", "1.0", "10", "2", "A", "B", "Z", "_", "a", "a-b", "b",
];

async fn tags_in_byte_order(db: Database) {
    let mut tx = db.begin().await.expect("a transaction");
    let Cast { repository, .. } = cast(&mut tx).await;
    for tag in TAGS.iter().rev() {
        repositories::set_tag(&mut tx, &repository.id, tag, "sha256:m", at(0))
            .await
            .expect("set");
    }
    let all = repositories::tags(&mut tx, &repository.id, "", 100).await;
    assert_eq!(all.expect("read"), TAGS);
    for (place, last) in TAGS.iter().enumerate() {
        let page = repositories::tags(&mut tx, &repository.id, last, 3).await;
        let end = (place + 4).min(TAGS.len());
        assert_eq!(page.expect("read"), TAGS[place + 1..end], "after {last}");
    }
    // Last need not be there.
    let page = repositories::tags(&mut tx, &repository.id, "C", 2).await;
    assert_eq!(page.expect("read"), ["Z", "_"]);
}

#[test]
fn tags_in_byte_order_on_sqlite() {
    crate::databases::with_sqlite(|db, _| tags_in_byte_order(db));
}

#[test]
fn tags_in_byte_order_where_words_order_otherwise() {
    crate::databases::with_postgres("icu", |db, _| tags_in_byte_order(db));
}

#[test]
fn tags_in_byte_order_where_bytes_order() {
    crate::databases::with_postgres("c", |db, _| tags_in_byte_order(db));
}

async fn add(tx: &mut Tx, cast: &Cast, number: u8, name: &str) -> Repository {
    let repository = Repository {
        id: id(RepositoryId::new, number),
        name: name.to_owned(),
        publisher_id: cast.publisher.id.clone(),
        product_id: None,
        created_at: at(0),
    };
    let stored = repositories::find_or_create(tx, &repository).await;
    stored.expect("created")
}

both! {
    async fn a_name_has_one_repository(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let again = add(&mut tx, &cast, 9, &cast.repository.name).await;
        assert_eq!(again, cast.repository);
        for (number, name) in [(2, "staging/acme/a_b"), (3, "staging/acme/a-b"), (4, "staging/acme/ab"), (5, "staging/acme.x/ab")] {
            add(&mut tx, &cast, number, name).await;
        }
        let names: Vec<_> = repositories::names(&mut tx, Asker::Staff, "", 9).await.expect("read").into_iter().map(|r| r.name).collect();
        let mut sorted = names.clone();
        sorted.sort();
        assert_eq!((names.len(), &names), (5, &sorted));
        let rest = repositories::names(&mut tx, Asker::Staff, &names[1], 2).await.expect("read");
        assert_eq!(rest.into_iter().map(|r| r.name).collect::<Vec<_>>(), names[2..4]);
        assert_eq!(repositories::of_publisher(&mut tx, &cast.publisher.id).await.expect("read").len(), 5);
        assert_eq!(repositories::find(&mut tx, &cast.repository.id).await.expect("read"), Some(cast.repository));
    }

    async fn a_name_is_made_once_however_many_push(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        tx.commit().await.expect("committed");
        let racers: Vec<_> = (10..18).map(|number| {
            let db = db.clone();
            let publisher_id = cast.publisher.id.clone();
            tokio::spawn(async move {
                let mut tx = db.begin().await.expect("a transaction");
                let repository = Repository {
                    id: id(RepositoryId::new, number),
                    name: "staging/acme/new".to_owned(),
                    publisher_id,
                    product_id: None,
                    created_at: at(0),
                };
                let stands = repositories::find_or_create(&mut tx, &repository).await.expect("stands");
                link(&mut tx, &stands.id, "sha256:b", 5).await.expect("linked");
                tx.commit().await.expect("committed");
                stands.id
            })
        }).collect();
        let mut ids = Vec::new();
        for racer in racers {
            ids.push(racer.await.expect("ends"));
        }
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }

    async fn a_blob_belongs_to_the_repositories_that_link_it(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let other = add(&mut tx, &cast, 2, "staging/acme/other").await;
        let repository = &cast.repository.id;
        for _ in 0..2 {
            link(&mut tx, repository, "sha256:a", 1 << 40).await.expect("linked");
        }
        link(&mut tx, repository, "sha256:b", 2).await.expect("linked");
        assert_eq!(repositories::find_blob(&mut tx, repository, "sha256:a").await.expect("read"), Some(1 << 40));
        assert_eq!(repositories::find_blob(&mut tx, &other.id, "sha256:a").await.expect("read"), None);
        assert_eq!(repositories::blob_bytes(&mut tx, repository).await.expect("summed"), (1 << 40) + 2);
        assert_eq!(repositories::blob_bytes(&mut tx, &other.id).await.expect("summed"), 0);
        assert!(repositories::unlink_blob(&mut tx, repository, "sha256:a").await.expect("unlinked"));
        assert!(!repositories::unlink_blob(&mut tx, repository, "sha256:a").await.expect("asked"));
    }

    async fn manifests_go_with_their_tags(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let Cast { repository, .. } = cast(&mut tx).await;
        let repository = &repository.id;
        for name in ["a", "b"] {
            repositories::put_manifest(&mut tx, repository, &manifest(name, None), &[], at(0)).await.expect("kept");
        }
        for (tag, name) in [("latest", "a"), ("1.0", "a"), ("latest", "b"), ("2.0", "b")] {
            repositories::set_tag(&mut tx, repository, tag, &format!("sha256:{name}"), at(0)).await.expect("set");
        }
        let by_tag = repositories::find_manifest_by_tag(&mut tx, repository, "latest").await;
        assert_eq!(by_tag.expect("read"), Some(manifest("b", None)));
        assert!(repositories::delete_manifest(&mut tx, repository, "sha256:b").await.expect("deleted"));
        assert!(!repositories::delete_manifest(&mut tx, repository, "sha256:b").await.expect("asked"));
        assert_eq!(repositories::tags(&mut tx, repository, "", 9).await.expect("read"), ["1.0"]);
        assert!(repositories::delete_tag(&mut tx, repository, "1.0").await.expect("deleted"));
        assert!(!repositories::delete_tag(&mut tx, repository, "1.0").await.expect("asked"));
        let untagged = repositories::find_manifest(&mut tx, repository, "sha256:a").await;
        assert_eq!(untagged.expect("read"), Some(manifest("a", None)));
    }

    async fn a_manifest_that_is_kept_again_gets_its_bytes_anew_and_keeps_its_type(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let Cast { repository, .. } = cast(&mut tx).await;
        let damaged = ManifestRow { content: b"damaged".to_vec(), ..manifest("a", None) };
        let other = ManifestRow { media_type: "application/x+json".to_owned(), ..manifest("a", None) };
        for row in [&damaged, &other] {
            repositories::put_manifest(&mut tx, &repository.id, row, &[], at(0)).await.expect("kept");
        }
        let found = repositories::find_manifest(&mut tx, &repository.id, "sha256:a").await;
        assert_eq!(found.expect("read"), Some(manifest("a", None)));
        let kind = repositories::manifest_type(&mut tx, &repository.id, "sha256:a").await;
        assert_eq!(kind.expect("read"), Some(manifest("a", None).media_type));
        let none = repositories::manifest_type(&mut tx, &repository.id, "sha256:b").await;
        assert_eq!(none.expect("read"), None);
    }

    async fn what_others_have_in_private_is_not_even_looked_at(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        link(&mut tx, &cast.repository.id, "sha256:a", 1).await.expect("linked");
        let stranger = id(market::AccountId::new, 77);
        for (whose, found) in [(Asker::Staff, 1), (Asker::Account(&stranger), 0), (Asker::Anybody, 0)] {
            let names = repositories::names(&mut tx, whose, "", 9).await.expect("read");
            assert_eq!(names.len(), found, "{whose:?}");
            let having = contents::repositories_with_blob(&mut tx, "sha256:a", (whose, Some(&cast.publisher.id)), 9).await;
            assert_eq!(having.expect("read").len(), found, "{whose:?}");
        }
    }

    async fn referrers_are_found_by_subject_in_pages(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let other = add(&mut tx, &cast, 2, "staging/acme/other").await;
        let repository = &cast.repository.id;
        let subject = Some("sha256:s");
        for (name, time) in [("late", 9), ("early", 1), ("also-early", 1)] {
            repositories::put_manifest(&mut tx, repository, &manifest(name, subject), &[], at(time)).await.expect("kept");
        }
        repositories::put_manifest(&mut tx, repository, &manifest("none", None), &[], at(0)).await.expect("kept");
        repositories::put_manifest(&mut tx, &other.id, &manifest("elsewhere", subject), &[], at(0)).await.expect("kept");
        let page = ReferrerPage { subject: "sha256:s", artifact_type: None, last: "", limit: 9 };
        let found = contents::referrers(&mut tx, repository, page).await.expect("read");
        let digests = |found: &[contents::Referrer]| found.iter().map(|it| it.digest.clone()).collect::<Vec<_>>();
        assert_eq!(digests(&found), ["also-early", "early", "late"].map(|name| manifest(name, subject).digest));
        let early = manifest("early", subject);
        assert_eq!(usize::try_from(found[1].size), Ok(early.content.len()));
        let notes = std::collections::BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        assert_eq!((&found[1].annotations, &found[1].artifact_type), (&Some(Json(notes)), &early.artifact_type));
        let after = ReferrerPage { last: &found[0].digest, limit: 1, ..page };
        let rest = contents::referrers(&mut tx, repository, after).await.expect("read");
        assert_eq!(digests(&rest), digests(&found[1..2]));
        let other = ReferrerPage { artifact_type: Some("application/x-none"), ..page };
        assert_eq!(contents::referrers(&mut tx, repository, other).await.expect("read"), []);
    }

    async fn what_a_manifest_names_is_asked_for_at_once(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let other = add(&mut tx, &cast, 2, "staging/acme/a-other").await;
        let repository = &cast.repository.id;
        for (place, digest) in [(repository, "sha256:a"), (repository, "sha256:b"), (&other.id, "sha256:a")] {
            link(&mut tx, place, digest, 1).await.expect("linked");
        }
        let missing = contents::missing_blobs(&mut tx, repository, &["sha256:a", "sha256:c", "sha256:b"]).await;
        assert_eq!(missing.expect("read"), ["sha256:c"]);
        assert!(contents::missing_blobs(&mut tx, repository, &[]).await.expect("read").is_empty());
        repositories::put_manifest(&mut tx, repository, &manifest("m", None), &[], at(0)).await.expect("kept");
        let kind = manifest("m", None).media_type;
        for (kinds, found) in [(&[kind.as_str(), "x"][..], 1), (&["x"], 0), (&[], 0)] {
            let asked = contents::manifests_of_types(&mut tx, repository, &["sha256:m", "sha256:n"], kinds).await;
            assert_eq!(asked.expect("read").len(), found);
        }
        let having = contents::repositories_with_blob(&mut tx, "sha256:a", (Asker::Staff, Some(&cast.publisher.id)), 9).await;
        let names: Vec<_> = having.expect("read").into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["staging/acme/a-other", cast.repository.name.as_str()]);
        assert_eq!(contents::repositories_with_blob(&mut tx, "sha256:a", (Asker::Staff, None), 1).await.expect("read").len(), 1);
    }

    async fn an_upload_is_one_repositories_and_one_holders(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let (ours, others) = ("staging/acme/db", "staging/rival/db");
        let mut row = UploadRow {
            id: "upl_1".to_owned(),
            repository: ours.to_owned(),
            account_id: "acc".to_owned(),
            started_at: at(1),
            touched_at: at(1),
            algorithm: "sha256".to_owned(),
            received: 0,
            hash: vec![1, 0, 255],
            object: None,
            multipart: None,
            parts: Json(Vec::new()),
            tail: None,
            tail_object: None,
            holder: None,
            held_until: None,
        };
        uploads::create(&mut tx, &row).await.expect("created");
        assert_eq!(uploads::find(&mut tx, ours, "upl_1").await.expect("read"), Some(row.clone()));
        assert_eq!(uploads::find(&mut tx, others, "upl_1").await.expect("read"), None);
        assert_eq!(uploads::count_of(&mut tx, "acc").await.expect("read"), 1);
        assert_eq!(uploads::count_of(&mut tx, "other").await.expect("read"), 0);

        let taken = uploads::take(&mut tx, (others, "upl_1"), "a", at(2), at(12)).await;
        assert!(!taken.expect("refused"), "of another repository");
        assert!(uploads::take(&mut tx, (ours, "upl_1"), "a", at(2), at(12)).await.expect("taken"));
        assert!(!uploads::take(&mut tx, (ours, "upl_1"), "b", at(11), at(21)).await.expect("refused"));
        assert!(uploads::abandoned(&mut tx, at(9), at(11)).await.expect("read").is_empty());
        assert!(uploads::renew(&mut tx, "upl_1", "a", at(13)).await.expect("renewed"));
        // A lease that ran out is another's.
        assert!(uploads::take(&mut tx, (ours, "upl_1"), "b", at(14), at(24)).await.expect("taken"));
        assert!(!uploads::renew(&mut tx, "upl_1", "a", at(34)).await.expect("refused"));
        row.holder = Some("a".to_owned());
        row.tail = Some(vec![7; 3]);
        row.parts = Json(vec!["tag".to_owned()]);
        assert!(!uploads::save(&mut tx, &row).await.expect("refused"));
        uploads::delete(&mut tx, "upl_1", "a").await.expect("nothing");
        row.holder = Some("b".to_owned());
        assert!(uploads::save(&mut tx, &row).await.expect("saved"));
        uploads::release(&mut tx, "upl_1", "b").await.expect("released");
        row.holder = None;
        assert_eq!(uploads::find(&mut tx, ours, "upl_1").await.expect("read"), Some(row.clone()));
        assert_eq!(uploads::abandoned(&mut tx, at(9), at(15)).await.expect("read"), [row]);
    }
}
