//! `plimsoll verify`: whether a key signed this image under this name (cosign's form).

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use clap::Args;
use oci::{Client, Descriptor, Digest, ImageRef, ImageSource, Layout, RawManifest, Reference, Tag};
use serde_json::json;
use trust::{
    PublicKey,
    cosign::{self, Verified, VerifyError},
};

use super::Context;
use crate::{
    config::environment::Environment,
    exit::Exit,
    failure::{Failure, OrFail},
    image::{RegistryArgs, host},
    printer::plain,
};

/// Check that an image is signed by a key
///
/// Looks for the image's cosign signature (the tag `sha256-….sig` beside it, in the registry
/// or the OCI layout) and checks that the key signed this very digest under this very name.
/// Nothing is pulled but the signature.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  plimsoll verify --key release.pub market.example/acme/db:1.4
  docker pull $(plimsoll verify --digest --key release.pub market.example/acme/db:1.4)
  plimsoll verify --trust-host market.example/acme/db:1.4

A tag may move after it was verified: pull what --digest prints.
Ends with 0 when a signature holds, with 4 when none does.")]
pub(crate) struct VerifyArgs {
    /// The image: `host/name:tag`, `host/name@sha256:…` or `oci:DIR[:TAG]`
    #[arg(value_name = "IMAGE")]
    image: ImageRef,
    /// File with the public key (PEM) that must have signed
    #[arg(long, value_name = "FILE", required_unless_present = "trust_host")]
    key: Option<PathBuf>,
    /// Trust the key that the image's own host publishes
    ///
    /// Fetches /.well-known/plimsoll/release.pub from the host. That proves only that the
    /// image is what this host signs today, not that the host is honest: keep the key and
    /// give it with --key to notice when it changes.
    #[arg(long, conflicts_with = "key")]
    trust_host: bool,
    /// The name the signer must have given the image, where it is not the one in IMAGE
    #[arg(long, value_name = "HOST/NAME")]
    identity: Option<String>,
    /// Print only the verified reference by digest
    #[arg(long)]
    digest: bool,
    #[command(flatten)]
    registry: RegistryArgs,
}

/// Where an image and its signature lie.
enum Place {
    Registry(Box<Client>, Reference),
    Layout(Layout),
}

pub(super) fn run(args: &VerifyArgs, context: &Context<'_>) -> Result<Exit, Failure> {
    let config = context.config(Vec::new())?;
    let (place, digest) = find(args, &config.environment)?;
    let key = key(args)?;
    let verified = verify(args, &place, &digest, &key);
    let reference = by_digest(args, &digest);
    let printer = context.printer;
    if printer.is_json() {
        let (ok, error) = (verified.as_ref().ok(), verified.as_ref().err());
        printer.json(&json!({
            "schema_version": 1,
            "image": args.image.to_string(),
            "digest": digest,
            "reference": reference,
            "verified": ok.is_some(),
            "key_id": ok.map(|verified| &verified.key_id),
            "signed_as": ok.map(|verified| &verified.docker_reference),
            "reason": error.map(|failure| &failure.message),
        }))?;
        return match verified {
            Err(failure) if failure.exit != Exit::NotVerified => Err(failure),
            Err(_) => Ok(Exit::NotVerified),
            Ok(_) => Ok(Exit::Success),
        };
    }
    let verified = verified?;
    if args.digest {
        printer.out(&format!("{reference}\n"))?;
    } else {
        printer.out(&format!(
            "Verified {reference}\n  signed as {}\n  by key    {}\n",
            plain(&verified.docker_reference),
            verified.key_id,
        ))?;
    }
    Ok(Exit::Success)
}

fn find(args: &VerifyArgs, environment: &Environment) -> Result<(Place, Digest), Failure> {
    match &args.image {
        ImageRef::Registry(reference) => {
            let client = args.registry.client(reference, environment)?;
            let digest = match (&reference.digest, client.head_manifest(reference)?) {
                (Some(digest), _) => digest.clone(),
                (None, Some(found)) => found.digest,
                (None, None) => {
                    return Err(Failure::failed(format!("there is no image {reference}"))
                        .hint("check the name and tag; a private repository may look absent"));
                }
            };
            Ok((Place::Registry(Box::new(client), reference.clone()), digest))
        }
        ImageRef::OciLayout(dir, tag) => {
            let layout = Layout::open(dir)?;
            let tag = match tag {
                Some(tag) => Some(tag.clone()),
                None => only_image(&layout)?,
            };
            let digest = layout.select(tag.as_deref())?.root().digest.clone();
            Ok((Place::Layout(layout), digest))
        }
        _ => Err(Failure::usage(
            "only images in a registry or an OCI layout have signatures beside them",
        )
        .hint("write host/name:tag or oci:DIR[:TAG]")),
    }
}

