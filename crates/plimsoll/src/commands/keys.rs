//! `plimsoll keys`: the operator's keys.

use app::Actor;
use clap::Subcommand;
use serde_json::json;

use super::Context;
use crate::{cli::DataArgs, exit::Exit, failure::Failure};

/// Manage the operator's keys
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make a new key for registry tokens
    ///
    /// It is published at once and signs a minute later, on every node, without a restart.
    /// Tokens signed with the old key are good until they end.
    RotateTokens(DataArgs),
}

pub(super) fn run(command: &KeysCommand, context: &Context<'_>) -> Result<Exit, Failure> {
    let KeysCommand::RotateTokens(data) = command;
    let keys = context.in_market(data, async |app| {
        app.rotate_token_keys(&Actor::system()).await?;
        Ok(app.token_keys().await?.keys)
    })?;
    let newest = keys.first().map(|key| key.kid.clone()).unwrap_or_default();
    if context.printer.is_json() {
        context
            .printer
            .json(&json!({ "key": newest, "keys": keys.len() }))?;
    } else {
        context
            .printer
            .out(&format!("Made key {newest}; it signs in a minute\n"))?;
    }
    Ok(Exit::Success)
}
