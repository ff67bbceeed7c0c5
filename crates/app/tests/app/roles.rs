//! Every use case that takes an actor, tried by everybody. A new use case must be added
//! here, and the table is a reviewed file: so none forgets to ask who may.

use std::{collections::BTreeSet, fs, path::Path};

use app::{
    Actor, AppError, NewAccount, NewKey, NewRobot, NewSubmission, NewToken, NewVex,
    market::{Role, VexClaim, VexScope, VexStatus},
};
use app::{WebhookOf, WebhookSettings};
use trust::SigningKey;

use crate::{
    accounts::{reading, writing},
    drafting::drafting,
    images::{Image, picture},
    organising::organising,
    reviewing::reviewing,
    world::{World, keys},
};

pub(crate) fn code<T>(outcome: Result<T, AppError>) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(AppError::Internal(error)) => panic!("{error}"),
        Err(error) => error.code().to_owned(),
    }
}

fn robot(name: &str, role: Role) -> NewRobot {
    NewRobot {
        name: name.to_owned(),
        role: Some(role),
        life: None,
    }
}

/// Signs somebody in with a new token.
async fn with_token(world: &World, owner: &Actor, new: &NewToken) -> Actor {
    let (_, secret) = world.app.create_token(owner, new).await.expect("a token");
    let actor = world.app.authenticate_bearer(&secret).await;
    actor.expect("known")
}

pub(crate) fn unjustified() -> NewVex {
    NewVex {
        scope: VexScope {
            vulnerability: "CVE-2026-1".to_owned(),
            image: None,
            component: None,
        },
        claim: VexClaim {
            status: VexStatus::NotAffected,
            justification: None,
            text: String::new(),
        },
    }
}

/// What the use cases are tried on.
pub(crate) struct Things {
    pub(crate) statement: String,
    pub(crate) class: String,
    pub(crate) waiver: String,
    pub(crate) submission: String,
    pub(crate) comment: String,
    product: market::ProductId,
    logo: String,
    pub(crate) draft: market::ProductManifest,
    webhook: String,
    delivery: String,
}

/// Tries everything as `actor`. Where a use case would change something, it is given input
/// that it refuses only after it has asked who may: `invalid` and `conflict` mean allowed.
async fn try_all(world: &World, things: &Things, actor: &Actor) -> Vec<(&'static str, String)> {
    let mut table = people(world, actor).await;
    table.extend(running(world, actor).await);
    table.extend(organising(world, actor).await);
    table.extend(registering(world, actor).await);
    table.extend(publishing(world, things, actor).await);
    table.extend(drafting(world, things, actor).await);
    table.extend(reviewing(world, things, actor).await);
    table.extend(consuming(world, actor).await);
    table.extend(keeping(world, actor).await);
    table.extend(calling(world, things, actor).await);
    table
}

/// On a webhook of the publisher.
async fn calling(world: &World, things: &Things, actor: &Actor) -> Vec<(&'static str, String)> {
    let (app, id) = (&world.app, things.webhook.as_str());
    let acme = WebhookOf::Publisher("acme".to_owned());
    let none = WebhookSettings::default();
    vec![
        ("list_webhooks", code(app.list_webhooks(actor).await)),
        (
            "create_webhook",
            format!(
                "{}, {}, {}",
                code(app.create_webhook(actor, &acme, &none).await),
                code(app.create_webhook(actor, &WebhookOf::Me, &none).await),
                code(app.create_webhook(actor, &WebhookOf::Market, &none).await)
            ),
        ),
        ("webhook", code(app.webhook(actor, id).await)),
        (
            "change_webhook",
            code(app.change_webhook(actor, id, &none).await),
        ),
        (
            "delete_webhook",
            code(app.delete_webhook(actor, "whk_x").await),
        ),
        (
            "renew_webhook_secret",
            code(app.renew_webhook_secret(actor, id).await),
        ),
        ("test_webhook", code(app.test_webhook(actor, id).await)),
        (
            "webhook_deliveries",
            code(app.webhook_deliveries(actor, id, app::Part::first(1)).await),
        ),
        (
            "webhook_delivery",
            code(app.webhook_delivery(actor, id, &things.delivery).await),
        ),
        (
            "redeliver_webhook",
            code(app.redeliver_webhook(actor, id, &things.delivery).await),
        ),
    ]
}

