//! `docker-archive:FILE`: what `docker save` writes. The layers lie there as the engine
//! holds them, mostly uncompressed, so a manifest is made for them unless the archive
//! carries the image's own (Docker 25 and later).

use std::{collections::HashMap, io::Read, path::Path};

use serde::Deserialize;

use super::{oci::blob_name, tar_index::TarIndex};
use crate::{
    Algorithm, Descriptor, Digest, Digester, ImageConfig, ImageSource, Index, Manifest,
    ManifestKind, RawManifest, SourceError, VerifyError, VerifyingReader, layout, media_type,
    source::{MAX_INDEX_DEPTH, MAX_INDEX_MANIFESTS, read_manifest},
};

const MAX_LAYERS: usize = 1024;

/// An image in an archive of `docker save`.
#[derive(Debug)]
pub struct DockerArchive {
    tar: TarIndex,
    manifest: RawManifest,
    root: Descriptor,
    /// Offset and size of the configuration and the layers.
    spans: HashMap<Digest, (u64, u64)>,
}

/// One entry of `manifest.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Option<Vec<String>>,
}

impl DockerArchive {
    /// Opens the image `name` (`name:tag`, as in `RepoTags`) in `file`, without a name the
    /// only one there is. Every layer is read once, to know its digest.
    ///
    /// # Errors
    /// [`SourceError`] where the file is truncated, no such archive, has no such image, or
    /// holds layers that are not those of its configuration.
    pub fn open(file: &Path, name: Option<&str>) -> Result<Self, SourceError> {
        let tar = TarIndex::open(file)?;
        if !tar.has("manifest.json") {
            let why = if tar.has("index.json") {
                "no archive of `docker save` but an OCI one; name it as `oci-archive:FILE`"
            } else {
                "no archive of `docker save`: it has no `manifest.json`"
            };
            return Err(SourceError::Form {
                place: tar.place(),
                why: why.to_owned(),
            });
        }
        let entries: Vec<Entry> = serde_json::from_slice(&tar.read_small("manifest.json")?)
            .map_err(|source| SourceError::Json {
                place: format!("{}, manifest.json", tar.place()),
                source,
            })?;
        let entry = choose(&entries, name, &tar.place())?;
        Content::read(&tar, entry)?.into_archive(tar)
    }
}

fn choose<'a>(
    entries: &'a [Entry],
    name: Option<&str>,
    place: &str,
) -> Result<&'a Entry, SourceError> {
    let names = |entry: &'a Entry| entry.repo_tags.iter().flatten();
    let found = match name {
        Some(name) => entries
            .iter()
            .find(|entry| names(entry).any(|tag| familiar(tag) == familiar(name))),
        None => entries.first().filter(|_| entries.len() == 1),
    };
    found.ok_or_else(|| {
        let tags = entries.iter().flat_map(names).cloned().collect();
        let place = place.to_owned();
        match name {
            Some(name) => SourceError::NoTag {
                place,
                tag: name.chars().take(300).collect(),
                tags,
            },
            None => SourceError::Ambiguous {
                place,
                count: entries.len(),
                tags,
            },
        }
    })
}

/// Docker leaves out its own registry's name; a name without a tag means `latest`.
fn familiar(name: &str) -> String {
    let name = name.strip_prefix("docker.io/").unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let last = name.rsplit('/').next().unwrap_or(name);
    if last.contains(':') {
        name.to_owned()
    } else {
        format!("{name}:latest")
    }
}

/// What the archive holds of one image, hashed.
struct Content {
    config: Descriptor,
    layers: Vec<Descriptor>,
    spans: HashMap<Digest, (u64, u64)>,
}

impl Content {
    fn read(tar: &TarIndex, entry: &Entry) -> Result<Self, SourceError> {
        let names = entry.layers.as_deref().unwrap_or_default();
        if names.len() > MAX_LAYERS {
            return Err(SourceError::Limit {
                place: format!("{}, manifest.json", tar.place()),
                what: "layers",
                limit: MAX_LAYERS as u64,
            });
        }
        let mut spans = HashMap::new();
        let bytes = tar.read_small(&entry.config)?;
        let place = format!("{}, {}", tar.place(), entry.config);
        let parsed: ImageConfig =
            serde_json::from_slice(&bytes).map_err(|source| SourceError::Json { place, source })?;
        let config = Descriptor::new(
            media_type::OCI_CONFIG,
            Digest::of(&bytes),
            bytes.len() as u64,
        );
        spans.insert(config.digest.clone(), tar.span(&entry.config)?);
        let mut layers = Vec::with_capacity(names.len());
        let mut hashed: HashMap<(u64, u64), Descriptor> = HashMap::new();
        for name in names {
            let span = tar.span(name)?;
            let layer = match hashed.get(&span) {
                Some(layer) => layer.clone(),
                None => hash(tar, span)?,
            };
            hashed.insert(span, layer.clone());
            spans.insert(layer.digest.clone(), span);
            layers.push(layer);
        }
        check_layers(&layers, &parsed, &tar.place())?;
        Ok(Self {
            config,
            layers,
            spans,
        })
    }

    fn into_archive(self, tar: TarIndex) -> Result<DockerArchive, SourceError> {
        let manifest = match self.original(&tar)? {
            Some(manifest) => manifest,
            None => self.synthesise(),
        };
        Ok(DockerArchive {
            root: manifest.descriptor(),
            manifest,
            tar,
            spans: self.spans,
        })
    }

