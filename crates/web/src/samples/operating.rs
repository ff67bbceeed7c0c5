//! The review queue and the operator's console.

use chrono::TimeDelta;
use market::{ListingState, PublisherState, SubmissionState};

use super::{ago, layout, now, operator, page, reviewer, vex};
use crate::{
    pages::{
        audit::{AuditPage, AuditRow},
        notices::{LetterRow, OutboxPage, OutboxRow},
        operator::{
            AdvisoryStatus, FeedRow, Had, HoldRow, JobFailure, JobsSummary, ListingRow,
            OperatorPage, ProofLine, PublisherRow,
        },
        review::{QueueEntry, QueueFilters, ReviewPage},
        storage::{
            DamagedRow, RetentionForm, RunView, StorageMeter, StoragePage, StorageRow, WhyRow,
            WhyView,
        },
    },
    view::{
        Choice, FieldErrors, Onward, Paging, Pill, SeverityCounts, Tone, When, listing_pill,
        publisher_pill, submission_pill,
    },
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    vec![
        page("review", &queue(true)),
        page("review-empty", &queue(false)),
        page("operator", &console()),
        page("operator-fresh", &fresh_console()),
        page("audit", &audit(true)),
        page("audit-empty", &audit(false)),
        page("outbox", &outbox()),
        page("storage", &storage()),
        page("storage-fresh", &fresh_storage()),
    ]
}

fn queue(has_entries: bool) -> ReviewPage {
    let entry = |product: &str, number, state, hours, is_own_work: bool| QueueEntry {
        id: format!("sub_{number}"),
        product: product.to_owned(),
        publisher: "Harbour Systems Ltd".to_owned(),
        number,
        state: submission_pill(state),
        waiting_since: ago(hours),
        waited_for_reviewers: "3 days 4 hours".to_owned(),
        waited_for_publisher: "less than a minute".to_owned(),
        findings: SeverityCounts {
            critical: 2,
            major: 6,
            minor: 113,
            unscored: 0,
        },
        failed_checks: 1,
        open_remarks: 0,
        reviewer: (number == 7).then(|| "robin".to_owned()),
        is_mine: number == 7,
        can_take: !is_own_work && number != 7,
        is_own_work,
    };
    ReviewPage {
        layout: layout("/review", reviewer()),
        entries: if has_entries {
            vec![
                entry("Pilot Database", 4, SubmissionState::InReview, 75, false),
                entry("Lighthouse", 1, SubmissionState::InReview, 4, true),
                entry("Breakwater", 7, SubmissionState::InReview, 2, false),
            ]
        } else {
            Vec::new()
        },
        filters: QueueFilters {
            publisher: String::new(),
            product: String::new(),
            states: vec![Choice::new("", "Waiting for us", "")],
            certifiable: vec![Choice::new("", "Certifiable or not", "")],
            assigned: vec![Choice::new("everybody", "Everybody’s", "everybody")],
            is_filtered: false,
            statements: String::new(),
        },
        onward: Onward {
            first_url: None,
            next_url: has_entries.then(|| "/review?after=x".to_owned()),
        },
        statements: match has_entries {
            true => vec![vex::waiting(false), vex::waiting(true)],
            false => Vec::new(),
        },
        statements_onward: Onward {
            first_url: None,
            next_url: has_entries.then(|| "/review?statements=vex_1#statements".to_owned()),
        },
    }
}

fn pair(value: &str, label: &str) -> (String, String) {
    (value.to_owned(), label.to_owned())
}

