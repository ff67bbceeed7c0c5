//! `cargo xtask demo`: a whole marketplace on loopback, and one real image's way through it.

use std::{io::IsTerminal, path::Path, process::Command};

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use testkit::{ApiError, Cast, Listing, Narrator, PublisherDesk, Server};

use crate::run::{cache, cargo, quietly, say, step, target};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The image to publish: host/name:tag, oci:DIR[:TAG], oci-archive:FILE or docker-archive:FILE; Debian by debootstrap otherwise
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// End when all steps are done instead of going on to serve
    #[arg(long)]
    exit: bool,
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8089")]
    listen: String,
}

/// A bar for what takes long, on a terminal; one line a step otherwise.
struct Stage(ProgressBar);

impl Stage {
    fn new() -> Self {
        let bar = if std::io::stderr().is_terminal() {
            ProgressBar::new(0)
        } else {
            ProgressBar::hidden()
        };
        bar.set_style(
            ProgressStyle::with_template("  {bar:30} {msg}").expect("the template is well formed"),
        );
        Self(bar)
    }
}

impl Narrator for Stage {
    fn say(&self, text: &str) {
        self.0.finish_and_clear();
        say(text);
    }

    fn progress(&self, done: u64, total: u64, note: &str) {
        self.0.set_length(total);
        self.0.set_position(done);
        self.0.set_message(note.to_owned());
    }
}

pub(crate) fn run(args: &Args) -> Result<()> {
    step(
        "building plimsoll",
        cargo().args(["build", "--quiet", "--package", "plimsoll"]),
    )?;
    let listen = if args.exit {
        "127.0.0.1:0"
    } else {
        &args.listen
    };
    let binary = target().join("debug/plimsoll");
    let mut market = Market::open(&binary, listen, args.image.as_deref())?;
    say(&market.shown.closing(&market.server));
    if args.exit {
        return Ok(());
    }
    say("It keeps serving; Ctrl-C ends it.");
    market.server.wait()?;
    Ok(())
}

/// The demo's market, with a product released.
pub(crate) struct Market {
    server: Server,
    shown: Shown,
}

impl Market {
    /// Starts one on an empty folder and tells of its steps.
    pub(crate) fn open(binary: &Path, listen: &str, image: Option<&str>) -> Result<Self> {
        say("── the image");
        let images = crate::images::obtain(image)?;
        say(&format!("  {}", images.description));
        let data = cache()?.join("demo");
        if data.exists() {
            std::fs::remove_dir_all(&data)
                .with_context(|| format!("cannot remove {}", data.display()))?;
        }
        let server = Server::start(binary, &data, listen, &[])?;
        say(&format!("── the marketplace serves at {}", server.url()));
        let shown = tell(&server, binary, &images, &Stage::new())?;
        Ok(Self { server, shown })
    }

    /// Returns where it serves.
    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    /// Returns the pages that are looked at most, by who looks: a name, the password of one who
    /// signs in, and where.
    pub(crate) fn places(&self) -> Vec<(&'static str, Option<String>, Vec<String>)> {
        let shared = |pages: &[&str]| {
            pages
                .iter()
                .map(|&page| page.to_owned())
                .collect::<Vec<_>>()
        };
        let (password, submission) = (Cast::password().to_owned(), &self.shown.submission);
        let mut own = shared(&["/publisher", "/publisher/acme", "/publisher/acme/harbour"]);
        own.push(format!("/submissions/{submission}"));
        let mut reviewed = shared(&["/review", "/review/classes"]);
        reviewed.push(format!("/submissions/{submission}"));
        let operator = self.shown.operator_password.clone();
        vec![
            (
                "anybody",
                None,
                shared(&[
                    "/",
                    "/search?q=harbour",
                    "/p/acme/harbour",
                    "/p/acme/harbour/tags",
                ]),
            ),
            (
                "carl",
                Some(password.clone()),
                shared(&["/account", "/notices"]),
            ),
            ("ann", Some(password.clone()), own),
            ("rita", Some(password), reviewed),
            (
                "operator",
                Some(operator),
                shared(&["/operator", "/operator/storage", "/operator/outbox"]),
            ),
        ]
    }
}

/// What the end of the demo tells.
struct Shown {
    operator_password: String,
    publisher_token: String,
    consumer_token: String,
    submission: String,
}

fn tell(
    server: &Server,
    binary: &Path,
    images: &crate::images::Pair,
    stage: &Stage,
) -> Result<Shown> {
    let operator_password = server
        .ready
        .operator_password
        .clone()
        .context("an empty folder prints the operator's password")?;
    let cast = Cast::gather(server.url(), &operator_password)?;
    stage.say("── accounts: operator, rita (reviewer), ann (publisher), carl (consumer)");
    let desk = PublisherDesk::open(&cast, server.host(), "acme", "harbour")?;
    stage.say(
        "── ann applies for Acme Shipping; the operator verifies it; ann registers a signing key",
    );
    describe(&desk, stage)?;
    let first = submit_first(&desk, images, stage)?;
    ask_for_changes(&cast, &desk, &first, stage)?;
    let second = resubmit(&desk, images, stage)?;
    approve(&cast, &desk, &second, stage)?;
    let consumer_token = consume(&cast, server, binary, stage)?;
    Ok(Shown {
        operator_password,
        publisher_token: desk.token().to_owned(),
        consumer_token,
        submission: second,
    })
}

