//! `/operator/audit`: who did what to what, and why.

use std::sync::Arc;

use app::{App, AuditQuery, NamedRecord};
use axum::extract::State;
use market::Action;

use super::{Parameters, asked_part, onward};
use crate::{
    answer::{Answer, page},
    pages::audit::{AuditPage, AuditRow},
    view::{Choice, urlencoded},
    viewer::Viewer,
};

/// The page's address.
const PAGE: &str = "/operator/audit";

/// `GET /operator/audit?actor=&action=&subject=&before=`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let query = asked(&parameters);
    let part = asked_part(&parameters, "before");
    let mut records = app.audit_log(&viewer.actor, &query, part).await?;
    let onward = onward(
        &mut records,
        part,
        |named| named.record.id.as_str(),
        |name| address(&query, name),
    );
    let actions = Action::ALL.iter().map(|action| action.as_str());
    page(&AuditPage {
        rows: records
            .into_iter()
            .map(|record| row(record, &viewer))
            .collect(),
        onward,
        is_filtered: query.is_filtered(),
        actions: actions
            .map(|action| Choice::new(action, action, &query.action))
            .collect(),
        actor: query.actor,
        subject: query.subject,
        layout: viewer.layout,
    })
}

/// Returns what is asked for; what nobody can have meant is left out.
fn asked(parameters: &Parameters) -> AuditQuery {
    let given = |name: &str| {
        let text = parameters.get(name).map_or("", |text| text.trim());
        let is_name = text.chars().count() <= 200 && !text.contains('\0');
        if is_name { text } else { "" }.to_owned()
    };
    AuditQuery {
        actor: given("actor"),
        action: given("action"),
        subject: given("subject"),
    }
}

/// Returns the address of what is asked for, from behind a record on.
fn address(query: &AuditQuery, before: &str) -> String {
    let asked = [
        ("actor", urlencoded(&query.actor)),
        ("action", urlencoded(&query.action)),
        ("subject", urlencoded(&query.subject)),
        ("before", before.to_owned()),
    ];
    let given = asked.iter().filter(|(_, value)| !value.is_empty());
    let pairs: Vec<_> = given
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    match pairs.is_empty() {
        true => PAGE.to_owned(),
        false => format!("{PAGE}?{}", pairs.join("&")),
    }
}

/// Returns a record's line.
pub(super) fn row(NamedRecord { record, actor_name }: NamedRecord, viewer: &Viewer) -> AuditRow {
    let change = match (record.before, record.after) {
        (Some(before), Some(after)) => format!("{before} → {after}"),
        (None, Some(after)) => format!("→ {after}"),
        _ => String::new(),
    };
    let of = |name: &str, value: &str| format!("{PAGE}?{name}={}", urlencoded(value));
    AuditRow {
        at: viewer.when(record.at),
        actor_url: of("actor", actor_name.as_ref().unwrap_or(&record.actor)),
        who: actor_name.unwrap_or(record.actor),
        action: record.action,
        change,
        subject_url: of("subject", &record.subject),
        subject: record.subject,
        reason: record.reason.unwrap_or_default(),
    }
}
