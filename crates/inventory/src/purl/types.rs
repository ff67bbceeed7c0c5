//! What the types of package URLs ask for (purl-spec, `types/`).

use super::{PackageUrl, PurlError};

const NO_NAMESPACE: &[&str] = &[
    "bazel",
    "bitnami",
    "cargo",
    "chrome-extension",
    "cocoapods",
    "conda",
    "cran",
    "gem",
    "hackage",
    "julia",
    "mlflow",
    "nuget",
    "oci",
    "opam",
    "otp",
    "pub",
    "pypi",
    "vcpkg",
];
const NEEDS_NAMESPACE: &[&str] = &[
    "alpm",
    "apk",
    "bitbucket",
    "composer",
    "deb",
    "github",
    "swift",
    "vscode-extension",
];
const LOWER_NAMESPACE: &[&str] = &[
    "alpm",
    "apk",
    "bitbucket",
    "brew",
    "composer",
    "deb",
    "github",
    "golang",
    "hex",
    "luarocks",
    "qpkg",
    "rpm",
    "vscode-extension",
];
const LOWER_NAME: &[&str] = &[
    "alpm",
    "apk",
    "bitbucket",
    "bitnami",
    "brew",
    "chrome-extension",
    "composer",
    "deb",
    "github",
    "golang",
    "hex",
    "luarocks",
    "oci",
    "otp",
    "pub",
    "pypi",
    "vscode-extension",
];
const LOWER_VERSION: &[&str] = &["huggingface", "oci", "pypi", "vscode-extension"];

/// Returns whether the name may have slashes, which are not escaped.
pub(super) fn is_path(kind: &str) -> bool {
    kind == "git"
}

/// Returns namespace and name: the last segment is the name, but for a repository of Git,
/// whose namespace is the host.
pub(super) fn split_name<'t>(kind: &str, path: &'t str) -> (&'t str, &'t str) {
    let parts = if is_path(&kind.to_ascii_lowercase()) {
        path.split_once('/')
    } else {
        path.rsplit_once('/')
    };
    parts.unwrap_or(("", path))
}

/// Brings the parts into the form that the type asks for.
pub(super) fn normalise(url: &mut PackageUrl) {
    let kind = url.kind.as_str();
    let has = |list: &[&str]| list.contains(&kind);
    // Its models are case-sensitive or not as their server says.
    let databricks = kind == "mlflow"
        && url
            .qualifiers
            .get("repository_url")
            .is_some_and(|server| server.contains("databricks"));
    let github = kind == "git" && url.namespace.eq_ignore_ascii_case("github");
    if has(LOWER_NAMESPACE) || github {
        url.namespace = url.namespace.to_lowercase();
    }
    if has(LOWER_NAME) || databricks || github {
        url.name = url.name.to_lowercase();
    }
    if has(LOWER_VERSION) {
        url.version = url.version.to_lowercase();
    }
    let other = |c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    match kind {
        "pypi" => url.name = url.name.replace('_', "-"),
        "pub" => url.name = url.name.replace(other, "_"),
        _ => {}
    }
}

/// Checks what the type asks for.
pub(super) fn check(url: &PackageUrl) -> Result<(), PurlError> {
    let kind = url.kind.as_str();
    let rules = [
        (
            NO_NAMESPACE.contains(&kind) && !url.namespace.is_empty(),
            "has no namespace",
        ),
        (
            NEEDS_NAMESPACE.contains(&kind) && url.namespace.is_empty(),
            "has a namespace",
        ),
        (
            kind == "julia" && !url.qualifiers.contains_key("uuid"),
            "has a qualifier `uuid`",
        ),
        (
            kind == "cpan" && url.name.contains("::"),
            "names a distribution, not a module",
        ),
        (
            kind == "chrome-extension" && !is_extension(&url.name, &url.version),
            "has an identifier of 32 letters and up to four numbers",
        ),
    ];
    match rules.into_iter().find(|(broken, _)| *broken) {
        Some((_, rule)) => Err(PurlError::Rule {
            kind: kind.to_owned(),
            rule,
        }),
        None => Ok(()),
    }
}

fn is_extension(name: &str, version: &str) -> bool {
    let parts = || version.split('.');
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    name.len() == 32
        && name.bytes().all(|byte| matches!(byte, b'a'..=b'p'))
        && (version.is_empty() || parts().count() <= 4 && parts().all(number))
}