fn listing(short_description: &str) -> Listing {
    Listing {
        name: "Harbour".to_owned(),
        short_description: short_description.to_owned(),
        long_description: "# Harbour\n\nKeeps a log of what comes and goes, and never loses a line.\n\n* one process, one file\n* nothing to configure\n".to_owned(),
    }
}

fn describe(desk: &PublisherDesk, stage: &Stage) -> Result<()> {
    let problems = desk.describe(&listing(&"A log of what comes and goes in a harbour, with a sentence that goes on for much longer than a card on the storefront could ever show. ".repeat(2)))?;
    for problem in &problems {
        stage.say(&format!(
            "  refused: {}: {}",
            text(problem, "field"),
            text(problem, "message")
        ));
    }
    let problems = desk.describe(&listing(
        "Keeps a log of what comes and goes. One process, one file, nothing to configure.",
    ))?;
    if !problems.is_empty() {
        bail!("the manifest should be complete: {problems:?}");
    }
    stage.say("── ann writes the product's manifest: all twelve items are there");
    Ok(())
}

fn submit_first(
    desk: &PublisherDesk,
    images: &crate::images::Pair,
    stage: &Stage,
) -> Result<String> {
    let digest = desk.push(images.first.as_ref(), "1.0", stage)?;
    stage.say(&format!(
        "── ann pushes staging/acme/harbour:1.0 and signs {}",
        digest.short()
    ));
    let submission = desk.submit("1.0")?;
    let page = desk.wait(&submission, &["inspecting"], stage)?;
    show_inspection(&page, stage)?;
    Ok(submission)
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

/// Prints what inspection found: signature, classes, the gravest findings, the checks that failed.
fn show_inspection(page: &Value, stage: &Stage) -> Result<()> {
    if text(&page["submission"], "state") == "failed" {
        bail!(
            "inspection failed: {}",
            text(&page["submission"], "problem")
        );
    }
    let list = |name: &str| page[name].as_array().cloned().unwrap_or_default();
    stage.say(&format!(
        "── inspected: {}",
        text(&page["submission"]["signature"], "reason")
    ));
    for image in list("images") {
        stage.say(&format!(
            "  {} {}: {} layers, {} components",
            text(&image, "platform"),
            text(&image, "distribution"),
            list_len(&image, "layers"),
            list_len(&image, "components")
        ));
    }
    let counts: Vec<_> = list("counts")
        .iter()
        .map(|count| format!("{} {}", count["findings"], text(count, "class")))
        .collect();
    stage.say(&format!("  findings: {}", counts.join(", ")));
    for finding in list("findings").iter().take(5) {
        stage.say(&format!(
            "  {:15} {:8} {:4} {} {}",
            text(finding, "vulnerability"),
            text(finding, "class"),
            finding["score"],
            text(finding, "component"),
            text(finding, "title")
        ));
    }
    let failed: Vec<_> = list("checks")
        .into_iter()
        .filter(|check| text(check, "status") == "failed")
        .collect();
    stage.say(&format!(
        "  checks: {} failed of {}",
        failed.len(),
        list_len(page, "checks")
    ));
    for check in failed.iter().take(5) {
        stage.say(&format!(
            "  {:24} {}",
            text(check, "id"),
            text(check, "suggestion")
        ));
    }
    Ok(())
}

fn list_len(value: &Value, name: &str) -> usize {
    value[name].as_array().map_or(0, Vec::len)
}

fn ask_for_changes(
    cast: &Cast,
    desk: &PublisherDesk,
    submission: &str,
    stage: &Stage,
) -> Result<()> {
    let own = desk.user.post(
        &format!("/api/v1/submissions/{submission}/decision"),
        &json!({ "decision": "approve", "reason": "" }),
    );
    stage.say(&format!(
        "── ann tries to approve her own submission: {}",
        refusal(own)?
    ));
    let remark = json!({ "anchor": "check:supported-distribution", "body": "This Debian gets no more security updates. Please build on a release that does." });
    cast.reviewer.post(
        &format!("/api/v1/submissions/{submission}/comments"),
        &remark,
    )?;
    let decision = json!({ "decision": "request-changes", "reason": "Please rebase on a supported release, add a health-check, and do not run as root." });
    cast.reviewer.post(
        &format!("/api/v1/submissions/{submission}/decision"),
        &decision,
    )?;
    stage.say("── rita pins a remark to a check and requests changes");
    stage.say(&format!(
        "── ann submits again without a change: {}",
        refusal(desk.submit("1.0").map(Value::from))?
    ));
    Ok(())
}

/// Returns the reason of a refusal that is expected.
fn refusal(outcome: Result<Value>) -> Result<String> {
    match outcome {
        Ok(value) => bail!("this should have been refused: {value}"),
        Err(error) => match error.downcast::<ApiError>() {
            Ok(refused) => Ok(format!("refused, {}", refused.message)),
            Err(other) => Err(other),
        },
    }
}

fn resubmit(desk: &PublisherDesk, images: &crate::images::Pair, stage: &Stage) -> Result<String> {
    let digest = desk.push(images.mended.as_ref(), "1.1", stage)?;
    stage.say(&format!(
        "── ann pushes the mended image as 1.1 and signs {}",
        digest.short()
    ));
    desk.describe(&listing(
        "Keeps a log of what comes and goes. One process, one file, no root.",
    ))?;
    let submission = desk.submit("1.1")?;
    let page = desk.wait(&submission, &["inspecting"], stage)?;
    show_inspection(&page, stage)?;
    let difference = &page["difference"];
    stage.say(&format!(
        "  since submission {}: {} findings gone, {} new; changed fields: {}",
        difference["since"],
        list_len(&difference["content"]["inside"], "gone_findings"),
        list_len(&difference["content"]["inside"], "new_findings"),
        difference["fields"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(", "),
    ));
    Ok(submission)
}

fn approve(cast: &Cast, desk: &PublisherDesk, submission: &str, stage: &Stage) -> Result<()> {
    let decision = json!({ "decision": "approve", "reason": "Thank you, all is well." });
    cast.reviewer.post(
        &format!("/api/v1/submissions/{submission}/decision"),
        &decision,
    )?;
    let page = desk.wait(submission, &["approved"], stage)?;
    if text(&page["submission"], "state") != "released" {
        bail!(
            "the submission should be released, it is {}",
            text(&page["submission"], "state")
        );
    }
    stage.say("── rita approves; plimsoll signs and releases acme/harbour:1.1");
    Ok(())
}

fn consume(cast: &Cast, server: &Server, binary: &Path, stage: &Stage) -> Result<String> {
    let found = cast.consumer.get("/api/v1/products?q=harbour")?;
    stage.say(&format!(
        "── carl searches for `harbour`: {} product(s)",
        found["total"]
    ));
    let token = cast.consumer.post(
        "/api/v1/account/tokens",
        &json!({ "name": "laptop", "may_push": false }),
    )?;
    let token = text(&token, "secret").to_owned();
    let folder = tempfile::tempdir()?;
    let pulled = pull(server, &token, &folder.path().join("before"));
    let reason = pulled
        .err()
        .context("a pull without entitlement must be refused")?;
    stage.say(&format!("── carl pulls without a subscription: {reason:#}"));
    let plan = json!({ "plan": "community", "accept_license": true });
    cast.consumer
        .post("/api/v1/products/acme/harbour/subscription", &plan)?;
    let layout = folder.path().join("after");
    pull(server, &token, &layout)?;
    stage.say("── carl subscribes to the Community plan, pulls the image…");
    let key = cache()?.join("demo/keys/release.pub");
    let reference = format!("{}/acme/harbour:1.1", server.host());
    let mut verify = Command::new(binary);
    // Each demo is a market of its own at an address that another one may have had.
    verify
        .env("XDG_STATE_HOME", folder.path())
        .args([
            "verify",
            &reference,
            "--user",
            &format!("carl:{token}"),
            "--key",
        ])
        .arg(&key);
    stage.say(&format!(
        "── …and verifies it: {}",
        quietly(&mut verify)?.trim()
    ));
    Ok(token)
}

fn pull(server: &Server, token: &str, dir: &Path) -> Result<()> {
    let credentials = oci::Credentials::Basic {
        user: "carl".to_owned(),
        password: token.to_owned(),
    };
    let client = oci::Client::new(server.host(), credentials, &oci::ClientOptions::default())?;
    let layout = oci::Layout::create(dir)?;
    client.pull_to_layout(&"acme/harbour:1.1".parse()?, &layout, &mut |_| {})?;
    Ok(())
}

impl Shown {
    fn closing(&self, server: &Server) -> String {
        let (url, host) = (server.url(), server.host());
        let Self {
            operator_password,
            publisher_token,
            consumer_token,
            submission,
        } = self;
        let password = Cast::password();
        format!(
            "
All steps succeeded.

Pages
  storefront        {url}/
  the product       {url}/p/acme/harbour
  publisher portal  {url}/publisher/acme
  the submission    {url}/submissions/{submission}
  review queue      {url}/review
  operator          {url}/operator
  API               {url}/api/v1/openapi.json

Accounts (sign in at {url}/sign-in)
  operator / {operator_password}
  rita     / {password}   reviewer
  ann      / {password}   publisher
  carl     / {password}   consumer

Try
  skopeo copy --src-tls-verify=false --src-creds carl:{consumer_token} docker://{host}/acme/harbour:1.1 oci:harbour:1.1
  skopeo copy --src-tls-verify=false docker://{host}/acme/harbour:1.1 oci:refused:1.1
  docker login -u carl -p {consumer_token} {host} && docker pull {host}/acme/harbour:1.1
  skopeo copy --dest-tls-verify=false --dest-creds ann:{publisher_token} oci:harbour:1.1 docker://{host}/staging/acme/harbour:1.2
"
        )
    }
}
