//! Real images for the demo: what `--image` names, else from a public registry, else made by debootstrap.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use oci::{
    Client, ClientOptions, Credentials, ImageRef, ImageSource, Layout, ManifestKind, Reference,
};
use testkit::{Content, File, Health, ImageSpec, write_image};

use crate::run::{cache, quietly, say};

/// A Debian release by its two names.
struct Release {
    codename: &'static str,
    number: &'static str,
}

const OLD: Release = Release {
    codename: "bullseye",
    number: "11",
};
const NEW: Release = Release {
    codename: "bookworm",
    number: "12",
};

/// What a public registry has of them.
const PUBLIC_OLD: &str = "docker.io/library/debian:bullseye-20220801-slim";
const PUBLIC_NEW: &str = "docker.io/library/debian:bookworm-slim";

/// The two images of the story: as first submitted, and as mended.
pub(crate) struct Pair {
    pub(crate) first: Box<dyn ImageSource>,
    pub(crate) mended: Box<dyn ImageSource>,
    pub(crate) description: String,
}

/// Returns the images; `image` is whatever the user named.
pub(crate) fn obtain(image: Option<&str>) -> Result<Pair> {
    if let Some(reference) = image {
        return of_reference(reference);
    }
    match of_public_registry() {
        Ok(pair) => Ok(pair),
        Err(error) => {
            say(&format!(
                "  no public registry answers ({error:#}), so debootstrap makes the images"
            ));
            of_debian()
        }
    }
}

/// The named image, both times: what is mended then is the product's manifest.
fn of_reference(reference: &str) -> Result<Pair> {
    let parsed: ImageRef = reference.parse()?;
    let (first, mended) = (open(&parsed)?, open(&parsed)?);
    Ok(Pair {
        first,
        mended,
        description: reference.to_owned(),
    })
}

/// An old Debian and a newer one, as anybody gets them.
fn of_public_registry() -> Result<Pair> {
    let pull = |name: &str| open(&name.parse()?);
    Ok(Pair {
        first: pull(PUBLIC_OLD)?,
        mended: pull(PUBLIC_NEW)?,
        description: format!("{PUBLIC_OLD} and, mended, {PUBLIC_NEW}, from a public registry"),
    })
}

fn open(image: &ImageRef) -> Result<Box<dyn ImageSource>> {
    let ImageRef::Registry(reference) = image else {
        return Ok(oci::open_image(image)?);
    };
    let dir = cache()?
        .join("pulled")
        .join(oci::Digest::of(reference.to_string().as_bytes()).hex());
    if let Ok(layout) = Layout::open(&dir)
        && let Ok(image) = layout.select(None)
    {
        return Ok(Box::new(image));
    }
    let host = reference.host.as_deref().unwrap_or("docker.io");
    let options = ClientOptions {
        connect_timeout: Duration::from_secs(5),
        ..ClientOptions::default()
    };
    let client = Client::new(host, Credentials::Anonymous, &options)?;
    let wanted = for_this_platform(&client, reference)?;
    say(&format!("  pulling {wanted}"));
    let layout = Layout::create(&dir)?;
    client.pull_to_layout(&wanted, &layout, &mut |_| {})?;
    Ok(Box::new(layout.select(None)?))
}

/// Of an index, the image for Linux on x86-64: one platform shows everything.
fn for_this_platform(client: &Client, reference: &Reference) -> Result<Reference> {
    let manifest = client.manifest(reference)?;
    let ManifestKind::Index(index) = &manifest.kind else {
        return Ok(reference.clone());
    };
    let fits = |child: &&oci::Descriptor| {
        child
            .platform
            .as_ref()
            .is_some_and(|platform| platform.to_string() == "linux/amd64")
    };
    let child = index
        .manifests
        .iter()
        .find(fits)
        .with_context(|| format!("{reference} has no image for linux/amd64"))?;
    Ok(Reference {
        tag: None,
        digest: Some(child.digest.clone()),
        ..reference.clone()
    })
}

pub(crate) fn of_debian() -> Result<Pair> {
    let dir = cache()?.join("images");
    let layout_dir = dir.join("harbour");
    let layout = Layout::create(&layout_dir)?;
    let tags = layout.tags()?;
    if !tags.iter().any(|tag| tag == "1.0") {
        let rootfs = debootstrap(&dir, &OLD)?;
        say("  writing the image as it is first submitted");
        write_image(&layout, "1.0", &first_spec(&rootfs))?;
    }
    if !tags.iter().any(|tag| tag == "1.1") {
        let rootfs = debootstrap(&dir, &NEW)?;
        say("  writing the image as it is mended");
        write_image(&layout, "1.1", &mended_spec(&rootfs))?;
    }
    Ok(Pair {
        first: Box::new(layout.select(Some("1.0"))?),
        mended: Box::new(layout.select(Some("1.1"))?),
        description: format!(
            "Debian {} and, mended, Debian {}, made by debootstrap",
            OLD.number, NEW.number
        ),
    })
}

