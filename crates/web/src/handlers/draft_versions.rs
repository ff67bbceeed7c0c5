//! `/publisher/{slug}/{product}/versions` and one below it.

use std::{sync::Arc, time::Duration};

use app::{App, DraftLine, DraftVersions};
use axum::extract::{Path, State};
use market::ProductManifest;
use similar::{ChangeTag, TextDiff};

use super::{
    Parameters,
    manifest_items::{TITLES, items, value},
    publisher::product_name,
};
use crate::{
    answer::{Answer, Refusal, page, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::draft_versions::{
        ChangedItem, ChangedLine, DraftOf, DraftVersionPage, DraftVersionsPage, ItemChange,
        VersionRow,
    },
    view::Choice,
    viewer::Viewer,
};

/// Lines around a line that differs.
const AROUND: usize = 3;
/// Most lines of one item that are shown.
const MOST_LINES: usize = 2_000;
/// How long lines are compared before the result may be coarser.
const PATIENCE: Duration = Duration::from_millis(50);

/// `GET /publisher/{slug}/{product}/versions?before=&after=`
pub(crate) async fn show_all(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((publisher, product)): Path<(String, String)>,
    parameters: Parameters,
) -> Answer {
    let names = (publisher.as_str(), product.as_str());
    let found = app.draft_versions(&viewer.actor, names.0, names.1).await?;
    let asked = |name: &str, place: usize| match parameters.get(name) {
        Some(number) => Some(number_of(number)),
        None => found.versions.get(place).map(|line| line.number),
    };
    let pair = (found.versions.len() > 1)
        .then(|| asked("before", 1).zip(asked("after", 0)))
        .flatten();
    let changes = match pair {
        Some(pair) => {
            let pair = (pair.0, Some(pair.1));
            let found = app.compare_drafts(&viewer.actor, names, pair).await?;
            let texts = (&found.before.manifest.0, &found.after.manifest.0);
            Some(changes(texts, &found.fields))
        }
        None => None,
    };
    let choices = |chosen: Option<i64>| {
        let choice = |line: &DraftLine| {
            let number = line.number.to_string();
            let current = chosen.unwrap_or(0).to_string();
            Choice::new(&number, &label(line), &current)
        };
        found.versions.iter().map(choice).collect()
    };
    page(&DraftVersionsPage {
        of: draft_of(&found),
        befores: choices(pair.map(|pair| pair.0)),
        afters: choices(pair.map(|pair| pair.1)),
        versions: (found.versions.iter())
            .map(|line| row(line, &viewer))
            .collect(),
        changes,
        layout: viewer.layout,
    })
}

/// `GET /publisher/{slug}/{product}/versions/{number}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path((publisher, product, number)): Path<(String, String, String)>,
) -> Answer {
    page(&view(&app, viewer, (&publisher, &product), &number).await?)
}

/// `POST /publisher/{slug}/{product}/versions/{number}/restore`
pub(crate) async fn restore(
    State(app): State<Arc<App>>,
    Path((publisher, product, number)): Path<(String, String, String)>,
    form: Form,
) -> Answer {
    let names = (publisher.as_str(), product.as_str());
    let restored = app.restore_draft(&form.viewer.actor, names, number_of(&number));
    match restored.await {
        Ok(_) => (form.viewer).done(
            &format!("/publisher/{publisher}/{product}"),
            Notice::DraftRestored,
        ),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let mut page = view(&app, form.viewer, names, &number).await?;
            page.layout.flash = Some(refusal.flash());
            page_with(refusal.status, &page)
        }
    }
}

async fn view(
    app: &App,
    viewer: Viewer,
    names: (&str, &str),
    number: &str,
) -> Result<DraftVersionPage, Failure> {
    let number = number_of(number);
    let found = app.draft_versions(&viewer.actor, names.0, names.1).await?;
    let version = app.draft_version(&viewer.actor, names, number).await?;
    Ok(DraftVersionPage {
        of: draft_of(&found),
        items: items(&version.manifest, |field| version.line.has_changed(field)),
        row: row(&version.line, &viewer),
        newest: found.versions.first().map_or(number, |line| line.number),
        can_restore: found.may_edit,
        layout: viewer.layout,
    })
}

