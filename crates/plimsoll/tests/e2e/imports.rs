//! Images brought from other registries: from the reference registry, public and with a
//! password, across a `kill -9`, and not from where nobody may reach.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use oci::{Client, ClientOptions, Credentials, Digest, ImageSource, Layout, Reference};
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{Content, File, ImageSpec, write_image};

use crate::{
    has,
    market::{Market, serve_with, spec},
};

/// `pull-secret`, as the registry wants passwords: with bcrypt.
const HTPASSWD: &str = "ann:$2b$05$abcdefghijklmnopqrstuuiuhH7Ikupt0NZBlrLOsxuBkm7D98a7C\n";
const PASSWORD: &str = "pull-secret";

/// The reference registry, with a password.
struct Other {
    child: Child,
    host: String,
    dir: TempDir,
}

impl Drop for Other {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

impl Other {
    fn start() -> Option<Self> {
        if !has("docker-registry") {
            return None;
        }
        let dir = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = port.local_addr().expect("an address").to_string();
        drop(port);
        let (users, config) = (dir.path().join("users"), dir.path().join("config.yml"));
        std::fs::write(&users, HTPASSWD).expect("a file");
        let text = json!({
            "version": 0.1, "log": {"level": "error", "accesslog": {"disabled": true}},
            "storage": {"filesystem": {"rootdirectory": dir.path().join("blobs")}},
            "http": {"addr": host},
            "auth": {"htpasswd": {"realm": "other", "path": users}},
        });
        // YAML takes JSON.
        std::fs::write(&config, text.to_string()).expect("a file");
        let child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let other = Self { child, host, dir };
        let end = Instant::now() + Duration::from_secs(20);
        let repo = "none".parse().expect("a name");
        while other.client().blob_exists(&repo, &Digest::of(b"")).is_err() {
            assert!(Instant::now() < end, "the other registry answers");
            std::thread::sleep(Duration::from_millis(50));
        }
        Some(other)
    }

    fn client(&self) -> Client {
        let ann = Credentials::Basic {
            user: "ann".to_owned(),
            password: PASSWORD.to_owned(),
        };
        Client::new(&self.host, ann, &ClientOptions::default()).expect("a client")
    }

    /// Puts an image there as `team/harbour:<tag>`; gives its digest.
    fn push(&self, tag: &str, spec: &ImageSpec) -> Digest {
        let layout = Layout::create(&self.dir.path().join(tag)).expect("a layout");
        write_image(&layout, tag, spec).expect("the image is written");
        let image = layout.select(Some(tag)).expect("the tag is there");
        let reference: Reference = format!("{}/team/harbour:{tag}", self.host)
            .parse()
            .expect("a reference");
        let pushed = self
            .client()
            .push_from(&image, &reference, &mut |_| ())
            .expect("pushed");
        assert_eq!(pushed, image.root().digest);
        pushed
    }

