//! What a publisher's editors do with drafts, tried for the table of roles.

use app::Actor;

use crate::{
    roles::{Things, code},
    world::World,
};

/// Tries what is done with the draft of a product.
pub(crate) async fn drafting(
    world: &World,
    things: &Things,
    actor: &Actor,
) -> Vec<(&'static str, String)> {
    let (app, names) = (&world.app, ("acme", "db"));
    vec![
        (
            "save_draft",
            code(app.save_draft(actor, "acme", "db", &things.draft).await),
        ),
        (
            "save_draft_if",
            code(
                app.save_draft_if(actor, ("acme", "db"), &things.draft, &|_any| false)
                    .await,
            ),
        ),
        (
            "check_draft",
            code(app.check_draft(actor, "acme", "db", &things.draft).await),
        ),
        (
            "check_new_product",
            code(
                app.check_new_product(actor, "acme", "new", &things.draft)
                    .await,
            ),
        ),
        (
            "draft_versions",
            code(app.draft_versions(actor, "acme", "db").await),
        ),
        (
            "draft_version",
            code(app.draft_version(actor, names, 1).await),
        ),
        (
            "compare_drafts",
            code(app.compare_drafts(actor, names, (1, None)).await),
        ),
        (
            "restore_draft",
            code(app.restore_draft(actor, names, 1).await),
        ),
        (
            "product_manifest",
            code(app.product_manifest(actor, "acme", "db").await),
        ),
        (
            "product_draft",
            code(app.product_draft(actor, "acme", "db").await),
        ),
        (
            "product_submissions",
            code(
                app.product_submissions(actor, ("acme", "db"), app::Part::ALL)
                    .await,
            ),
        ),
    ]
}
