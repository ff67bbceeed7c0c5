//! A marketplace with people in it, each test its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use oci::{Digest, ImageSource, Layout, RawManifest, media_type};
use serde_json::{Value, json};
use store::Database;
use tempfile::TempDir;
use testkit::{
    Cast, Content, File, Health, ImageSpec, Listing, Narrator, PublisherDesk, Server, write_image,
};

use crate::has;

/// Nobody watches a test.
pub(crate) struct Silent;

impl Narrator for Silent {
    fn say(&self, _text: &str) {}
    fn progress(&self, _done: u64, _total: u64, _note: &str) {}
}

/// A server, people, a publisher's desk and images.
pub(crate) struct Market {
    pub(crate) server: Server,
    pub(crate) cast: Cast,
    pub(crate) desk: PublisherDesk,
    pub(crate) dir: TempDir,
}

impl Market {
    /// Starts a marketplace in a folder of its own, with a verified publisher.
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let data = dir.path().join("data");
        Self::open(dir, &data, &[])
    }

    /// The same with its data in a folder of the test's choice.
    pub(crate) fn start_in(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    /// The same with further arguments for the server.
    pub(crate) fn start_with(data: &Path, args: &[&str]) -> Self {
        Self::open(tempfile::tempdir().expect("a temporary folder"), data, args)
    }

    /// The same by a program that starts the server in its own way.
    pub(crate) fn start_by(program: &Path, data: &Path, args: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        Self::with_server(dir, serve_by(program, data, "127.0.0.1:0", args))
    }

    fn open(dir: TempDir, data: &Path, args: &[&str]) -> Self {
        Self::with_server(dir, serve_with(data, args))
    }

    fn with_server(dir: TempDir, server: Server) -> Self {
        let password = server
            .ready
            .operator_password
            .clone()
            .expect("an empty folder prints the password");
        let cast = Cast::gather(server.url(), &password).expect("people sign up");
        let desk =
            PublisherDesk::open(&cast, server.host(), "acme", "harbour").expect("the desk opens");
        Self {
            server,
            cast,
            desk,
            dir,
        }
    }

    /// Starts one and brings a product to the market; gives the released digest too.
    pub(crate) fn with_release() -> (Self, Digest) {
        let market = Self::start();
        let digest = market.release("1.0");
        (market, digest)
    }

    /// Pushes, submits, approves and waits until `tag` is released.
    pub(crate) fn release(&self, tag: &str) -> Digest {
        self.release_image(tag, self.image(tag).as_ref())
    }

    /// The same with an image of the test's choice.
    pub(crate) fn release_image(&self, tag: &str, image: &dyn ImageSource) -> Digest {
        let (submission, page) = self.image_in_review(tag, image);
        self.decide(&submission, "approve", "");
        let released = self
            .desk
            .wait(&submission, &["approved"], &Silent)
            .expect("the release ends");
        assert_eq!(released["submission"]["state"], "released", "{released:#}");
        let digest = page["submission"]["digest"].as_str().expect("a digest");
        digest.parse().expect("a digest")
    }

    /// Completes the manifest and submits `tag`.
    pub(crate) fn submit(&self, tag: &str) -> String {
        let problems = self
            .desk
            .describe(&listing())
            .expect("the manifest is taken");
        assert!(problems.is_empty(), "{problems:?}");
        self.desk.submit(tag).expect("the submission is taken")
    }

    /// Pushes, signs and submits `tag`, and waits until people can look at it.
    pub(crate) fn in_review(&self, tag: &str) -> (String, Value) {
        self.image_in_review(tag, self.image(tag).as_ref())
    }

    fn image_in_review(&self, tag: &str, image: &dyn ImageSource) -> (String, Value) {
        self.desk
            .push(image, tag, &Silent)
            .expect("the push succeeds");
        let submission = self.submit(tag);
        let page = self
            .desk
            .wait(&submission, &["inspecting"], &Silent)
            .expect("inspection ends");
        assert_eq!(page["submission"]["state"], "in-review", "{page:#}");
        (submission, page)
    }

    pub(crate) fn decide(&self, submission: &str, decision: &str, reason: &str) {
        let body = json!({ "decision": decision, "reason": reason });
        self.cast
            .reviewer
            .post(&format!("/api/v1/submissions/{submission}/decision"), &body)
            .expect("the decision is taken");
    }

    /// An image of a few Debian packages that passes the checks; another one for each tag.
    /// The operator holds, reinstates or revokes the listing.
    pub(crate) fn manage(&self, action: &str) {
        let path = format!("/api/v1/listings/acme/harbour/{action}");
        let reason = json!({ "reason": "A complaint" });
        let done = self.cast.operator.post(&path, &reason);
        done.expect("the operator may");
    }

    pub(crate) fn image(&self, tag: &str) -> Box<dyn ImageSource> {
        let layout = Layout::create(&self.layout()).expect("a layout");
        write_image(&layout, tag, &spec(tag)).expect("the image is written");
        Box::new(layout.select(Some(tag)).expect("the tag is there"))
    }

    /// Pushes an index of an amd64 and an arm64 image to staging; gives its name with the host,
    /// or nothing where skopeo is missing.
    pub(crate) fn push_two_platforms(&self, tag: &str) -> Option<String> {
        if !has("skopeo") {
            return None;
        }
        let path = self.dir.path().join("platforms");
        let layout = Layout::create(&path).expect("a layout");
        let image = |architecture: &str| {
            let spec = ImageSpec {
                architecture: architecture.to_owned(),
                ..spec(tag)
            };
            let manifest = write_image(&layout, architecture, &spec).expect("it is written");
            let mut entry = json!(manifest.descriptor());
            entry["platform"] = json!({ "architecture": architecture, "os": "linux" });
            entry
        };
        let index = json!({
            "schemaVersion": 2, "mediaType": media_type::OCI_INDEX,
            "manifests": [image("amd64"), image("arm64")],
        });
        let index = RawManifest::parse(index.to_string().into_bytes(), None).expect("an index");
        layout.put_manifest(&index, Some(tag)).expect("a tag");
        let name = format!("{}/staging/acme/platforms:{tag}", self.server.host());
        succeed(&mut skopeo(&[
            "copy",
            "--all",
            "--dest-tls-verify=false",
            "--dest-creds",
            &format!("ann:{}", self.desk.token()),
            &format!("oci:{}:{tag}", path.display()),
            &format!("docker://{name}"),
        ]));
        Some(name)
    }

    /// Makes a folder with a client's configuration, in which somebody is signed in.
    pub(crate) fn signed_in(&self, who: &str, token: &str) -> PathBuf {
        let home = self.dir.path().join(format!("home-{who}"));
        std::fs::create_dir_all(&home).expect("a folder");
        let auth = base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            format!("{who}:{token}"),
        );
        let config = json!({ "auths": { self.server.host(): { "auth": auth } } });
        std::fs::write(home.join("config.json"), config.to_string()).expect("a file");
        home
    }

    pub(crate) fn layout(&self) -> PathBuf {
        self.dir.path().join("layout")
    }

    /// Gives carl a subscription and an access token that reads.
    pub(crate) fn subscribe(&self) -> String {
        let plan = json!({ "plan": "community", "accept_license": true });
        self.cast
            .consumer
            .post("/api/v1/products/acme/harbour/subscription", &plan)
            .expect("carl subscribes");
        self.consumer_token()
    }

    pub(crate) fn consumer_token(&self) -> String {
        let token = self
            .cast
            .consumer
            .post(
                "/api/v1/account/tokens",
                &json!({ "name": "laptop", "may_push": false }),
            )
            .expect("a token");
        token["secret"]
            .as_str()
            .expect("it is shown once")
            .to_owned()
    }

    /// Waits until carl can pull what he is named to see before its release.
    pub(crate) fn wait_for_preview(&self) {
        let end = Instant::now() + Duration::from_secs(60);
        while Instant::now() < end {
            let seen = self.cast.consumer.get("/api/v1/previews/acme/harbour");
            if seen.expect("carl sees it")["repository"].is_string() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the preview does not come");
    }

    pub(crate) fn public_key(&self) -> PathBuf {
        self.server.data().join("keys/release.pub")
    }
}

