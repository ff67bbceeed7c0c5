//! What a registry must have after what was done to it, and what it may have.

use std::collections::BTreeMap;

use oci::{Digest, media_type};

use crate::http::{Gone, Registry};

/// Chance that can be had again: the same seed gives the same numbers.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next()).unwrap_or(0) % end.max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

/// Content made of a number: mostly small, some of several megabytes.
pub(crate) fn content(number: u64) -> Vec<u8> {
    let mut chance = Chance::new(number);
    let len = match chance.below(12) {
        0 => 3_000_000 + chance.below(17_000_000),
        1..=3 => 200_000 + chance.below(400_000),
        _ => chance.below(40_000),
    };
    let words = std::iter::from_fn(|| Some(chance.next().to_le_bytes()));
    let mut bytes: Vec<u8> = words.take(len / 8 + 1).flatten().collect();
    bytes.truncate(len);
    bytes
}

/// Whether something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum There {
    Yes,
    No,
    /// The server was killed before it answered.
    Unsure,
}

impl There {
    /// What is not `lasting` may have gone meanwhile.
    fn unless_collected(self, lasting: bool) -> Self {
        match self {
            Self::Yes if !lasting => Self::Unsure,
            other => other,
        }
    }
}

/// A repository as it was told to be.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) name: String,
    /// Numbers of contents by digest.
    pub(crate) blobs: BTreeMap<Digest, (u64, There)>,
    pub(crate) manifests: BTreeMap<Digest, (Vec<u8>, There)>,
    /// What a tag may point to; `None` is nowhere. Certain where there is only one.
    pub(crate) tags: BTreeMap<String, Vec<Option<Digest>>>,
    /// An upload that goes on over restarts.
    pub(crate) upload: Option<Upload>,
    /// Whether collections take away what no tag reaches.
    pub(crate) collected: bool,
}

/// An upload that was begun.
pub(crate) struct Upload {
    pub(crate) location: String,
    pub(crate) number: u64,
    /// Bytes whose receipt was acknowledged.
    pub(crate) acknowledged: usize,
    /// Whether its end may have been reached.
    pub(crate) ending: bool,
}

impl Model {
    pub(crate) fn new(name: &str, collected: bool) -> Self {
        Self {
            name: name.to_owned(),
            collected,
            ..Self::default()
        }
    }

    /// Returns the blobs that are there for sure, and are none of a manifest.
    pub(crate) fn free_blobs(&self) -> Vec<Digest> {
        let used = |digest: &Digest| {
            let of = |(bytes, there): &(Vec<u8>, There)| {
                *there != There::No && String::from_utf8_lossy(bytes).contains(digest.as_str())
            };
            self.manifests.values().any(of)
        };
        let there = self
            .blobs
            .iter()
            .filter(|(_, (_, there))| *there == There::Yes);
        there
            .map(|(digest, _)| digest.clone())
            .filter(|digest| !used(digest))
            .collect()
    }

    pub(crate) fn sure_blobs(&self) -> Vec<Digest> {
        let there = self
            .blobs
            .iter()
            .filter(|(_, (_, there))| *there == There::Yes);
        there.map(|(digest, _)| digest.clone()).collect()
    }

    pub(crate) fn sure_manifests(&self) -> Vec<Digest> {
        let there = self.manifests.iter();
        let there = there.filter(|(_, (_, there))| *there == There::Yes);
        there.map(|(digest, _)| digest.clone()).collect()
    }

    /// Compares a server with this, byte for byte, and remembers how what was unsure ended.
    /// Of blobs that were seen before, only those that `look` says are read.
    pub(crate) fn compare(
        &mut self,
        registry: &Registry,
        mut look: impl FnMut() -> bool,
    ) -> Result<(), Gone> {
        let lasting = self.lasting();
        let name = &self.name;
        for (digest, (number, there)) in &mut self.blobs {
            if *there != There::Unsure && !look() {
                continue;
            }
            let answer = registry.ask("GET", &format!("/v2/{name}/blobs/{digest}"), b"")?;
            let head = registry.ask("HEAD", &format!("/v2/{name}/blobs/{digest}"), b"")?;
            // A collection that goes on meanwhile may come between the two.
            let is_gone = !lasting(digest) && (answer.status, head.status) == (200, 404);
            assert!(
                is_gone || answer.status == head.status,
                "GET and HEAD of {digest}: {} and {}",
                answer.status,
                head.status
            );
            let whole = (answer.status == 200).then_some(answer.body == content(*number));
            let expected = there.unless_collected(lasting(digest));
            *there = compared(expected, head.status, whole, digest.as_str());
        }
        for (digest, (bytes, there)) in &mut self.manifests {
            let answer = registry.ask("GET", &format!("/v2/{name}/manifests/{digest}"), b"")?;
            let whole = (answer.status == 200).then_some(answer.body == *bytes);
            let expected = there.unless_collected(lasting(digest));
            *there = compared(expected, answer.status, whole, digest.as_str());
        }
        for (tag, may) in &mut self.tags {
            let answer = registry.ask("GET", &format!("/v2/{name}/manifests/{tag}"), b"")?;
            let found = (answer.status == 200).then(|| Digest::of(&answer.body));
            assert!(
                may.contains(&found),
                "{name}:{tag} is {found:?}, not one of {may:?}"
            );
            *may = vec![found];
        }
        Ok(())
    }

    /// Returns what says whether something is reached for sure from a tag that is set for sure,
    /// so that no collection takes it.
    fn lasting(&self) -> impl Fn(&Digest) -> bool + use<> {
        let mut reached = String::new();
        for may in self.tags.values() {
            if let [Some(digest)] = may.as_slice()
                && let Some((bytes, There::Yes)) = self.manifests.get(digest)
            {
                reached += digest.as_str();
                reached += &String::from_utf8_lossy(bytes);
            }
        }
        let all = !self.collected;
        move |digest| all || reached.contains(digest.as_str())
    }

    /// Makes a manifest of some blobs that are there.
    pub(crate) fn manifest(&self, chance: &mut Chance) -> Option<Vec<u8>> {
        let blobs = self.sure_blobs();
        let descriptor = |digest: &Digest, kind: &str| {
            let size = content(self.blobs[digest].0).len();
            serde_json::json!({ "mediaType": kind, "digest": digest, "size": size })
        };
        let config = descriptor(chance.pick(&blobs)?, media_type::OCI_CONFIG);
        let layers: Vec<_> = (0..=chance.below(3))
            .filter_map(|_| chance.pick(&blobs))
            .map(|digest| descriptor(digest, media_type::OCI_LAYER))
            .collect();
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": media_type::OCI_MANIFEST,
            "config": config,
            "layers": layers,
        });
        Some(manifest.to_string().into_bytes())
    }
}

fn compared(expected: There, status: u16, whole: Option<bool>, what: &str) -> There {
    let found = match (status, whole) {
        (200, Some(whole)) => {
            assert!(whole, "{what} has changed");
            There::Yes
        }
        (404, _) => There::No,
        _ => panic!("{what}: status {status}"),
    };
    assert!(
        expected == There::Unsure || expected == found,
        "{what}: expected {expected:?}, found {found:?}"
    );
    found
}
