//! `plimsoll token`: personal access tokens, made for an account by whoever has the data folder.

use app::{Actor, AppError, NewToken, Token};
use chrono::TimeDelta;
use clap::{Args, Subcommand};
use market::{RepositoryScope, TokenScopes};
use serde_json::{Value, json};

use super::{Context, day_and_time};
use crate::{
    cli::DataArgs,
    config::value,
    exit::Exit,
    failure::Failure,
    printer::{Cell, columns},
};

/// Manage the access tokens of an account
///
/// An access token works as a password for `docker login` and as a bearer token for the API.
/// The account may be a robot's.
/// Acts on the data folder, also beside a running server.
#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Make an access token; prints it once
    Create(CreateArgs),
    /// List an account's access tokens
    List(ListArgs),
    /// Revoke an access token
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What it is for
    name: String,
    /// Whose it is
    #[arg(long)]
    account: String,
    /// Let it pull and read only
    #[arg(long)]
    read_only: bool,
    /// Cut it down to repositories, such as `staging/acme/*:pull,push`; may be given several times
    #[arg(long = "scope", value_name = "REPOSITORY:ACTIONS", value_parser = scope)]
    scopes: Vec<String>,
    /// How long it lives, such as 90d; without it, until it is revoked
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires: Option<TimeDelta>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Whose they are
    #[arg(long)]
    account: String,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    /// The token's id, as `plimsoll token list` shows it
    id: String,
    /// Whose it is
    #[arg(long)]
    account: String,
    #[command(flatten)]
    data: DataArgs,
}

fn scope(text: &str) -> Result<String, String> {
    match text.parse::<RepositoryScope>() {
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

pub(super) fn duration(text: &str) -> Result<TimeDelta, String> {
    value::duration(text).ok_or_else(|| "write it as 12h or 90d".to_owned())
}

pub(super) fn run(command: &TokenCommand, context: &Context<'_>) -> Result<Exit, Failure> {
    match command {
        TokenCommand::Create(args) => create(args, context)?,
        TokenCommand::List(args) => list(args, context)?,
        TokenCommand::Revoke(args) => revoke(args, context)?,
    }
    Ok(Exit::Success)
}

fn create(args: &CreateArgs, context: &Context<'_>) -> Result<(), Failure> {
    let (token, secret) = context.in_market(&args.data, async |app| {
        let owner = Actor::account(app.find_account(&args.account).await?);
        let scopes = TokenScopes::parse(args.scopes.iter().map(String::as_str))
            .map_err(|error| AppError::invalid("scope", error.to_string()))?;
        let new = NewToken {
            name: args.name.clone(),
            may_push: !args.read_only,
            scopes,
            life: args.expires,
        };
        Ok(app.create_token(&owner, &new).await?)
    })?;
    if context.printer.is_json() {
        let mut document = document(&token);
        document["token"] = json!(secret);
        return context.printer.json(&document);
    }
    context.printer.out(&format!(
        "Made access token {}\nToken: {secret} (shown once)\n",
        token.id
    ))
}

fn list(args: &ListArgs, context: &Context<'_>) -> Result<(), Failure> {
    let tokens = context.in_market(&args.data, async |app| {
        let owner = Actor::account(app.find_account(&args.account).await?);
        Ok(app.list_tokens(&owner).await?)
    })?;
    if context.printer.is_json() {
        return context
            .printer
            .json(&tokens.iter().map(document).collect::<Vec<_>>());
    }
    let head = [
        "ID",
        "NAME",
        "RIGHTS",
        "SCOPES",
        "MADE",
        "LAST USED",
        "ENDS",
    ];
    let mut rows = vec![head.into_iter().map(Cell::new).collect::<Vec<_>>()];
    rows.extend(tokens.iter().map(|token| {
        let time = |time: Option<_>| time.map_or_else(|| "-".to_owned(), day_and_time);
        let ends = match token.revoked_at {
            Some(_) => "revoked".to_owned(),
            None => time(token.expires_at),
        };
        let rights = match (token.is_login(), token.may_push) {
            (true, _) => "login",
            (false, true) => "read, write",
            (false, false) => "read",
        };
        vec![
            Cell::new(token.id.as_str()),
            Cell::new(&token.name),
            Cell::new(rights),
            Cell::new(token.scopes.to_text().as_deref().unwrap_or("-")),
            Cell::new(&day_and_time(token.created_at)),
            Cell::new(&time(token.last_used_at)),
            Cell::new(&ends),
        ]
    }));
    context.printer.out(&columns(&rows))
}

fn revoke(args: &RevokeArgs, context: &Context<'_>) -> Result<(), Failure> {
    context.in_market(&args.data, async |app| {
        let owner = Actor::account(app.find_account(&args.account).await?);
        Ok(app.revoke_token(&owner, &args.id).await?)
    })?;
    if context.printer.is_json() {
        return context
            .printer
            .json(&json!({ "id": args.id, "revoked": true }));
    }
    context.printer.out(&format!("Revoked {}\n", args.id))
}

fn document(token: &Token) -> Value {
    json!({
        "id": token.id,
        "name": token.name,
        "kind": token.kind,
        "parent": token.parent_id,
        "may_push": token.may_push,
        "scopes": token.scopes.texts(),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
        "revoked_at": token.revoked_at,
    })
}
