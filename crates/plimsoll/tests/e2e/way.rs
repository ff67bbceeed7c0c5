//! The whole way, from push to verified pull, and its refusals.

use oci::{Client, ClientOptions, Credentials, Layout};
use serde_json::json;
use testkit::{ApiError, User};

use crate::market::{Market, succeed, texts};

fn refused<T: std::fmt::Debug>(outcome: anyhow::Result<T>) -> ApiError {
    outcome
        .expect_err("this must be refused")
        .downcast()
        .expect("the server says why")
}

#[test]
fn an_image_goes_from_push_to_verified_pull() {
    let market = Market::start();
    let (first, page) = market.in_review("1.0");
    assert_eq!(
        page["submission"]["signature"]["verified"], true,
        "{page:#}"
    );
    assert!(
        !texts(&page["findings"], "vulnerability").is_empty(),
        "an old OpenSSL has holes: {page:#}"
    );

    market.decide(&first, "request-changes", "Please explain the findings.");
    let again = refused(market.desk.submit("1.0"));
    assert_eq!((again.status, again.code.as_str()), (409, "conflict"));
    assert!(again.message.contains("nothing changed"), "{again}");

    let digest = market.release("1.1");
    let nobody = User::nobody(market.server.url());
    let found = nobody
        .get("/api/v1/products?q=harbour")
        .expect("everybody may search");
    assert_eq!(found["total"], 1);

    let token = market.subscribe();
    let credentials = Credentials::Basic {
        user: "carl".to_owned(),
        password: token.clone(),
    };
    let client = Client::new(market.server.host(), credentials, &ClientOptions::default())
        .expect("a client");
    let pulled = Layout::create(&market.dir.path().join("pulled")).expect("a layout");
    let descriptor = client.pull_to_layout(
        &"acme/harbour:1.1".parse().expect("a reference"),
        &pulled,
        &mut |_| {},
    );
    assert_eq!(descriptor.expect("carl may pull").digest, digest);

    let mut verify = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"));
    verify.args([
        "verify",
        &format!("{}/acme/harbour:1.1", market.server.host()),
        "--user",
        &format!("carl:{token}"),
        "--key",
    ]);
    let said = succeed(verify.arg(market.public_key()));
    assert!(
        said.contains(digest.hex()) || said.contains(digest.short()),
        "{said}"
    );
}

#[test]
fn who_publishes_does_not_approve() {
    let market = Market::start();
    let (submission, _) = market.in_review("1.0");
    let body = json!({ "decision": "approve", "reason": "" });
    let path = format!("/api/v1/submissions/{submission}/decision");
    assert_eq!(refused(market.desk.user.post(&path, &body)).status, 403);
    assert_eq!(
        refused(market.cast.consumer.post(&path, &body)).status,
        404,
        "others are not told that it exists"
    );
    assert_eq!(
        refused(User::nobody(market.server.url()).post(&path, &body)).status,
        401
    );
}

#[test]
fn a_wrong_password_is_refused_in_words() {
    let market = Market::start();
    let wrong = User::with_password(market.server.url(), "ann", "not her password at all");
    let refused = refused(wrong.get("/api/v1/account/tokens"));
    assert_eq!(
        (refused.status, refused.code.as_str()),
        (401, "wrong-password")
    );
}

#[test]
fn everything_survives_a_restart() {
    let (mut market, digest) = Market::with_release();
    let token = market.subscribe();
    market.server.kill().expect("the server is killed");
    market.server = crate::market::serve(&market.dir.path().join("data"));
    assert_eq!(
        market.server.ready.operator_password, None,
        "the password is printed once"
    );
    let credentials = Credentials::Basic {
        user: "carl".to_owned(),
        password: token,
    };
    let client = Client::new(market.server.host(), credentials, &ClientOptions::default())
        .expect("a client");
    let found = client
        .manifest(&"acme/harbour:1.0".parse().expect("a reference"))
        .expect("carl may still pull");
    assert_eq!(found.digest, digest);
}

#[test]
fn verify_asks_the_log_and_remembers_it() {
    let (market, digest) = Market::with_release();
    let token = market.subscribe();
    let image = format!("{}/acme/harbour:1.0", market.server.host());
    let home = market.dir.path().join("verifier");
    let key = market.public_key();
    let verify = |more: &[&str]| {
        let mut verify = std::process::Command::new(env!("CARGO_BIN_EXE_plimsoll"));
        verify.args([
            "verify",
            &image,
            "--user",
            &format!("carl:{token}"),
            "--key",
        ]);
        let output = verify
            .arg(&key)
            .args(more)
            .env("HOME", &home)
            .env_remove("XDG_STATE_HOME");
        let output = output.output().expect("it runs");
        let said = [output.stdout, output.stderr].concat();
        (
            output.status.code(),
            String::from_utf8_lossy(&said).into_owned(),
        )
    };
    let (code, said) = verify(&[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains(digest.hex()) && said.contains("with 1 entry"),
        "{said}"
    );
    let proof = market.dir.path().join("proof.json").display().to_string();
    assert_eq!(verify(&["--save-proof", &proof]).0, Some(0));

    market.manage("hold");
    let (code, said) = verify(&[]);
    assert_eq!(code, Some(5), "{said}");
    assert!(
        said.contains("is signed, but it is on hold since"),
        "{said}"
    );
    // What was said before the hold does not hide it from whoever saw that the log went on.
    let (code, said) = verify(&["--proof", &proof]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("1 of the 2 entries"), "{said}");
    let (code, said) = verify(&["--proof", &proof, "--at", "2020-01-01"]);
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("was not released by"), "{said}");
    market.manage("reinstate");
    assert_eq!(verify(&[]).0, Some(0));

    // A market whose log is not the one that was seen.
    let seen = std::fs::read_dir(home.join(".local/state/plimsoll/logs")).expect("a folder");
    let seen = seen
        .map(|file| file.expect("a file").path())
        .next()
        .expect("one");
    let text = std::fs::read_to_string(&seen).expect("text");
    let mut other: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    other["size"] = json!(2);
    std::fs::write(&seen, other.to_string()).expect("written");
    let (code, said) = verify(&[]);
    assert_eq!(code, Some(4), "{said}");
    assert!(said.contains("its past was changed"), "{said}");
}
