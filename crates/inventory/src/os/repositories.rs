//! Where packages come from: `/etc/apk/repositories` (apk-repositories(5)), and the content sets
//! that Red Hat's builds leave in images (`content_manifests/*.json`).

use serde::Deserialize;

use crate::{
    FileEntry, Found,
    analyser::{Analyser, Counts, Findings, Reading, Want},
    folders::parent,
};

/// Reads both.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "repositories",
    wants: &[Want::Tail("apk/repositories"), Want::File(is_manifest)],
    counts: Counts::At(&[
        "etc/apk/repositories",
        "root/buildinfo/content_manifests/",
        "usr/share/buildinfo/",
    ]),
    read: Reading::Whole {
        most: 1 << 20,
        read,
    },
    ..Analyser::BASE
};

/// More of them are no configuration.
const MOST: usize = 256;

fn is_manifest(file: &FileEntry) -> bool {
    let folder = parent(&file.path);
    let is_folder =
        folder.ends_with("buildinfo/content_manifests") || folder.ends_with("usr/share/buildinfo");
    is_folder && file.path.ends_with(".json")
}

fn read(path: &str, bytes: &[u8]) -> Findings {
    let mut names = if path.ends_with(".json") {
        match serde_json::from_slice::<Manifest>(bytes) {
            Ok(manifest) => manifest.content_sets,
            // Other documents lie in the second folder.
            Err(_) => Vec::new(),
        }
    } else {
        of_apk(&String::from_utf8_lossy(bytes))
    };
    names.truncate(MOST);
    let found = (!names.is_empty()).then_some(Found::Repositories(names));
    found.map(Findings::one).unwrap_or_default()
}

#[derive(Deserialize)]
struct Manifest {
    content_sets: Vec<String>,
}

/// One to a line, after a tag perhaps, by which packages ask for it.
fn of_apk(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let addresses =
        lines.filter_map(|line| line.split_whitespace().find(|word| !word.starts_with('@')));
    addresses.take(MOST).map(without_secret).collect()
}

/// An address may have a password in it, which is nobody's business.
fn without_secret(address: &str) -> String {
    match address.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or(host);
            format!("{scheme}://{host}/{path}")
        }
        None => address.to_owned(),
    }
}

/// Returns the CPE name by which Red Hat's advisories know a content set: of its releases,
/// `rhel-9-for-x86_64-appstream-rpms` and `codeready-builder-for-rhel-9-x86_64-rpms`.
pub(crate) fn cpe(content_set: &str) -> Option<String> {
    let name = content_set.strip_suffix("-rpms")?;
    if let Some(rest) = name.strip_prefix("codeready-builder-for-rhel-") {
        let (release, _) = rest.split_once('-')?;
        return is_number(release)
            .then(|| format!("cpe:/a:redhat:enterprise_linux:{release}::crb"));
    }
    let rest = name
        .strip_prefix("rhel-")
        .or_else(|| name.strip_prefix("ubi-"))?;
    let (release, rest) = rest.split_once("-for-")?;
    let (_, name) = rest.split_once('-')?;
    // What is sold for longer, or for one use, has names that do not follow from these.
    let part = match name {
        "baseos" => {
            return is_number(release)
                .then(|| format!("cpe:/o:redhat:enterprise_linux:{release}::baseos"));
        }
        "appstream" | "highavailability" | "resilientstorage" | "nfv" | "supplementary" => name,
        "rt" => "realtime",
        _ => return None,
    };
    is_number(release).then(|| format!("cpe:/a:redhat:enterprise_linux:{release}::{part}"))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() < 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyser::readers;

    fn found(path: &str, text: &str) -> Vec<String> {
        match read(path, text.as_bytes()).found.pop() {
            Some(Found::Repositories(names)) => names,
            _ => Vec::new(),
        }
    }

    #[test]
    fn reads_both_forms() {
        let apk = "# mirror\nhttps://u:s3cret@a.example/v3.20/main\n\n@edge https://a.example/edge/main\n/media/apks\n";
        assert_eq!(
            found("etc/apk/repositories", apk),
            [
                "https://a.example/v3.20/main",
                "https://a.example/edge/main",
                "/media/apks"
            ]
        );
        let json = r#"{"metadata": {}, "content_sets": ["rhel-8-for-x86_64-baseos-rpms"]}"#;
        let path = "root/buildinfo/content_manifests/ubi8-8.9.json";
        assert_eq!(found(path, json), ["rhel-8-for-x86_64-baseos-rpms"]);
        assert!(found(path, "{}").is_empty());
        assert_eq!(readers(path), ["repositories"]);
        assert_eq!(readers("etc/apk/repositories"), ["repositories"]);
    }

    #[test]
    fn knows_names_of_content_sets() {
        for (name, expected) in [
            (
                "rhel-8-for-x86_64-baseos-rpms",
                "cpe:/o:redhat:enterprise_linux:8::baseos",
            ),
            (
                "rhel-9-for-aarch64-appstream-rpms",
                "cpe:/a:redhat:enterprise_linux:9::appstream",
            ),
            (
                "ubi-9-for-x86_64-appstream-rpms",
                "cpe:/a:redhat:enterprise_linux:9::appstream",
            ),
            (
                "codeready-builder-for-rhel-9-x86_64-rpms",
                "cpe:/a:redhat:enterprise_linux:9::crb",
            ),
        ] {
            assert_eq!(cpe(name).as_deref(), Some(expected));
        }
        for name in [
            "",
            "rhocp-4.12-for-rhel-8-x86_64-rpms",
            "rhel-8-for-x86_64-baseos-eus-rpms",
            "rhel-x-for-y-baseos-rpms",
        ] {
            assert_eq!(cpe(name), None, "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,60}", name in "(rhel|ubi|codeready|-|for|9|rpms){0,9}") {
            read("a.json", text.as_bytes());
            read("apk/repositories", text.as_bytes());
            cpe(&name);
        }
    }
}
