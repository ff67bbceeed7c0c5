//! Robots and tokens of tokens: nothing makes anything stronger than itself.

use app::{
    Actor, NewRobot, NewToken, RobotView,
    market::{PublisherDecision, RepositoryAction, Role, TokenScopes},
};
use chrono::TimeDelta;

use crate::{
    accounts::{reading, writing},
    images::Image,
    world::{World, told},
};

fn new_robot(name: &str, role: Option<Role>) -> NewRobot {
    NewRobot {
        name: name.to_owned(),
        role,
        life: None,
    }
}

fn scoped(name: &str, scopes: &str) -> NewToken {
    NewToken {
        scopes: TokenScopes::parse([scopes]).expect("scopes"),
        ..writing(name)
    }
}

async fn robot(world: &World, owner: &Actor, name: &str, role: Option<Role>) -> RobotView {
    let made = world.app.create_robot(owner, &new_robot(name, role)).await;
    made.expect("a robot")
}

/// Signs a robot in with a new token of all its rights.
async fn signed_in(world: &World, owner: &Actor, name: &str) -> Actor {
    let made = world
        .app
        .create_robot_token(owner, name, &writing("all"))
        .await;
    let (_, secret) = made.expect("a token");
    world
        .app
        .authenticate(name, &secret, None)
        .await
        .expect("signed in")
}

/// What an actor may do in a few repositories, as a set.
async fn reach(world: &World, actor: &Actor) -> Vec<(String, RepositoryAction)> {
    let mut reach = Vec::new();
    for name in [
        "staging/acme/db",
        "staging/acme/web",
        "acme/db",
        "staging/rival/x",
    ] {
        let rights = world
            .app
            .repository_rights(actor, name)
            .await
            .expect("rights");
        for action in RepositoryAction::ALL {
            if rights.allow(*action) {
                reach.push((name.to_owned(), *action));
            }
        }
    }
    reach
}

