//! `plimsoll scrub`: compares everything that somebody has with its digest.

use std::{sync::Arc, time::Duration};

use app::{Actor, App, DamagedBlob, ScrubFigures, UpkeepRun};
use clap::Args;
use market::{parse_bytes, show_bytes};
use serde_json::json;

use super::Context;
use crate::{cli::DataArgs, exit::Exit, failure::Failure, progress::Bar};

/// Read all stored blobs and manifests and compare them with their digests
///
/// Tells what is missing or damaged and which repositories have it, and ends with code 1 then.
/// A push of a damaged blob to a repository that has it mends it. Acts on the data folder,
/// also beside a running server. Killed, it is finished by the server's workers, or goes on
/// where it was with the next `plimsoll scrub`.
#[derive(Debug, Args)]
pub(crate) struct ScrubArgs {
    /// Bytes a second at most, such as 50MiB, or 0; else `registry.scrub_rate`
    #[arg(long, value_name = "BYTES", value_parser = rate)]
    limit: Option<u64>,
    #[command(flatten)]
    data: DataArgs,
}

fn rate(text: &str) -> Result<u64, String> {
    parse_bytes(text).ok_or_else(|| "write it as 50MiB".to_owned())
}

pub(super) fn run(args: &ScrubArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let bar = Bar::steps(context.printer, "scrubbing");
    let (run, damaged) = context.in_market(&args.data, async |app| {
        let actor = Actor::system();
        let begun = match app.scrubs(&actor).await?.newest {
            Some(left) if left.ended_at.is_none() && left.failed.is_none() => left,
            _ => app.start_scrub(&actor, args.limit).await?,
        };
        let run = watch(app, &begun, &bar).await?;
        Ok((run, app.damaged_blobs(&actor).await?))
    })?;
    drop(bar);
    if let Some(error) = &run.failed {
        return Err(Failure::failed("the scrub failed")
            .because(&*Box::<dyn std::error::Error>::from(error.clone()))
            .hint("mend the cause and run it again"));
    }
    if context.printer.is_json() {
        context.printer.json(&json!({
            "schema_version": 1,
            "id": run.id,
            "started_at": run.started_at,
            "ended_at": run.ended_at,
            "figures": run.figures,
            "problems": damaged,
        }))?;
    } else {
        context.printer.out(&text(&run, &damaged))?;
    }
    if damaged.is_empty() && run.figures.damaged == 0 {
        return Ok(Exit::Success);
    }
    Ok(Exit::Findings)
}

async fn watch(
    app: &Arc<App>,
    begun: &UpkeepRun<ScrubFigures>,
    bar: &Bar,
) -> Result<UpkeepRun<ScrubFigures>, Failure> {
    let worker = format!("scrub-{}", std::process::id());
    let work = app.finish_run(&worker, &begun.id);
    tokio::pin!(work);
    let mut looks = tokio::time::interval(Duration::from_millis(300));
    loop {
        let ended = tokio::select! {
            ended = &mut work => { ended?; true }
            _ = looks.tick() => false,
        };
        let run = app.scrub_run(&Actor::system(), begun.id.as_str()).await?;
        if ended {
            return Ok(run);
        }
        let figures = &run.figures;
        bar.note(&format!(
            "{}: {} blobs, {}",
            run.stage,
            figures.blobs,
            show_bytes(figures.bytes)
        ));
    }
}

fn text(run: &UpkeepRun<ScrubFigures>, damaged: &[DamagedBlob]) -> String {
    let figures = &run.figures;
    let mut text = format!(
        "Read {} blobs ({}) and {} manifests: {} missing, {} damaged\n",
        figures.blobs,
        show_bytes(figures.bytes),
        figures.manifests,
        figures.missing,
        figures.damaged
    );
    for blob in damaged {
        text.push_str(&format!("{}  {}\n", blob.digest, blob.problem));
        let picture = blob.picture.then(|| "an uploaded picture".to_owned());
        for place in blob.repositories.iter().cloned().chain(picture) {
            text.push_str(&format!("  in {place}\n"));
        }
    }
    text
}
