//! JavaScript packages as npm, yarn and pnpm install them: every `package.json` with a name
//! and a version (docs.npmjs.com, "package.json").

use serde::Deserialize;
use serde_json::Value;

use super::{document, folder};
use crate::{
    Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    folders::Fills,
    licenses,
    utf16::without_mark,
};

/// Reads `package.json`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "npm",
    wants: &[Want::Name("package.json")],
    read: Reading::Whole {
        most: 4 << 20,
        read: |_, bytes| read(bytes),
    },
    fills: &[Fills::Published("node_modules"), Fills::Packages(".npm")],
    own_folder: |_, path| folder(path),
    ..Analyser::BASE
};

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    name: Value,
    #[serde(default)]
    version: Value,
    #[serde(default)]
    license: Value,
    #[serde(default)]
    licenses: Value,
    #[serde(default)]
    author: Value,
    #[serde(default)]
    dependencies: Value,
}

fn read(bytes: &[u8]) -> Findings {
    let bytes = without_mark(bytes);
    // Test fixtures of tools are often broken on purpose, and no package is lost with them.
    let manifest = match document::json::<Manifest>(bytes) {
        Ok(manifest) => manifest,
        Err(error) => return Findings::unread(error.or("no JSON object")),
    };
    let (Some(name), Some(version)) = (text(&manifest.name), text(&manifest.version)) else {
        // Folders of a package say `{"type": "module"}` and no more.
        return Findings::default();
    };
    let (namespace, name) = match name.split_once('/') {
        Some((scope, name)) if scope.starts_with('@') => (scope, name),
        _ => ("", name),
    };
    if name.is_empty() || name.contains(char::is_whitespace) {
        return Findings::default();
    }
    let dependencies = manifest.dependencies.as_object();
    Findings::packages(vec![Package {
        namespace: namespace.to_owned(),
        licenses: declared(&manifest),
        maintainer: person(&manifest.author),
        dependencies: dependencies
            .map(|all| all.keys().cloned().collect())
            .unwrap_or_default(),
        ..Package::new(Kind::Npm, name, version.trim_start_matches(['v', '=']))
    }])
}

/// Old packages have a list, or an object with the licence's type.
fn declared(manifest: &Manifest) -> Vec<String> {
    let one = |value: &Value| {
        text(value)
            .or_else(|| text(&value["type"]))
            .and_then(licenses::normalise)
    };
    let many = manifest.licenses.as_array().into_iter().flatten();
    one(&manifest.license)
        .into_iter()
        .chain(many.filter_map(one))
        .collect()
}

fn person(author: &Value) -> Option<String> {
    text(author)
        .or_else(|| text(&author["name"]))
        .map(str::to_owned)
}

fn text(value: &Value) -> Option<&str> {
    value
        .as_str()
        .map(str::trim)
        .filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Found, analyser::readers};

    fn one(json: &str) -> Option<Package> {
        match read(json.as_bytes()).found.pop() {
            Some(Found::Packages(mut packages)) => packages.pop(),
            _ => None,
        }
    }

    #[test]
    fn reads_scope_licence_and_dependencies() {
        let package = one(
            r#"{"name": "@babel/core", "version": "7.0.1", "license": "MIT",
            "author": {"name": "A"}, "dependencies": {"debug": "^4"}}"#,
        )
        .expect("a package");
        assert_eq!((&*package.namespace, &*package.name), ("@babel", "core"));
        assert_eq!(package.version, "7.0.1");
        assert_eq!(package.licenses, ["MIT"]);
        assert_eq!(package.maintainer.as_deref(), Some("A"));
        assert_eq!(package.dependencies, ["debug"]);
        let old = one(r#"{"name": "x", "version": "v1.0.0", "licenses": [{"type": "BSD"}]}"#);
        assert_eq!(old.expect("a package").licenses, ["BSD"]);
    }

    #[test]
    fn what_is_no_package() {
        for json in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"name": "x"}"#,
            r#"{"name": 1, "version": "1"}"#,
        ] {
            assert_eq!(one(json), None, "{json}");
        }
        assert_eq!(readers("srv/node_modules/a/package.json"), ["npm"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400)) {
            read(&bytes);
        }
    }
}
