//! CSAF 2.0 (<https://docs.oasis-open.org/csaf/csaf/v2.0/csaf-v2.0.html>), advisories and VEX, as
//! Red Hat (`https://security.access.redhat.com/data/csaf/v2/vex/`) and SUSE
//! (`https://ftp.suse.com/pub/projects/security/csaf-vex/`) publish them.
//!
//! A document has a tree of products (section 3.2.2) and vulnerabilities whose statuses name
//! products by id (3.2.3.9). Red Hat and SUSE combine a platform and a package in one product
//! ("relationships"). One record comes out per vulnerability.

mod products;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use crate::cvss::Severity;
use crate::record::{
    Advisory, Affected, Authority, Qualifiers, Range, Reference, SeverityEntry, Status,
};

use super::json::{Context, from_slice, nullable};
use products::{Package, ProductTree, Products};

#[derive(Deserialize)]
struct Document {
    document: Head,
    #[serde(default, deserialize_with = "nullable")]
    product_tree: ProductTree,
    #[serde(default, deserialize_with = "nullable")]
    vulnerabilities: Vec<Vulnerability>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(default, deserialize_with = "nullable")]
    aggregate_severity: Words,
    #[serde(default, deserialize_with = "nullable")]
    title: String,
    tracking: Tracking,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<Link>,
}

#[derive(Deserialize, Default)]
struct Words {
    #[serde(default, deserialize_with = "nullable")]
    text: String,
}

#[derive(Deserialize)]
struct Tracking {
    id: String,
    #[serde(default)]
    initial_release_date: Option<String>,
    #[serde(default)]
    current_release_date: Option<String>,
}

#[derive(Deserialize, Clone)]
struct Link {
    #[serde(default, deserialize_with = "nullable")]
    category: String,
    #[serde(default, deserialize_with = "nullable")]
    url: String,
}

#[derive(Deserialize)]
struct Vulnerability {
    #[serde(default)]
    cve: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    ids: Vec<Words>,
    #[serde(default, deserialize_with = "nullable")]
    title: String,
    #[serde(default, deserialize_with = "nullable")]
    cwe: Cwe,
    #[serde(default, deserialize_with = "nullable")]
    notes: Vec<Note>,
    #[serde(default, deserialize_with = "nullable")]
    product_status: BTreeMap<String, Vec<String>>,
    #[serde(default, deserialize_with = "nullable")]
    scores: Vec<Score>,
    #[serde(default, deserialize_with = "nullable")]
    threats: Vec<About>,
    #[serde(default, deserialize_with = "nullable")]
    remediations: Vec<About>,
    #[serde(default, deserialize_with = "nullable")]
    flags: Vec<About>,
    #[serde(default, deserialize_with = "nullable")]
    references: Vec<Link>,
    #[serde(default)]
    release_date: Option<String>,
}

#[derive(Deserialize, Default)]
struct Cwe {
    #[serde(default, deserialize_with = "nullable")]
    id: String,
}

#[derive(Deserialize)]
struct Note {
    #[serde(default, deserialize_with = "nullable")]
    category: String,
    #[serde(default, deserialize_with = "nullable")]
    text: String,
}

#[derive(Deserialize)]
struct Score {
    cvss_v2: Option<Value>,
    cvss_v3: Option<Value>,
    cvss_v4: Option<Value>,
}

/// A threat, a remediation or a flag: a word about some products, or about all.
#[derive(Deserialize)]
struct About {
    #[serde(default, deserialize_with = "nullable", alias = "label")]
    category: String,
    #[serde(default, deserialize_with = "nullable")]
    details: String,
    #[serde(default, deserialize_with = "nullable")]
    product_ids: Vec<String>,
}

