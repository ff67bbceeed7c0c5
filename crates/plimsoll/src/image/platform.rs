//! Which platform of an image that has several.

use oci::{Descriptor, Digest, Index, ManifestKind, PlatformImage, RawManifest};

use crate::{failure::Failure, printer::Printer};

/// The word for every platform.
const ALL: &str = "all";

/// Returns the images that are wanted; says by the way where others were left out.
pub(super) fn choose(
    images: Vec<PlatformImage>,
    wanted: Option<&str>,
    printer: &Printer,
) -> Result<Vec<PlatformImage>, Failure> {
    if wanted == Some(ALL) || (wanted.is_none() && images.len() == 1) {
        return Ok(images);
    }
    let platforms: Vec<_> = images.iter().map(PlatformImage::platform).collect();
    let place = find(&platforms, wanted)?;
    if wanted.is_none() {
        printer.note(&format!(
            "the image has {} platforms ({}); this is {}, use --platform for another or `all`",
            platforms.len(),
            platforms.join(", "),
            platforms[place],
        ));
    }
    Ok(images.into_iter().skip(place).take(1).collect())
}

/// Returns what is wanted of a manifest: all of it, or one image of an index.
pub(super) fn narrow(root: &RawManifest, wanted: Option<&str>) -> Result<Descriptor, Failure> {
    let ManifestKind::Index(index) = &root.kind else {
        return Ok(root.descriptor());
    };
    let named: Vec<_> = index.manifests.iter().filter_map(name).collect();
    if wanted == Some(ALL) || named.is_empty() {
        return Ok(root.descriptor());
    }
    let digest = select(&named, wanted)?;
    let part = index.manifests.iter().find(|part| part.digest == digest);
    Ok(part.map_or_else(|| root.descriptor(), Clone::clone))
}

/// Returns the digest of the manifest that an index has for a platform.
pub(crate) fn find_platform(index: &Index, wanted: &str) -> Result<Digest, Failure> {
    let named: Vec<_> = index.manifests.iter().filter_map(name).collect();
    select(&named, Some(wanted))
}

/// Returns the digest of the platform that is wanted.
pub(crate) fn select_platform(named: &[(String, Digest)], wanted: &str) -> Result<Digest, Failure> {
    select(named, Some(wanted))
}

fn select(named: &[(String, Digest)], wanted: Option<&str>) -> Result<Digest, Failure> {
    let platforms: Vec<_> = named.iter().map(|(platform, _)| platform.clone()).collect();
    Ok(named[find(&platforms, wanted)?].1.clone())
}

fn name(child: &Descriptor) -> Option<(String, Digest)> {
    let platform = child.platform.as_ref()?;
    if platform.os == "unknown" {
        return None;
    }
    let mut name = format!("{}/{}", platform.os, platform.architecture);
    if let Some(variant) = &platform.variant {
        name = format!("{name}/{variant}");
    }
    Some((name, child.digest.clone()))
}

fn find(platforms: &[String], wanted: Option<&str>) -> Result<usize, Failure> {
    let fits = |platform: &String, wanted: &str| {
        platform == wanted
            || platform
                .strip_prefix(wanted)
                .is_some_and(|rest| rest.starts_with('/'))
            || platform.strip_prefix("linux/") == Some(wanted)
    };
    match wanted {
        None => {
            let here = format!("linux/{}", architecture());
            let found = platforms.iter().position(|platform| fits(platform, &here));
            Ok(found.unwrap_or(0))
        }
        Some(wanted) => platforms
            .iter()
            .position(|platform| fits(platform, wanted))
            .ok_or_else(|| {
                Failure::usage(format!("the image has no platform `{wanted}`"))
                    .hint(format!("it has {}", platforms.join(", ")))
            }),
    }
}

/// Returns this machine's architecture in the words of images (Go's).
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_are_found_by_any_of_their_names() {
        let has = ["linux/arm/v7", "linux/arm64/v8", "linux/s390x"].map(str::to_owned);
        let place = |wanted| find(&has, Some(wanted)).ok();
        assert_eq!(place("linux/arm"), Some(0));
        assert_eq!(place("linux/arm64"), Some(1));
        assert_eq!(place("s390x"), Some(2));
        assert_eq!(place("windows/amd64"), None);
    }
}
