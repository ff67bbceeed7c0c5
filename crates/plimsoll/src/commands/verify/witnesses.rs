//! Who else saw what the log says: witnesses that the caller trusts.

use chrono::TimeDelta;
use serde_json::{Value, json};
use trust::log::{Cosigned, Opened, Statement};

use super::{
    VerifyArgs,
    log::{day, refused},
};
use crate::{
    exit::Exit,
    failure::Failure,
    printer::{count, plain},
};

/// What a witness saw is as old as the statement, but for this.
const LEEWAY: TimeDelta = TimeDelta::hours(24);

/// Returns how many of the witnesses must have seen what the log says.
///
/// # Errors
/// There are not so many, or one of them is named twice.
pub(super) fn needed(args: &VerifyArgs) -> Result<usize, Failure> {
    let all = args.witness.len();
    for (position, witness) in args.witness.iter().enumerate() {
        let mut before = args.witness[..position].iter();
        if let Some(other) = before.find(|other| other.is_key_of(witness)) {
            return Err(Failure::usage(format!(
                "--witness names one key twice, as `{}` and `{}`: that is one witness",
                plain(other.name()),
                plain(witness.name())
            )));
        }
    }
    match args.witnesses {
        None => Ok(all),
        Some(needed) if (1..=all).contains(&needed) => Ok(needed),
        Some(needed) => Err(Failure::usage(format!(
            "--witnesses says {needed}, and --witness names {all}"
        ))),
    }
}

/// Returns what the witnesses that were asked for saw of the log, and how many entries `needed` of
/// them saw; all there are where none was asked for.
///
/// # Errors
/// Too few of them saw it of late.
pub(super) fn seen(
    args: &VerifyArgs,
    needed: usize,
    statement: &Statement,
    opened: &Opened,
) -> Result<(Vec<Cosigned>, u64), Failure> {
    if needed == 0 {
        return Ok((Vec::new(), opened.size));
    }
    let seen = statement.cosigned(opened, &args.witness);
    let mut seen = seen.map_err(|error| refused(&error))?;
    seen.retain(|seen| (opened.at - seen.at).abs() <= LEEWAY);
    if seen.len() < needed {
        let number = count(needed, "witness", "witnesses");
        let missing = args.witness.iter().filter(|witness| {
            let key = witness.to_string();
            !seen.iter().any(|seen| seen.witness == key)
        });
        let missing: Vec<_> = missing.map(|witness| witness.name()).collect();
        return Err(Failure::new(
            Exit::NotVerified,
            format!(
                "what the log says must be seen by {number}, and was not seen by {} within the day before it was said",
                missing.join(", ")
            ),
        )
        .hint("the market's operator says whether it asks them, and what they answer"));
    }
    let mut sizes: Vec<_> = seen.iter().map(|seen| seen.size).collect();
    sizes.sort_unstable();
    let covered = sizes[sizes.len() - needed];
    Ok((seen, covered))
}

/// Says who saw it, for people.
pub(super) fn line(seen: &[Cosigned]) -> String {
    let seen = seen
        .iter()
        .map(|seen| format!("{}, {}", name(seen), day(seen.at)));
    let seen: Vec<_> = seen.collect();
    match seen.is_empty() {
        true => String::new(),
        false => format!("  witnessed {}\n", seen.join("\n            ")),
    }
}

/// Says it for programs.
pub(super) fn document(seen: &[Cosigned]) -> Value {
    let entry =
        |seen: &Cosigned| json!({ "witness": seen.witness, "entries": seen.size, "at": seen.at });
    seen.iter().map(entry).collect()
}

fn name(seen: &Cosigned) -> String {
    let (name, _) = seen.witness.split_once('+').unwrap_or((&seen.witness, ""));
    plain(name)
}
