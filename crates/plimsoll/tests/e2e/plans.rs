//! A plan that gives `1.*`, as real clients meet it: what it gives is pulled whole, what it does
//! not give is refused by tag, by digest and blob by blob, in words that name the plan to have.

use std::path::PathBuf;

use oci::{Digest, RawManifest};
use serde_json::json;

use crate::{
    artifacts::client,
    engine::Engine,
    has,
    market::{Market, Silent, fail, listing, skopeo, skopeo_pull, succeed},
    newer,
};

const WORDS: &str =
    "acme/harbour:2.0 is given by the plan Business, not by your plan Community: see";

/// A market with the releases 1.0 and 2.0, of which the plan Community gives the first.
fn market() -> (Market, [Digest; 2]) {
    let market = Market::start();
    let problems = market.desk.describe(&listing()).expect("taken");
    assert!(problems.is_empty(), "{problems:?}");
    let path = "/api/v1/publishers/acme/products/harbour/manifest";
    let mut manifest = market.desk.user.get(path).expect("a manifest");
    manifest["plans"][0]["sources"] = json!([{ "tags": ["1.*"] }]);
    let saved = market.desk.user.put(path, &manifest).expect("saved");
    assert_eq!(saved["problems"], json!([]));
    let digests = ["1.0", "2.0"].map(|tag| {
        let image = market.image(tag);
        let digest = market.desk.push(image.as_ref(), tag, &Silent);
        let submission = market.desk.submit(tag).expect("submitted");
        let wait = |states: &[&str]| {
            market
                .desk
                .wait(&submission, states, &Silent)
                .expect("it ends")
        };
        wait(&["inspecting"]);
        market.decide(&submission, "approve", "");
        assert_eq!(wait(&["approved"])["submission"]["state"], "released");
        digest.expect("pushed")
    });
    (market, digests)
}

/// The digests of an image's layers, the base first.
fn layers(manifest: &str) -> Vec<Digest> {
    let manifest = RawManifest::parse(manifest.as_bytes().to_vec(), None).expect("a manifest");
    let image = manifest.image().expect("an image");
    image
        .layers
        .iter()
        .map(|layer| layer.digest.clone())
        .collect()
}

#[test]
fn skopeo_copies_what_the_plan_gives_and_no_more() {
    if !has("skopeo") {
        return;
    }
    let (market, [one, two]) = market();
    let name = format!("docker://{}/acme/harbour", market.server.host());
    let creds = format!("carl:{}", market.subscribe());
    let target = format!("dir:{}", market.dir.path().join("out").display());
    let copy = |image: &str| skopeo_pull(&creds, image, &target);
    succeed(&mut copy(&format!("{name}:1.0")));
    succeed(&mut copy(&format!("{name}@{one}")));
    for image in [format!("{name}:2.0"), format!("{name}@{two}")] {
        let refused = fail(&mut copy(&image));
        assert!(
            refused.contains(WORDS) && !refused.contains("staging"),
            "{refused}"
        );
    }
    let tags = succeed(&mut skopeo(&[
        "list-tags",
        "--tls-verify=false",
        "--creds",
        &creds,
        &name,
    ]));
    let tags: serde_json::Value = serde_json::from_str(&tags).expect("JSON");
    let tags = tags["Tags"].as_array().expect("tags");
    let hex = |digest: &Digest| format!("sha256-{}", digest.hex());
    assert!(
        tags.contains(&json!("1.0")) && !tags.contains(&json!("2.0")),
        "{tags:?}"
    );
    let has = |digest: &Digest| {
        tags.iter().any(|tag| {
            tag.as_str()
                .is_some_and(|tag| tag.starts_with(&hex(digest)))
        })
    };
    assert!(has(&one) && !has(&two), "{tags:?}");
    // Whoever keeps the market, and whoever publishes in it, has all of it.
    let creds = format!("ann:{}", market.desk.token());
    let image = format!("{name}:2.0");
    succeed(&mut skopeo_pull(&creds, &image, &target));
}

#[test]
fn crane_gets_no_blob_of_what_the_plan_does_not_give() {
    let Some(program) = newer("PLIMSOLL_CRANE", "crane") else {
        return;
    };
    let (market, [one, two]) = market();
    let name = format!("{}/acme/harbour", market.server.host());
    let carl = market.signed_in("carl", &market.subscribe());
    let ann = market.signed_in("ann", market.desk.token());
    let crane = |home: &PathBuf, args: &[&str]| client(&program, home, args);
    let pulled = carl.join("pulled");
    succeed(&mut crane(
        &carl,
        &[
            "pull",
            &format!("{name}:1.0"),
            &pulled.display().to_string(),
        ],
    ));
    let manifest =
        |digest: &Digest| succeed(&mut crane(&ann, &["manifest", &format!("{name}@{digest}")]));
    let (first, second) = (layers(&manifest(&one)), layers(&manifest(&two)));
    assert_eq!(first[0], second[0], "they share their base");
    let blob = |digest: &Digest| crane(&carl, &["blob", &format!("{name}@{digest}")]);
    for digest in first.iter().chain([&second[0]]) {
        let output = blob(digest).output().expect("crane starts");
        assert!(output.status.success(), "{output:?}");
    }
    let refused = fail(&mut blob(&second[1]));
    assert!(
        refused.contains("DENIED") && refused.contains(WORDS),
        "{refused}"
    );
    for image in [format!("{name}:2.0"), format!("{name}@{two}")] {
        let refused = fail(&mut crane(&carl, &["manifest", &image]));
        assert!(
            refused.contains("DENIED") && refused.contains(WORDS),
            "{refused}"
        );
        fail(&mut crane(&carl, &["digest", &image]));
    }
    let tags = succeed(&mut crane(&carl, &["ls", &name]));
    assert!(tags.contains("1.0\n") && !tags.contains("2.0\n"), "{tags}");
}

#[test]
fn docker_is_told_which_plan_to_have() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let Some(engine) = Engine::start(&dir.path().join("engine")) else {
        return;
    };
    let (market, [_, two]) = market();
    let docker = |args: &[&str]| engine.docker(dir.path(), args);
    let host = market.server.host();
    let token = market.subscribe();
    succeed(&mut docker(&["login", "-u", "carl", "-p", &token, host]));
    succeed(&mut docker(&["pull", &format!("{host}/acme/harbour:1.0")]));
    for image in [
        format!("{host}/acme/harbour:2.0"),
        format!("{host}/acme/harbour@{two}"),
    ] {
        let refused = fail(&mut docker(&["pull", &image]));
        assert!(refused.contains(WORDS), "{refused}");
    }
}
