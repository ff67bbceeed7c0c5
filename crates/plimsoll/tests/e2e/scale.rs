//! The whole way again where there is more to carry: PostgreSQL, S3 and two nodes, of which
//! one is killed.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use oci::{Client, ClientOptions, Credentials, Digest, Layout};
use store::{DatabaseUrl, blobs::S3Config};
use tempfile::TempDir;
use testkit::Server;

use crate::{
    http::Registry,
    market::{Market, succeed},
    model::content,
};

const STAGING: &str = "staging/acme/harbour";

/// Two servers over one database and one bucket.
pub(crate) struct Cluster {
    pub(crate) market: Market,
    pub(crate) second: Server,
    pub(crate) dir: TempDir,
    database: String,
    bucket: S3Config,
}

/// Where the second node's blobs are fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blobs {
    /// At the S3 server, where it sends clients to.
    AtBucket,
    /// From the node, as from the first.
    ThroughNodes,
}

impl Cluster {
    /// Starts the first, lets people sign up there, and starts the second.
    pub(crate) fn start(blobs: Blobs) -> Option<Self> {
        let bucket = crate::bucket::fresh_bucket()?;
        let database = crate::databases::block_on(crate::databases::fresh_postgres("icu"))?;
        let DatabaseUrl::Postgres(database) = database else {
            panic!("PostgreSQL was asked for")
        };
        let dir = tempfile::tempdir().expect("a temporary folder");
        let ground = (database.as_str(), &bucket);
        let config = configure(dir.path(), "first", ground, "", Blobs::ThroughNodes);
        let market = Market::start_with(&dir.path().join("data"), &["--config", &config]);
        let second = second(dir.path(), market.server.url(), ground, blobs);
        Some(Self {
            market,
            second,
            dir,
            database,
            bucket,
        })
    }

    /// Returns a configuration of the first node, under the address that it has now.
    pub(crate) fn config_of_first(&self) -> String {
        let ground = (self.database.as_str(), &self.bucket);
        let url = self.market.server.url();
        let server = format!("[server]\npublic_url = \"{url}\"\n");
        configure(
            self.dir.path(),
            "again",
            ground,
            &server,
            Blobs::ThroughNodes,
        )
    }
}

/// Starts another node: the same database, bucket and keys, its own folder and port.
fn second(dir: &Path, public_url: &str, ground: (&str, &S3Config), blobs: Blobs) -> Server {
    let data = dir.join("second");
    copy(&dir.join("data/keys"), &data.join("keys"));
    let passphrase = std::fs::copy(dir.join("data.passphrase"), dir.join("second.passphrase"));
    passphrase.expect("the passphrase is given along");
    let server = format!("[server]\npublic_url = \"{public_url}\"\n");
    let config = configure(dir, "second", ground, &server, blobs);
    let binary = Path::new(env!("CARGO_BIN_EXE_plimsoll"));
    let free = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
    let listen = free.expect("a free port").to_string();
    let node = Server::start(binary, &data, &listen, &["--config", &config]);
    let mut node = node.expect("the second node starts");
    // It names the address that clients know, which is the first one's.
    node.ready.url = format!("http://{listen}");
    assert_eq!(
        node.ready.operator_password, None,
        "there is an operator already"
    );
    node
}

fn configure(
    dir: &Path,
    name: &str,
    (database, bucket): (&str, &S3Config),
    more: &str,
    blobs: Blobs,
) -> String {
    let file: PathBuf = dir.join(format!("{name}.toml"));
    let endpoint = bucket.endpoint.as_deref().expect("an address");
    let text = format!(
        "{more}[database]\nurl = \"{database}\"\n[blobs]\nkind = \"s3\"\n[blobs.s3]\nendpoint = \"{endpoint}\"\nbucket = \"{}\"\naccess_key = \"test\"\nsecret_key = \"secret\"\nallow_http = true\nredirect = {}\n",
        bucket.bucket,
        blobs == Blobs::AtBucket,
    );
    std::fs::write(&file, text).expect("the configuration is written");
    file.display().to_string()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}

