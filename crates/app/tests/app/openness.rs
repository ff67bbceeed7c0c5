//! Components and findings that a publisher opens to everybody, and what is attested then.

use app::{
    Actor, ComponentQuery, NewVex,
    market::{VexClaim, VexDecision, VexScope, VexStatus},
    oci::{Digest, RawManifest},
};
use store::contents::{ReferrerPage, referrers};
use trust::bundle::{self, BUNDLE, CYCLONEDX, OPENVEX, SPDX};

use crate::{
    images::Image,
    world::{World, told},
};

const DB: (&str, &str) = ("acme", "db");

async fn open(world: &World, actor: &Actor, open: bool) -> Result<(), app::AppError> {
    world.app.set_inside_open(actor, "acme", "db", open).await
}

/// Returns what the operator states of a released image, by kind.
async fn stated(world: &World, digest: &Digest) -> Vec<(String, serde_json::Value)> {
    let mut tx = world.db.read().await.expect("a connection");
    let repository = store::repositories::find_by_name(&mut tx, "acme/db").await;
    let repository = repository.expect("read").expect("there");
    let page = ReferrerPage {
        subject: digest.as_str(),
        artifact_type: Some(BUNDLE),
        last: "",
        limit: 20,
    };
    let mut found = Vec::new();
    for row in referrers(&mut tx, &repository.id, page)
        .await
        .expect("read")
    {
        let row = store::repositories::find_manifest(&mut tx, &repository.id, &row.digest).await;
        let manifest = RawManifest::parse(row.expect("read").expect("there").content, None);
        let manifest = manifest.expect("a manifest");
        let layer = manifest.image().expect("an image").layers[0].digest.clone();
        let keys = [world.app.release_key()];
        let verified = bundle::verify(&world.blob(&layer).await, digest, &keys);
        let verified = verified.expect("signed");
        found.push((verified.predicate_type, verified.predicate));
    }
    found
}

async fn accept_statement(world: &World) {
    let new = NewVex {
        scope: VexScope {
            vulnerability: "CVE-2022-0778".to_owned(),
            image: None,
            component: None,
        },
        claim: VexClaim {
            status: VexStatus::UnderInvestigation,
            justification: None,
            text: String::new(),
        },
    };
    let stated = world.app.state_vex(&world.editor, "acme", "db", &new).await;
    let verdict = app::VexVerdict {
        decision: VexDecision::Accept,
        reason: "",
        until: None,
    };
    let id = stated.expect("stated").id;
    let decided = world.app.decide_vex(&world.reviewer, id.as_str(), verdict);
    decided.await.expect("accepted");
}

both! {
    async fn what_is_inside_is_opened_by_who_edits_for_who_pulls(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        world.released("1.0", &image).await;
        let digest = Digest::of(&image.manifest()).to_string();
        let components = async |actor: &Actor, image: &str| {
            let query = ComponentQuery::default();
            world.app.components_page(actor, (DB, image), &query, 1).await
        };
        world.app.subscribe(&world.carl, "acme", "db", "free", true).await.expect("subscribed");
        let other = world.newcomer("dora").await;
        assert!(told(components(&world.carl, &digest).await).starts_with("denied"));
        for nobody in [&world.viewer, &world.carl, &Actor::anonymous()] {
            told(open(&world, nobody, true).await);
        }
        open(&world, &world.editor, true).await.expect("opened");
        let next = Image::vulnerable("two");
        world.submitted("2.0", &next).await;
        let next = Digest::of(&next.manifest()).to_string();
        let page = components(&world.carl, &digest).await.expect("open");
        assert!(page.total > 0 && page.rows.iter().any(|row| row.findings_total > 0));
        assert!(page.head.submission.is_none());
        let inside = world.app.image_page(&world.carl, DB, &digest).await.expect("open").inside;
        assert!(inside.is_some());
        // What is not released stays where it is.
        assert!(told(components(&world.carl, &next).await).starts_with("not-found"));
        assert!(components(&world.viewer, &next).await.is_ok());
        // Who may not pull sees as much as before.
        for nobody in [&other, &Actor::anonymous()] {
            told(components(nobody, &digest).await);
            let page = world.app.image_page(nobody, DB, &digest).await.expect("a page");
            assert!(page.inside.is_none());
        }
        open(&world, &world.owner, false).await.expect("closed");
        told(components(&world.carl, &digest).await);
        let mut tx = world.db.read().await.expect("a connection");
        let publisher = store::publishers::find_by_slug(&mut tx, "acme").await;
        let publisher = publisher.expect("read").expect("there");
        let product = store::products::find_by_slug(&mut tx, &publisher.id, "db").await;
        let product = product.expect("read").expect("there").id;
        drop(tx);
        let audit = world.audit(product.as_str()).await.join("\n");
        assert!(audit.contains("inside-open") && audit.contains("inside-closed"), "{audit}");
    }

    async fn an_open_release_bears_attested_bills(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let closed = Image::vulnerable("one");
        world.released("1.0", &closed).await;
        let said = stated(&world, &Digest::of(&closed.manifest())).await;
        assert_eq!(said.len(), 3, "nothing of what is inside");
        accept_statement(&world).await;
        let stating = Image::vulnerable("two");
        world.released("2.0", &stating).await;
        let said = stated(&world, &Digest::of(&stating.manifest())).await;
        assert_eq!(said.len(), 4, "what is stated is public");
        open(&world, &world.editor, true).await.expect("opened");
        let image = Image::vulnerable("three");
        world.released("3.0", &image).await;
        let said = stated(&world, &Digest::of(&image.manifest())).await;
        let of = |kind| &said.iter().find(|(found, _)| found == kind).expect("stated").1;
        assert_eq!(said.len(), 6);
        assert_eq!(of(CYCLONEDX)["bomFormat"], "CycloneDX");
        assert!(!of(CYCLONEDX)["components"].as_array().expect("a list").is_empty());
        assert!(of(SPDX)["spdxVersion"].as_str().expect("text").starts_with("SPDX-2"));
        assert_eq!(of(OPENVEX)["statements"][0]["vulnerability"]["name"], "CVE-2022-0778");
        assert!(said.iter().all(|(_, what)| !what.to_string().contains("staging")));
        open(&world, &world.editor, false).await.expect("closed");
        let last = Image::vulnerable("four");
        world.released("4.0", &last).await;
        assert_eq!(stated(&world, &Digest::of(&last.manifest())).await.len(), 4);
        // What was attested stays.
        assert_eq!(stated(&world, &Digest::of(&image.manifest())).await.len(), 6);
    }
}
