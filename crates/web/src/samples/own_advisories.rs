//! Vulnerabilities added by hand.

use market::{Class, Problem};

use super::{ago, layout, page, reviewer, said, which};
use crate::{
    pages::own_advisories::{OwnAdvisoriesPage, OwnAdvisoryForm, OwnAdvisoryRow},
    view::{Choice, FieldErrors, Onward, class_pill},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut empty = advisories();
    empty.rows.clear();
    let mut refused = advisories();
    refused.layout = said(refused.layout, true, "vector: it is none");
    let wrong = |field: &str| Problem {
        field: field.to_owned(),
        message: "so it cannot be".to_owned(),
    };
    let fields = [
        "name",
        "title",
        "ecosystem",
        "package",
        "introduced",
        "fixed",
        "last_affected",
        "vector",
        "class",
        "reason",
    ];
    refused.errors = FieldErrors(fields.map(wrong).into());
    vec![
        page("own-advisories", &advisories()),
        page("own-advisories-empty", &empty),
        page("own-advisories-refused", &refused),
    ]
}

fn advisories() -> OwnAdvisoriesPage {
    let row = |number: u8, withdrawn: Option<&str>| OwnAdvisoryRow {
        id: format!("adv_{number}"),
        name: format!("OWN-2026-000{number}"),
        title: "The shell runs what it reads".to_owned(),
        about: "busybox in Alpine:v3.19, from the beginning, fixed in 1.36.1-r3".to_owned(),
        class: class_pill(Class::Critical),
        vector: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H".to_owned()),
        reason: "A customer showed us; upstream is told.".to_owned(),
        author: "robin".to_owned(),
        at: ago(30),
        counts: withdrawn.is_none(),
        withdrawn: withdrawn.map(str::to_owned),
    };
    let choice = |class: Class| Choice::new(class.as_str(), class.title(), "critical");
    OwnAdvisoriesPage {
        layout: layout("/review/advisories", reviewer()),
        rows: vec![
            row(2, None),
            row(
                1,
                Some("Withdrawn by robin, 2026-11-20 10:00 UTC: It was another program."),
            ),
        ],
        which: which("/review/advisories"),
        onward: Onward::default(),
        form: OwnAdvisoryForm {
            classes: [Class::Critical, Class::Major, Class::Minor]
                .map(choice)
                .into(),
            ..OwnAdvisoryForm::default()
        },
        errors: FieldErrors::default(),
    }
}
