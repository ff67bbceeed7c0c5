//! `plimsoll keys`: the operator's keys.

use std::{
    fs,
    path::{Path, PathBuf},
};

use app::Actor;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use trust::PublicKey;

use super::{
    Context,
    roots::{self, ExportRootsArgs, ImportRootsArgs, MakeRootArgs, SignRootsArgs},
};
use crate::{
    cli::DataArgs,
    config::Config,
    exit::Exit,
    failure::Failure,
    market_folder,
    printer::{Cell, columns, count},
    server::{
        keys::{self, NextTrust},
        passphrase::Passphrase,
    },
};

/// Make, list and rotate the operator's keys
#[derive(Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// Make the keys of a marketplace that is yet to start, the root apart from the rest
    ///
    /// Run it on a machine without a network. DIR must not be there. Afterwards `DIR/offline` is
    /// yours to keep in a safe, and `DIR/online` becomes the folder `keys` of each server. Both
    /// are encrypted, with passphrases that are made beside them unless files with yours are
    /// given. Where the configuration names a token (`keys.token`), the key for releases is made
    /// in it.
    Make(MakeArgs),
    /// Encrypt the keys that are here in clear
    ///
    /// With the passphrase that the configuration names; else with the one beside the data folder,
    /// in `DIR.passphrase`, which is made if it is not there. Each file is replaced as a whole, so
    /// it may be interrupted and run again, also beside a running server. Copies and backups from
    /// before stay as they are.
    Encrypt(EncryptArgs),
    /// List the keys, where they are, and by which fingerprints others know them
    List(DataArgs),
    /// Sign what is on the market with another release key, after it was replaced
    ///
    /// Wants the root key in its place, or what it is to sign to be imported (`export-roots`), and tells clients with content trust and `plimsoll verify`
    /// whom to believe from now on. Signatures by the old key stay beside the new ones. What is signed already is
    /// left alone, so it may be run again.
    SignAgain(SignAgainArgs),
    /// Make another root key, on a machine without a network
    ///
    /// Run it there and keep the folder there. The new key takes over once `root.pub` is in place on the server, and
    /// what `export-roots` writes is signed with the old key and the new one.
    MakeRoot(MakeRootArgs),
    /// Write what is to be signed where the root key is
    ///
    /// That is the first root of each name of which nothing was released; the next one of each name
    /// that is signed by another root key than `root.pub`, names another release key, or ends within a
    /// year; and what is to be said of release keys that were replaced. Changes nothing that anybody
    /// sees, and leaves out what is signed already, so it may be run again. Wants no root key.
    ExportRoots(ExportRootsArgs),
    /// Show and sign what `export-roots` wrote, on the machine that has the root key
    ///
    /// The file is signed in its place. Wants neither server nor network.
    SignRoots(SignRootsArgs),
    /// Take in what `sign-roots` signed
    ///
    /// First roots wait for the first release; others are published at once, and clients with content
    /// trust follow. All of the file is checked before anything is changed; what nobody needs any more is skipped. Interrupted, it goes on
    /// where it was when it is run again; it may be run beside a running server.
    ImportRoots(ImportRootsArgs),
    /// Make a new key for registry tokens
    ///
    /// It is published at once and signs a minute later, on every node, without a restart.
    /// Tokens signed with the old key are good until they end.
    RotateTokens(DataArgs),
    /// Replace the key that secrets are sealed under (`trust.key`)
    ///
    /// Nothing that is derived from the secret changes: keys for trust metadata, the log's key,
    /// webhooks' secrets. Running servers go on; give both new files to all nodes before they
    /// start again. Interrupted, it goes on where it was when it is run again.
    RotateTrust(DataArgs),
}

