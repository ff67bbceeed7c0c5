//! `/notices`: what one was told and gets by mail; `/operator/outbox`.

use std::sync::Arc;

use app::{App, AppError, LetterView, Notice as Told, NoticePreference};
use axum::{
    extract::{Path, State},
    http::StatusCode,
};
use market::{MailState, NoticeKind};

use super::{Parameters, asked_part, going_on, onward};
use crate::{
    answer::{Answer, page_with},
    form::Form,
    notice::Notice,
    pages::notices::{KindRow, LetterRow, MutePage, NoticeRow, NoticesPage, OutboxPage, OutboxRow},
    view::urlencoded,
    viewer::Viewer,
};

/// `GET /notices`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let actor = &viewer.actor;
    let part = asked_part(&parameters, "before");
    let mut notices = app.my_notices(actor, part).await?;
    let account = actor
        .signed_in()
        .ok_or_else(|| AppError::Unauthenticated("to read your notices".to_owned()))?;
    let asked = (&parameters, ["product", "before"].as_slice());
    let product = parameters.get("product").map(String::as_str);
    let kinds = app.notice_preferences(actor, product).await?;
    let page = NoticesPage {
        product: product.map(str::to_owned),
        own_products: app.products_with_preferences(actor).await?,
        unread: viewer
            .layout
            .viewer
            .as_ref()
            .map_or(0, |viewer| viewer.unread),
        onward: onward(
            &mut notices,
            part,
            |told| told.id.as_str(),
            |name| going_on("/notices", asked, ("before", name), ""),
        ),
        email: account.email.clone(),
        notices: notices.iter().map(|told| row(told, &viewer)).collect(),
        kinds: kinds.into_iter().map(kind_row).collect(),
        layout: viewer.layout,
    };
    page_with(StatusCode::OK, &page)
}

/// `POST /notices/read`
pub(crate) async fn read(State(app): State<Arc<App>>, form: Form) -> Answer {
    app.read_notices(&form.viewer.actor).await?;
    form.viewer.done("/notices", Notice::NoticesRead)
}

/// `POST /notices/preferences`: `mail-<kind>` holds a choice, or nothing.
pub(crate) async fn set_preferences(State(app): State<Arc<App>>, form: Form) -> Answer {
    let mut preferences = Vec::new();
    for kind in NoticeKind::ALL.iter().filter(|kind| !kind.is_obligatory()) {
        let choice = match form.text(&format!("mail-{kind}")) {
            "" => None,
            choice => Some(choice.parse().map_err(|_unknown| {
                AppError::invalid("mail", format!("`{choice}` is no way to send mail"))
            })?),
        };
        preferences.push(NoticePreference {
            kind: *kind,
            mail: choice,
        });
    }
    let product = Some(form.text("product")).filter(|name| !name.is_empty());
    app.set_notice_preferences(&form.viewer.actor, product, &preferences)
        .await?;
    let back = product.map_or_else(
        || "/notices#mail".to_owned(),
        |name| format!("/notices?product={}#mail", urlencoded(name)),
    );
    form.viewer.done(&back, Notice::PreferencesSaved)
}

/// `GET /notices/mute/{key}`: the link in a mail. Only a POST ends anything, for programs
/// that guard mailboxes follow links.
pub(crate) async fn ask_to_mute(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(key): Path<String>,
) -> Answer {
    let kind = app.kind_to_mute(&key).await?;
    muted(viewer, Some(kind), false)
}

/// `POST /notices/mute/{key}`: what the key is for is all that it does, so it comes from any
/// mail program and needs no session (RFC 8058).
pub(crate) async fn mute(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(key): Path<String>,
) -> Answer {
    let kind = app.mute_by_key(&key).await?;
    muted(viewer, Some(kind), true)
}

/// `GET /notices/mute-all/{key}`: the link in a letter of several kinds.
pub(crate) async fn ask_to_mute_all(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(key): Path<String>,
) -> Answer {
    app.kind_to_mute(&key).await?;
    muted(viewer, None, false)
}

/// `POST /notices/mute-all/{key}`, as [`mute`].
pub(crate) async fn mute_all(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(key): Path<String>,
) -> Answer {
    app.mute_all_by_key(&key).await?;
    muted(viewer, None, true)
}

/// `GET /operator/outbox`
pub(crate) async fn show_outbox(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    parameters: Parameters,
) -> Answer {
    let part = asked_part(&parameters, "before");
    let letter_part = asked_part(&parameters, "letters");
    let lists = (&parameters, ["before", "letters"].as_slice());
    let to = |key, name: &str, section| going_on("/operator/outbox", lists, (key, name), section);
    let mut found = app.outbox(&viewer.actor, part).await?;
    let notices_onward = onward(
        &mut found,
        part,
        |told| told.notice.id.as_str(),
        |name| to("before", name, ""),
    );
    let mut letters = app.list_letters(&viewer.actor, letter_part).await?;
    let letters_onward = onward(
        &mut letters,
        letter_part,
        |view| view.letter.id.as_str(),
        |name| to("letters", name, "#letters"),
    );
    let rows = found.iter().map(|addressed| {
        let told = &addressed.notice;
        OutboxRow {
            at: viewer.when(told.created_at),
            account: addressed.account.clone(),
            email: addressed.email.clone(),
            title: told.title.clone(),
            url: told.path.clone(),
            mail: fares(told.mail, told.attempts),
            mail_at: viewer.when(told.mail_at),
            error: told.error.clone(),
        }
    });
    let page = OutboxPage {
        letters: letters
            .into_iter()
            .map(|letter| letter_row(letter, &viewer))
            .collect(),
        rows: rows.collect(),
        onward: notices_onward,
        letters_onward,
        layout: viewer.layout,
    };
    page_with(StatusCode::OK, &page)
}

fn fares(mail: MailState, attempts: i64) -> String {
    match mail {
        MailState::Waiting if attempts > 0 => "waits for another attempt,".to_owned(),
        other => other.to_string(),
    }
}

fn letter_row(view: LetterView, viewer: &Viewer) -> LetterRow {
    let letter = view.letter;
    LetterRow {
        at: viewer.when(letter.created_at),
        address: letter.address,
        subject: letter.subject,
        link: view.link,
        mail: fares(letter.mail, letter.attempts),
        mail_at: viewer.when(letter.mail_at),
        error: letter.error,
    }
}

/// Without a kind, it is about all that may be ended.
fn muted(viewer: Viewer, kind: Option<NoticeKind>, is_done: bool) -> Answer {
    let page = MutePage {
        title: kind.map(|kind| kind.title().to_owned()),
        is_done,
        is_obligatory: kind.is_some_and(NoticeKind::is_obligatory),
        layout: viewer.layout,
    };
    page_with(StatusCode::OK, &page)
}

fn row(told: &Told, viewer: &Viewer) -> NoticeRow {
    NoticeRow {
        title: told.title.clone(),
        paragraphs: told.body.split("\n\n").map(str::to_owned).collect(),
        url: told.path.clone(),
        at: viewer.when(told.created_at),
        is_new: told.read_at.is_none(),
    }
}

fn kind_row(preference: NoticePreference) -> KindRow {
    KindRow {
        kind: preference.kind.to_string(),
        title: preference.kind.title().to_owned(),
        choice: preference.mail,
        is_obligatory: preference.kind.is_obligatory(),
    }
}
