//! Submissions under review.

use chrono::TimeDelta;
use market::{Class, Deadline, Publication, SubmissionState};

use super::{ago, digest, layout, now, page, publisher, reviewer};
use crate::{
    pages::{
        AnchorChoice, Changes, Check, ComponentLine, Finding, LayerPanel, ManifestItem,
        PlatformPanel, Progress, Remark, SignatureLine, SignatureReport,
        submission::{InHand, PublicationPanel, SubmissionPage},
    },
    view::{Choice, Due, FieldErrors, Html, Paging, Pill, SeverityCounts, Tone},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut own = submission();
    own.layout = layout("/submissions/sub_4", publisher());
    own.product_url = Some("/publisher/harbour/pilot".to_owned());
    own.state = SubmissionState::ChangesRequested;
    own.in_hand = None;
    own.can_decide = false;
    own.can_waive = false;
    own.class = Some(Class::Critical);
    own.why_not_decide = Some("You belong to this publisher: somebody else decides.".to_owned());
    let mut clean = submission();
    clean.in_hand = Some(InHand {
        reviewer: Some("robin".to_owned()),
        is_mine: true,
        me: None,
        others: vec!["olive".to_owned()],
    });
    clean.severity = SeverityCounts::default();
    clean.findings.clear();
    clean.changes = None;
    clean.signature = None;
    clean.remarks.clear();
    clean.templates.clear();
    clean.approvals = Some("This is the product’s first release: two different reviewers approve it before it is signed. You (robin) approved it; somebody else has to, too.".to_owned());
    clean.has_approved = true;
    clean.missing_root = Some("nothing of market.example/acme/db was released, so it needs a signed root first, and the root key is not here".to_owned());
    vec![
        page("submission", &submission()),
        page("submission-publisher", &own),
        page("submission-clean", &clean),
        page("submission-inspecting", &inspecting()),
        page("submission-failed", &failed()),
    ]
}

fn inspecting() -> SubmissionPage {
    let mut page = submission();
    page.state = SubmissionState::Inspecting;
    page.can_decide = false;
    page.remarks.clear();
    page.progress = Some(Progress {
        title: "Inspection",
        done: 3,
        total: 7,
        step: "Reading layer 3 of 5".to_owned(),
    });
    page
}

fn failed() -> SubmissionPage {
    let mut page = submission();
    page.state = SubmissionState::Failed;
    page.can_decide = false;
    page.failure = Some("Layer 3 is no gzip stream: it ends after 512 bytes.".to_owned());
    page.checks.clear();
    page
}

fn submission() -> SubmissionPage {
    SubmissionPage {
        layout: layout("/submissions/sub_4", reviewer()),
        id: "sub_4".to_owned(),
        number: 4,
        product: "Pilot Database".to_owned(),
        product_url: None,
        publisher: "Harbour Systems Ltd".to_owned(),
        state: SubmissionState::InReview,
        state_since: ago(30),
        submitted_at: ago(31),
        submitted_by: "grace".to_owned(),
        tag: "1.5".to_owned(),
        digest: digest("9f2c44aa01"),
        progress: None,
        failure: None,
        changes: Some(Changes {
            number: 3,
            url: "/submissions/sub_3".to_owned(),
            fields: vec!["short_description".to_owned(), "plans".to_owned()],
            content: super::releases::content(true),
            checks: vec![("Health check answers".to_owned(), "passes now".to_owned())],
        }),
        signature: Some(SignatureReport {
            is_verified: true,
            verdict: "Signed by Harbour Systems Ltd with a registered key.".to_owned(),
            lines: vec![SignatureLine {
                kind: "cosign".to_owned(),
                key: "release key (SHA256:vV0rN5ha1b2c3d4e5f6g7h8i9j0k)".to_owned(),
                outcome: "pass".to_owned(),
                detail: "Authentic, whole, and made for this digest.".to_owned(),
            }],
        }),
        severity: SeverityCounts {
            critical: 2,
            major: 6,
            minor: 13,
            unscored: 1,
        },
        class: None,
        findings: findings(),
        findings_paging: Paging {
            first: 1,
            last: 4,
            total: 22,
            more: false,
            previous_url: None,
            next_url: Some("/submissions/sub_4?page=2#findings".to_owned()),
        },
        advisories_at: Some(ago(9)),
        checks: checks(),
        platforms: vec![platform()],
        versions_url: "/publisher/harbour/pilot/versions".to_owned(),
        manifest: vec![
            item("name", "Product name", "Pilot Database", false),
            item(
                "short_description",
                "Short description",
                "A relational database that keeps its head in heavy weather.",
                true,
            ),
            item(
                "license",
                "Licence agreement",
                "<a href=\"https://harbour.example/licence\">https://harbour.example/licence</a>",
                false,
            ),
        ],
        hints: vec!["nothing that was released or is submitted here is given by the plan Business: whoever subscribes to it can pull nothing yet".to_owned()],
        open_remarks: remarks().iter().filter(|remark| remark.is_open()).count(),
        remarks: remarks(),
        remarks_paging: Paging::default(),
        anchors: vec![
            anchor("submission", "The submission as a whole"),
            anchor("check:non-root-user", "Check: Runs as an unprivileged user"),
            anchor("finding:CVE-2022-0778", "Finding: CVE-2022-0778 in openssl"),
        ],
        draft_remark: String::new(),
        draft_reason: "Please set a user.".to_owned(),
        templates: vec![
            Choice::new("tpl_1", "Request changes: Runs as root", "tpl_1"),
            Choice::new("tpl_2", "Approve: Welcome", "tpl_1"),
        ],
        draft_decision: "request-changes".to_owned(),
        errors: FieldErrors::default(),
        waited: "Its review waited 2 days 3 hours for the certification team and 5 hours for the publisher.".to_owned(),
        approvals: None,
        missing_root: None,
        is_first_approval: false,
        has_approved: false,
        publication: Some(PublicationPanel {
            when: "at 30 Nov 2026, 09:00:00 UTC".to_owned(),
            publication: Publication::AtTime,
            at: "2026-11-30T09:00:00".to_owned(),
            is_approved: false,
            can_set: true,
        }),
        in_hand: Some(InHand {
            reviewer: None,
            is_mine: false,
            me: Some("robin".to_owned()),
            others: vec!["olive".to_owned()],
        }),
        can_comment: true,
        can_decide: true,
        can_waive: true,
        why_not_decide: None,
    }
}

