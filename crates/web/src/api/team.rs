//! Who belongs to a publisher, and who is invited.

use std::sync::Arc;

use app::{App, Invitation, NamedMember, Team};
use axum::{Json, extract::State, http::StatusCode};
use chrono::{DateTime, Utc};
use market::Role;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    error::{Answer, ErrorJson},
    extract::{At, Body, SignedIn},
    proofs::LinkJson,
    publishers::PublisherPath,
    words::{self, LetterIdJson, SlugJson},
};

pub(super) fn routes() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::new()
        .routes(routes!(get_team))
        .routes(routes!(set_member, remove_member))
        .routes(routes!(leave_publisher))
        .routes(routes!(invite_member))
        .routes(routes!(resend_invitation))
        .routes(routes!(withdraw_invitation))
        .routes(routes!(accept_invitation))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct MemberPath {
    /// The publisher's short name.
    #[param(inline)]
    publisher: SlugJson,
    /// The name the member signs in with.
    #[param(min_length = 1, max_length = 40)]
    account: String,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct InvitationPath {
    /// The publisher's short name.
    #[param(inline)]
    publisher: SlugJson,
    /// The invitation: the identifier of its letter.
    #[param(inline)]
    letter: LetterIdJson,
}

/// What a member may do.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MemberJson {
    /// Look, change and submit, see the money, or manage it all.
    role: MemberRoleJson,
}

/// A member's role.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum MemberRoleJson {
    /// May look.
    Viewer,
    /// May change, push and submit.
    Editor,
    /// May look, and see the terms and the money.
    Finance,
    /// May do all of it, and manage keys and members.
    Owner,
}

impl From<MemberRoleJson> for Role {
    fn from(role: MemberRoleJson) -> Self {
        match role {
            MemberRoleJson::Viewer => Self::Viewer,
            MemberRoleJson::Editor => Self::Editor,
            MemberRoleJson::Finance => Self::Finance,
            MemberRoleJson::Owner => Self::Owner,
        }
    }
}

impl From<Role> for MemberRoleJson {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Finance => Self::Finance,
            Role::Editor => Self::Editor,
            _ => Self::Viewer,
        }
    }
}

/// Who is to be invited.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct InviteJson {
    /// Their address.
    #[schema(schema_with = words::email)]
    email: String,
    /// As what they join.
    role: MemberRoleJson,
}

/// Who belongs to a publisher.
#[derive(Serialize, ToSchema)]
struct TeamJson {
    /// Its people.
    members: Vec<TeamMemberJson>,
    /// Who is invited, or was lately; for those who manage members.
    invitations: Vec<InvitationJson>,
    /// Whether the asker manages members.
    may_manage: bool,
}

/// Somebody who belongs to a publisher.
#[derive(Serialize, ToSchema)]
struct TeamMemberJson {
    /// The name they sign in with.
    name: String,
    /// Their address, for those who manage members.
    email: Option<String>,
    /// As what.
    role: MemberRoleJson,
    /// Since when.
    joined_at: DateTime<Utc>,
}

/// An invitation.
#[derive(Serialize, ToSchema)]
struct InvitationJson {
    /// The identifier of its letter.
    letter: LetterIdJson,
    /// Where it was sent.
    email: String,
    /// As what they join.
    role: MemberRoleJson,
    /// Who invited.
    invited_by: String,
    /// When.
    invited_at: DateTime<Utc>,
    /// Until when it can be accepted.
    expires_at: DateTime<Utc>,
    /// When it was accepted, withdrawn or sent anew.
    ended_at: Option<DateTime<Utc>>,
    /// Whether it was accepted.
    is_accepted: bool,
}

/// The publisher that was joined.
#[derive(Serialize, ToSchema)]
struct JoinedJson {
    /// Its short name.
    publisher: String,
}

impl From<NamedMember> for TeamMemberJson {
    fn from(member: NamedMember) -> Self {
        Self {
            name: member.name,
            email: Some(member.email).filter(|email| !email.is_empty()),
            role: member.role.into(),
            joined_at: member.joined_at,
        }
    }
}

impl From<Invitation> for InvitationJson {
    fn from(invitation: Invitation) -> Self {
        Self {
            letter: invitation.letter_id.into(),
            email: invitation.email,
            role: invitation.role.into(),
            invited_by: invitation.invited_by,
            invited_at: invitation.invited_at,
            expires_at: invitation.expires_at,
            ended_at: invitation.ended_at,
            is_accepted: invitation.accepted_by.is_some(),
        }
    }
}

