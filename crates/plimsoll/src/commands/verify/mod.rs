//! `plimsoll verify`: whether an image is what a market certified: signed by its key under this
//! name (cosign's form), in its log, and neither held nor revoked.

mod beside;
mod fetch;
mod log;
mod place;
mod seen;
mod witnesses;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::Args;
use oci::{Digest, ImageRef};
use serde_json::json;
use trust::{
    PublicKey,
    cosign::{self, Trusted, Verified, VerifyError},
    log::Witness,
    succession::SuccessionError,
};

use self::{
    beside::Proof,
    log::{At, Said, day},
    place::Place,
};
use super::Context;
use crate::{
    config::environment::Environment,
    exit::Exit,
    failure::{Failure, OrFail},
    image::{RegistryArgs, host},
    printer::{count, plain},
};

/// Check that an image is what a market certified
///
/// Looks for the image's cosign signature (the tag `sha256-….sig` beside it, in the registry
/// or the OCI layout), checks that the key signed this very digest under this very name, and
/// asks the market's log whether it was released and is neither on hold nor revoked. What the
/// log says is proven; its head is remembered, so that a market that later shows an older log,
/// or one with another past, is found out. Nothing is pulled but the signature.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll verify --key release.pub market.example/acme/db:1.4
  docker pull $(plimsoll verify --digest --key release.pub market.example/acme/db:1.4)
  plimsoll verify --trust-host market.example/acme/db:1.4
  plimsoll verify --key release.pub --at 2026-11-27 market.example/acme/db@sha256:…
  plimsoll verify --key release.pub --save-proof copy/plimsoll-proof.json market.example/acme/db:1.4
  plimsoll verify --key release.pub --max-age 30 --identity market.example/acme/db oci:copy:1.4