pub(super) fn parse(text: &[u8], context: &Context<'_>) -> Result<Vec<Advisory>, String> {
    let document: Document = from_slice(text)?;
    if document.vulnerabilities.is_empty() {
        return Err(format!(
            "{} has no vulnerabilities",
            document.document.tracking.id
        ));
    }
    let products = Products::of(&document.product_tree);
    let advisories = document.vulnerabilities.iter();
    Ok(advisories
        .map(|it| it.advisory(&document.document, &products, context.source))
        .collect())
}

impl Vulnerability {
    fn advisory(&self, head: &Head, products: &Products<'_>, source: &str) -> Advisory {
        let tracking = &head.tracking;
        let cve = self
            .cve
            .clone()
            .or_else(|| self.ids.first().map(|id| id.text.clone()));
        let upstream = cve.into_iter().filter(|cve| *cve != tracking.id);
        let note = |category: &str| {
            let found = self.notes.iter().find(|note| note.category == category);
            found.map(|note| note.text.clone()).unwrap_or_default()
        };
        let summary = if self.title.is_empty() {
            &head.title
        } else {
            &self.title
        };
        let links = head.references.iter().chain(&self.references);
        Advisory {
            id: tracking.id.clone(),
            source: source.to_owned(),
            authority: Authority::Distribution,
            upstream: upstream.collect(),
            summary: summary.clone(),
            details: note("description"),
            published: self
                .release_date
                .clone()
                .or(tracking.initial_release_date.clone()),
            modified: tracking.current_release_date.clone(),
            weaknesses: Some(self.cwe.id.clone())
                .filter(|id| !id.is_empty())
                .into_iter()
                .collect(),
            severities: self.severities(head, source),
            references: links
                .filter(|link| !link.url.is_empty())
                .map(|link| Reference {
                    kind: if link.category == "self" {
                        "ADVISORY"
                    } else {
                        "WEB"
                    }
                    .to_owned(),
                    url: link.url.clone(),
                })
                .collect(),
            affected: self.affected(products),
            ..Advisory::default()
        }
    }

    fn severities(&self, head: &Head, source: &str) -> Vec<SeverityEntry> {
        let entry = || SeverityEntry {
            source: source.to_owned(),
            authority: Authority::Distribution,
            ..SeverityEntry::default()
        };
        let vectors: BTreeSet<&str> = self
            .scores
            .iter()
            .flat_map(|score| [&score.cvss_v4, &score.cvss_v3, &score.cvss_v2])
            .flatten()
            .filter_map(|score| score["vectorString"].as_str())
            .collect();
        let mut entries: Vec<SeverityEntry> = vectors
            .into_iter()
            .map(|vector| SeverityEntry {
                vector: Some(vector.to_owned()),
                ..entry()
            })
            .collect();
        let impacts = self
            .threats
            .iter()
            .filter(|threat| threat.category == "impact");
        let mut words: Vec<&str> = impacts.map(|threat| threat.details.as_str()).collect();
        if words.is_empty() && !head.aggregate_severity.text.is_empty() {
            words.push(&head.aggregate_severity.text);
        }
        words.sort_unstable();
        words.dedup();
        entries.extend(words.into_iter().map(|word| SeverityEntry {
            word: Severity::parse(word),
            label: Some(word.to_owned()),
            ..entry()
        }));
        entries
    }

    /// Gathers the entries that say the same of one package: its architectures and platforms
    /// become lists.
    fn affected(&self, products: &Products<'_>) -> Vec<Affected> {
        let mut gathered: BTreeMap<Key, Gathered> = BTreeMap::new();
        for (list, ids) in &self.product_status {
            for id in ids {
                let Some((package, platform)) = products.package(id) else {
                    continue;
                };
                let Some(statement) = self.statement(list, id) else {
                    continue;
                };
                let fixed = statement.is_fix.then(|| package.evr.clone()).flatten();
                if statement.is_fix && fixed.is_none() {
                    continue;
                }
                let key = Key {
                    ecosystem: products.ecosystem(&package, platform),
                    name: package.name.clone(),
                    module: package.module.clone(),
                    is_source: package.architecture.as_deref() == Some("src"),
                    fixed,
                    status: statement.status.as_str(),
                    word: statement.word.clone(),
                };
                let entry = gathered.entry(key).or_insert_with(|| Gathered {
                    statement,
                    architectures: BTreeSet::new(),
                    repositories: BTreeSet::new(),
                });
                entry.add(&package, products.cpe(platform));
            }
        }
        gathered
            .into_iter()
            .map(|(key, it)| it.into_affected(key))
            .collect()
    }

