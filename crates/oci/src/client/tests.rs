mod server;
mod tls;

use std::{fs, io::Read, sync::Mutex};

use serde_json::json;
use server::{Answer, Memory, Request, Server};
use tempfile::tempdir;

use super::*;
use crate::{Descriptor, Layout, Reference, media_type, platform_images, testing};

const SECRET: &str = "s3cret-word";

fn client(host: &str, credentials: Credentials) -> Client {
    Client::new(host, credentials, &ClientOptions::default()).expect("a client")
}

fn anonymous(server: &Server) -> Client {
    client(&server.host, Credentials::Anonymous)
}

fn alice() -> Credentials {
    Credentials::Basic {
        user: "alice".to_owned(),
        password: SECRET.to_owned(),
    }
}

fn reference(text: &str) -> Reference {
    text.parse().expect("a reference")
}

fn repo() -> RepoName {
    "acme/db".parse().expect("a name")
}

fn registry() -> Server {
    Server::start(|_| {
        let memory = Mutex::<Memory>::default();
        move |request: &Request| memory.lock().expect("the registry").answer(request)
    })
}

fn always(answer: Answer) -> Server {
    Server::start(|_| move |_: &Request| answer.clone())
}

#[test]
fn carries_whole_images_both_ways() {
    let dir = tempdir().expect("a directory");
    let (layout, outer) = testing::two_platforms(&dir.path().join("from"));
    let server = registry();
    let client = anonymous(&server);
    let source = layout.select(None).expect("an image");
    let (mut sent, mut manifests) = (0, 0);
    let mut count = |progress: Progress<'_>| match progress {
        Progress::Blob { done, total, .. } => sent += usize::from(done == total),
        Progress::Manifest { .. } => manifests += 1,
        Progress::Present { .. } => {}
    };
    let digest = client
        .push_from(&source, &reference("acme/db:1.4"), &mut count)
        .expect("a push");
    assert_eq!((&digest, manifests), (&outer.digest, 4));
    assert_eq!(sent, 7, "four layers, three configurations");

    let mut present = 0;
    client
        .push_from(&source, &reference("acme/db:1.5"), &mut |progress| {
            assert!(!matches!(progress, Progress::Blob { .. }), "{progress:?}");
            present += usize::from(matches!(progress, Progress::Present { .. }));
        })
        .expect("a second push");
    assert_eq!(present, 7);

    let back = Layout::create(&dir.path().join("back")).expect("a layout");
    let by_tag = reference("acme/db:1.4");
    client
        .pull_to_layout(&by_tag, &back, &mut |_| {})
        .expect("a pull");
    assert_eq!(back.tags().expect("tags"), ["1.4"]);
    let pulled = platform_images(&back.select(Some("1.4")).expect("an image")).expect("images");
    assert_eq!(pulled, platform_images(&source).expect("images"));
    let head = client.head_manifest(&by_tag).expect("an answer");
    assert_eq!(head, Some(outer.descriptor()));
    assert_eq!(
        client
            .head_manifest(&reference("acme/db:9"))
            .expect("an answer"),
        None
    );
    let agent = server.seen()[0].header("user-agent").map(str::to_owned);
    assert_eq!(
        agent,
        Some(format!("plimsoll/{}", env!("CARGO_PKG_VERSION")))
    );
}

