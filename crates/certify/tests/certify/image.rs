//! An image as it should be, for tests to spoil.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use inventory::{
    Account, Component, Distribution, Facts, FileFact, Inventory, Kind, LayerSummary, Package,
};
use oci::{Config, Digest, Healthcheck, History, ImageConfig};
use plimsoll_certify::{LayerFacts, Subject};

/// All that a [`Subject`] borrows.
pub(crate) struct Image {
    pub(crate) tag: Option<&'static str>,
    pub(crate) config: ImageConfig,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) layers: Vec<LayerFacts>,
    pub(crate) inventory: Inventory,
    pub(crate) now: DateTime<Utc>,
}

/// The digest of layer `number`.
pub(crate) fn layer(number: usize) -> Digest {
    format!("sha256:{number:064}").parse().expect("a digest")
}

pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

impl Image {
    /// An image that passes every check.
    pub(crate) fn good() -> Self {
        let mut image = Self {
            tag: Some("1.4.2"),
            config: ImageConfig {
                created: Some("2026-11-01T00:00:00Z".to_owned()),
                config: good_config(),
                ..ImageConfig::default()
            },
            annotations: BTreeMap::new(),
            layers: Vec::new(),
            inventory: good_inventory(),
            now: "2026-11-21T00:00:00Z".parse().expect("a date"),
        };
        image.step("ADD rootfs.tar.xz / # buildkit");
        image.step("RUN /bin/sh -c apt-get update && apt-get install -y db # buildkit");
        image.step("COPY LICENSE /licenses/ # buildkit");
        image
    }

    /// Adds a layer, and the line of history that made it.
    pub(crate) fn step(&mut self, line: &str) {
        let digest = layer(self.layers.len());
        self.config.rootfs.diff_ids.push(digest.clone());
        self.config.history.push(History {
            created: Some("2026-10-20T00:00:00Z".to_owned()),
            created_by: Some(line.to_owned()),
            ..History::default()
        });
        self.inventory.layers.push(LayerSummary {
            digest: digest.clone(),
            diff_id: digest.clone(),
            size: 1000,
            uncompressed_size: 3000,
            files: 3,
            whiteouts: 0,
            components_added: 0,
            components_removed: 0,
            wasted_bytes: 0,
        });
        self.layers.push(LayerFacts {
            digest,
            compressed_size: 1000,
            history: Some(line.to_owned()),
        });
    }

    /// Installs a package.
    pub(crate) fn install(&mut self, name: &str) {
        let package = Package {
            architecture: "amd64".to_owned(),
            source_name: name.to_owned(),
            source_version: "1.0-1".to_owned(),
            ..Package::new(Kind::Deb, name, "1.0-1")
        };
        self.inventory.components.push(Component {
            package,
            purl: format!("pkg:deb/debian/{name}@1.0-1"),
            layer: layer(1),
            layer_index: 1,
            path: "var/lib/dpkg/status".to_owned(),
            evidence: Vec::new(),
            linked: None,
            covered_by: None,
        });
    }

    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject {
            reference_tag: self.tag,
            config: &self.config,
            annotations: Some(&self.annotations),
            layers: &self.layers,
            inventory: &self.inventory,
            now: self.now,
        }
    }
}

fn good_config() -> Config {
    let labels = [
        ("title", "Acme DB"),
        ("vendor", "Acme"),
        ("version", "1.4.2"),
        ("licenses", "MIT"),
        ("description", "A database"),
        ("base.name", "docker.io/library/debian:13"),
    ];
    Config {
        user: "db".to_owned(),
        env: vec!["PATH=/usr/bin".to_owned(), "LANG=C.UTF-8".to_owned()],
        entrypoint: words("/usr/bin/db --serve"),
        labels: labels
            .map(|(name, value)| (format!("org.opencontainers.image.{name}"), value.to_owned()))
            .into(),
        healthcheck: Some(Healthcheck {
            test: words("CMD /usr/bin/db --ping"),
            ..Healthcheck::default()
        }),
        ..Config::default()
    }
}

fn good_inventory() -> Inventory {
    let account = |name: &str, id| Account {
        name: name.to_owned(),
        id,
    };
    Inventory {
        distribution: Some(Distribution {
            id: "debian".to_owned(),
            version_id: Some("13".to_owned()),
            version_codename: Some("trixie".to_owned()),
            name: "Debian GNU/Linux 13 (trixie)".to_owned(),
            id_like: Vec::new(),
        }),
        components: Vec::new(),
        covered: Vec::new(),
        removed: Vec::new(),
        repositories: Vec::new(),
        layers: Vec::new(),
        facts: Facts {
            files: 900,
            bytes: 80_000_000,
            wasted_bytes: 1000,
            licenses: vec![file("licenses/LICENSE", 0o644)],
            users: vec![account("root", 0), account("db", 10001)],
            groups: vec![account("root", 0), account("db", 10001)],
            ..Facts::default()
        },
        problems: Vec::new(),
    }
}

/// A file of the top layer.
pub(crate) fn file(path: &str, mode: u32) -> FileFact {
    FileFact {
        path: path.to_owned(),
        layer: layer(2),
        size: 1000,
        mode,
        uid: 0,
        gid: 0,
        package: None,
    }
}
