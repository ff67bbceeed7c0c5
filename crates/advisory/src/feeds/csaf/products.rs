//! The products of a CSAF document: platforms, packages, and packages of platforms.

use std::collections::HashMap;

use serde::Deserialize;

use crate::ecosystem;
use crate::feeds::json::nullable;
use crate::feeds::rpm;
use crate::purl::Parts;

/// No tree is deeper; real ones have five branches.
const MAX_DEPTH: usize = 32;

#[derive(Deserialize, Default)]
pub(super) struct ProductTree {
    #[serde(default, deserialize_with = "nullable")]
    branches: Vec<Branch>,
    #[serde(default, deserialize_with = "nullable")]
    full_product_names: Vec<Product>,
    #[serde(default, deserialize_with = "nullable")]
    relationships: Vec<Relationship>,
}

#[derive(Deserialize)]
struct Branch {
    product: Option<Product>,
    #[serde(default, deserialize_with = "nullable")]
    branches: Vec<Branch>,
}

#[derive(Deserialize)]
struct Product {
    #[serde(default, deserialize_with = "nullable")]
    name: String,
    product_id: String,
    #[serde(default, deserialize_with = "nullable")]
    product_identification_helper: Identification,
}

#[derive(Deserialize, Default)]
struct Identification {
    cpe: Option<String>,
    purl: Option<String>,
}

#[derive(Deserialize)]
struct Relationship {
    full_product_name: Product,
    product_reference: String,
    relates_to_product_reference: String,
}

/// A package as a product names it.
pub(super) struct Package {
    pub(super) name: String,
    pub(super) evr: Option<String>,
    pub(super) architecture: Option<String>,
    pub(super) module: Option<String>,
    namespace: String,
}

pub(super) struct Products<'t> {
    products: HashMap<&'t str, &'t Product>,
    related: HashMap<&'t str, (&'t str, &'t str)>,
}

impl<'t> Products<'t> {
    pub(super) fn of(tree: &'t ProductTree) -> Self {
        let mut products = HashMap::new();
        for product in &tree.full_product_names {
            products.insert(product.product_id.as_str(), product);
        }
        let mut open: Vec<(&Branch, usize)> = tree.branches.iter().map(|it| (it, 0)).collect();
        while let Some((branch, depth)) = open.pop() {
            if let Some(product) = &branch.product {
                products.insert(product.product_id.as_str(), product);
            }
            if depth < MAX_DEPTH {
                open.extend(branch.branches.iter().map(|it| (it, depth + 1)));
            }
        }
        let related = tree.relationships.iter().map(|it| {
            let parts = (
                it.product_reference.as_str(),
                it.relates_to_product_reference.as_str(),
            );
            (it.full_product_name.product_id.as_str(), parts)
        });
        Self {
            products,
            related: related.collect(),
        }
    }

    /// Returns the package a product id means, and the id of the platform it is for; nothing if
    /// it is no package.
    pub(super) fn package(&self, id: &str) -> Option<(Package, Option<&'t str>)> {
        let (mut reference, mut platform) = (id, None);
        // A module is a component of a platform, a package one of the module.
        for _ in 0..4 {
            let Some((inner, outer)) = self.related.get(reference) else {
                break;
            };
            platform = platform.or(Some(*outer));
            reference = inner;
        }
        let mut top = platform;
        for _ in 0..4 {
            match top.and_then(|id| self.related.get(id)) {
                Some((_, outer)) => top = Some(*outer),
                None => break,
            }
        }
        if let Some(product) = self.products.get(reference)
            && let Some(purl) = &product.product_identification_helper.purl
        {
            return Some((of_purl(purl)?, top));
        }
        top?;
        Some((of_name(reference)?, top))
    }