/// Starts the program under test.
pub(crate) fn serve(data: &Path) -> Server {
    serve_with(data, &[])
}

/// The same with further arguments.
pub(crate) fn serve_with(data: &Path, args: &[&str]) -> Server {
    let program = Path::new(env!("CARGO_BIN_EXE_plimsoll"));
    serve_by(program, data, "127.0.0.1:0", args)
}

/// The same by a program that starts it in its own way, at an address.
pub(crate) fn serve_by(program: &Path, data: &Path, listen: &str, args: &[&str]) -> Server {
    Server::start(program, data, listen, args).expect("the server starts")
}

/// Opens what a server keeps in its folder beside it, or after it.
pub(crate) async fn database(data: &Path) -> Database {
    let url = format!("sqlite:{}", data.join("plimsoll.db").display());
    let db = Database::open(&url.parse().expect("an address")).await;
    db.expect("a database")
}

pub(crate) fn listing() -> Listing {
    Listing {
        name: "Harbour".to_owned(),
        short_description: "Keeps a log of what comes and goes.".to_owned(),
        long_description: "# Harbour\n\nOne process, one file.".to_owned(),
    }
}

/// Debian's `dpkg` knows of an OpenSSL that has holes.
const STATUS: &str = "Package: libssl3\nStatus: install ok installed\nArchitecture: amd64\nSource: openssl\nVersion: 3.0.11-1~deb12u1\nMaintainer: Debian\n\nPackage: zlib1g\nStatus: install ok installed\nArchitecture: amd64\nSource: zlib\nVersion: 1:1.2.13.dfsg-1\nMaintainer: Debian\n";
const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n";