fn console() -> OperatorPage {
    let publisher = |slug: &str, name: &str, state, decisions| PublisherRow {
        slug: slug.to_owned(),
        name: name.to_owned(),
        website: format!("https://{slug}.example"),
        phone: "+44 20 7946 0000".to_owned(),
        email: format!("market@{slug}.example"),
        state: publisher_pill(state),
        since: ago(50),
        proofs: match state {
            PublisherState::Applied => vec![
                ProofLine {
                    is_good: true,
                    text: "E-mail proven".to_owned(),
                },
                ProofLine {
                    is_good: false,
                    text: format!("{slug}.example not proven"),
                },
            ],
            _ => Vec::new(),
        },
        decisions,
    };
    let listing = |name: &str, path: &str, state, revoked_at, breached, actions| ListingRow {
        name: name.to_owned(),
        publisher: "Harbour Systems Ltd".to_owned(),
        path: path.to_owned(),
        state: listing_pill(state),
        since: ago(70),
        revoked_at,
        breached,
        is_closed: false,
        actions,
    };
    let revoked_at = When::new(now() + TimeDelta::days(27), now());
    OperatorPage {
        own: Vec::new(),
        layout: layout("/operator", operator()),
        waiting: 1,
        which: vec![
            ("Waiting", "/operator?publishers=applied#publishers".to_owned(), true),
            ("Verified", "/operator?publishers=verified#publishers".to_owned(), false),
        ],
        onward: Onward::default(),
        publishers_in: PublisherState::Applied,
        publishers_after: String::new(),
        paging: Paging {
            first: 1,
            last: 2,
            total: 2,
            ..Paging::default()
        },
        words: String::new(),
        is_on_hold_only: false,
        publishers: vec![
            publisher(
                "fresnel",
                "Fresnel GmbH",
                PublisherState::Applied,
                vec![
                    pair("verified-without-proofs", "Verify without proofs"),
                    pair("rejected", "Reject"),
                ],
            ),
            publisher(
                "harbour",
                "Harbour Systems Ltd",
                PublisherState::Verified,
                vec![pair("suspended", "Suspend")],
            ),
        ],
        holds: vec![
            HoldRow {
                name: "Pilot Database".to_owned(),
                publisher: "harbour".to_owned(),
                path: "harbour/pilot".to_owned(),
                findings: 2,
                since: ago(5),
                waits: true,
                grace: None,
            },
            HoldRow {
                name: "Tide Tables".to_owned(),
                publisher: "harbour".to_owned(),
                path: "harbour/tide-tables".to_owned(),
                findings: 1,
                since: ago(50),
                waits: false,
                grace: Some((
                    When::new(now() + TimeDelta::days(3), now()),
                    "The fix is in review.".to_owned(),
                )),
            },
        ],
        listings: vec![
            listing(
                "Breakwater",
                "mole/breakwater",
                ListingState::OnHold,
                Some(revoked_at),
                1,
                vec![
                    pair("reinstate", "Reinstate"),
                    pair("revoke", "Revoke"),
                    pair("close-pulls", "Close pulls"),
                ],
            ),
            listing(
                "Pilot Database",
                "harbour/pilot",
                ListingState::Listed,
                None,
                0,
                vec![pair("hold", "Put on hold"), pair("revoke", "Revoke")],
            ),
        ],
        advisories: Some(AdvisoryStatus {
            built_at: ago(24 * 9),
            trouble: Some("they are 9 days old".to_owned()),
            advisories: 318_220,
            feeds: vec![
                FeedRow {
                    name: "Alpine secdb".to_owned(),
                    advisories: 9_120,
                    malformed: 0,
                    dated: Some(ago(24 * 9)),
                    had: Had::At(ago(2)),
                    error: None,
                    attribution: Some("Alpine Linux Security Team".to_owned()),
                },
                FeedRow {
                    name: "NVD".to_owned(),
                    advisories: 290_004,
                    malformed: 3,
                    dated: Some(ago(24 * 10)),
                    had: Had::At(ago(24 * 9)),
                    error: Some("cannot download: the connection broke".to_owned()),
                    attribution: Some("This product uses data from the NVD API but is not endorsed or certified by the NVD".to_owned()),
                },
                FeedRow {
                    name: "kev".to_owned(),
                    advisories: 0,
                    malformed: 0,
                    dated: None,
                    had: Had::Never,
                    error: Some("cannot download: there is no such host".to_owned()),
                    attribution: None,
                },
            ],
        }),
        jobs: JobsSummary {
            waiting: 4,
            running: 1,
            failed: 1,
            failures: vec![JobFailure {
                kind: "send-mail".to_owned(),
                error: "smtp.example:587 does not answer: connection refused".to_owned(),
            }],
        },
        audit: records(),
    }
}

fn records() -> Vec<AuditRow> {
    let row =
        |hours, who: &str, action: &str, change: &str, subject: &str, reason: &str| AuditRow {
            at: ago(hours),
            who: who.to_owned(),
            actor_url: format!("/operator/audit?actor={who}"),
            action: action.to_owned(),
            change: change.to_owned(),
            subject: subject.to_owned(),
            subject_url: format!("/operator/audit?subject={subject}"),
            reason: reason.to_owned(),
        };
    let late = "a Critical finding was not fixed in 72 hours";
    vec![
        row(
            1,
            "robin",
            "decide-submission",
            "in-review → changes-requested",
            "sub_4",
            "root user",
        ),
        row(
            70,
            "system",
            "manage-listing",
            "listed → on-hold",
            "prd_1",
            late,
        ),
    ]
}