    /// Returns the CPE name of a platform.
    pub(super) fn cpe(&self, platform: Option<&str>) -> Option<&'t str> {
        let product = self.products.get(platform?)?;
        product.product_identification_helper.cpe.as_deref()
    }

    /// Returns the ecosystem of a package on a platform.
    pub(super) fn ecosystem(&self, package: &Package, platform: Option<&str>) -> String {
        let cpe = self.cpe(platform).unwrap_or_default();
        if let Some(product) = cpe.split_once(":redhat:").map(|(_, product)| product) {
            return ecosystem::red_hat(product);
        }
        let name = platform
            .and_then(|id| self.products.get(id))
            .map_or("", |it| it.name.as_str());
        if name.starts_with("openSUSE ") || name.starts_with("SUSE ") {
            let (family, release) = name.split_once(' ').unwrap_or((name, ""));
            return format!("{family}:{release}");
        }
        match package.namespace.as_str() {
            "redhat" => "Red Hat".to_owned(),
            "suse" => "SUSE".to_owned(),
            other if name.is_empty() => other.to_owned(),
            _ => name.to_owned(),
        }
    }
}

/// Reads `pkg:rpm/redhat/ruby@2.5.9-111?arch=i686&epoch=1&rpmmod=ruby:2.5:8090:b46a`.
fn of_purl(purl: &str) -> Option<Package> {
    let parts = Parts::of(purl).filter(|parts| parts.kind == "rpm")?;
    let (namespace, name) = parts.name.rsplit_once('/').unwrap_or(("", &parts.name));
    let epoch = parts.qualifier("epoch").filter(|epoch| *epoch != "0");
    let evr = match epoch {
        Some(epoch) => format!("{epoch}:{}", parts.version),
        None => parts.version.clone(),
    };
    Some(Package {
        name: name.to_owned(),
        evr: Some(evr).filter(|evr| evr.contains('-')),
        architecture: parts.qualifier("arch").map(str::to_owned),
        module: parts.qualifier("rpmmod").map(rpm::module),
        namespace: namespace.to_owned(),
    })
}

/// Reads a package without a package URL: `bash-4.4-9.14.1.aarch64`, `ruby:2.5/ruby`, `bash`.
fn of_name(reference: &str) -> Option<Package> {
    let (module, rest) = match reference.split_once('/') {
        Some((module, name)) if module.contains(':') => (Some(rpm::module(module)), name),
        _ => (None, reference),
    };
    if rest.is_empty() || rest.contains(char::is_whitespace) {
        return None;
    }
    let (rest, architecture) = match rest.rsplit_once('.') {
        Some((rest, architecture)) if is_architecture(architecture) => {
            (rest, Some(architecture.to_owned()))
        }
        _ => (rest, None),
    };
    let mut fields = rest.rsplitn(3, '-');
    let (release, version, name) = (fields.next()?, fields.next(), fields.next());
    let starts_with_digit = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let (name, evr) = match (name, version) {
        (Some(name), Some(version)) if starts_with_digit(version) && starts_with_digit(release) => {
            (name, Some(rpm::evr("", version, release)))
        }
        _ => (rest, None),
    };
    Some(Package {
        name: name.to_owned(),
        evr,
        architecture,
        module,
        namespace: String::new(),
    })
}

fn is_architecture(text: &str) -> bool {
    const KNOWN: [&str; 13] = [
        "x86_64", "aarch64", "noarch", "src", "nosrc", "i586", "i686", "ppc64", "ppc64le", "s390",
        "s390x", "ia64", "armv7hl",
    ];
    KNOWN.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_package_urls_and_names() {
        let package = of_purl(
            "pkg:rpm/redhat/ruby@2.5.9-111.module%2Bel8.9.0?arch=i686&epoch=2&rpmmod=ruby:2.5:8090:b4",
        );
        let package = package.expect("a package");
        assert_eq!(
            (
                package.name.as_str(),
                package.evr.as_deref(),
                package.module.as_deref()
            ),
            ("ruby", Some("2:2.5.9-111.module+el8.9.0"), Some("ruby:2.5"))
        );
        let package = of_name("kernel-default-4.12.14-150.72.1.aarch64").expect("a package");
        assert_eq!(
            (
                package.name.as_str(),
                package.evr.as_deref(),
                package.architecture.as_deref()
            ),
            ("kernel-default", Some("4.12.14-150.72.1"), Some("aarch64"))
        );
        let package = of_name("ruby:2.5/ruby").expect("a package");
        assert_eq!((package.name.as_str(), package.evr), ("ruby", None));
        assert!(of_name("SUSE Linux").is_none());
    }
}