both! {
    async fn a_publishers_robot_works_for_it_and_nothing_else(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        world.product().await;
        robot(&world, &world.owner, "acme+ci", Some(Role::Editor)).await;
        robot(&world, &world.owner, "acme+look", Some(Role::Viewer)).await;
        let ci = signed_in(&world, &world.owner, "acme+ci").await;
        let look = signed_in(&world, &world.owner, "acme+look").await;
        assert_eq!(world.rights(&ci, "staging/acme/db").await, (true, true));
        assert_eq!(world.rights(&look, "staging/acme/db").await, (true, false));
        assert_eq!(world.rights(&ci, "staging/rival/db").await, (false, false));
        app.product_draft(&ci, "acme", "db").await.expect("read");
        // No password fits, and no page is signed in to.
        assert!(told(app.sign_in("acme+ci", "", None).await).starts_with("wrong-password"));
        assert!(told(app.set_password(&world.operator, "acme+ci", "a long enough password").await).starts_with("conflict"));
        assert!(told(app.set_member(&world.owner, "acme", "acme+ci", Role::Owner).await).contains("a robot belongs"));
        // Whatever would make it more than it is.
        let another = new_robot("acme+more", Some(Role::Editor));
        assert!(told(app.create_robot(&ci, &another).await).contains("robots may not"));
        assert!(told(app.create_robot_token(&ci, "acme+look", &writing("x")).await).contains("robots may not"));
        assert!(told(app.set_member(&ci, "acme", "carl-consumer", Role::Owner).await).starts_with("denied"));
        assert!(told(app.add_comment(&ci, "sub_x", "submission", "Hm.").await).starts_with("not-found"));
        let new = app::NewAccount {
            name: "x2".to_owned(),
            email: "x@example.com".to_owned(),
            password: "a long enough password".to_owned(),
            staff_role: Some("operator".to_owned()),
        };
        assert!(told(app.create_account(&ci, &new).await).contains("robots may not"));
    }

    async fn a_robot_has_one_owner_and_one_name(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        for (who, name, role, why) in [
            (&world.owner, "acme+ci", Some(Role::Owner), "a viewer or an editor"),
            (&world.owner, "acme+ci", Some(Role::Operator), "a viewer or an editor"),
            (&world.owner, "acme+ci", None, "a viewer or an editor"),
            (&world.owner, "acme", Some(Role::Editor), "is no robot's name"),
            (&world.owner, "rival+ci", Some(Role::Editor), "there is no publisher `rival`"),
            (&world.editor, "acme+ci", Some(Role::Editor), "denied"),
            (&world.carl, "acme+ci", Some(Role::Editor), "there is no publisher `acme`"),
            (&world.carl, "carl-consumer~ci", Some(Role::Editor), "has no role"),
            (&world.carl, "oscar-owner~ci", None, "there is no account"),
        ] {
            let refused = told(app.create_robot(who, &new_robot(name, role)).await);
            assert!(refused.contains(why), "{name}: {refused}");
        }
        robot(&world, &world.owner, "acme+ci", Some(Role::Editor)).await;
        let again = new_robot("acme+ci", Some(Role::Viewer));
        assert!(told(app.create_robot(&world.owner, &again).await).contains("choose another name"));
        for who in [&world.carl, &world.editor] {
            let refused = told(app.revoke_robot(who, "acme+ci").await);
            assert!(refused.starts_with("not-found") || refused.starts_with("denied"), "{refused}");
        }
        assert_eq!(app.publisher_robots(&world.viewer, "acme").await.expect("listed").len(), 1);
        assert!(told(app.publisher_robots(&world.carl, "acme").await).starts_with("not-found"));
    }

    async fn a_robot_ends_with_its_publisher_its_time_or_its_owner(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let brief = NewRobot { life: Some(TimeDelta::days(1)), ..new_robot("acme+brief", Some(Role::Viewer)) };
        app.create_robot(&world.owner, &brief).await.expect("a robot");
        robot(&world, &world.owner, "acme+ci", Some(Role::Editor)).await;
        robot(&world, &world.carl, "carl-consumer~ci", None).await;
        let mut secrets = Vec::new();
        for (owner, name) in [(&world.owner, "acme+brief"), (&world.owner, "acme+ci"), (&world.carl, "carl-consumer~ci")] {
            let made = app.create_robot_token(owner, name, &reading("t")).await;
            secrets.push((name, made.expect("a token").1));
        }
        let (secrets, ends) = (&secrets, async |number: usize| {
            let (name, secret) = &secrets[number];
            app.authenticate(name, secret, None).await.is_err()
        });
        assert!(!ends(0).await && !ends(1).await && !ends(2).await);
        world.clock.advance(TimeDelta::days(1));
        assert!(ends(0).await && !ends(1).await);
        app.decide_publisher(&world.operator, "acme", PublisherDecision::Suspend, "So.").await.expect("suspended");
        assert!(ends(1).await && !ends(2).await);
        app.decide_publisher(&world.operator, "acme", PublisherDecision::VerifyWithoutProofs, "Known.").await.expect("verified");
        assert!(!ends(1).await);
        app.revoke_robot(&world.owner, "acme+ci").await.expect("revoked");
        assert!(ends(1).await);
        app.set_account_disabled(&world.operator, "carl-consumer", true).await.expect("barred");
        assert!(ends(2).await);
        assert_eq!(secrets.len(), 3);
    }

    async fn a_persons_robot_pulls_what_the_person_is_subscribed_to(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        robot(&world, &world.carl, "carl-consumer~ci", None).await;
        let ci = signed_in(&world, &world.carl, "carl-consumer~ci").await;
        assert_eq!(world.rights(&ci, "acme/db").await, (false, false));
        app.subscribe(&world.carl, "acme", "db", "free", true).await.expect("subscribed");
        assert_eq!(world.rights(&ci, "acme/db").await, (true, false));
        assert_eq!(world.rights(&ci, "staging/acme/db").await, (false, false));
        assert!(told(app.subscribe(&ci, "acme", "db", "free", true).await).contains("robots may not"));
        assert!(told(app.unsubscribe(&ci, "sbn_x").await).contains("robots may not"));
    }

    /// Everything that can make a token, and everything it may want: what is made reaches no
    /// further than its maker, ends no later, and what is refused would have.
    async fn nothing_makes_anything_stronger_than_itself(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        world.product().await;
        world.released("1.0", &Image::vulnerable("one")).await;
        robot(&world, &world.owner, "acme+ci", Some(Role::Editor)).await;
        robot(&world, &world.owner, "acme+look", Some(Role::Viewer)).await;
        let shapes = [
            ("everything", writing("t")),
            ("reading", reading("t")),
            ("one repository", scoped("t", "staging/acme/db:pull,push")),
            ("pulling all", scoped("t", "*:pull")),
            ("deleting", scoped("t", "staging/acme/*:pull,push,delete")),
            ("reading one", NewToken { may_push: false, ..scoped("t", "staging/acme/db:pull,push,delete") }),
            ("a day", NewToken { life: Some(TimeDelta::days(1)), ..writing("t") }),
        ];
        let mut makers = vec![("password".to_owned(), world.owner.clone())];
        for (name, shape) in &shapes {
            let (_, secret) = app.create_token(&world.owner, shape).await.expect("a token");
            makers.push((format!("token for {name}"), app.authenticate_bearer(&secret).await.expect("known")));
            for robot in ["acme+ci", "acme+look"] {
                let (_, secret) = app.create_robot_token(&world.owner, robot, shape).await.expect("a token");
                makers.push((format!("{robot} for {name}"), app.authenticate_bearer(&secret).await.expect("known")));
            }
        }
        let (mut made, mut refused) = (0, 0);
        for (maker, actor) in &makers {
            let own = reach(&world, actor).await;
            for (wanted, shape) in &shapes {
                match app.create_token(actor, shape).await {
                    Ok((token, secret)) => {
                        made += 1;
                        let child = app.authenticate_bearer(&secret).await.expect("known");
                        for (name, action) in reach(&world, &child).await {
                            assert!(own.contains(&(name.clone(), action)), "{maker} made {wanted}: {action} {name}");
                        }
                        assert!(!child.may_write() || actor.may_write(), "{maker} made {wanted}");
                        let everything = app.create_token(&child, &writing("t")).await.is_ok();
                        assert!(!everything || (child.may_write() && token.scopes.is_unlimited()), "{maker} made {wanted}");
                    }
                    Err(error) => {
                        refused += 1;
                        assert_eq!(error.code(), "denied", "{maker} wanted {wanted}");
                        assert!(maker != "password" && !maker.ends_with("for everything"), "{maker} wanted {wanted}");
                    }
                }
                // What outlives a token is not made with one.
                if maker != "password" {
                    for outcome in [
                        told(app.create_robot(actor, &new_robot("acme+x", Some(Role::Viewer))).await),
                        told(app.create_robot_token(actor, "acme+look", shape).await),
                        told(app.set_password(actor, "oscar-owner", "another long password").await),
                    ] {
                        assert!(outcome.starts_with("denied") || outcome.starts_with("not-found"), "{maker}: {outcome}");
                    }
                }
            }
        }
        assert!(made > 50 && refused > 50, "{made} made, {refused} refused");
    }

    async fn a_token_ends_with_the_one_it_was_made_with(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let brief = NewToken { life: Some(TimeDelta::days(2)), ..writing("parent") };
        let (parent, secret) = app.create_token(&world.owner, &brief).await.expect("a token");
        let actor = app.authenticate_bearer(&secret).await.expect("known");
        let long = NewToken { life: Some(TimeDelta::days(30)), ..writing("child") };
        let (child, child_secret) = app.create_token(&actor, &long).await.expect("a token");
        assert_eq!((&child.expires_at, child.parent_id.as_deref()), (&parent.expires_at, Some(parent.id.as_str())));
        let (other, _) = app.create_token(&world.owner, &writing("other")).await.expect("a token");
        // A token sees and revokes itself and its own.
        let seen: Vec<_> = app.list_tokens(&actor).await.expect("listed").into_iter().map(|token| token.name).collect();
        assert_eq!(seen, ["child", "parent"]);
        assert!(told(app.revoke_token(&actor, other.id.as_str()).await).starts_with("not-found"));
        app.authenticate_bearer(&child_secret).await.expect("known");
        app.revoke_token(&world.owner, parent.id.as_str()).await.expect("revoked");
        assert!(told(app.authenticate_bearer(&child_secret).await).starts_with("wrong-password"));
        let left: Vec<_> = app.list_tokens(&world.owner).await.expect("listed").into_iter().map(|token| token.name).collect();
        assert_eq!(left, ["other"]);
    }

    async fn tokens_of_tokens_are_five_deep(db: Database) {
        let world = World::new(db).await;
        let mut actor = world.owner.clone();
        for _ in 0..5 {
            let (_, secret) = world.app.create_token(&actor, &writing("t")).await.expect("a token");
            actor = world.app.authenticate_bearer(&secret).await.expect("known");
        }
        assert!(told(world.app.create_token(&actor, &writing("t")).await).contains("5 deep"));
    }
}
