//! Which pictures are named, where, and when those that are not go.

use chrono::TimeDelta;
use market::{Anchor, CommentId, Decision, ProductManifest, RunId, TemplateId};
use store::{
    Tx, agreements,
    assets::{self, Naming},
    draft_versions::{self, DraftLine},
    partnerships, products, publishers, submissions, templates,
};

use crate::rows::{Cast, at, cast, id, no_blobs};

/// Uploads a picture; gives its digest.
async fn upload(tx: &mut Tx, cast: &Cast, number: usize) -> String {
    let asset = assets::Asset {
        digest: format!("sha256:{number:064x}"),
        publisher_id: cast.publisher.id.clone(),
        media_type: "image/png".to_owned(),
        width: 512,
        height: 512,
        size: 1,
        created_at: at(0),
        unreachable_since: None,
    };
    let created = assets::create(tx, &no_blobs(), &asset).await;
    created.expect("created");
    asset.digest
}

/// Reads everything in pages of one, and marks what is not named; gives how many.
async fn look(tx: &mut Tx, run: &RunId, seconds: i64) -> u64 {
    for naming in Naming::ALL {
        let mut after = String::new();
        loop {
            let texts = assets::texts(tx, naming, &after, 1).await.expect("read");
            assets::note_named(tx, run, &texts).await.expect("noted");
            match texts.into_iter().next() {
                Some((place, _)) => after = place,
                None => break,
            }
        }
    }
    let unnamed = assets::count_unnamed(tx, run).await.expect("counted");
    let marked = assets::mark_unnamed(tx, run, at(seconds), 100).await;
    let marked = marked.expect("marked");
    assert_eq!(i64::try_from(marked), Ok(unnamed));
    marked
}

fn naming(digest: &str) -> ProductManifest {
    ProductManifest {
        logo: Some(digest.to_owned()),
        ..ProductManifest::default()
    }
}

/// Writes one text of each kind, each with a picture of its own; gives the pictures.
async fn write_all(tx: &mut Tx, cast: &Cast) -> Vec<String> {
    let mut pictures = Vec::new();
    for number in 1..=10 {
        pictures.push(upload(tx, cast, number).await);
    }
    let [
        logo,
        draft,
        listed,
        v1,
        v2,
        submitted,
        template,
        remark,
        agreement,
        partnership,
    ] = pictures.as_slice()
    else {
        panic!("ten pictures")
    };
    let named = |digest: &str| format!("As in ![it](/pictures/{digest}).");
    publishers::set_logo(tx, &cast.publisher.id, logo)
        .await
        .expect("set");
    let long = ProductManifest {
        long_description: named(draft),
        ..ProductManifest::default()
    };
    products::set_draft(tx, &cast.product.id, &long, at(1))
        .await
        .expect("saved");
    let other = crate::rows::product(2, &cast.publisher, "web");
    products::create(tx, &other).await.expect("created");
    let listed = naming(listed);
    let released = products::set_listed(tx, &other.id, &listed, "Acme", true, at(1));
    released.await.expect("listed");
    for (number, digest) in [(9, v1), (10, v2)] {
        let line = DraftLine {
            number,
            fields: "logo".to_owned(),
            saved_by: None,
            saved_at: at(1),
            restored_from: None,
        };
        let added = draft_versions::add(tx, &other.id, (&line, &naming(digest)), 50).await;
        added.expect("added");
    }
    let mut second = crate::rows::submission(2, &cast.product, &cast.account);
    second.manifest = naming(submitted).into();
    submissions::create(tx, &second).await.expect("created");
    let template = templates::Template {
        id: id(TemplateId::new, 1),
        decision: Decision::Reject,
        name: "No".to_owned(),
        body: named(template),
        changed_by: cast.account.id.clone(),
        author: String::new(),
        changed_at: at(1),
    };
    templates::create(tx, &template).await.expect("created");
    let remark = submissions::Comment {
        id: id(CommentId::new, 1),
        submission_id: second.id.clone(),
        author_id: cast.account.id.clone(),
        anchor: Anchor::Submission,
        body: named(remark),
        decision: None,
        created_at: at(1),
        resolved_at: None,
    };
    submissions::add_comment(tx, &remark).await.expect("added");
    let text = named(agreement);
    let version = agreements::Agreement {
        version: 1,
        text,
        set_at: at(1),
    };
    agreements::create(tx, &version).await.expect("set");
    let text = named(partnership);
    let version = partnerships::PartnershipAgreement {
        version: 1,
        text,
        set_at: at(1),
    };
    partnerships::create_agreement(tx, &version)
        .await
        .expect("set");
    pictures
}

both! {
    async fn pictures_are_kept_by_whatever_names_them(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let pictures = write_all(&mut tx, &cast).await;
        let unnamed = upload(&mut tx, &cast, 99).await;
        assert_eq!(look(&mut tx, &id(RunId::new, 1), 10).await, 1);
        assert_eq!(look(&mut tx, &id(RunId::new, 2), 11).await, 0, "marked once");
        assert_eq!(assets::marked(&mut tx, at(9)).await.expect("counted"), (0, 1));
        assert_eq!(assets::marked(&mut tx, at(10)).await.expect("counted"), (1, 0));
        assert_eq!(assets::delete_overdue(&mut tx, at(9), 100).await.expect("asked"), 0);
        assert_eq!(assets::delete_overdue(&mut tx, at(10), 100).await.expect("deleted"), 1);
        for picture in &pictures {
            let found = assets::find(&mut tx, picture).await.expect("read").expect("kept");
            assert_eq!(found.unreachable_since, None);
        }
        assert_eq!(assets::find(&mut tx, &unnamed).await.expect("read"), None);
    }

    async fn whoever_names_or_uploads_a_marked_picture_keeps_it(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let cast = cast(&mut tx).await;
        let run = id(RunId::new, 1);
        let end = at(0) + TimeDelta::days(1);
        for again in ["named", "uploaded", "found"] {
            let picture = upload(&mut tx, &cast, 1).await;
            look(&mut tx, &run, 0).await;
            assert_eq!(assets::marked(&mut tx, end).await.expect("counted"), (1, 0));
            match again {
                "named" => products::set_draft(&mut tx, &cast.product.id, &naming(&picture), at(1)).await.expect("saved"),
                "uploaded" => drop(upload(&mut tx, &cast, 1).await),
                _ => {
                    let texts = [(String::new(), picture.clone())];
                    assets::note_named(&mut tx, &run, &texts).await.expect("noted");
                }
            }
            assert_eq!(assets::delete_overdue(&mut tx, end, 100).await.expect("asked"), 0, "{again}");
            products::set_draft(&mut tx, &cast.product.id, &ProductManifest::default(), at(1)).await.expect("saved");
        }
    }
}
