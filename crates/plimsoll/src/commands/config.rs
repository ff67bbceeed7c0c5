//! `plimsoll config`: what holds, where it comes from, and what is wrong.

use clap::Subcommand;
use serde_json::json;

use super::Context;
use crate::{
    cli::DataArgs,
    exit::Exit,
    failure::Failure,
    printer::{Cell, columns},
};

/// Show or check the configuration
///
/// Values come from defaults, a TOML file, PLIMSOLL_ variables and flags; the later ones win.
/// docs/configuration.md describes every key.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every key with its value and where that comes from; secrets are hidden
    Show(DataArgs),
    /// Say what is wrong
    Check(DataArgs),
}

pub(super) fn run(command: &ConfigCommand, context: &Context<'_>) -> Result<Exit, Failure> {
    match command {
        ConfigCommand::Show(data) => show(data, context)?,
        ConfigCommand::Check(data) => check(data, context)?,
    }
    Ok(Exit::Success)
}

fn show(data: &DataArgs, context: &Context<'_>) -> Result<(), Failure> {
    let config = context.config(data.flags())?;
    let values = config.values().map(|(key, text, origin)| {
        let shown = match text {
            "" => None,
            _ if key.secret => Some("(hidden)".to_owned()),
            text if key.name == "database.url" => Some(without_password(text)),
            text => Some(text.to_owned()),
        };
        (key, shown, origin.to_string())
    });
    if context.printer.is_json() {
        let values = values.map(|(key, value, origin)| {
            json!({ "key": key.name, "value": value, "origin": origin, "help": key.help })
        });
        return context.printer.json(&values.collect::<Vec<_>>());
    }
    let head = ["KEY", "FROM", "VALUE"];
    let mut rows = vec![head.into_iter().map(Cell::new).collect::<Vec<_>>()];
    rows.extend(values.map(|(key, value, origin)| {
        let value = value.unwrap_or_else(|| "-".to_owned());
        // Values may be long, so they end their lines.
        let value = Cell::new(&value.replace(',', ", "));
        vec![Cell::new(key.name), Cell::new(&origin), value]
    }));
    context.printer.out(&columns(&rows))
}

fn without_password(url: &str) -> String {
    match (url.find("://"), url.rfind('@')) {
        (Some(scheme), Some(at)) if scheme + 3 < at => {
            format!("{}…{}", &url[..scheme + 3], &url[at..])
        }
        _ => url.to_owned(),
    }
}

fn check(data: &DataArgs, context: &Context<'_>) -> Result<(), Failure> {
    let config = context.config(data.flags())?;
    config.check()?;
    let file = config.file.as_ref().map(|file| file.display().to_string());
    if context.printer.is_json() {
        return context
            .printer
            .json(&json!({ "valid": true, "file": config.file }));
    }
    context.printer.out(&format!(
        "The configuration is valid ({})\n",
        file.as_deref().unwrap_or("no file")
    ))
}
