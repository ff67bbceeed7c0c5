//! Real images made from root file systems and files, as OCI layouts.

use std::{collections::BTreeMap, io::Write, path::PathBuf};

use anyhow::{Context, Result};
use flate2::{Compression, write::GzEncoder};
use oci::{
    Config, Descriptor, Digest, Healthcheck, History, ImageConfig, Layout, Manifest, RawManifest,
    RootFs, media_type,
};
use tar::{Builder, EntryType, Header, HeaderMode};

/// A file to put into a layer.
#[derive(Debug, Clone)]
pub struct File {
    /// Without leading slash.
    pub path: String,
    /// Permission bits.
    pub mode: u32,
    /// What is in it.
    pub content: Vec<u8>,
}

impl File {
    /// A plain file that everybody may read.
    pub fn text(path: &str, content: &str) -> Self {
        Self {
            path: path.to_owned(),
            mode: 0o644,
            content: content.as_bytes().to_vec(),
        }
    }

    /// A program.
    pub fn program(path: &str, content: &str) -> Self {
        Self {
            mode: 0o755,
            ..Self::text(path, content)
        }
    }
}

/// What a layer is made of.
#[derive(Debug, Clone)]
pub enum Content {
    /// Everything below a folder, devices and mount points left out.
    Rootfs(PathBuf),
    /// These files; a path `dir/.wh.name` hides `dir/name` of the layers below.
    Files(Vec<File>),
}

/// How the image says that it works.
#[derive(Debug, Clone, Default)]
pub struct Health {
    /// The shell command of the health-check.
    pub command: Option<String>,
    /// The user it runs as.
    pub user: String,
}

/// An image to make.
#[derive(Debug, Clone)]
pub struct ImageSpec {
    /// Layers from the lowest, each with the instruction that stands in the history.
    pub layers: Vec<(String, Content)>,
    /// Health-check and user.
    pub health: Health,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// The program.
    pub command: Vec<String>,
    /// When it was made, RFC 3339.
    pub created: String,
    /// GOARCH.
    pub architecture: String,
}

/// Writes an image into a layout under `tag`.
///
/// # Errors
/// A file cannot be read or written.
pub fn write_image(layout: &Layout, tag: &str, spec: &ImageSpec) -> Result<RawManifest> {
    let (mut layers, mut diff_ids, mut history) = (Vec::new(), Vec::new(), Vec::new());
    for (instruction, content) in &spec.layers {
        let (layer, diff_id) = write_layer(layout, content)?;
        layers.push(layer);
        diff_ids.push(diff_id);
        history.push(History {
            created: Some(spec.created.clone()),
            created_by: Some(instruction.clone()),
            ..History::default()
        });
    }
    let test = spec.health.command.as_ref().map(|command| Healthcheck {
        test: vec!["CMD-SHELL".to_owned(), command.clone()],
        interval: Some(30_000_000_000),
        ..Healthcheck::default()
    });
    let config = ImageConfig {
        created: Some(spec.created.clone()),
        architecture: spec.architecture.clone(),
        os: "linux".to_owned(),
        config: Config {
            user: spec.health.user.clone(),
            env: vec![
                "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            ],
            cmd: spec.command.clone(),
            labels: spec.labels.clone(),
            healthcheck: test,
            ..Config::default()
        },
        rootfs: RootFs {
            kind: "layers".to_owned(),
            diff_ids,
        },
        history,
        ..ImageConfig::default()
    };
    let config = layout.put_bytes(&serde_json::to_vec(&config)?, media_type::OCI_CONFIG)?;
    let manifest = Manifest {
        schema_version: 2,
        media_type: Some(media_type::OCI_MANIFEST.to_owned()),
        artifact_type: None,
        config,
        layers,
        subject: None,
        annotations: None,
    };
    let raw = RawManifest::parse(
        serde_json::to_vec(&manifest)?,
        Some(media_type::OCI_MANIFEST),
    )?;
    layout.put_manifest(&raw, Some(tag))?;
    Ok(raw)
}

fn write_layer(layout: &Layout, content: &Content) -> Result<(Descriptor, Digest)> {
    let mut tee = DigestingWriter {
        inner: GzEncoder::new(tempfile::tempfile()?, Compression::new(4)),
        digester: oci::Digester::new(oci::Algorithm::Sha256),
    };
    let mut tar = Builder::new(&mut tee);
    tar.mode(HeaderMode::Complete);
    tar.follow_symlinks(false);
    match content {
        Content::Rootfs(root) => append_rootfs(&mut tar, root)?,
        Content::Files(files) => append_files(&mut tar, files)?,
    }
    tar.finish()?;
    drop(tar);
    let DigestingWriter { inner, digester } = tee;
    let mut file = inner.finish()?;
    std::io::Seek::rewind(&mut file)?;
    Ok((
        layout.put_blob(&mut file, media_type::OCI_LAYER_GZIP)?,
        digester.finish(),
    ))
}

/// Folders whose content belongs to a running system.
const LEFT_OUT: [&str; 4] = ["dev", "proc", "sys", "run"];

fn append_rootfs(tar: &mut Builder<impl Write>, root: &std::path::Path) -> Result<()> {
    let mut names: Vec<_> = std::fs::read_dir(root)?.collect::<std::io::Result<Vec<_>>>()?;
    names.sort_by_key(std::fs::DirEntry::file_name);
    for entry in names {
        let (name, path) = (entry.file_name(), entry.path());
        let kind = entry.file_type()?;
        let reading = || format!("cannot read {}", path.display());
        if kind.is_dir() && LEFT_OUT.iter().any(|left_out| name == *left_out) {
            tar.append_dir(&name, &path).with_context(reading)?;
        } else if kind.is_dir() {
            tar.append_dir_all(&name, &path).with_context(reading)?;
        } else {
            tar.append_path_with_name(&path, &name)
                .with_context(reading)?;
        }
    }
    Ok(())
}

fn append_files(tar: &mut Builder<impl Write>, files: &[File]) -> Result<()> {
    let mut made = std::collections::BTreeSet::new();
    for file in files {
        let parents: Vec<_> = file
            .path
            .match_indices('/')
            .map(|(at, _)| &file.path[..at])
            .collect();
        for parent in parents {
            if made.insert(parent.to_owned()) {
                append(tar, &format!("{parent}/"), EntryType::Directory, 0o755, &[])?;
            }
        }
        append(
            tar,
            &file.path,
            EntryType::Regular,
            file.mode,
            &file.content,
        )?;
    }
    Ok(())
}

fn append(
    tar: &mut Builder<impl Write>,
    path: &str,
    kind: EntryType,
    mode: u32,
    content: &[u8],
) -> Result<()> {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(content.len() as u64);
    Ok(tar.append_data(&mut header, path, content)?)
}

struct DigestingWriter<W> {
    inner: W,
    digester: oci::Digester,
}

impl<W: Write> Write for DigestingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digester.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.inner.flush()
    }
}