#[test]
fn postgresql_and_s3_carry_the_whole_way_and_a_second_node() {
    let Some(cluster) = Cluster::start(Blobs::AtBucket) else {
        return;
    };
    let digest = cluster.market.release("1.0");
    assert!(
        !cluster.dir.path().join("data/blobs/sha256").exists(),
        "blobs are in the bucket"
    );
    let password = cluster.market.subscribe();
    let credentials = Credentials::Basic {
        user: "carl".to_owned(),
        password: password.clone(),
    };
    let host = cluster.second.host();
    let client = Client::new(host, credentials, &ClientOptions::default()).expect("a client");
    let layout = Layout::create(&cluster.dir.path().join("pulled")).expect("a layout");
    let pulled = client.pull_to_layout(
        &"acme/harbour:1.0".parse().expect("a reference"),
        &layout,
        &mut |_| {},
    );
    assert_eq!(pulled.expect("the second node gives it").digest, digest);
    if Command::new("skopeo").arg("--version").output().is_err() {
        return crate::skip("skopeo is not installed");
    }
    let target = format!("oci:{}:1.0", cluster.dir.path().join("skopeo").display());
    succeed(
        Command::new("skopeo")
            .args(["copy", "--src-tls-verify=false", "--src-creds"])
            .arg(format!("carl:{password}"))
            .args([format!("docker://{host}/acme/harbour:1.0"), target]),
    );
}

#[test]
fn an_upload_begun_on_a_node_that_is_killed_ends_on_the_other() {
    let Some(mut cluster) = Cluster::start(Blobs::AtBucket) else {
        return;
    };
    let password = cluster.market.desk.token().to_owned();
    let sign_in = |url: &str| {
        let repositories = [STAGING.to_owned()];
        Registry::sign_in(url, ("ann", &password), &repositories).expect("a token")
    };
    let one = sign_in(cluster.market.server.url());
    let other = sign_in(cluster.second.url());
    let kept: Vec<u8> = content(1)
        .into_iter()
        .chain([1])
        .cycle()
        .take(70_000)
        .collect();
    let kept_path = format!("/v2/{STAGING}/blobs/{}", Digest::of(&kept));
    let put = format!("/v2/{STAGING}/blobs/uploads/?digest={}", Digest::of(&kept));
    assert_eq!(one.ask("POST", &put, &kept).expect("an answer").status, 201);

    let bytes: Vec<u8> = content(7)
        .into_iter()
        .chain([7])
        .cycle()
        .take(30_000_000)
        .collect();
    let start = one.ask("POST", &format!("/v2/{STAGING}/blobs/uploads/"), b"");
    let location = start.expect("an answer").header("location").to_owned();
    let first = one.ask("PATCH", &location, &bytes[..11_000_000]);
    assert_eq!(first.expect("an answer").status, 202);
    // Killed while it receives more.
    let sender = std::thread::spawn({
        let (location, more) = (location.clone(), bytes[11_000_000..].to_vec());
        move || drop(one.ask("PATCH", &location, &more))
    });
    std::thread::sleep(std::time::Duration::from_millis(60));
    cluster.market.server.kill().expect("the node is killed");
    sender.join().expect("the sender ends");

    let blob = other.ask("GET", &kept_path, b"").expect("an answer");
    assert_eq!(blob.status, 307, "the bytes are at the S3 server");
    let url = blob.header("location");
    let followed = succeed(
        Command::new("curl")
            .args(["-sS", "-o"])
            .arg(cluster.dir.path().join("got"))
            .arg(url),
    );
    assert_eq!(followed, "");
    let got = std::fs::read(cluster.dir.path().join("got")).expect("a file");
    assert!(got == kept, "the S3 server gave other bytes");
    let head = other.ask("HEAD", &kept_path, b"").expect("an answer");
    assert_eq!((head.status, head.header("content-length")), (200, "70000"));

    let status = other.ask("GET", &location, b"").expect("an answer");
    assert_eq!(status.status, 204);
    let at = status.received();
    assert!((11_000_000..=30_000_000).contains(&at), "{at}");
    let digest = Digest::of(&bytes);
    let end = other.ask("PUT", &format!("{location}?digest={digest}"), &bytes[at..]);
    assert_eq!(end.expect("an answer").status, 201);

    // A third node, which does not send clients away.
    let ground = (cluster.database.as_str(), &cluster.bucket);
    let config = configure(cluster.dir.path(), "first", ground, "", Blobs::ThroughNodes);
    let binary = Path::new(env!("CARGO_BIN_EXE_plimsoll"));
    let data = cluster.dir.path().join("data");
    let third = Server::start(binary, &data, "127.0.0.1:0", &["--config", &config]);
    let third = sign_in(third.as_ref().expect("it starts").url());
    let blob = third.ask("GET", &format!("/v2/{STAGING}/blobs/{digest}"), b"");
    let blob = blob.expect("an answer");
    assert_eq!(blob.status, 200);
    assert!(blob.body == bytes, "bytes changed");
}
