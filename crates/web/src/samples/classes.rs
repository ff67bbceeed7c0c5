//! Classes by hand.

use market::{CLASSES_BY_HAND, Class, Problem};

use super::{ago, layout, page, reviewer, said, which};
use crate::{
    pages::classes::{ClassForm, ClassRow, ClassesPage, UnscoredRow},
    view::{Choice, FieldErrors, Onward, class_pill},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut empty = classes();
    empty.unscored.clear();
    empty.rows.clear();
    let mut refused = classes();
    refused.layout = said(refused.layout, true, "reason: say why");
    let wrong = |field: &str| Problem {
        field: field.to_owned(),
        message: "so it cannot be".to_owned(),
    };
    let fields = ["vulnerability", "product", "class", "reason"];
    refused.errors = FieldErrors(fields.map(wrong).into());
    vec![
        page("classes", &classes()),
        page("classes-empty", &empty),
        page("classes-refused", &refused),
    ]
}

fn classes() -> ClassesPage {
    let row = |number: u8, class, ended: Option<&str>| ClassRow {
        id: format!("cls_{number}"),
        vulnerability: "CVE-2024-99999".to_owned(),
        about: "harbour/pilot".to_owned(),
        class: class_pill(class),
        reason: "The shell is never given what comes from outside.".to_owned(),
        author: "robin".to_owned(),
        at: ago(70),
        counts: ended.is_none(),
        ended: ended.map(str::to_owned),
    };
    let choice = |class: &Class| Choice::new(class.as_str(), class.title(), "minor");
    ClassesPage {
        layout: layout("/review/classes", reviewer()),
        unscored: vec![UnscoredRow {
            vulnerability: "CVE-2024-99999".to_owned(),
            products: 3,
            findings: 7,
            since: ago(100),
            url: "/review/classes?vulnerability=CVE-2024-99999#classify".to_owned(),
        }],
        rows: vec![
            row(2, Class::Minor, None),
            row(
                1,
                Class::Major,
                Some("Replaced by robin, 2026-11-20 10:00 UTC"),
            ),
        ],
        which: which("/review/classes"),
        onward: Onward {
            first_url: None,
            next_url: Some("/review/classes?before=cls_1#classes".to_owned()),
        },
        form: ClassForm {
            vulnerability: "CVE-2024-99999".to_owned(),
            product: "harbour/pilot".to_owned(),
            classes: CLASSES_BY_HAND.iter().map(choice).collect(),
            reason: String::new(),
        },
        errors: FieldErrors::default(),
    }
}
