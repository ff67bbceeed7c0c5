//! The images: those of the test data, and larger ones made of a Debian root file system and
//! of what Python's and JavaScript's package managers install.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use oci::Layout;
use testkit::{Content, Health, ImageSpec, write_image};

use crate::run::{cache, quietly, say, workspace};

/// Popular, with many dependencies and some compiled parts.
const PYTHON: &[&str] = &[
    "django",
    "flask",
    "requests",
    "numpy",
    "pandas",
    "scipy",
    "matplotlib",
    "boto3",
    "sqlalchemy",
    "celery",
    "fastapi",
    "jupyterlab",
    "black",
    "pillow",
    "cryptography",
];
const JAVASCRIPT: &[&str] = &[
    "express",
    "react",
    "webpack",
    "eslint",
    "jest",
    "typescript",
    "next",
];

/// Returns name and layout of each.
pub(super) fn all() -> Result<Vec<(String, PathBuf)>> {
    let mut images = Vec::new();
    let data = workspace().join("../shared/data/images");
    #[expect(clippy::disallowed_methods, reason = "says where the test data is")]
    let data =
        std::env::var("PLIMSOLL_TEST_DATA").map_or(data, |dir| Path::new(&dir).join("images"));
    if let Ok(entries) = std::fs::read_dir(&data) {
        for entry in entries {
            let entry = entry?;
            images.push((
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            ));
        }
        images.sort();
    } else {
        say(&format!("no images in {}", data.display()));
    }
    for (name, make) in [("debian", debian as Make), ("python", python), ("npm", npm)] {
        match made(name, make) {
            Ok(layout) => images.push((name.to_owned(), layout)),
            Err(error) => say(&format!("left out: {name}: {error:#}")),
        }
    }
    Ok(images)
}

type Make = fn(&Path) -> Result<()>;

/// Makes an image of one layer, once: `make` fills a folder.
fn made(name: &str, make: Make) -> Result<PathBuf> {
    let dir = cache()?.join("images").join(format!("bench-{name}"));
    let layout_dir = dir.join("layout");
    if layout_dir.join("index.json").exists() {
        return Ok(layout_dir);
    }
    let filled = dir.join("rootfs");
    if !filled.exists() {
        say(&format!("  making the image {name}"));
        let begun = dir.join("rootfs.begun");
        std::fs::create_dir_all(&begun)?;
        make(&begun)?;
        std::fs::rename(&begun, &filled)?;
    }
    let begun = dir.join("layout.begun");
    let layout = Layout::create(&begun)?;
    let spec = ImageSpec {
        layers: vec![(format!("ADD {name} /"), Content::Rootfs(filled))],
        health: Health::default(),
        labels: BTreeMap::new(),
        command: vec!["/bin/sh".to_owned()],
        created: "2026-11-20T08:00:00Z".to_owned(),
        architecture: "amd64".to_owned(),
    };
    write_image(&layout, "1", &spec)?;
    std::fs::rename(&begun, &layout_dir)?;
    Ok(layout_dir)
}

fn debian(root: &Path) -> Result<()> {
    crate::tools::debian(crate::tools::DEMO)?;
    let packages = "python3,python3-numpy,perl,git,openjdk-17-jre-headless,nodejs,postgresql";
    quietly(
        Command::new("debootstrap")
            .arg("--variant=minbase")
            .arg(format!("--include={packages}"))
            .arg("bookworm")
            .arg(root),
    )
    .context("debootstrap must be run as root")?;
    Ok(())
}

fn python(root: &Path) -> Result<()> {
    let target = root.join("usr/local/lib/python3.11/site-packages");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "-q", "--target"]);
    quietly(pip.arg(target).args(PYTHON))?;
    Ok(())
}

fn npm(root: &Path) -> Result<()> {
    let app = root.join("app");
    std::fs::create_dir_all(&app)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--ignore-scripts", "--prefix"]);
    quietly(npm.arg(&app).args(JAVASCRIPT))?;
    Ok(())
}
