//! What Python's projects ask for: `poetry.lock`, `uv.lock`, `pdm.lock`, `pylock.toml`
//! (packaging.python.org, "pylock.toml Specification"), `Pipfile.lock`, and the versions that
//! a `requirements.txt` pins.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    document::{self, DocumentError},
    lock,
    python::normalise,
};
use crate::{
    FileEntry, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    utf16::as_utf8,
};

/// Reads lock files and `requirements.txt`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "python-lock",
    wants: &[
        Want::Name("poetry.lock"),
        Want::Name("uv.lock"),
        Want::Name("pdm.lock"),
        Want::Name("pylock.toml"),
        Want::File(is_named_lock),
        Want::Name("Pipfile.lock"),
        Want::Name("requirements.txt"),
    ],
    read: Reading::Whole {
        most: lock::MOST,
        read,
    },
    ..Analyser::BASE
};

/// `pylock.NAME.toml`.
fn is_named_lock(file: &FileEntry) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    name.starts_with("pylock.") && name.ends_with(".toml") && name != "pylock.toml"
}

#[derive(Deserialize)]
struct Lock {
    #[serde(default, alias = "packages")]
    package: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    /// uv leaves it out where it is computed.
    version: Option<String>,
    /// uv's place of the package, poetry's if it is no index.
    #[serde(default)]
    source: BTreeMap<String, toml::Value>,
}

impl Entry {
    /// Returns whether it is a folder of the project itself.
    fn is_own(&self) -> bool {
        let kind = self.source.get("type").and_then(toml::Value::as_str);
        let own = ["editable", "virtual", "directory"];
        kind == Some("directory") || own.iter().any(|place| self.source.contains_key(*place))
    }
}

#[derive(Deserialize)]
struct Pipfile {
    #[serde(default)]
    default: BTreeMap<String, Pinned>,
    #[serde(default)]
    develop: BTreeMap<String, Pinned>,
}

#[derive(Deserialize)]
struct Pinned {
    version: Option<String>,
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    if lock::is_of_a_package(path) {
        return Findings::default();
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    let packages = match name {
        "requirements.txt" => Ok(requirements(&String::from_utf8_lossy(&as_utf8(bytes)))),
        "Pipfile.lock" => of_pipfile(bytes),
        _ => of_toml(bytes),
    };
    match packages {
        Ok(packages) => lock::findings(packages),
        Err(error) => Findings::unread(error),
    }
}

fn package(name: &str, version: &str) -> Package {
    lock::declared(Kind::Pypi, normalise(name), version)
}

fn of_toml(bytes: &[u8]) -> Result<Vec<Package>, DocumentError> {
    let lock: Lock = document::toml(bytes)?;
    let entries = lock.package.iter().filter(|entry| !entry.is_own());
    let entries = entries.filter_map(|entry| Some(package(&entry.name, entry.version.as_deref()?)));
    Ok(entries.collect())
}

fn of_pipfile(bytes: &[u8]) -> Result<Vec<Package>, DocumentError> {
    let lock: Pipfile = document::json(bytes)?;
    let entries = lock.default.iter().chain(&lock.develop);
    let entries = entries.filter_map(|(name, pinned)| {
        let version = pinned.version.as_deref()?.strip_prefix("==")?;
        Some(package(name, version))
    });
    Ok(entries.collect())
}

/// Lines are `name[extras]==1.0 ; marker --hash=…`; other comparisons pin nothing.
fn requirements(text: &str) -> Vec<Package> {
    let pinned = text.lines().filter_map(|line| {
        let line = line.split(['#', ';']).next()?;
        let (name, rest) = line.split_once("==")?;
        let name = name.split('[').next()?.trim();
        let version = rest.trim_start_matches('=').split_whitespace().next()?;
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let is_exact = !version.contains(['*', ',', '\\']);
        (name.chars().all(is_name) && is_exact).then(|| package(name, version))
    });
    pinned.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    #[test]
    fn reads_toml() {
        let poetry = read(
            "srv/poetry.lock",
            b"[[package]]\nname = \"Zope.Interface\"\nversion = \"5.4\"\n\n[package.dependencies]\na = \"*\"\n\n\
            [[package]]\nname = \"own\"\nversion = \"1\"\n[package.source]\ntype = \"directory\"\nurl = \"own\"\n\n\
            [metadata]\nlock-version = \"2.0\"\n",
        );
        assert_eq!(listed(&poetry), ["pkg:pypi/zope-interface@5.4 Declared"]);
        let uv = read(
            "uv.lock",
            b"version = 1\n[[package]]\nname = \"a\"\nversion = \"1.0\"\nsource = { registry = \"https://example.org\" }\n\
            [[package]]\nname = \"own\"\nsource = { editable = \".\" }\n",
        );
        assert_eq!(listed(&uv), ["pkg:pypi/a@1.0 Declared"]);
        let standard = read(
            "pylock.toml",
            b"lock-version = \"1.0\"\n[[packages]]\nname = \"a\"\nversion = \"2\"\n",
        );
        assert_eq!(listed(&standard), ["pkg:pypi/a@2 Declared"]);
    }

    #[test]
    fn reads_pins() {
        let pins = read(
            "requirements.txt",
            b"# c\n-r other.txt\nFlask_Login[x]==0.6 ; python_version > '3'\nb == 1.0 \\\n  --hash=sha256:aa==\n\
            c>=1\nd==1.*\ne @ https://example.org/e?a==1\n",
        );
        let expected = [
            "pkg:pypi/b@1.0 Declared",
            "pkg:pypi/flask-login@0.6 Declared",
        ];
        assert_eq!(listed(&pins), expected);
        let pipfile = br#"{"_meta": {}, "default": {"A": {"version": "==1.0"}}, "develop": {"b": {"git": "x"}}}"#;
        assert_eq!(
            listed(&read("Pipfile.lock", pipfile)),
            ["pkg:pypi/a@1.0 Declared"]
        );
    }

    /// PowerShell's `>` writes UTF-16, its `Out-File -Encoding utf8` a mark.
    #[test]
    fn reads_pins_that_windows_wrote() {
        let text = "\u{feff}a==1.0\r\nb==2\r\n";
        let little: Vec<_> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<_> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [text.as_bytes(), &little, &big] {
            let expected = ["pkg:pypi/a@1.0 Declared", "pkg:pypi/b@2 Declared"];
            assert_eq!(listed(&read("requirements.txt", bytes)), expected);
        }
    }

    #[test]
    fn what_is_no_lock() {
        assert_eq!(read("uv.lock", b"[").problems.len(), 1);
        assert_eq!(read("Pipfile.lock", b"[").problems.len(), 1);
        assert!(read("poetry.lock", b"").found.is_empty());
        assert_eq!(readers("srv/requirements.txt"), ["python-lock"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "([a=\\[\\];#é\"{} \n]|==|name|version|\\[\\[package\\]\\]\n){0,30}") {
            for name in ["requirements.txt", "uv.lock", "Pipfile.lock"] {
                read(name, text.as_bytes());
            }
        }
    }
}
