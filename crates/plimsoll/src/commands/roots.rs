//! `plimsoll keys export-roots`, `sign-roots`, `import-roots`: what the root key signs, without the
//! root key being where the server is; and `make-root`, for another one.

use std::{
    fs,
    path::{Path, PathBuf},
};

use app::{Clock as _, SystemClock, oci::Digest};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::Args;
use serde_json::json;
use trust::{
    PublicKey,
    tuf::{Key, MAX_ROOTS, MAX_ROOTS_BYTES, RootsToSign, WhyRoot},
};

use super::{Context, keys::addressed};
use crate::{
    cli::DataArgs,
    exit::Exit,
    failure::{Failure, OrFail},
    printer::{count, plain},
    server::{keys, passphrase::Passphrase},
};

#[derive(Debug, Args)]
pub(crate) struct MakeRootArgs {
    /// The folder to make
    dir: PathBuf,
    /// A file whose first line encrypts the key, instead of `DIR.passphrase`
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ExportRootsArgs {
    /// The file to write; it must not be there
    file: PathBuf,
    /// The address under which it is released, unless `server.public_url` says it
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Fingerprint of a replaced release key that others may have: whoever pinned it is told to
    /// believe nothing of it, instead of being led to the new one; repeatable
    #[arg(long, value_name = "KEY")]
    revoke: Vec<String>,
    /// The root key before is lost: have the new one sign alone. Clients that know the old one
    /// refuse that until they are reset
    #[arg(long)]
    root_lost: bool,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SignRootsArgs {
    /// What `export-roots` wrote; it is signed in its place
    file: PathBuf,
    /// The root key
    #[arg(long, value_name = "FILE", default_value = "root.key")]
    root_key: PathBuf,
    /// A file whose first line opens it, instead of the one beside its folder (`DIR.passphrase`)
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// The root key that it takes the place of
    #[arg(long, value_name = "FILE")]
    old_root_key: Option<PathBuf>,
    /// A file whose first line opens that one
    #[arg(long, value_name = "FILE", requires = "old_root_key")]
    old_passphrase_file: Option<PathBuf>,
    /// Show what is to be signed, and sign nothing; wants no key
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ImportRootsArgs {
    /// What `sign-roots` signed
    file: PathBuf,
    /// The address under which it is released, unless `server.public_url` says it
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Take roots without the signature of the root key before, which is lost. Clients that know
    /// it refuse them until they are reset
    #[arg(long)]
    root_lost: bool,
    /// Fingerprint of a release key that the file revokes, which cannot be taken back; repeatable
    #[arg(long, value_name = "KEY")]
    revoke: Vec<String>,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn make(args: &MakeRootArgs, context: &Context<'_>) -> Result<(), Failure> {
    keys::must_be_new(&args.dir)?;
    let passphrase = match &args.passphrase_file {
        Some(file) => Passphrase::in_file(file)?,
        None => Passphrase::make_beside(&args.dir)?,
    };
    let print = keys::make_root(&args.dir, &passphrase)?.key_id();
    if context.printer.is_json() {
        return context.printer.json(&json!({
            "dir": args.dir, "root": print, "passphrase_file": passphrase.place,
        }));
    }
    let (dir, words) = (args.dir.display(), passphrase.shown());
    context.printer.out(&format!(
        "Made a root key
Root: {print}

1. Write the fingerprint down, copy `{dir}` to two media, and keep its passphrase, {words}, apart from them.
2. On every server put `{dir}/root.pub` in the place of `keys/root.pub`, take `keys/root.key` away if it is there, and restart.
3. On one of them: plimsoll keys export-roots roots.json --data DIR
4. Here: plimsoll keys sign-roots roots.json --root-key {dir}/root.key --old-root-key OLD/root.key
5. There: plimsoll keys import-roots roots.json --data DIR
6. Keep the old key for as long as step 3 finds something; then it may be destroyed.
"
    ))
}

pub(super) fn export(args: &ExportRootsArgs, context: &Context<'_>) -> Result<(), Failure> {
    let config = addressed(&args.data, args.public_url.as_ref(), context)?;
    let seen = args.revoke.iter().cloned().collect();
    let wanted = context.in_configured_market(&config, async |app| {
        Ok(app.roots_to_sign(&seen, args.root_lost).await?)
    })?;
    let text = wanted.to_bytes();
    let place = args.file.display();
    let what = format!("cannot write `{place}`");
    keys::write(&args.file, &String::from_utf8_lossy(&text), 0o600)
        .or_fail(what)
        .map_err(|failure| failure.hint("name a file that is not there, in a folder that is"))?;
    let (root, digest) = (root_key(&wanted)?.key_id(), Digest::of(&text));
    if context.printer.is_json() {
        return context.printer.json(&json!({
            "roots": wanted.roots.len(), "successions": wanted.successions.len(),
            "root": root, "digest": digest,
        }));
    }
    let more = match wanted.roots.len() == MAX_ROOTS {
        true => "There may be more: run this again once these are imported\n",
        false => "",
    };
    context.printer.out(&format!(
        "Wrote {} to `{place}`, for root key {root}\nDigest: {digest}\n{more}",
        sum(&wanted.roots, &wanted.successions),
    ))
}

pub(super) fn sign(args: &SignRootsArgs, context: &Context<'_>) -> Result<(), Failure> {
    let (mut wanted, digest) = read(&args.file)?;
    let (is_json, now) = (context.printer.is_json(), SystemClock.now());
    if !is_json {
        context.printer.out(&shown(&wanted, &digest, now)?)?;
    }
    if args.dry_run {
        return match is_json {
            true => context.printer.json(&json!(wanted)),
            false => Ok(()),
        };
    }
    let open = |key: &Path, words: &Option<PathBuf>| {
        keys::opened(key, &Passphrase::of_key(key, words.as_deref())?)
    };
    let key = open(&args.root_key, &args.passphrase_file)?;
    let old = args.old_root_key.as_ref();
    let old = old.map(|old| open(old, &args.old_passphrase_file));
    let old = Vec::from_iter(old.transpose()?);
    let signed = wanted.sign(&key, &old, now);
    signed.or_fail("nothing was signed").map_err(|failure| {
        failure.hint("give the key that `root.pub` on the server is the public half of")
    })?;
    let text = wanted.to_bytes();
    keys::replace(&args.file, &String::from_utf8_lossy(&text))
        .or_fail(format!("cannot write `{}`", args.file.display()))?;
    let roots: Vec<_> = (wanted.roots.iter())
        .filter(|it| it.root.is_none())
        .collect();
    let successions = wanted.successions.iter();
    let successions: Vec<_> = successions.filter(|it| it.decision.is_none()).collect();
    let (root, digest) = (key.public().key_id(), Digest::of(&text));
    if is_json {
        let unsigned = roots.len() + successions.len();
        let document = json!({
            "root": root, "digest": digest, "unsigned": unsigned,
            "signed_at": now.to_rfc3339_opts(SecondsFormat::Secs, true),
        });
        return context.printer.json(&document);
    }
    let left = match wanted.is_signed() {
        true => String::new(),
        false => format!(
            "Not signed: {}, which wait for a root key from before: run this again with it as --old-root-key\n",
            sum(&roots, &successions),
        ),
    };
    let said = format!("Signed with root key {root}\nDigest: {digest}\n{left}");
    context.printer.out(&said)
}

pub(super) fn import(args: &ImportRootsArgs, context: &Context<'_>) -> Result<(), Failure> {
    let config = addressed(&args.data, args.public_url.as_ref(), context)?;
    let (signed, digest) = read(&args.file)?;
    let seen = args.revoke.iter().cloned().collect();
    let taken = context.in_configured_market(&config, async |app| {
        Ok(app.take_roots(&signed, &seen, args.root_lost).await?)
    })?;
    if context.printer.is_json() {
        return context.printer.json(&json!({
            "prepared": taken.prepared, "published": taken.published,
            "successions": taken.successions, "skipped": taken.skipped,
            "unsigned": taken.unsigned, "digest": digest,
        }));
    }
    let names = |number| count(number, "name", "names");
    context.printer.out(&format!(
        "Digest: {digest}\nPrepared the first release of {}, published the next root of {}, named the successors of {}\n",
        names(taken.prepared),
        names(taken.published),
        count(taken.successions, "release key", "release keys"),
    ))?;
    if taken.skipped > 0 {
        context.printer.out(&format!(
            "Skipped {}, which had it already or need it no more\n",
            names(taken.skipped)
        ))?;
    }
    match taken.unsigned {
        0 => Ok(()),
        number => context.printer.out(&format!(
            "Left {}, which nobody signed\n",
            count(number, "entry", "entries")
        )),
    }
}

/// Reads a file and gives its digest, to be compared between machines.
fn read(path: &Path) -> Result<(RootsToSign, Digest), Failure> {
    let place = path.display();
    let what = || format!("cannot read `{place}`");
    let length = fs::metadata(path).or_fail(what())?.len();
    if length > MAX_ROOTS_BYTES as u64 {
        return Err(Failure::new(
            Exit::Usage,
            format!("`{place}` has {length} bytes; at most {MAX_ROOTS_BYTES} are taken"),
        ));
    }
    let bytes = fs::read(path).or_fail(what())?;
    let read = RootsToSign::read(&bytes).or_fail(what())?;
    Ok((read, Digest::of(&bytes)))
}

fn root_key(wanted: &RootsToSign) -> Result<PublicKey, Failure> {
    wanted.root_key().or_fail("cannot read the root key")
}

/// Says in clear words what is signed.
fn shown(wanted: &RootsToSign, digest: &Digest, now: DateTime<Utc>) -> Result<String, Failure> {
    let mut text = format!(
        "To be signed for {}, with root key {}\nDigest: {digest}\nIt must be the one that `export-roots` showed on the server, or the last `sign-roots`.\nTime: {}\nThe signatures will bear it: it must be right.\n\n",
        plain(&wanted.market),
        root_key(wanted)?.key_id(),
        now.to_rfc3339_opts(SecondsFormat::Secs, true),
    );
    for root in &wanted.roots {
        let why = match root.why {
            WhyRoot::First => "its first root",
            WhyRoot::OtherRootKey => "this root key takes over",
            WhyRoot::OtherReleaseKey => "the release key was replaced",
            WhyRoot::Ends => "the one before ends",
            WhyRoot::Lost => {
                "this root key takes over WITHOUT the one before: clients that know that one refuse it"
            }
        };
        text += &format!("{}, version {}: {why}\n", plain(&root.gun), root.version());
        let keys: [(&str, &Key); 3] = [
            ("targets", &root.targets),
            ("snapshot", &root.snapshot),
            ("timestamp", &root.timestamp),
        ];
        for (role, key) in keys {
            text += &format!("  {role:<9} {}\n", key.id());
        }
    }
    for succession in &wanted.successions {
        let replaces = plain(&succession.replaces);
        let successor = succession.successor.as_deref().map(PublicKey::from_pem);
        let successor = successor.transpose().or_fail("cannot read a successor")?;
        text += &match successor {
            Some(key) => format!("release key {replaces}: followed by {}\n", key.key_id()),
            None => format!("release key {replaces}: REVOKED, which cannot be taken back\n"),
        };
    }
    Ok(text + "\n")
}

fn sum<R, S>(roots: &[R], successions: &[S]) -> String {
    format!(
        "{} and {}",
        count(roots.len(), "root", "roots"),
        count(successions.len(), "succession", "successions"),
    )
}
