//! Under which keys of the database the statements about a package are found.

use crate::ecosystem::package_name;
use crate::record::CPE;

use super::{Package, cpe};

/// The version of the rules of matching; other numbers mean that the same database may say other
/// things of the same package, or be asked under other keys.
pub const RULES_VERSION: u32 = 2;

/// Returns the ecosystems and names under which a package is looked up, whether or not a
/// database knows them; each once. A database that differs from another under none of them, and
/// knows the same ecosystems, says the same of the package (see
/// [`Database::changed_packages`](crate::database::Database::changed_packages)).
pub fn keys(package: &Package) -> Vec<(String, String)> {
    let mut keys = Vec::new();
    if let Ok(place) = package.place() {
        let (name, _) = package.key();
        for ecosystem in place.ecosystems.iter().chain(&place.extended) {
            let name = package_name(ecosystem, name).into_owned();
            keys.push((ecosystem.clone(), name));
        }
    }
    for name in package.cpes.iter().filter_map(|name| cpe::key(name)) {
        let name = package_name(CPE, &name).into_owned();
        keys.push((CPE.to_owned(), name));
    }
    let mut seen = std::collections::HashSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matching::Kind;

    #[test]
    fn a_package_is_found_under_every_name_it_is_looked_up_by() {
        let ubuntu = Package {
            kind: Kind::Deb,
            distribution: "ubuntu".to_owned(),
            version_id: "22.04".to_owned(),
            name: "libssl3".to_owned(),
            source_name: "openssl".to_owned(),
            ..Package::default()
        };
        let of = |text: &str| (text.to_owned(), "openssl".to_owned());
        assert_eq!(keys(&ubuntu), [of("Ubuntu:22.04"), of("Ubuntu:Pro:22.04")]);
        let program = Package {
            cpes: vec!["cpe:2.3:a:Nginx:nginx:1.2:*:*:*:*:*:*:*".to_owned()],
            ..Package::default()
        };
        let cpe = (CPE.to_owned(), "a:nginx:nginx".to_owned());
        assert_eq!(keys(&program), [cpe]);
    }
}
