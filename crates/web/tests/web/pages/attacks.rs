//! What others try: foreign forms, guessed passwords, links that lead away, markup in names.

use app::{Application, market::ProductManifest};
use axum::http::{StatusCode, header};

use super::browser::{Browser, File, Page};
use crate::fixture::{Fixture, PASSWORD, manifest, picture};

const FORM: &str = "application/x-www-form-urlencoded";
/// What somebody types who wants others' browsers to do something.
const EVIL: &str = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>";

/// Every address that takes a form, with an identifier of the right kind where one is asked for.
const FORMS: [&str; 86] = [
    "/sign-in",
    "/register",
    "/sign-out",
    "/account/tokens",
    "/account/tokens/tok_x/revoke",
    "/account/subscriptions/sub_x/cancel",
    "/notices/read",
    "/notices/preferences",
    "/webhooks",
    "/webhooks/whk_x",
    "/webhooks/whk_x/secret",
    "/webhooks/whk_x/test",
    "/webhooks/whk_x/delete",
    "/webhooks/whk_x/deliveries/msg_x",
    "/robots",
    "/robots/acme%2Bci/revoke",
    "/robots/acme%2Bci/tokens",
    "/robots/acme%2Bci/tokens/tok_x/revoke",
    "/p/acme/ship-db/subscribe",
    "/publisher",
    "/publisher/acme/calendar",
    "/publisher/acme/keys/new",
    "/publisher/acme/keys/key_x/revoke",
    "/publisher/acme/keys/key_x/challenge",
    "/publisher/acme/keys/key_x/proof",
    "/publisher/acme/products/new",
    "/publisher/acme/products/new/check",
    "/publisher/acme/products/new/preview",
    "/publisher/acme/ship-db",
    "/publisher/acme/ship-db/submit",
    "/publisher/acme/ship-db/check",
    "/publisher/acme/ship-db/preview",
    "/publisher/acme/ship-db/withdraw",
    "/publisher/acme/ship-db/withdraw-tag",
    "/publisher/acme/ship-db/openness",
    "/publisher/acme/ship-db/versions/1/restore",
    "/publisher/acme/ship-db/previewers",
    "/publisher/acme/ship-db/previewers/ann/remove",
    "/submissions/sub_x/remarks",
    "/submissions/sub_x/remarks/x/resolve",
    "/submissions/sub_x/remarks/x/reopen",
    "/submissions/sub_x/decision",
    "/operator/publishers/acme/decision",
    "/operator/listings/acme/ship-db",
    "/operator/holds/acme/ship-db",
    "/operator/storage/collect",
    "/operator/storage/scrub",
    "/operator/storage/quotas/acme",
    "/operator/storage/retention",
    "/publisher/acme/retention",
    "/account/tokens/x/revoke",
    "/robots/x/revoke",
    "/publisher/other/keys/new",
    "/publisher/acme/agreement",
    "/publisher/acme/proofs/email",
    "/publisher/acme/proofs/domain",
    "/publisher/acme/proofs/profile",
    "/proofs/email/ltr_x/key",
    "/invitations/ltr_x/key",
    "/operator/publishers/acme/terms",
    "/publisher/acme/members/invite",
    "/publisher/acme/members/leave",
    "/publisher/acme/members/ann/role",
    "/publisher/acme/members/ann/remove",
    "/publisher/acme/invitations/ltr_x/resend",
    "/publisher/acme/invitations/ltr_x/withdraw",
    "/operator/agreement",
    "/publisher/acme/ship-db/vex",
    "/publisher/acme/ship-db/vex/import",
    "/publisher/acme/ship-db/vex/vex_x/decision",
    "/publisher/acme/products/imports",
    "/publisher/acme/products/imports/imp_x/stop",
    "/publisher/acme/partnership",
    "/operator/publishers/acme/partnership",
    "/operator/partnership",
    "/submissions/sub_x/publication",
    "/submissions/sub_x/reviewer",
    "/submissions/sub_x/waivers",
    "/submissions/sub_x/waivers/wvr_x/end",
    "/review/classes",
    "/review/advisories",
    "/review/advisories/adv_x/withdraw",
    "/review/classes/cls_x/end",
    "/review/templates",
    "/review/templates/tpl_x",
    "/review/templates/tpl_x/remove",
];

