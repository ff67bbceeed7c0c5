//! `plimsoll signing-key`: what a publisher signs with, over the marketplace's API.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, SecondsFormat, Utc};
use clap::{Args, Subcommand};
use market::Slug;
use serde::Deserialize;
use serde_json::{Value, json};
use trust::{SigningKey, credential::MAX_PROOF_BYTES, key::MAX_KEY_FILE_BYTES};

use super::{Context, day_and_time};
use crate::{
    config::environment::Environment,
    exit::Exit,
    failure::{Failure, OrFail},
    market_api::{MarketApi, MarketArgs},
    printer::{Cell, columns, plain},
};

/// Register, prove, list and revoke what a publisher signs with
///
/// Asks a marketplace as an owner of the publisher, with an access token: `docker login` with it
/// first. A key counts once it is proven: with --key the marketplace's text is signed here, and
/// the private half goes nowhere; `challenge` prints the text for a hardware signer, cosign or
/// OpenSSL, whose signature `prove --signature` takes.
#[derive(Debug, Subcommand)]
pub(crate) enum SigningKeyCommand {
    /// List what signatures are checked with, and since when and until when
    List(ListArgs),
    /// Register a key, a certificate or an identity
    Register(RegisterArgs),
    /// Print the text to sign as a proof, without a new line at its end
    Challenge(NamedArgs),
    /// Prove that a registered key is yours
    Prove(ProveArgs),
    /// Have a key end: signatures by it count no more for new submissions
    Revoke(RevokeArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The publisher's short name
    publisher: Slug,
    #[command(flatten)]
    market: MarketArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RegisterArgs {
    /// The publisher's short name
    publisher: Slug,
    /// Public key or certificate (PEM), or a file with the lines of an identity
    #[arg(required_unless_present = "key")]
    file: Option<PathBuf>,
    /// What to call it
    #[arg(long)]
    name: String,
    /// From when on signatures by it count, such as 2027-01-01T00:00:00Z; at once, if not given
    #[arg(long, value_name = "TIME")]
    valid_from: Option<DateTime<Utc>>,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    market: MarketArgs,
}

#[derive(Debug, Args)]
pub(crate) struct NamedArgs {
    /// The publisher's short name
    publisher: Slug,
    /// The key: its id, fingerprint or name
    #[arg(value_name = "KEY")]
    wanted: String,
    #[command(flatten)]
    market: MarketArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ProveArgs {
    #[command(flatten)]
    named: NamedArgs,
    /// The signature over the text: bytes, base64 or cosign's bundle; `-` reads standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "key",
        required_unless_present = "key"
    )]
    signature: Option<PathBuf>,
    #[command(flatten)]
    signer: SignerArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    named: NamedArgs,
    /// When it ends, such as 2027-01-01T00:00:00Z; now, if not given
    #[arg(long, value_name = "TIME")]
    at: Option<DateTime<Utc>>,
}

/// What signs here.
#[derive(Debug, Args)]
struct SignerArgs {
    /// The private key (ECDSA P-256: PEM, or cosign's file) that proves it, read here and sent nowhere
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// A file whose first line is the private key's passphrase
    #[arg(long, value_name = "FILE", requires = "key")]
    passphrase_file: Option<PathBuf>,
}

impl SignerArgs {
    fn read(&self) -> Result<Option<SigningKey>, Failure> {
        let Some(path) = &self.key else {
            return Ok(None);
        };
        let passphrase = match &self.passphrase_file {
            Some(path) => Some(text(path, MAX_KEY_FILE_BYTES)?),
            None => None,
        };
        let passphrase = passphrase.as_deref().and_then(|text| text.lines().next());
        let key = SigningKey::from_pem(&text(path, MAX_KEY_FILE_BYTES)?, passphrase);
        let key = key.map_err(|error| {
            let what = format!("cannot use the key `{}`", path.display());
            Failure::failed(what).because(&error).hint(
                "of another kind, or in a device, sign what `plimsoll signing-key challenge` prints and give --signature",
            )
        });
        key.map(Some)
    }
}

/// A registered key, as the marketplace describes it.
#[derive(Debug, Deserialize)]
struct Key {
    id: String,
    name: String,
    fingerprint: String,
    standing: String,
    valid_from: Option<DateTime<Utc>>,
    revoked_at: Option<DateTime<Utc>>,
    challenge: Option<String>,
    challenge_ends_at: Option<DateTime<Utc>>,
}

pub(super) fn run(command: &SigningKeyCommand, context: &Context<'_>) -> Result<Exit, Failure> {
    match command {
        SigningKeyCommand::List(args) => list(args, context)?,
        SigningKeyCommand::Register(args) => register(args, context)?,
        SigningKeyCommand::Challenge(args) => challenge(args, context)?,
        SigningKeyCommand::Prove(args) => prove(args, context)?,
        SigningKeyCommand::Revoke(args) => revoke(args, context)?,
    }
    Ok(Exit::Success)
}

fn open(market: &MarketArgs) -> Result<MarketApi, Failure> {
    market.open(&Environment::of_process())
}

/// Returns the documents of a publisher's keys.
fn keys(api: &MarketApi, publisher: &Slug) -> Result<Vec<Value>, Failure> {
    let mut found = api.get(&format!("/publishers/{publisher}"))?;
    match found["keys"].take() {
        Value::Array(keys) => Ok(keys),
        _ => Err(Failure::failed(
            "the marketplace answered without the publisher's keys",
        )),
    }
}

fn read(document: &Value) -> Result<Key, Failure> {
    Key::deserialize(document)
        .or_fail("the marketplace describes a key in a way that is not known here")
}

/// Finds a key by its id, its fingerprint or its name.
fn find(api: &MarketApi, args: &NamedArgs) -> Result<Key, Failure> {
    let keys = keys(api, &args.publisher)?;
    let keys = keys.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let wanted = args.wanted.as_str();
    let is_wanted = |key: &Key| {
        let names = [&key.id, &key.fingerprint, &key.name];
        names.into_iter().any(|name| name == wanted)
    };
    let mut found = keys.into_iter().filter(is_wanted);
    match (found.next(), found.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => Err(Failure::usage(format!(
            "`{}` names several keys",
            plain(wanted)
        ))
        .hint("give the id, as `plimsoll signing-key list` shows it")),
        (None, _) => Err(Failure::usage(format!(
            "{} has no key `{}`",
            args.publisher,
            plain(wanted)
        ))),
    }
}

fn list(args: &ListArgs, context: &Context<'_>) -> Result<(), Failure> {
    let keys = keys(&open(&args.market)?, &args.publisher)?;
    if context.printer.is_json() {
        return context.printer.json(&keys);
    }
    let head = ["ID", "NAME", "STANDING", "FROM", "ENDS", "FINGERPRINT"];
    let mut rows = vec![head.into_iter().map(Cell::new).collect::<Vec<_>>()];
    for key in &keys {
        let key = read(key)?;
        let time = |time: Option<_>| time.map_or_else(|| "-".to_owned(), day_and_time);
        rows.push(vec![
            Cell::new(&key.id),
            Cell::new(&key.name),
            Cell::new(&key.standing),
            Cell::new(&time(key.valid_from)),
            Cell::new(&time(key.revoked_at)),
            Cell::new(&key.fingerprint),
        ]);
    }
    context.printer.out(&columns(&rows))
}

fn register(args: &RegisterArgs, context: &Context<'_>) -> Result<(), Failure> {
    let signer = args.signer.read()?;
    let pem = match (&args.file, &signer) {
        (Some(file), _) => text(file, MAX_PROOF_BYTES)?,
        (None, Some(signer)) => signer.public().to_pem(),
        (None, None) => return Err(Failure::usage("give a file to register, or --key")),
    };
    let api = open(&args.market)?;
    let mut new = json!({ "name": args.name, "pem": pem });
    if let Some(from) = args.valid_from {
        new["valid_from"] = json!(from);
    }
    let mut document = api.post(&format!("/publishers/{}/keys", args.publisher), Some(&new))?;
    let key = read(&document)?;
    if let (Some(signer), Some(challenge)) = (&signer, &key.challenge) {
        let proof = STANDARD.encode(signer.sign_der(challenge.as_bytes()));
        document = hand_in(&api, &args.publisher, &key, &proof)?;
    } else {
        context.printer.note(&format!(
            "It counts once it is proven: sign what `plimsoll signing-key challenge {} {} --market {}` prints, \
             and hand the signature in with `plimsoll signing-key prove … --signature FILE`",
            args.publisher, key.id, args.market.host()
        ));
    }
    show("Registered", &document, context)
}

fn challenge(args: &NamedArgs, context: &Context<'_>) -> Result<(), Failure> {
    let api = open(&args.market)?;
    let text = challenge_of(&api, &args.publisher, &find(&api, args)?, context.now())?;
    match context.printer.is_json() {
        true => context.printer.json(&json!({ "challenge": text })),
        false => context.printer.out(&text),
    }
}

/// Returns the text to sign for a key: the one that is there, or another if that has ended.
fn challenge_of(
    api: &MarketApi,
    publisher: &Slug,
    key: &Key,
    now: DateTime<Utc>,
) -> Result<String, Failure> {
    let good = key.challenge_ends_at.is_some_and(|ends_at| now < ends_at);
    if let Some(challenge) = key.challenge.as_ref().filter(|_| good) {
        return Ok(challenge.clone());
    }
    let path = format!("/publishers/{publisher}/keys/{}/challenge", key.id);
    let renewed = read(&api.post(&path, None)?)?;
    renewed
        .challenge
        .ok_or_else(|| Failure::failed("the marketplace gave no text to sign"))
}

fn prove(args: &ProveArgs, context: &Context<'_>) -> Result<(), Failure> {
    let signer = args.signer.read()?;
    let named = &args.named;
    let api = open(&named.market)?;
    let key = find(&api, named)?;
    let proof = match (&signer, &args.signature) {
        (Some(signer), _) => {
            let text = challenge_of(&api, &named.publisher, &key, context.now())?;
            STANDARD.encode(signer.sign_der(text.as_bytes()))
        }
        (None, Some(file)) => signature(file)?,
        (None, None) => return Err(Failure::usage("give --key or --signature")),
    };
    let document = hand_in(&api, &named.publisher, &key, &proof)?;
    show("Proved", &document, context)
}

fn hand_in(api: &MarketApi, publisher: &Slug, key: &Key, proof: &str) -> Result<Value, Failure> {
    let path = format!("/publishers/{publisher}/keys/{}/proof", key.id);
    api.post(&path, Some(&json!({ "signature": proof })))
}

fn revoke(args: &RevokeArgs, context: &Context<'_>) -> Result<(), Failure> {
    let named = &args.named;
    let api = open(&named.market)?;
    let key = find(&api, named)?;
    let mut path = format!("/publishers/{}/keys/{}", named.publisher, key.id);
    if let Some(at) = args.at {
        path.push_str(&format!(
            "?at={}",
            at.to_rfc3339_opts(SecondsFormat::Secs, true)
        ));
    }
    api.delete(&path)?;
    if context.printer.is_json() {
        let at = args.at.unwrap_or_else(|| context.now());
        return context
            .printer
            .json(&json!({ "id": key.id, "revoked_at": at }));
    }
    let when = args.at.map_or_else(|| "now".to_owned(), day_and_time);
    context.printer.out(&format!(
        "{} (`{}`) ends {when}\n",
        key.id,
        plain(&key.name)
    ))
}

fn show(done: &str, document: &Value, context: &Context<'_>) -> Result<(), Failure> {
    if context.printer.is_json() {
        return context.printer.json(document);
    }
    let key = read(document)?;
    context.printer.out(&format!(
        "{done} {} (`{}`), which is {}\nFingerprint: {}\n",
        plain(&key.id),
        plain(&key.name),
        plain(&key.standing),
        plain(&key.fingerprint)
    ))
}

/// Reads a signature as tools write it: text as it is, bytes in base64.
fn signature(path: &Path) -> Result<String, Failure> {
    let bytes = bytes(path, MAX_PROOF_BYTES)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => STANDARD.encode(error.into_bytes()),
    })
}

fn text(path: &Path, most: usize) -> Result<String, Failure> {
    String::from_utf8(bytes(path, most)?).or_fail(format!("`{}` is no text", path.display()))
}

fn bytes(path: &Path, most: usize) -> Result<Vec<u8>, Failure> {
    let what = format!("cannot read `{}`", path.display());
    let mut found = Vec::new();
    let limit = most as u64 + 1;
    let read = match path == Path::new("-") {
        true => std::io::stdin().take(limit).read_to_end(&mut found),
        false => fs::File::open(path).and_then(|file| file.take(limit).read_to_end(&mut found)),
    };
    read.or_fail(&what)?;
    match found.len() > most {
        true => Err(Failure::usage(format!(
            "`{}` has more than {most} bytes",
            path.display()
        ))),
        false => Ok(found),
    }
}
