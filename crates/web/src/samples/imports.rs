//! Images that are brought from other registries.

use market::Problem;

use super::{ago, digest, layout, page, publisher};
use crate::{
    pages::imports::{ImportForm, ImportRow, ImportsPage},
    view::{FieldErrors, Pill, Tone},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut empty = imports();
    empty.imports.clear();
    let mut seen = imports();
    seen.can_import = false;
    let mut refused = imports();
    let wrong = |field: &str| Problem {
        field: field.to_owned(),
        message: "so it cannot be".to_owned(),
    };
    refused.form = ImportForm {
        image: "<b>".to_owned(),
        into: "pilot".to_owned(),
        tag: "1.6".to_owned(),
        user: "grace".to_owned(),
        errors: FieldErrors(
            ["image", "into", "tag", "user", "password"]
                .map(wrong)
                .into(),
        ),
    };
    vec![
        page("imports", &imports()),
        page("imports-empty", &empty),
        page("imports-seen", &seen),
        page("imports-refused", &refused),
    ]
}

fn import(number: u8, state: Pill) -> ImportRow {
    ImportRow {
        id: format!("imp_{number}"),
        source: "registry.example/team/pilot:1.6".to_owned(),
        target: "staging/harbour/pilot:1.6".to_owned(),
        state,
        is_open: false,
        note: String::new(),
        bytes: (0, 0),
        digest: Some(digest("9f2c44aa01")),
        error: None,
        by: "grace".to_owned(),
        at: ago(i64::from(number)),
    }
}

fn imports() -> ImportsPage {
    let under_way = ImportRow {
        is_open: true,
        note: "layer 2 of 5".to_owned(),
        bytes: (12_000_000, 48_000_000),
        ..import(1, Pill::new(Tone::Active, "Under way"))
    };
    let failed = ImportRow {
        error: Some("registry.example/team/pilot: denied (DENIED, 403)".to_owned()),
        digest: None,
        ..import(3, Pill::new(Tone::Bad, "Failed"))
    };
    ImportsPage {
        layout: layout("/publisher/harbour/products/imports", publisher()),
        publisher_slug: "harbour".to_owned(),
        publisher_name: "Harbour Systems Ltd".to_owned(),
        imports: vec![under_way, import(2, Pill::new(Tone::Good, "Done")), failed],
        form: ImportForm::default(),
        can_import: true,
    }
}