    /// Returns what a list of the product status says of a product in it.
    fn statement(&self, list: &str, id: &str) -> Option<Statement> {
        let about = |entries: &'_ [About]| {
            let mut entries = entries.iter();
            entries
                .find(|entry| entry.product_ids.iter().any(|known| known == id))
                .map(|entry| (entry.category.clone(), entry.details.clone()))
        };
        let (status, is_fix) = match list {
            "fixed" | "first_fixed" => (Status::Affected, true),
            "known_not_affected" => (Status::NotAffected, false),
            "under_investigation" => (Status::UnderInvestigation, false),
            "known_affected" | "first_affected" | "last_affected" => (Status::Affected, false),
            // "recommended" names versions to move to, which says nothing of others.
            _ => return None,
        };
        if status == Status::NotAffected {
            let reason = about(&self.flags).map(|(label, _)| label);
            return Some(Statement {
                status,
                is_fix,
                word: Some("known_not_affected".to_owned()),
                reason,
            });
        }
        let none = self
            .remediations
            .iter()
            .filter(|it| is_no_fix(&it.category));
        let none: Option<&About> = none
            .into_iter()
            .find(|it| it.product_ids.iter().any(|known| known == id));
        let (status, word) = match none {
            Some(remedy) if !is_fix => (no_fix(remedy), Some(remedy.details.clone())),
            _ => (status, Some(list.to_owned())),
        };
        Some(Statement {
            status,
            is_fix,
            word,
            reason: None,
        })
    }
}

fn is_no_fix(category: &str) -> bool {
    matches!(
        category,
        "none_available" | "no_fix_planned" | "fix_planned"
    )
}

/// Red Hat's words for products without a fix.
fn no_fix(remedy: &About) -> Status {
    let details = remedy.details.to_ascii_lowercase();
    if details.starts_with("out of support") {
        Status::EndOfLife
    } else if details.starts_with("will not fix") || remedy.category == "no_fix_planned" {
        Status::WillNotFix
    } else if details.starts_with("fix deferred") || remedy.category == "fix_planned" {
        Status::FixDeferred
    } else {
        Status::Affected
    }
}

struct Statement {
    status: Status,
    is_fix: bool,
    word: Option<String>,
    reason: Option<String>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    ecosystem: String,
    name: String,
    module: Option<String>,
    is_source: bool,
    fixed: Option<String>,
    status: &'static str,
    word: Option<String>,
}

struct Gathered {
    statement: Statement,
    architectures: BTreeSet<String>,
    repositories: BTreeSet<String>,
}

impl Gathered {
    fn add(&mut self, package: &Package, platform: Option<&str>) {
        self.architectures.extend(package.architecture.clone());
        self.repositories.extend(platform.map(str::to_owned));
    }

    fn into_affected(self, key: Key) -> Affected {
        let has_range = self.statement.status != Status::NotAffected;
        let mut architectures: Vec<String> = self.architectures.into_iter().collect();
        if architectures.iter().any(|it| it == "noarch") {
            architectures.clear();
        }
        Affected {
            ecosystem: key.ecosystem,
            package: key.name,
            status: self.statement.status,
            status_word: self.statement.word,
            ranges: has_range
                .then(|| Range::before(key.fixed.as_deref()))
                .into_iter()
                .collect(),
            reason: self.statement.reason,
            qualifiers: Qualifiers {
                module: key.module,
                architectures,
                repositories: self.repositories.into_iter().collect(),
                ..Qualifiers::default()
            },
            ..Affected::default()
        }
    }
}
