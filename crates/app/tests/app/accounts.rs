//! Signing in, sessions, tokens, and that nothing becomes more than it was.

use app::{Actor, AppError, NewAccount, NewToken};
use chrono::TimeDelta;

use crate::world::{World, told};

const PASSWORD: &str = "a long enough password";

fn new_account(name: &str) -> NewAccount {
    NewAccount {
        name: name.to_owned(),
        email: "x@example.com".to_owned(),
        password: PASSWORD.to_owned(),
        staff_role: None,
    }
}

pub(crate) fn reading(name: &str) -> NewToken {
    NewToken {
        name: name.to_owned(),
        ..NewToken::default()
    }
}

pub(crate) fn writing(name: &str) -> NewToken {
    NewToken {
        may_push: true,
        ..reading(name)
    }
}

both! {
    async fn an_account_signs_in_and_out(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        world.newcomer("nina").await;
        assert!(told(app.create_account(&Actor::anonymous(), &new_account("nina")).await).contains("is taken"));
        for name in ["Nina", "n", "a b", "ü", "../x"] {
            assert!(told(app.create_account(&Actor::anonymous(), &new_account(name)).await).starts_with("invalid: name"));
        }
        let staff = NewAccount { staff_role: Some("operator".to_owned()), ..new_account("mallory") };
        assert!(told(app.create_account(&Actor::anonymous(), &staff).await).starts_with("unauthenticated"));
        assert!(told(app.create_account(&world.reviewer, &staff).await).starts_with("denied"));
        assert_eq!(told(app.sign_in("nina", "wrong", None).await), "wrong-password: the name or the password is wrong");
        assert_eq!(told(app.sign_in("nobody", PASSWORD, None).await), "wrong-password: the name or the password is wrong");
        let session = app.sign_in("nina", PASSWORD, None).await.expect("signed in");
        let found = app.find_session(&session.secret).await.expect("read").expect("there");
        assert_eq!((found.account.name.as_str(), found.csrf), ("nina", session.csrf));
        world.clock.advance(TimeDelta::hours(13));
        assert!(app.find_session(&session.secret).await.expect("read").is_none());
        let session = app.sign_in("nina", PASSWORD, None).await.expect("signed in");
        app.sign_out(&session.secret).await.expect("signed out");
        assert!(app.find_session(&session.secret).await.expect("read").is_none());
    }

    async fn a_barred_account_is_out_at_once(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let nina = world.newcomer("nina").await;
        let session = app.sign_in("nina", PASSWORD, None).await.expect("signed in");
        let (_, token) = app.create_token(&nina, &writing("ci")).await.expect("a token");
        app.set_account_disabled(&world.operator, "nina", true).await.expect("barred");
        assert!(app.find_session(&session.secret).await.expect("read").is_none());
        assert!(told(app.authenticate("nina", &token, None).await).starts_with("wrong-password"));
        assert!(told(app.sign_in("nina", PASSWORD, None).await).starts_with("wrong-password"));
        app.set_account_disabled(&world.operator, "nina", false).await.expect("let in");
        app.sign_in("nina", PASSWORD, None).await.expect("signed in");
    }

    async fn what_only_reads_never_becomes_more(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let nina = world.newcomer("nina").await;
        let (_, token) = app.create_token(&nina, &NewToken { life: Some(TimeDelta::days(1)), ..reading("ci") }).await.expect("a token");
        let reader = app.authenticate("nina", &token, None).await.expect("signed in");
        assert!(!reader.may_write());
        assert!(told(app.sign_in("nina", &token, None).await).starts_with("wrong-password"));
        assert!(told(app.set_password(&reader, "nina", "another long password").await).starts_with("denied"));
        assert!(told(app.create_token(&reader, &writing("more")).await).starts_with("denied"));
        assert!(told(app.authenticate("carl-consumer", &token, None).await).starts_with("wrong-password"));
        assert!(!app.authenticate_bearer(&token).await.expect("known").may_write());
        world.clock.advance(TimeDelta::days(1));
        assert!(told(app.authenticate("nina", &token, None).await).starts_with("wrong-password"));
    }

    async fn tokens_are_their_owners(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        let (nina, nora) = (world.newcomer("nina").await, world.newcomer("nora").await);
        let (token, secret) = app.create_token(&nina, &writing(" ci ")).await.expect("a token");
        assert_eq!(token.name, "ci");
        assert!(!secret.contains(&token.secret_hash));
        assert!(told(app.revoke_token(&nora, token.id.as_str()).await).starts_with("not-found"));
        assert_eq!(app.list_tokens(&nora).await.expect("listed"), []);
        app.authenticate("nina", &secret, None).await.expect("signed in");
        assert_eq!(app.list_tokens(&nina).await.expect("listed")[0].last_used_at, Some(app.now()));
        app.revoke_token(&nina, token.id.as_str()).await.expect("revoked");
        for wrong in [secret.as_str(), "plm_", "plm_x_y", "plm_00000000000000000000000000_x"] {
            assert!(app.authenticate("nina", wrong, None).await.is_err(), "{wrong}");
        }
    }

    async fn guessing_is_slowed_down(db: Database) {
        let world = World::new(db).await;
        world.newcomer("nina").await;
        for _ in 0..5 {
            assert!(told(world.app.sign_in("nina", "wrong", None).await).starts_with("wrong-password"));
        }
        assert!(told(world.app.sign_in("nina", PASSWORD, None).await).starts_with("too-many-attempts"));
        assert!(told(world.app.authenticate("nina", PASSWORD, None).await).starts_with("too-many-attempts"));
        // Somebody else's guesses are not hers.
        let own = Some([198, 51, 100, 1].into());
        world.app.sign_in("nina", PASSWORD, own).await.expect("signed in");
        world.clock.advance(TimeDelta::seconds(2));
        world.app.sign_in("nina", PASSWORD, None).await.expect("signed in");
    }

    async fn guesses_sent_all_at_once_are_counted(db: Database) {
        let world = World::new(db).await;
        world.newcomer("nina").await;
        let guesses = (0..30).map(|_| world.app.sign_in("nina", "wrong", None));
        let answers = futures_util::future::join_all(guesses).await;
        let looked_at = answers.into_iter().filter(|answer| matches!(answer, Err(AppError::WrongPassword)));
        // Five are free, and four are computed at once.
        assert!(looked_at.count() <= 8);
    }

    async fn what_is_made_in_one_moment_keeps_its_order(db: Database) {
        let world = World::new(db).await;
        for number in 0..50 {
            world.app.create_token(&world.carl, &reading(&format!("{number}"))).await.expect("a token");
        }
        let listed = world.app.list_tokens(&world.carl).await.expect("listed");
        let names: Vec<_> = listed.into_iter().rev().map(|token| token.name).collect();
        assert_eq!(names, (0..50).map(|number| number.to_string()).collect::<Vec<_>>());
    }
}
