//! A compiled database for sites without a network, or a delta to one: the file, and beside it the
//! operator's signature over its digest.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use advisory::database::{self, Database, Meta, delta};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempDir};
use trust::{PublicKey, SigningKey};

use super::Context;
use crate::{
    advisory_file::{self, place},
    cli::DataArgs,
    exit::Exit,
    failure::{Failure, OrFail},
    server,
};

/// Write the compiled database and its signature, to be carried elsewhere
///
/// FILE.sig beside it holds the signature of the operator's release key over the file's digest.
/// The other site takes it with `plimsoll advisories import --key release.pub FILE`. With --since
/// only what changed since an earlier database is written, which the other site must have.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll advisories export --data /var/lib/plimsoll advisories-2026-11-20.db
  plimsoll advisories export --since advisories-2026-11-20.db since-2026-11-20.delta
  plimsoll advisories export --signing-key my.key advisories.db")]
pub(crate) struct ExportArgs {
    /// Where to write; the signature gets the same name with .sig
    #[arg(value_name = "FILE")]
    output: PathBuf,
    /// An earlier database: write a delta from it instead
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,
    /// The key that signs (PEM); the marketplace's release key, if not given
    #[arg(long, value_name = "FILE")]
    signing_key: Option<PathBuf>,
    /// The compiled database
    #[arg(long, value_name = "FILE")]
    advisories: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
}

/// What stands in the file beside the database.
#[derive(Debug, Serialize, Deserialize)]
struct Signature {
    schema_version: u32,
    /// `sha256:…` of the database.
    digest: String,
    key_id: String,
    /// DER in base64.
    signature: String,
}

pub(super) fn export(args: &ExportArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(args.data.flags())?;
    let source = place(args.advisories.as_deref(), &config)?;
    let key = args.signing_key.clone();
    let key = key.unwrap_or_else(|| config.data_dir().join("keys/release.key"));
    if !key.exists() {
        return Err(
            Failure::usage(format!("there is no key `{}`", key.display()))
                .hint("name the one that signs with --signing-key, or the marketplace with --data"),
        );
    }
    let key = server::keys::existing(&key, &config)?;
    let database = open(&source)?;
    let (copy, digest) = match &args.since {
        Some(since) => step(&open(since)?, &database, &args.output)?,
        None => copied(&source, &args.output)?,
    };
    put(copy, &args.output)?;
    let signature = sign(&key, digest);
    let beside = beside(&args.output);
    let text = serde_json::to_vec_pretty(&signature).or_fail("the signature has no JSON form")?;
    fs::write(&beside, text).or_fail(format!("cannot write `{}`", beside.display()))?;
    if context.printer.is_json() {
        context.printer.json(&json!({
            "schema_version": 1,
            "file": args.output,
            "signature": beside,
            "digest": signature.digest,
            "key_id": signature.key_id,
            "version": database.meta().version,
        }))?;
    } else {
        context.printer.out(&format!(
            "Wrote {} and {}\n  digest {}\n  key    {}\n",
            args.output.display(),
            beside.display(),
            signature.digest,
            signature.key_id,
        ))?;
    }
    Ok(Exit::Success)
}

fn open(path: &Path) -> Result<Database, Failure> {
    Database::open(path).map_err(|error| advisory_file::failure(&error))
}

/// Writes the delta between two databases near a place; returns it and its digest.
fn step(old: &Database, new: &Database, near: &Path) -> Result<(NamedTempFile, String), Failure> {
    let folder = TempDir::new_in(folder(near)).or_fail("cannot make a temporary folder")?;
    let file = folder.path().join("delta");
    delta::write(old, new, &file).map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    copied(&file, near)
}

/// Returns whether a file is a compiled database, or a delta, rather than a feed.
pub(super) fn is_compiled(path: &Path) -> bool {
    database::is_database(path) || delta::is_delta(path)
}

