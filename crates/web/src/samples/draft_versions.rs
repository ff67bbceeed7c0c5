//! Versions of a product's draft.

use super::{ago, layout, page, publisher};
use crate::{
    pages::{
        ManifestItem,
        draft_versions::{
            ChangedItem, ChangedLine, DraftOf, DraftVersionPage, DraftVersionsPage, ItemChange,
            VersionRow,
        },
    },
    view::{Choice, Html},
};

pub(super) fn pages() -> Vec<(&'static str, String)> {
    let mut empty = versions();
    empty.versions.clear();
    empty.changes = None;
    let mut same = versions();
    same.changes = Some(Vec::new());
    let mut newest = version();
    newest.row = row(3);
    vec![
        page("draft-versions", &versions()),
        page("draft-versions-empty", &empty),
        page("draft-versions-same", &same),
        page("draft-version", &version()),
        page("draft-version-newest", &newest),
    ]
}

fn of() -> DraftOf {
    DraftOf {
        publisher_slug: "harbour".to_owned(),
        publisher_name: "Harbour Systems Ltd".to_owned(),
        product: "Pilot Database <b>".to_owned(),
        url: "/publisher/harbour/pilot".to_owned(),
    }
}

fn row(number: i64) -> VersionRow {
    VersionRow {
        number,
        fields: "Short description, Plans".to_owned(),
        by: (number > 1).then(|| "grace".to_owned()),
        at: ago(100 - number),
        restored_from: (number == 3).then_some(1),
    }
}

fn versions() -> DraftVersionsPage {
    let choices = |chosen: &str| {
        let choice = |number| Choice::new(number, &format!("No. {number}"), chosen);
        ["3", "2", "1"].map(choice).to_vec()
    };
    let line = |sign, text: &str| ChangedLine {
        sign,
        text: text.to_owned(),
    };
    DraftVersionsPage {
        layout: layout("/publisher/harbour/pilot/versions", publisher()),
        of: of(),
        versions: vec![row(3), row(2), row(1)],
        befores: choices("2"),
        afters: choices("3"),
        changes: Some(vec![
            ChangedItem {
                field: "name".to_owned(),
                title: "Product name".to_owned(),
                change: ItemChange::Whole(
                    Html("Pilot".to_owned()),
                    Html("Pilot Database".to_owned()),
                ),
            },
            ChangedItem {
                field: "long_description".to_owned(),
                title: "Long description".to_owned(),
                change: ItemChange::Lines(vec![
                    line(' ', "# Pilot"),
                    line('−', "It <floats>."),
                    line('+', "It sails."),
                    line('…', ""),
                ]),
            },
        ]),
    }
}

fn version() -> DraftVersionPage {
    DraftVersionPage {
        layout: layout("/publisher/harbour/pilot/versions/2", publisher()),
        of: of(),
        row: row(2),
        newest: 3,
        items: vec![ManifestItem {
            field: "name".to_owned(),
            title: "Product name".to_owned(),
            value: Html("Pilot".to_owned()),
            is_changed: true,
        }],
        can_restore: true,
    }
}
