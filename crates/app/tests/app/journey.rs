//! The whole way of an image, from the publisher's push to the consumer's pull and back.

use std::collections::HashMap;

use app::{
    Actor, AppError,
    market::{Class, Decision, ListingState, SubmissionState},
    oci::{Digest, RawManifest, RepoName},
    registry::PullRequest,
};
use chrono::TimeDelta;
use futures_util::TryStreamExt;
use trust::cosign;

use crate::{
    images::Image,
    world::{HOST, World, told},
};

both! {
    async fn from_push_to_pull_and_back(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let draft = world.product().await;

        // Submitted, inspected.
        let first = world.submitted("1.0", &Image::vulnerable("one")).await;
        assert_eq!((first.state, first.number), (SubmissionState::InReview, 1));
        let signature = first.signature.clone().expect("looked for").0;
        assert_eq!(signature["verified"], true, "{signature}");
        assert_eq!(signature["key_name"], "release key");
        let page = app.submission_page(&world.reviewer, first.id.as_str()).await.expect("a page");
        assert!(page.findings.iter().any(|f| f.finding.vulnerability == "CVE-2023-0286"), "{:?}", page.counts);
        assert!(page.findings.iter().all(|f| f.finding.component == "openssl"));
        assert!(!page.checks.is_empty() && page.may_decide && !page.may_submit);
        assert_eq!(page.images.len(), 1);
        assert_eq!(page.images[0].components.len(), 2);

        // Sent back; the same again is refused, another image is not.
        world.clock.advance(TimeDelta::hours(1));
        world.decide(&first, Decision::RequestChanges, "Update openssl").await.expect("sent back");
        assert_eq!(told(world.submit("1.0").await), "conflict: nothing changed since submission 1: push another image or change the manifest, then submit again");
        let second = world.submitted("1.0", &Image::debian(&[("openssl", "1.1.1n-0+deb11u1")], "two")).await;
        assert_eq!((second.state, second.number), (SubmissionState::InReview, 2));
        assert_eq!(world.submission(&first).await.state, SubmissionState::Superseded);
        let page = app.submission_page(&world.owner, second.id.as_str()).await.expect("a page");
        assert_eq!(page.thread.len(), 1);
        let difference = page.difference.expect("compared");
        assert!(difference.image && difference.fields.is_empty() && difference.since == 1);

        // Approved, released.
        world.clock.advance(TimeDelta::hours(1));
        let released_at = app.now();
        world.decide(&second, Decision::Approve, "").await.expect("approved");
        assert_eq!(told(world.submit("1.0").await), "conflict: the last submission is approved and being released: wait until it is");
        assert_eq!(world.work().await, 1);
        let page = app.product_page(&Actor::anonymous(), "acme", "db").await.expect("on the market");
        assert_eq!(page.product.state, ListingState::Listed);
        assert_eq!(*page.product.listed.expect("listed"), draft);
        assert_eq!((page.releases.len(), page.releases[0].digest.as_str()), (1, second.digest.as_str()));
        assert!(!page.may_pull);

        // Clocks run from the release: 72 hours and 7 days.
        let findings = world.findings(&second).await;
        let due = |class| findings.iter().filter(move |f| f.class == class).map(|f| f.due_at.map(|due| due - released_at)).collect::<Vec<_>>();
        assert!(due(Class::Critical).iter().all(|left| *left == Some(TimeDelta::hours(72))) && !due(Class::Critical).is_empty());
        assert!(due(Class::Major).iter().all(|left| *left == Some(TimeDelta::days(7))) && !due(Class::Major).is_empty());
        assert!(due(Class::Minor).iter().all(Option::is_none));

        signed_and_whole(&world, &second.digest).await;
        subscriptions_give_rights(&world).await;
        the_log_is_complete(&world, &[&first.id, &second.id]).await;
    }
}

