//! Releases, looked into: from the tags to a component and back, and what others see of it.

use axum::http::StatusCode;

use super::browser::Browser;
use crate::fixture::Fixture;

/// A market with two releases; the address of the newer one's only platform.
async fn market() -> (Fixture, String) {
    let fixture = Fixture::new().await;
    for name in ["ann", "carl"] {
        fixture.account(name, None).await;
    }
    fixture.publisher("ann").await;
    fixture.product("ann").await;
    for tag in ["1.0", "1.1"] {
        let submission = fixture.submission("ann", tag).await;
        fixture.release(&submission).await;
    }
    let mut nobody = Browser::new(&fixture);
    let page = nobody.get("/p/acme/ship-db/tags").await;
    let tags = page.texts("main h2");
    assert!(tags[0].starts_with("1.1") && tags[1].starts_with("1.0"));
    let row = page.texts("main tbody tr:first-child td");
    assert_eq!(row[0], "Debian GNU/Linux 11 (bullseye)");
    let image = page.attribute("main tbody a", "href").expect("a link");
    (fixture, image)
}

#[tokio::test]
async fn a_publisher_finds_what_to_mend() {
    let (fixture, image) = market().await;
    let mut ann = Browser::of(&fixture, "ann").await;
    let page = ann.get(&image).await;
    assert_eq!(page.texts("h1"), ["Ship DB 1.1 linux/amd64"]);
    assert_eq!(page.texts("tbody code")[0], "COPY rootfs / # build");
    let fix = page.texts(".fixes a")[0].clone();
    assert!(fix.starts_with("Update openssl to 1.1.1"), "{fix}");
    let components = page.attribute(".fixes a", "href").expect("a link");
    let page = ann.get(&components).await;
    assert_eq!(page.texts("tbody th").len(), 1);
    assert_eq!(page.attribute("#q", "value").as_deref(), Some("openssl"));
    assert!(
        page.texts("tbody summary .pill")[0] == "Critical",
        "{}",
        page.text
    );
    let entry = page.attribute("tbody li a", "href").expect("a link");
    assert!(
        entry.starts_with("https://www.cve.org/CVERecord?id=CVE-"),
        "{entry}"
    );
    assert!(page.text.contains("CVSS:3.") && page.text.contains("Fixed in"));
    for nothing in [
        "?q=nothing",
        "?layer=7",
        "?ecosystem=npm",
        "?class=minor&q=%22%3Cb%3E",
    ] {
        let page = ann.get(&format!("{image}/components{nothing}")).await;
        assert_eq!(page.texts(".empty").len(), 1, "{nothing}");
        assert!(!page.text.contains("<b>"));
    }
    let page = ann.get(&image).await;
    let files = page.attribute("td[data-label=Files] a", "href");
    let page = ann.get(&files.expect("a link")).await;
    let paths = page.texts("tbody th");
    assert!(
        paths.contains(&"/var/lib/dpkg/status".to_owned()),
        "{paths:?}"
    );
    assert_eq!(page.texts("tbody td")[..2], ["-rw-r--r--", "0:0"]);
    for (nothing, said) in [("q=%22%3Cb%3E", "No path"), ("layer=1&q=zz", "No path")] {
        let page = ann.get(&format!("{image}/files?{nothing}")).await;
        assert!(page.texts(".empty")[0].starts_with(said), "{nothing}");
        assert!(!page.text.contains("<b>"));
    }
    let page = ann.get(&format!("{image}/files?layer=7")).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    let page = ann.get("/p/acme/ship-db/compare").await;
    assert_eq!(page.texts("#packages + p"), ["All are the same."]);
    assert_eq!(page.texts(".added").len(), 1);
    let page = ann.get("/p/acme/ship-db/compare?new=rel_x").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_consumer_sees_layers_and_no_components() {
    let (fixture, image) = market().await;
    let mut carl = Browser::of(&fixture, "carl").await;
    let mut nobody = Browser::new(&fixture);
    for browser in [&mut carl, &mut nobody] {
        let page = browser.get(&image).await;
        assert_eq!(page.texts("tbody code.break"), ["COPY rootfs / # build"]);
        assert_eq!(page.texts(".fixes, .severity-bar, tbody a"), [""; 0]);
        let page = browser.get("/p/acme/ship-db/compare").await;
        assert_eq!(page.texts(".added, .removed").len(), 2);
        assert_eq!(page.texts("#packages, #gone, #introduced"), [""; 0]);
    }
    let refused = carl.get(&format!("{image}/components")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let refused = carl.get(&format!("{image}/files")).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for inside in ["components", "files"] {
        let page = nobody.get(&format!("{image}/{inside}")).await;
        assert!(page.text.contains("Sign in"));
    }
    let missing = nobody.get("/p/acme/ship-db/images/sha256:00").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}
