//! Who belongs to a publisher: `/publisher/{slug}/members/…`, `/publisher/{slug}/invitations/…`,
//! and the page behind the link of an invitation.

use std::sync::Arc;

use app::{Actor, App, AppError, ClientAddress, Invitation, Team};
use axum::{
    Extension,
    extract::{Path, State},
    http::StatusCode,
};
use chrono::{DateTime, Utc};
use market::Role;

use super::publisher;
use crate::{
    answer::{Answer, Refusal, page_with},
    failure::Failure,
    form::Form,
    notice::Notice,
    pages::team::{InvitationPage, InvitationRow, MemberRow, TeamView},
    view::{FieldErrors, Pill, Tone, urlencoded},
    viewer::Viewer,
};

/// `POST /publisher/{slug}/members/invite`
pub(crate) async fn invite(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    let (email, role) = (form.text("invite_email"), form.text("invite_role"));
    let invited = match role.parse() {
        Ok(role) => {
            let actor = &form.viewer.actor;
            app.invite_member(actor, &slug, (email, role)).await
        }
        Err(_) => Err(unknown_role()),
    };
    let refusal = match invited {
        Ok(_) => return form.viewer.done(&back_to(&slug), Notice::Invited),
        Err(error) => Refusal::of(error)?.renamed(&[("email", "invite_email")]),
    };
    let typed = (email.to_owned(), role.to_owned());
    publisher::team_refused(&app, form.viewer, &slug, (typed, refusal)).await
}

