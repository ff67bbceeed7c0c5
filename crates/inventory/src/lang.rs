//! Languages: packages as their own package managers install or lock them.

pub(crate) mod cargo_lock;
pub(crate) mod composer;
pub(crate) mod conda;
pub(crate) mod dart;
pub(crate) mod dotnet;
pub(crate) mod erlang;
pub(crate) mod gem;
pub(crate) mod go_mod;
pub(crate) mod haskell;
pub(crate) mod julia;
pub(crate) mod lua;
pub(crate) mod nix;
pub(crate) mod npm;
pub(crate) mod npm_lock;
pub(crate) mod pnpm;
pub(crate) mod python;
pub(crate) mod python_archive;
pub(crate) mod python_lock;
pub(crate) mod r;
pub(crate) mod swift;
pub(crate) mod wordpress;
pub(crate) mod yarn;

mod document;
mod lock;
mod text;

/// Returns the folder that a file lies in, if it is not the root.
fn folder(path: &str) -> Option<String> {
    path.rsplit_once('/').map(|(folder, _)| folder.to_owned())
}

/// Returns the packages found as their URLs, each with its claim if it is not installed.
#[cfg(test)]
fn listed(findings: &crate::analyser::Findings) -> Vec<String> {
    let mut list = Vec::new();
    for found in &findings.found {
        let packages = match found {
            crate::Found::Packages(packages) => packages,
            crate::Found::Owned(_) => continue,
            found => panic!("{found:?}"),
        };
        list.extend(packages.iter().map(|package| {
            let url = crate::purl::purl(package, None);
            match package.claim {
                crate::Claim::Installed => url,
                claim => format!("{url} {claim:?}"),
            }
        }));
    }
    list
}