/// A registry that wants a token, and the token service on the same port.
fn with_tokens() -> Server {
    Server::start(|host| {
        let challenge = format!(r#"Bearer realm="http://{host}/token",service="the shop""#);
        let memory = Mutex::<Memory>::default();
        move |request: &Request| {
            if request.is("GET", "/token") {
                let good =
                    request.header("authorization") == Some("Basic YWxpY2U6czNjcmV0LXdvcmQ=");
                return if good {
                    let scope = request.target.split("scope=").nth(1).unwrap_or_default();
                    Answer::new(200, json!({"token": format!("t-{scope}")}).to_string())
                } else {
                    Answer::new(
                        401,
                        r#"{"errors":[{"code":"UNAUTHORIZED","message":"wrong password"}]}"#,
                    )
                };
            }
            let token = request.header("authorization").unwrap_or_default();
            if token.starts_with("Bearer t-repository%3Aacme%2Fdb%3Apull") {
                memory.lock().expect("the registry").answer(request)
            } else {
                Answer::new(401, "{}").with("WWW-Authenticate", &challenge)
            }
        }
    })
}

#[test]
fn asks_for_a_token_once_a_scope() {
    let dir = tempdir().expect("a directory");
    let (layout, _) = testing::two_platforms(dir.path());
    let server = with_tokens();
    let client = client(&server.host, alice());
    client
        .push_from(
            &layout.select(None).expect("an image"),
            &reference("acme/db:1"),
            &mut |_| {},
        )
        .expect("a push");
    client
        .manifest(&reference("acme/db:1"))
        .expect("a manifest");
    let tokens: Vec<_> = server
        .seen()
        .into_iter()
        .filter(|request| request.is("GET", "/token"))
        .map(|request| request.target)
        .collect();
    assert_eq!(
        tokens,
        [
            "/token?service=the%20shop&scope=repository%3Aacme%2Fdb%3Apull%2Cpush&account=alice",
            "/token?service=the%20shop&scope=repository%3Aacme%2Fdb%3Apull&account=alice",
        ]
    );
}

#[test]
fn a_refresh_token_gets_tokens_by_the_form() {
    let server = Server::start(|host| {
        let challenge = format!(r#"Bearer realm="http://{host}/token?a=1",service="the shop""#);
        move |request: &Request| {
            if request.is("POST", "/token") {
                return Answer::new(200, json!({"access_token": "short"}).to_string());
            }
            match request.header("authorization") {
                Some("Bearer short") => Answer::new(404, "{}"),
                _ => Answer::new(401, "{}").with("WWW-Authenticate", &challenge),
            }
        }
    });
    let identity = Credentials::Identity(SECRET.to_owned());
    assert!(!format!("{identity:?}").contains(SECRET));
    client(&server.host, identity)
        .manifest(&reference("acme/db:1"))
        .expect_err("there is none");
    let asked = &server.seen()[1];
    assert_eq!(asked.target, "/token?a=1");
    assert_eq!(
        String::from_utf8_lossy(&asked.body),
        format!(
            "service=the%20shop&scope=repository%3Aacme%2Fdb%3Apull&grant_type=refresh_token&client_id=plimsoll&refresh_token={SECRET}"
        )
    );
}

#[test]
fn refused_credentials_are_named_and_never_shown() {
    let server = with_tokens();
    let wrong = Credentials::Basic {
        user: "bob".to_owned(),
        password: SECRET.to_owned(),
    };
    let client = client(&server.host, wrong);
    let error = client
        .manifest(&reference("acme/db:1"))
        .expect_err("a refusal");
    assert_eq!(
        error.to_string(),
        format!(
            "{}: unauthorized: wrong password (UNAUTHORIZED, 401)",
            server.host
        )
    );
    assert!(!format!("{error:?} {client:?}").contains(SECRET));
    let token = Credentials::Token(SECRET.to_owned());
    assert!(!format!("{token:?} {:?}", alice()).contains(SECRET));
}

#[test]
fn answers_basic_challenges() {
    let server = Server::start(|_| {
        |request: &Request| match request.header("authorization") {
            Some("Basic YWxpY2U6czNjcmV0LXdvcmQ=") => Answer::new(200, r#"{"tags":["a"]}"#),
            _ => Answer::new(401, "").with("WWW-Authenticate", "Basic realm=\"x\""),
        }
    });
    let client = client(&server.host, alice());
    for _ in 0..2 {
        assert_eq!(client.tags(&repo()).expect("tags"), ["a"]);
    }
    assert_eq!(server.seen().len(), 3, "one challenge");
    let error = anonymous(&server).tags(&repo()).expect_err("a refusal");
    assert!(error.to_string().contains("not signed in"), "{error}");
}

#[test]
fn credentials_stay_with_their_host() {
    let blob = Descriptor::new(media_type::OCI_LAYER, Digest::of(b"layer"), 5);
    let storage = always(Answer::new(200, "layer"));
    let elsewhere = storage.host.clone();
    let server = Server::start(move |_| {
        move |request: &Request| {
            let here = request.target.contains("/here");
            let to = if here {
                format!("http://{elsewhere}/bucket/x?sig=1")
            } else {
                "/here".to_owned()
            };
            Answer::new(307, "").with("Location", to)
        }
    });
    let client = client(&server.host, Credentials::Token(SECRET.to_owned()));
    let mut bytes = Vec::new();
    client
        .blob(&repo(), &blob)
        .expect("a blob")
        .read_to_end(&mut bytes)
        .expect("the blob");
    assert_eq!(bytes, b"layer");
    let sent = |server: &Server| {
        let seen = server.seen();
        seen.iter()
            .map(|r| r.header("authorization").is_some())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (sent(&server), sent(&storage)),
        (vec![true, true], vec![false])
    );
}

#[test]
fn redirects_end() {
    let server = always(Answer::new(302, "").with("Location", "/again"));
    let error = anonymous(&server).tags(&repo()).expect_err("a circle");
    assert!(
        error.to_string().contains("more than 5 redirects"),
        "{error}"
    );
}

#[test]
fn says_what_the_registry_said() {
    let body = r#"{"errors":[{"code":"DENIED","message":"you have no \u001bsubscription"}]}"#;
    let server = always(Answer::new(403, body));
    let error = anonymous(&server).tags(&repo()).expect_err("a refusal");
    assert_eq!(error.status(), Some(403));
    assert_eq!(
        error.to_string(),
        format!(
            "{}/acme/db: denied: you have no  subscription (DENIED, 403)",
            server.host
        )
    );
    let page = anonymous(&always(Answer::new(502, "<html>")));
    let error = page.tags(&repo()).expect_err("a failure").to_string();
    assert!(
        error.ends_with("the registry failed: try again, or look into its log (502)"),
        "{error}"
    );
    let error = client("127.0.0.1:1", Credentials::Anonymous)
        .tags(&repo())
        .expect_err("nobody there")
        .to_string();
    assert!(error.starts_with("127.0.0.1:1: "), "{error}");
    assert!(error.contains("check that the registry runs"), "{error}");
}

#[test]
fn refuses_damage() {
    let bytes = r#"{"schemaVersion":2,"manifests":[]}"#;
    let other = Digest::of(b"other");
    let server = always(Answer::new(200, bytes).with("Docker-Content-Digest", other.as_str()));
    let error = anonymous(&server).manifest(&reference("acme/db:1"));
    assert!(
        matches!(error, Err(ClientError::Damaged { .. })),
        "{error:?}"
    );
    let server = always(Answer::new(200, bytes));
    let pinned = reference(&format!("acme/db@{other}"));
    let error = anonymous(&server).manifest(&pinned);
    assert!(
        matches!(error, Err(ClientError::Damaged { .. })),
        "{error:?}"
    );

    let blob = Descriptor::new(media_type::OCI_LAYER, Digest::of(b"layer"), 5);
    for answer in [
        Answer::new(200, "lay"),
        Answer::new(200, "layers"),
        Answer::new(200, "lever"),
        Answer::new(200, "lay").with("Content-Length", "5"),
    ] {
        let server = always(answer);
        let mut reader = anonymous(&server).blob(&repo(), &blob).expect("a blob");
        assert!(reader.read_to_end(&mut Vec::new()).is_err());
    }
}

#[test]
fn sends_no_damage() {
    let server = registry();
    let blob = Descriptor::new(media_type::OCI_LAYER, Digest::of(b"layer"), 5);
    for wrong in [&b"lay"[..], b"lever", b"layers"] {
        let error = anonymous(&server).push_blob(&repo(), &blob, &mut &*wrong);
        assert!(
            matches!(error, Err(ClientError::Damaged { .. })),
            "{error:?}"
        );
    }
    let client = anonymous(&server);
    assert!(
        !client
            .blob_exists(&repo(), &blob.digest)
            .expect("an answer")
    );
    assert!(
        client
            .push_blob(&repo(), &blob, &mut &b"layer"[..])
            .expect("a push")
    );
    assert!(
        !client
            .push_blob(&repo(), &blob, &mut &b"layer"[..])
            .expect("no push")
    );
    assert!(
        client
            .blob_exists(&repo(), &blob.digest)
            .expect("an answer")
    );
}

#[test]
fn reads_all_pages_of_tags() {
    let server = Server::start(|_| {
        |request: &Request| {
            if request.target.contains("last=b") {
                return Answer::new(200, r#"{"tags":["c"]}"#);
            }
            Answer::new(200, r#"{"tags":["a","b"]}"#)
                .with("Link", r#"</v2/acme/db/tags/list?last=b>; rel="next""#)
        }
    });
    assert_eq!(
        anonymous(&server).tags(&repo()).expect("tags"),
        ["a", "b", "c"]
    );
}

#[test]
fn lists_referrers_with_and_without_the_api() {
    let subject = Digest::of(b"subject");
    let entry = |kind: &str| {
        json!({"mediaType": media_type::OCI_MANIFEST, "digest": Digest::of(kind.as_bytes()),
            "size": 1, "artifactType": kind})
    };
    let index = json!({"schemaVersion": 2, "mediaType": media_type::OCI_INDEX,
        "manifests": [entry("a/sig"), entry("a/sbom")]})
    .to_string();
    let tag = format!("/v2/acme/db/manifests/sha256-{}", subject.hex());
    let old = {
        let index = index.clone();
        Server::start(move |_| {
            move |request: &Request| {
                if request.is("GET", &tag) {
                    return Answer::new(200, index.clone());
                }
                Answer::new(404, "404 page not found")
            }
        })
    };
    for server in [always(Answer::new(200, index)), old] {
        let client = anonymous(&server);
        assert_eq!(
            client
                .referrers(&repo(), &subject, None)
                .expect("a list")
                .len(),
            2
        );
        let one = client
            .referrers(&repo(), &subject, Some("a/sbom"))
            .expect("a list");
        assert_eq!(one[0].artifact_type.as_deref(), Some("a/sbom"));
        assert_eq!(one.len(), 1);
    }
    let nothing = always(Answer::new(404, ""));
    assert_eq!(
        anonymous(&nothing)
            .referrers(&repo(), &subject, None)
            .expect("a list"),
        []
    );
}

#[test]
fn keeps_to_public_addresses_where_told() {
    let server = registry();
    let options = ClientOptions {
        public_only: true,
        ..ClientOptions::default()
    };
    let client = Client::new(&server.host, alice(), &options).expect("a client");
    let error = client.tags(&repo()).expect_err("a refusal").to_string();
    assert!(error.contains("public registries only"), "{error}");
    assert!(server.seen().is_empty());
}

#[test]
fn refuses_what_is_no_host() {
    for host in ["", "a b", "a/b", "u:p@h", "h:port"] {
        let made = Client::new(host, Credentials::Anonymous, &ClientOptions::default());
        assert!(matches!(made, Err(ClientError::Host(_))), "{host}");
    }
    let hub = client("docker.io", Credentials::Anonymous);
    let name = "alpine".parse().expect("a name");
    assert_eq!(
        hub.url(&name, "tags/list"),
        "https://registry-1.docker.io/v2/library/alpine/tags/list"
    );
}

#[test]
fn reads_docker_configurations() {
    let dir = tempdir().expect("a directory");
    let path = dir.path().join("config.json");
    let read = |host: &str| Credentials::from_docker_config(&path, host);
    assert_eq!(read("a.example").expect("no file"), None);
    let config = json!({"auths": {
        "https://index.docker.io/v1/": {"auth": "YWxpY2U6czNjcmV0LXdvcmQ="},
        "a.example:5000": {"username": "alice", "password": SECRET},
        "b.example": {"auth": "YWxpY2U6", "identitytoken": SECRET},
        "c.example": {"identitytoken": SECRET},
        "d.example": {},
        "e.example": {"auth": "czNjcmV0LXdvcmQ="},
        "f.example": {"registrytoken": SECRET},
    }});
    fs::write(&path, config.to_string()).expect("a file");
    assert_eq!(read("docker.io").expect("an entry"), Some(alice()));
    assert_eq!(read("A.example:5000").expect("an entry"), Some(alice()));
    assert_eq!(read("a.example").expect("no entry"), None);
    assert_eq!(
        read("f.example").expect("an entry"),
        Some(Credentials::Token(SECRET.to_owned()))
    );
    for host in ["b.example", "c.example"] {
        assert_eq!(
            read(host).expect("an entry"),
            Some(Credentials::Identity(SECRET.to_owned()))
        );
    }
    for (host, words) in [
        ("d.example", "kept by another program"),
        ("e.example", "run `docker login e.example` again"),
    ] {
        let error = read(host).expect_err("unusable");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?}").contains(SECRET));
    }
    fs::write(&path, format!(r#"{{"auths": {{"a": "{SECRET}"}}}}"#)).expect("a file");
    let error = format!("{:?}", read("a").expect_err("no configuration"));
    assert!(!error.contains(SECRET), "{error}");
}