async fn keeping(world: &World, actor: &Actor) -> Vec<(&'static str, String)> {
    let app = &world.app;
    let digest = format!("sha256:{}", "0".repeat(64));
    let nonsense = market::RetentionRules {
        keep_newest: Some(0),
        ..market::RetentionRules::default()
    };
    vec![
        (
            "start_collection",
            code(app.start_collection(actor, true).await),
        ),
        ("collections", code(app.collections(actor).await)),
        ("collection", code(app.collection(actor, "run_x").await)),
        ("why_kept", code(app.why_kept(actor, &digest).await)),
        ("start_scrub", code(app.start_scrub(actor, None).await)),
        ("scrubs", code(app.scrubs(actor).await)),
        ("scrub_run", code(app.scrub_run(actor, "run_x").await)),
        ("damaged_blobs", code(app.damaged_blobs(actor).await)),
        (
            "all_publisher_storage",
            code(app.all_publisher_storage(actor, app::Part::ALL).await),
        ),
        (
            "set_publisher_quota",
            code(app.set_publisher_quota(actor, "acme", Some(0)).await),
        ),
        (
            "default_retention",
            code(app.default_retention(actor).await),
        ),
        (
            "set_default_retention",
            code(app.set_default_retention(actor, &nonsense).await),
        ),
        (
            "publisher_storage",
            code(app.publisher_storage(actor, "acme").await),
        ),
        ("retention", code(app.retention(actor, "acme").await)),
        ("forecast", code(app.forecast(actor, "acme").await)),
        (
            "make_calendar_address",
            code(app.make_calendar_address(actor, "acme").await),
        ),
        (
            "calendar_address",
            code(app.calendar_address(actor, "acme").await),
        ),
        (
            "end_calendar_address",
            code(app.end_calendar_address(actor, "acme").await),
        ),
        (
            "agreement_to_change",
            code(app.agreement_to_change(actor).await),
        ),
        ("set_agreement", code(app.set_agreement(actor, "").await)),
        (
            "agreement_state",
            code(app.agreement_state(actor, "acme").await),
        ),
        (
            "accept_agreement",
            code(app.accept_agreement(actor, "acme", 7).await),
        ),
        (
            "set_retention",
            code(app.set_retention(actor, "acme", Some(&nonsense)).await),
        ),
        (
            "preview_retention",
            code(app.preview_retention(actor, "acme", None).await),
        ),
    ]
}

async fn people(world: &World, actor: &Actor) -> Vec<(&'static str, String)> {
    let app = &world.app;
    let staff = NewAccount {
        name: "carl-consumer".to_owned(),
        email: "x@example.com".to_owned(),
        password: "a long enough password".to_owned(),
        staff_role: Some("reviewer".to_owned()),
    };
    vec![
        (
            "create_account",
            code(app.create_account(actor, &staff).await),
        ),
        ("list_accounts", code(app.list_accounts(actor).await)),
        (
            "set_password",
            code(
                app.set_password(actor, "bystander", "a long enough password")
                    .await,
            ),
        ),
        (
            "set_account_disabled",
            code(app.set_account_disabled(actor, "bystander", false).await),
        ),
        (
            "create_token",
            code(app.create_token(actor, &NewToken::default()).await),
        ),
        (
            "begin_once",
            code(app.begin_once(actor, "a key", &[b"this"]).await),
        ),
        ("list_tokens", code(app.list_tokens(actor).await)),
        ("revoke_token", code(app.revoke_token(actor, "tok_x").await)),
        (
            "issue_login",
            match app.issue_login(actor, "client").await {
                Ok(Some(_)) => "a login".to_owned(),
                other => code(other.map(drop)),
            },
        ),
        ("list_robots", code(app.list_robots(actor).await)),
        (
            "publisher_robots",
            code(app.publisher_robots(actor, "acme").await),
        ),
        ("robot_page", code(app.robot_page(actor, "acme+ci").await)),
        (
            "create_robot",
            code(
                app.create_robot(actor, &robot("acme+ci", Role::Viewer))
                    .await,
            ),
        ),
        (
            "create_robot_token",
            code(
                app.create_robot_token(actor, "acme+ci", &NewToken::default())
                    .await,
            ),
        ),
        (
            "revoke_robot_token",
            code(app.revoke_robot_token(actor, "acme+ci", "tok_x").await),
        ),
        (
            "revoke_robot",
            code(app.revoke_robot(actor, "acme+none").await),
        ),
    ]
}

