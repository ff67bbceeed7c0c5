//! Releases, looked into.

use market::Class;

use super::{ago, customer, digest, layout, page, publisher};
use crate::{
    pages::{
        compare::{
            ChangedContent, ChangedFinding, ChangedInside, ChangedLayer, ChangedPackage,
            ComparePage,
        },
        components::{ComponentFinding, ComponentRow, ComponentsPage, RatingLine},
        image::{
            FixLine, HistoryLine, ImageLine, ImagePage, InsidePanel, LayerContents, LayerLine,
        },
        layer_files::{FileRow, LayerFilesPage},
        tags::{PlatformLine, ProductLine, TagPanel, TagsPage},
    },
    view::{Choice, Paging, SeverityCounts, Viewer, entry_url},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut no_tags = tags();
    no_tags.tags.clear();
    no_tags.product.is_public = false;
    let mut clean = image(true, publisher());
    if let Some(inside) = &mut clean.inside {
        inside.severity = SeverityCounts::default();
        inside.fixes.clear();
        inside.unfixed = 0;
    }
    let mut nothing = components();
    nothing.rows.clear();
    nothing.paging = Paging::default();
    let mut unknown = layer_files();
    unknown.is_known = false;
    let mut alone = compare(true, publisher());
    alone.content = None;
    let mut same = compare(true, publisher());
    same.content = Some(ChangedContent::default());
    vec![
        page("tags", &tags()),
        page("tags-none", &no_tags),
        page("image", &image(true, publisher())),
        page("image-clean", &clean),
        page("image-public", &image(false, customer())),
        page("components", &components()),
        page("components-none", &nothing),
        page("layer-files", &layer_files()),
        page("layer-files-unknown", &unknown),
        page("compare", &compare(true, publisher())),
        page("compare-public", &compare(false, customer())),
        page("compare-alone", &alone),
        page("compare-same", &same),
    ]
}

fn product() -> ProductLine {
    ProductLine {
        name: "Pilot Database".to_owned(),
        publisher: "Harbour Systems Ltd".to_owned(),
        url: "/p/harbour/pilot".to_owned(),
        is_public: true,
    }
}

fn tags() -> TagsPage {
    let platform = |name: &str, start: &str| PlatformLine {
        platform: name.to_owned(),
        os: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        size: 48_320_111,
        digest: digest(start),
        url: format!("/p/harbour/pilot/images/{}", digest(start).0),
    };
    let tag = |tag: &str, start: &str, days: i64| TagPanel {
        tag: tag.to_owned(),
        digest: digest(start),
        is_certified: true,
        released_at: ago(24 * days),
        plans: Some(vec!["Community".to_owned(), "Business".to_owned()]),
        compare_url: (days < 100).then(|| "/p/harbour/pilot/compare?new=rel_1".to_owned()),
        platforms: vec![
            platform("linux/amd64", "11aa22bb33"),
            platform("linux/arm64", "44cc55dd66"),
        ],
    };
    TagsPage {
        layout: layout("/p/harbour/pilot/tags", customer()),
        product: product(),
        tags: vec![tag("1.4", "9f2c44aa01", 20), tag("1.3", "8f2c44aa01", 120)],
        paging: Paging {
            first: 1,
            last: 2,
            total: 22,
            more: false,
            previous_url: None,
            next_url: Some("/p/harbour/pilot/tags?page=2".to_owned()),
        },
    }
}

fn head() -> ImageLine {
    ImageLine {
        product: product(),
        tag: "1.4".to_owned(),
        released_at: Some(ago(24 * 20)),
        platform: "linux/amd64".to_owned(),
        os: "Debian GNU/Linux 12 (bookworm)".to_owned(),
        size: 48_320_111,
        digest: digest("11aa22bb33"),
        url: "/p/harbour/pilot/images/sha256:11aa22bb33".to_owned(),
        submission_url: Some("/submissions/sub_4".to_owned()),
    }
}

