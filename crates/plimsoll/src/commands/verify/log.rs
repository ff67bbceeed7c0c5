//! What the market's log says of a verified image: fetched from the market, or from a file
//! beside the image.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use oci::{Digest, ImageRef, Reference};
use trust::{
    PublicKey,
    log::{
        Cosigned, Entry, MAX_PAGE_BYTES, MAX_STATEMENT_BYTES, Named, Opened, Page, Standing, State,
        Statement, named, standing,
    },
};

use super::{
    VerifyArgs, fetch,
    seen::{Memory, Seen},
    witnesses,
};
use crate::{
    config::environment::Environment,
    exit::Exit,
    failure::{Failure, OrFail},
    printer::plain,
};

/// The file beside an image in an OCI layout.
const BESIDE: &str = "plimsoll-proof.json";
/// What a market says now was signed now; clocks may be this far apart.
const LEEWAY: TimeDelta = TimeDelta::hours(24);

/// How often the log is asked where others on this machine see it grow meanwhile.
const MOST_ATTEMPTS: u32 = 8;

/// What the log says.
pub(super) struct Said {
    /// When the market said so.
    pub(super) at: DateTime<Utc>,
    /// How many entries the log had.
    pub(super) size: u64,
    /// Which log.
    pub(super) log: String,
    /// The keys that it was believed by.
    pub(super) keys: Vec<PublicKey>,
    /// How the image stands, or stood.
    pub(super) standing: Standing,
    /// What keeps it from being good, in words.
    pub(super) problem: Option<String>,
    /// Who else saw it.
    pub(super) witnesses: Vec<Cosigned>,
}

/// Returns what the log says of an image that one of `keys` signed as `name`; none where there is
/// nothing to ask.
///
/// # Errors
/// What it says does not hold, or it says nothing of the image.
pub(super) fn ask(
    args: &VerifyArgs,
    environment: &Environment,
    (name, digest): (&str, &Digest),
    keys: &[PublicKey],
    now: DateTime<Utc>,
) -> Result<Option<Said>, Failure> {
    let memory = Memory::of_user(environment);
    let is_online = proof_file(args).is_none();
    let needed = witnesses::needed(args)?;
    for _ in 0..MOST_ATTEMPTS {
        let seen = memory.recall(&log_of(name))?;
        let since = seen.as_ref().map_or(0, |seen| seen.size);
        let Some(bytes) = statement(args, name, since)? else {
            return unproven(args).map_or(Ok(None), Err);
        };
        let mut statement = Statement::parse(&bytes).map_err(|error| refused(&error))?;
        let opened = all_of(args, (name, &mut statement), keys)?;
        check(args, (name, &statement), &opened, seen.as_ref())?;
        let witnessed = witnesses::seen(args, needed, &statement, &opened);
        check_age(args, &opened, is_online, now)?;
        // What is in a file goes on from what was seen only where that is proven.
        let is_kept = !is_online && seen.is_some();
        // It must go on from what others saw meanwhile as well: that is asked anew.
        if !is_kept && !memory.remember(&opened, seen.as_ref())? {
            continue;
        }
        if let Some(file) = &args.save_proof {
            save(file, (&statement, bytes))?;
        }
        let keys = statement.keys(keys).map_err(|error| refused(&error))?;
        return judge(args, (&opened, keys), digest, witnessed).map(Some);
    }
    Err(Failure::failed(format!(
        "others on this machine saw the log {} grow each time that it was asked",
        plain(&log_of(name))
    ))
    .hint("try again"))
}

/// Says what was asked for that nothing but the log answers.
fn unproven(args: &VerifyArgs) -> Option<Failure> {
    let asked = [
        ("--at", args.at.is_some()),
        ("--max-age", args.max_age.is_some()),
        ("--witness", !args.witness.is_empty()),
    ];
    let (option, _) = asked.into_iter().find(|(_, is_asked)| *is_asked)?;
    let why =
        format!("{option} asks what the log says, and there is no proof of it beside the image");
    let failure = Failure::new(Exit::NotVerified, why);
    Some(failure.hint("`plimsoll verify --save-proof FILE` with the market in reach writes one"))
}

