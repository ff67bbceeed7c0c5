//! Bills of materials. [`cyclonedx`] for tools that match vulnerabilities,
//! [`spdx`] for those that care for licences; both name the same components in
//! the same order, and time and serial number are given by the caller.

mod cyclonedx;
mod spdx;

pub use cyclonedx::cyclonedx;
pub use spdx::spdx;

use std::collections::HashMap;

use oci::Digest;

use crate::{BaseImage, Inventory, Problem, Removed};

/// What a bill of materials is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The image's name, such as `registry.example/team/app`.
    pub name: String,
    /// The manifest's digest.
    pub digest: Digest,
    /// `os/architecture[/variant]`.
    pub platform: String,
    /// What it is built on, if that is known.
    pub base: Option<BaseImage>,
}

impl Subject {
    /// Returns a UUID for a document about it that is written at a time, in seconds since 1970:
    /// the same for the same image, second and inventory, so that documents can be compared; but
    /// another where a later parser found something else in the image (RFC 9562, version 8:
    /// custom).
    pub fn serial(&self, inventory: &Inventory, seconds: i64) -> String {
        // It is kept as JSON everywhere, so that it always can be.
        let found = Digest::of(&serde_json::to_vec(inventory).unwrap_or_default());
        let mut seed = format!("{}\n{}\n{seconds}\n{found}", self.name, self.digest);
        if let Some(base) = &self.base {
            let digest = base.digest.as_deref().unwrap_or_default();
            seed += &format!("\n{}\n{digest}\n{:?}", base.name, base.layers);
        }
        let digest = Digest::of(seed.as_bytes());
        let hex = digest.hex();
        format!(
            "{}-{}-8{}-8{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[13..16],
            &hex[17..20],
            &hex[20..32]
        )
    }

    /// Returns the package URL of every image of the repository, as statements about a product
    /// name it (purl-spec, type `oci`).
    pub fn repository_purl(&self) -> String {
        let name = self.name.to_lowercase();
        let (folder, last) = name.split_at(name.rfind('/').map_or(0, |slash| slash + 1));
        let last = last.split(['@', ':']).next().unwrap_or(last);
        let mut purl = String::from("pkg:oci/");
        crate::purl::encode(&mut purl, last);
        purl.push_str(&format!("?repository_url={folder}{last}"));
        purl
    }

    /// Returns the package URL of the image (purl-spec, type `oci`).
    pub fn purl(&self) -> String {
        let name = self.name.rsplit('/').next().unwrap_or(&self.name);
        let name = name.split(['@', ':']).next().unwrap_or(name).to_lowercase();
        let (_, arch) = self.platform.split_once('/').unwrap_or(("", ""));
        let mut purl = String::from("pkg:oci/");
        crate::purl::encode(&mut purl, &name);
        purl.push('@');
        // The colon of a digest is the version's own, and is encoded by all writers of this type.
        purl.push_str(&self.digest.as_str().replace(':', "%3A"));
        if !arch.is_empty() {
            purl.push_str("?arch=");
            crate::purl::encode(&mut purl, arch);
        }
        purl
    }
}

/// Returns what each distribution package brought that is not counted again, by its package URL.
fn brings(inventory: &Inventory) -> HashMap<&str, Vec<&str>> {
    let mut brings = HashMap::<_, Vec<_>>::new();
    for part in &inventory.covered {
        let owner = part.covered_by.as_deref().unwrap_or_default();
        brings.entry(owner).or_default().push(part.purl.as_str());
    }
    brings
}

/// Says what was not understood, and where.
fn problem(problem: &Problem) -> String {
    match (problem.path.as_str(), problem.line) {
        ("", _) => problem.text.clone(),
        (path, 0) => format!("{path}: {}", problem.text),
        (path, line) => format!("{path}:{line}: {}", problem.text),
    }
}

/// Says what a layer took away.
fn gone(removed: &Removed) -> String {
    let now = removed.replaced_by.as_ref();
    let now = now.map_or_else(String::new, |version| format!(", now {version}"));
    format!(
        "{} of layer {}, taken away by layer {}{now}",
        removed.purl, removed.layer, removed.by
    )
}

/// Tells equal references apart by a number at the end.
fn unique(references: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashMap::<String, usize>::new();
    let number = |reference: String| {
        let count = seen.entry(reference.clone()).or_default();
        *count += 1;
        match *count {
            1 => reference,
            count => format!("{reference}#{count}"),
        }
    };
    references.map(number).collect()
}
