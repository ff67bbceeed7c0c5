//! OpenVEX 0.2.0 as a document to write, and to read where every statement counts
//! (<https://github.com/openvex/spec/blob/main/OPENVEX-SPEC.md>).
//!
//! Elsewhere in this module statements that say nothing are left out; here they are an error that
//! names its place, because somebody waits for each of them to be taken up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Status;

/// Bytes of a document.
pub const MAX_OPENVEX: usize = 1 << 20;
/// Statements of a document.
pub const MAX_OPENVEX_STATEMENTS: usize = 1_000;
/// Products and parts of a document, over all statements.
const MAX_NAMED: usize = 10_000;
/// What every document names.
const CONTEXT: &str = "https://openvex.dev/ns/v0.2.0";

/// A document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenVex {
    /// The edition of the format.
    #[serde(rename = "@context")]
    pub context: String,
    /// Its id.
    #[serde(rename = "@id")]
    pub id: String,
    /// Who says so.
    pub author: String,
    /// When, RFC 3339.
    pub timestamp: String,
    /// Counts up with every change.
    pub version: u64,
    /// What wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tooling: Option<String>,
    /// What is said.
    pub statements: Vec<OpenVexStatement>,
}

/// A statement of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenVexStatement {
    /// Its id.
    #[serde(rename = "@id", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// About what.
    pub vulnerability: OpenVexVulnerability,
    /// When, RFC 3339; the document's time if it does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<String>,
    /// In what.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<OpenVexProduct>,
    /// What is said.
    pub status: Status,
    /// Remarks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_notes: Option<String>,
    /// Why a product is not affected, in one of the format's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// Why a product is not affected, in the author's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact_statement: Option<String>,
    /// What to do where it is affected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_statement: Option<String>,
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenVexVulnerability {
    /// Its name.
    pub name: String,
    /// Its other names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// A product, with the parts that are meant; none for the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenVexProduct {
    /// What it is.
    #[serde(flatten)]
    pub name: OpenVexName,
    /// The parts that are meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subcomponents: Vec<OpenVexName>,
}

/// The names of a product or part.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenVexName {
    /// A package URL or another IRI.
    #[serde(rename = "@id", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Further names, by kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub identifiers: BTreeMap<String, String>,
    /// Digests in hexadecimal, by algorithm.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hashes: BTreeMap<String, String>,
}

impl OpenVexName {
    /// Returns a name with this id.
    pub fn of(id: String) -> Self {
        Self {
            id: Some(id),
            ..Self::default()
        }
    }

    /// Returns every name, digests as `sha256:…`.
    pub fn all(&self) -> impl Iterator<Item = String> {
        let digest = self
            .hashes
            .get("sha-256")
            .map(|hex| format!("sha256:{hex}"));
        let named = self.id.iter().chain(self.identifiers.values()).cloned();
        named.chain(digest)
    }
}

/// Why a document is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenVexError {
    /// Too large.
    #[error("the document has {length} bytes; at most {MAX_OPENVEX} are read")]
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
    /// Not this edition of the format.
    #[error("the document's `@context` is `{context}`; OpenVEX 0.2.0 is read: `{CONTEXT}`")]
    Foreign {
        /// What it says, cut short.
        context: String,
    },
    /// A part of it is not as the format says.
    #[error("`{path}`: {reason}")]
    Malformed {
        /// Where, for example `statements[3].status`.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// Too many statements or names.
    #[error("the document has {count} {what}; at most {most} are read")]
    TooMany {
        /// How many there are.
        count: usize,
        /// Of what.
        what: &'static str,
        /// How many may be.
        most: usize,
    },
}

impl OpenVex {
    /// Returns a document of this edition.
    pub fn new(id: String, author: String, timestamp: String, version: u64) -> Self {
        Self {
            context: CONTEXT.to_owned(),
            id,
            author,
            timestamp,
            version,
            tooling: None,
            statements: Vec::new(),
        }
    }

    /// Reads a document, and every statement of it.
    ///
    /// # Errors
    /// It is another edition or format, breaks the format's rules, or exceeds a limit.
    pub fn read(bytes: &[u8]) -> Result<Self, OpenVexError> {
        let length = bytes.len();
        if length > MAX_OPENVEX {
            return Err(OpenVexError::TooLarge { length });
        }
        let value: serde_json::Value =
            serde_json::from_slice(bytes).map_err(|error| OpenVexError::Json {
                reason: error.to_string(),
            })?;
        let context = value.get("@context").and_then(serde_json::Value::as_str);
        let context = context.unwrap_or_default();
        if !context.starts_with("https://openvex.dev/ns/v0.2.") {
            return Err(OpenVexError::Foreign {
                context: context.chars().take(200).collect(),
            });
        }
        let document: Self =
            serde_path_to_error::deserialize(value).map_err(|error| OpenVexError::Malformed {
                path: error.path().to_string(),
                reason: error.inner().to_string(),
            })?;
        document.check()?;
        Ok(document)
    }