    fn wanted(&self, tag: &str, login: bool) -> Value {
        let mut wanted = json!({
            "registry": self.host, "repository": "team/harbour", "reference": tag,
            "into": "harbour", "tag": tag,
        });
        if login {
            wanted["login"] = json!({"user": "ann", "password": PASSWORD});
        }
        wanted
    }
}

/// A market whose publishers may reach this machine, and whose jobs soon find an heir.
fn market(dir: &TempDir) -> (Market, String) {
    let config = dir.path().join("p.toml");
    let text = "[imports]\nallow_networks = \"127.0.0.1\"\n[server]\njob_lease = \"1s\"\n";
    std::fs::write(&config, text).expect("a file");
    let config = config.display().to_string();
    let data = dir.path().join("data");
    (Market::start_with(&data, &["--config", &config]), config)
}

const IMPORTS: &str = "/api/v1/publishers/acme/imports";

fn ask(market: &Market, wanted: &Value) -> String {
    let made = market.cast.publisher.post(IMPORTS, wanted);
    let made = made.expect("asked for");
    let id = made["id"].as_str().expect("an identifier");
    assert!(
        !made.to_string().contains(PASSWORD),
        "secrets are not shown"
    );
    format!("{IMPORTS}/{id}")
}

/// Waits until an import is over; gives what became of it.
fn ended(market: &Market, import: &str) -> Value {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let found = market.cast.publisher.get(import).expect("the import");
        if !found["ended_at"].is_null() {
            return found;
        }
        assert!(Instant::now() < end, "it does not end: {found:#}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn staged(market: &Market, tag: &str) -> Client {
    let ann = Credentials::Basic {
        user: "ann".to_owned(),
        password: market.desk.token().to_owned(),
    };
    let client = Client::new(market.server.host(), ann, &ClientOptions::default());
    let client = client.expect("a client");
    let reference: Reference = format!("staging/acme/harbour:{tag}")
        .parse()
        .expect("a reference");
    let manifest = client.manifest(&reference).expect("it is here");
    for blob in manifest.blobs() {
        let mut bytes = client.blob(&reference.repo, blob).expect("a blob");
        std::io::copy(&mut bytes, &mut std::io::sink()).expect("whole");
    }
    client
}

#[test]
fn an_image_of_another_registry_is_imported_with_its_password() {
    let Some(other) = Other::start() else { return };
    let digest = other.push("1.0", &spec("1.0"));
    let dir = tempfile::tempdir().expect("a folder");
    let (market, _) = market(&dir);
    let done = ended(&market, &ask(&market, &other.wanted("1.0", true)));
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["digest"], digest.as_str());
    assert_eq!(done["bytes_done"], done["bytes_total"], "{done:#}");
    staged(&market, "1.0");
    // Once more, by digest: everything is here.
    let mut again = other.wanted(digest.as_str(), true);
    again["tag"] = json!("again");
    let done = ended(&market, &ask(&market, &again));
    assert_eq!(done["state"], "done", "{done:#}");
    staged(&market, "again");

    for (wanted, says) in [
        (other.wanted("1.0", false), "give a user and a password"),
        (other.wanted("2.0", true), "check repository and tag"),
        (
            json!({"registry": "192.168.255.254:9", "repository": "a/b", "reference": "1", "into": "harbour", "tag": "1"}),
            "imports.allow_networks",
        ),
    ] {
        let failed = ended(&market, &ask(&market, &wanted));
        let error = failed["error"].as_str().expect("words");
        assert!(error.contains(says), "{error}");
        assert_eq!(failed["state"], "failed");
    }
    let notices = market.cast.publisher.get("/api/v1/notices");
    let notices = notices.expect("notices").to_string();
    assert!(notices.contains("could not be imported"), "{notices}");
}

#[test]
fn an_import_beyond_the_quota_is_refused_before_anything_comes() {
    let Some(other) = Other::start() else { return };
    other.push("1.0", &spec("1.0"));
    let dir = tempfile::tempdir().expect("a folder");
    let (market, _) = market(&dir);
    let storage = "/api/v1/publishers/acme/storage";
    // Enough for the first blobs, not for all: the repository is not there yet.
    let set = (market.cast.operator).put(storage, &json!({"quota_bytes": 2_000}));
    set.expect("a quota");
    let failed = ended(&market, &ask(&market, &other.wanted("1.0", true)));
    assert_eq!(failed["state"], "failed", "{failed:#}");
    let error = failed["error"].as_str().expect("words");
    assert!(error.contains("of 2000 bytes allowed"), "{error}");
    let taken = market.cast.publisher.get(storage).expect("told");
    assert_eq!(taken["used_bytes"], 0, "{taken:#}");
}

#[test]
fn an_import_that_is_killed_goes_on_after_the_next_start() {
    let Some(other) = Other::start() else { return };
    let layer = |number: usize| {
        // Bytes that no compression makes small.
        let content = std::iter::successors(Some(number as u64 + 1), |n| {
            Some(n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1))
        });
        let content = content.take(1 << 20).flat_map(u64::to_be_bytes).collect();
        let file = File {
            path: format!("data/{number}"),
            mode: 0o644,
            content,
        };
        (format!("COPY {number}"), Content::Files(vec![file]))
    };
    let mut large = spec("1.0");
    large.layers.extend((0..8).map(layer));
    let digest = other.push("1.0", &large);
    let dir = tempfile::tempdir().expect("a folder");
    let (mut market, config) = market(&dir);
    let import = ask(&market, &other.wanted("1.0", true));
    std::thread::sleep(Duration::from_millis(700));
    market.server.kill().expect("killed");
    market.server = serve_with(&dir.path().join("data"), &["--config", &config]);
    let ann = testkit::User::with_password(market.server.url(), "ann", testkit::Cast::password());
    market.cast.publisher = ann;
    let done = ended(&market, &import);
    assert_eq!(done["state"], "done", "{done:#}");
    assert_eq!(done["digest"], digest.as_str());
    staged(&market, "1.0");
}
