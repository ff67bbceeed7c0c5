//! Go's versions: semantic versioning with a `v`, and the toolchain's own (`go1.21rc2`).
//!
//! Pseudo-versions (`v0.0.0-20210101000000-abcdef123456`, `v1.2.4-0.2021…`) are made so that
//! semantic versioning orders them. The toolchain writes `go1.21rc2` and `go1.20`, which
//! advisories write `1.21.0-rc.2` and `1.20.0`.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::semver::{self, Dialect};
use super::{VersionError, number::is_digits};

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (normal(a), normal(b));
    semver::compare(Dialect::Plain, &a, &b)
}

/// Returns the semantic version of a toolchain's, with or without its `go`; any other as it is.
fn normal(version: &str) -> Cow<'_, str> {
    let text = match version.strip_prefix("go") {
        // Experiments and distributions add to it: `go1.22.1 X:boringcrypto`, `go1.22.1-fips`.
        Some(text) => text.split([' ', '-']).next().unwrap_or(text),
        None => version,
    };
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (release, suffix) = text.split_at(end.unwrap_or(text.len()));
    for word in ["rc", "beta"] {
        let number = suffix.strip_prefix(word);
        if let Some(number) = number.filter(|number| is_digits(number)) {
            return Cow::Owned(format!("{release}-{word}.{number}"));
        }
    }
    Cow::Borrowed(text)
}