    fn check(&self) -> Result<(), OpenVexError> {
        let too_many = |count, what, most| {
            let error = OpenVexError::TooMany { count, what, most };
            (count > most).then_some(error)
        };
        let products = self.statements.iter().flat_map(|it| &it.products);
        let named = products
            .map(|product| 1 + product.subcomponents.len())
            .sum();
        let many = too_many(self.statements.len(), "statements", MAX_OPENVEX_STATEMENTS)
            .or_else(|| too_many(named, "products and subcomponents", MAX_NAMED));
        if let Some(error) = many {
            return Err(error);
        }
        let malformed = |path: String, reason: &str| OpenVexError::Malformed {
            path,
            reason: reason.to_owned(),
        };
        if self.statements.is_empty() {
            return Err(malformed("statements".to_owned(), "there is none"));
        }
        for (number, statement) in self.statements.iter().enumerate() {
            for (place, product) in statement.products.iter().enumerate() {
                let path = || format!("statements[{number}].products[{place}]");
                if product.name.all().next().is_none() {
                    return Err(malformed(path(), "it has neither `@id` nor `identifiers`"));
                }
                let parts = product.subcomponents.iter();
                if let Some(part) = parts
                    .map(OpenVexName::all)
                    .position(|mut it| it.next().is_none())
                {
                    let path = format!("{}.subcomponents[{part}]", path());
                    return Err(malformed(path, "it has neither `@id` nor `identifiers`"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn name() -> impl Strategy<Value = OpenVexName> {
        let id = prop::option::of("pkg:[a-z]{1,4}/[a-z]{1,4}(@[0-9]{1,3})?");
        let identifiers = prop::collection::btree_map("purl|cpe23", "[!-~]{1,9}", 0..2);
        let hashes = prop::collection::btree_map("sha-256|md5", "[0-9a-f]{1,9}", 0..2);
        let name = (id, identifiers, hashes).prop_map(|(id, identifiers, hashes)| OpenVexName {
            id,
            identifiers,
            hashes,
        });
        name.prop_filter("named", |name| name.all().next().is_some())
    }

    prop_compose! {
        fn statement()(
            id in prop::option::of("[!-~]{1,9}"),
            name in "CVE-[0-9]{1,4}",
            aliases in prop::collection::vec("GHSA-[a-z]{1,4}", 0..3),
            products in prop::collection::vec((name(), prop::collection::vec(name(), 0..3)), 0..3),
            status in prop::sample::select(vec![Status::Affected, Status::Fixed, Status::NotAffected, Status::UnderInvestigation]),
            texts in prop::collection::vec(prop::option::of("\\PC{0,20}"), 5),
        ) -> OpenVexStatement {
            let products = products.into_iter().map(|(name, subcomponents)| OpenVexProduct { name, subcomponents });
            OpenVexStatement {
                id,
                vulnerability: OpenVexVulnerability { name, aliases },
                timestamp: texts[0].clone(),
                products: products.collect(),
                status,
                status_notes: texts[1].clone(),
                justification: texts[2].clone(),
                impact_statement: texts[3].clone(),
                action_statement: texts[4].clone(),
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(statements in prop::collection::vec(statement(), 1..5), version in 0_u64..100) {
            let mut document = OpenVex::new("https://example.com/1".to_owned(), "A".to_owned(), "2026-01-01T00:00:00Z".to_owned(), version);
            document.statements = statements;
            let bytes = serde_json::to_vec(&document).expect("written");
            prop_assert_eq!(OpenVex::read(&bytes), Ok(document));
        }

        #[test]
        fn no_input_is_a_panic(text in "\\PC{0,200}") {
            drop(OpenVex::read(text.as_bytes()));
            let document = json!({"@context": CONTEXT, "@id": "x", "author": "x", "timestamp": "x", "version": 1, "statements": [{"vulnerability": {"name": text}, "status": "fixed"}]});
            prop_assert!(OpenVex::read(document.to_string().as_bytes()).is_ok());
        }
    }

    fn refused(document: &serde_json::Value) -> String {
        let read = OpenVex::read(document.to_string().as_bytes());
        read.expect_err("refused").to_string()
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        let with = |statements: serde_json::Value| json!({"@context": CONTEXT, "@id": "x", "author": "x", "timestamp": "x", "version": 1, "statements": statements});
        let cve = json!({"name": "CVE-1"});
        insta::assert_snapshot!(refused(&json!({})), @"the document's `@context` is ``; OpenVEX 0.2.0 is read: `https://openvex.dev/ns/v0.2.0`");
        insta::assert_snapshot!(refused(&with(json!([]))), @"`statements`: there is none");
        insta::assert_snapshot!(refused(&with(json!([{"vulnerability": cve, "status": "fine"}]))), @"`statements[0].status`: unknown variant `fine`, expected one of `affected`, `under_investigation`, `fixed`, `not_affected`");
        insta::assert_snapshot!(refused(&with(json!([{"vulnerability": "CVE-1", "status": "fixed"}]))), @"`statements[0].vulnerability`: invalid type: string \"CVE-1\", expected struct OpenVexVulnerability");
        insta::assert_snapshot!(refused(&with(json!([{"vulnerability": cve, "status": "fixed", "products": [{"@id": "pkg:oci/x", "subcomponents": [{}]}]}]))), @"`statements[0].products[0].subcomponents[0]`: it has neither `@id` nor `identifiers`");
        let one = json!({"vulnerability": cve, "status": "fixed"});
        insta::assert_snapshot!(refused(&with(vec![one; 1_001].into())), @"the document has 1001 statements; at most 1000 are read");
        let long = OpenVex::read(&vec![b' '; MAX_OPENVEX + 1]);
        insta::assert_snapshot!(long.expect_err("too long"), @"the document has 1048577 bytes; at most 1048576 are read");
        insta::assert_snapshot!(OpenVex::read(b"{").expect_err("cut off"), @"the document is not JSON: EOF while parsing an object at line 1 column 1");
    }
}
