//! What inspection makes of good and bad images and signatures.

#![expect(clippy::print_stderr, reason = "says what is skipped")]

use app::{
    market::{Decision, SubmissionState},
    oci::{Algorithm, Digest, RawManifest, RepoName},
    registry::ManifestPush,
};
use trust::{SigningKey, cosign};

use crate::{
    images::{DEBIAN_11, Image, Packing, dpkg, index, tar},
    world::{HOST, World, told},
};

/// Pushes and submits unsigned, inspects, and gives the reason why it is not signed well.
async fn unsigned_reason(world: &World, submission: &app::Submission) -> String {
    let submission = world.submission(submission).await;
    assert_eq!(submission.state, SubmissionState::InReview);
    let signature = submission.signature.clone().expect("looked for").0;
    assert_eq!(signature["verified"], false);
    let refused = told(world.decide(&submission, Decision::Approve, "").await);
    assert!(
        refused
            .starts_with("conflict: the image cannot be approved: its signature does not verify"),
        "{refused}"
    );
    signature["reason"].as_str().expect("a reason").to_owned()
}

both! {
    async fn what_is_not_signed_is_not_approved_until_it_is(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let digest = world.push(Some("1.0"), &Image::vulnerable("one")).await;
        let first = world.submit("1.0").await.expect("submitted");
        assert!(told(world.submit("1.0").await).starts_with("conflict: nothing changed"));
        world.work().await;
        assert!(unsigned_reason(&world, &first).await.contains("not signed"));
        // Signing changes neither image nor manifest, and is what was asked for.
        world.sign(&world.key, &digest).await;
        let second = world.submit("1.0").await.expect("submitted again");
        world.work().await;
        world.decide(&second, Decision::Approve, "").await.expect("approved");
    }

    async fn a_key_that_is_not_registered_or_revoked_does_not_count(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let stranger = SigningKey::from_scalar(&[42; 32]).expect("a key");
        let digest = world.push(Some("1.0"), &Image::vulnerable("one")).await;
        world.sign(&stranger, &digest).await;
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        assert!(unsigned_reason(&world, &submission).await.contains("by none of the 1 trusted keys"));
        let key = world.register("second", &stranger).await;
        let revoked = world.app.revoke_publisher_key(&world.owner, "acme", key.id.as_str(), None);
        revoked.await.expect("revoked");
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        let reason = unsigned_reason(&world, &submission).await;
        assert!(reason.contains("signed by the key `second`, which was revoked on"), "{reason}");
    }

    async fn a_payload_that_was_altered_or_is_anothers_does_not_count(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let digest = world.push(Some("1.0"), &Image::vulnerable("one")).await;
        let honest = cosign::payload("market.example/staging/acme/db", &Digest::of(b"another"), None);
        let mut altered = cosign::sign(&world.key, honest.clone()).expect("signed");
        altered.payload = cosign::payload("market.example/staging/acme/db", &digest, None);
        world.push_signature(&digest, &[altered]).await;
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        assert!(unsigned_reason(&world, &submission).await.contains("payload was altered"));
        world.push_signature(&digest, &[cosign::sign(&world.key, honest).expect("signed")]).await;
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        assert!(unsigned_reason(&world, &submission).await.contains("signed sha256:"));
        // Good ones count beside bad ones.
        let good = cosign::sign(&world.key, cosign::payload("x/y", &digest, None)).expect("signed");
        let bad = cosign::sign(&world.key, b"{}".to_vec()).expect("signed");
        world.push_signature(&digest, &[bad, good]).await;
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
    }

    async fn a_signature_manifest_that_lies_about_sizes_stops_nothing(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let digest = world.push(Some("1.0"), &Image::vulnerable("one")).await;
        let huge = world.push_blob("staging/acme/db", &vec![b'x'; 200_000]).await.expect("pushed");
        let signature = cosign::sign(&world.key, b"small".to_vec()).expect("signed");
        let image = cosign::signature_manifest(&[signature]).expect("an image");
        world.push_blob("staging/acme/db", &image.config).await.expect("pushed");
        let text = String::from_utf8(image.manifest.bytes).expect("text");
        let lie = text.replace(Digest::of(b"small").as_str(), huge.as_str());
        let tag = cosign::signature_tag(&digest).expect("a tag");
        world.push_manifest("staging/acme/db", Some(tag.as_str()), lie.into_bytes()).await.expect("pushed");
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        assert!(unsigned_reason(&world, &submission).await.contains("missing"));
    }

    async fn a_broken_layer_fails_with_words(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let good = Image::vulnerable("one");
        let mut no_tar = Image::of(&[b"this is no tar archive at all".repeat(50)], Packing::Gzip);
        no_tar.config["rootfs"]["type"] = "layers".into();
        let mut no_gzip = good.clone();
        no_gzip.layers[0].0 = b"not gzip".to_vec();
        let mut other_diff = good.clone();
        other_diff.config["rootfs"]["diff_ids"][0] = Digest::of(b"something else").to_string().into();
        let mut too_few = good.clone();
        too_few.config["rootfs"]["diff_ids"].as_array_mut().expect("a list").pop();
        let mut cut = good.clone();
        let half = cut.layers[0].0.len() / 2;
        cut.layers[0].0.truncate(half);
        let mut no_config = good.clone();
        no_config.config = serde_json::json!([1, 2]);
        let broken = [no_tar, no_gzip, other_diff, too_few, cut, no_config];
        for (number, image) in broken.iter().enumerate() {
            let tag = format!("broken-{number}");
            let digest = world.push(Some(&tag), image).await;
            world.sign(&world.key, &digest).await;
            let submission = world.submit(&tag).await.expect("submitted");
            assert_eq!(world.work().await, 1, "{number}");
            let failed = world.submission(&submission).await;
            assert_eq!(failed.state, SubmissionState::Failed, "{number}");
            let problem = failed.problem.expect("words");
            assert!(problem.len() > 20 && !problem.contains("internal"), "{number}: {problem}");
            assert!(problem.contains("sha256:") || problem.contains("layer") || problem.contains("config"), "{number}: {problem}");
        }
        // And a good one after them is inspected as if they had not been.
        assert_eq!(world.submitted("1.0", &good).await.state, SubmissionState::InReview);
    }

    async fn odd_bytes_in_an_image_stop_nothing(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let mut image = Image::debian(&[("open\0ssl", "1.1.1n\0-0+deb11u1"), ("openssl", "1.1.1n-0+deb11u1")], "x");
        image.config["config"]["Env"] = serde_json::json!(["SECRET_TOKEN=\u{0}abc", "PATH=/\u{fffd}"]);
        image.config["config"]["User"] = "a\u{0}b".into();
        image.config["config"]["Labels"] = serde_json::json!({"k\u{0}": "v\u{0}"});
        image.config["history"][0]["created_by"] = "RUN \u{0}".into();
        let submission = world.submitted("1.0", &image).await;
        assert_eq!(submission.state, SubmissionState::InReview);
        world.app.submission_page(&world.owner, submission.id.as_str()).await.expect("a page");
    }

    async fn a_finding_says_that_nothing_loads_its_libraries(db: Database) {
        // Any library will do; nothing in the image is linked with it.
        let path = format!("/lib/{}-linux-gnu/libc.so.6", std::env::consts::ARCH);
        let Ok(library) = std::fs::read(&path) else {
            eprintln!("skipped: {path} is absent");
            return;
        };
        let world = World::new(db).await;
        world.product().await;
        let base = tar(&[
            ("etc/os-release", DEBIAN_11),
            ("var/lib/dpkg/status", &dpkg(&[("openssl", "1.1.1n-0+deb11u1")])),
            ("var/lib/dpkg/info/openssl.list", "/usr/lib/libssl.so.1.1\n"),
        ]);
        let libraries = tar(&[("usr/lib/libssl.so.1.1", &library)]);
        let image = Image::of(&[base, libraries], Packing::Gzip);
        let submission = world.submitted("1.0", &image).await;
        let page = world.app.submission_page(&world.owner, submission.id.as_str()).await.expect("a page");
        assert!(!page.findings.is_empty());
        for view in &page.findings {
            assert!(view.explanation.contains(" Nothing in the image is linked with its libraries."), "{}", view.explanation);
        }
        let other = world.submitted("1.1", &Image::vulnerable("none of it")).await;
        let page = world.app.submission_page(&world.owner, other.id.as_str()).await.expect("a page");
        assert!(page.findings.iter().all(|view| !view.explanation.contains("is linked")));
    }

    async fn every_platform_of_an_index_is_inspected(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (amd, mut arm) = (Image::vulnerable("amd"), Image::debian(&[("bash", "5.1-2+deb11u1")], "arm"));
        arm.config["architecture"] = "arm64".into();
        world.push(None, &amd).await;
        world.push(None, &arm).await;
        let list = index(&[("amd64", amd.manifest()), ("arm64", arm.manifest())]);
        let digest = world.push_manifest("staging/acme/db", Some("1.0"), list).await.expect("pushed");
        // A signature of a part is none of the whole.
        world.sign(&world.key, &Digest::of(&amd.manifest())).await;
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        let reason = unsigned_reason(&world, &submission).await;
        assert!(reason.contains("of the index only linux/amd64 is signed by itself, linux/arm64 not"), "{reason}");
        assert!(reason.contains(&format!("sign {HOST}/staging/acme/db@{digest} with a registered key")), "{reason}");
        world.sign(&world.key, &digest).await;
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        let signature = world.submission(&submission).await.signature.expect("looked for").0;
        assert_eq!(signature["platforms"], serde_json::json!(["linux/amd64", "linux/arm64"]));
        assert_eq!(signature["form"], "cosign");
        let page = world.app.submission_page(&world.owner, submission.id.as_str()).await.expect("a page");
        let platforms: Vec<_> = page.images.iter().map(|image| image.platform.as_str()).collect();
        assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
        assert!(page.findings.iter().all(|f| f.platform == "linux/amd64") && !page.findings.is_empty());
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
        world.work().await;
        // The index and both images came along.
        let name = "acme/db".parse().expect("a name");
        for manifest in [amd.manifest(), arm.manifest()] {
            world.app.find_manifest(&name, Digest::of(&manifest).as_str()).await.expect("there");
        }
        let page = world.app.product_page(&world.carl, "acme", "db").await.expect("a page");
        assert_eq!(page.images.len(), 2);
    }

    async fn a_platform_may_have_a_sha512_digest_but_not_what_is_released(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let image = Image::vulnerable("amd");
        world.push(None, &image).await;
        let mut manifest = RawManifest::parse(image.manifest(), None).expect("a manifest");
        manifest.digest = Digest::by(Algorithm::Sha512, &manifest.bytes);
        let name: RepoName = "staging/acme/db".parse().expect("a name");
        let tags = ["long".parse().expect("a tag")];
        world.app.put_manifest(&name, ManifestPush::new(&manifest, &tags)).await.expect("pushed");
        let refused = told(world.submit("long").await);
        assert!(refused.contains("push it to the tag without naming a digest"), "{refused}");
        let list = index(&[("amd64", image.manifest())]);
        let list = String::from_utf8(list).expect("JSON");
        let list = list.replace(Digest::of(&manifest.bytes).as_str(), manifest.digest.as_str());
        let digest = world.push_manifest(name.as_str(), Some("1.0"), list.into_bytes()).await.expect("pushed");
        world.sign(&world.key, &digest).await;
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        world.decide(&submission, Decision::Approve, "").await.expect("approved");
        world.work().await;
        let released: RepoName = "acme/db".parse().expect("a name");
        let found = world.app.find_manifest(&released, manifest.digest.as_str()).await.expect("released");
        assert_eq!(found.content, manifest.bytes);
    }

    async fn layers_come_packed_in_three_ways(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let base = tar(&[("etc/os-release", DEBIAN_11), ("var/lib/dpkg/status", &dpkg(&[("openssl", "1.1.1n-0+deb11u1")]))]);
        let mut told = Vec::new();
        for (tag, packing) in [("plain", Packing::None), ("gzip", Packing::Gzip), ("zstd", Packing::Zstd)] {
            let submission = world.submitted(tag, &Image::of(std::slice::from_ref(&base), packing)).await;
            assert_eq!(submission.state, SubmissionState::InReview, "{:?}", submission.problem);
            told.push(world.classes(&submission).await);
        }
        assert!(!told[0].is_empty() && told.iter().all(|classes| *classes == told[0]), "{told:?}");
    }

    async fn a_layer_is_read_once_ever(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let (one, two) = (Image::vulnerable("one"), Image::vulnerable("two"));
        let shared = Digest::of(&one.layers[0].0);
        assert_eq!(shared, Digest::of(&two.layers[0].0));
        world.submitted("1.0", &one).await;
        let once = world.blobs.opened(&shared);
        assert_eq!(once, 1);
        world.submitted("2.0", &two).await;
        assert_eq!(world.blobs.opened(&shared), 1);
        assert_eq!(world.blobs.opened(&Digest::of(&two.layers[1].0)), 1);
    }

    async fn a_release_is_known_as_the_base_of_what_is_built_on_it(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let below = [
            tar(&[("etc/os-release", DEBIAN_11), ("var/lib/dpkg/status", &dpkg(&[("bash", "5.1-2+deb11u1")]))]),
            tar(&[("opt/runtime", "1")]),
        ];
        let with = |app: &str| Image::of(&[&below[..], &[tar(&[("app", app)])]].concat(), Packing::Gzip);
        let base = async |submission: &app::Submission| {
            let mut tx = world.db.read().await.expect("a transaction");
            let rows = store::images::of_submission(&mut tx, &submission.id).await.expect("read");
            let content = zstd::decode_all(&rows[0].content[..]).expect("packed");
            let content: serde_json::Value = serde_json::from_slice(&content).expect("JSON");
            content["base"].clone()
        };
        let runtime = Image::of(&below, Packing::Gzip);
        world.submitted("0.8", &runtime).await;
        let early = world.submitted("0.9", &with("0")).await;
        assert!(base(&early).await.is_null(), "what is not released is nobody's business");
        let released = world.released("1.0", &runtime).await;
        assert!(base(&released).await.is_null(), "not of itself");
        // Packed otherwise it is the same.
        let mut later = with("2");
        later.layers[0] = crate::images::pack(&below[0], Packing::Zstd);
        let later = base(&world.submitted("2.0", &later).await).await;
        assert!(later["name"].as_str().expect("a name").ends_with("/acme/db:1.0"), "{later}");
        assert_eq!(later["layers"], 2);
    }

    async fn a_digest_gives_no_access_to_what_others_pushed(db: Database) {
        let world = World::new(db).await;
        world.product().await;
        let secret = Image::vulnerable("secret");
        for (bytes, _) in &secret.layers {
            world.push_blob("staging/acme/other", bytes).await.expect("pushed");
        }
        let name = "staging/acme/db";
        world.push_blob(name, secret.config.to_string().as_bytes()).await.expect("pushed");
        // Layers that are kept elsewhere need not be pushed, says the specification.
        let foreign = String::from_utf8(secret.manifest()).expect("text").replace("layer.v1", "layer.nondistributable.v1");
        let digest = world.push_manifest(name, Some("1.0"), foreign.into_bytes()).await.expect("pushed");
        world.sign(&world.key, &digest).await;
        let submission = world.submit("1.0").await.expect("submitted");
        world.work().await;
        let submission = world.submission(&submission).await;
        assert_eq!(submission.state, SubmissionState::Failed);
        assert!(submission.problem.expect("told").contains("missing"));
    }
}