/// Opens what the log says, fetching the parts of it that did not come at once. Where it is to be
/// saved, they are put together.
fn all_of(
    args: &VerifyArgs,
    (name, statement): (&str, &mut Statement),
    keys: &[PublicKey],
) -> Result<Opened, Failure> {
    let opening = statement.begin(name, keys);
    let mut opening = opening.map_err(|error| refused(&error))?;
    let is_online = proof_file(args).is_none();
    while let Some(from) = statement.next.filter(|_| is_online) {
        let page = more(args, name, (from, opening.size()))?;
        let taken = opening.take(&page.entries);
        taken.map_err(|error| refused(&error))?;
        statement.next = page.next;
        if args.save_proof.is_some() {
            statement.entries.extend(page.entries);
        }
    }
    opening.finish().map_err(|error| refused(&error))
}

fn more(args: &VerifyArgs, name: &str, (from, size): (u64, u64)) -> Result<Page, Failure> {
    let (host, repository) = name.split_once('/').unwrap_or((name, ""));
    let path = format!("/log/proof/{repository}/more?from={from}&size={size}");
    let found = fetch::fetch(args, (host, &path), MAX_PAGE_BYTES as u64 + 1)?;
    let bytes = found.ok_or_else(|| {
        refused(&format!(
            "the log of {host} leaves out what it says of {name} from its entry {from} on"
        ))
    })?;
    Page::parse(&bytes).map_err(|error| refused(&error))
}

/// Writes what the log says to a file, as it came or, where it came in parts, whole.
fn save(file: &Path, (statement, came): (&Statement, Vec<u8>)) -> Result<(), Failure> {
    let place = file.display();
    let is_whole = Statement::parse(&came).is_ok_and(|first| first.next.is_none());
    let bytes = match is_whole {
        true => came,
        false => serde_json::to_vec(statement).or_fail(format!("cannot write `{place}`"))?,
    };
    if bytes.len() > MAX_STATEMENT_BYTES {
        return Err(Failure::failed(format!(
            "the proof has {} bytes, and a file of one at most {MAX_STATEMENT_BYTES}",
            bytes.len()
        ))
        .hint("the image verifies while the market is in reach, without --save-proof"));
    }
    fs::write(file, &bytes).or_fail(format!("cannot write `{place}`"))
}

/// Checks that what the log says goes on from what was seen of it.
fn check(
    args: &VerifyArgs,
    (name, statement): (&str, &Statement),
    opened: &Opened,
    seen: Option<&Seen>,
) -> Result<(), Failure> {
    // By another name it would be another log, of which nothing was seen.
    if opened.log != log_of(name) {
        let (said, own) = (&opened.log, log_of(name));
        return Err(refused(&format!(
            "the statement is of the log {said}, not of {own}"
        )));
    }
    let Some(seen) = seen else {
        return Ok(());
    };
    if seen.log_key != opened.log_key {
        return Err(refused(&format!(
            "the log {} has another key than when it was seen before",
            seen.log
        ))
        .hint("the market's operator says whether its keys were replaced"));
    }
    let root = seen.root().unwrap_or_default();
    let is_online = proof_file(args).is_none();
    // What is in a file may be from before: then it answers for its day only.
    let is_older = !is_online && opened.size < seen.size;
    if is_older && args.at.is_none() {
        return Err(refused(&format!(
            "the log's statement is of {}, when it had {} of the {} entries that were seen since: a hold or revocation may be among them",
            day(opened.at),
            opened.size,
            seen.size
        ))
        .hint("get a new one: `plimsoll verify --save-proof FILE` with the market in reach; or ask for a day before it with --at"));
    }
    if is_online || opened.size == seen.size {
        statement
            .continues(opened, (seen.size, &root))
            .map_err(|error| refused(&error))?;
    }
    Ok(())
}

/// Returns the keys to be believed by whoever believes `pinned`, as what the log says has them.
///
/// # Errors
/// Who follows a key is not proven, or none is to be believed any more.
pub(super) fn keys(
    args: &VerifyArgs,
    name: &str,
    pinned: &[PublicKey],
) -> Result<Vec<PublicKey>, Failure> {
    // Registries that are no markets have no log.
    let bytes = statement(args, name, 0).ok().flatten();
    let Some(statement) = bytes.and_then(|bytes| Statement::parse(&bytes).ok()) else {
        return Ok(pinned.to_vec());
    };
    statement.keys(pinned).map_err(|error| refused(&error))
}

