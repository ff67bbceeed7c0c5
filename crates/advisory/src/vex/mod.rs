//! VEX: what somebody who knows a product says about vulnerabilities in it.
//!
//! Read are OpenVEX, CycloneDX (with `analysis`) and CSAF 2.0 (profile VEX). Statements are
//! applied after matching; they never hide a finding without naming who said so and why. Where
//! several statements are about one finding the newest holds; of equally old ones the one that
//! lets the finding stand.

mod csaf;
mod cyclonedx;
mod document;
mod openvex;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::purl;

pub use crate::purl::covers as purl_covers;
pub use document::{
    MAX_OPENVEX, MAX_OPENVEX_STATEMENTS, OpenVex, OpenVexError, OpenVexName, OpenVexProduct,
    OpenVexStatement, OpenVexVulnerability,
};

/// Bytes of a document; real ones have some kilobytes, the largest some megabytes.
pub const MAX_DOCUMENT: usize = 64 << 20;
/// Statements of one document.
const MAX_STATEMENTS: usize = 1_000_000;

/// What is said about a vulnerability in a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The product is affected.
    Affected,
    /// Nobody knows yet.
    UnderInvestigation,
    /// The product holds the fix.
    Fixed,
    /// The product is not affected.
    NotAffected,
}

impl Status {
    /// Returns OpenVEX' word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Affected => "affected",
            Self::UnderInvestigation => "under_investigation",
            Self::Fixed => "fixed",
            Self::NotAffected => "not_affected",
        }
    }

    /// Returns whether a finding with this status needs no further work.
    pub fn closes(self) -> bool {
        matches!(self, Self::Fixed | Self::NotAffected)
    }
}

/// One statement, in one shape for every format.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The vulnerability's names.
    pub vulnerability: Vec<String>,
    /// What it is about.
    pub products: Vec<Product>,
    /// What is said.
    pub status: Status,
    /// The format's word for the reason (`vulnerable_code_not_present`, `code_not_reachable`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// The reason, or what to do, in the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Who said so.
    pub author: String,
    /// When, RFC 3339, as written; or empty.
    pub timestamp: String,
    /// The document's id.
    pub document: String,
}

/// A product that a statement is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    /// Package URLs, digests, CPE names or other identifiers; each names it.
    pub names: Vec<String>,
    /// The parts that are meant; none for the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Vec<String>>,
}

/// Why a document is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VexError {
    /// Too large.
    #[error("the document has {length} bytes; at most {MAX_DOCUMENT} are read")]
    TooLarge {
        /// Bytes found.
        length: usize,
    },
    /// Not JSON.
    #[error("the document is not JSON: {reason}")]
    Json {
        /// What the parser says.
        reason: String,
    },
    /// JSON of another kind.
    #[error("the document is neither OpenVEX, nor CycloneDX, nor CSAF: {reason}")]
    Foreign {
        /// What is missing.
        reason: String,
    },
    /// Too many statements.
    #[error("the document has more than {MAX_STATEMENTS} statements")]
    TooMany,
}

/// Reads a document of any of the formats. A statement that says nothing (no vulnerability, an
/// unknown status) is left out.
///
/// # Errors
/// The document is no VEX document, or exceeds a limit.
pub fn read(bytes: &[u8]) -> Result<Vec<Statement>, VexError> {
    if bytes.len() > MAX_DOCUMENT {
        return Err(VexError::TooLarge {
            length: bytes.len(),
        });
    }
    let document: Value = serde_json::from_slice(bytes).map_err(|error| VexError::Json {
        reason: error.to_string(),
    })?;
    let statements = if openvex::is(&document) {
        openvex::read(&document)
    } else if cyclonedx::is(&document) {
        cyclonedx::read(&document)
    } else if csaf::is(&document) {
        csaf::read(&document)
    } else {
        return Err(VexError::Foreign {
            reason:
                "it has no `@context` of openvex.dev, no `bomFormat`, no `document.csaf_version`"
                    .to_owned(),
        });
    };
    match statements.len() > MAX_STATEMENTS {
        true => Err(VexError::TooMany),
        false => Ok(statements),
    }
}

/// What a statement may be about: an image and a component in it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The names of the vulnerability: CVE id and aliases.
    pub vulnerability: &'a [&'a str],
    /// The component's package URL.
    pub purl: &'a str,
    /// Names of the image: digests, references, package URLs.
    pub image: &'a [String],
}

/// Returns the statement that holds for a target, if one is about it.
pub fn applicable<'a>(statements: &'a [Statement], target: Target<'_>) -> Option<&'a Statement> {
    let about = statements.iter().filter(|statement| {
        let named = statement.vulnerability.iter();
        let mut named = named.filter(|name| target.vulnerability.contains(&name.as_str()));
        named.next().is_some() && statement.products.iter().any(|it| is_meant(it, target))
    });
    about.max_by(|a, b| {
        let same = a.timestamp.cmp(&b.timestamp);
        same.then_with(|| b.status.cmp(&a.status))
    })
}

/// A product with parts is the image and a part of it the component; one without is either.
fn is_meant(product: &Product, target: Target<'_>) -> bool {
    let is_component = |names: &[String]| names.iter().any(|name| purl::covers(name, target.purl));
    let is_image = || {
        let names = product.names.iter();
        let mut names =
            names.filter(|name| target.image.iter().any(|own| is_same_image(name, own)));
        names.next().is_some()
    };
    match product.parts.is_empty() {
        true => is_component(&product.names) || is_image(),
        false => is_image() && product.parts.iter().any(|part| is_component(part)),
    }
}

/// An image is named by its digest, its whole reference, or an `oci` package URL.
fn is_same_image(name: &str, own: &str) -> bool {
    if name == own {
        return true;
    }
    let digest = |text: &str| {
        let at = text.find("sha256:").or_else(|| text.find("sha256%3A"))?;
        let text = text[at..].replace("%3A", ":");
        text.get(..71).map(str::to_owned)
    };
    match digest(name) {
        Some(digest) => own.contains(&digest),
        None => purl::covers(name, own),
    }
}

/// Takes a text at a path of keys.
fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    let mut at = value;
    for key in path {
        at = at.get(key)?;
    }
    at.as_str().filter(|text| !text.is_empty())
}

/// Takes a list at a key; nothing for anything else.
fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}
