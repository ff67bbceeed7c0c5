//! Plans that give some versions only: how a publisher says so, and what others see of it.

use axum::http::StatusCode;

use super::browser::Browser;
use crate::fixture::Fixture;

const EDITOR: &str = "/publisher/acme/ship-db";
const HIDDEN: &str = "hidden-edition";

async fn market() -> (Fixture, Browser) {
    let fixture = Fixture::new().await;
    for name in ["ann", "carl"] {
        fixture.account(name, None).await;
    }
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get(EDITOR).await;
    let fields = [
        ("plans[0].sources", "db: 1.*\r\n *-lts"),
        ("plans[1].id", "crew"),
        ("plans[1].name", "Crew"),
        ("plans[1].description", "For all hands."),
        ("plans[1].price", "99"),
        ("plans[1].price.currency", "USD"),
        ("plans[1].sources", "hidden-edition:"),
    ];
    let saved = ann.send(&page, EDITOR, &fields, &[]).await;
    assert_eq!(saved.status, StatusCode::OK);
    assert_eq!(saved.texts(".field-error:not(:empty)"), [""; 0]);
    (fixture, ann)
}

#[tokio::test]
async fn a_publisher_says_which_versions_a_plan_gives() {
    let (_fixture, mut ann) = market().await;
    let page = ann.get(EDITOR).await;
    let written = page.texts("textarea[name$='.sources']");
    assert_eq!(written, ["db: 1.* *-lts", "hidden-edition:", ""]);
    let wrong = [
        ("plans[0].sources", "1.*\nDb:"),
        ("plans[1].sources", &"a:\n".repeat(11)),
    ];
    let check = format!("{EDITOR}/check");
    let checked = ann.send(&page, &check, &wrong, &[]).await;
    let said =
        |place: usize| checked.texts(&format!("[id='error-plans[{place}].sources']"))[0].clone();
    assert!(
        said(0).contains("`Db` is no staging repository"),
        "{}",
        said(0)
    );
    assert!(said(1).contains("at most 10"), "{}", said(1));
    assert_eq!(
        checked.texts("textarea[name='plans[0].sources']"),
        ["1.* Db:"]
    );
    // What will be seen names no repository, as little to the publisher as to others.
    let preview = ann
        .send(&page, &format!("{EDITOR}/preview"), &[], &[])
        .await;
    let plans = preview.texts("ul.plans li");
    assert!(
        plans[0].ends_with("Gives nothing that is released yet; to come: *-lts."),
        "{plans:?}"
    );
    assert!(!preview.text.contains(HIDDEN));
}

#[tokio::test]
async fn consumers_see_tags_and_no_repository() {
    let (fixture, mut ann) = market().await;
    let mut first = String::new();
    for tag in ["1.0", "2.0"] {
        let submission = fixture.submission("ann", tag).await;
        fixture.release(&submission).await;
        first = submission;
    }
    let page = ann.get(&format!("/submissions/{first}")).await;
    let hints = page.texts("section[aria-labelledby=manifest] .notice");
    assert_eq!(hints.len(), 1);
    assert!(hints[0].contains("is given by the plan Crew"), "{hints:?}");
    assert!(
        page.texts("dl.manifest")
            .join("")
            .contains("hidden-edition:")
    );
    let mut nobody = Browser::new(&fixture);
    let mut carl = Browser::of(&fixture, "carl").await;
    for browser in [&mut nobody, &mut carl] {
        let page = browser.get("/p/acme/ship-db").await;
        assert!(
            page.text.contains("Gives 1.0; to come: *-lts."),
            "{}",
            page.text
        );
        assert!(page.text.contains("Gives nothing that is released yet."));
        let tags = browser.get("/p/acme/ship-db/tags").await;
        let given = tags.texts("main section > p:not(.muted)");
        assert_eq!(given, ["No plan on offer gives it.", "Given by Pro."]);
        let search = browser.get("/search?q=ship").await;
        let publisher = browser.get("/publishers/acme").await;
        let feed = browser.get("/p/acme/feed.atom").await;
        for page in [page, tags, search, publisher, feed] {
            for private in [HIDDEN, "staging"] {
                assert!(!page.text.contains(private), "{private}: {}", page.text);
            }
        }
    }
}

#[tokio::test]
async fn a_page_has_the_commands_for_what_the_viewers_plan_gives() {
    let (fixture, mut ann) = market().await;
    for tag in ["1.0", "2.0"] {
        let submission = fixture.submission("ann", tag).await;
        fixture.release(&submission).await;
    }
    fixture.account("dora", None).await;
    let url = "/p/acme/ship-db";
    let mut nobody = Browser::new(&fixture);
    let mut carl = Browser::of(&fixture, "carl").await;
    let mut dora = Browser::of(&fixture, "dora").await;
    for (browser, plan) in [(&mut carl, "pro"), (&mut dora, "crew")] {
        let page = browser.get(url).await;
        let fields = [("plan", plan), ("accept_license", "true")];
        browser
            .send(&page, &format!("{url}/subscribe"), &fields, &[])
            .await;
    }
    let versions = "All versions";
    for (browser, said, pulled) in [
        (&mut ann, "".to_owned(), Some("2.0")),
        (
            &mut carl,
            format!(
                "Your plan Pro gives 1.0, not the newest version: no plan on offer gives 2.0. {versions}"
            ),
            Some("1.0"),
        ),
        (
            &mut dora,
            format!(
                "Your plan Crew gives nothing of what is released: subscribers of Pro have versions. {versions}"
            ),
            None,
        ),
        (
            &mut nobody,
            format!(
                "Without a subscription you have nothing of what is released: subscribers of Pro have versions. {versions}"
            ),
            None,
        ),
    ] {
        let page = browser.get(url).await;
        let install = "section[aria-labelledby=install]";
        assert_eq!(page.texts(&format!("{install} .notice")).join(""), said);
        let commands = page.texts(&format!("{install} pre")).join("\n");
        for tag in ["1.0", "2.0"] {
            let is_there = commands.contains(&format!("acme/ship-db:{tag}"));
            assert_eq!(is_there, pulled == Some(tag), "{tag}: {commands}");
        }
        assert!(!page.text.contains(HIDDEN));
    }
}

#[tokio::test]
async fn without_a_subscription_free_plans_count_where_nobody_needs_one() {
    let (fixture, mut ann) = market().await;
    let page = ann.get(EDITOR).await;
    let fields = [
        ("access", "everyone"),
        ("plans[2].id", "v1"),
        ("plans[2].name", "Old"),
        ("plans[2].description", "What was."),
        ("plans[2].price", "0"),
        ("plans[2].price.currency", "USD"),
        ("plans[2].sources", "1.*"),
    ];
    let saved = ann.send(&page, EDITOR, &fields, &[]).await;
    assert_eq!(saved.texts(".field-error:not(:empty)"), [""; 0]);
    for tag in ["1.0", "2.0-lts"] {
        let submission = fixture.submission("ann", tag).await;
        fixture.release(&submission).await;
    }
    let page = Browser::new(&fixture).get("/p/acme/ship-db").await;
    let install = "section[aria-labelledby=install]";
    assert_eq!(
        page.texts(&format!("{install} .notice")),
        [
            "Without a subscription you have 1.0, not the newest version: subscribers of Pro have 2.0-lts. All versions"
        ]
    );
    let commands = page.texts(&format!("{install} pre")).join("\n");
    assert!(commands.contains("acme/ship-db:1.0"), "{commands}");
    assert!(!commands.contains("2.0-lts"), "{commands}");
}
