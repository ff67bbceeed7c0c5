//! Texts that the certification team keeps for its decisions.

use app::NewTemplate;
use market::Decision;

use crate::world::{World, told};

fn text<'a>(name: &'a str, body: &'a str) -> NewTemplate<'a> {
    NewTemplate {
        decision: Decision::RequestChanges,
        name,
        body,
    }
}

both! {
    async fn templates_are_kept_changed_and_removed(db: Database) {
        let world = World::new(db).await;
        let (app, rita) = (&world.app, &world.reviewer);
        assert_eq!(app.templates(rita).await.expect("a list"), []);
        assert!(told(app.add_template(rita, text("", "x")).await).starts_with("invalid: name"));
        assert!(told(app.add_template(rita, text("x", "\n")).await).starts_with("invalid: body"));
        let made = app.add_template(rita, text(" Root ", "Please set a user.\n")).await.expect("added");
        assert_eq!((made.name.as_str(), made.body.as_str()), ("Root", "Please set a user."));
        assert!(told(app.add_template(rita, text("Root", "Again.")).await).starts_with("conflict"));
        // The same name may stand for another decision.
        let other = NewTemplate { decision: Decision::Reject, ..text("Root", "Never set one.") };
        app.add_template(rita, other).await.expect("added");
        let id = made.id.as_str();
        assert!(told(app.change_template(rita, id, other).await).starts_with("conflict"));
        let changed = app.change_template(&world.operator, id, text("User", "Set a user.")).await.expect("changed");
        assert_eq!(changed.author, "olga-operator");
        let names: Vec<_> = app.templates(rita).await.expect("a list").into_iter().map(|it| it.name).collect();
        assert_eq!(names, ["Root", "User"]);
        app.remove_template(rita, id).await.expect("removed");
        assert!(told(app.remove_template(rita, id).await).starts_with("not-found"));
        assert!(told(app.change_template(rita, "tpl_x", other).await).starts_with("not-found"));
        assert_eq!(app.templates(rita).await.expect("a list").len(), 1);
        assert_eq!(world.audit(id).await, [
            "manage-templates ->request-changes “Root”: Please set a user.",
            "manage-templates request-changes “Root”: Please set a user.>request-changes “User”: Set a user.",
            "manage-templates request-changes “User”: Set a user.>-",
        ]);
        for actor in [&world.owner, &world.carl] {
            assert!(told(app.templates(actor).await).starts_with("denied"));
            assert!(told(app.add_template(actor, other).await).starts_with("denied"));
        }
    }
}