fn audit(has_records: bool) -> AuditPage {
    let rows = if has_records { records() } else { Vec::new() };
    AuditPage {
        layout: layout("/operator/audit", operator()),
        onward: Onward {
            first_url: has_records.then(|| "/operator/audit?actor=robin".to_owned()),
            next_url: has_records.then(|| "/operator/audit?actor=robin&before=aud_1".to_owned()),
        },
        rows,
        is_filtered: has_records,
        actor: if has_records { "robin" } else { "" }.to_owned(),
        actions: vec![Choice::new("decide-submission", "decide-submission", "")],
        subject: String::new(),
    }
}

fn fresh_console() -> OperatorPage {
    OperatorPage {
        own: Vec::new(),
        waiting: 0,
        paging: Paging::default(),
        publishers: Vec::new(),
        holds: Vec::new(),
        listings: Vec::new(),
        advisories: None,
        jobs: JobsSummary::default(),
        audit: Vec::new(),
        ..console()
    }
}

fn run(tone: Tone, word: &str, note: &str) -> RunView {
    RunView {
        state: Pill {
            tone,
            word: word.to_owned(),
        },
        started_at: ago(3),
        note: note.to_owned(),
        figures: vec![
            ("Manifests deleted", "31".to_owned()),
            ("Blobs deleted from the store", "120 (4.2 GiB)".to_owned()),
        ],
    }
}

fn storage() -> StoragePage {
    let full = StorageMeter {
        id: "meter-harbour".to_owned(),
        used: "9.3 GiB".to_owned(),
        quota: Some("10.0 GiB".to_owned()),
        percent: 93,
        is_tight: true,
    };
    let open = StorageMeter {
        id: "meter-fresnel".to_owned(),
        used: "12 B".to_owned(),
        quota: None,
        percent: 0,
        is_tight: false,
    };
    let row = |slug: &str, meter, own_quota: &str| StorageRow {
        slug: slug.to_owned(),
        meter,
        own_quota: own_quota.to_owned(),
    };
    StoragePage {
        layout: layout("/operator/storage", operator()),
        collection: Some(run(Tone::Active, "Under way", "deleting manifests")),
        dry_run: Some(run(Tone::Good, "Done", "")),
        scrub: Some(run(Tone::Bad, "Failed", "the disk <b> cannot be read")),
        damaged: vec![DamagedRow {
            digest: format!("sha256:{:0<64}", "dead"),
            problem: "missing: the bytes are not there".to_owned(),
            found_at: ago(3),
            repositories: vec!["staging/harbour/pilot".to_owned()],
        }],
        asked: format!("sha256:{:0<64}", "beef"),
        why: Some(WhyView {
            stored: "1024 bytes in the blob store.".to_owned(),
            places: vec![WhyRow {
                repository: "staging/harbour/pilot".to_owned(),
                kind: "blob".to_owned(),
                because: "tag 1.0".to_owned(),
                way: vec![format!("sha256:{:0<64}", "cafe")],
            }],
        }),
        publishers: vec![
            row("fresnel", open, "0"),
            row("harbour", full, "10737418240"),
        ],
        publishers_onward: Onward {
            first_url: None,
            next_url: Some("/operator/storage?publishers=mole#publishers".to_owned()),
        },
        retention: RetentionForm {
            keep_newest: "20".to_owned(),
            ..RetentionForm::default()
        },
        errors: FieldErrors::default(),
    }
}

fn fresh_storage() -> StoragePage {
    StoragePage {
        collection: None,
        dry_run: None,
        scrub: None,
        damaged: Vec::new(),
        asked: String::new(),
        why: None,
        publishers: Vec::new(),
        retention: RetentionForm::default(),
        ..storage()
    }
}

fn outbox() -> OutboxPage {
    let row = |mail: &str, error: Option<&str>| OutboxRow {
        at: ago(3),
        account: "ada".to_owned(),
        email: "ada@example.org".to_owned(),
        title: "acme/db is on hold".to_owned(),
        url: "/p/acme/db".to_owned(),
        mail: mail.to_owned(),
        mail_at: ago(2),
        error: error.map(str::to_owned),
    };
    OutboxPage {
        layout: layout("/operator/outbox", operator()),
        rows: vec![
            row("sent", None),
            row("waits for another attempt,", Some("connection refused")),
        ],
        letters: vec![LetterRow {
            at: ago(5),
            address: "market@fresnel.example".to_owned(),
            subject: "Is this the company e-mail of Fresnel GmbH?".to_owned(),
            link: Some("https://market.example/proofs/email/ltr_1/key".to_owned()),
            mail: "waiting".to_owned(),
            mail_at: ago(5),
            error: None,
        }],
        onward: Onward {
            first_url: Some("/operator/outbox".to_owned()),
            next_url: Some("/operator/outbox?before=ntc_1".to_owned()),
        },
        letters_onward: Onward {
            first_url: None,
            next_url: Some("/operator/outbox?letters=let_1#letters".to_owned()),
        },
    }
}
