//! `plimsoll publisher quota` and `retention`: what a publisher's staging repositories take,
//! and which of their tags are dropped by rule.

use app::{Actor, DroppedTag, PublisherStorage, Retention};
use clap::Args;
use market::{RetentionRules, parse_bytes, show_bytes};
use serde_json::json;

use super::{Context, day_and_time};
use crate::{
    cli::DataArgs,
    failure::Failure,
    printer::{Cell, columns, count},
};

#[derive(Debug, Args)]
pub(crate) struct QuotaArgs {
    /// The publisher's short name
    #[arg(value_name = "PUBLISHER")]
    slug: String,
    /// Bytes its staging repositories may take, such as 50GiB; 0 for no limit
    #[arg(long, value_name = "BYTES", value_parser = bytes, conflicts_with = "unset")]
    set: Option<u64>,
    /// Go back to `registry.publisher_quota`
    #[arg(long)]
    unset: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RetentionArgs {
    /// The publisher's short name
    #[arg(value_name = "PUBLISHER")]
    slug: String,
    /// Keep the newest so many tags of each repository
    #[arg(long, value_name = "N")]
    keep_newest: Option<u32>,
    /// Keep tags that were set or pulled within so many days
    #[arg(long, value_name = "DAYS")]
    unused_days: Option<u32>,
    /// Keep tags that match; `*` stands for any characters; may be repeated
    #[arg(long = "keep", value_name = "TAG")]
    keep_tags: Vec<String>,
    /// Only list the tags that the next collection would drop by these rules, or by those in force
    #[arg(long)]
    dry_run: bool,
    /// Go back to the operator's rules for all
    #[arg(long, conflicts_with_all = ["keep_newest", "unused_days", "keep_tags", "dry_run"])]
    unset: bool,
    #[command(flatten)]
    data: DataArgs,
}

fn bytes(text: &str) -> Result<u64, String> {
    parse_bytes(text).ok_or_else(|| "write it as 50GiB".to_owned())
}

impl RetentionArgs {
    fn rules(&self) -> Option<RetentionRules> {
        let rules = RetentionRules {
            keep_newest: self.keep_newest,
            unused_days: self.unused_days,
            keep_tags: self.keep_tags.clone(),
        };
        (rules != RetentionRules::default()).then_some(rules)
    }
}

pub(super) fn quota(args: &QuotaArgs, context: &Context<'_>) -> Result<(), Failure> {
    let actor = Actor::system();
    let storage: PublisherStorage = context.in_market(&args.data, async |app| {
        Ok(match (args.set, args.unset) {
            (None, false) => app.publisher_storage(&actor, &args.slug).await?,
            (set, _) => app.set_publisher_quota(&actor, &args.slug, set).await?,
        })
    })?;
    if context.printer.is_json() {
        return context.printer.json(&storage);
    }
    let used = show_bytes(storage.used_bytes);
    let of = match (storage.quota_bytes, storage.is_own_quota) {
        (Some(quota), true) => format!("of {} set for it", show_bytes(quota)),
        (Some(quota), false) => format!("of {} as configured", show_bytes(quota)),
        (None, _) => "without a limit".to_owned(),
    };
    context.printer.out(&format!("{used} {of}\n"))
}

pub(super) fn retention(args: &RetentionArgs, context: &Context<'_>) -> Result<(), Failure> {
    let (actor, slug) = (Actor::system(), args.slug.as_str());
    let rules = args.rules();
    if args.dry_run {
        let dropped = context.in_market(&args.data, async |app| {
            Ok(app.preview_retention(&actor, slug, rules.as_ref()).await?)
        })?;
        return list(&dropped, context);
    }
    let retention = context.in_market(&args.data, async |app| {
        if args.unset || rules.is_some() {
            app.set_retention(&actor, slug, rules.as_ref()).await?;
        }
        Ok(app.retention(&actor, slug).await?)
    })?;
    if context.printer.is_json() {
        return context.printer.json(&json!({
            "rules": retention.rules,
            "is_own": retention.is_own,
        }));
    }
    context.printer.out(&text(&retention))
}

fn list(dropped: &[DroppedTag], context: &Context<'_>) -> Result<(), Failure> {
    if context.printer.is_json() {
        return context.printer.json(&dropped);
    }
    let head = ["REPOSITORY", "TAG", "SET", "DIGEST"];
    let mut rows = vec![head.into_iter().map(Cell::new).collect::<Vec<_>>()];
    rows.extend(dropped.iter().map(|tag| {
        vec![
            Cell::new(&tag.repository),
            Cell::new(&tag.tag),
            Cell::new(&day_and_time(tag.updated_at)),
            Cell::new(&tag.digest),
        ]
    }));
    context.printer.out(&columns(&rows))?;
    context.printer.note(&format!(
        "{} would be dropped",
        count(dropped.len(), "tag", "tags")
    ));
    Ok(())
}

fn text(retention: &Retention) -> String {
    let rules = &retention.rules;
    let whose = if retention.is_own {
        "its own"
    } else {
        "the operator's"
    };
    if rules.is_empty() {
        return format!("No tag is dropped ({whose} rules)\n");
    }
    let mut kept = Vec::new();
    if let Some(newest) = rules.keep_newest {
        kept.push(format!("the newest {newest} of each repository"));
    }
    if let Some(days) = rules.unused_days {
        kept.push(format!("used within {days} days"));
    }
    if !rules.keep_tags.is_empty() {
        kept.push(format!("matching {}", rules.keep_tags.join(", ")));
    }
    format!("Kept are tags ({whose} rules): {}\n", kept.join("; "))
}