pub(crate) fn spec(tag: &str) -> ImageSpec {
    let base = vec![
        File::text("etc/os-release", OS_RELEASE),
        File::text("var/lib/dpkg/status", STATUS),
        File::text("licenses/LICENSE", "Apache-2.0\n"),
    ];
    let program = vec![File::program(
        "usr/local/bin/harbour",
        &format!("#!/bin/sh\necho {tag}\n"),
    )];
    let label =
        |name: &str, value: &str| (format!("org.opencontainers.image.{name}"), value.to_owned());
    ImageSpec {
        layers: vec![
            ("ADD rootfs.tar /".to_owned(), Content::Files(base)),
            (
                "COPY harbour /usr/local/bin/harbour".to_owned(),
                Content::Files(program),
            ),
        ],
        health: Health {
            command: Some("test -x /usr/local/bin/harbour".to_owned()),
            user: "10001".to_owned(),
        },
        labels: BTreeMap::from([
            label("title", "Harbour"),
            label("description", "Keeps a log"),
            label("vendor", "Acme"),
            label("version", tag),
            label("licenses", "Apache-2.0"),
            label("source", "https://example.com"),
        ]),
        command: vec!["/usr/local/bin/harbour".to_owned()],
        created: "2026-11-20T08:00:00Z".to_owned(),
        architecture: "amd64".to_owned(),
    }
}

/// Makes a command of skopeo's.
pub(crate) fn skopeo(args: &[&str]) -> Command {
    let mut command = Command::new("skopeo");
    command.arg("--insecure-policy").args(args);
    command
}

/// Makes a command of skopeo's that copies an image from the market.
pub(crate) fn skopeo_pull(creds: &str, image: &str, target: &str) -> Command {
    let from = ["copy", "--src-tls-verify=false", "--src-creds", creds];
    skopeo(&[&from[..], &[image, target]].concat())
}

/// Runs a client to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().expect("the client starts")
}

/// Runs a client that must succeed; gives what it printed.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = run(command);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{command:?} failed: {said}\n{}",
        String::from_utf8_lossy(&output.stdout)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a client that must fail; gives what it said.
pub(crate) fn fail(command: &mut Command) -> String {
    let output = run(command);
    assert!(!output.status.success(), "{command:?} should have failed");
    String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout)
}

/// Returns the texts of an array's field.
pub(crate) fn texts<'a>(list: &'a Value, field: &str) -> Vec<&'a str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item[field].as_str())
        .collect()
}
