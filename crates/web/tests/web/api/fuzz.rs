//! Schemathesis against a real listener: what it makes up from the document, right and wrong,
//! must be answered as the document says.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "says what was skipped or tried"
)]

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use app::{App, Clock, ManualClock, market::Role};
use chrono::{DateTime, TimeDelta, Utc};

use crate::fixture::{self, Fixture};

/// Runs longer than this are cut, in seconds.
const SECONDS: &str = "60";

/// What Schemathesis cannot know from the document, each with its reason.
const CONFIG: &str = r#"
[generation]
# No text may hold U+0000, which the document says in words, once for all.
allow-x00 = false

[[operations]]
# A key is a point on a curve, a proof its signature, a picture a PNG file, a document OpenVEX, an
# end yet to come: no schema says that.
include-operation-id = ["add_key", "prove_key", "revoke_key", "upload_picture", "import_vex"]
checks.positive_data_acceptance.enabled = false

[[operations]]
# Whether a plan, a picture, an image or a name is there is known to the database only;
# and robots are not managed with a token.
include-operation-id = ["classify", "waive_check", "add_own_advisory", "state_vex", "subscribe", "set_logo", "submit", "create_account", "apply_as_publisher", "create_product", "create_robot", "create_robot_token"]
checks.positive_data_acceptance.enabled = false

[[operations]]
# Which owner may hear what, and what makes an address, no schema says.
include-operation-id = ["create_webhook", "change_webhook"]
checks.positive_data_acceptance.enabled = false

[[operations]]
# A reason is needed for some decisions and not for others.
include-operation-id = ["decide_publisher", "decide_submission", "decide_vex"]
checks.positive_data_acceptance.enabled = false
"#;

/// Keys are new for each request and tags of what is there, as the document says and a schema
/// cannot.
const HOOKS: &str = r#"
import uuid
import schemathesis

@schemathesis.hook
def before_call(context, case, kwargs):
    key = (case.headers or {}).get("Idempotency-Key")
    if isinstance(key, str) and case.meta and case.meta.generation.mode.is_positive:
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    tag = (case.headers or {}).get("If-Match")
    if isinstance(tag, str) and case.meta and case.meta.generation.mode.is_positive:
        case.headers["If-Match"] = "*"
"#;

/// A clock on which every wait is over at the next look: of all the wrong passwords that are
/// tried here none is answered with 429.
struct HastyClock(ManualClock);

impl Clock for HastyClock {
    fn now(&self) -> DateTime<Utc> {
        self.0.advance(TimeDelta::minutes(10));
        self.0.now()
    }
}

fn schemathesis() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "where the test finds its tool")]
    let named = std::env::var("PLIMSOLL_SCHEMATHESIS");
    let program = PathBuf::from(named.unwrap_or_else(|_| "schemathesis".to_owned()));
    let found = Command::new(&program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if found.is_ok_and(|status| status.success()) {
        return Some(program);
    }
    eprintln!("skipped: schemathesis is neither on the path nor named by PLIMSOLL_SCHEMATHESIS");
    None
}

/// Makes a market in which one account is nearly everything; gives its token and a submission.
async fn market() -> (Fixture, Arc<App>, String, String) {
    let fixture = Fixture::new().await;
    fixture.account("boss", Some("operator")).await;
    fixture.account("ann", None).await;
    fixture.publisher("ann").await;
    fixture.member("ann", "boss", Role::Owner).await;
    fixture.product("ann").await;
    let first = fixture.submission("ann", "1.0").await;
    fixture.release(&first).await;
    let submission = fixture.submission("ann", "2.0").await;
    let token = fixture.token("boss", true).await;
    fixture.app.close().await;
    let clock = HastyClock(ManualClock::new(fixture.clock.now()));
    let app = fixture::open(fixture.path(), Arc::new(clock)).await;
    (fixture, app, token, submission)
}

fn run(program: &Path, dir: &Path, address: &str, token: &str, config: &str) {
    std::fs::write(dir.join("schemathesis.toml"), config).expect("a configuration");
    std::fs::write(dir.join("new_keys.py"), HOOKS).expect("hooks");
    let output = Command::new(program)
        .current_dir(dir)
        .env("PYTHONPATH", dir)
        .env("SCHEMATHESIS_HOOKS", "new_keys")
        .args(["run", &format!("http://{address}/api/v1/openapi.json")])
        .args(["--header", &format!("Authorization: Bearer {token}")])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "15", "--max-time", SECONDS, "--seed", "1"])
        .args(["--workers", "1", "--request-timeout", "10", "--no-color"])
        .args([
            "--generation-database",
            "none",
            "--suppress-health-check",
            "all",
        ])
        .args(["--warnings", "off", "--no-shrink", "--continue-on-failure"])
        .output()
        .expect("schemathesis runs");
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}");
    let all = format!("Tested: {}", super::coverage::operations().len());
    assert!(
        said.contains(&all),
        "not every operation was tested: {said}"
    );
}

async fn check(parameters: impl Fn(&str) -> String) {
    let Some(program) = schemathesis() else {
        return;
    };
    let (fixture, app, token, submission) = market().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a listener");
    let address = listener.local_addr().expect("an address").to_string();
    let router = plimsoll_web::api::router(&app).with_state(app);
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let config = format!("{}\n{CONFIG}", parameters(&submission));
    let dir = fixture.path().to_owned();
    let work = move || run(&program, &dir, &address, &token, &config);
    tokio::task::spawn_blocking(work)
        .await
        .expect("schemathesis is content");
    server.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_made_up_requests_as_the_document_says() {
    check(|_| String::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_requests_about_real_things_as_the_document_says() {
    check(|submission| {
        format!(
            "[parameters]\npublisher = \"acme\"\nproduct = \"ship-db\"\nsubmission = \"{submission}\"\nnumber = 1\n"
        )
    })
    .await;
}
