//! Who belongs to a publisher: invited by letter, changed, gone, and never without an owner.

use app::{Actor, market::Role};
use chrono::TimeDelta;

use crate::world::{World, told};

const NEW: &str = "nora@acme.example";

/// Takes all mail that is due; gives letter and key of the link in that to `address`.
async fn link_to(world: &World, address: &str) -> Option<(String, String)> {
    let mut link = None;
    while let Some(mail) = world.app.take_mail().await.expect("mail") {
        if mail.to == address && mail.items[0].url.contains("/invitations/") {
            let mut parts = mail.items[0].url.rsplit('/').map(str::to_owned);
            let key = parts.next().expect("a key");
            link = Some((parts.next().expect("a letter"), key));
        }
        world.app.mail_ended(&mail, Ok(())).await.expect("noted");
    }
    link
}

async fn invite(world: &World, email: &str, role: Role) -> (String, String) {
    let invited = world.app.invite_member(&world.owner, "acme", (email, role));
    invited.await.expect("invited");
    link_to(world, email).await.expect("a link")
}

/// Name and role of everybody, as the owner sees them.
async fn members(world: &World) -> Vec<String> {
    let team = world.app.team(&world.owner, "acme").await.expect("a team");
    let line = |member: app::NamedMember| format!("{} {}", member.name, member.role);
    team.members.into_iter().map(line).collect()
}

async fn person(world: &World, name: &str) -> Actor {
    Actor::account(world.app.find_account(name).await.expect("an account"))
}

