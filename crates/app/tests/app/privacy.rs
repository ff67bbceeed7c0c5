//! Nothing private reaches a consumer: everything they can ask for is written out and searched.

use std::fmt::Write;

use app::{Actor, Scope, Search, market::Decision, registry::PullRequest};

use crate::{images::Image, world::World};

/// Words that stand nowhere but in what is private.
const PRIVATE: [&str; 12] = [
    "hidden-edition",
    "libsecret-hold",
    "libsecret-lifted",
    "staging",
    "CVE-",
    "openssl",
    "libsecret-component",
    "eve-editor",
    "vic-viewer",
    "oscar-owner",
    "rita-reviewer",
    "other-buyer",
];

/// Writes out everything `actor` can learn about the market and its products.
async fn everything(world: &World, actor: &Actor) -> String {
    let app = &world.app;
    let mut text = String::new();
    let mut add = |what: &dyn std::fmt::Debug| writeln!(text, "{what:?}").expect("written");
    add(&app.search(&Search::default(), 1).await.expect("searched"));
    add(&app.product_page(actor, "acme", "db").await.expect("a page"));
    add(&app.badge("acme", "db").await.expect("a badge"));
    let names = ("acme", "db");
    let tags = app.tags_page(actor, names, 1).await.expect("a page");
    let images = tags.tags.iter().flat_map(|tag| &tag.images);
    for image in images {
        let page = app.image_page(actor, names, &image.digest).await;
        add(&page.expect("a page"));
    }
    add(&tags);
    let compared = app.compare_releases(actor, names, (None, None)).await;
    add(&compared.expect("a page"));
    add(&app.catalog(actor, "", 100).await.expect("a list"));
    let name = "acme/db".parse().expect("a name");
    for asked in ["acme/db", "staging/acme/db", "acme/missing"] {
        let scope = Scope::parse(&format!("repository:{asked}:pull,push")).expect("a scope");
        let token = app
            .issue_registry_token(actor, &[scope])
            .await
            .expect("a token")
            .token;
        let access = app
            .verify_registry_token(&token)
            .await
            .expect("read")
            .expect("ours");
        add(&access);
        assert!(!access.grants("staging/acme/db", "pull"));
        if access.grants("acme/db", "pull") {
            let request = PullRequest {
                reference: "1.0",
                user_agent: "x",
                access: &access,
            };
            let (row, warning) = app.pull_manifest(&name, request).await.expect("pulled");
            add(&(
                String::from_utf8(row.content.to_vec()).expect("text"),
                warning,
            ));
            let tags = app.list_tags(&name, "", 100).await.expect("tags");
            for tag in &tags {
                let row = app.find_manifest(&name, tag).await.expect("there");
                add(&String::from_utf8(row.content.to_vec()));
            }
            add(&tags);
            let subject = row.digest.parse().expect("a digest");
            let referrers = app.referrers(&name, &subject, (None, None)).await;
            add(&String::from_utf8(
                referrers.expect("a list").index.to_vec(),
            ));
        }
    }
    if actor.signed_in().is_some() {
        add(&app
            .my_subscriptions(actor, app::Part::ALL)
            .await
            .expect("listed"));
        add(&app.my_publishers(actor).await.expect("listed"));
    }
    text
}

both! {
    async fn consumers_learn_nothing_private(db: Database) {
        let world = World::new(db).await;
        let mut draft = world.product().await;
        // The repositories of its plans are the publisher's business.
        draft.plans[1].sources = ["hidden-edition: 1.*", "2.*"].map(|line| line.parse().expect("a source")).to_vec();
        world.app.save_draft(&world.editor, "acme", "db", &draft).await.expect("saved");
        let image = Image::debian(&[("openssl", "1.1.1n-0+deb11u1"), ("libsecret-component", "1.0")], "x");
        let submission = world.submitted("1.0", &image).await;
        world.app.add_comment(&world.editor, submission.id.as_str(), "submission", "libsecret-component!").await.expect("written");
        world.decide(&submission, Decision::Approve, "Good, rita-reviewer").await.expect("approved");
        world.work().await;
        let other = world.newcomer("other-buyer").await;
        for buyer in [&world.carl, &other] {
            world.app.subscribe(buyer, "acme", "db", "free", true).await.expect("subscribed");
        }
        // What the publisher prepares is not yet anybody's business.
        let secret = market::ProductManifest { long_description: "libsecret-component comes".to_owned(), ..draft };
        world.app.save_draft(&world.editor, "acme", "db", &secret).await.expect("saved");
        let words = [(market::ListingEvent::Hold, "libsecret-hold: CVE-2023-45853"), (market::ListingEvent::Reinstate, "libsecret-lifted")];
        for ((event, reason), actor) in words.into_iter().flat_map(|word| [(word, Actor::anonymous()), (word, world.carl.clone())]) {
            if actor.signed_in().is_none() {
                world.app.manage_listing(&world.operator, "acme", "db", event, reason).await.expect("changed");
            }
            let text = everything(&world, &actor).await;
            assert!(text.contains("Harbour DB"));
            for word in PRIVATE {
                // Their own question is theirs.
                let place = text.find(word);
                let context = place.map(|at| &text[at.saturating_sub(200)..(at + 60).min(text.len())]);
                assert_eq!(context, None, "{word}");
            }
        }
    }
}
