//! The keys of registry tokens: made anew without anybody noticing, on every node.

use chrono::TimeDelta;

use crate::world::{World, told};

async fn issued(app: &app::App) -> String {
    let nobody = app::Actor::anonymous();
    let issued = app.issue_registry_token(&nobody, &[]).await;
    issued.expect("a token").token
}

async fn is_valid(app: &app::App, token: &str) -> bool {
    app.verify_registry_token(token)
        .await
        .expect("read")
        .is_some()
}

both! {
    async fn tokens_outlive_the_change_of_their_key(db: Database) {
        let world = World::new(db).await;
        // Another node: the same database and the same secret.
        let other = world.another_node().await;
        let app = &world.app;
        let key = async || app.token_keys().await.expect("keys").keys;
        let first = issued(app).await;
        assert!(is_valid(&other, &first).await);
        assert_eq!(key().await.len(), 1);
        assert!(told(app.rotate_token_keys(&world.owner).await).starts_with("denied"));
        app.rotate_token_keys(&world.operator).await.expect("rotated");
        assert_eq!(key().await.len(), 2);
        let kid = |token: &str| token.split('.').next().expect("a head").to_owned();
        // Published, but not yet in use.
        let second = issued(app).await;
        assert_eq!(kid(&second), kid(&first));
        world.clock.advance(TimeDelta::seconds(61));
        let third = issued(app).await;
        assert_ne!(kid(&third), kid(&first));
        for token in [&first, &second, &third] {
            assert!(is_valid(app, token).await && is_valid(&other, token).await);
        }
        assert_eq!(kid(&issued(&other).await), kid(&third));
        // Once its last token has ended, the first key goes with the next change.
        world.clock.advance(TimeDelta::minutes(10));
        app.rotate_token_keys(&world.operator).await.expect("rotated");
        assert_eq!(key().await.len(), 2);
        assert!(!is_valid(&other, &first).await);
    }

    async fn an_old_key_is_replaced_by_itself(db: Database) {
        let world = World::new(db).await;
        let app = &world.app;
        issued(app).await;
        let month = TimeDelta::days(30);
        assert!(!app.rotate_old_token_keys(month).await.expect("looked"));
        world.clock.advance(month);
        assert!(app.rotate_old_token_keys(month).await.expect("looked"));
        assert!(!app.rotate_old_token_keys(month).await.expect("looked"));
        assert_eq!(app.token_keys().await.expect("keys").keys.len(), 2);
    }
}