/// Puts a compiled database in place whose signature holds, or the one that a delta leads to;
/// without a key only if that was asked for.
pub(super) fn adopt(file: &Path, output: &Path, key: Option<&Path>) -> Result<Meta, Failure> {
    let (copy, digest) = copied(file, output)?;
    if let Some(key) = key {
        let text = fs::read_to_string(key).or_fail(format!("cannot read `{}`", key.display()))?;
        let public = PublicKey::from_pem(&text)
            .map_err(|error| Failure::usage("this is no public key").because(&error))?;
        verify(file, &digest, &public)?;
    }
    if delta::is_delta(copy.path()) {
        let applied = delta::apply(&open(output)?, copy.path(), output);
        return applied.map_err(|error| {
            let failure = Failure::from_error(Exit::Failed, &error);
            failure.hint("the database that was there stays")
        });
    }
    // What cannot be opened must not replace what can.
    let opened = open(copy.path())?;
    put(copy, output)?;
    Ok(opened.meta().clone())
}

fn verify(file: &Path, digest: &str, key: &PublicKey) -> Result<(), Failure> {
    let refused = |why: String| {
        Failure::new(Exit::NotVerified, why).hint(
            "nothing was replaced; fetch the file and its .sig again from whoever exported them",
        )
    };
    let beside = beside(file);
    let text = fs::read(&beside).map_err(|error| {
        refused(format!("cannot read the signature `{}`", beside.display())).because(&error)
    })?;
    let signature: Signature = serde_json::from_slice(&text).map_err(|error| {
        refused(format!("`{}` is no signature", beside.display())).because(&error)
    })?;
    if signature.digest != digest {
        return Err(refused(format!(
            "`{}` is not the file that was signed: it has the digest {digest}, signed was {}",
            file.display(),
            signature.digest.chars().take(80).collect::<String>(),
        )));
    }
    let bytes = STANDARD.decode(&signature.signature).unwrap_or_default();
    if !key.verify_der(message(digest).as_bytes(), &bytes) {
        return Err(refused(format!(
            "the signature of `{}` does not hold: it is not by the key {}",
            file.display(),
            key.key_id(),
        )));
    }
    Ok(())
}

fn sign(key: &SigningKey, digest: String) -> Signature {
    Signature {
        schema_version: 1,
        key_id: key.public().key_id(),
        signature: STANDARD.encode(key.sign_der(message(&digest).as_bytes())),
        digest,
    }
}

/// What is signed; the first line keeps it from being taken for anything else.
fn message(digest: &str) -> String {
    format!("plimsoll advisory database\n{digest}\n")
}

fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sig");
    name.into()
}

/// Copies a file into the folder of another; returns the copy and its digest.
fn copied(from: &Path, near: &Path) -> Result<(NamedTempFile, String), Failure> {
    let folder = folder(near);
    fs::create_dir_all(folder).or_fail(format!("cannot make the folder `{}`", folder.display()))?;
    let name = from.display();
    let mut source = File::open(from).or_fail(format!("cannot read `{name}`"))?;
    let mut copy = NamedTempFile::new_in(folder).or_fail("cannot make a temporary file")?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = source
            .read(&mut buffer)
            .or_fail(format!("cannot read `{name}`"))?;
        if read == 0 {
            break;
        }
        digest.update(&buffer[..read]);
        copy.write_all(&buffer[..read])
            .map_err(|error| full(&error, near))?;
    }
    Ok((copy, format!("sha256:{}", hex::encode(digest.finalize()))))
}

fn put(copy: NamedTempFile, output: &Path) -> Result<(), Failure> {
    let written = copy.as_file().sync_all();
    let written = written.and_then(|()| copy.persist(output).map_err(|error| error.error));
    let written = written.and_then(|_| File::open(folder(output))?.sync_all());
    written.map_err(|error| full(&error, output))
}

fn full(error: &io::Error, output: &Path) -> Failure {
    Failure::failed(format!(
        "cannot write `{}`; what was there stays",
        output.display()
    ))
    .because(error)
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}