fn item(field: &str, title: &str, value: &str, is_changed: bool) -> ManifestItem {
    ManifestItem {
        field: field.to_owned(),
        title: title.to_owned(),
        value: Html(value.to_owned()),
        is_changed,
    }
}

fn anchor(value: &str, label: &str) -> AnchorChoice {
    AnchorChoice {
        value: value.to_owned(),
        label: label.to_owned(),
    }
}

fn findings() -> Vec<Finding> {
    let finding = |id: &str,
                   summary: &str,
                   class,
                   score,
                   component: &str,
                   versions: (&str, Option<&str>),
                   deadline| Finding {
        id: id.to_owned(),
        url: Some(format!("https://nvd.nist.gov/vuln/detail/{id}")),
        summary: summary.to_owned(),
        class,
        score,
        vector: score.map(|_| "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H".to_owned()),
        source: score.map(|_| "NVD".to_owned()),
        component: component.to_owned(),
        version: versions.0.to_owned(),
        fixed_version: versions.1.map(ToOwned::to_owned),
        layer: digest("77aa0091cd"),
        due: Due::new(deadline, now()),
        why: format!(
            "Alpine secdb: origin {component} in Alpine v3.15 has a fix; installed is the older {}.",
            versions.0
        ),
        record: Some(format!(
            "Record {id} of Alpine secdb: Alpine:v3.15 {component}, every version before the fix; versions in the order of apk."
        )),
        since: "Published 2022-03-15. First seen here 2026-11-20 10:00 UTC.".to_owned(),
        by_hand: None,
        classify_url: None,
        statement: None,
        statement_url: Some("/publisher/harbour/pilot/vex?vulnerability=x#state".to_owned()),
    };
    let answered = Finding {
        by_hand: Some("Major by robin, 2026-11-20; Critical by the advisories: Only trusted peers.".to_owned()),
        classify_url: Some("/review/classes?vulnerability=x#classify".to_owned()),
        statement: Some((
            Pill::new(Tone::Good, "Accepted"),
            "Not affected: the vulnerable code is never run, says the publisher. “Only trusted peers.” Accepted by robin until 2026-12-31.".to_owned(),
        )),
        ..finding(
            "CVE-2023-0286",
            "openssl: X.400 address type confusion",
            Class::Critical,
            Some(7.4),
            "openssl",
            ("1.1.1l-r0", Some("1.1.1t-r0")),
            Deadline::None,
        )
    };
    vec![
        answered,
        finding(
            "CVE-2022-37434",
            "zlib: heap-based buffer over-read in inflate via a large gzip header extra field",
            Class::Critical,
            Some(9.8),
            "zlib",
            ("1.2.12-r1", Some("1.2.12-r2")),
            Deadline::Due(now() - TimeDelta::hours(40)),
        ),
        finding(
            "CVE-2022-0778",
            "openssl: infinite loop in BN_mod_sqrt() reachable when parsing certificates",
            Class::Critical,
            Some(7.5),
            "openssl",
            ("1.1.1l-r0", Some("1.1.1n-r0")),
            Deadline::Due(now() + TimeDelta::hours(31)),
        ),
        finding(
            "CVE-2023-5678",
            "openssl: generating excessively long X9.42 DH keys may be very slow",
            Class::Major,
            Some(5.3),
            "openssl",
            ("1.1.1l-r0", None),
            Deadline::NotNotified,
        ),
        finding(
            "CVE-2024-99999",
            "busybox: not scored yet",
            Class::Unscored,
            None,
            "busybox",
            ("1.35.0-r17", None),
            Deadline::None,
        ),
    ]
}

