//! `plimsoll why`: what keeps a digest from being deleted.

use app::{Actor, WhyKept};
use clap::Args;
use market::show_bytes;
use serde_json::json;

use super::Context;
use crate::{cli::DataArgs, exit::Exit, failure::Failure};

/// Say why a manifest or blob is kept, and where
///
/// Acts on the data folder, also beside a running server.
#[derive(Debug, Args)]
pub(crate) struct WhyArgs {
    /// The digest, such as sha256:…
    digest: String,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &WhyArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let why = context.in_market(&args.data, async |app| {
        Ok(app.why_kept(&Actor::system(), &args.digest).await?)
    })?;
    if context.printer.is_json() {
        let mut document = json!(why);
        document["schema_version"] = json!(1);
        context.printer.json(&document)?;
        return Ok(Exit::Success);
    }
    context.printer.out(&text(&why))?;
    Ok(Exit::Success)
}

fn text(why: &WhyKept) -> String {
    let mut text = match why.stored_bytes {
        Some(bytes) => format!(
            "{}: {} in the blob store\n",
            why.digest,
            show_bytes(i64::try_from(bytes).unwrap_or(i64::MAX))
        ),
        None => format!("{}: not in the blob store\n", why.digest),
    };
    if let Some(picture) = &why.picture {
        text.push_str(&format!("{picture}\n"));
    }
    for place in &why.kept_in {
        let line = format!("{} ({}): {}\n", place.repository, place.kind, place.because);
        text.push_str(&line);
        for keeper in place.way.iter().skip(1) {
            text.push_str(&format!("  through {keeper}\n"));
        }
    }
    if why.more {
        text.push_str("… and in more repositories\n");
    }
    if why.kept_in.is_empty() && why.picture.is_none() {
        text.push_str("in no repository\n");
    }
    text
}