/// What runs a market: its keys, its records, its jobs, its advisories.
async fn running(world: &World, actor: &Actor) -> Vec<(&'static str, String)> {
    let app = &world.app;
    vec![
        (
            "rotate_token_keys",
            code(app.rotate_token_keys(actor).await),
        ),
        (
            "seal_trust_secret",
            code(app.seal_trust_secret(actor, &keys().trust).await),
        ),
        (
            "forget_trust_seals",
            code(app.forget_trust_seals(actor, &keys().trust.public()).await),
        ),
        (
            "audit_log",
            code(
                app.audit_log(actor, &app::AuditQuery::default(), app::Part::first(1))
                    .await,
            ),
        ),
        ("outbox", code(app.outbox(actor, app::Part::first(1)).await)),
        ("job_summary", code(app.job_summary(actor).await)),
        ("may_measure", code(app.may_measure(actor).await)),
        (
            "reload_advisories",
            code(app.reload_advisories(actor).await),
        ),
    ]
}

/// On a publisher's signing keys.
async fn registering(world: &World, actor: &Actor) -> Vec<(&'static str, String)> {
    let app = &world.app;
    let registered = NewKey {
        name: "again".to_owned(),
        pem: world.key.public().to_pem(),
        ..NewKey::default()
    };
    let fresh = NewKey {
        name: "fresh".to_owned(),
        pem: SigningKey::generate().expect("a key").public().to_pem(),
        ..NewKey::default()
    };
    let fresh = app
        .add_publisher_key(&world.owner, "acme", &fresh)
        .await
        .expect("a key");
    vec![
        (
            "add_publisher_key",
            code(app.add_publisher_key(actor, "acme", &registered).await),
        ),
        (
            "renew_key_challenge",
            code(
                app.renew_key_challenge(actor, "acme", fresh.id.as_str())
                    .await,
            ),
        ),
        (
            "prove_publisher_key",
            code(
                app.prove_publisher_key(actor, "acme", fresh.id.as_str(), "no proof")
                    .await,
            ),
        ),
        (
            "revoke_publisher_key",
            code(
                app.revoke_publisher_key(actor, "acme", fresh.id.as_str(), None)
                    .await,
            ),
        ),
    ]
}

async fn publishing(world: &World, things: &Things, actor: &Actor) -> Vec<(&'static str, String)> {
    let app = &world.app;
    let no_image = NewSubmission {
        repository: "none".to_owned(),
        tag: "1".to_owned(),
    };
    let nowhere = app::ImportSource {
        registry: "no host".to_owned(),
        repository: "db".parse().expect("a name"),
        reference: app::ImportTarget::Tag("1".parse().expect("a tag")),
        credentials: None,
    };
    let target = (&"db".parse().expect("a name"), &"1".parse().expect("a tag"));
    vec![
        (
            "set_inside_open",
            code(app.set_inside_open(actor, "acme", "db", false).await),
        ),
        (
            "upload_picture",
            code(
                app.upload_picture(actor, "acme", picture(512, 512).into())
                    .await,
            ),
        ),
        (
            "set_publisher_logo",
            code(app.set_publisher_logo(actor, "acme", &things.logo).await),
        ),
        (
            "create_product",
            code(app.create_product(actor, "acme", "db").await),
        ),
        (
            "product_rights",
            code(app.product_rights(actor, "acme").await),
        ),
        (
            "staging_tags",
            code(app.staging_tags(actor, "acme", "db").await),
        ),
        ("imports", code(app.imports(actor, "acme").await)),
        (
            "import_status",
            code(app.import_status(actor, "acme", "imp_x").await),
        ),
        (
            "import_image",
            code(app.import_image(actor, "acme", &nowhere, target).await),
        ),
        (
            "cancel_import",
            code(app.cancel_import(actor, "acme", "imp_x").await),
        ),
        (
            "previewers",
            code(app.previewers(actor, "acme", "db").await),
        ),
        (
            "add_previewer",
            code(app.add_previewer(actor, ("acme", "db"), "nobody").await),
        ),
        (
            "remove_previewer",
            code(app.remove_previewer(actor, ("acme", "db"), "nobody").await),
        ),
        (
            "broken_promises",
            code(app.broken_promises(actor, &[things.product.as_str()]).await),
        ),
        (
            "withdraw_product",
            code(app.withdraw_product(actor, "acme", "db", "").await),
        ),
        (
            "withdraw_tag",
            code(app.withdraw_tag(actor, ("acme", "db"), "1.0", "").await),
        ),
        (
            "submit",
            code(app.submit(actor, "acme", "db", &no_image).await),
        ),
    ]
}

