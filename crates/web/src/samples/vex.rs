//! Statements about vulnerabilities.

use chrono::TimeDelta;
use market::{Problem, VexJustification, VexStatus};

use super::{ago, layout, now, page, publisher, reviewer, said};
use crate::{
    pages::vex::{VexForm, VexPage, VexRow, WaitingVex},
    view::{Choice, FieldErrors, Onward, Pill, Tone, When},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut empty = statements();
    empty.statements.clear();
    empty.public_url = None;
    let mut refused = statements();
    refused.layout = said(refused.layout, true, "vulnerability: write something");
    refused.errors = FieldErrors(
        [
            "vulnerability",
            "component",
            "image",
            "status",
            "justification",
            "text",
            "document",
        ]
        .map(|field| Problem {
            field: field.to_owned(),
            message: "so it cannot be".to_owned(),
        })
        .into(),
    );
    let mut review = statements();
    review.layout = layout("/publisher/harbour/pilot/vex", reviewer());
    (review.product_url, review.form) = (None, None);
    for row in &mut review.statements {
        row.can_accept = row.standing.word == "Waits for review";
        row.can_refuse = row.can_accept || row.standing.word == "Accepted";
    }
    vec![
        page("vex", &statements()),
        page("vex-empty", &empty),
        page("vex-refused", &refused),
        page("vex-review", &review),
    ]
}

fn statements() -> VexPage {
    let row = |number: u8, claim: &str, standing: (Tone, &str)| VexRow {
        id: format!("vex_{number}"),
        vulnerability: "CVE-2022-0778".to_owned(),
        about: "pkg:apk/alpine/openssl@1.1.1l-r0, in image 9f2c44aa01".to_owned(),
        claim: claim.to_owned(),
        text: "Certificates are never parsed: the database speaks plain text only.".to_owned(),
        standing: Pill::new(standing.0, standing.1),
        author: "grace".to_owned(),
        at: ago(70),
        origin: format!("Version {number}, in https://harbour.example/vex-1"),
        decider: Some("robin".to_owned()),
        decided_at: Some(ago(20)),
        reason: Some("Seen in the configuration.".to_owned()),
        until: Some(When::new(now() + TimeDelta::days(90), now())),
        can_accept: false,
        can_refuse: false,
    };
    let why = "Not affected: the vulnerable code is never run";
    let waiting = VexRow {
        decider: None,
        decided_at: None,
        until: None,
        ..row(3, why, (Tone::Active, "Waits for review"))
    };
    let status = |it: &VexStatus| Choice::new(it.as_str(), it.title(), "not_affected");
    let justification = |it: &VexJustification| Choice::new(it.as_str(), it.title(), "");
    VexPage {
        layout: layout("/publisher/harbour/pilot/vex", publisher()),
        url: "/publisher/harbour/pilot/vex".to_owned(),
        product: "Pilot Database".to_owned(),
        product_url: Some("/publisher/harbour/pilot".to_owned()),
        public_url: Some("/p/harbour/pilot/vex.json".to_owned()),
        statements: vec![
            waiting,
            row(2, why, (Tone::Good, "Accepted")),
            row(1, "Under investigation", (Tone::Quiet, "Replaced")),
        ],
        about: String::new(),
        onward: Onward::default(),
        form: Some(VexForm {
            vulnerability: "CVE-2022-0778".to_owned(),
            image: String::new(),
            component: "pkg:apk/alpine/openssl@1.1.1l-r0".to_owned(),
            statuses: VexStatus::ALL.iter().map(status).collect(),
            justifications: VexJustification::ALL.iter().map(justification).collect(),
            text: String::new(),
        }),
        document: String::new(),
        errors: FieldErrors::default(),
    }
}

/// Returns a statement that waits in the reviewers' queue.
pub(super) fn waiting(is_own_work: bool) -> WaitingVex {
    WaitingVex {
        url: "/publisher/harbour/pilot/vex#vex_3".to_owned(),
        vulnerability: "CVE-2022-0778".to_owned(),
        claim: "Not affected: the vulnerable code is never run".to_owned(),
        about: "harbour/pilot: pkg:apk/alpine/openssl@1.1.1l-r0".to_owned(),
        publisher: "Harbour Systems Ltd".to_owned(),
        since: ago(70),
        is_own_work,
    }
}
