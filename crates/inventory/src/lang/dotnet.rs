//! .NET: `*.deps.json` of built programs, `packages.lock.json` of what NuGet is asked for, and
//! programs that hold everything in one file (github.com/dotnet/sdk "runtime-configuration-file";
//! dotnet/designs "bundler"; learn.microsoft.com, "PackageReference").

mod bundle;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, de::IgnoredAny};

use super::{document, lock};
use crate::{
    Claim, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    utf16::without_mark,
};

pub(crate) use bundle::ANALYSER as BUNDLE;

/// Reads `*.deps.json` and `packages.lock.json`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "dotnet",
    wants: &[Want::Tail(".deps.json"), Want::Name("packages.lock.json")],
    read: Reading::Whole {
        most: lock::MOST,
        read: |path, bytes| {
            let bytes = without_mark(bytes);
            if path.ends_with(".deps.json") {
                of_program(bytes)
            } else {
                of_lock(bytes)
            }
        },
    },
    ..Analyser::BASE
};

#[derive(Deserialize)]
struct Program {
    #[serde(default)]
    targets: BTreeMap<String, BTreeMap<String, Target>>,
    libraries: BTreeMap<String, Library>,
}

#[derive(Deserialize)]
struct Library {
    #[serde(rename = "type")]
    sort: String,
}

/// What of a library lies beside the program.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Target {
    dependencies: BTreeMap<String, String>,
    runtime: BTreeMap<String, IgnoredAny>,
    native: BTreeMap<String, IgnoredAny>,
    resources: BTreeMap<String, IgnoredAny>,
    runtime_targets: BTreeMap<String, IgnoredAny>,
}

impl Target {
    fn has_files(&self) -> bool {
        [
            &self.runtime,
            &self.native,
            &self.resources,
            &self.runtime_targets,
        ]
        .iter()
        .any(|files| !files.is_empty())
    }
}

fn of_program(bytes: &[u8]) -> Findings {
    let program: Program = match document::json(bytes) {
        Ok(program) => program,
        Err(error) => return Findings::unread(error),
    };
    let mut targets: HashMap<_, Vec<_>> = HashMap::new();
    for (key, target) in program.targets.values().flatten() {
        targets.entry(key).or_default().push(target);
    }
    let packages = program.libraries.iter().filter_map(|(key, library)| {
        let targets = targets.get(key).map(Vec::as_slice).unwrap_or_default();
        program.package(key, library, targets)
    });
    lock::findings(packages.collect())
}

impl Program {
    fn package(&self, key: &str, library: &Library, targets: &[&Target]) -> Option<Package> {
        let (name, version) = key.rsplit_once('/')?;
        // Those that only took part in the build bring no file.
        let is_there = match &*library.sort {
            "project" | "runtimepack" => true,
            "package" => self.targets.is_empty() || targets.iter().any(|target| target.has_files()),
            // `reference` is an assembly of the project's own.
            _ => return None,
        };
        let needs: BTreeSet<_> = targets
            .iter()
            .flat_map(|target| target.dependencies.keys())
            .collect();
        Some(Package {
            dependencies: needs.into_iter().cloned().collect(),
            claim: if is_there {
                Claim::Installed
            } else {
                Claim::Declared
            },
            ..Package::new(
                Kind::Nuget,
                name.strip_prefix("runtimepack.").unwrap_or(name),
                version,
            )
        })
    }
}

#[derive(Deserialize)]
struct Lock {
    dependencies: BTreeMap<String, BTreeMap<String, Locked>>,
}

#[derive(Deserialize)]
struct Locked {
    resolved: Option<String>,
}

fn of_lock(bytes: &[u8]) -> Findings {
    let lock: Lock = match document::json(bytes) {
        Ok(lock) => lock,
        Err(error) => return Findings::unread(error),
    };
    let all = lock.dependencies.values().flatten();
    // A project of the same solution has no resolved version.
    let packages = all.filter_map(|(name, locked)| {
        let version = locked.resolved.as_deref()?;
        Some(lock::declared(Kind::Nuget, name, version))
    });
    lock::findings(packages.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    #[test]
    fn what_lies_beside_a_program_is_installed() {
        let findings = of_program(
            br#"{"targets": {".NETCoreApp,Version=v8.0": {
                "app/1.0.0": {"dependencies": {"Serilog": "3.1.1"}, "runtime": {"app.dll": {}}},
                "Serilog/3.1.1": {"runtime": {"lib/net7.0/Serilog.dll": {"fileVersion": "3"}}},
                "Analyzers/2.0.0": {}
            }}, "libraries": {
                "app/1.0.0": {"type": "project"},
                "Serilog/3.1.1": {"type": "package", "sha512": "x"},
                "Analyzers/2.0.0": {"type": "package"},
                "Own/1.0.0": {"type": "reference"},
                "runtimepack.Microsoft.NETCore.App.Runtime.linux-x64/8.0.1": {"type": "runtimepack"}
            }}"#,
        );
        let expected = [
            "pkg:nuget/Analyzers@2.0.0 Declared",
            "pkg:nuget/Microsoft.NETCore.App.Runtime.linux-x64@8.0.1",
            "pkg:nuget/Serilog@3.1.1",
            "pkg:nuget/app@1.0.0",
        ];
        assert_eq!(listed(&findings), expected);
        let crate::Found::Packages(packages) = &findings.found[0] else {
            panic!("{findings:?}");
        };
        assert_eq!(packages[3].dependencies, ["Serilog"]);
    }

    /// If each library were looked up in each target, it took minutes.
    #[test]
    fn many_libraries_for_many_targets() {
        let list = |sample: &str| {
            let all: Vec<_> = (0..40_000)
                .map(|n| sample.replace('#', &n.to_string()))
                .collect();
            all.join(",")
        };
        let targets = list(r##""t#": {"a/#": {"native": {"a": 1}}}"##);
        let libraries = list(r##""a/#": {"type": "package"}"##);
        let json = format!(r#"{{"targets": {{{targets}}}, "libraries": {{{libraries}}}}}"#);
        assert!(json.len() < 16 << 20);
        let findings = of_program(json.as_bytes());
        assert_eq!(
            findings.problems[0].text,
            "20000 more packages are left out"
        );
    }

    #[test]
    fn reads_locks() {
        let findings = of_lock(
            br#"{"version": 1, "dependencies": {"net8.0": {
                "A": {"type": "Direct", "requested": "[1, )", "resolved": "1.2.0"},
                "own": {"type": "Project"}}, "net6.0": {"A": {"resolved": "1.2.0"}}}}"#,
        );
        assert_eq!(listed(&findings), ["pkg:nuget/A@1.2.0 Declared"]);
    }

    #[test]
    fn what_is_neither() {
        for json in ["", "{", "[]", "{}", r#"{"libraries": 3}"#] {
            assert_eq!(of_program(json.as_bytes()).problems.len(), 1, "{json}");
            assert_eq!(of_lock(json.as_bytes()).problems.len(), 1, "{json}");
        }
        assert_eq!(readers("app/app.deps.json"), ["dotnet"]);
        assert_eq!(readers("src/packages.lock.json"), ["dotnet"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            of_program(&bytes);
            of_lock(&bytes);
        }

        #[test]
        fn never_panics_on_keys(key in "[a/é.]{0,6}", sort in "(package|project|a)") {
            of_program(format!(r#"{{"libraries":{{"{key}":{{"type":"{sort}"}}}}}}"#).as_bytes());
        }
    }
}
