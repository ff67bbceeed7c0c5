//! What Swift's package manager resolves: `Package.resolved`, versions 1 to 3
//! (docs.swift.org, "Resolving package versions").

use serde::Deserialize;

use super::{document, lock};
use crate::{
    Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
};

/// Reads `Package.resolved`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "swift",
    wants: &[Want::Name("Package.resolved")],
    read: Reading::Whole {
        most: lock::MOST,
        read: |_, bytes| read(bytes),
    },
    ..Analyser::BASE
};

#[derive(Deserialize)]
struct Resolved {
    #[serde(default)]
    pins: Vec<Pin>,
    /// Version 1 has them one deeper.
    object: Option<Object>,
}

#[derive(Deserialize)]
struct Object {
    pins: Vec<Pin>,
}

#[derive(Deserialize)]
struct Pin {
    #[serde(alias = "repositoryURL")]
    location: String,
    state: State,
}

#[derive(Deserialize)]
struct State {
    version: Option<String>,
    revision: Option<String>,
}

fn read(bytes: &[u8]) -> Findings {
    let resolved: Resolved = match document::json(bytes) {
        Ok(resolved) => resolved,
        Err(error) => return Findings::unread(error),
    };
    let old = resolved.object.into_iter().flat_map(|object| object.pins);
    let pins = resolved.pins.into_iter().chain(old);
    lock::findings(pins.filter_map(|pin| package(&pin)).collect())
}

/// A branch has no version, but the commit says what it is.
fn package(pin: &Pin) -> Option<Package> {
    let version = pin
        .state
        .version
        .as_deref()
        .or(pin.state.revision.as_deref())?;
    let place = place(&pin.location)?;
    let (namespace, name) = place.rsplit_once('/')?;
    Some(Package {
        namespace: namespace.to_owned(),
        ..lock::declared(Kind::Swift, name, version)
    })
}

/// Returns `github.com/owner/name` of `https://github.com/owner/name.git` and
/// `git@github.com:owner/name`; nothing of a folder.
fn place(location: &str) -> Option<String> {
    let location = location.trim_end_matches('/');
    let location = location.strip_suffix(".git").unwrap_or(location);
    match location.split_once("://") {
        Some((_, rest)) => {
            let (host, path) = rest.split_once('/')?;
            let host = host.rsplit('@').next()?;
            Some(format!("{host}/{path}"))
        }
        None => {
            let (host, path) = location.split_once(':')?;
            let (_, host) = host.split_once('@')?;
            Some(format!("{host}/{path}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyser::readers, lang::listed};

    #[test]
    fn reads_every_version() {
        let new = read(
            br#"{"pins": [{"identity": "rxflow", "kind": "remoteSourceControl",
            "location": "git@github.com:RxSwiftCommunity/RxFlow.git", "state": {"revision": "abc", "version": "2.12.4"}},
            {"identity": "b", "location": "https://u@github.com/A/b", "state": {"branch": "main", "revision": "abc"}},
            {"identity": "own", "location": "../own", "state": {"version": "1.0.0"}}], "version": 2}"#,
        );
        let expected = [
            "pkg:swift/github.com/A/b@abc Declared",
            "pkg:swift/github.com/RxSwiftCommunity/RxFlow@2.12.4 Declared",
        ];
        assert_eq!(listed(&new), expected);
        let old = read(
            br#"{"object": {"pins": [{"package": "Alamofire",
            "repositoryURL": "https://github.com/Alamofire/Alamofire.git", "state": {"branch": null, "version": "5.4.3"}}]}, "version": 1}"#,
        );
        assert_eq!(
            listed(&old),
            ["pkg:swift/github.com/Alamofire/Alamofire@5.4.3 Declared"]
        );
    }

    #[test]
    fn what_is_no_list() {
        for json in ["", "{", "[]", r#"{"pins": [1]}"#] {
            assert_eq!(read(json.as_bytes()).problems.len(), 1, "{json}");
        }
        assert!(read(b"{}").found.is_empty());
        assert_eq!(readers("srv/Package.resolved"), ["swift"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(location in "[a@:/é.]{0,12}") {
            read(format!(r#"{{"pins":[{{"location":"{location}","state":{{"version":"1"}}}}]}}"#).as_bytes());
        }
    }
}