/// Makes a root file system; debootstrap must be root for it.
fn debootstrap(dir: &Path, release: &Release) -> Result<PathBuf> {
    let target = dir.join(release.codename);
    if target.join("var/lib/dpkg/status").exists() {
        return Ok(target);
    }
    crate::tools::debian(crate::tools::DEMO)?;
    say(&format!(
        "  debootstrap makes a Debian {} root file system, once (about half a minute)",
        release.number
    ));
    let unfinished = dir.join(format!("{}.unfinished", release.codename));
    if unfinished.exists() {
        quietly(as_root("rm").arg("-rf").arg(&unfinished))?;
    }
    quietly(
        as_root("debootstrap")
            .args(["--variant=minbase", release.codename])
            .arg(&unfinished),
    )
    .context("debootstrap could not make the image: give one with --image instead")?;
    quietly(as_root("mv").arg(&unfinished).arg(&target))?;
    Ok(target)
}

fn as_root(program: &str) -> Command {
    let is_root = quietly(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    if is_root {
        return Command::new(program);
    }
    let mut command = Command::new("sudo");
    command.arg(program);
    command
}

const SERVER: &str = "#!/bin/sh\n# Harbour keeps a log of what comes and goes.\nwhile :; do date -u >> /var/log/harbour.log; sleep 60; done\n";

/// As somebody in a hurry makes it.
fn first_spec(rootfs: &Path) -> ImageSpec {
    let program = vec![File::program("usr/local/bin/harbour", SERVER)];
    ImageSpec {
        layers: vec![
            (
                format!(
                    "ADD debian-{}.tar / # debootstrap {}",
                    OLD.number, OLD.codename
                ),
                Content::Rootfs(rootfs.to_owned()),
            ),
            (
                "COPY harbour /usr/local/bin/harbour".to_owned(),
                Content::Files(program),
            ),
        ],
        health: Health::default(),
        labels: BTreeMap::new(),
        command: vec!["/usr/local/bin/harbour".to_owned()],
        created: "2026-11-20T08:00:00Z".to_owned(),
        architecture: "amd64".to_owned(),
    }
}

/// As the reviewer asked for it.
fn mended_spec(rootfs: &Path) -> ImageSpec {
    let program = vec![File::program("usr/local/bin/harbour", SERVER)];
    let caches =
        ["var/lib/apt/.wh.lists", "var/cache/apt/.wh.archives"].map(|path| File::text(path, ""));
    let licence = vec![File::text(
        "licenses/LICENSE",
        "Harbour is free software under the Apache License, version 2.0.\n",
    )];
    let label =
        |name: &str, value: &str| (format!("org.opencontainers.image.{name}"), value.to_owned());
    ImageSpec {
        layers: vec![
            (
                format!(
                    "ADD debian-{}.tar / # debootstrap {}",
                    NEW.number, NEW.codename
                ),
                Content::Rootfs(rootfs.to_owned()),
            ),
            (
                "RUN rm -rf /var/lib/apt/lists /var/cache/apt/archives".to_owned(),
                Content::Files(caches.to_vec()),
            ),
            (
                "COPY LICENSE /licenses/LICENSE".to_owned(),
                Content::Files(licence),
            ),
            (
                "COPY harbour /usr/local/bin/harbour".to_owned(),
                Content::Files(program),
            ),
        ],
        health: Health {
            command: Some("test -s /var/log/harbour.log".to_owned()),
            user: "10001:10001".to_owned(),
        },
        labels: BTreeMap::from([
            label("title", "Harbour"),
            label("description", "Keeps a log of what comes and goes"),
            label("vendor", "Acme Shipping"),
            label("version", "1.1"),
            label("licenses", "Apache-2.0"),
            label("source", "https://example.com/harbour"),
            label("base.name", "debian:12"),
        ]),
        command: vec!["/usr/local/bin/harbour".to_owned()],
        created: "2026-11-20T09:00:00Z".to_owned(),
        architecture: "amd64".to_owned(),
    }
}
