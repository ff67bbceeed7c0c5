//! Text files in which a language's runtime says its version: `release` of a Java runtime
//! (OpenJDK, JEP 223), `OTP_VERSION` of Erlang, `VERSION` of the Go toolchain.

use crate::{
    Confidence, Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    body::Body,
};

/// Reads the version files of runtimes.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "releases",
    wants: &[
        Want::Name("release"),
        Want::Name("OTP_VERSION"),
        Want::Name("VERSION"),
    ],
    // Other things have such names, and may be large.
    read: Reading::Parts {
        read: |path, body| read(path, body),
    },
    ..Analyser::BASE
};

/// These files have some hundred bytes; Java's lists its modules as well.
const MOST: usize = 16 << 10;

fn read(path: &str, body: &Body) -> Findings {
    let head = &body.head()[..body.head().len().min(MOST)];
    let text = String::from_utf8_lossy(head);
    let first = text.lines().next().unwrap_or_default().trim();
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    let found = match name {
        "release" => java(&text),
        "OTP_VERSION" => Some(("erlang", "erlang:erlang\\/otp", first)),
        _ => first.strip_prefix("go").map(|go| ("go", "golang:go", go)),
    };
    let found = found.filter(|(_, _, version)| is_version(version));
    let package = found.map(|(name, cpe, version)| Package {
        cpes: super::cpe(cpe, version).into_iter().collect(),
        confidence: Confidence::Medium,
        ..Package::new(Kind::Generic, name, version)
    });
    match package {
        Some(package) => Findings::packages(vec![package]),
        None => Findings::default(),
    }
}

fn java(text: &str) -> Option<(&'static str, &'static str, &str)> {
    let value = |key: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        Some(value.trim().trim_matches('"'))
    };
    let version = value("JAVA_VERSION")?;
    // Oracle's own builds are another product under another licence.
    let oracle = value("IMPLEMENTOR").is_some_and(|by| by.starts_with("Oracle"))
        && value("BUILD_TYPE") == Some("commercial");
    Some(match oracle {
        true => ("jdk", "oracle:jdk", version),
        false => ("openjdk", "oracle:openjdk", version),
    })
}

fn is_version(text: &str) -> bool {
    text.len() < 64
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._+-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Found, analyser::readers};

    fn one(path: &str, text: &str) -> Option<String> {
        match read(path, &Body::of(text.as_bytes().to_vec())).found.pop() {
            Some(Found::Packages(packages)) => {
                Some(format!("{} {}", packages[0].name, packages[0].version))
            }
            _ => None,
        }
    }

    #[test]
    fn reads_each_runtime() {
        let release = "IMPLEMENTOR=\"Debian\"\nJAVA_RUNTIME_VERSION=\"17.0.15+6\"\nJAVA_VERSION=\"17.0.15\"\n";
        assert_eq!(
            one("opt/java/release", release).as_deref(),
            Some("openjdk 17.0.15")
        );
        let otp = one("usr/local/lib/erlang/releases/26/OTP_VERSION", "26.2.1\n");
        assert_eq!(otp.as_deref(), Some("erlang 26.2.1"));
        let go = one("usr/local/go/VERSION", "go1.22.1\ntime 2024-02-29\n");
        assert_eq!(go.as_deref(), Some("go 1.22.1"));
        assert_eq!(readers("opt/java/release"), ["releases"]);
    }

    #[test]
    fn other_files_of_these_names_are_nothing() {
        for text in [
            "",
            "1.2.3\n",
            "golang",
            "NAME=x\n",
            "go 1",
            "JAVA_VERSION=\n",
        ] {
            assert_eq!(one("srv/VERSION", text), None);
            assert_eq!(one("etc/release", text), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(go|JAVA_VERSION=|IMPLEMENTOR=)?\"?\\PC{0,80}\n?") {
            for name in ["release", "VERSION", "OTP_VERSION"] {
                one(name, &text);
            }
        }
    }
}