impl From<Team> for TeamJson {
    fn from(team: Team) -> Self {
        Self {
            members: team.members.into_iter().map(Into::into).collect(),
            invitations: team.invitations.into_iter().map(Into::into).collect(),
            may_manage: team.may_manage,
        }
    }
}

/// Returns who belongs to a publisher and who is invited.
#[utoipa::path(get, path = "/publishers/{publisher}/members", tag = "publishers", params(PublisherPath),
    responses((status = 200, description = "Its people.", body = TeamJson)))]
async fn get_team(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<Json<TeamJson>> {
    Ok(Json(app.team(&actor, at.publisher.as_str()).await?.into()))
}

/// Makes an account a member, or changes what a member may do.
#[utoipa::path(put, path = "/publishers/{publisher}/members/{account}", tag = "publishers", params(MemberPath),
    request_body = MemberJson, responses((status = 204, description = "So it is.")))]
async fn set_member(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<MemberPath>,
    Body(json): Body<MemberJson>,
) -> Answer<StatusCode> {
    let publisher = at.publisher.as_str();
    app.set_member(&actor, publisher, &at.account, json.role.into())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a membership; never the last owner's.
#[utoipa::path(delete, path = "/publishers/{publisher}/members/{account}", tag = "publishers", params(MemberPath),
    responses((status = 204, description = "It has ended.")))]
async fn remove_member(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<MemberPath>,
) -> Answer<StatusCode> {
    app.remove_member(&actor, at.publisher.as_str(), &at.account)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends the asker's own membership; never the last owner's.
#[utoipa::path(post, path = "/publishers/{publisher}/leave", tag = "publishers", params(PublisherPath),
    responses((status = 204, description = "It has ended.")))]
async fn leave_publisher(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
) -> Answer<StatusCode> {
    app.leave_publisher(&actor, at.publisher.as_str()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Invites somebody by letter.
#[utoipa::path(post, path = "/publishers/{publisher}/invitations", tag = "publishers", params(PublisherPath),
    request_body = InviteJson,
    responses((status = 201, description = "The invitation.", body = InvitationJson)))]
async fn invite_member(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<PublisherPath>,
    Body(json): Body<InviteJson>,
) -> Answer<(StatusCode, Json<InvitationJson>)> {
    let whom = (json.email.as_str(), json.role.into());
    let made = app
        .invite_member(&actor, at.publisher.as_str(), whom)
        .await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Sends an invitation anew; its old link ends.
#[utoipa::path(post, path = "/publishers/{publisher}/invitations/{letter}/resend", tag = "publishers", params(InvitationPath),
    responses((status = 201, description = "The new invitation.", body = InvitationJson)))]
async fn resend_invitation(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<InvitationPath>,
) -> Answer<(StatusCode, Json<InvitationJson>)> {
    let (publisher, letter) = (at.publisher.as_str(), at.letter.as_str());
    let made = app.resend_invitation(&actor, publisher, letter).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// Takes an invitation back.
#[utoipa::path(delete, path = "/publishers/{publisher}/invitations/{letter}", tag = "publishers", params(InvitationPath),
    responses((status = 204, description = "It has ended.")))]
async fn withdraw_invitation(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    At(at): At<InvitationPath>,
) -> Answer<StatusCode> {
    let (publisher, letter) = (at.publisher.as_str(), at.letter.as_str());
    app.withdraw_invitation(&actor, publisher, letter).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Joins a publisher with the link of an invitation.
#[utoipa::path(post, path = "/invitations/accept", tag = "publishers", request_body = LinkJson,
    responses((status = 200, description = "The publisher that was joined.", body = JoinedJson),
        (status = 404, description = "There is no such link.",
            body = ErrorJson, content_type = "application/problem+json")))]
async fn accept_invitation(
    State(app): State<Arc<App>>,
    SignedIn(actor): SignedIn,
    Body(link): Body<LinkJson>,
) -> Answer<Json<JoinedJson>> {
    let publisher = app
        .accept_invitation(&actor, link.letter.as_str(), &link.key)
        .await?;
    Ok(Json(JoinedJson { publisher }))
}
