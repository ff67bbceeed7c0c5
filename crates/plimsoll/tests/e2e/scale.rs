//! The whole way again where there is more to carry: PostgreSQL, S3 and two nodes.

use std::{
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use oci::{Client, ClientOptions, Credentials, Layout};
use store::DatabaseUrl;
use testkit::Server;

use crate::{market::Market, skip};

/// An S3 server with a bucket called `plimsoll`, killed when dropped.
struct Bucket {
    server: Child,
    endpoint: String,
}

impl Bucket {
    fn start() -> Option<Self> {
        #[expect(
            clippy::disallowed_methods,
            reason = "the task runner says where it put the S3 server"
        )]
        let program =
            std::env::var("PLIMSOLL_MOTO_SERVER").unwrap_or_else(|_| "moto_server".to_owned());
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a free port")
            .port();
        let started = Command::new(&program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(server) = started else {
            skip(&format!("{program} is not installed"));
            return None;
        };
        let bucket = Self {
            server,
            endpoint: format!("http://127.0.0.1:{port}"),
        };
        let end = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the S3 server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        ureq::put(format!("{}/plimsoll", bucket.endpoint))
            .send_empty()
            .expect("the bucket is made");
        Some(bucket)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.server.kill().unwrap_or_default();
        self.server.wait().map(drop).unwrap_or_default();
    }
}

fn configure(file: &Path, database: &str, bucket: &Bucket, public_url: Option<&str>) {
    let server = public_url.map_or(String::new(), |url| {
        format!("[server]\npublic_url = \"{url}\"\n")
    });
    let text = format!(
        "{server}[database]\nurl = \"{database}\"\n[blobs]\nkind = \"s3\"\n[blobs.s3]\nendpoint = \"{}\"\nbucket = \"plimsoll\"\naccess_key = \"test\"\nsecret_key = \"secret\"\nallow_http = true\n",
        bucket.endpoint
    );
    std::fs::write(file, text).expect("the configuration is written");
}

#[test]
fn postgresql_and_s3_carry_the_whole_way_and_a_second_node() {
    let Some(bucket) = Bucket::start() else {
        return;
    };
    crate::databases::with_postgres("icu", async |_, url| {
        let DatabaseUrl::Postgres(address) = url else {
            panic!("PostgreSQL was asked for")
        };
        tokio::task::block_in_place(|| walk(&address, &bucket));
    });
}

fn walk(address: &str, bucket: &Bucket) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let config = dir.path().join("plimsoll.toml");
    configure(&config, address, bucket, None);
    let config_text = config.display().to_string();
    let market = Market::start_with(&dir.path().join("data"), &["--config", &config_text]);
    let digest = market.release("1.0");
    assert!(
        !dir.path().join("data/blobs/sha256").exists(),
        "blobs are in the bucket"
    );

    // Another node: the same database, bucket and keys, its own folder and port.
    let second = dir.path().join("second");
    std::fs::create_dir_all(&second).expect("a folder");
    copy(&dir.path().join("data/keys"), &second.join("keys"));
    configure(&config, address, bucket, Some(market.server.url()));
    let node = Server::start(
        Path::new(env!("CARGO_BIN_EXE_plimsoll")),
        &second,
        "127.0.0.1:0",
        &["--config", &config_text],
    )
    .expect("the second node starts");
    assert_eq!(
        node.ready.operator_password, None,
        "there is an operator already"
    );
    let credentials = Credentials::Basic {
        user: "carl".to_owned(),
        password: market.subscribe(),
    };
    let client =
        Client::new(node.host(), credentials, &ClientOptions::default()).expect("a client");
    let layout = Layout::create(&dir.path().join("pulled")).expect("a layout");
    let pulled = client.pull_to_layout(
        &"acme/harbour:1.0".parse().expect("a reference"),
        &layout,
        &mut |_| {},
    );
    assert_eq!(pulled.expect("the second node gives it").digest, digest);
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
    }
}