fn image(sees_inside: bool, viewer: Option<Viewer>) -> ImagePage {
    let contents = |components, vulnerable, worst| {
        sees_inside.then_some(LayerContents {
            components,
            vulnerable,
            worst,
        })
    };
    let layer = |number, start: &str, size, contents| LayerLine {
        number,
        digest: digest(start),
        size,
        contents,
    };
    let step = |instruction: &str, days: i64, is_base, layer| HistoryLine {
        instruction: instruction.to_owned(),
        created: Some(ago(24 * days)),
        is_base,
        layer,
    };
    let base = contents(88, 4, Some(Class::Major));
    let packages = contents(12, 2, Some(Class::Critical));
    let mut head = head();
    head.submission_url = head.submission_url.filter(|_| sees_inside);
    ImagePage {
        layout: layout("/p/harbour/pilot", viewer),
        head,
        base: Some(("debian:12".to_owned(), true)),
        history: vec![
            step(
                "# debian.sh --arch 'amd64' out/ 'bookworm'",
                44,
                true,
                Some(layer(1, "4abcf20661", 28_408_729, base)),
            ),
            step("CMD [\"bash\"]", 44, false, None),
            step(
                "RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends openssl libicu72 && rm -rf /var/lib/apt/lists/* # buildkit",
                21,
                false,
                Some(layer(2, "77aa0091cd", 12_911_022, packages)),
            ),
            step(
                "COPY <pilot> /usr/bin/pilot # buildkit",
                21,
                false,
                Some(layer(3, "b0b5ee1234", 7_000_360, contents(0, 0, None))),
            ),
            step("USER pilot", 21, false, None),
        ],
        inside: sees_inside.then(inside),
    }
}

fn inside() -> InsidePanel {
    let closes = |critical, major, minor| SeverityCounts {
        critical,
        major,
        minor,
        unscored: 0,
    };
    InsidePanel {
        components: 100,
        vulnerable: 6,
        severity: closes(2, 6, 13),
        fixes: vec![
            FixLine {
                what: "Build on a newer debian:12".to_owned(),
                url: None,
                closes: closes(0, 6, 5),
            },
            FixLine {
                what: "Update openssl to 3.0.15-1~deb12u1 (deb)".to_owned(),
                url: Some("/p/harbour/pilot/images/sha256:11/components?q=openssl&ecosystem=deb&fixable=true".to_owned()),
                closes: closes(2, 0, 1),
            },
        ],
        more_fixes: 1,
        unfixed: 6,
    }
}

fn components() -> ComponentsPage {
    let choice = |value: &str, label: &str, is_selected| Choice {
        value: value.to_owned(),
        label: label.to_owned(),
        is_selected,
    };
    let row = |name: &str, version: &str, findings: Vec<ComponentFinding>| ComponentRow {
        name: name.to_owned(),
        version: version.to_owned(),
        ecosystem: "deb",
        purl: format!("pkg:deb/debian/{name}@{version}?arch=amd64&distro=debian-12"),
        evidence: "Installed, by /var/lib/dpkg/status.".to_owned(),
        layer: 1,
        is_base: true,
        findings_total: if name == "openssl" {
            30
        } else {
            findings.len()
        },
        findings,
    };
    ComponentsPage {
        layout: layout("/p/harbour/pilot", publisher()),
        head: head(),
        url: "/p/harbour/pilot/images/sha256:11aa22bb33/components".to_owned(),
        text: "lib<b>".to_owned(),
        is_fixable_only: true,
        is_exploited_only: false,
        ecosystems: vec![
            choice("deb", "deb (88)", true),
            choice("golang", "golang (12)", false),
        ],
        classes: vec![
            choice("critical", "Critical", false),
            choice("major", "Major", false),
        ],
        layers: vec![choice("1", "1", false), choice("2", "2", false)],
        estimates: vec![
            choice("1", "1 % or more", false),
            choice("10", "10 % or more", true),
        ],
        orders: vec![
            choice("gravest", "Gravest first", true),
            choice("name", "By name", false),
        ],
        is_filtered: true,
        rows: vec![
            row(
                "openssl",
                "3.0.11-1~deb12u2",
                vec![
                    finding("CVE-2024-5535", Class::Critical, Some(9.1)),
                    finding("CVE-2024-4603", Class::Major, Some(5.3)),
                ],
            ),
            row(
                "libexpat1",
                "2.5.0-1",
                vec![finding("GHSA-xxxx-yyyy-zzzz", Class::Minor, None)],
            ),
            row("base-files", "12.4+deb12u9", Vec::new()),
        ],
        paging: Paging {
            first: 1,
            last: 3,
            total: 100,
            more: false,
            previous_url: None,
            next_url: Some(
                "/p/harbour/pilot/images/sha256:11/components?order=gravest&page=2".to_owned(),
            ),
        },
    }
}

