//! From what the user named to what is inside: the same steps as the server's inspection.

mod cache;
mod platform;
mod registry;
mod remote;

use app::scan::ImageContent;
use clap::Args;
use inventory::{DiffId, LayerReport, Limits, Scan};
use oci::{Digest, ImageRef, ImageSource, PlatformImage};

use self::{cache::Cache, remote::Remote};
pub(crate) use self::{
    platform::{find_platform, select_platform},
    registry::{RegistryArgs, host},
};
use crate::{
    config::environment::Environment, exit::Exit, failure::Failure, printer::Printer, progress::Bar,
};

/// Which image, and how to reach it.
#[derive(Debug, Clone, Args)]
pub(crate) struct ImageArgs {
    /// The image: `host/name:tag`, `oci:DIR[:TAG]` and more; see `plimsoll help images`
    #[arg(value_name = "IMAGE", required = true)]
    pub(crate) named: Option<ImageRef>,
    /// Which image of several, such as linux/arm64; `all` for every one
    ///
    /// Without it, the platform of this machine where the image has it, else the first.
    #[arg(long, value_name = "OS/ARCH")]
    pub(crate) platform: Option<String>,
    /// Read everything again, and keep nothing in the cache folder
    #[arg(long)]
    pub(crate) no_cache: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

impl ImageArgs {
    /// Returns the image that was named.
    ///
    /// # Panics
    /// Panics where a command takes a subcommand instead, and was given it.
    pub(crate) fn image(&self) -> &ImageRef {
        self.named.as_ref().expect("it is required")
    }
}

/// What `plimsoll help images` says.
pub(crate) const FORMS: &str = "\
An IMAGE is written in one of these forms:

  host/name:tag              in a registry; without a tag, `latest`; without a host, Docker Hub
  host/name@sha256:…         in a registry, by digest
  docker://host/name:tag     the same, as skopeo writes it
  oci:DIR[:TAG]              an OCI layout in a folder
  oci-archive:FILE[:TAG]     an OCI layout in a tar file (docker buildx build -o type=oci)
  docker-archive:FILE[:NAME] a tar file of `docker save`
  dir:ROOTFS                 an unpacked root file system

Registries are asked with the credentials of `docker login` or `podman login`
($REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json, ~/.docker/config.json), or --user.
Registries on this machine (localhost, 127.0.0.1) are spoken to without TLS.
";

/// An image, taken apart.
pub(crate) struct Loaded {
    /// As the user wrote it.
    pub(crate) name: String,
    /// The tag it goes by.
    pub(crate) tag: Option<String>,
    /// Of the outermost manifest; a root file system has none.
    pub(crate) digest: Option<Digest>,
    /// Each platform's manifest digest and content.
    pub(crate) platforms: Vec<(Option<Digest>, ImageContent)>,
}

/// An image whose content can be read, wherever it comes from; of one in a registry only what
/// is read is fetched.
struct Opened {
    source: Box<dyn ImageSource>,
    /// Of the outermost manifest, also where only a part of it is wanted.
    digest: Digest,
}

/// Fetches and takes apart what `args` name; results of earlier runs are used. With
/// [`DiffId::Skip`] the digests of the layers as unpacked are taken for granted, as the
/// layers' own are checked anyway.
///
/// # Errors
/// [`Failure`] where it cannot be had or understood.
pub(crate) fn load(
    args: &ImageArgs,
    environment: &Environment,
    diff_id: DiffId,
    printer: &Printer,
) -> Result<Loaded, Failure> {
    let (name, tag) = (args.image().to_string(), tag_of(args.image()));
    if let ImageRef::Rootfs(root) = args.image() {
        must_exist(args.image())?;
        let inventory = inventory::scan_rootfs(root, &Limits::default())
            .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
        return Ok(Loaded {
            name,
            tag,
            digest: None,
            platforms: vec![(None, ImageContent::of_rootfs(inventory))],
        });
    }
    let opened = open(args, environment)?;
    let images = oci::platform_images(opened.source.as_ref())?;
    let images = platform::choose(images, args.platform.as_deref(), printer)?;
    let cache = Cache::new(environment, !args.no_cache);
    let platforms = images
        .iter()
        .map(|image| take_apart(opened.source.as_ref(), image, diff_id, &cache, printer));
    Ok(Loaded {
        name,
        tag,
        digest: Some(opened.digest.clone()),
        platforms: platforms.collect::<Result<_, _>>()?,
    })
}

/// The platform of an image, and what its layers consist of, lowest first.
pub(crate) type Layers = (String, Vec<(Digest, LayerReport)>);

/// Fetches what `args` name and reads its layers, as [`load`] does; returns each platform's.
///
/// # Errors
/// [`Failure`] where it cannot be had or understood.
pub(crate) fn load_layers(
    args: &ImageArgs,
    environment: &Environment,
    printer: &Printer,
) -> Result<Vec<Layers>, Failure> {
    if let ImageRef::Rootfs(root) = args.image() {
        must_exist(args.image())?;
        let layer = inventory::scan_rootfs_layer(root, &Limits::default())
            .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
        // Nothing names it but the name of its listing.
        let digest = layer.diff_id.clone().unwrap_or_else(|| Digest::of(b""));
        return Ok(vec![("linux".to_owned(), vec![(digest, layer)])]);
    }
    let opened = open(args, environment)?;
    let images = oci::platform_images(opened.source.as_ref())?;
    let images = platform::choose(images, args.platform.as_deref(), printer)?;
    let cache = Cache::new(environment, !args.no_cache);
    let layers = images.iter().map(|image| {
        let reports = reports(opened.source.as_ref(), image, DiffId::Skip, &cache, printer)?;
        Ok((image.platform(), reports))
    });
    layers.collect()
}

fn take_apart(
    source: &dyn ImageSource,
    image: &PlatformImage,
    diff_id: DiffId,
    cache: &Cache,
    printer: &Printer,
) -> Result<(Option<Digest>, ImageContent), Failure> {
    let digest = image.descriptor.digest.clone();
    if let Some(inventory) = cache.image(&digest, diff_id) {
        return Ok((Some(digest), ImageContent::new(image, inventory, &[])));
    }
    let reports = reports(source, image, diff_id, cache, printer)?;
    let inventory = inventory::merge(&reports);
    cache.keep_image(&digest, diff_id, &inventory);
    Ok((Some(digest), ImageContent::new(image, inventory, &[])))
}

/// Returns the report of every layer, lowest first.
fn reports(
    source: &dyn ImageSource,
    image: &PlatformImage,
    diff_id: DiffId,
    cache: &Cache,
    printer: &Printer,
) -> Result<Vec<(Digest, LayerReport)>, Failure> {
    let bar = Bar::new(printer, "Reading");
    let scan = Scan {
        diff_id,
        known: &|digest| cache.layer(digest),
        keep: &|digest, report| cache.keep_layer(digest, report),
        progress: &|at| bar.set(at.bytes, at.bytes_total, ""),
        ..Scan::default()
    };
    inventory::scan_layers(source, image, &scan)
        .map_err(|error| Failure::from_error(Exit::Failed, &error))
}

fn open(args: &ImageArgs, environment: &Environment) -> Result<Opened, Failure> {
    let ImageRef::Registry(reference) = args.image() else {
        must_exist(args.image())?;
        let source = oci::open_image(args.image())?;
        return Ok(Opened {
            digest: source.root().digest.clone(),
            source,
        });
    };
    let client = args.registry.client(reference, environment)?;
    let manifest = client.manifest(reference)?;
    let root = platform::narrow(&manifest, args.platform.as_deref())?;
    Ok(Opened {
        digest: manifest.digest.clone(),
        source: Box::new(Remote::new(client, reference.repo.clone(), root, manifest)),
    })
}

/// A path that is not there deserves plainer words than a layout without its files.
fn must_exist(image: &ImageRef) -> Result<(), Failure> {
    match image {
        ImageRef::OciLayout(path, _)
        | ImageRef::OciArchive(path, _)
        | ImageRef::DockerArchive(path, _)
        | ImageRef::Rootfs(path)
            if !path.exists() =>
        {
            Err(Failure::failed(format!("there is no `{}`", path.display()))
                .hint("relative paths count from the current folder"))
        }
        _ => Ok(()),
    }
}

/// Returns the tag an image goes by, for the checks that look at it.
fn tag_of(image: &ImageRef) -> Option<String> {
    match image {
        ImageRef::Registry(reference) => match (&reference.tag, &reference.digest) {
            (Some(tag), _) => Some(tag.to_string()),
            (None, Some(_)) => None,
            (None, None) => Some("latest".to_owned()),
        },
        ImageRef::OciLayout(_, tag) | ImageRef::OciArchive(_, tag) => tag.clone(),
        ImageRef::DockerArchive(_, name) => {
            let (_, tag) = name.as_deref()?.rsplit_once(':')?;
            Some(tag.to_owned())
        }
        ImageRef::Rootfs(_) => None,
    }
}
