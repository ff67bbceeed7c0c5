//! `plimsoll robot`: robot accounts, made by whoever has the data folder.

use app::{Actor, App, AppError, NewRobot, RobotView};
use chrono::TimeDelta;
use clap::{Args, Subcommand, ValueEnum};
use market::{RobotName, RobotOwner, Role};
use serde_json::{Value, json};

use super::{Context, day_and_time, token::duration};
use crate::{
    cli::DataArgs,
    exit::Exit,
    failure::Failure,
    printer::{Cell, columns},
};

/// Manage robot accounts: machines of a publisher or of a person
///
/// A robot has no password; give it tokens with `plimsoll token create --account ROBOT`.
/// Acts on the data folder, also beside a running server.
#[derive(Debug, Subcommand)]
pub(crate) enum RobotCommand {
    /// Make a robot
    Create(CreateArgs),
    /// List the robots of a publisher or an account
    List(ListArgs),
    /// Revoke a robot with all its tokens
    Revoke(NameArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// `PUBLISHER+NAME`, or `ACCOUNT~NAME` for a robot that pulls what the account is subscribed to
    #[arg(value_parser = robot)]
    name: RobotName,
    /// What it may do for its publisher
    #[arg(long, value_enum)]
    role: Option<RobotRole>,
    /// How long it lives, such as 365d; without it, until it is revoked
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires: Option<TimeDelta>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The publisher's short name
    #[arg(long, required_unless_present = "account", conflicts_with = "account")]
    publisher: Option<String>,
    /// The person's account
    #[arg(long)]
    account: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The robot
    #[arg(value_parser = robot)]
    name: RobotName,
    #[command(flatten)]
    data: DataArgs,
}

/// What a publisher's robot may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum RobotRole {
    /// Look and pull
    Viewer,
    /// Also change, push and submit
    Editor,
}

fn robot(text: &str) -> Result<RobotName, String> {
    text.parse()
        .map_err(|error: market::RobotNameError| error.to_string())
}

pub(super) fn run(command: &RobotCommand, context: &Context<'_>) -> Result<Exit, Failure> {
    match command {
        RobotCommand::Create(args) => create(args, context)?,
        RobotCommand::List(args) => list(args, context)?,
        RobotCommand::Revoke(args) => revoke(args, context)?,
    }
    Ok(Exit::Success)
}

/// Returns who acts for a robot's owner.
async fn owner(app: &App, name: &RobotName) -> Result<Actor, AppError> {
    match name.owner() {
        RobotOwner::Publisher(_) => Ok(Actor::system()),
        RobotOwner::Account(account) => Ok(Actor::account(app.find_account(account).await?)),
    }
}

fn create(args: &CreateArgs, context: &Context<'_>) -> Result<(), Failure> {
    let new = NewRobot {
        name: args.name.to_string(),
        role: args.role.map(|role| match role {
            RobotRole::Viewer => Role::Viewer,
            RobotRole::Editor => Role::Editor,
        }),
        life: args.expires,
    };
    let made = context.in_market(&args.data, async |app| {
        let owner = owner(app, &args.name).await?;
        Ok(app.create_robot(&owner, &new).await?)
    })?;
    if context.printer.is_json() {
        return context.printer.json(&document(&made));
    }
    context
        .printer
        .out(&format!("Made robot {}\n", made.account.name))
}

fn list(args: &ListArgs, context: &Context<'_>) -> Result<(), Failure> {
    let robots = context.in_market(&args.data, async |app| {
        match (&args.publisher, &args.account) {
            (Some(publisher), _) => Ok(app.publisher_robots(&Actor::system(), publisher).await?),
            (None, Some(account)) => {
                let account = app.find_account(account).await?;
                let own = account.id.clone();
                let mut robots = app.list_robots(&Actor::account(account)).await?;
                robots.retain(|robot| robot.account.robot_owner().as_ref() == Some(&own));
                Ok(robots)
            }
            (None, None) => Ok(Vec::new()),
        }
    })?;
    if context.printer.is_json() {
        return context
            .printer
            .json(&robots.iter().map(document).collect::<Vec<_>>());
    }
    let head = ["NAME", "ROLE", "TOKENS", "MADE", "LAST USED", "ENDS"];
    let mut rows = vec![head.into_iter().map(Cell::new).collect::<Vec<_>>()];
    rows.extend(robots.iter().map(|robot| {
        let time = |time: Option<_>| time.map_or_else(|| "-".to_owned(), day_and_time);
        vec![
            Cell::new(&robot.account.name),
            Cell::new(robot.role.as_deref().unwrap_or("-")),
            Cell::new(&robot.tokens.len().to_string()),
            Cell::new(&day_and_time(robot.account.created_at)),
            Cell::new(&time(robot.last_used_at())),
            Cell::new(&time(robot.account.robot.expires_at)),
        ]
    }));
    context.printer.out(&columns(&rows))
}

fn revoke(args: &NameArgs, context: &Context<'_>) -> Result<(), Failure> {
    let name = args.name.to_string();
    context.in_market(&args.data, async |app| {
        let owner = owner(app, &args.name).await?;
        Ok(app.revoke_robot(&owner, &name).await?)
    })?;
    if context.printer.is_json() {
        return context
            .printer
            .json(&json!({ "name": name, "revoked": true }));
    }
    context.printer.out(&format!("Revoked {name}\n"))
}

fn document(robot: &RobotView) -> Value {
    json!({
        "id": robot.account.id,
        "name": robot.account.name,
        "role": robot.role,
        "tokens": robot.tokens.len(),
        "created_at": robot.account.created_at,
        "expires_at": robot.account.robot.expires_at,
        "last_used_at": robot.last_used_at(),
    })
}
