//! `plimsoll account`: the accounts of a marketplace, by whoever has its data folder.

use std::io::Read as _;

use app::{Actor, NewAccount};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Context, day_and_time};
use crate::{
    cli::DataArgs,
    exit::Exit,
    failure::{Failure, OrFail},
    printer::{Cell, columns},
};

/// Manage the accounts of a marketplace
///
/// Acts on the data folder, also beside a running server.
#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account; prints its password once, unless it is given
    Create(CreateArgs),
    /// List all accounts
    List(DataArgs),
    /// Set an account's password; prints it once, unless it is given
    Password(PasswordArgs),
    /// Bar an account from signing in
    Disable(NameArgs),
    /// Let an account sign in again
    Enable(NameArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// 2 to 40 lower-case letters, digits, `-`, `.` or `_`
    name: String,
    /// E-mail address of whoever is behind it
    #[arg(long)]
    email: String,
    /// Make it staff: reviewer or operator
    #[arg(long, value_name = "ROLE", value_parser = ["reviewer", "operator"])]
    role: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PasswordArgs {
    /// The account
    name: String,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The account
    name: String,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(command: &AccountCommand, context: &Context<'_>) -> Result<Exit, Failure> {
    match command {
        AccountCommand::Create(args) => create(args, context)?,
        AccountCommand::List(data) => list(data, context)?,
        AccountCommand::Password(args) => password(args, context)?,
        AccountCommand::Disable(args) => set_disabled(args, true, context)?,
        AccountCommand::Enable(args) => set_disabled(args, false, context)?,
    }
    Ok(Exit::Success)
}

fn create(args: &CreateArgs, context: &Context<'_>) -> Result<(), Failure> {
    let (password, made_here) = password_for(args.password_stdin)?;
    let new = NewAccount {
        name: args.name.clone(),
        email: args.email.clone(),
        password,
        staff_role: args.role.clone(),
    };
    let actor = Actor::system();
    let account = context.in_market(&args.data, async |app| {
        Ok(app.create_account(&actor, &new).await?)
    })?;
    let shown = made_here.then_some(new.password.as_str());
    if context.printer.is_json() {
        return context.printer.json(&json!({
            "id": account.id, "name": account.name, "email": account.email,
            "role": account.staff_role, "password": shown,
        }));
    }
    let mut text = format!("Made account {}\n", account.name);
    text.extend(shown.map(once));
    context.printer.out(&text)
}

fn list(data: &DataArgs, context: &Context<'_>) -> Result<(), Failure> {
    let accounts = context.in_market(data, async |app| {
        Ok(app.list_accounts(&Actor::system()).await?)
    })?;
    if context.printer.is_json() {
        let accounts = accounts.iter().map(|account| {
            json!({
                "id": account.id, "name": account.name, "email": account.email,
                "role": account.staff_role, "created_at": account.created_at,
                "disabled_at": account.disabled_at,
            })
        });
        return context.printer.json(&accounts.collect::<Vec<_>>());
    }
    let head = ["NAME", "ROLE", "E-MAIL", "MADE", "DISABLED"];
    let mut rows = vec![head.into_iter().map(Cell::new).collect::<Vec<_>>()];
    rows.extend(accounts.iter().map(|account| {
        let disabled = account.disabled_at.map(day_and_time);
        vec![
            Cell::new(&account.name),
            Cell::new(account.staff_role.as_deref().unwrap_or("-")),
            Cell::new(&account.email),
            Cell::new(&day_and_time(account.created_at)),
            Cell::new(disabled.as_deref().unwrap_or("-")),
        ]
    }));
    context.printer.out(&columns(&rows))
}

fn password(args: &PasswordArgs, context: &Context<'_>) -> Result<(), Failure> {
    let (password, made_here) = password_for(args.password_stdin)?;
    context.in_market(&args.data, async |app| {
        Ok(app
            .set_password(&Actor::system(), &args.name, &password)
            .await?)
    })?;
    let shown = made_here.then_some(password.as_str());
    if context.printer.is_json() {
        return context
            .printer
            .json(&json!({ "name": args.name, "password": shown }));
    }
    let mut text = format!("Set the password of {}\n", args.name);
    text.extend(shown.map(once));
    context.printer.out(&text)
}

fn set_disabled(args: &NameArgs, disabled: bool, context: &Context<'_>) -> Result<(), Failure> {
    context.in_market(&args.data, async |app| {
        Ok(app
            .set_account_disabled(&Actor::system(), &args.name, disabled)
            .await?)
    })?;
    if context.printer.is_json() {
        return context
            .printer
            .json(&json!({ "name": args.name, "disabled": disabled }));
    }
    let word = if disabled { "Disabled" } else { "Enabled" };
    context.printer.out(&format!("{word} {}\n", args.name))
}

fn once(password: &str) -> String {
    format!("Password: {password} (shown once)\n")
}

/// Returns the password that was given, or a new one; and whether it was made here.
fn password_for(stdin: bool) -> Result<(String, bool), Failure> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    if !stdin {
        let mut bytes = [0; 20];
        getrandom::fill(&mut bytes).or_fail("the operating system gave no random bytes")?;
        let letters = bytes.iter().map(|byte| LETTERS[usize::from(byte & 31)]);
        return Ok((letters.map(char::from).collect(), true));
    }
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(4096)
        .read_to_string(&mut text)
        .or_fail("cannot read the password from standard input")?;
    Ok((text.lines().next().unwrap_or_default().to_owned(), false))
}