/// What is no number is the number of no version.
fn number_of(text: &str) -> i64 {
    text.parse().unwrap_or(0)
}

fn draft_of(found: &DraftVersions) -> DraftOf {
    let (publisher, product) = (&found.publisher, &found.product);
    DraftOf {
        publisher_slug: publisher.slug.to_string(),
        publisher_name: publisher.legal_name.clone(),
        product: product_name(product),
        url: format!("/publisher/{}/{}", publisher.slug, product.slug),
    }
}

fn label(line: &DraftLine) -> String {
    let at = line.saved_at.format("%-d %b %Y, %H:%M UTC");
    format!("No. {}, {at}", line.number)
}

fn row(line: &DraftLine, viewer: &Viewer) -> VersionRow {
    let fields = TITLES.iter().filter(|(field, _)| line.has_changed(field));
    let titles: Vec<_> = fields.map(|(_, title)| *title).collect();
    VersionRow {
        number: line.number,
        fields: titles.join(", "),
        by: line.saved_by.clone(),
        at: viewer.when(line.saved_at),
        restored_from: line.restored_from,
    }
}

/// Returns what differs, item by item, in the order of the programme.
fn changes(
    (before, after): (&ProductManifest, &ProductManifest),
    fields: &[String],
) -> Vec<ChangedItem> {
    let changed = TITLES
        .iter()
        .filter(|(field, _)| fields.iter().any(|name| name == field));
    let item = |(field, title): &(&str, &str)| ChangedItem {
        field: (*field).to_owned(),
        title: (*title).to_owned(),
        change: match (long_text(before, field), long_text(after, field)) {
            (Some(before), Some(after)) => ItemChange::Lines(changed_lines(before, after)),
            _ => ItemChange::Whole(value(before, field), value(after, field)),
        },
    };
    changed.map(item).collect()
}

/// Returns the source of an item that is long, and so compared line by line.
fn long_text<'a>(manifest: &'a ProductManifest, field: &str) -> Option<&'a str> {
    match field {
        "long_description" => Some(&manifest.long_description),
        "installation_instructions" => Some(&manifest.installation_instructions),
        _ => None,
    }
}

fn changed_lines(before: &str, after: &str) -> Vec<ChangedLine> {
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(before, after);
    let (mut lines, mut more) = (Vec::new(), 0);
    for group in diff.grouped_ops(AROUND) {
        if !lines.is_empty() && lines.len() < MOST_LINES {
            lines.push(left_out(String::new()));
        }
        let mut changes = group
            .iter()
            .flat_map(|operation| diff.iter_changes(operation));
        let room = MOST_LINES.saturating_sub(lines.len());
        lines.extend(changes.by_ref().take(room).map(|change| ChangedLine {
            sign: match change.tag() {
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '−',
                ChangeTag::Equal => ' ',
            },
            text: change.value().trim_end_matches('\n').to_owned(),
        }));
        more += changes.count();
    }
    if more > 0 {
        lines.push(left_out(format!("{more} more lines")));
    }
    lines
}

fn left_out(text: String) -> ChangedLine {
    ChangedLine { sign: '…', text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_compared_line_by_line() {
        let before: String = (0..20).map(|line| format!("line {line}\n")).collect();
        let after = before.replace("line 2\n", "line two\n") + "the end";
        let shown: Vec<_> = changed_lines(&before, &after)
            .into_iter()
            .map(|line| format!("{}{}", line.sign, line.text))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
         line 0
         line 1
        −line 2
        +line two
         line 3
         line 4
         line 5
        …
         line 17
         line 18
         line 19
        +the end
        ");
        assert_eq!(changed_lines("a", "a"), []);
    }

    #[test]
    fn of_texts_that_differ_everywhere_the_beginning_is_shown() {
        let of = |letter: &str| format!("{letter}\n").repeat(1 << 19);
        let began = std::time::Instant::now();
        let lines = changed_lines(&of("a"), &of("b"));
        assert_eq!(lines.len(), MOST_LINES + 1);
        assert_eq!(lines[0].sign, '−');
        let more = (1 << 20) - MOST_LINES;
        assert_eq!(lines[MOST_LINES], left_out(format!("{more} more lines")));
        assert!(began.elapsed() < Duration::from_secs(10), "{began:?}");
    }
}