/// Says that there is no such image; that its publisher withdrew the tag, where the log of `name`
/// proves it.
pub(super) fn absent(
    args: &VerifyArgs,
    reference: &Reference,
    name: &str,
    keys: &[PublicKey],
) -> Failure {
    let absent = format!("there is no image {reference}");
    let tag = reference.target();
    let is_asked = reference.digest.is_none() && !args.signature_only;
    let Some(at) = is_asked
        .then(|| withdrawn(args, name, &tag, keys))
        .flatten()
    else {
        return Failure::failed(absent)
            .hint("check the name and tag; a private repository may look absent");
    };
    let at = day(at);
    let what = format!("{absent}: its publisher withdrew the tag {tag} on {at}");
    Failure::new(Exit::Standing, what)
        .hint("change to another release; what the tag named is still there under its digest")
}

fn withdrawn(
    args: &VerifyArgs,
    name: &str,
    tag: &str,
    keys: &[PublicKey],
) -> Option<DateTime<Utc>> {
    // Whatever is wrong with the log, the image is not there.
    let bytes = statement(args, name, 0).ok().flatten()?;
    let mut statement = Statement::parse(&bytes).ok()?;
    let opened = all_of(args, (name, &mut statement), keys).ok()?;
    match named(&entries(&opened, opened.size), tag) {
        Some(Named::Withdrawn(at)) => Some(at),
        _ => None,
    }
}

/// Returns the entries that the log had when it had `size` in all.
fn entries(opened: &Opened, size: u64) -> Vec<Entry> {
    let entries = opened.entries.iter();
    let entries = entries.take_while(|(index, _)| *index < size);
    entries.map(|(_, entry)| entry.clone()).collect()
}

pub(super) fn refused(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::NotVerified, plain(&error.to_string()))
}

fn log_of(name: &str) -> String {
    let (host, _) = name.split_once('/').unwrap_or((name, ""));
    format!("{host}/log")
}

/// Returns what the log says: from the file that is there, or of `name` from the market.
fn statement(args: &VerifyArgs, name: &str, since: u64) -> Result<Option<Vec<u8>>, Failure> {
    match (proof_file(args), &args.image) {
        (Some(file), _) => {
            let mut bytes = Vec::new();
            let opened = fs::File::open(&file);
            let most = MAX_STATEMENT_BYTES as u64 + 1;
            let read = opened.and_then(|opened| opened.take(most).read_to_end(&mut bytes));
            read.or_fail(format!("cannot read `{}`", file.display()))?;
            Ok(Some(bytes))
        }
        (None, ImageRef::Registry(_)) => from_market(args, name, since).map(Some),
        _ => Ok(None),
    }
}

fn proof_file(args: &VerifyArgs) -> Option<PathBuf> {
    if let Some(file) = &args.proof {
        return Some(file.clone());
    }
    let ImageRef::OciLayout(dir, _) = &args.image else {
        return None;
    };
    Some(dir.join(BESIDE)).filter(|file| file.is_file())
}

fn from_market(args: &VerifyArgs, name: &str, since: u64) -> Result<Vec<u8>, Failure> {
    let (host, repository) = name.split_once('/').unwrap_or((name, ""));
    let path = format!("/log/proof/{repository}?since={since}");
    let found = fetch::fetch(args, (host, &path), MAX_PAGE_BYTES as u64 + 1)?;
    found.ok_or_else(|| {
        Failure::new(
            Exit::NotVerified,
            format!("the log of {} says nothing of {}", plain(host), plain(name)),
        )
        .hint("it was never released there; --signature-only leaves the log out")
    })
}

fn check_age(
    args: &VerifyArgs,
    opened: &Opened,
    is_online: bool,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let age = now - opened.at;
    if age < -LEEWAY {
        return Err(Failure::new(
            Exit::NotVerified,
            format!(
                "the log's statement is of {}, which is yet to come",
                day(opened.at)
            ),
        )
        .hint("look at this machine's clock"));
    }
    let most = match (args.max_age, is_online) {
        (Some(days), _) => TimeDelta::days(days.into()),
        (None, true) => LEEWAY,
        (None, false) => return Ok(()),
    };
    if age <= most {
        return Ok(());
    }
    Err(Failure::new(
        Exit::NotVerified,
        format!("the log's statement is of {}, which is too old", day(opened.at)),
    )
    .hint(match is_online {
        true => "something between here and the market sends old answers, or this machine's clock is wrong",
        false => "get a new one: `plimsoll verify --save-proof FILE` with the market in reach",
    }))
}

/// Returns the tag in IMAGE.
fn asked_tag(args: &VerifyArgs) -> Option<String> {
    match &args.image {
        ImageRef::Registry(reference) => reference.digest.is_none().then(|| reference.target()),
        ImageRef::OciLayout(_, tag) => tag.clone(),
        _ => None,
    }
}

