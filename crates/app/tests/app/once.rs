//! Requests that are done once, as the database keeps them.

use app::Once;
use chrono::TimeDelta;

use crate::world::{World, told};

const KEY: &str = "0191e2a4-7c1b-7f00-8a00-000000000001";

both! {
    async fn what_has_no_answer_yet_is_neither_done_nor_answered(db: Database) {
        let world = World::new(db).await;
        let begin = async || world.app.begin_once(&world.carl, KEY, &[b"what"]).await;
        let Ok(Once::Begun(first)) = begin().await else { panic!("it is new") };
        let waits = told(begin().await);
        assert!(waits.starts_with("conflict") && waits.contains("has no answer yet"), "{waits}");
        world.app.end_once(&first, Some(b"a secret")).await.expect("kept");
        let Ok(Once::Answered(answer)) = begin().await else { panic!("it was answered") };
        assert_eq!(answer, b"a secret");
        let mut tx = world.db.read().await.expect("a reader");
        let carl = &world.carl.signed_in().expect("carl").id;
        let kept = store::once::find(&mut tx, carl, KEY).await.expect("read").expect("there");
        let sealed = kept.answer.expect("an answer");
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"), "whoever reads the database reads no secrets");
    }

    async fn keys_are_forgotten_after_a_day_and_where_nothing_was_changed(db: Database) {
        let world = World::new(db).await;
        let begin = async || world.app.begin_once(&world.carl, KEY, &[b"what"]).await;
        let Ok(Once::Begun(first)) = begin().await else { panic!("it is new") };
        world.app.end_once(&first, None).await.expect("forgotten");
        let Ok(Once::Begun(second)) = begin().await else { panic!("it may be tried again") };
        world.app.end_once(&second, Some(b"done")).await.expect("kept");
        world.clock.advance(TimeDelta::hours(25));
        assert!(matches!(begin().await, Ok(Once::Begun(_))));
    }
}
