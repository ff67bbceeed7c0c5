//! The images: those of the test data, and larger ones made of a Debian root file system, of
//! what the package managers of Python, JavaScript and Rust install, and of 5 GB of files.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};
use oci::Layout;
use testkit::{Content, Health, ImageSpec, write_image};

use crate::run::{cache, cargo, quietly, say, step, workspace};

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

/// Programs that say which crates they were built from.
const RUST: &[&str] = &[
    "ripgrep@14.1.1",
    "fd-find@10.2.0",
    "hyperfine@1.19.0",
    "just@1.40.0",
    "tokei@12.1.2",
];

/// Files of [`FILE`] bytes: with npm's 5 GB.
const FILES: usize = 1_110;

const FILE: usize = 4 << 20;

/// Returns name and layout of each.
pub(super) fn all() -> Result<Vec<(String, PathBuf)>> {
    let mut images = Vec::new();
    let data = workspace().join("../shared/data/images");
    #[expect(clippy::disallowed_methods, reason = "says where the test data is")]
    let data =
        std::env::var("PLIMSOLL_TEST_DATA").map_or(data, |dir| Path::new(&dir).join("images"));
    if let Ok(entries) = fs::read_dir(&data) {
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
    for (name, make) in [
        ("debian", debian as Make),
        ("python", python),
        ("npm", npm),
        ("rust", rust),
        ("5gb", five_gigabytes),
    ] {
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
        fs::create_dir_all(&begun)?;
        make(&begun)?;
        fs::rename(&begun, &filled)?;
    }
    let begun = dir.join("layout.begun");
    let layout = Layout::create(&begun)?;
    let spec = ImageSpec {
        layers: vec![(format!("ADD {name} /"), Content::Rootfs(filled.clone()))],
        health: Health::default(),
        labels: BTreeMap::new(),
        command: vec!["/bin/sh".to_owned()],
        created: "2026-11-20T08:00:00Z".to_owned(),
        architecture: "amd64".to_owned(),
    };
    write_image(&layout, "1", &spec)?;
    fs::rename(&begun, &layout_dir)?;
    // The layout is all that is read, and these are many gigabytes.
    fs::remove_dir_all(&filled)?;
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
    fs::create_dir_all(&app)?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--silent", "--ignore-scripts", "--prefix"]);
    quietly(npm.arg(&app).args(JAVASCRIPT))?;
    Ok(())
}

fn rust(root: &Path) -> Result<()> {
    let tools = cache()?.join("cargo");
    let install = ["install", "--locked", "--quiet", "--root"];
    let mut auditable = cargo();
    auditable.args(install).arg(&tools).arg("cargo-auditable");
    step("building cargo-auditable", &mut auditable)?;
    let mut programs = Command::new(tools.join("bin/cargo-auditable"));
    programs.arg("auditable").args(install);
    programs.arg(root.join("usr/local")).args(RUST);
    step("building Rust programs", &mut programs)
}

/// npm's, and files that shrink to a twenty-fifth: a tenth of each is noise.
fn five_gigabytes(root: &Path) -> Result<()> {
    npm(root)?;
    let data = root.join("data");
    fs::create_dir_all(&data)?;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut noise = || {
        // xorshift64: cheap, the same each time, and no gzip shrinks it.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    for number in 0..FILES {
        let mut bytes = Vec::with_capacity(FILE);
        while bytes.len() < FILE {
            let block: Vec<u8> = (0..128).flat_map(|_| noise()).collect();
            for _ in 0..32 {
                bytes.extend_from_slice(&block);
            }
        }
        fs::write(data.join(format!("{number}.bin")), bytes)?;
    }
    Ok(())
}
