//! Plans that give some of a product's releases: what each subscriber pulls, and that nobody
//! loses what they bought.

use app::{
    Access, Actor, NewSubmission,
    market::{Decision, PlanSource, ProductManifest, PullAccess, SubmissionState},
    oci::{Digest, ErrorCode, RepoName},
};
use trust::cosign;

use crate::{
    images::{Image, Packing, dpkg, tar},
    world::{HOST, World},
};

/// A staging repository that no consumer ever hears of.
const HIDDEN: &str = "hidden-edition";

/// An image on a base that all of them have.
fn image(seed: &str) -> Image {
    let base = tar(&[("var/lib/dpkg/status", &dpkg(&[("bash", "5.1-2+deb11u1")]))]);
    Image::of(&[base, tar(&[("seed", seed)])], Packing::Gzip)
}

fn sources(lines: &[&str]) -> Vec<PlanSource> {
    lines
        .iter()
        .map(|line| line.parse().expect("a source"))
        .collect()
}

/// Saves a draft with these sources of `free` and `pro`; a third plan gives everything.
async fn draft(world: &World, free: &[&str], pro: &[&str], access: PullAccess) -> ProductManifest {
    let page = world.app.product_draft(&world.editor, "acme", "db").await;
    let mut draft = page.expect("a draft").1.draft.0;
    draft.plans.truncate(2);
    let mut whole = draft.plans[1].clone();
    (whole.id, whole.name) = ("whole".parse().expect("a name"), "Whole".to_owned());
    draft.plans[0].sources = sources(free);
    draft.plans[1].sources = sources(pro);
    whole.sources.clear();
    draft.plans.push(whole);
    draft.access = access;
    let saved = world.app.save_draft(&world.editor, "acme", "db", &draft);
    assert_eq!(saved.await.expect("saved"), []);
    draft
}

/// Brings an image from one of the publisher's staging repositories to the market.
async fn release(world: &World, repository: &str, tag: &str) -> Image {
    let image = image(tag);
    let name = format!("staging/acme/{repository}");
    let config = image.config.to_string();
    let layers = image.layers.iter().map(|(bytes, _)| bytes.as_slice());
    for blob in layers.chain([config.as_bytes()]) {
        world.push_blob(&name, blob).await.expect("pushed");
    }
    let pushed = world
        .push_manifest(&name, Some(tag), image.manifest())
        .await;
    let digest = pushed.expect("pushed");
    let payload = cosign::payload(&format!("{HOST}/{name}"), &digest, None);
    let signature = cosign::sign(&world.key, payload).expect("signed");
    let signature = cosign::signature_manifest(&[signature]).expect("an image");
    for blob in signature.payloads.iter().chain([&signature.config]) {
        world.push_blob(&name, blob).await.expect("pushed");
    }
    let beside = cosign::signature_tag(&digest).expect("a tag");
    let pushed = world.push_manifest(&name, Some(beside.as_str()), signature.manifest.bytes);
    pushed.await.expect("pushed");
    let new = NewSubmission {
        repository: repository.to_owned(),
        tag: tag.to_owned(),
    };
    let submitted = world.app.submit(&world.editor, "acme", "db", &new).await;
    let submission = submitted.expect("submitted");
    world.work().await;
    let decided = world.decide(&submission, Decision::Approve, "").await;
    decided.expect("approved");
    world.work().await;
    let released = world.submission(&submission).await.state;
    assert_eq!(released, SubmissionState::Released);
    image
}

fn name() -> RepoName {
    "acme/db".parse().expect("a name")
}

async fn given(world: &World, access: &Access, digest: &Digest) -> Result<(), String> {
    let name = name();
    let asked = world.app.require_given(access, &name, digest.as_str());
    asked.await.map_err(|error| {
        assert_eq!(error.code, ErrorCode::Denied);
        assert!(!error.message.contains(HIDDEN), "{error}");
        error.message
    })
}

async fn subscribe(world: &World, actor: &Actor, plan: &str) {
    let subscribed = world.app.subscribe(actor, "acme", "db", plan, true).await;
    subscribed.expect("subscribed");
}

/// The tags of images that somebody may pull.
async fn tags(world: &World, actor: &Actor) -> Vec<String> {
    let access = world.access(actor, "acme/db").await;
    let listed = world.app.list_given_tags(&access, &name(), ("", 100)).await;
    let mut tags = listed.expect("a list");
    tags.retain(|tag| !tag.starts_with("sha256-"));
    tags
}

/// Of an image: its manifest, the layer that is its own, its config, its base.
fn parts(image: &Image) -> [Digest; 4] {
    [
        Digest::of(&image.manifest()),
        Digest::of(&image.layers[1].0),
        Digest::of(image.config.to_string().as_bytes()),
        Digest::of(&image.layers[0].0),
    ]
}

