//! Folders, above all those that package managers fill, wherever they lie. Each analyser names
//! those of its own package manager ([`Analyser::fills`]); here a path is looked up in all of
//! them at once.
//!
//! [`Analyser::fills`]: crate::analyser::Analyser::fills

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use crate::analyser::ANALYSERS;

/// A folder, as the last part or parts of its path, and what it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fills {
    /// What others published, and nothing else.
    Published(&'static str),
    /// Packages, perhaps beside what nobody published.
    Packages(&'static str),
    /// What is said of packages that lie elsewhere.
    Records(&'static str),
}

impl Fills {
    fn folder(self) -> &'static str {
        match self {
            Self::Published(folder) | Self::Packages(folder) | Self::Records(folder) => folder,
        }
    }
}

/// Returns the folder that holds a file; the root, as all paths have it, is empty.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Returns whether a file lies among what others published: what it holds is no secret.
pub(crate) fn is_published(path: &str) -> bool {
    // Users have names of their own, such as `gems`.
    let user = path.strip_prefix("home/").and_then(|rest| rest.find('/'));
    let own = user.map_or(0, |end| "home/".len() + end);
    filled(path).any(|(start, fills)| start >= own && matches!(fills, Fills::Published(_)))
}

/// Returns whether a file lies within a package: a lock file in there is the one that its
/// developers used, and says nothing of the image.
pub(crate) fn is_of_a_package(path: &str) -> bool {
    filled(path).any(|(_, fills)| !matches!(fills, Fills::Records(_)))
}

/// Returns the folder for which a file was installed: that which holds the innermost one that a
/// package manager filled. Without any, a file may be the project's own.
pub(crate) fn installed_for(path: &str) -> Option<&str> {
    let (start, _) = filled(path).last()?;
    Some(path[..start].trim_end_matches('/'))
}

/// All of them, ready to be found.
struct Search {
    /// Finds each folder with the slash behind it. None begins within another, so that they
    /// need not be looked for upon one another.
    folders: AhoCorasick,
    /// What each holds.
    fills: Vec<Fills>,
}

static SEARCH: LazyLock<Search> = LazyLock::new(|| {
    let fills = ANALYSERS.iter().flat_map(|analyser| analyser.fills);
    let fills: Vec<_> = fills.copied().collect();
    let folders = fills.iter().map(|fills| format!("{}/", fills.folder()));
    Search {
        folders: AhoCorasick::new(folders).expect("a few short names fit any automaton"),
        fills,
    }
});

/// Returns where in a path folders begin that package managers fill, outermost first.
fn filled(path: &str) -> impl Iterator<Item = (usize, Fills)> {
    SEARCH.folders.find_iter(path).filter_map(|hit| {
        let start = hit.start();
        let begins = start == 0 || path.as_bytes()[start - 1] == b'/';
        begins.then(|| (start, SEARCH.fills[hit.pattern().as_usize()]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_folders_hold() {
        for path in [
            "usr/lib/python3/dist-packages/a/b.py",
            "node_modules/a/yarn.lock",
            "root/go/pkg/mod/a/go.mod",
            "usr/lib/ruby/gems/3.1.0/gems/a/b.rb",
        ] {
            assert!(is_published(path) && is_of_a_package(path), "{path}");
        }
        for path in ["srv/vendor/a/b", "vendor/gems.locked", "root/.npm/_logs/a"] {
            assert!(!is_published(path) && is_of_a_package(path), "{path}");
        }
        for path in [
            "srv/my-vendor/a",
            "srv/vendors/a",
            "srv/node_modules",
            "srv/specifications/yarn.lock",
            "srv/mod/pkg/a",
        ] {
            assert!(!is_published(path) && !is_of_a_package(path), "{path}");
        }
        assert!(!is_published("home/gems/a") && is_published("home/gems/node_modules/a"));
    }

    #[test]
    fn what_is_installed_is_for_a_folder() {
        let tree = "srv/specifications/app/node_modules/a/package.json";
        assert_eq!(installed_for(tree), Some("srv/specifications/app"));
        let gem = "srv/app/.bundle/ruby/3.1.0/specifications/a-1.gemspec";
        assert_eq!(installed_for(gem), Some("srv/app/.bundle/ruby/3.1.0"));
        assert_eq!(installed_for("node_modules/a/package.json"), Some(""));
        assert_eq!(installed_for("srv/app/package.json"), None);
    }

    #[test]
    fn none_begins_within_another_or_is_there_twice() {
        let all: Vec<_> = SEARCH
            .fills
            .iter()
            .map(|one| format!("{}/", one.folder()))
            .collect();
        for one in &all {
            let within = |other: &&String| {
                one.match_indices('/')
                    .any(|(at, _)| one[at + 1..].starts_with(other.as_str()))
            };
            assert!(!all.iter().any(|other| within(&other)), "{one}");
            assert_eq!(all.iter().filter(|other| *other == one).count(), 1, "{one}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(path in "(home/|vendor/|é|/|gems|pkg/mod/){0,8}") {
            is_published(&path);
            installed_for(&path);
        }
    }
}