fn checks() -> Vec<Check> {
    let check =
        |id: &str, title: &str, outcome: &str, evidence: &[&str], suggestion: Option<&str>| Check {
            id: id.to_owned(),
            title: title.to_owned(),
            outcome: outcome.to_owned(),
            proves: "A break-out of the process does not start as root.".to_owned(),
            evidence: evidence.iter().map(|line| (*line).to_owned()).collect(),
            suggestion: suggestion.map(ToOwned::to_owned),
            help: "Most containers need no rights of root at all.".to_owned(),
            can_waive: outcome == "fail",
            waived: (outcome == "warn").then(|| {
                let says = "Waived by robin until 2026-12-31: It is built elsewhere.";
                ("wvr_1".to_owned(), says.to_owned())
            }),
        };
    vec![
        check(
            "non-root-user",
            "Runs as an unprivileged user",
            "fail",
            &["config.User is empty, so processes run as root"],
            Some("Add `USER pilot` at the end of the Dockerfile."),
        ),
        check(
            "package-cache",
            "No package caches",
            "warn",
            &["/var/cache/apk/APKINDEX.00740ba1.tar.gz (1.3 MB) in layer 3"],
            Some("Use `apk add --no-cache`."),
        ),
        check(
            "health-check",
            "Health check answers",
            "pass",
            &["healthy after 1.2 s"],
            None,
        ),
    ]
}

fn platform() -> PlatformPanel {
    let component = |name: &str, version: &str, findings: Vec<(String, Class)>| ComponentLine {
        name: name.to_owned(),
        version: version.to_owned(),
        kind: "apk".to_owned(),
        findings,
    };
    let layer = |number,
                 instruction: &str,
                 start: &str,
                 size,
                 components: Vec<ComponentLine>,
                 vulnerable_count| LayerPanel {
        number,
        instruction: instruction.to_owned(),
        digest: digest(start),
        size,
        component_count: if components.is_empty() { 0 } else { 15 },
        components,
        vulnerable_count,
    };
    PlatformPanel {
        platform: "linux/amd64".to_owned(),
        os: "Alpine 3.19".to_owned(),
        size: 48_320_111,
        digest: digest("11aa22bb33"),
        url: "/p/harbour/pilot/images/sha256:11aa22bb33".to_owned(),
        layers: vec![
            layer(
                1,
                "ADD alpine-minirootfs-3.19.1.tar.gz / # buildkit",
                "4abcf20661",
                3_408_729,
                vec![
                    component(
                        "busybox",
                        "1.35.0-r17",
                        vec![("CVE-2024-99999".to_owned(), Class::Unscored)],
                    ),
                    component("musl", "1.2.4-r2", Vec::new()),
                ],
                1,
            ),
            layer(
                2,
                "RUN /bin/sh -c apk add --no-cache libstdc++ openssl icu-libs && adduser -D -H pilot # buildkit",
                "77aa0091cd",
                12_911_022,
                vec![component(
                    "openssl",
                    "1.1.1l-r0",
                    vec![
                        ("CVE-2022-0778".to_owned(), Class::Critical),
                        ("CVE-2023-5678".to_owned(), Class::Major),
                    ],
                )],
                2,
            ),
            layer(
                3,
                "COPY pilot /usr/bin/pilot # buildkit",
                "b0b5ee1234",
                32_000_360,
                Vec::new(),
                0,
            ),
        ],
    }
}

fn remarks() -> Vec<Remark> {
    let remark = |id: &str, author: &str, role: &str, about: &str, body: &str, resolved| Remark {
        id: id.to_owned(),
        author: author.to_owned(),
        role: role.to_owned(),
        at: ago(20),
        about: about.to_owned(),
        body: Html(body.to_owned()),
        decision: None,
        resolved,
        can_resolve: true,
    };
    vec![
        remark(
            "rem_1",
            "robin",
            "Reviewer",
            "check Runs as an unprivileged user",
            "<p>The entry point does not need root; please set a user.</p>",
            None,
        ),
        remark(
            "rem_2",
            "grace",
            "Publisher",
            "finding CVE-2022-0778",
            "<p>Fixed in 1.5.1, pushed tomorrow.</p>",
            Some(ago(3)),
        ),
    ]
}
