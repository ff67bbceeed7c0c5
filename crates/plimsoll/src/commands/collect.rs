//! `plimsoll collect`: deletes what nothing reaches, also beside a running server.

use std::{sync::Arc, time::Duration};

use app::{Actor, App, CollectionFigures, UpkeepRun};
use clap::Args;
use market::show_bytes;
use serde_json::json;

use super::Context;
use crate::{
    cli::DataArgs,
    exit::Exit,
    failure::Failure,
    printer::{Cell, columns},
    progress::Bar,
};

/// Delete manifests, blobs and bytes that nothing reaches any more
///
/// Tags, releases, submissions under way and referrers of what is kept are kept, and so is
/// everything that was still in reach within `registry.collect_grace`. Acts on the data
/// folder, also beside a running server; pushes and pulls go on. Killed, it is finished by
/// the server's workers, or by the next collection.
#[derive(Debug, Args)]
pub(crate) struct CollectArgs {
    /// Only say what would be deleted now
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(args: &CollectArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let bar = Bar::steps(context.printer, "collecting");
    let run = context.in_market(&args.data, async |app| {
        let begun = app.start_collection(&Actor::system(), args.dry_run).await?;
        watch(app, &begun, &bar).await
    })?;
    drop(bar);
    if let Some(error) = &run.failed {
        return Err(Failure::failed("the collection failed")
            .because(&*Box::<dyn std::error::Error>::from(error.clone()))
            .hint("what it had deleted stays deleted; run it again when the cause is mended"));
    }
    if context.printer.is_json() {
        context.printer.json(&json!({
            "schema_version": 1,
            "id": run.id,
            "dry_run": run.dry_run,
            "started_at": run.started_at,
            "ended_at": run.ended_at,
            "figures": run.figures,
        }))?;
        return Ok(Exit::Success);
    }
    context.printer.out(&text(&run))?;
    Ok(Exit::Success)
}

/// Sees the collection to its end and shows how far it is.
async fn watch(
    app: &Arc<App>,
    begun: &UpkeepRun<CollectionFigures>,
    bar: &Bar,
) -> Result<UpkeepRun<CollectionFigures>, Failure> {
    let worker = format!("collect-{}", std::process::id());
    let work = app.finish_run(&worker, &begun.id);
    tokio::pin!(work);
    let mut looks = tokio::time::interval(Duration::from_millis(300));
    loop {
        let ended = tokio::select! {
            ended = &mut work => { ended?; true }
            _ = looks.tick() => false,
        };
        let run = app.collection(&Actor::system(), begun.id.as_str()).await?;
        if ended {
            return Ok(run);
        }
        bar.note(&format!(
            "{}, {} freed",
            run.stage,
            show_bytes(run.figures.bytes)
        ));
    }
}

fn text(run: &UpkeepRun<CollectionFigures>) -> String {
    let figures = &run.figures;
    let verb = if run.dry_run {
        "Would delete"
    } else {
        "Deleted"
    };
    let row = |what: &str, count: i64, bytes: Option<i64>| {
        vec![
            Cell::new(what),
            Cell::new(&count.to_string()),
            Cell::new(&bytes.map_or_else(String::new, show_bytes)),
        ]
    };
    let mut text = format!("{verb}\n");
    text.push_str(&columns(&[
        row("  tags by rule", figures.tags, None),
        row("  manifests", figures.manifests, None),
        row("  blobs out of repositories", figures.links, None),
        row("  pictures", figures.pictures, None),
        row("  blobs from the store", figures.blobs, Some(figures.bytes)),
        row("  layer reports", figures.reports, None),
    ]));
    text.push_str("Out of reach, but within the grace\n");
    text.push_str(&columns(&[
        row("  manifests", figures.waiting_manifests, None),
        row(
            "  blobs of repositories",
            figures.waiting_links,
            Some(figures.waiting_bytes),
        ),
        row("  pictures", figures.waiting_pictures, None),
    ]));
    text
}