#[derive(Debug, Args)]
pub(crate) struct MakeArgs {
    /// The folder to make
    dir: PathBuf,
    /// A file whose first line encrypts the root key, instead of `DIR/offline.passphrase`
    #[arg(long, value_name = "FILE")]
    root_passphrase_file: Option<PathBuf>,
    /// A file whose first line encrypts the others, instead of `DIR/online.passphrase`
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct EncryptArgs {
    /// A file whose first line opens keys with another passphrase, which get the market's
    #[arg(long, value_name = "FILE")]
    old_passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SignAgainArgs {
    /// The address under which it was released, unless `server.public_url` says it
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Fingerprint of a replaced release key that others may have: whoever pinned it is told to
    /// believe nothing of it, instead of being led to the new one; repeatable
    #[arg(long, value_name = "KEY")]
    revoke: Vec<String>,
    #[command(flatten)]
    data: DataArgs,
}

pub(super) fn run(command: &KeysCommand, context: &Context<'_>) -> Result<Exit, Failure> {
    match command {
        KeysCommand::Make(args) => make(args, context)?,
        KeysCommand::Encrypt(args) => encrypt(args, context)?,
        KeysCommand::List(data) => list(data, context)?,
        KeysCommand::SignAgain(args) => sign_again(args, context)?,
        KeysCommand::MakeRoot(args) => roots::make(args, context)?,
        KeysCommand::ExportRoots(args) => roots::export(args, context)?,
        KeysCommand::SignRoots(args) => roots::sign(args, context)?,
        KeysCommand::ImportRoots(args) => roots::import(args, context)?,
        KeysCommand::RotateTokens(data) => rotate_tokens(data, context)?,
        KeysCommand::RotateTrust(data) => rotate_trust(data, context)?,
    }
    Ok(Exit::Success)
}

fn make(args: &MakeArgs, context: &Context<'_>) -> Result<(), Failure> {
    let token = keys::token_place(&context.config(Vec::new())?)?;
    let place = args.dir.display();
    fs::create_dir(&args.dir).map_err(|error| {
        Failure::failed(format!("cannot make the folder `{place}`"))
            .because(&error)
            .hint("name a folder that is not there: keys are never written over others")
    })?;
    let (offline, online) = (args.dir.join("offline"), args.dir.join("online"));
    let words = |file: &Option<PathBuf>, dir| match file {
        Some(file) => Passphrase::in_file(file),
        None => Passphrase::make_beside(dir),
    };
    let words = (
        words(&args.root_passphrase_file, &offline)?,
        words(&args.passphrase_file, &online)?,
    );
    keys::make_apart((&offline, &online), (&words.0, &words.1), token.as_ref())?;
    let print = |name: &str| fingerprint(&online.join(format!("{name}.pub")));
    let (root, release) = (print("root")?, print("release")?);
    if context.printer.is_json() {
        return context.printer.json(&json!({
            "offline": offline, "online": online, "root": root, "release": release,
            "token": token.map(|place| place.token),
            "root_passphrase_file": words.0.place, "passphrase_file": words.1.place,
        }));
    }
    let (whose, backup) = match &token {
        None => (String::new(), String::new()),
        Some(place) => (
            format!(" (in token {})", place.token),
            format!(
                "   The key for releases is in the token alone, as two objects `{}`: back both up with the token's own means.\n",
                place.key
            ),
        ),
    };
    context.printer.out(&format!(
        "Made the keys of a marketplace\n\
         Root:    {root}\n\
         Release: {release}{whose}\n\n\
         1. Write both fingerprints down, on paper that two people sign.\n\
         2. Copy `{place}/offline` to two media, read both back, and lock them away apart from each other.\n   \
            The root key signs what `plimsoll keys export-roots` writes on a server: before the first release of a product,\n   \
            and when the release key or the root key is replaced.\n\
         3. Copy `{place}/online` to `keys` in the data folder of each server, and keep one more copy in a safe.\n   \
            Its keys sign every day. Lost, they cannot be made again.\n{backup}\
         4. The root's passphrase is {}, that of the servers {}. Keep copies of both, apart from the media.\n   \
            Each server has its own beside its data folder, as `DIR.passphrase` with mode 600, or where `keys.passphrase_file` says.\n\
         5. Then remove `{place}`.\n\
         6. Start the server, and compare: plimsoll keys list --data DIR\n",
        words.0.shown(),
        words.1.shown(),
    ))
}

/// Returns the fingerprint of a public key in a file.
fn fingerprint(path: &Path) -> Result<String, Failure> {
    let key = keys::public(path)?;
    Ok(key
        .as_ref()
        .map_or_else(|| "-".to_owned(), PublicKey::key_id))
}

fn list(data: &DataArgs, context: &Context<'_>) -> Result<(), Failure> {
    let config = context.config(data.flags())?;
    let dir = config.data_dir().join("keys");
    let token = config.path("keys.token.module").is_some();
    let token = token.then(|| config.text("keys.token.name").unwrap_or_default());
    if !dir.is_dir() {
        return Err(
            Failure::usage(format!("there are no keys in `{}`", dir.display()))
                .hint("name the marketplace's data folder with --data or `data.dir`"),
        );
    }
    let mut documents = Vec::new();
    let head = ["KEY", "PLACE", "FINGERPRINT", "WHAT IT DOES"];
    let mut rows = vec![head.into_iter().map(Cell::new).collect::<Vec<_>>()];
    for (name, purpose) in keys::NAMES {
        let place = match token {
            Some(token) if name == "release" => format!("in token {token}"),
            _ => place(&dir, name)?.to_owned(),
        };
        let print = fingerprint(&dir.join(format!("{name}.pub")))?;
        rows.push([name, &place, &print, purpose].map(Cell::new).into());
        let print = Some(print).filter(|print| print != "-");
        documents.push(json!({
            "name": name, "place": place, "fingerprint": print, "purpose": purpose,
        }));
    }
    match context.printer.is_json() {
        true => context.printer.json(&Value::Array(documents)),
        false => context.printer.out(&columns(&rows)),
    }
}

/// Says where a key is.
fn place(dir: &Path, name: &str) -> Result<&'static str, Failure> {
    let path = dir.join(format!("{name}.key"));
    match fs::read_to_string(&path) {
        Ok(text) if keys::is_encrypted(&text) => Ok("here, encrypted"),
        Ok(_) => Ok("here, in clear"),
        Err(_) if !path.exists() && !keys::is_elsewhere(dir, name) => Ok("not made yet"),
        Err(_) if !path.exists() && name == "root" => Ok("kept elsewhere"),
        Err(_) if !path.exists() => Ok("gone"),
        Err(error) => {
            let what = format!("cannot read the key `{}`", path.display());
            Err(Failure::failed(what).because(&error))
        }
    }
}

fn encrypt(args: &EncryptArgs, context: &Context<'_>) -> Result<(), Failure> {
    let config = context.config(args.data.flags())?;
    config.check()?;
    market_folder::must_exist(&config)?;
    let old = args.old_passphrase_file.as_deref();
    let old = old.map(Passphrase::in_file).transpose()?;
    let (encrypted, passphrase) = keys::encrypt(&config, old.as_ref())?;
    if context.printer.is_json() {
        return context.printer.json(&json!({
            "encrypted": encrypted, "passphrase_file": passphrase.place,
        }));
    }
    let place = passphrase.shown();
    context.printer.out(&match encrypted.len() {
        0 => format!("All keys are encrypted already; the passphrase is {place}\n"),
        number => format!(
            "Encrypted {}; the passphrase is {place}\n\
             Keep a copy of it, apart from copies of the data folder. Copies of the keys from before are still in clear, or have the old passphrase.\n",
            count(number, "key", "keys"),
        ),
    })
}

/// Reads the configuration of a market whose address is known: what is signed names it.
pub(super) fn addressed(
    data: &DataArgs,
    public_url: Option<&String>,
    context: &Context<'_>,
) -> Result<Config, Failure> {
    let mut flags = data.flags();
    flags.push(("server.public_url", public_url.cloned()));
    let config = context.config(flags)?;
    if config
        .text("server.public_url")
        .unwrap_or_default()
        .is_empty()
    {
        return Err(
            Failure::usage("what is signed names the marketplace's address")
                .hint("give --public-url, as the server has it"),
        );
    }
    Ok(config)
}

fn sign_again(args: &SignAgainArgs, context: &Context<'_>) -> Result<(), Failure> {
    let config = addressed(&args.data, args.public_url.as_ref(), context)?;
    let revoke = args.revoke.iter().cloned().collect();
    let (key, signed) = context.in_configured_market(&config, async |app| {
        let signed = app.sign_releases_again(&revoke).await?;
        Ok((app.release_key().key_id(), signed))
    })?;
    if context.printer.is_json() {
        return context
            .printer
            .json(&json!({ "key": key, "products": signed }));
    }
    let products = count(signed, "product", "products");
    context
        .printer
        .out(&format!("Signed {products} with key {key}\n"))
}

fn rotate_tokens(data: &DataArgs, context: &Context<'_>) -> Result<(), Failure> {
    let keys = context.in_market(data, async |app| {
        app.rotate_token_keys(&Actor::system()).await?;
        Ok(app.token_keys().await?.keys)
    })?;
    let newest = keys.first().map(|key| key.kid.clone()).unwrap_or_default();
    if context.printer.is_json() {
        return context
            .printer
            .json(&json!({ "key": newest, "keys": keys.len() }));
    }
    context
        .printer
        .out(&format!("Made key {newest}; it signs in a minute\n"))
}

fn rotate_trust(data: &DataArgs, context: &Context<'_>) -> Result<(), Failure> {
    let config = context.config(data.flags())?;
    market_folder::must_exist(&config)?;
    let _held = keys::hold(&config)?;
    let next = match NextTrust::find(&config)? {
        Some(next) if next.is_sealed => next,
        found => context.in_configured_market(&config, async |app| {
            // Servers do not start beside the file: it is made where the market can be opened.
            let next = match found {
                Some(next) => next,
                None => NextTrust::make(&config)?,
            };
            let actor = Actor::system();
            app.seal_trust_secret(&actor, &next.key).await?;
            Ok(next)
        })?,
    };
    next.put_in_place()?;
    let public = next.key.public();
    context.in_configured_market(&config, async |app| {
        Ok(app.forget_trust_seals(&Actor::system(), &public).await?)
    })?;
    let print = public.key_id();
    if context.printer.is_json() {
        return context.printer.json(&json!({ "key": print }));
    }
    context.printer.out(&format!(
        "Replaced trust.key by {print}\nGive `trust.key` and `trust.pub` to all nodes, and put a copy into the safe\n"
    ))
}