both! {
    async fn somebody_new_makes_an_account_and_joins(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let (id, key) = invite(&world, NEW, Role::Finance).await;
        let page = app.invitation(&id, &key).await.expect("a page");
        assert_eq!((page.is_open, page.email.as_str(), page.role, page.invited_by.as_str()), (true, NEW, Role::Finance, "oscar-owner"));
        let link = (id.as_str(), key.as_str());
        assert!(told(app.register_invited(link, ("nora", "short")).await).starts_with("invalid: password"));
        app.register_invited(link, ("nora", "a long enough password")).await.expect("registered");
        let nora = person(&world, "nora").await;
        assert_eq!(nora.signed_in().expect("nora").email, NEW);
        assert_eq!(app.accept_invitation(&nora, &id, &key).await.expect("joined"), "acme");
        assert_eq!(members(&world).await, ["eve-editor editor", "nora finance", "oscar-owner owner", "vic-viewer viewer"]);
        assert!(told(app.accept_invitation(&world.carl, &id, &key).await).starts_with("conflict: the invitation was used"));
        assert!(told(app.register_invited(link, ("nora2", "a long enough password")).await).starts_with("conflict"));
        let told_owner = app.my_notices(&world.owner, app::Part::first(1)).await.expect("notices");
        assert_eq!(told_owner[0].title, "nora is finance of ACME Harbour Works Ltd");
        let team = app.team(&world.owner, "acme").await.expect("a team");
        assert!(team.invitations[0].accepted_by.is_some());
    }

    async fn finance_looks_and_neither_pulls_nor_changes(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let nora = world.newcomer("nora").await;
        world.app.set_member(&world.owner, "acme", "nora", Role::Finance).await.expect("a member");
        world.app.publisher_page(&nora, "acme", 1).await.expect("seen");
        assert_eq!(world.rights(&nora, "staging/acme/db").await, (false, false));
        assert!(told(world.app.create_product(&nora, "acme", "other").await).starts_with("denied"));
        let team = world.app.team(&nora, "acme").await.expect("a team");
        assert!(!team.may_manage && team.invitations.is_empty());
        assert!(team.members.iter().all(|member| member.email.is_empty()), "addresses are the owners'");
    }

    async fn an_invitation_is_for_whoever_has_the_link_and_ends(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let (id, key) = invite(&world, NEW, Role::Editor).await;
        assert!(told(app.accept_invitation(&world.carl, &id, "guessed").await).starts_with("not-found"));
        assert!(told(app.accept_invitation(&Actor::anonymous(), &id, &key).await).starts_with("unauthenticated"));
        assert!(told(app.accept_invitation(&world.editor, &id, &key).await).contains("belongs to acme already, as editor"));
        world.clock.advance(TimeDelta::days(7));
        assert!(!app.invitation(&id, &key).await.expect("a page").is_open);
        assert!(told(app.accept_invitation(&world.carl, &id, &key).await).starts_with("conflict"));
        let again = app.resend_invitation(&world.owner, "acme", &id).await.expect("sent anew");
        let (new, key) = link_to(&world, NEW).await.expect("a link");
        assert_eq!(new, again.letter_id.as_str());
        app.accept_invitation(&world.carl, &new, &key).await.expect("joined");
        assert!(members(&world).await.contains(&"carl-consumer editor".to_owned()));
    }

    async fn what_is_taken_back_is_neither_sent_nor_good(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let whom = (NEW, Role::Editor);
        let made = app.invite_member(&world.owner, "acme", whom).await.expect("invited");
        app.withdraw_invitation(&world.owner, "acme", made.letter_id.as_str()).await.expect("taken back");
        assert_eq!(link_to(&world, NEW).await, None);
        let gone = told(app.withdraw_invitation(&world.owner, "acme", made.letter_id.as_str()).await);
        assert!(gone.starts_with("not-found"), "{gone}");
        world.clock.advance(TimeDelta::minutes(3));
        let (id, key) = invite(&world, NEW, Role::Viewer).await;
        app.withdraw_invitation(&world.owner, "acme", &id).await.expect("taken back");
        assert!(told(app.accept_invitation(&world.carl, &id, &key).await).starts_with("conflict"));
    }

    async fn a_new_invitation_of_the_same_address_ends_the_old(db: Database) {
        let world = World::new(db).await;
        let (id, key) = invite(&world, NEW, Role::Owner).await;
        let early = world.app.invite_member(&world.owner, "acme", (NEW, Role::Viewer)).await;
        assert!(told(early).starts_with("too-many-attempts"));
        world.clock.advance(TimeDelta::minutes(3));
        let (new, new_key) = invite(&world, &NEW.to_uppercase(), Role::Viewer).await;
        assert!(told(world.app.accept_invitation(&world.carl, &id, &key).await).starts_with("conflict"));
        world.app.accept_invitation(&world.carl, &new, &new_key).await.expect("joined");
        assert!(members(&world).await.contains(&"carl-consumer viewer".to_owned()));
    }

    async fn letters_are_not_sent_without_end(db: Database) {
        let world = World::new(db).await;
        for number in 0..20 {
            invite(&world, &format!("new{number}@acme.example"), Role::Viewer).await;
        }
        let more = world.app.invite_member(&world.owner, "acme", ("more@acme.example", Role::Viewer)).await;
        assert!(told(more).contains("20 invitations wait"));
    }

    async fn who_belongs_already_or_is_nothing_a_member_is_is_not_invited(db: Database) {
        let world = World::new(db).await;
        let invite = async |actor: &Actor, email: &str, role| told(world.app.invite_member(actor, "acme", (email, role)).await);
        assert!(invite(&world.owner, "Eve-Editor@example.com", Role::Viewer).await.contains("belongs to acme already"));
        assert!(invite(&world.owner, NEW, Role::Operator).await.starts_with("invalid: role"));
        for email in ["", "nora", "@", "a b@c", "a@b\nBcc: x@y"] {
            assert!(invite(&world.owner, email, Role::Viewer).await.starts_with("invalid: email"), "{email}");
        }
        for other in [&world.editor, &world.viewer, &world.reviewer] {
            assert!(invite(other, NEW, Role::Viewer).await.starts_with("denied"));
        }
        assert!(invite(&world.carl, NEW, Role::Viewer).await.starts_with("not-found"));
    }

    async fn there_is_always_an_owner(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let last = "oscar-owner is the last owner of acme";
        assert!(told(app.leave_publisher(&world.owner, "acme").await).contains(last));
        assert!(told(app.set_member(&world.owner, "acme", "oscar-owner", Role::Viewer).await).contains(last));
        assert!(told(app.remove_member(&world.operator, "acme", "oscar-owner").await).contains(last));
        app.set_member(&world.owner, "acme", "oscar-owner", Role::Owner).await.expect("as it was");
        app.set_member(&world.owner, "acme", "eve-editor", Role::Owner).await.expect("another owner");
        app.set_account_disabled(&world.operator, "eve-editor", true).await.expect("barred");
        assert!(told(app.leave_publisher(&world.owner, "acme").await).contains(last));
        app.set_account_disabled(&world.operator, "eve-editor", false).await.expect("let in");
        app.leave_publisher(&world.owner, "acme").await.expect("gone");
        assert!(told(app.publisher_page(&world.owner, "acme", 1).await).starts_with("not-found"));
        app.leave_publisher(&world.viewer, "acme").await.expect("gone");
        assert_eq!(world.rights(&world.viewer, "staging/acme/db").await, (false, false));
        let lone = app.team(&world.operator, "acme").await.expect("a team").members;
        assert_eq!((lone.len(), lone[0].name.as_str()), (1, "eve-editor"));
    }

    async fn two_owners_do_not_end_each_other_at_once(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        app.set_member(&world.owner, "acme", "eve-editor", Role::Owner).await.expect("another owner");
        let one = app.leave_publisher(&world.owner, "acme");
        let other = app.leave_publisher(&world.editor, "acme");
        let (one, other) = futures_util::future::join(one, other).await;
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
        let lone = app.team(&world.operator, "acme").await.expect("a team").members;
        assert_eq!(lone.iter().filter(|member| member.role == Role::Owner).count(), 1);
    }
}