async fn consuming(world: &World, actor: &Actor) -> Vec<(&'static str, String)> {
    let app = &world.app;
    let rights = async |name| match world.rights(actor, name).await {
        (true, true) => "pull+push",
        (true, false) => "pull",
        (false, true) => "push",
        (false, false) => "-",
    };
    let access = world.access(actor, "staging/acme/db").await;
    let granted: Vec<_> = access
        .access
        .iter()
        .flat_map(|grant| &grant.actions)
        .map(String::as_str)
        .collect();
    let catalog = app.catalog(actor, "", 100).await.expect("a list");
    let names = ("acme", "db");
    let page = app.product_page(&world.owner, names.0, names.1).await;
    let image = page.expect("its page").images[0].digest.clone();
    let query = app::ComponentQuery::default();
    let components = app.components_page(actor, (names, &image), &query, 1);
    let query = app::FileQuery {
        layer: 1,
        ..app::FileQuery::default()
    };
    let files = app.files_page(actor, (names, &image), &query, 1);
    vec![
        (
            "product_page",
            code(app.product_page(actor, "acme", "db").await),
        ),
        (
            "preview_page",
            code(app.preview_page(actor, "acme", "db").await),
        ),
        ("my_previews", code(app.my_previews(actor).await)),
        ("tags_page", code(app.tags_page(actor, names, 1).await)),
        (
            "image_page",
            code(app.image_page(actor, names, &image).await),
        ),
        ("components_page", code(components.await)),
        ("files_page", code(files.await)),
        (
            "compare_releases",
            code(app.compare_releases(actor, names, (None, None)).await),
        ),
        (
            "subscribe",
            code(app.subscribe(actor, "acme", "db", "free", false).await),
        ),
        ("unsubscribe", code(app.unsubscribe(actor, "sbn_x").await)),
        (
            "my_subscriptions",
            code(app.my_subscriptions(actor, app::Part::ALL).await),
        ),
        (
            "my_notices",
            code(app.my_notices(actor, app::Part::first(1)).await),
        ),
        ("unread_notices", code(app.unread_notices(actor).await)),
        ("read_notices", code(app.read_notices(actor).await)),
        (
            "products_with_preferences",
            code(app.products_with_preferences(actor).await),
        ),
        (
            "notice_preferences",
            code(app.notice_preferences(actor, None).await),
        ),
        (
            "set_notice_preferences",
            code(app.set_notice_preferences(actor, None, &[]).await),
        ),
        (
            "repository_rights",
            format!(
                "{}, {}",
                rights("acme/db").await,
                rights("staging/acme/db").await
            ),
        ),
        ("issue_registry_token", granted.join("+")),
        ("catalog", catalog.len().to_string()),
    ]
}

/// Returns the names of all functions in the sources that take an actor.
fn use_cases() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    collect_use_cases(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut names,
    );
    names
}

fn collect_use_cases(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect_use_cases(&path, names);
            continue;
        }
        let Ok(text) = fs::read_to_string(path) else {
            continue;
        };
        for function in text.split("pub async fn ").skip(1) {
            let signature = function.split('{').next().unwrap_or("");
            if signature.contains("&Actor") {
                names.insert(signature.split(['(', '<']).next().unwrap_or("").to_owned());
            }
        }
    }
}