/// The released repository has the tag, every blob, and the operator's signature.
async fn signed_and_whole(world: &World, digest: &str) {
    let name: RepoName = "acme/db".parse().expect("a name");
    let digest: Digest = digest.parse().expect("a digest");
    let sig = cosign::signature_tag(&digest).expect("a tag");
    let tags = world.app.list_tags(&name, "", 10).await.expect("tags");
    assert_eq!(tags, ["1.0", sig.as_str()]);
    let row = world.app.find_manifest(&name, "1.0").await.expect("there");
    assert_eq!(row.digest, digest.as_str());
    let manifest =
        RawManifest::parse(row.content.to_vec(), Some(&row.media_type)).expect("a manifest");
    let image = manifest.image().expect("an image");
    for blob in image.layers.iter().chain([&image.config]) {
        assert_eq!(
            world
                .app
                .blob_size(&name, &blob.digest)
                .await
                .expect("there"),
            blob.size
        );
    }
    let row = world
        .app
        .find_manifest(&name, sig.as_str())
        .await
        .expect("there");
    let signature =
        RawManifest::parse(row.content.to_vec(), Some(&row.media_type)).expect("a manifest");
    let mut payloads = HashMap::new();
    for layer in &signature.image().expect("an image").layers {
        let blob = world
            .app
            .open_blob(&layer.digest, None)
            .await
            .expect("there");
        let bytes: Vec<_> = blob.into_stream().try_collect().await.expect("read");
        payloads.insert(layer.digest.clone(), bytes.concat());
    }
    let identity = format!("{HOST}/acme/db");
    let keys = [world.app.release_key()];
    let verified = cosign::verify(
        &signature,
        &|digest| payloads.get(digest).cloned(),
        &digest,
        cosign::Trusted::keys(&keys),
        Some(&identity),
    );
    verified.expect("the operator's signature holds");
    let publishers_own = cosign::verify(
        &signature,
        &|digest| payloads.get(digest).cloned(),
        &digest,
        cosign::Trusted::keys(&[world.key.public()]),
        None,
    );
    publishers_own.expect_err("the operator's is the only signature on the public name");
}

async fn subscriptions_give_rights(world: &World) {
    let (app, carl) = (&world.app, &world.carl);
    assert_eq!(world.rights(carl, "acme/db").await, (false, false));
    assert!(
        told(app.subscribe(carl, "acme", "db", "gold", true).await)
            .contains("choose one of free, pro")
    );
    assert!(
        told(app.subscribe(carl, "acme", "db", "pro", false).await)
            .starts_with("invalid: accept_license")
    );
    let subscription = app
        .subscribe(carl, "acme", "db", "pro", true)
        .await
        .expect("subscribed");
    assert_eq!(
        (subscription.amount_minor, subscription.currency.as_str()),
        (1999, "EUR")
    );
    assert!(told(app.subscribe(carl, "acme", "db", "free", true).await).starts_with("conflict"));
    a_subscriber_pulls(world, carl).await;
    assert!(matches!(
        app.unsubscribe(&world.viewer, subscription.id.as_str())
            .await,
        Err(AppError::NotFound { .. })
    ));
    app.unsubscribe(carl, subscription.id.as_str())
        .await
        .expect("ended");
    assert_eq!(world.rights(carl, "acme/db").await, (false, false));
    assert!(
        !world
            .access(carl, "acme/db")
            .await
            .grants("acme/db", "pull")
    );
    assert_eq!(
        world.audit(subscription.id.as_str()).await,
        ["subscribe ->active", "subscribe active>lapsed"]
    );
}

async fn a_subscriber_pulls(world: &World, carl: &Actor) {
    assert_eq!(world.rights(carl, "acme/db").await, (true, false));
    assert_eq!(
        world.rights(carl, "market.example/acme/db").await,
        (true, false)
    );
    let access = world.access(carl, "acme/db").await;
    let request = PullRequest {
        reference: "1.0",
        user_agent: "docker/28",
        access: &access,
    };
    let (_, warning) = world
        .app
        .pull_manifest(&"acme/db".parse().expect("a name"), request)
        .await
        .expect("pulled");
    assert_eq!(warning, None);
}

async fn the_log_is_complete(world: &World, submissions: &[&market::SubmissionId; 2]) {
    let [first, second] = submissions;
    assert_eq!(
        world.audit(first.as_str()).await,
        [
            "submit ->inspecting",
            "submit inspecting>in-review",
            "decide-submission in-review>changes-requested",
            "submit changes-requested>superseded"
        ]
    );
    assert_eq!(
        world.audit(second.as_str()).await,
        [
            "submit ->inspecting",
            "submit inspecting>in-review",
            "decide-submission in-review>approved",
            "decide-submission approved>released"
        ]
    );
    let product = world
        .app
        .product_draft(&world.owner, "acme", "db")
        .await
        .expect("there")
        .1;
    assert_eq!(
        world.audit(product.id.as_str()).await,
        [
            "edit-product ->draft",
            "edit-product ->draft-saved",
            "decide-submission draft>listed"
        ]
    );
    let publisher = world
        .app
        .publisher_page(&world.owner, "acme", 1)
        .await
        .expect("there")
        .publisher;
    assert_eq!(
        world.audit(publisher.id.as_str()).await,
        [
            "apply-as-publisher ->applied",
            "manage-members ->editor",
            "manage-members ->viewer",
            "decide-publisher applied>verified-without-proofs",
            "manage-keys ->key-added",
            "manage-keys ->key-proven"
        ]
    );
}
