//! Storefront and product pages.

use chrono::TimeDelta;

use super::{ago, customer, digest, layout, now, page, said};
use crate::{
    pages::{
        product::{
            Certificate, CheckLine, HoldNotice, KindView, LicenseView, PlanView, PlatformView,
            PreviewNote, ProductPage, PublisherLine, Release, SubscriptionLine, SupportView,
        },
        public_publisher::PublicPublisherPage,
        storefront::{CategoryLink, ProductCard, StorefrontPage},
    },
    view::{Html, Install, Onward, Paging, Pill, Tone, When},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut search = storefront();
    search.is_front = false;
    search.layout.path = "/search".to_owned();
    search.layout.query = "database <b>".to_owned();
    search.category = Some("Databases".to_owned());
    search.paging.next_url = Some("/search?q=database&page=2".to_owned());
    let mut empty = storefront();
    empty.market_total = 0;
    empty.products.clear();
    empty.categories.clear();
    let mut nothing = storefront();
    nothing.is_front = false;
    nothing.products.clear();
    nothing.layout = said(nothing.layout, true, "The page number must be 1 or more.");
    let mut held = product();
    held.layout = layout("/p/harbour/pilot", None);
    held.subscription = None;
    held.logo_url = None;
    held.certificate = None;
    held.hold = Some(HoldNotice {
        since: ago(70),
        revoked_at: When::new(now() + TimeDelta::days(27), now()),
        is_closed: false,
    });
    let mut open = product();
    open.subscription = None;
    let mut anonymous = product();
    anonymous.subscription = None;
    anonymous.layout.viewer = None;
    let mut preview = open.clone();
    preview.url = "/preview/harbour/pilot".to_owned();
    preview.preview = Some(PreviewNote {
        is_listed: false,
        has_candidate: true,
        is_typed: false,
        edit_url: Some("/publisher/harbour/pilot".to_owned()),
    });
    let mut empty_preview = preview.clone();
    (empty_preview.install, empty_preview.release) = (None, None);
    empty_preview.certificate = None;
    empty_preview.plans.clear();
    empty_preview.preview = Some(PreviewNote {
        is_listed: true,
        has_candidate: false,
        is_typed: false,
        edit_url: None,
    });
    let mut typed = empty_preview.clone();
    typed.preview = Some(PreviewNote {
        is_listed: false,
        has_candidate: false,
        is_typed: true,
        edit_url: Some("/publisher/harbour/pilot".to_owned()),
    });
    vec![
        page("product-preview", &preview),
        page("product-preview-empty", &empty_preview),
        page("product-preview-typed", &typed),
        page("storefront", &storefront()),
        page("search", &search),
        page("storefront-empty", &empty),
        page("search-nothing", &nothing),
        page("public-publisher", &public_publisher(true)),
        page("public-publisher-empty", &public_publisher(false)),
        page("product-subscribed", &product()),
        page("product-on-hold", &held),
        page("product-open", &open),
        page("product-anonymous", &anonymous),
    ]
}

fn public_publisher(is_verified: bool) -> PublicPublisherPage {
    let products = storefront().products.into_iter().take(2);
    PublicPublisherPage {
        layout: layout("/publishers/harbour", None),
        slug: "harbour".to_owned(),
        name: "Harbour Systems Ltd".to_owned(),
        website: "https://harbour.example".to_owned(),
        logo_url: is_verified.then(|| "/static/mark.svg".to_owned()),
        is_verified,
        since: ago(24 * 400),
        products: products.filter(|_| is_verified).collect(),
        onward: Onward {
            first_url: None,
            next_url: is_verified.then(|| "/publishers/harbour?after=pilot#products".to_owned()),
        },
    }
}

fn storefront() -> StorefrontPage {
    let categories = [
        "Databases",
        "DevOps Tools",
        "Messaging Services",
        "Monitoring",
        "Networking",
        "Security",
    ];
    StorefrontPage {
        layout: layout("/", None),
        is_front: true,
        category: None,
        is_certified_only: false,
        categories: categories
            .iter()
            .zip([12, 7, 3, 9, 4, 6])
            .map(|(name, count)| CategoryLink {
                name: (*name).to_owned(),
                count,
                url: format!("/search?category={name}"),
                is_current: *name == "Databases",
            })
            .collect(),
        certified_toggle_url: "/search?certified=true".to_owned(),
        products: cards(),
        paging: Paging {
            first: 1,
            last: 5,
            total: 5,
            more: false,
            ..Paging::default()
        },
        market_total: 41,
    }
}

fn cards() -> Vec<ProductCard> {
    [
        (
            "Pilot Database",
            "Harbour Systems Ltd",
            "A relational database that keeps its head in heavy weather; backups included.",
            "Databases",
            true,
            false,
            "from USD 19.00 a month",
            true,
        ),
        (
            "Lighthouse",
            "Fresnel GmbH",
            "Metrics and alerts for small fleets.",
            "Monitoring",
            true,
            false,
            "Free",
            false,
        ),
        (
            "Breakwater",
            "Mole & Sons",
            "A reverse proxy with rate limits and a firewall that explains itself.",
            "Networking",
            false,
            true,
            "from EUR 9.50 a month",
            false,
        ),
        (
            "Signal Flags",
            "Harbour Systems Ltd",
            "A message broker that speaks AMQP 1.0 and MQTT 5.",
            "Messaging Services",
            true,
            false,
            "Free",
            true,
        ),
        (
            "Ballast",
            "Keel <Labs>",
            "Encrypted backups to any S3 store.",
            "Storage",
            false,
            false,
            "Free",
            false,
        ),
    ]
    .map(
        |(name, publisher, text, category, is_certified, is_on_hold, price, has_logo)| {
            ProductCard {
                url: format!("/p/harbour/{}", name.to_lowercase().replace(' ', "-")),
                name: name.to_owned(),
                publisher: publisher.to_owned(),
                is_publisher_verified: is_certified,
                logo_url: has_logo.then(|| "/static/mark.svg".to_owned()),
                short_description: text.to_owned(),
                category: category.to_owned(),
                is_certified,
                is_on_hold,
                price_from: price.to_owned(),
            }
        },
    )
    .to_vec()
}

