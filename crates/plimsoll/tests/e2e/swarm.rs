//! Many pull one image at once, while others push and delete in the same registry.

use std::{
    io::Read,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use oci::{Client, ClientOptions, Credentials, Digest, Layout, Reference, RepoName};
use testkit::{Content, File, ImageSpec, write_image};

use crate::{
    has,
    market::{Market, Silent, skopeo, spec, succeed},
};

const PULLS: usize = 200;
const LAYERS: usize = 20;
const LAYER_BYTES: usize = 32 << 10;
const COLLECTIONS: &str = "/api/v1/storage/collections";
/// What is pushed must be whole before that, on a busy machine too.
const GRACE: Duration = Duration::from_secs(20);

fn client(market: &Market) -> Client {
    let credentials = Credentials::Basic {
        user: "ann".to_owned(),
        password: market.desk.token().to_owned(),
    };
    Client::new(market.server.host(), credentials, &ClientOptions::default()).expect("a client")
}

/// Text that does not shrink much when it is compressed.
fn noise(seed: usize) -> String {
    let mut text = String::new();
    while text.len() < LAYER_BYTES {
        text.push_str(Digest::of(format!("{seed} {}", text.len()).as_bytes()).hex());
    }
    text
}

fn push_large(market: &Market, reference: &Reference) {
    let layout = Layout::create(&market.dir.path().join("large")).expect("a layout");
    let layer = |number: usize| {
        let file = File::text(&format!("data/{number}"), &noise(number));
        (format!("COPY {number} /data"), Content::Files(vec![file]))
    };
    let spec = ImageSpec {
        layers: (0..LAYERS).map(layer).collect(),
        ..spec("large")
    };
    write_image(&layout, "large", &spec).expect("the image is written");
    let image = layout.select(Some("large")).expect("the tag is there");
    let pushed = client(market).push_from(&image, reference, &mut |_| {});
    pushed.expect("the push succeeds");
}

/// Pulls everything, each byte checked against its digest; gives how many blobs there were.
fn pull(client: &Client, reference: &Reference) -> Result<usize, String> {
    let manifest = client
        .manifest(reference)
        .map_err(|error| error.to_string())?;
    let mut blobs = 0;
    for blob in manifest.blobs() {
        let opened = client.blob(&reference.repo, blob);
        let mut reader = opened.map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        let read = reader.read_to_end(&mut bytes);
        read.map_err(|error| format!("{}: {error}", blob.digest))?;
        blobs += 1;
    }
    Ok(blobs)
}

/// Pushes an image and takes it out again.
fn push_and_delete(market: &Market, tag: &str) {
    let host = market.server.host();
    let creds = format!("ann:{}", market.desk.token());
    let pushed = market.desk.push(market.image(tag).as_ref(), tag, &Silent);
    pushed.expect("the push succeeds");
    let image = format!("docker://{host}/staging/acme/harbour:{tag}");
    let delete = ["delete", "--tls-verify=false", "--creds", &creds, &image];
    succeed(&mut skopeo(&delete));
}

/// Has a collection begin, unless one is under way.
fn collect(market: &Market) {
    let collection = serde_json::json!({ "dry_run": false });
    let operator = &market.cast.operator;
    if let Err(error) = operator.post(COLLECTIONS, &collection) {
        assert!(error.to_string().contains("is under way"), "{error:#}");
    }
}

/// Pushes, deletes and collects until it is told to stop; gives how often, and how many
/// blobs the collections took out of repositories.
fn churn(market: &Market, stop: &AtomicBool) -> (usize, i64) {
    let (mut rounds, mut deleted) = (0, 0);
    while !stop.load(Ordering::Relaxed) {
        collect(market);
        push_and_delete(market, &format!("round-{rounds}"));
        deleted = deleted.max(deleted_by_newest(market));
        rounds += 1;
    }
    (rounds, deleted)
}

/// Returns how many blobs the newest collection took out of repositories, when it has ended.
fn deleted_by_newest(market: &Market) -> i64 {
    loop {
        let newest = market.cast.operator.get(COLLECTIONS).expect("told");
        let newest = &newest["newest"];
        if !newest["ended_at"].is_null() {
            return newest["links"].as_i64().expect("a number");
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn two_hundred_pulls_of_twenty_layers_lose_nothing() {
    if !has("skopeo") {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let config = folder.path().join("plimsoll.toml");
    let short = "[registry]\ncollect_grace = \"20s\"\n";
    std::fs::write(&config, short).expect("the configuration is written");
    let config = config.display().to_string();
    let market = Market::start_with(&folder.path().join("data"), &["--config", &config]);
    let repo: RepoName = "staging/acme/large".parse().expect("a name");
    let reference: Reference = format!("{repo}:large").parse().expect("a reference");
    push_large(&market, &reference);
    // Collections find out of reach now what they may delete while the pulls go on.
    for number in 0..5 {
        push_and_delete(&market, &format!("old-{number}"));
    }
    collect(&market);
    std::thread::sleep(GRACE + Duration::from_secs(2));
    let (stop, clients) = (AtomicBool::new(false), (0..PULLS).map(|_| client(&market)));
    let (pulled, (rounds, deleted)) = std::thread::scope(|scope| {
        let churning = scope.spawn(|| churn(&market, &stop));
        let pulls: Vec<_> = clients
            .map(|client| {
                let reference = &reference;
                scope.spawn(move || pull(&client, reference))
            })
            .collect();
        let pulled: Vec<_> = pulls
            .into_iter()
            .map(|pull| pull.join().expect("no pull panics"))
            .collect();
        stop.store(true, Ordering::Relaxed);
        (pulled, churning.join().expect("pushes and deletes go on"))
    });
    // The configuration is a blob too.
    let wrong: Vec<_> = pulled.iter().filter(|it| **it != Ok(LAYERS + 1)).collect();
    assert!(
        wrong.is_empty(),
        "{} of {PULLS}: {:?}",
        wrong.len(),
        wrong[0]
    );
    assert!(rounds > 0, "something was pushed and deleted meanwhile");
    assert!(deleted > 0, "collections had something to delete meanwhile");
}
