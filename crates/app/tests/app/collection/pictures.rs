//! Uploaded pictures: kept while anything names them, and for a grace.

use market::ProductManifest;

use super::*;
use crate::images::picture;

async fn upload(world: &World, edge: u32) -> String {
    let png = picture(edge, edge).into();
    let uploaded = world.app.upload_picture(&world.editor, "acme", png).await;
    uploaded.expect("uploaded").digest
}

async fn is_there(world: &World, digest: &str) -> bool {
    world.app.picture(digest).await.is_ok()
}

fn pictures(figures: CollectionFigures) -> (i64, i64) {
    (figures.pictures, figures.waiting_pictures)
}

both! {
    async fn pictures_that_nothing_names_go_after_their_grace(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        leave_the_present(&world).await;
        let first = world.product().await;
        let (old, never) = (first.logo.clone().expect("a logo"), upload(&world, 600).await);
        assert_eq!(pictures(collect(&world, true).await), (0, 1));
        assert_eq!(pictures(collect(&world, false).await), (0, 1));
        let why = app.why_kept(&world.operator, &never).await.expect("told").picture;
        let until = why.expect("a picture").until;
        assert_eq!(until, Some(app.now() + GRACE));
        let why = app.why_kept(&world.operator, &old).await.expect("told").picture;
        assert_eq!(why.expect("a picture").until, None);

        // A version of the draft names the old one still.
        let new = upload(&world, 700).await;
        let second = ProductManifest {
            logo: Some(new.clone()),
            screenshots: vec![new.clone()],
            ..first
        };
        app.save_draft(&world.editor, "acme", "db", &second).await.expect("saved");
        world.clock.advance(GRACE - TimeDelta::seconds(1));
        assert_eq!(pictures(collect(&world, false).await), (0, 1));
        world.clock.advance(TimeDelta::seconds(1));
        let tried = collect(&world, true).await;
        assert_eq!((pictures(tried), tried.blobs), ((1, 0), 1));
        assert!(is_there(&world, &never).await, "a dry run deletes nothing");
        let done = collect(&world, false).await;
        assert_eq!((pictures(done), done.blobs), ((1, 0), 1));
        assert!(!is_there(&world, &never).await);
        assert!(is_there(&world, &old).await && is_there(&world, &new).await);
        assert_eq!(upload(&world, 600).await, never, "it may come again");
        assert!(is_there(&world, &never).await);
    }

    async fn a_draft_that_names_a_picture_again_keeps_it(db: Database) {
        let world = World::new(db).await;
        leave_the_present(&world).await;
        let first = world.product().await;
        let picture = upload(&world, 600).await;
        collect(&world, false).await;
        world.clock.advance(GRACE);
        // Overdue now, and saved while a collection has read drafts already, or will.
        let draft = ProductManifest {
            long_description: format!("![A chart](/pictures/{picture})"),
            ..first
        };
        let (saved, figures) = tokio::join!(
            world.app.save_draft(&world.editor, "acme", "db", &draft),
            collect(&world, false),
        );
        saved.expect("saved");
        let kept = is_there(&world, &picture).await;
        assert_eq!(kept, figures.pictures == 0);
        assert_eq!(pictures(collect(&world, false).await), (0, 0));
        if kept {
            world.clock.advance(GRACE);
            assert_eq!(pictures(collect(&world, false).await), (0, 0));
            assert!(is_there(&world, &picture).await);
        }
    }
}
