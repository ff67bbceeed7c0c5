//! Products before their first release: who sees them, what they pull, and how it ends.

use app::{Actor, AppError};
use market::Decision;

use crate::{
    images::Image,
    world::{World, told},
};

const NAMES: (&str, &str) = ("acme", "db");

async fn sees(world: &World, actor: &Actor) -> bool {
    let page = world.app.preview_page(actor, NAMES.0, NAMES.1).await;
    match page {
        Ok(_) => true,
        Err(error) => {
            // The words are those for a product that there is not.
            assert!(
                matches!(
                    error,
                    AppError::NotFound {
                        what: "product",
                        ..
                    }
                ),
                "{error}"
            );
            false
        }
    }
}

async fn pulls(world: &World, actor: &Actor) -> bool {
    world.rights(actor, "preview/acme/db").await.0
}

/// The tags that lie in the repository of the preview.
async fn tags(world: &World) -> Vec<String> {
    let name = "preview/acme/db".parse().expect("a name");
    let tags = world.app.list_tags(&name, "", 10).await;
    tags.unwrap_or_default()
}

async fn notices(world: &World, actor: &Actor) -> Vec<String> {
    let notices = world
        .app
        .my_notices(actor, app::Part::first(10))
        .await
        .expect("notices");
    notices.into_iter().map(|notice| notice.title).collect()
}

both! {
    async fn those_who_are_named_see_and_pull_it_and_nobody_else_can_tell(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        world.product().await;
        let stranger = world.newcomer("stranger").await;
        assert!(!sees(&world, &world.carl).await);
        let none = told(app.add_previewer(&world.editor, NAMES, "nobody").await);
        assert!(none.starts_with("not-found: "), "{none}");
        app.add_previewer(&world.editor, NAMES, "carl-consumer").await.expect("named");
        app.add_previewer(&world.editor, NAMES, "carl-consumer").await.expect("as before");
        assert_eq!(notices(&world, &world.carl).await.len(), 1, "told once");
        world.work().await;
        // As far as it is written.
        let page = app.preview_page(&world.carl, NAMES.0, NAMES.1).await.expect("a page");
        assert_eq!(page.product.listed.expect("a manifest").name, "Harbour DB");
        assert!(page.candidate.is_none() && !page.may_pull && !page.is_insider);
        let image = Image::vulnerable("one");
        let digest = world.push(Some("1.0"), &image).await;
        world.sign(&world.key, &digest).await;
        world.submit("1.0").await.expect("submitted");
        world.work().await;
        let page = app.preview_page(&world.carl, NAMES.0, NAMES.1).await.expect("a page");
        assert!(page.may_pull);
        let candidate = page.candidate.expect("one");
        assert_eq!((candidate.tag.as_str(), candidate.digest), ("1.0", digest.to_string()));
        assert_eq!(candidate.images.len(), 1);
        assert_eq!(tags(&world).await, ["1.0"]);
        let name = "preview/acme/db".parse().expect("a name");
        for (layer, _) in &image.layers {
            let layer = oci::Digest::of(layer);
            app.blob_size(&name, &layer).await.expect("its layers are there");
        }
        let askers = [
            (&world.carl, true), (&world.viewer, true), (&world.reviewer, true),
            (&stranger, false), (&Actor::anonymous(), false),
        ];
        for (asker, may) in askers {
            assert_eq!(pulls(&world, asker).await, may);
            let listed = app.catalog(asker, "preview/", 9).await.expect("read");
            assert_eq!(listed.first().is_some_and(|name| name == "preview/acme/db"), may, "{listed:?}");
        }
        assert!(!sees(&world, &stranger).await);
        assert_eq!(world.rights(&world.carl, "staging/acme/db").await, (false, false));
        assert_eq!(world.rights(&world.owner, "preview/acme/db").await, (true, false));
        let denied = app.preview_page(&Actor::anonymous(), NAMES.0, NAMES.1).await;
        assert!(matches!(denied, Err(AppError::Unauthenticated(_))));
        app.remove_previewer(&world.owner, NAMES, "carl-consumer").await.expect("gone");
        assert!(!sees(&world, &world.carl).await && !pulls(&world, &world.carl).await);
        world.work().await;
        assert_eq!(tags(&world).await, [""; 0]);
    }

    async fn what_is_pulled_follows_the_newest_submission(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let first = world.submitted("1.0", &Image::vulnerable("one")).await;
        world.app.add_previewer(&world.owner, NAMES, "carl-consumer").await.expect("named");
        world.work().await;
        assert_eq!(tags(&world).await, ["1.0"]);
        world.decide(&first, Decision::RequestChanges, "Mend it.").await.expect("decided");
        let digest = world.push(Some("1.1"), &Image::vulnerable("two")).await;
        world.sign(&world.key, &digest).await;
        world.submit("1.1").await.expect("submitted");
        world.work().await;
        assert_eq!(tags(&world).await, ["1.1"]);
    }

    async fn it_ends_with_the_release_and_with_a_withdrawal(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.app.add_previewer(&world.owner, NAMES, "carl-consumer").await.expect("named");
        world.work().await;
        let digest = world.push(Some("1.0"), &Image::vulnerable("one")).await;
        world.sign(&world.key, &digest).await;
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
        world.work().await;
        assert!(!pulls(&world, &world.carl).await && tags(&world).await.is_empty());
        assert!(!sees(&world, &world.carl).await);
        assert_eq!(notices(&world, &world.carl).await[0], "acme/db is on the market, for everybody");
        let late = told(world.app.add_previewer(&world.owner, NAMES, "carl-consumer").await);
        assert_eq!(late, "conflict: the product is listed: previews are for products before their first release");
        let audit = world.audit(submission.product_id.as_str()).await;
        let said: Vec<_> = audit.iter().filter(|line| line.starts_with("manage-preview")).collect();
        assert_eq!(said, ["manage-preview ->named", "manage-preview named>gone"]);

        world.app.create_product(&world.owner, "acme", "other").await.expect("a product");
        world.app.add_previewer(&world.owner, ("acme", "other"), "carl-consumer").await.expect("named");
        assert_eq!(world.app.my_previews(&world.carl).await.expect("a list").len(), 1);
        world.app.withdraw_product(&world.owner, "acme", "other", "No.").await.expect("withdrawn");
        assert_eq!(world.app.my_previews(&world.carl).await.expect("a list"), []);
    }

    async fn the_previews_of_a_suspended_publisher_are_shut(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.app.add_previewer(&world.owner, NAMES, "carl-consumer").await.expect("named");
        assert!(sees(&world, &world.carl).await);
        let suspend = market::PublisherDecision::Suspend;
        world.app.decide_publisher(&world.operator, "acme", suspend, "So.").await.expect("suspended");
        assert!(!sees(&world, &world.carl).await);
    }
}