fn product() -> ProductPage {
    ProductPage {
        layout: layout("/p/harbour/pilot", customer()),
        url: "/p/harbour/pilot".to_owned(),
        name: "Pilot Database".to_owned(),
        publisher: PublisherLine {
            feed_url: "/p/harbour/feed.atom".to_owned(),
            name: "Harbour Systems Ltd".to_owned(),
            url: "/publishers/harbour".to_owned(),
            is_verified: true,
        },
        logo_url: Some("/static/mark.svg".to_owned()),
        category: "Databases".to_owned(),
        tags: vec!["sql".to_owned(), "backup".to_owned()],
        preview: None,
        hold: None,
        certificate: Some(certificate()),
        short_description: "A relational database that keeps its head in heavy weather; backups included.".to_owned(),
        long_description: Html("<p>Pilot speaks the PostgreSQL protocol and adds what a crew on watch needs: <strong>online backups</strong>, a query log that can be read, and upgrades that roll back.</p><ul><li>Point-in-time recovery</li><li>Runs as a user without rights</li></ul>".to_owned()),
        screenshot_urls: vec!["/static/mark.svg".to_owned(), "/static/mark.svg".to_owned()],
        support_link: "https://harbour.example/support".to_owned(),
        support: SupportView::of(&market::Support::sample()),
        kind: Some(KindView {
            title: "Plugin",
            words: "It uses system interfaces of the engine.",
            more: "Report on its tests",
            link: Some("https://harbour.example/tests".to_owned()),
        }),
        statements_url: Some("/p/harbour/pilot/vex.json".to_owned()),
        license: LicenseView {
            link: Some("https://harbour.example/licence".to_owned()),
            text: Some("You may run it as often as you subscribe.".to_owned()),
        },
        plans: vec![
            plan("community", "Community", "One node, help from the forum.", "Free"),
            plan("standard", "Standard", "Three nodes, answers within a working day.", "USD 19.00 a month"),
        ],
        subscription: Some(SubscriptionLine {
            plan: "Standard".to_owned(),
            price: "USD 19.00 a month".to_owned(),
            state: Pill::new(Tone::Good, "Active"),
            since: ago(24 * 30),
            until: None,
        }),
        install: Some(Install {
            registry: "market.example".to_owned(),
            repository: "harbour/pilot".to_owned(),
            tag: "1.4".to_owned(),
            digest: digest("9f2c44aa01").0,
            key_url: "https://market.example/keys/operator.pub".to_owned(),
            certificate_url: "https://market.example/keys/operator.crt".to_owned(),
            needs_token: true,
            needs_subscription: true,
        }),
        not_given: Some("Your plan Standard gives 1.4, not the newest version: no plan on offer gives 1.5.".to_owned()),
        instructions: Html("<p>Mount a volume at <code>/data</code> and set <code>PILOT_PASSWORD</code>.</p>".to_owned()),
        release: Some(release()),
        badge_url: "https://market.example/p/harbour/pilot/badge.svg".to_owned(),
        absolute_url: "https://market.example/p/harbour/pilot".to_owned(),
    }
}

fn plan(id: &str, name: &str, description: &str, price: &str) -> PlanView {
    PlanView {
        id: id.to_owned(),
        name: name.to_owned(),
        description: description.to_owned(),
        price: price.to_owned(),
        gives: Some(match id {
            "community" => "Gives 1.4, 1.3; to come: 1.*.".to_owned(),
            _ => "Gives every version.".to_owned(),
        }),
    }
}

fn certificate() -> Certificate {
    let check = |title: &str, proves: &str, outcome: &str| CheckLine {
        title: title.to_owned(),
        proves: proves.to_owned(),
        outcome: outcome.to_owned(),
    };
    Certificate {
        kind: "Certified container".to_owned(),
        granted_at: ago(24 * 20),
        until: Some(When::new(now() + TimeDelta::days(345), now())),
        checks: vec![
            check(
                "Runs as an unprivileged user",
                "A break-out does not start as root.",
                "pass",
            ),
            check(
                "Health check answers",
                "The container was started and its health check passed.",
                "pass",
            ),
            check(
                "No package caches",
                "Nothing is shipped that only the build needed.",
                "warn",
            ),
        ],
    }
}

fn release() -> Release {
    let platform = |name: &str, start: &str| PlatformView {
        platform: name.to_owned(),
        os: "Alpine 3.19".to_owned(),
        size: 48_320_111,
        layers: 3,
        url: Some(format!("/p/harbour/pilot/images/{}", digest(start).0)),
        digest: digest(start),
    };
    Release {
        tag: "1.4".to_owned(),
        digest: digest("9f2c44aa01"),
        since: ago(24 * 20),
        scanned_at: Some(ago(5)),
        advisories_at: Some(ago(9)),
        platforms: vec![
            platform("linux/amd64", "11aa22bb33"),
            platform("linux/arm64", "44cc55dd66"),
        ],
    }
}