async fn things(world: &World) -> Things {
    let draft = world.product().await;
    world.released("1.0", &Image::vulnerable("one")).await;
    let submission = world.submitted("2.0", &Image::vulnerable("two")).await;
    let (product, submission) = (submission.product_id, submission.id);
    let comment = world
        .app
        .add_comment(&world.editor, submission.as_str(), "submission", "Hm.")
        .await;
    let of = WebhookOf::Publisher("acme".to_owned());
    let settings = WebhookSettings {
        url: "https://hooks.example".to_owned(),
        kinds: vec![market::EventKind::Released],
        is_active: true,
        ..WebhookSettings::default()
    };
    let app = &world.app;
    let made = app.create_webhook(&world.owner, &of, &settings).await;
    let webhook = made.expect("a webhook").0.webhook.id;
    let delivery = app.test_webhook(&world.owner, webhook.as_str()).await;
    let stated = NewVex {
        claim: VexClaim {
            status: VexStatus::Fixed,
            ..unjustified().claim
        },
        ..unjustified()
    };
    let statement = app.state_vex(&world.editor, "acme", "db", &stated).await;
    let class = app::NewClassification {
        vulnerability: "CVE-2026-1",
        product: Some(("acme", "db")),
        class: market::Class::Minor,
        reason: "So.",
    };
    let class = app.classify(&world.reviewer, class).await;
    let waiver = app::NewWaiver {
        check: certify::CHECKS[0].id,
        reason: "So.",
        until: app.now() + chrono::TimeDelta::days(1),
    };
    let waiver = app.waive_check(&world.reviewer, "acme", "db", waiver).await;
    Things {
        waiver: waiver.expect("waived").id.to_string(),
        class: class.expect("classified").classification.id.to_string(),
        webhook: webhook.to_string(),
        delivery: delivery.expect("queued").id.to_string(),
        statement: statement.expect("stated").id.to_string(),
        comment: comment.expect("written").id.to_string(),
        submission: submission.to_string(),
        product,
        logo: draft.logo.clone().expect("a logo"),
        draft,
    }
}

both! {
    async fn everybody_may_do_what_the_table_says(db: Database) {
        let world = World::new(db).await;
        let things = things(&world).await;
        world.newcomer("bystander").await;
        world.app.subscribe(&world.carl, "acme", "db", "free", true).await.expect("subscribed");
        // Staff who also belong to the publisher.
        let torn = world.newcomer("torn-reviewer").await.signed_in().expect("signed in").clone();
        let torn = Actor::account(store::accounts::Account { staff_role: Some("reviewer".to_owned()), ..torn });
        world.app.set_member(&world.owner, "acme", "torn-reviewer", Role::Owner).await.expect("a member");
        let read_only = with_token(&world, &world.owner, &reading("reading")).await;
        let writer = with_token(&world, &world.owner, &writing("writing")).await;
        let scopes = market::TokenScopes::parse(["staging/acme/*:pull,push"]).expect("scopes");
        let scoped = with_token(&world, &world.owner, &NewToken { scopes, ..writing("scoped") }).await;
        world.app.create_robot(&world.owner, &robot("acme+ci", Role::Editor)).await.expect("a robot");
        let (_, secret) = world.app.create_robot_token(&world.owner, "acme+ci", &writing("ci")).await.expect("a token");
        let ci = world.app.authenticate_bearer(&secret).await.expect("known");
        world.app.create_robot(&world.carl, &NewRobot { role: None, ..robot("carl-consumer~ci", Role::Viewer) }).await.expect("a robot");
        let (_, secret) = world.app.create_robot_token(&world.carl, "carl-consumer~ci", &writing("ci")).await.expect("a token");
        let puller = world.app.authenticate_bearer(&secret).await.expect("known");
        let askers = [
            ("anyone", Actor::anonymous()),
            ("account", world.newcomer("stranger").await),
            ("subscriber", world.carl.clone()),
            ("viewer", world.viewer.clone()),
            ("editor", world.editor.clone()),
            ("owner", world.owner.clone()),
            ("owner's reading token", read_only),
            ("owner's writing token", writer),
            ("owner's scoped token", scoped),
            ("publisher's robot", ci),
            ("subscriber's robot", puller),
            ("reviewer", world.reviewer.clone()),
            ("reviewer and owner", torn),
            ("operator", world.operator.clone()),
        ];
        let mut columns = Vec::new();
        for (_, actor) in &askers {
            columns.push(try_all(&world, &things, actor).await);
        }
        let tried: BTreeSet<_> = columns[0].iter().map(|(name, _)| (*name).to_owned()).collect();
        let all = use_cases();
        assert!(all.len() > 35, "{all:?}");
        let forgotten: Vec<_> = all.symmetric_difference(&tried).collect();
        assert!(forgotten.is_empty(), "not in the table, or gone: {forgotten:?}");
        let mut table = String::new();
        for row in 0..columns[0].len() {
            table.push_str(&format!("{}\n", columns[0][row].0));
            for ((who, _), column) in askers.iter().zip(&columns) {
                table.push_str(&format!("    {who:22}{}\n", column[row].1));
            }
        }
        insta::assert_snapshot!("roles", table);
    }
}