#[tokio::test]
async fn no_form_is_taken_from_elsewhere() {
    let fixture = Fixture::new().await;
    let mut stranger = Browser::new(&fixture);
    let mut olga = Browser::of(&fixture, "olga").await;
    let mut rita = Browser::of(&fixture, "rita").await;
    let ritas = rita
        .get("/account")
        .await
        .attribute("[name=csrf]", "value")
        .expect("a token");
    for path in FORMS {
        for (token, headers) in [
            ("", vec![]),
            ("csrf=", vec![("sec-fetch-site", "same-origin")]),
            ("csrf=wrong", vec![("sec-fetch-site", "same-origin")]),
            (
                &*format!("csrf={ritas}"),
                vec![("origin", "https://market.example")],
            ),
        ] {
            let page = olga.post(path, FORM, token.to_owned(), &headers).await;
            assert_eq!(
                page.status,
                StatusCode::FORBIDDEN,
                "{path} {token} {headers:?}"
            );
            assert_eq!(page.texts("h1"), ["The form was not accepted"]);
        }
        for headers in [
            vec![],
            vec![("sec-fetch-site", "cross-site")],
            vec![("origin", "https://evil.example")],
        ] {
            let page = stranger
                .post(path, FORM, "name=olga&password=x", &headers)
                .await;
            assert_eq!(page.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
        }
    }
}

#[tokio::test]
async fn every_form_of_the_router_is_tried() {
    let source = include_str!("../../../src/router.rs");
    let paths = source.split(".route(\"").skip(1).filter_map(|rest| {
        let (path, rest) = rest.split_once('"')?;
        let (route, _) = rest.split_once(".route(").unwrap_or((rest, ""));
        // The key in its address is all that one is for, and mail programs send it (RFC 8058).
        let is_open = path.starts_with("/notices/mute");
        (route.contains("post(") && !is_open).then_some(path)
    });
    for path in paths {
        let fits = |form: &&str| {
            let (mut form, mut path) = (form.split('/'), path.split('/'));
            loop {
                match (form.next(), path.next()) {
                    (None, None) => return true,
                    (Some(word), Some(name)) if name.starts_with('{') || word == name => {}
                    _ => return false,
                }
            }
        };
        assert!(
            FORMS.iter().any(fits),
            "{path} is not tried without a token"
        );
    }
}

#[tokio::test]
async fn passwords_are_not_guessed() {
    let fixture = Fixture::new().await;
    let mut browser = Browser::new(&fixture);
    let page = browser.get("/sign-in?return_to=/review").await;
    let mut status = Vec::new();
    for _ in 0..7 {
        let fields = [("name", "rita"), ("password", "guess")];
        let page = browser.send(&page, "/sign-in", &fields, &[]).await;
        assert_eq!(page.attribute("#name", "value").as_deref(), Some("rita"));
        assert_eq!(
            page.attribute("[name=return_to]", "value").as_deref(),
            Some("/review")
        );
        status.push(page.status.as_u16());
    }
    assert_eq!(status, [422, 422, 422, 422, 422, 429, 429]);
    assert!(browser.cookie("plimsoll_session").is_none());
}

#[tokio::test]
async fn signing_in_leads_to_our_own_pages_only() {
    let fixture = Fixture::new().await;
    for (asked, lands) in [
        ("/review?page=2", "/review?page=2"),
        ("//evil.example/x", "/"),
        ("https://evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ] {
        let mut browser = Browser::new(&fixture);
        let page = browser.get("/sign-in").await;
        let fields = [
            ("name", "rita"),
            ("password", PASSWORD),
            ("return_to", asked),
        ];
        let answer = browser.submit(&page, "/sign-in", &fields, &[]).await;
        assert_eq!(
            (answer.status, answer.location()),
            (StatusCode::SEE_OTHER, lands)
        );
        let shown = browser
            .look(&format!(
                "/sign-in?return_to={}",
                asked.replace('\\', "%5C")
            ))
            .await;
        assert_eq!(shown.location(), lands);
    }
}

#[tokio::test]
async fn a_session_ends_with_signing_out_and_with_time() {
    let fixture = Fixture::new().await;
    let mut rita = Browser::of(&fixture, "rita").await;
    let stolen = rita
        .cookie("plimsoll_session")
        .expect("a session")
        .to_owned();
    let page = rita.get("/review").await;
    let page = rita.send(&page, "/sign-out", &[], &[]).await;
    assert_eq!(page.texts(".notice"), ["You are signed out."]);
    assert!(rita.cookie("plimsoll_session").is_none());
    let page = rita
        .post(
            "/x",
            FORM,
            "",
            &[("cookie", &format!("plimsoll_session={stolen}"))],
        )
        .await;
    assert_eq!(
        page.texts("header nav a").last().map(String::as_str),
        Some("Sign in")
    );

    let mut rita = Browser::of(&fixture, "rita").await;
    fixture.clock.advance(chrono::TimeDelta::hours(13));
    let page = rita.look("/review?page=1").await;
    assert_eq!(page.location(), "/sign-in?return_to=%2Freview%3Fpage%3D1");
}

#[tokio::test]
async fn a_notice_says_only_what_we_wrote() {
    let fixture = Fixture::new().await;
    let mut browser = Browser::new(&fixture);
    for code in ["you-have-won", "<b>", "subscribed%3Cb%3E"] {
        let cookie = format!("plimsoll_notice={code}");
        let page = browser
            .post("/nowhere", FORM, "", &[("cookie", &cookie)])
            .await;
        assert_eq!(page.texts(".notice"), [""; 0]);
    }
}

#[track_caller]
fn is_harmless(page: &Page) {
    assert!(page.status.is_success(), "{} {}", page.path, page.status);
    assert_eq!(page.text.matches("<script").count(), 1, "{}", page.path);
    assert_eq!(page.texts("script[src='/static/page.js']"), [""]);
    assert!(!page.text.contains("<img src=x"), "{}", page.path);
    for selector in [
        "[onerror]",
        "[onload]",
        "[style]",
        "a[href^='javascript']",
        "main img[src^='http']",
        "iframe",
        "form[action^='http']",
    ] {
        assert_eq!(page.texts(selector), [""; 0], "{} {selector}", page.path);
    }
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .expect("a policy");
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"));
}

#[tokio::test]
async fn markup_in_names_texts_and_remarks_stays_text() {
    let fixture = Fixture::new().await;
    fixture.account("ann", None).await;
    let ann = fixture.actor("ann").await;
    let application = Application {
        slug: "evil".to_owned(),
        legal_name: EVIL.to_owned(),
        website: "https://evil.example/\"><script>alert(3)</script>".to_owned(),
        phone: "+1 555 0100".to_owned(),
        email: "a&b'c@evil.example".to_owned(),
        agreement: None,
    };
    fixture
        .app
        .apply_as_publisher(&ann, &application)
        .await
        .expect("an application");
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let picture = fixture
        .app
        .upload_picture(&ann, "acme", picture(512))
        .await
        .expect("a picture");
    let mut draft: ProductManifest =
        serde_json::from_value(manifest(&picture.digest)).expect("a manifest");
    let markdown = format!(
        "{EVIL}\n\n[x](javascript:alert(1)) ![x](https://evil.example/x.png) ![ok](/pictures/{})\n\n<form action=https://evil.example><input></form>",
        picture.digest
    );
    draft.name = EVIL.to_owned();
    draft.short_description = EVIL.to_owned();
    draft.tags = vec!["<script>".to_owned()];
    draft.long_description.clone_from(&markdown);
    draft.installation_instructions.clone_from(&markdown);
    draft.license.text = Some(EVIL.to_owned());
    draft.plans[0].name = EVIL.to_owned();
    draft.plans[0].description = EVIL.to_owned();
    fixture
        .app
        .save_draft(&ann, "acme", "ship-db", &draft)
        .await
        .expect("a draft");
    let id = fixture.submission("ann", "1.0").await;
    fixture
        .app
        .add_comment(&ann, &id, "submission", &markdown)
        .await
        .expect("a remark");
    fixture
        .app
        .add_comment(&ann, &id, "component:<script>", EVIL)
        .await
        .expect("a remark");

    let mut olga = Browser::of(&fixture, "olga").await;
    let submission = format!("/submissions/{id}");
    for path in [
        submission.as_str(),
        "/review",
        "/operator",
        "/operator/storage",
    ] {
        is_harmless(&olga.get(path).await);
    }
    fixture.release(&id).await;
    let mut ann = Browser::of(&fixture, "ann").await;
    for path in [
        submission.as_str(),
        "/publisher",
        "/publisher/evil",
        "/publisher/acme",
        "/publisher/acme/ship-db",
        "/publisher/acme/ship-db/versions",
        "/publisher/acme/ship-db/versions/1",
        "/",
        "/search?q=<script>&category=<script>",
        "/p/acme/ship-db",
        "/account",
    ] {
        is_harmless(&ann.get(&path.replace('<', "%3C").replace('>', "%3E")).await);
    }
    let page = ann.get("/p/acme/ship-db").await;
    assert_eq!(
        page.attribute(".prose img[alt=ok]", "src"),
        Some(format!("/pictures/{}", picture.digest))
    );
    let page = ann.get("/p/%3Cscript%3E/x").await;
    assert_eq!(page.text.matches("<script").count(), 1);
}

#[tokio::test]
async fn forms_have_limits() {
    let fixture = Fixture::new().await;
    let mut rita = Browser::of(&fixture, "rita").await;
    let page = rita.get("/account").await;
    let long = "x".repeat(3 << 20);
    let page = rita
        .send(&page, "/account/tokens", &[("label", &long)], &[])
        .await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    let page = rita.get("/publisher").await;
    let huge = vec![0; 33 << 20];
    let page = rita
        .send(&page, "/publisher", &[], &[File("logo", &huge)])
        .await;
    assert_eq!(page.status, StatusCode::PAYLOAD_TOO_LARGE);
    let token = rita
        .get("/account")
        .await
        .attribute("[name=csrf]", "value")
        .expect("a token");
    let body = format!("csrf={token}&decision=approve");
    let page = rita
        .post("/operator/publishers/acme/decision", FORM, body, &[])
        .await;
    assert_eq!(
        page.status,
        StatusCode::FORBIDDEN,
        "a reviewer is no operator"
    );
    let page = rita
        .post(
            "/publisher",
            "multipart/form-data; boundary=XX",
            "--XX\r\nnonsense",
            &[],
        )
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    let mut stranger = Browser::new(&fixture);
    let page = stranger
        .post(
            "/publisher",
            "multipart/form-data; boundary=XX",
            "--XX--",
            &[("referer", "https://market.example/publisher")],
        )
        .await;
    assert_eq!(
        page.location(),
        "/sign-in?return_to=%2Fpublisher",
        "nothing is read of strangers' uploads"
    );
}