A tag may move after it was verified: pull what --digest prints.
Ends with 0 when all holds, with 4 when a signature or proof does not, with 5 when they do but
the image is on hold, off the market, withdrawn under its tag, no more what its tag names, or with
--at was not certified.")]
pub(crate) struct VerifyArgs {
    /// The image: `host/name:tag`, `host/name@sha256:…` or `oci:DIR[:TAG]`
    #[arg(value_name = "IMAGE")]
    image: ImageRef,
    /// File with the public key (PEM) that must have signed; repeatable, one of them is enough
    ///
    /// A key that the market replaced is followed to its successor, where what the log says
    /// proves who that is, and not any more once the market revoked it.
    #[arg(long, value_name = "FILE", required_unless_present = "trust_host")]
    key: Vec<PathBuf>,
    /// Trust the key that the image's own host publishes
    ///
    /// Fetches /.well-known/plimsoll/release.pub from the host. That proves only that the
    /// image is what this host signs today, not that the host is honest: keep the key and
    /// give it with --key to notice when it changes.
    #[arg(long, conflicts_with = "key")]
    trust_host: bool,
    /// The name the signer must have given the image, where it is not the one in IMAGE; for an
    /// OCI layout always
    #[arg(long, value_name = "HOST/NAME")]
    identity: Option<String>,
    /// The platform that the image must have, such as linux/arm64
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Whether it was certified on that day (its end, UTC), or at that time (RFC 3339)
    #[arg(long, value_name = "DATE")]
    at: Option<At>,
    /// What the log says, in a file; else `plimsoll-proof.json` in the layout, or the market's answer
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
    /// Keep what the log says, to verify a copy of the image without a network
    #[arg(long, value_name = "FILE")]
    save_proof: Option<PathBuf>,
    /// How many days old what the log says may be; else one day from the market, any age from a file
    #[arg(long, value_name = "DAYS")]
    max_age: Option<u32>,
    /// Witness of the market's log (NAME+HASH+KEY) that must have seen what it says; repeatable
    ///
    /// What only the market signed may be said to you alone. A witness cosigns the log's head, and
    /// only where it goes on from all that this witness saw before, so it is what others see, too.
    #[arg(long, value_name = "KEY")]
    witness: Vec<Witness>,
    /// How many of the witnesses must have seen it, where not all of them
    #[arg(long, value_name = "N", requires = "witness")]
    witnesses: Option<usize>,
    /// Check the signature alone, and ask no log
    #[arg(long, conflicts_with_all = ["at", "proof", "save_proof", "max_age", "witness"])]
    signature_only: bool,
    /// Print only the verified reference by digest
    #[arg(long)]
    digest: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// All that was found out.
struct Findings {
    signature: Verified,
    /// Whether the key that signed is one that was given, and not one that follows it.
    is_given: bool,
    platform: Option<Digest>,
    beside: Vec<Proof>,
    said: Option<Said>,
}

/// Finds out all that there is to say of an image.
fn look(
    args: &VerifyArgs,
    (environment, now): (&Environment, DateTime<Utc>),
    (place, digest): (&Place, &Digest),
    pinned: &[PublicKey],
) -> Result<Findings, Failure> {
    let (signature, keys) = signature(args, (place, digest), pinned)?;
    let platform = args.platform.as_deref();
    let platform = platform
        .map(|wanted| place.platform(digest, wanted))
        .transpose()?;
    let name = signature.docker_reference.clone();
    let said = match args.signature_only {
        true => None,
        false => {
            let image = (name.as_str(), digest);
            log::ask(args, environment, image, pinned, now)?
        }
    };
    let signature = match &said {
        Some(said) => still_believed(args, (place, digest), signature, &said.keys)?,
        None => signature,
    };
    let keys = said.as_ref().map_or(&keys, |said| &said.keys);
    let proofs = (keys.as_slice(), now);
    Ok(Findings {
        is_given: pinned.iter().any(|key| key.key_id() == signature.key_id),
        signature,
        beside: beside::look(place, digest, platform.as_ref(), proofs),
        platform,
        said,
    })
}

pub(super) fn run(args: &VerifyArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(Vec::new())?;
    let pinned = keys(args)?;
    let (place, digest) = match place::find(args, &config.environment, &pinned) {
        Err(failure) if context.printer.is_json() && is_answer(failure.exit) => {
            let exit = failure.exit;
            let document = document(args, None, &Err(failure));
            context.printer.json(&document)?;
            return Ok(exit);
        }
        found => found?,
    };
    let found = look(
        args,
        (&config.environment, context.now()),
        (&place, &digest),
        &pinned,
    );
    let exit = match &found {
        Ok(found) if problem(found).is_some() => Exit::Standing,
        Ok(_) => Exit::Success,
        Err(failure) => failure.exit,
    };
    let reference = by_digest(
        args,
        found
            .as_ref()
            .ok()
            .and_then(|found| found.platform.as_ref())
            .unwrap_or(&digest),
    );
    if context.printer.is_json() {
        context
            .printer
            .json(&document(args, Some((&digest, &reference)), &found))?;
        return match found {
            Err(failure) if !is_answer(exit) => Err(failure),
            _ => Ok(exit),
        };
    }
    let found = found?;
    if let Some(problem) = problem(&found) {
        return Err(Failure::new(
            Exit::Standing,
            format!("{reference} is signed, but {problem}"),
        ));
    }
    if args.digest {
        context.printer.out(&format!("{reference}\n"))?;
    } else {
        context.printer.out(&text(&reference, &found))?;
    }
    for proof in &found.beside {
        if let Some(reason) = &proof.reason {
            let kind = proof.name();
            (context.printer).warn(&format!(
                "the {kind} beside the image does not hold: {reason}"
            ));
        }
    }
    if found.said.is_none() && !args.signature_only {
        context.printer.warn("nothing says whether the image was put on hold or revoked since: there is no proof of the log beside it (--save-proof writes one)");
    }
    Ok(exit)
}

/// Returns whether a program that reads JSON is told by the document, and by it alone.
fn is_answer(exit: Exit) -> bool {
    matches!(exit, Exit::NotVerified | Exit::Standing)
}

fn problem(found: &Findings) -> Option<&str> {
    found.said.as_ref()?.problem.as_deref()
}

fn text(reference: &str, found: &Findings) -> String {
    let mut text = format!(
        "Verified {reference}\n  signed as {}\n  by key    {}\n",
        plain(&found.signature.docker_reference),
        found.signature.key_id,
    );
    if !found.is_given {
        text += "            which follows the one that was given: keep the new one, from the market's /.well-known/plimsoll/release.pub\n";
    }
    let beside: Vec<_> = found
        .beside
        .iter()
        .filter(|proof| proof.holds)
        .map(Proof::name)
        .collect();
    if !beside.is_empty() {
        text += &format!("  beside    {}\n", beside.join(", "));
    }
    if let Some(said) = &found.said {
        let standing = &said.standing;
        let mark = match standing.certified {
            true => "certified",
            false => "not certified",
        };
        let released = day(standing.released_at);
        text += &format!(
            "  released  {released} as {}, {mark}\n",
            plain(&standing.tag)
        );
        if let Some(newer) = &standing.replaced_by {
            text += &format!("  replaced  the tag names {newer} since\n");
        }
        text += &format!(
            "  log       {} with {}, {}\n",
            plain(&said.log),
            count(
                usize::try_from(said.size).unwrap_or(usize::MAX),
                "entry",
                "entries"
            ),
            day(said.at)
        );
        text += &witnesses::line(&said.witnesses);
    }
    text
}

/// Writes what was found out of an image, under its digest and the reference by that, where
/// there is one.
fn document(
    args: &VerifyArgs,
    image: Option<(&Digest, &str)>,
    found: &Result<Findings, Failure>,
) -> serde_json::Value {
    let (ok, error) = (found.as_ref().ok(), found.as_ref().err());
    let said = ok.and_then(|found| found.said.as_ref());
    let problem = ok.and_then(problem).map(str::to_owned);
    let reason = error.map(|failure| failure.message.clone()).or(problem);
    json!({
        "schema_version": 1,
        "image": args.image.to_string(),
        "digest": image.map(|(digest, _)| digest),
        "reference": image.map(|(_, reference)| reference),
        "verified": ok.is_some() && reason.is_none(),
        "key_id": ok.map(|found| &found.signature.key_id),
        "key_succeeded": ok.map(|found| !found.is_given),
        "signed_as": ok.map(|found| &found.signature.docker_reference),
        "reason": reason,
        "platform": ok.and_then(|found| found.platform.as_ref()),
        "proofs": ok.map(|found| &found.beside),
        "log": said.map(|said| json!({
            "log": said.log,
            "entries": said.size,
            "at": said.at,
            "state": said.standing.state.as_str(),
            "since": said.standing.since,
            "released_at": said.standing.released_at,
            "tag": said.standing.tag,
            "certified": said.standing.is_certified(),
            "replaced_by": said.standing.replaced_by,
            "witnesses": witnesses::document(&said.witnesses),
        })),
    })
}

fn keys(args: &VerifyArgs) -> Result<Vec<PublicKey>, Failure> {
    match (args.key.as_slice(), &args.image) {
        ([], ImageRef::Registry(reference)) => Ok(vec![fetch_key(args, host(reference))?]),
        (files @ [_, ..], _) => files.iter().map(|file| read_key(file)).collect(),
        ([], _) => Err(
            Failure::usage("an OCI layout has no host to ask for its key")
                .hint("give the key with --key FILE"),
        ),
    }
}

fn read_key(file: &Path) -> Result<PublicKey, Failure> {
    let name = file.display();
    let text = std::fs::read_to_string(file).or_fail(format!("cannot read the key `{name}`"))?;
    PublicKey::from_pem(&text)
        .map_err(|error| Failure::usage(format!("`{name}` is no public key")).because(&error))
}

fn fetch_key(args: &VerifyArgs, host: &str) -> Result<PublicKey, Failure> {
    let path = "/.well-known/plimsoll/release.pub";
    let limit = trust::key::MAX_KEY_FILE_BYTES as u64;
    let bytes = fetch::fetch(args, (host, path), limit)?.ok_or_else(|| {
        Failure::failed(format!("there is no key at {host}{path}"))
            .hint("a registry that is no market has none: give the signer's key with --key FILE")
    })?;
    let text = String::from_utf8_lossy(&bytes);
    PublicKey::from_pem(&text).map_err(|error| {
        Failure::failed(format!("what {host}{path} gives is no public key")).because(&error)
    })
}

/// Verifies the signature by one of the keys, or by one that follows them; also gives the keys
/// that were believed. Only what the log says names those that follow, and it is asked for them
/// only where no other signed.
fn signature(
    args: &VerifyArgs,
    (place, digest): (&Place, &Digest),
    pinned: &[PublicKey],
) -> Result<(Verified, Vec<PublicKey>), Failure> {
    match verify(args, place, digest, pinned)? {
        Ok(signature) => Ok((signature, pinned.to_vec())),
        Err(error @ VerifyError::UnknownKey { .. }) if !args.signature_only => {
            let keys = log::keys(args, &own_name(args)?, pinned)?;
            if keys == pinned {
                return Err(refused(&error));
            }
            let signature = verify(args, place, digest, &keys)?;
            Ok((signature.map_err(|error| refused(&error))?, keys))
        }
        Err(error) => Err(refused(&error)),
    }
}

/// Returns a signature by one of the keys that the log's statement leaves: of several that are
/// given one may be revoked.
fn still_believed(
    args: &VerifyArgs,
    (place, digest): (&Place, &Digest),
    signature: Verified,
    keys: &[PublicKey],
) -> Result<Verified, Failure> {
    if keys.iter().any(|key| key.key_id() == signature.key_id) {
        return Ok(signature);
    }
    verify(args, place, digest, keys)?.map_err(|error| match error {
        VerifyError::UnknownKey { .. } => log::refused(&SuccessionError::Revoked(signature.key_id)),
        other => refused(&other),
    })
}

/// Returns the name that the signer must have given the image.
///
/// # Errors
/// The image is in a folder, which has none that could be believed, and none was given.
fn own_name(args: &VerifyArgs) -> Result<String, Failure> {
    match (&args.identity, &args.image) {
        (Some(name), _) => Ok(name.clone()),
        (None, ImageRef::Registry(reference)) => {
            Ok(format!("{}/{}", host(reference), reference.repo))
        }
        (None, _) => Err(Failure::usage(
            "an OCI layout does not say whose image it must hold, and any that the key signed would do",
        )
        .hint("give the name that the image was released under: --identity HOST/NAME")),
    }
}

fn verify(
    args: &VerifyArgs,
    place: &Place,
    digest: &Digest,
    keys: &[PublicKey],
) -> Result<Result<Verified, VerifyError>, Failure> {
    let tag = cosign::signature_tag(digest).ok_or_else(|| {
        Failure::usage("images under other than SHA-256 digests cannot be signed in cosign's form")
    })?;
    let Some(manifest) = place.signature(&tag)? else {
        return Ok(Err(VerifyError::Unsigned));
    };
    let identity = own_name(args)?;
    let payload_of = |wanted: &Digest| {
        let layers = &manifest.image()?.layers;
        let layer = layers.iter().find(|layer| layer.digest == *wanted)?;
        place.payload(layer)
    };
    let trusted = Trusted::keys(keys);
    Ok(cosign::verify(
        &manifest,
        &payload_of,
        digest,
        trusted,
        Some(&identity),
    ))
}

fn refused(error: &VerifyError) -> Failure {
    let failure = Failure::new(Exit::NotVerified, plain(&error.to_string()));
    match error {
        VerifyError::Unsigned => failure.hint(
            "releases are signed as a whole: verify the tag or the index's digest, not one platform's",
        ),
        VerifyError::UnknownKey { .. } => {
            failure.hint("check that the key is the one this marketplace publishes")
        }
        VerifyError::OtherRepository { .. } => {
            failure.hint("for a copy in another registry give the signed name with --identity")
        }
        _ => failure,
    }
}

/// Returns the reference that cannot move.
fn by_digest(args: &VerifyArgs, digest: &Digest) -> String {
    match &args.image {
        ImageRef::Registry(reference) => format!("{}/{}@{digest}", host(reference), reference.repo),
        _ => digest.to_string(),
    }
}
