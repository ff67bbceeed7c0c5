//! Versions of drafts: what is kept, compared and gone back to, and what is not.

use app::AppError;
use market::ProductManifest;

use crate::world::{World, told};

const NAMES: (&str, &str) = ("acme", "db");

async fn save(world: &World, draft: &ProductManifest) {
    let saved = world.app.save_draft(&world.editor, NAMES.0, NAMES.1, draft);
    saved.await.expect("saved");
}

async fn lines(world: &World) -> Vec<String> {
    let versions = world.app.draft_versions(&world.viewer, NAMES.0, NAMES.1);
    let versions = versions.await.expect("the versions").versions;
    versions
        .into_iter()
        .map(|line| {
            let from = line.restored_from.map(|from| format!(" from {from}"));
            let by = line.saved_by.unwrap_or_default();
            format!(
                "{} {by}: {}{}",
                line.number,
                line.fields,
                from.unwrap_or_default()
            )
        })
        .collect()
}

both! {
    async fn of_many_that_replace_one_draft_at_once_one_does(db: Database) {
        let world = World::new(db).await;
        let first = world.product().await;
        let save = async |number: usize| {
            let draft = ProductManifest { name: format!("No. {number}"), ..first.clone() };
            let is_first = |held: &ProductManifest| *held == first;
            world.app.save_draft_if(&world.editor, NAMES, &draft, &is_first).await
        };
        let all = futures_util::future::join_all((0..8).map(save)).await;
        let (saved, refused): (Vec<_>, Vec<_>) = all.into_iter().partition(Result::is_ok);
        assert_eq!((saved.len(), refused.len()), (1, 7));
        for refused in refused {
            assert!(matches!(refused, Err(AppError::Changed(_))), "{refused:?}");
        }
    }

    async fn what_was_written_over_is_seen_compared_and_gone_back_to(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let first = world.product().await;
        let second = ProductManifest {
            name: "Another".to_owned(),
            tags: vec!["new".to_owned()],
            ..first.clone()
        };
        save(&world, &second).await;
        // Saving what stands already is no version.
        save(&world, &second).await;
        assert_eq!(lines(&world).await[0], "2 eve-editor: name tags");
        assert_eq!(lines(&world).await.len(), 2);
        let difference = app.compare_drafts(&world.reviewer, NAMES, (1, None)).await.expect("both");
        assert_eq!(difference.fields, ["name", "tags"]);
        assert_eq!((difference.before.manifest.0, difference.after.manifest.0), (first.clone(), second));

        let same = told(app.restore_draft(&world.editor, NAMES, 2).await);
        assert_eq!(same, "conflict: version 2 says what the draft says");
        let none = told(app.restore_draft(&world.editor, NAMES, 7).await);
        assert!(none.starts_with("not-found: "), "{none}");
        let made = app.restore_draft(&world.editor, NAMES, 1).await.expect("gone back");
        assert_eq!((made.number, made.restored_from), (3, Some(1)));
        let stands = app.product_draft(&world.viewer, NAMES.0, NAMES.1).await.expect("the draft").1;
        assert_eq!(stands.draft.0, first);
        assert_eq!(lines(&world).await[0], "3 eve-editor: name tags from 1");
        let audit = app.audit_log(&world.operator, &app::AuditQuery::default(), app::Part::first(10)).await.expect("the log");
        let record = audit.iter().find(|entry| entry.record.after.as_deref() == Some("draft-restored"));
        assert_eq!(record.expect("a record").record.reason.as_deref(), Some("version 1: name tags"));
        // A version is of one product, and nobody's beyond its publisher and the staff.
        let other = told(app.draft_version(&world.carl, NAMES, 1).await);
        assert!(other.starts_with("not-found: "), "{other}");
    }

    async fn of_two_saves_at_once_none_is_lost(db: Database) {
        let world = World::new(db).await;
        let first = world.product().await;
        let second = ProductManifest { name: "Another".to_owned(), ..first.clone() };
        for _ in 0..20 {
            // One of them says what the draft said before both.
            save(&world, &first).await;
            tokio::join!(save(&world, &second), save(&world, &first));
            let versions = world.app.draft_versions(&world.viewer, NAMES.0, NAMES.1);
            let newest = versions.await.expect("the versions").versions[0].number;
            let difference = world.app.compare_drafts(&world.viewer, NAMES, (newest - 1, None));
            let difference = difference.await.expect("both");
            let stands = world.app.product_draft(&world.viewer, NAMES.0, NAMES.1);
            let stands = stands.await.expect("the draft").1;
            assert_eq!(difference.after.manifest, stands.draft);
            assert_eq!(difference.after.line.fields, difference.fields.join(" "));
        }
    }

    async fn old_versions_go(db: Database) {
        let world = World::new(db).await;
        let draft = world.product().await;
        for number in 0..51 {
            save(&world, &ProductManifest { name: format!("No. {number}"), ..draft.clone() }).await;
        }
        let lines = lines(&world).await;
        assert_eq!(lines.len(), 50);
        assert!(lines[0].starts_with("52 ") && lines[49].starts_with("3 "), "{lines:?}");
    }
}
