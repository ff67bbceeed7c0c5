//! `plimsoll publisher`: decisions on publishers, and their members.

use app::{Actor, Publisher};
use clap::{Args, Subcommand, ValueEnum};
use market::{PublisherDecision, Role};
use serde_json::{Value, json};

use super::{
    Context, day_and_time,
    publisher_storage::{self, QuotaArgs, RetentionArgs},
};
use crate::{
    cli::DataArgs,
    exit::Exit,
    failure::Failure,
    printer::{Cell, columns},
};

/// Decide on publishers and manage their members
///
/// Acts on the data folder, also beside a running server.
#[derive(Debug, Subcommand)]
pub(crate) enum PublisherCommand {
    /// List all publishers
    List(DataArgs),
    /// Let a publisher publish, once its e-mail and domain are proven
    Verify(VerifyArgs),
    /// Refuse an application
    Reject(ReasonArgs),
    /// Stop a publisher from publishing
    Suspend(ReasonArgs),
    /// Make an account a member of a publisher
    Member(MemberArgs),
    /// Show or set how much a publisher's staging repositories may take
    Quota(QuotaArgs),
    /// Show, try or set by which rules tags of a publisher's staging repositories are dropped
    ///
    /// A tag goes before a collection if none of the rules keeps it. Without --keep-newest and
    /// --unused-days none goes. What is under review and what was released is never touched.
    Retention(RetentionArgs),
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The publisher's short name
    #[arg(value_name = "PUBLISHER")]
    slug: String,
    /// Verify it although its e-mail or domain is not proven, for this reason; the publisher reads it
    #[arg(long, value_name = "REASON")]
    without_proofs: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ReasonArgs {
    /// The publisher's short name
    #[arg(value_name = "PUBLISHER")]
    slug: String,
    /// Why; the publisher reads it
    #[arg(long)]
    reason: String,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct MemberArgs {
    /// The publisher's short name
    #[arg(value_name = "PUBLISHER")]
    slug: String,
    /// The account's name
    account: String,
    /// What the account may do
    #[arg(long, value_enum)]
    role: MemberRole,
    #[command(flatten)]
    data: DataArgs,
}

/// What a member may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum MemberRole {
    /// Look
    Viewer,
    /// Also change, push and submit
    Editor,
    /// Look, and see the terms and the money
    Finance,
    /// Also manage keys and members
    Owner,
}

pub(super) fn run(command: &PublisherCommand, context: &Context<'_>) -> Result<Exit, Failure> {
    use PublisherDecision::{Reject, Suspend, Verify, VerifyWithoutProofs};
    match command {
        PublisherCommand::List(data) => list(data, context)?,
        PublisherCommand::Verify(args) => {
            let (decision, reason) = match &args.without_proofs {
                Some(reason) => (VerifyWithoutProofs, reason.as_str()),
                None => (Verify, ""),
            };
            decide((&args.slug, reason), decision, &args.data, context)?;
        }
        PublisherCommand::Reject(args) => {
            decide((&args.slug, &args.reason), Reject, &args.data, context)?;
        }
        PublisherCommand::Suspend(args) => {
            decide((&args.slug, &args.reason), Suspend, &args.data, context)?;
        }
        PublisherCommand::Member(args) => member(args, context)?,
        PublisherCommand::Quota(args) => publisher_storage::quota(args, context)?,
        PublisherCommand::Retention(args) => publisher_storage::retention(args, context)?,
    }
    Ok(Exit::Success)
}

fn list(data: &DataArgs, context: &Context<'_>) -> Result<(), Failure> {
    let publishers = context.in_market(data, async |app| {
        Ok(app
            .list_publishers(&Actor::system(), None, app::Part::ALL)
            .await?)
    })?;
    if context.printer.is_json() {
        return context
            .printer
            .json(&publishers.iter().map(document).collect::<Vec<_>>());
    }
    let head = ["PUBLISHER", "STATE", "NAME", "E-MAIL", "APPLIED"];
    let mut rows = vec![head.into_iter().map(Cell::new).collect::<Vec<_>>()];
    rows.extend(publishers.iter().map(|publisher| {
        vec![
            Cell::new(publisher.slug.as_str()),
            Cell::new(publisher.state.as_str()),
            Cell::new(&publisher.legal_name),
            Cell::new(&publisher.email),
            Cell::new(&day_and_time(publisher.created_at)),
        ]
    }));
    context.printer.out(&columns(&rows))
}

fn decide(
    (slug, reason): (&str, &str),
    decision: PublisherDecision,
    data: &DataArgs,
    context: &Context<'_>,
) -> Result<(), Failure> {
    let publisher = context.in_market(data, async |app| {
        Ok(app
            .decide_publisher(&Actor::system(), slug, decision, reason)
            .await?)
    })?;
    if context.printer.is_json() {
        return context.printer.json(&document(&publisher));
    }
    context
        .printer
        .out(&format!("{slug} is {}\n", publisher.state))
}

fn member(args: &MemberArgs, context: &Context<'_>) -> Result<(), Failure> {
    let role = match args.role {
        MemberRole::Viewer => Role::Viewer,
        MemberRole::Editor => Role::Editor,
        MemberRole::Finance => Role::Finance,
        MemberRole::Owner => Role::Owner,
    };
    context.in_market(&args.data, async |app| {
        Ok(app
            .set_member(&Actor::system(), &args.slug, &args.account, role)
            .await?)
    })?;
    if context.printer.is_json() {
        return context
            .printer
            .json(&json!({ "publisher": args.slug, "account": args.account, "role": role }));
    }
    context
        .printer
        .out(&format!("{} is {role} of {}\n", args.account, args.slug))
}

fn document(publisher: &Publisher) -> Value {
    json!({
        "id": publisher.id,
        "slug": publisher.slug,
        "state": publisher.state,
        "legal_name": publisher.legal_name,
        "website": publisher.website,
        "email": publisher.email,
        "created_at": publisher.created_at,
        "decided_at": publisher.decided_at,
        "reason": publisher.reason,
    })
}