/// Says what the log knows against the tag in IMAGE being the name of this image.
fn misnamed(args: &VerifyArgs, entries: &[Entry], digest: &Digest) -> Option<String> {
    let tag = asked_tag(args)?;
    let problem = match named(entries, &tag) {
        Some(Named::Image(named)) if named == digest => return None,
        Some(Named::Image(named)) => format!(
            "the tag {} names {named} by the log, not this image: it was moved back, or elsewhere",
            plain(&tag)
        ),
        Some(Named::Withdrawn(at)) => format!(
            "its publisher withdrew the tag {} on {}",
            plain(&tag),
            day(at)
        ),
        None => format!(
            "the log knows no tag {}: nothing was released under it",
            plain(&tag)
        ),
    };
    Some(problem)
}

/// Says how the image stands now, or stood at the time that was asked for. That it is good must
/// have been seen by enough witnesses; that it is not needs none.
fn judge(
    args: &VerifyArgs,
    (opened, keys): (&Opened, Vec<PublicKey>),
    digest: &Digest,
    witnessed: Result<(Vec<Cosigned>, u64), Failure>,
) -> Result<Said, Failure> {
    let (standing, problem) = assess(args, opened, opened.size, digest)?;
    let (witnesses, covered) = match witnessed {
        Err(_) if problem.is_some() => (Vec::new(), 0),
        witnessed => witnessed?,
    };
    if problem.is_none() && covered < opened.size {
        let seen = assess(args, opened, covered, digest);
        if !seen.is_ok_and(|(_, problem)| problem.is_none()) {
            return Err(Failure::new(
                Exit::NotVerified,
                format!(
                    "too few witnesses saw what the log says of the image by now: only its first {covered} of {} entries",
                    opened.size
                ),
            )
            .hint("witnesses are asked within seconds: try again in a minute"));
        }
    }
    Ok(Said {
        at: opened.at,
        size: opened.size,
        log: opened.log.clone(),
        keys,
        standing,
        problem,
        witnesses,
    })
}

/// Says how the image stands by the entries that the log had when it had `size` in all, and what
/// keeps it from being good.
fn assess(
    args: &VerifyArgs,
    opened: &Opened,
    size: u64,
    digest: &Digest,
) -> Result<(Standing, Option<String>), Failure> {
    let entries = entries(opened, size);
    // The statement's time is cut to seconds; what it holds may have happened within the last,
    // and by the clock of another node.
    let times = entries.iter().map(|entry| entry.at);
    let now = times.fold(opened.at, DateTime::max);
    let at = args.at.map(|at| at.0);
    if let Some(at) = at.filter(|at| *at > now) {
        return Err(Failure::usage(format!(
            "the log's statement is of {}: nothing is known of {}",
            day(opened.at),
            day(at)
        )));
    }
    let Some(standing) = standing(&entries, digest, at) else {
        return Err(Failure::new(
            Exit::Standing,
            format!("the image was not released by {}", day(at.unwrap_or(now))),
        ));
    };
    let problem = match standing.state {
        State::OnHold => Some(format!("it is on hold since {}", day(standing.since))),
        State::Revoked => Some(format!("it is revoked since {}", day(standing.since))),
        State::Withdrawn => Some(format!(
            "its publisher took it off the market on {}",
            day(standing.since)
        )),
        State::TagWithdrawn => Some(format!(
            "its publisher withdrew the tag {} on {}",
            plain(&standing.tag),
            day(standing.since)
        )),
        State::Listed if args.at.is_some() && !standing.certified => {
            Some("it was on the market, but not certified".to_owned())
        }
        State::Listed => misnamed(args, &entries, digest),
    };
    Ok((standing, problem))
}

pub(super) fn day(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A time that was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct At(pub(super) DateTime<Utc>);

impl std::str::FromStr for At {
    type Err = String;

    /// Reads `2026-11-27`, which is the end of that day, or a time as in RFC 3339.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(time) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self(time.to_utc()));
        }
        let day: NaiveDate = text.parse().map_err(|_| {
            "write a day such as 2026-11-27, or a time such as 2026-11-27T10:00:00Z".to_owned()
        })?;
        let end = day.and_hms_opt(23, 59, 59).ok_or("this is no day")?;
        Ok(Self(end.and_utc()))
    }
}
