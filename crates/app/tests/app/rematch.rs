//! A new advisory database, and what it does to clocks.

use advisory::database::Builder;
use chrono::TimeDelta;
use market::{Class, FindingState};
use serde_json::json;
use store::findings::Finding;

use crate::{images::Image, world::World};

pub(crate) const CRITICAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
pub(crate) const MAJOR: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:N/A:N";
pub(crate) const MINOR: &str = "CVSS:3.1/AV:N/AC:H/PR:L/UI:N/S:U/C:L/I:N/A:N";

/// Replaces the advisories by these: name and vector, all about bash.
pub(crate) async fn advisories(world: &World, known: &[(&str, Option<&str>)]) {
    let known: Vec<_> = known
        .iter()
        .map(|(name, vector)| (*name, *vector, "bash"))
        .collect();
    advisories_about(world, &known).await;
}

/// Replaces the advisories by these: name, vector and package.
pub(crate) async fn advisories_about(world: &World, known: &[(&str, Option<&str>, &str)]) {
    let file = world.dir.path().join("advisories.db");
    let mut builder = Builder::new(&file).expect("a builder");
    for (name, vector, package) in known {
        let severity: Vec<_> = vector
            .iter()
            .map(|vector| json!({"type": "CVSS_V3", "score": vector}))
            .collect();
        let record = json!({
            "schema_version": "1.7.0", "id": name, "modified": "2026-11-20T00:00:00Z",
            "summary": "Something", "severity": severity,
            "affected": [{"package": {"ecosystem": "Debian:11", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}],
        });
        let bytes = record.to_string();
        builder
            .add_bytes("test", &format!("{name}.json"), bytes.as_bytes())
            .expect("read");
    }
    builder.finish("2026-11-21T00:00:00Z").expect("written");
    world
        .app
        .reload_advisories(&world.operator)
        .await
        .expect("taken over");
    assert_eq!(world.work().await, 1);
}

async fn only(world: &World, submission: &app::Submission) -> Finding {
    let mut found = world.findings(submission).await;
    found.retain(|finding| finding.component == "bash");
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

both! {
    async fn clocks_follow_the_advisories(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        let before = world.findings(&submission).await;
        assert!(before.iter().all(|f| f.component == "openssl" && f.state == FindingState::Open));
        let step = async |known: &[(&str, Option<&str>)]| {
            world.clock.advance(TimeDelta::hours(1));
            advisories(&world, known).await;
            (only(&world, &submission).await, world.app.now())
        };

        // New: notified now, due from now. What the new database no longer knows is gone.
        let (finding, noon) = step(&[("CVE-2026-1", Some(MAJOR))]).await;
        assert_eq!((finding.class, finding.state), (Class::Major, FindingState::Open));
        assert_eq!((finding.first_seen_at, finding.notified_at, finding.due_at), (noon, Some(noon), Some(noon + TimeDelta::days(7))));
        for gone in world.findings(&submission).await.iter().filter(|f| f.component == "openssl") {
            assert_eq!(gone.state, FindingState::Fixed);
        }

        // The same again changes nothing.
        let (same, _) = step(&[("CVE-2026-1", Some(MAJOR))]).await;
        assert_eq!(same, finding);

        // Worse: its own clock, from the notice of the change.
        let (worse, then) = step(&[("CVE-2026-1", Some(CRITICAL))]).await;
        assert_eq!((worse.class, worse.first_seen_at), (Class::Critical, noon));
        assert_eq!((worse.notified_at, worse.due_at), (Some(then), Some(then + TimeDelta::hours(72))));

        // Milder: the milder class's time, from the first notice.
        let (milder, _) = step(&[("CVE-2026-1", Some(MAJOR))]).await;
        assert_eq!((milder.notified_at, milder.due_at), (Some(noon), Some(noon + TimeDelta::days(7))));
        let (minor, _) = step(&[("CVE-2026-1", Some(MINOR))]).await;
        assert_eq!((minor.class, minor.notified_at, minor.due_at), (Class::Minor, Some(noon), None));

        // Gone, and back again: a new notice.
        let (gone, _) = step(&[("CVE-2026-1", Some(CRITICAL))]).await;
        assert_eq!(gone.state, FindingState::Open);
        let (gone, _) = step(&[]).await;
        assert_eq!(gone.state, FindingState::Fixed);
        let (back, now) = step(&[("CVE-2026-1", Some(CRITICAL))]).await;
        assert_eq!((back.state, back.due_at, back.first_seen_at), (FindingState::Open, Some(now + TimeDelta::hours(72)), noon));
    }

    async fn an_unscored_finding_has_no_clock_until_it_is_scored(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        advisories(&world, &[("CVE-2026-1", None)]).await;
        let unscored = only(&world, &submission).await;
        assert_eq!((unscored.class, unscored.score, unscored.due_at), (Class::Unscored, None, None));
        world.clock.advance(TimeDelta::days(2));
        advisories(&world, &[("CVE-2026-1", Some(CRITICAL))]).await;
        let scored = only(&world, &submission).await;
        assert_eq!(scored.due_at, Some(world.app.now() + TimeDelta::hours(72)));
    }

    async fn what_is_told_at_once_is_due_at_once(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let submission = world.released("1.0", &Image::vulnerable("one")).await;
        world.clock.tick(TimeDelta::milliseconds(1));
        advisories_about(&world, &[("CVE-2026-1", Some(CRITICAL), "bash"), ("CVE-2026-2", Some(CRITICAL), "openssl")]).await;
        let found = world.findings(&submission).await;
        let new = found.iter().filter(|finding| finding.state == FindingState::Open);
        let due: Vec<_> = new.map(|finding| finding.due_at.expect("a promise")).collect();
        assert_eq!(due.len(), 2);
        assert_eq!(due[0], due[1]);
    }

    async fn no_image_is_read_for_it(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("one");
        world.released("1.0", &image).await;
        let layer = oci::Digest::of(&image.layers[0].0);
        let opened = world.blobs.opened(&layer);
        advisories(&world, &[("CVE-2026-1", Some(CRITICAL))]).await;
        assert_eq!(world.blobs.opened(&layer), opened);
        assert!(!world.app.take_over_new_advisories().await.expect("nothing new"));
    }
}