    fn synthesise(&self) -> RawManifest {
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some(media_type::OCI_MANIFEST.to_owned()),
            artifact_type: None,
            config: self.config.clone(),
            layers: self.layers.clone(),
            subject: None,
            annotations: None,
        };
        let bytes = serde_json::to_vec(&manifest).expect("a manifest has string keys only");
        RawManifest {
            digest: Digest::of(&bytes),
            bytes,
            media_type: media_type::OCI_MANIFEST.to_owned(),
            kind: ManifestKind::Image(manifest),
        }
    }

    /// Looks in the layout that newer engines write beside `manifest.json` for the image's
    /// own manifest: the one with this configuration and exactly these layers.
    fn original(&self, tar: &TarIndex) -> Result<Option<RawManifest>, SourceError> {
        if !tar.has("index.json") || !tar.has("oci-layout") {
            return Ok(None);
        }
        let place = format!("{}, index.json", tar.place());
        let index: Index = layout::parse_index(&tar.read_small("index.json")?, &place)?;
        let mut waiting: Vec<(Descriptor, usize)> =
            index.manifests.into_iter().map(|d| (d, 0)).collect();
        let mut seen = 0;
        while let Some((descriptor, depth)) = waiting.pop() {
            let name = blob_name(&descriptor.digest);
            // Platforms that were never pulled are listed and absent.
            if !tar.has(&name) || !media_type::MANIFESTS.contains(&descriptor.media_type.as_str()) {
                continue;
            }
            seen += 1;
            if seen > MAX_INDEX_MANIFESTS {
                return Ok(None);
            }
            // Whatever is damaged there is not this image's: its own content was hashed.
            let Ok(raw) = read_manifest(tar.open_entry(&name)?, &descriptor, &tar.place()) else {
                continue;
            };
            match &raw.kind {
                ManifestKind::Image(image) if self.is(image) => return Ok(Some(raw)),
                ManifestKind::Index(inner) if depth < MAX_INDEX_DEPTH => {
                    waiting.extend(inner.manifests.iter().map(|d| (d.clone(), depth + 1)));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn is(&self, image: &Manifest) -> bool {
        let same = |a: &Descriptor, b: &Descriptor| a.digest == b.digest && a.size == b.size;
        same(&image.config, &self.config)
            && image.layers.len() == self.layers.len()
            && image
                .layers
                .iter()
                .zip(&self.layers)
                .all(|(a, b)| same(a, b))
    }
}

/// An uncompressed layer's digest is its `diff_id`: Docker refuses to load others.
fn check_layers(
    layers: &[Descriptor],
    config: &ImageConfig,
    place: &str,
) -> Result<(), SourceError> {
    let expected = &config.rootfs.diff_ids;
    if expected.len() != layers.len() {
        return Err(SourceError::Form {
            place: place.to_owned(),
            why: format!(
                "manifest.json lists {} layers, the configuration {}; save the image again",
                layers.len(),
                expected.len()
            ),
        });
    }
    for (layer, expected) in layers.iter().zip(expected) {
        let comparable =
            layer.media_type == media_type::OCI_LAYER && expected.algorithm() == Algorithm::Sha256;
        if comparable && layer.digest != *expected {
            return Err(SourceError::Damaged {
                place: place.to_owned(),
                source: VerifyError::Digest {
                    expected: expected.clone(),
                    found: layer.digest.clone(),
                },
            });
        }
    }
    Ok(())
}

/// Reads a layer once, for its digest and its compression.
fn hash(tar: &TarIndex, span: (u64, u64)) -> Result<Descriptor, SourceError> {
    let mut reader = tar.open_span(span)?;
    let mut digester = Digester::new(Algorithm::Sha256);
    let mut buffer = vec![0; 128 << 10];
    let mut magic = Vec::new();
    let mut size = 0;
    loop {
        let count = reader
            .read(&mut buffer)
            .map_err(|e| SourceError::from_read(&tar.place(), e))?;
        if count == 0 {
            break;
        }
        if magic.len() < 4 {
            magic.extend(buffer[..count].iter().take(4 - magic.len()));
        }
        digester.update(&buffer[..count]);
        size += count as u64;
    }
    let kind = match magic.as_slice() {
        [0x1f, 0x8b, ..] => media_type::OCI_LAYER_GZIP,
        [0x28, 0xb5, 0x2f, 0xfd] => media_type::OCI_LAYER_ZSTD,
        _ => media_type::OCI_LAYER,
    };
    Ok(Descriptor::new(kind, digester.finish(), size))
}

impl ImageSource for DockerArchive {
    fn root(&self) -> &Descriptor {
        &self.root
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<RawManifest, SourceError> {
        if descriptor.digest != self.manifest.digest {
            return Err(SourceError::Missing {
                place: self.tar.place(),
                name: descriptor.digest.to_string(),
            });
        }
        read_manifest(
            self.manifest.bytes.as_slice(),
            descriptor,
            &self.tar.place(),
        )
    }

    fn open(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, SourceError> {
        let span = self
            .spans
            .get(&descriptor.digest)
            .ok_or_else(|| SourceError::Missing {
                place: self.tar.place(),
                name: descriptor.digest.to_string(),
            })?;
        let reader = self.tar.open_span(*span)?;
        Ok(Box::new(VerifyingReader::new(reader, descriptor)))
    }
}