fn layer_files() -> LayerFilesPage {
    let row = |path: &str, rights: &str, link: Option<&str>| FileRow {
        path: path.to_owned(),
        rights: rights.to_owned(),
        owner: "0:1000".to_owned(),
        size: 1_234_567,
        link: link.map(str::to_owned),
        is_privileged: rights.contains('s'),
        taken: None,
    };
    let taken = |path: &str, taken| FileRow {
        path: path.to_owned(),
        taken: Some(taken),
        ..FileRow::default()
    };
    LayerFilesPage {
        layout: layout("/p/harbour/pilot", publisher()),
        head: head(),
        url: "/p/harbour/pilot/images/sha256:11aa22bb33/files".to_owned(),
        layer: digest("77"),
        layers: vec![Choice {
            value: "1".to_owned(),
            label: "1".to_owned(),
            is_selected: true,
        }],
        text: "lib<b>".to_owned(),
        is_known: true,
        rows: vec![
            row("/usr/bin/su", "-rwsr-xr-x", None),
            row("/lib", "lrwxrwxrwx", Some("usr/lib")),
            taken("/etc/old<b>", "removed"),
            taken("/var/cache", "emptied"),
        ],
        paging: Paging {
            first: 1,
            last: 4,
            total: 4,
            ..Paging::default()
        },
    }
}

fn finding(id: &str, class: Class, score: Option<f64>) -> ComponentFinding {
    let rating = |source: &str, score, vector: Option<&str>| RatingLine {
        source: source.to_owned(),
        score,
        word: score.map(|_| "Critical".to_owned()),
        vector: vector.map(str::to_owned),
    };
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:H";
    ComponentFinding {
        id: id.to_owned(),
        url: entry_url(id, &[], &[]),
        title: "Issue summary: calling SSL_select_next_proto with an empty list may crash."
            .to_owned(),
        class,
        score,
        fixed_version: score.map(|_| "3.0.15-1~deb12u1".to_owned()),
        epss: score.map(|_| (4.2, "2026-11-20".to_owned())),
        exploited_since: (class == Class::Critical).then(|| "2026-10-02".to_owned()),
        ratings: vec![
            rating("nvd", score, Some(vector)),
            rating("debian", None, None),
        ],
    }
}

fn compare(sees_inside: bool, viewer: Option<Viewer>) -> ComparePage {
    let choice = |tag: &str, is_selected| Choice {
        value: format!("rel_{tag}"),
        label: format!("{tag}, 21 Nov 2026"),
        is_selected,
    };
    ComparePage {
        layout: layout("/p/harbour/pilot/compare", viewer),
        product: product(),
        olds: vec![choice("1.4", false), choice("1.3", true)],
        news: vec![choice("1.4", true), choice("1.3", false)],
        content: Some(content(sees_inside)),
    }
}

/// What differs between two images.
pub(super) fn content(sees_inside: bool) -> ChangedContent {
    let layer = |start: &str| ChangedLayer {
        digest: digest(start),
        instruction: "RUN apt-get upgrade -y # buildkit".to_owned(),
        size: 12_911_022,
    };
    let package = |name: &str, before: &str, after: &str| ChangedPackage {
        name: name.to_owned(),
        ecosystem: "deb",
        before: before.to_owned(),
        after: after.to_owned(),
    };
    let finding = |id: &str, class| ChangedFinding {
        id: id.to_owned(),
        url: entry_url(id, &[], &[]),
        component: "openssl".to_owned(),
        class,
    };
    ChangedContent {
        layers_added: vec![layer("77aa0091cd")],
        layers_removed: vec![layer("66ff0091cd")],
        inside: sees_inside.then(|| ChangedInside {
            packages: vec![
                package("openssl", "3.0.11-1~deb12u2", "3.0.15-1~deb12u1"),
                package("curl", "", "7.88.1-10+deb12u8"),
                package("wget", "1.21.3-1+b2", ""),
            ],
            fixed: vec![
                finding("CVE-2023-0286", Class::Critical),
                finding("CVE-2022-37434", Class::Major),
            ],
            introduced: vec![finding("CVE-2022-0778", Class::Critical)],
            packages_paging: shown(3, 3),
            fixed_paging: Paging {
                next_url: Some("/submissions/sub_4?gone=2#changes".to_owned()),
                ..shown(2, 60)
            },
            introduced_paging: shown(1, 1),
        }),
    }
}

/// Returns where one is at the beginning of a list.
fn shown(last: u64, total: u64) -> Paging {
    Paging {
        first: 1,
        last,
        total,
        ..Paging::default()
    }
}