/// Returns the one tag of a layout that is no signature's; nothing where there is not exactly one.
fn only_image(layout: &Layout) -> Result<Option<String>, Failure> {
    let tags = layout.tags()?;
    let signature = |tag: &String| tag.starts_with("sha256-") && tag.ends_with(".sig");
    let mut images = tags.into_iter().filter(|tag| !signature(tag));
    let first = images.next();
    Ok(if images.next().is_some() { None } else { first })
}

fn key(args: &VerifyArgs) -> Result<PublicKey, Failure> {
    match (&args.key, &args.image) {
        (Some(file), _) => read_key(file),
        (None, ImageRef::Registry(reference)) => fetch_key(args, host(reference)),
        (None, _) => Err(
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
    let scheme = args.registry.scheme(host);
    let url = format!("{scheme}://{host}/.well-known/plimsoll/release.pub");
    let what = format!("cannot fetch the key {url}");
    let mut response = ureq::get(&url).call().or_fail(&what)?;
    let limit = trust::key::MAX_KEY_FILE_BYTES as u64;
    let body = response.body_mut().with_config().limit(limit);
    let text = body.read_to_string().or_fail(&what)?;
    PublicKey::from_pem(&text).map_err(|error| {
        Failure::failed(format!("what {url} gives is no public key")).because(&error)
    })
}

fn verify(
    args: &VerifyArgs,
    place: &Place,
    digest: &Digest,
    key: &PublicKey,
) -> Result<Verified, Failure> {
    let tag = cosign::signature_tag(digest).ok_or_else(|| {
        Failure::usage("images under other than SHA-256 digests cannot be signed in cosign's form")
    })?;
    let Some(manifest) = place.signature(&tag)? else {
        return Err(refused(&VerifyError::Unsigned));
    };
    let own = match &args.image {
        ImageRef::Registry(reference) => Some(format!("{}/{}", host(reference), reference.repo)),
        _ => None,
    };
    let identity = args.identity.clone().or(own);
    let payload_of = |wanted: &Digest| {
        let layers = &manifest.image()?.layers;
        let layer = layers.iter().find(|layer| layer.digest == *wanted)?;
        place.blob(layer)
    };
    let keys = std::slice::from_ref(key);
    cosign::verify(&manifest, &payload_of, digest, keys, identity.as_deref())
        .map_err(|error| refused(&error))
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

impl Place {
    fn signature(&self, tag: &Tag) -> Result<Option<RawManifest>, Failure> {
        match self {
            Self::Registry(client, reference) => {
                let beside = Reference {
                    tag: Some(tag.clone()),
                    digest: None,
                    ..reference.clone()
                };
                match client.manifest(&beside) {
                    Ok(manifest) => Ok(Some(manifest)),
                    Err(error) if error.status() == Some(404) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            }
            Self::Layout(layout) => {
                if !layout.tags()?.iter().any(|known| known == tag.as_str()) {
                    return Ok(None);
                }
                let image = layout.select(Some(tag.as_str()))?;
                Ok(Some(image.manifest(image.root())?))
            }
        }
    }

    /// What cannot be had counts as missing; the verification says so.
    fn blob(&self, layer: &Descriptor) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        match self {
            Self::Registry(client, reference) => {
                let mut reader = client.blob(&reference.repo, layer).ok()?;
                reader.read_to_end(&mut bytes).ok()?;
            }
            Self::Layout(layout) => {
                let file = std::fs::File::open(layout.blob_path(&layer.digest)).ok()?;
                let limit = cosign::MAX_PAYLOAD_BYTES + 1;
                file.take(limit).read_to_end(&mut bytes).ok()?;
            }
        }
        Some(bytes)
    }
}

/// Returns the reference that cannot move.
fn by_digest(args: &VerifyArgs, digest: &Digest) -> String {
    match &args.image {
        ImageRef::Registry(reference) => format!("{}/{}@{digest}", host(reference), reference.repo),
        _ => digest.to_string(),
    }
}
