//! R's packages: the `DESCRIPTION` of each installed one, to which the installation adds a
//! field `Built` (cran.r-project.org, "Writing R Extensions").

use super::{folder, lock, text::fields};
use crate::{
    Kind, Package,
    analyser::{Analyser, Findings, Reading, Want},
    licenses,
};

/// Reads `DESCRIPTION`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "r",
    wants: &[Want::Name("DESCRIPTION")],
    read: Reading::Whole {
        most: 1 << 20,
        read: |_, bytes| read(bytes),
    },
    own_folder: |_, path| folder(path),
    ..Analyser::BASE
};

fn read(bytes: &[u8]) -> Findings {
    let text = String::from_utf8_lossy(bytes);
    let fields = fields(&text);
    let get = |name: &str| {
        let field = fields.iter().find(|(key, _)| *key == name);
        field.map_or("", |(_, value)| value.as_str())
    };
    let (name, version) = (get("Package"), get("Version"));
    // Other programs have files of that name, and sources are no installed package.
    if get("Built").is_empty() || !lock::is_sound(name) || !lock::is_sound(version) {
        return Findings::default();
    }
    let needs = [get("Depends"), get("Imports"), get("LinkingTo")];
    let needs = needs.iter().flat_map(|list| list.split(','));
    let needs = needs.filter_map(|one| one.split(['(', ' ']).find(|word| !word.is_empty()));
    let mut needs: Vec<_> = needs
        .filter(|name| *name != "R")
        .map(str::to_owned)
        .collect();
    needs.sort_unstable();
    needs.dedup();
    let licenses = get("License").split('|');
    let licenses = licenses.filter(|name| !name.trim().starts_with("file "));
    let licenses = licenses.filter_map(licenses::normalise);
    Findings::packages(vec![Package {
        licenses: licenses.collect(),
        maintainer: Some(get("Maintainer").to_owned()).filter(|name| !name.is_empty()),
        dependencies: needs,
        ..Package::new(Kind::Cran, name, version)
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Found, analyser::readers, lang::listed};

    #[test]
    fn reads_installed_packages() {
        let findings = read(
            b"Package: caret\nVersion: 6.0-88\nTitle: Classification\n  and more\nLicense: GPL (>= 2) | file LICENSE\n\
            Depends: R (>= 3.2.0), lattice (>= 0.20),\n        ggplot2\nImports: e1071\nMaintainer: M <m@example.org>\n\
            Built: R 4.1.0; x86_64; 2021; unix\n",
        );
        assert_eq!(listed(&findings), ["pkg:cran/caret@6.0-88"]);
        let Found::Packages(packages) = &findings.found[0] else {
            panic!("{findings:?}");
        };
        assert_eq!(packages[0].dependencies, ["e1071", "ggplot2", "lattice"]);
        assert_eq!(packages[0].licenses, ["GPL-2.0-or-later"]);
    }

    #[test]
    fn what_is_no_installed_package() {
        for text in [
            "",
            "A text: of another program",
            "Package: a\nVersion: 1\n",
            "Package: a b\nVersion: 1\nBuilt: R\n",
            "Version: 1\nBuilt: R\n",
        ] {
            let findings = read(text.as_bytes());
            assert!(
                findings.found.is_empty() && findings.problems.is_empty(),
                "{text}"
            );
        }
        assert_eq!(readers("usr/lib/R/library/caret/DESCRIPTION"), ["r"]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "((Package|Version|Built|License|Depends)?[:|(, é]{0,6}[a1]{0,3}\n?){0,9}") {
            read(text.as_bytes());
        }
    }
}