both! {
    async fn a_plan_gives_whole_images_and_no_more(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        draft(&world, &["1.*"], &[&format!("{HIDDEN}:")], PullAccess::Subscribers).await;
        world.app.set_inside_open(&world.editor, "acme", "db", true).await.expect("opened");
        let one = release(&world, "db", "1.0").await;
        let two = release(&world, "db", "2.0").await;
        let hidden = release(&world, HIDDEN, "3.0").await;
        subscribe(&world, &world.carl, "free").await;
        let access = world.access(&world.carl, "acme/db").await;
        assert!(access.grants("acme/db", "pull"));
        assert_eq!(tags(&world, &world.carl).await, ["1.0"]);
        for digest in parts(&one) {
            assert_eq!(given(&world, &access, &digest).await, Ok(()));
        }
        let [manifest, layer, config, base] = parts(&two);
        for digest in [&manifest, &layer, &config] {
            let refused = given(&world, &access, digest).await.expect_err("not given");
            assert_eq!(refused, "acme/db:2.0 is given by the plan Whole, not by your plan free: see https://market.example/p/acme/db");
        }
        assert_eq!(given(&world, &access, &base).await, Ok(()), "the base is that of 1.0, too");
        let refused = given(&world, &access, &parts(&hidden)[0]).await.expect_err("not given");
        assert!(refused.starts_with("acme/db:3.0 is given by the plans pro, Whole, not"), "{refused}");
        let strange = Digest::of(b"?");
        for subject in [&manifest, &strange] {
            let listed = world.app.given_referrers(&access, (&name(), subject), (None, None)).await;
            let index: oci::Index = serde_json::from_slice(&listed.expect("a list").index).expect("an index");
            assert_eq!(index.manifests, [], "{subject}");
        }
        let unknown = given(&world, &access, &strange).await.expect_err("not given");
        assert!(unknown.starts_with("this part of acme/db is given by no plan"), "{unknown}");
        // What is about an image goes with it: signatures and attestations, with their blobs.
        for (image, is_given) in [(&one, true), (&two, false)] {
            let subject = Digest::of(&image.manifest());
            let beside = cosign::signature_tag(&subject).expect("a tag");
            let signature = world.app.find_manifest(&name(), beside.as_str()).await.expect("signed");
            let digest = signature.digest.parse().expect("a digest");
            assert_eq!(given(&world, &access, &digest).await.is_ok(), is_given);
            let referrers = world.app.referrers(&name(), &subject, (None, None)).await.expect("a list");
            let index: oci::Index = serde_json::from_slice(&referrers.index).expect("an index");
            assert!(!index.manifests.is_empty());
            let shown = world.app.given_referrers(&access, (&name(), &subject), (None, None)).await;
            assert_eq!(shown.expect("a list").index == referrers.index, is_given);
            for referrer in index.manifests {
                assert_eq!(given(&world, &access, &referrer.digest).await.is_ok(), is_given);
                let row = world.app.find_manifest(&name(), referrer.digest.as_str()).await.expect("there");
                let manifest = oci::RawManifest::parse(row.content.to_vec(), None).expect("a manifest");
                let image = manifest.image().expect("an image");
                assert_eq!(given(&world, &access, &image.layers[0].digest).await.is_ok(), is_given);
            }
        }
        // The publisher's people and the staff have all, and are not asked.
        for actor in [&world.viewer, &world.reviewer, &world.operator] {
            let access = world.access(actor, "acme/db").await;
            assert!(access.access.iter().all(|grant| !grant.limited));
            assert_eq!(given(&world, &access, &manifest).await, Ok(()));
            assert_eq!(tags(&world, actor).await, ["1.0", "2.0", "3.0"]);
        }
        // Inside is open to those who may pull, and to nobody else.
        for (image, sees) in [(&one, true), (&two, false)] {
            let digest = Digest::of(&image.manifest());
            let page = world.app.image_page(&world.carl, ("acme", "db"), digest.as_str()).await;
            assert_eq!(page.expect("a page").inside.is_some(), sees);
        }
        let compared = world.app.compare_releases(&world.carl, ("acme", "db"), (None, None)).await;
        assert!(compared.expect("a page").difference.expect("two").inside.is_none());
        let told = world.app.product_page(&world.carl, "acme", "db").await.expect("a page").gives;
        let told: Vec<_> = told.iter().map(|it| (it.everything, it.tags.join(" "), it.patterns.join(" "))).collect();
        let is = |everything, tags: &str, patterns: &str| (everything, tags.to_owned(), patterns.to_owned());
        assert_eq!(told, [is(false, "1.0", "1.*"), is(false, "3.0", ""), is(true, "", "")]);
        let page = world.app.tags_page(&Actor::anonymous(), ("acme", "db"), 1).await.expect("a page");
        let plans: Vec<_> = page.tags.into_iter().map(|tag| {
            let plans = tag.plans.expect("told").into_iter().map(|(id, _)| id);
            plans.collect::<Vec<_>>().join(" ")
        }).collect();
        assert_eq!(plans, ["pro whole", "whole", "free whole"]);
    }

    async fn what_was_bought_stays(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        draft(&world, &["1.*"], &["2.*"], PullAccess::Subscribers).await;
        release(&world, "db", "1.0").await;
        release(&world, "db", "2.0").await;
        let late = world.newcomer("late-buyer").await;
        let whole = world.newcomer("whole-buyer").await;
        subscribe(&world, &world.carl, "free").await;
        subscribe(&world, &whole, "whole").await;
        // The plan gives something else from the next release on.
        draft(&world, &["3.*"], &["2.*"], PullAccess::Subscribers).await;
        release(&world, "db", "3.0").await;
        release(&world, "db", "1.1").await;
        subscribe(&world, &late, "free").await;
        assert_eq!(tags(&world, &world.carl).await, ["1.0", "1.1", "3.0"]);
        assert_eq!(tags(&world, &late).await, ["3.0"]);
        // The plan is gone, and what gave everything is limited.
        let mut manifest = draft(&world, &["9.*"], &["9.*"], PullAccess::Subscribers).await;
        manifest.plans.remove(0);
        manifest.plans[1].sources = sources(&["9.*"]);
        world.app.save_draft(&world.editor, "acme", "db", &manifest).await.expect("saved");
        release(&world, "db", "4.0").await;
        assert_eq!(tags(&world, &world.carl).await, ["1.0", "1.1"]);
        assert_eq!(tags(&world, &late).await, ["3.0"]);
        assert_eq!(tags(&world, &whole).await, ["1.0", "1.1", "2.0", "3.0", "4.0"]);
        // A subscription that ended gives nothing: tokens are not granted any more.
        let own = world.app.my_subscriptions(&late, app::Part::ALL).await.expect("listed");
        world.app.unsubscribe(&late, own[0].1.id.as_str()).await.expect("ended");
        assert!(!world.access(&late, "acme/db").await.grants("acme/db", "pull"));
    }

    async fn without_a_subscription_free_plans_give(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        draft(&world, &["1.*"], &["2.*"], PullAccess::Everyone).await;
        let one = release(&world, "db", "1.0").await;
        let two = release(&world, "db", "2.0").await;
        let nobody = world.access(&Actor::anonymous(), "acme/db").await;
        assert_eq!(given(&world, &nobody, &parts(&one)[0]).await, Ok(()));
        let refused = given(&world, &nobody, &parts(&two)[0]).await.expect_err("not given");
        assert!(refused.ends_with("sign in (docker login market.example) and subscribe at https://market.example/p/acme/db"), "{refused}");
        assert_eq!(tags(&world, &Actor::anonymous()).await, ["1.0"]);
        assert_eq!(tags(&world, &world.carl).await, ["1.0"]);
        subscribe(&world, &world.carl, "pro").await;
        assert_eq!(tags(&world, &world.carl).await, ["1.0", "2.0"]);
    }

    async fn a_plan_that_gives_nothing_is_hinted_at(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        draft(&world, &["1.*"], &["7.*"], PullAccess::Subscribers).await;
        release(&world, "db", "1.0").await;
        let newest = world.app.product_draft(&world.editor, "acme", "db").await.expect("a draft").2;
        let page = world.app.submission_page(&world.editor, newest[0].id.as_str()).await.expect("a page");
        let fields: Vec<_> = page.hints.iter().map(|hint| hint.field.as_str()).collect();
        assert_eq!(fields, ["plans[1].sources"]);
    }

    async fn no_blob_is_mounted_that_the_plan_does_not_give(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        draft(&world, &["1.*"], &["2.*"], PullAccess::Everyone).await;
        let one = release(&world, "db", "1.0").await;
        let two = release(&world, "db", "2.0").await;
        let from = name();
        let to: RepoName = "staging/acme/elsewhere".parse().expect("a name");
        // Somebody who may push there, and has of the released repository what consumers have.
        let nobody = world.access(&Actor::anonymous(), "acme/db").await;
        for (image, mounts) in [(&one, true), (&two, false)] {
            let [_, layer, ..] = parts(image);
            let mounted = world.app.mount_blob(&to, &layer, Some(&from), &nobody).await;
            assert_eq!(mounted.expect("asked"), mounts);
        }
    }
}
