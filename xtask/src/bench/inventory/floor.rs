//! What nobody who reads an image can do without: inflating its layers and the digests that
//! prove them, by the fastest programs there are.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use oci::Descriptor;

use super::{RUNS, measure::cost};

/// Seconds of processor time, each of the cheapest of some runs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Floor {
    /// For inflating all layers with ISA-L.
    pub(super) inflating: f64,
    /// For the digests of what is stored, with OpenSSL.
    pub(super) digest: f64,
}

impl Floor {
    /// Measures it for layers of gzip.
    pub(super) fn measure(layout: &Path, layers: &[Descriptor]) -> Result<Self> {
        let place = |layer: &Descriptor| layout.join("blobs/sha256").join(layer.digest.hex());
        let blobs: Vec<_> = layers.iter().map(place).collect();
        let inflating = spent("igzip -dc", &blobs);
        Ok(Self {
            inflating: inflating.context("igzip (Debian: `apt install isal`)")?,
            digest: spent("openssl dgst -sha256", &blobs).context("openssl")?,
        })
    }

    /// Returns both.
    pub(super) fn all(&self) -> f64 {
        self.inflating + self.digest
    }
}

/// Returns what a program takes for all of these, its output thrown away.
fn spent(program: &str, blobs: &[PathBuf]) -> Result<f64> {
    let script = format!("exec {program} \"$0\" > /dev/null");
    let one = |blob: &PathBuf| -> Result<f64> {
        let command = || {
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(&script).arg(blob);
            shell
        };
        Ok(cost(RUNS, command)?.cpu)
    };
    blobs.iter().map(one).sum()
}
