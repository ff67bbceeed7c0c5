//! Numbers with separators between them and nothing else: CRAN (R's `package_version`) and
//! Hackage (`Data.Version`). Of two of which one begins the other, the longer is newer.

use std::cmp::Ordering;

use super::VersionError;
use super::number::Number;

pub(super) fn compare(a: &str, b: &str) -> Result<Ordering, VersionError> {
    let (a, b) = (numbers(a)?, numbers(b)?);
    Ok(a.cmp(&b))
}

fn numbers(version: &str) -> Result<Vec<Number<'_>>, VersionError> {
    let parts = version.split(['.', '-']);
    let numbers: Option<Vec<_>> = parts.map(Number::parse).collect();
    numbers.ok_or_else(|| VersionError::Form {
        version: version.to_owned(),
        expected: "numbers with dots or hyphens between them",
    })
}
