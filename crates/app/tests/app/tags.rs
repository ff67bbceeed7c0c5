//! Releases, looked into: who sees what of them, and what they say.

use app::{
    Actor, ComponentOrder, ComponentQuery, ComponentsPage, Fix, HistoryStep, TagsPage, Update,
    market::{Class, ListingEvent},
};
use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::{
    images::{DEBIAN_11, Image, Packing, dpkg, tar},
    world::{World, told},
};

const DB: (&str, &str) = ("acme", "db");

/// Debian 11 with an old openssl below, and bash, zlib and two npm packages above; three steps
/// make no layer.
fn layered(seed: &str, openssl: &str) -> Image {
    let below = [("openssl", openssl), ("base-files", "11.1")];
    let above = [
        &below[..],
        &[("bash", "5.1-2+deb11u1"), ("zlib", "1:1.2.11.dfsg-2")],
    ]
    .concat();
    let module = |name: &str| format!(r#"{{"name": "{name}", "version": "1.0.0"}}"#);
    let (one, two) = (module("@a/core"), module("@b/core"));
    let base = [
        ("etc/os-release", DEBIAN_11),
        ("var/lib/dpkg/status", &dpkg(&below)),
    ];
    let more = [
        ("var/lib/dpkg/status", &*dpkg(&above)),
        ("app/node_modules/@a/core/package.json", &one),
        ("app/node_modules/@b/core/package.json", &two),
    ];
    let mut image = Image::of(
        &[tar(&base), tar(&more), tar(&[("app/main", seed)])],
        Packing::Gzip,
    );
    let step = |by: &str, empty: bool| json!({"created": "2026-10-01T00:00:00Z", "created_by": by, "empty_layer": empty});
    image.config["history"] = json!([
        step("ARG RELEASE", true),
        step("ADD rootfs.tar /", false),
        step("CMD [\"bash\"]", true),
        step("RUN apt-get install bash", false),
        step("COPY main /app", false),
        step("USER app", true),
    ]);
    image
}

/// Makes the lowest `layers` layers of an image those of a known base.
async fn built_on_a_base(world: &World, digest: &str, layers: usize) {
    let mut tx = world.db.begin().await.expect("a transaction");
    let mut row = store::images::find(&mut tx, digest)
        .await
        .expect("read")
        .expect("there");
    let content = zstd::decode_all(&row.content[..]).expect("packed");
    let mut content: Value = serde_json::from_slice(&content).expect("JSON");
    content["base"] = json!({"name": "debian:11", "digest": null, "layers": layers});
    row.content = zstd::encode_all(content.to_string().as_bytes(), 3).expect("packed");
    let product = product(&mut tx).await;
    let submission = store::images::home(&mut tx, &product, digest).await;
    let submission = submission.expect("read").expect("there").submission_id;
    store::images::put(&mut tx, &submission, 0, &row)
        .await
        .expect("stored");
    tx.commit().await.expect("committed");
}

async fn product(tx: &mut store::Tx) -> market::ProductId {
    let publisher = store::publishers::find_by_slug(tx, "acme")
        .await
        .expect("read")
        .expect("there");
    let product = store::products::find_by_slug(tx, &publisher.id, "db").await;
    product.expect("read").expect("there").id
}

/// Returns the digests of a release's platforms.
async fn images(world: &World, release: usize) -> Vec<String> {
    let page = world
        .app
        .tags_page(&Actor::anonymous(), DB, 1)
        .await
        .expect("a page");
    page.tags[release]
        .images
        .iter()
        .map(|image| image.digest.clone())
        .collect()
}

fn steps(history: &[HistoryStep]) -> Vec<String> {
    let line = |step: &HistoryStep| {
        let base = if step.is_base { " (base)" } else { "" };
        let layer = step.layer.as_ref();
        let contents = layer.and_then(|layer| layer.contents.as_ref());
        let contents = contents.map(|it| {
            format!(
                " {}, {} vulnerable, {:?}",
                it.components, it.vulnerable, it.worst
            )
        });
        let number = layer.map_or("-".to_owned(), |layer| layer.number.to_string());
        format!(
            "{number} {}{base}{}",
            step.instruction,
            contents.unwrap_or_default()
        )
    };
    history.iter().map(line).collect()
}

fn names(page: &ComponentsPage) -> Vec<&str> {
    page.rows.iter().map(|row| row.name.as_str()).collect()
}

both! {
    async fn layers_are_everybodys_and_components_are_not(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let app = &world.app;
        world.released("1.0", &layered("one", "1.1.1n-0+deb11u1")).await;
        let image = &images(&world, 0).await[0];
        built_on_a_base(&world, image, 1).await;
        let public = [
            "- ARG RELEASE (base)", "1 ADD rootfs.tar / (base)", "- CMD [\"bash\"]",
            "2 RUN apt-get install bash", "3 COPY main /app", "- USER app",
        ];
        for actor in [&Actor::anonymous(), &world.carl] {
            let page = app.image_page(actor, DB, image).await.expect("a page");
            assert_eq!(steps(&page.history), public);
            assert!(page.inside.is_none() && page.head.submission.is_none());
            assert_eq!(page.head.distribution, "Debian GNU/Linux 11 (bullseye)");
            assert_eq!(page.head.base.expect("known").name, "debian:11");
            let refused = app.components_page(actor, (DB, image), &ComponentQuery::default(), 1).await;
            assert!(told(refused).contains("components are the publisher's business"));
            let compared = app.compare_releases(actor, DB, (None, None)).await.expect("a page");
            assert!(compared.difference.is_none() && compared.releases.len() == 1);
        }
        for actor in [&world.viewer, &world.editor, &world.owner, &world.reviewer, &world.operator] {
            let page = app.image_page(actor, DB, image).await.expect("a page");
            let inside = page.inside.expect("they may");
            assert_eq!((inside.components, inside.vulnerable), (6, 2), "{:?}", inside.counts);
            assert!(page.head.submission.is_some());
            let layers: Vec<_> = steps(&page.history).into_iter().filter(|line| !line.starts_with('-')).collect();
            assert_eq!(layers, [
                "1 ADD rootfs.tar / (base) 2, 1 vulnerable, Some(Critical)",
                "2 RUN apt-get install bash 4, 1 vulnerable, Some(Critical)",
                "3 COPY main /app 0, 0 vulnerable, None",
            ]);
            assert!(app.components_page(actor, (DB, image), &ComponentQuery::default(), 1).await.is_ok());
        }
        // Another digest, and one that is not the product's, are not there.
        let missing = app.image_page(&world.owner, DB, "sha256:00").await;
        assert!(told(missing).starts_with("not-found"));
    }

    async fn what_would_fix_most_closes_nothing_twice(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &layered("one", "1.1.1n-0+deb11u1")).await;
        let image = &images(&world, 0).await[0];
        let fixes = async || {
            let page = world.app.image_page(&world.owner, DB, image).await.expect("a page");
            let inside = page.inside.expect("the owner may");
            let all: i64 = inside.counts.iter().map(|(_, count)| count).sum();
            assert!(inside.fixes.iter().map(Fix::total).sum::<i64>() <= all);
            let line = |fix: &Fix| match &fix.update {
                Update::Base => "base".to_owned(),
                Update::Package { name, .. } => format!("{name} {}", fix.version.as_deref().unwrap_or("-")),
            };
            inside.fixes.iter().map(line).collect::<Vec<_>>()
        };
        let before = fixes().await;
        assert!(before[0].starts_with("openssl 1.1.1"), "{before:?}");
        assert!(before.iter().any(|fix| fix.starts_with("zlib")), "{before:?}");
        built_on_a_base(&world, image, 1).await;
        let after = fixes().await;
        assert_eq!(after[0], "base");
        assert!(!after.iter().any(|fix| fix.starts_with("openssl")), "{after:?}");
    }

    async fn components_are_searched_filtered_and_ordered(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        world.released("1.0", &layered("one", "1.1.1n-0+deb11u1")).await;
        let image = &images(&world, 0).await[0];
        let find = async |query: ComponentQuery| {
            world.app.components_page(&world.owner, (DB, image), &query, 1).await.expect("a page")
        };
        let all = find(ComponentQuery::default()).await;
        assert_eq!(names(&all)[0], "openssl", "the gravest with the most findings comes first");
        assert_eq!((all.total, &all.ecosystems[..], all.layers), (6, &[("deb", 4), ("npm", 2)][..], 3));
        let openssl = &all.rows[0];
        assert_eq!((openssl.layer, openssl.ecosystem, openssl.is_base), (1, "deb", false));
        assert_eq!(openssl.findings_total, openssl.findings.len());
        let finding = openssl.findings.iter().find(|it| it.finding.vulnerability == "CVE-2022-0778" || it.finding.vulnerability == "CVE-2023-0286");
        let finding = finding.expect("a known one");
        assert!(finding.finding.fixed_version.is_some() && !finding.ratings().is_empty());
        assert!(finding.ratings().iter().any(|it| it.vector.is_some() && it.score.is_some()), "{:?}", finding.ratings());
        let classes: Vec<_> = openssl.findings.iter().map(|it| it.finding.class).collect();
        assert!(classes.is_sorted_by(|a, b| a >= b), "{classes:?}");

        let with = |change: fn(&mut ComponentQuery)| {
            let mut query = ComponentQuery { order: ComponentOrder::Name, ..ComponentQuery::default() };
            change(&mut query);
            find(query)
        };
        assert_eq!(names(&with(|_| ()).await), ["@a/core", "@b/core", "base-files", "bash", "openssl", "zlib"]);
        assert_eq!(names(&with(|it| it.text = " ZLIB".to_owned()).await), ["zlib"]);
        assert_eq!(names(&with(|it| it.text = "cve-2023-0286".to_owned()).await), ["openssl"]);
        assert_eq!(names(&with(|it| it.ecosystem = "npm".to_owned()).await), ["@a/core", "@b/core"]);
        assert_eq!(names(&with(|it| it.layer = Some(1)).await), ["base-files", "openssl"]);
        assert_eq!(names(&with(|it| it.class = Some(Class::Critical)).await), ["openssl", "zlib"]);
        assert_eq!(names(&with(|it| it.fixable = true).await), ["openssl", "zlib"]);
        assert_eq!(names(&with(|it| it.order = ComponentOrder::Ecosystem).await)[..2], ["base-files", "bash"]);
        assert_eq!(names(&with(|it| it.order = ComponentOrder::Layer).await)[..3], ["base-files", "openssl", "@a/core"]);
        assert!(with(|it| it.text = "nothing".to_owned()).await.rows.is_empty());
        // A page beyond the last is the last.
        let last = world.app.components_page(&world.owner, (DB, image), &ComponentQuery::default(), 99).await;
        assert_eq!(last.expect("a page").page, 1);
    }

    async fn components_are_filtered_by_what_is_known_of_exploitation(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let about = |name: &str, package: &str| serde_json::json!({
            "id": name, "modified": "2026-11-20T00:00:00Z",
            "affected": [{"package": {"ecosystem": "Debian:11", "name": package},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}],
        }).to_string();
        let file = world.dir.path().join("advisories.db");
        let mut builder = advisory::database::Builder::new(&file).expect("a builder");
        let osv = [about("CVE-2026-1", "bash"), about("CVE-2026-2", "zlib"), about("CVE-2026-3", "openssl")].join("\n");
        let kev = r#"{"catalogVersion":"1","vulnerabilities":[{"cveID":"CVE-2026-1","dateAdded":"2026-01-01"}]}"#;
        let epss = "#model_version:v1,score_date:2026-10-31T00:00:00Z\ncve,epss,percentile\nCVE-2026-1,0.02,0.7\nCVE-2026-2,0.5,0.97\n";
        for (name, text) in [("osv", &*osv), ("kev", kev), ("epss", epss)] {
            builder.add_bytes(name, name, text.as_bytes()).expect("read");
        }
        builder.finish("2026-11-21T00:00:00Z").expect("written");
        world.app.reload_advisories(&world.operator).await.expect("taken over");
        world.work().await;
        world.released("1.0", &layered("one", "1.1.1n-0+deb11u1")).await;
        let image = &images(&world, 0).await[0];
        let find = async |exploited: bool, epss: u8| {
            let order = ComponentOrder::Name;
            let query = ComponentQuery { exploited, epss, order, ..ComponentQuery::default() };
            names(&world.app.components_page(&world.owner, (DB, image), &query, 1).await.expect("a page")).join(" ")
        };
        assert_eq!(find(true, 0).await, "bash");
        assert_eq!(find(false, 1).await, "bash zlib");
        assert_eq!(find(false, 50).await, "zlib");
        assert_eq!(find(true, 2).await, "bash");
        assert_eq!(find(true, 50).await, "");
    }

    async fn two_releases_are_compared(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let app = &world.app;
        world.released("1.0", &layered("one", "1.1.1n-0+deb11u1")).await;
        world.clock.advance(TimeDelta::days(1));
        let second = world.submitted("1.1", &layered("two", "1.1.1w-0+deb11u99")).await;
        // The resubmission says the same as the comparison of the releases later.
        let page = app.submission_page(&world.owner, second.id.as_str()).await.expect("a page");
        let resubmitted = page.difference.expect("compared").content;
        assert!(images(&world, 0).await[0] != page.images[0].digest, "it is not released yet");
        let early = app.image_page(&world.carl, DB, &page.images[0].digest).await;
        assert!(told(early).starts_with("not-found"));
        let early = app.image_page(&world.reviewer, DB, &page.images[0].digest).await.expect("a page");
        assert_eq!((early.head.tag.as_str(), early.head.released_at), ("1.1", None));

        world.decide(&second, market::Decision::Approve, "").await.expect("approved");
        world.work().await;
        let page = app.compare_releases(&world.owner, DB, (None, None)).await.expect("a page");
        let tag = |release: &Option<app::Release>| release.as_ref().map(|it| it.tag.clone()).unwrap_or_default();
        assert_eq!((tag(&page.old), tag(&page.new)), ("1.0".to_owned(), "1.1".to_owned()));
        let difference = page.difference.expect("two");
        assert_eq!(format!("{difference:?}"), format!("{resubmitted:?}"));
        assert_eq!((difference.new_layers.len(), difference.gone_layers.len()), (3, 3));
        let inside = difference.inside.expect("the owner may");
        let packages: Vec<_> = inside.packages.iter().map(|it| (it.name.as_str(), it.before.join(" "), it.after.join(" "))).collect();
        assert_eq!(packages, [("openssl", "1.1.1n-0+deb11u1".to_owned(), "1.1.1w-0+deb11u99".to_owned())]);
        assert!(inside.gone_findings.iter().any(|it| it.vulnerability == "CVE-2023-0286" && it.class == Class::Critical));
        assert!(inside.gone_findings.is_sorted_by(|a, b| a.class >= b.class));

        // The other way round, and with itself.
        let ids = (page.releases[0].id.as_str(), page.releases[1].id.as_str());
        let back = app.compare_releases(&world.owner, DB, (Some(ids.0), Some(ids.1))).await.expect("a page");
        let back = back.difference.expect("two").inside.expect("the owner may");
        assert_eq!(back.new_findings, inside.gone_findings);
        let same = app.compare_releases(&world.owner, DB, (Some(ids.0), Some(ids.0))).await.expect("a page");
        assert!(same.difference.expect("two").new_layers.is_empty());
        let oldest = app.compare_releases(&world.owner, DB, (None, Some(ids.1))).await.expect("a page");
        assert!(oldest.old.is_none() && oldest.difference.is_none());
        assert!(told(app.compare_releases(&world.owner, DB, (Some("rel_x"), None)).await).starts_with("not-found"));

        let public = app.compare_releases(&world.carl, DB, (None, None)).await.expect("a page");
        let public = public.difference.expect("two");
        assert!(public.inside.is_none() && public.new_layers.len() == 3);
    }

    async fn tags_are_paged_and_outlast_the_listing_for_their_publisher(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let app = &world.app;
        assert!(told(app.tags_page(&world.carl, DB, 1).await).starts_with("not-found"));
        assert!(app.tags_page(&world.editor, DB, 1).await.expect("a page").tags.is_empty());
        for number in 0..=TagsPage::SIZE {
            world.clock.advance(TimeDelta::minutes(1));
            world.released(&format!("1.{number}"), &Image::debian(&[("bash", "5.1-2+deb11u1")], &number.to_string())).await;
        }
        let first = app.tags_page(&world.carl, DB, 1).await.expect("a page");
        assert_eq!((first.tags.len(), first.total, first.page), (20, 21, 1));
        assert_eq!(first.tags[0].release.tag, "1.20");
        assert_eq!(first.tags[0].images[0].distribution.as_deref(), Some("Debian GNU/Linux 11 (bullseye)"));
        let last = app.tags_page(&world.carl, DB, 7).await.expect("a page");
        assert_eq!((last.tags.len(), last.page, last.tags[0].release.tag.as_str()), (1, 2, "1.0"));
        world.app.manage_listing(&world.operator, "acme", "db", ListingEvent::Revoke, "So.").await.expect("revoked");
        assert!(told(app.tags_page(&world.carl, DB, 1).await).starts_with("not-found"));
        assert!(told(app.image_page(&world.carl, DB, &last.tags[0].images[0].digest).await).starts_with("not-found"));
        assert_eq!(app.tags_page(&world.owner, DB, 1).await.expect("a page").total, 21);
    }
}