/// `POST /publisher/{slug}/members/{account}/role`
pub(crate) async fn set_role(
    State(app): State<Arc<App>>,
    Path((slug, account)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let changed = match form.text("role").parse() {
        Ok(role) => {
            let actor = &form.viewer.actor;
            app.set_member(actor, &slug, &account, role).await
        }
        Err(_) => Err(unknown_role()),
    };
    answer(&app, form.viewer, &slug, (changed, Notice::RoleChanged)).await
}

/// `POST /publisher/{slug}/members/{account}/remove`
pub(crate) async fn remove(
    State(app): State<Arc<App>>,
    Path((slug, account)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let removed = app.remove_member(&form.viewer.actor, &slug, &account).await;
    answer(&app, form.viewer, &slug, (removed, Notice::MemberRemoved)).await
}

/// `POST /publisher/{slug}/members/leave`
pub(crate) async fn leave(
    State(app): State<Arc<App>>,
    Path(slug): Path<String>,
    form: Form,
) -> Answer {
    match app.leave_publisher(&form.viewer.actor, &slug).await {
        Ok(()) => form.viewer.done("/publisher", Notice::Left),
        Err(error) => answer(&app, form.viewer, &slug, (Err(error), Notice::Left)).await,
    }
}

/// `POST /publisher/{slug}/invitations/{letter}/resend`
pub(crate) async fn resend(
    State(app): State<Arc<App>>,
    Path((slug, letter)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let sent = app
        .resend_invitation(&form.viewer.actor, &slug, &letter)
        .await
        .map(drop);
    answer(&app, form.viewer, &slug, (sent, Notice::Invited)).await
}

/// `POST /publisher/{slug}/invitations/{letter}/withdraw`
pub(crate) async fn withdraw(
    State(app): State<Arc<App>>,
    Path((slug, letter)): Path<(String, String)>,
    form: Form,
) -> Answer {
    let withdrawn = app
        .withdraw_invitation(&form.viewer.actor, &slug, &letter)
        .await;
    let outcome = (withdrawn, Notice::InvitationWithdrawn);
    answer(&app, form.viewer, &slug, outcome).await
}

/// `GET /invitations/{letter}/{key}`
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    viewer: Viewer,
    Path(link): Path<(String, String)>,
) -> Answer {
    let page = invitation(&app, viewer, &link).await?;
    page_with(StatusCode::OK, &page)
}

/// `POST /invitations/{letter}/{key}`: joins, with a new account where nobody is signed in.
pub(crate) async fn accept(
    State(app): State<Arc<App>>,
    from: Option<Extension<ClientAddress>>,
    Path(link): Path<(String, String)>,
    form: Form,
) -> Answer {
    let (id, key) = (link.0.as_str(), link.1.as_str());
    if form.viewer.is_signed_in() {
        return match app.accept_invitation(&form.viewer.actor, id, key).await {
            Ok(slug) => form.viewer.done(&back_to(&slug), Notice::Joined),
            Err(error) => refused(&app, form.viewer, &link, ("", error)).await,
        };
    }
    let (name, password) = (form.text("name").trim(), form.text("password"));
    let made = app.register_invited((id, key), (name, password));
    if let Err(error) = made.await {
        return refused(&app, form.viewer.clone(), &link, (name, error)).await;
    }
    let from = from.map(|Extension(ClientAddress(from))| from);
    let session = app.sign_in(name, password, from).await?;
    let account = session.account.clone();
    let slug = app
        .accept_invitation(&Actor::account(account), id, key)
        .await?;
    let mut response = form.viewer.done(&back_to(&slug), Notice::Joined)?;
    form.viewer.begin_session(&session, &mut response);
    Ok(response)
}

async fn refused(
    app: &App,
    viewer: Viewer,
    link: &(String, String),
    (name, error): (&str, AppError),
) -> Answer {
    let refusal = Refusal::of(error)?;
    let mut page = invitation(app, viewer, link).await?;
    page.name = name.to_owned();
    page.layout.flash = refusal.flash_unless_at_fields();
    page.errors = refusal.errors;
    page_with(refusal.status, &page)
}

async fn invitation(
    app: &App,
    viewer: Viewer,
    (id, key): &(String, String),
) -> Result<InvitationPage, Failure> {
    let found = app.invitation(id, key).await?;
    Ok(InvitationPage {
        sign_in_url: format!("/sign-in?return_to={}", urlencoded(&viewer.layout.path)),
        legal_name: found.legal_name,
        slug: found.slug,
        email: found.email,
        role: found.role.to_string(),
        invited_by: found.invited_by,
        is_open: found.is_open,
        can_register: app.config().open_registration,
        name: String::new(),
        errors: FieldErrors::default(),
        layout: viewer.layout,
    })
}

async fn answer(
    app: &App,
    viewer: Viewer,
    slug: &str,
    (outcome, notice): (Result<(), AppError>, Notice),
) -> Answer {
    match outcome {
        Ok(()) => viewer.done(&back_to(slug), notice),
        Err(error) => {
            let refusal = Refusal::of(error)?;
            let typed = (String::new(), String::new());
            publisher::team_refused(app, viewer, slug, (typed, refusal)).await
        }
    }
}

fn unknown_role() -> AppError {
    AppError::invalid("role", "choose viewer, editor, finance or owner")
}

fn back_to(slug: &str) -> String {
    format!("/publisher/{slug}#team")
}

/// Returns who belongs to a publisher, as its page shows it.
pub(super) fn team_view(team: Team, now: DateTime<Utc>, viewer: &Viewer) -> TeamView {
    let own = viewer.actor.signed_in().map(|own| own.name.clone());
    let member = |member: app::NamedMember| MemberRow {
        is_self: own.as_ref() == Some(&member.name),
        since: viewer.when(member.joined_at),
        role: member.role.to_string(),
        name: member.name,
        email: member.email,
    };
    TeamView {
        members: team.members.into_iter().map(member).collect(),
        invitations: team
            .invitations
            .into_iter()
            .map(|one| invitation_row(one, now, viewer))
            .collect(),
        can_manage: team.may_manage,
        role: Role::Viewer.to_string(),
        ..TeamView::default()
    }
}

fn invitation_row(invitation: Invitation, now: DateTime<Utc>, viewer: &Viewer) -> InvitationRow {
    let state = match (&invitation.accepted_by, invitation.ended_at) {
        (Some(_), _) => Pill::new(Tone::Good, "Accepted"),
        (None, Some(_)) => Pill::new(Tone::Quiet, "Ended"),
        (None, None) if invitation.is_open(now) => Pill::new(Tone::Active, "Waiting"),
        (None, None) => Pill::new(Tone::Warning, "Too old"),
    };
    InvitationRow {
        state,
        is_waiting: invitation.ended_at.is_none(),
        at: viewer.when(invitation.invited_at),
        id: invitation.letter_id.to_string(),
        email: invitation.email,
        role: invitation.role.to_string(),
        by: invitation.invited_by,
    }
}
