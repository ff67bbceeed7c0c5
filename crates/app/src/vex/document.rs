//! OpenVEX documents: statements of one taken in, and a product's accepted ones given out.

use std::collections::{BTreeMap, BTreeSet};

use advisory::vex::{
    OpenVex, OpenVexName, OpenVexProduct, OpenVexStatement, OpenVexVulnerability, Status,
};
use chrono::{DateTime, SecondsFormat, Utc};
use market::{Problem, VexClaim, VexScope, VexStatus};
use store::{Part, Tx, products::Product, publishers::Publisher, vex::VexStatement};

use super::NewVex;
use crate::{Actor, App, AppError};

/// Problems of a document that are told; the rest is counted.
const TOLD: usize = 20;

/// What names in a document may mean here.
struct Home {
    /// `host/publisher/product`.
    reference: String,
    /// The product's short name.
    slug: String,
    /// Manifest digests of the platforms by the digest of their image, and by their own.
    images: BTreeMap<String, Vec<String>>,
}

/// What a name of a document means.
enum Meant {
    Product,
    Images(Vec<String>),
    Component(String),
}

impl App {
    /// Takes in the statements of an OpenVEX document, all or none; those that are stated already
    /// are left out. Gives the new ones.
    ///
    /// # Errors
    /// The document cannot be read, a statement lacks something or is about something else, there
    /// is no such product, or the asker may not.
    pub async fn import_vex(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        document: &[u8],
    ) -> Result<Vec<VexStatement>, AppError> {
        let mut tx = self.begin().await?;
        let (publisher, product) = self
            .product_to_state(&mut tx, actor, publisher, product)
            .await?;
        let document = OpenVex::read(document)
            .map_err(|error| AppError::invalid("document", error.to_string()))?;
        let home = Home {
            reference: format!("{}/{}/{}", self.config.host(), publisher.slug, product.slug),
            slug: product.slug.to_string(),
            images: known_images(&mut tx, &product).await?,
        };
        let new = home.statements(&document)?;
        let made = self
            .take_vex(&mut tx, (actor, &product), &new, Some(&document.id))
            .await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Returns a product's accepted statements as an OpenVEX document; nothing where there are
    /// none. They are public.
    ///
    /// # Errors
    /// There is no such product on the market.
    pub async fn public_vex(
        &self,
        publisher: &str,
        product: &str,
    ) -> Result<Option<Vec<u8>>, AppError> {
        let mut tx = self.read().await?;
        let (publisher, product) = self.public_product(&mut tx, publisher, product).await?;
        let document = self.vex_document(&mut tx, &publisher, &product).await?;
        let bytes = document.map(|document| serde_json::to_vec_pretty(&document));
        bytes.transpose().map_err(AppError::internal)
    }

    /// Returns the accepted statements of a product; nothing where there are none.
    pub(crate) async fn vex_document(
        &self,
        tx: &mut Tx,
        publisher: &Publisher,
        product: &Product,
    ) -> Result<Option<OpenVex>, AppError> {
        let all = store::vex::of_product(tx, &product.id, &[], Part::ALL).await?;
        // Every decision and every end of one is a change of the document.
        let changes = all
            .iter()
            .flat_map(|it| [it.decided_at, it.ended_at])
            .flatten();
        let (version, changed) = (changes.clone().count() as u64, changes.max());
        let now = self.now();
        let counts = |it: &&VexStatement| it.standing.counts(it.ends_at, now);
        let name = format!("{}/{}", publisher.slug, product.slug);
        let id = format!("{}/p/{name}/vex.json", self.config.public_url);
        let time = timestamp(changed.unwrap_or(now));
        let mut document = OpenVex::new(id, publisher.legal_name.clone(), time, version);
        document.tooling = Some(concat!("plimsoll ", env!("CARGO_PKG_VERSION")).to_owned());
        let image = Image {
            slug: product.slug.as_str(),
            reference: format!("{}/{name}", self.config.host()),
        };
        let counting = all.iter().filter(counts);
        document.statements = counting
            .map(|it| public(&document.id, &image, it))
            .collect();
        Ok((!document.statements.is_empty()).then_some(document))
    }
}

/// Returns the digests of a product's platforms by the digest of their image, and by their own.
pub(super) async fn known_images(
    tx: &mut Tx,
    product: &Product,
) -> Result<BTreeMap<String, Vec<String>>, AppError> {
    let mut images: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (whole, platform) in store::vex::known_images(tx, &product.id).await? {
        images.insert(platform.clone(), vec![platform.clone()]);
        let platforms = images.entry(whole).or_default();
        if !platforms.contains(&platform) {
            platforms.push(platform);
        }
    }
    Ok(images)
}

impl Home {
    /// Returns what a document states here, each once.
    fn statements(&self, document: &OpenVex) -> Result<Vec<NewVex>, AppError> {
        let (mut made, mut seen, mut problems) = (Vec::new(), BTreeSet::new(), Vec::new());
        for (number, stated) in document.statements.iter().enumerate() {
            let at = format!("statements[{number}]");
            let told = |problem: Problem| {
                let field = match problem.field.as_str() {
                    "text" => "action_statement",
                    "component" | "image" => "products",
                    other => other,
                };
                Problem {
                    field: format!("{at}.{field}"),
                    message: problem.message,
                }
            };
            let claim = match claim(stated) {
                Ok(claim) => claim,
                Err(problem) => {
                    problems.push(told(problem));
                    continue;
                }
            };
            problems.extend(claim.problems().into_iter().map(told));
            match self.scopes(stated) {
                Ok(scopes) => {
                    for scope in scopes {
                        problems.extend(scope.problems().into_iter().map(told));
                        let claim = claim.clone();
                        // Of two about the same the last holds, as with documents.
                        if !seen.insert(scope.clone()) {
                            made.retain(|made: &NewVex| made.scope != scope);
                        }
                        made.push(NewVex { scope, claim });
                    }
                }
                Err(problem) => problems.push(told(problem)),
            }
        }
        if problems.is_empty() {
            return Ok(made);
        }
        let more = problems.len().saturating_sub(TOLD);
        problems.truncate(TOLD);
        if more > 0 {
            problems.push(problem("statements", format!("and {more} more problems")));
        }
        Err(AppError::Invalid(problems))
    }

    /// Returns what a statement is about; one that names no product is about the whole of this.
    fn scopes(&self, stated: &OpenVexStatement) -> Result<Vec<VexScope>, Problem> {
        let scope = |image: Option<&String>, component: Option<String>| VexScope {
            vulnerability: stated.vulnerability.name.clone(),
            image: image.cloned(),
            component,
        };
        if stated.products.is_empty() {
            return Ok(vec![scope(None, None)]);
        }
        let mut scopes = Vec::new();
        for (place, product) in stated.products.iter().enumerate() {
            let names: Vec<String> = product.name.all().collect();
            let Some(meant) = names.iter().find_map(|name| self.meant(name)) else {
                return Err(problem(
                    &format!("products[{place}]"),
                    format!(
                        "`{}` is not this product: name it `pkg:oci/{}`, `{}`, the digest of an image that was submitted, or a component in it by its package URL",
                        names.first().map_or("", String::as_str),
                        self.slug,
                        self.reference
                    ),
                ));
            };
            let parts: Vec<Option<String>> = match product.subcomponents.as_slice() {
                [] => vec![None],
                parts => parts.iter().map(component).collect(),
            };
            match meant {
                Meant::Product => scopes.extend(parts.into_iter().map(|part| scope(None, part))),
                Meant::Images(images) => scopes.extend(images.iter().flat_map(|image| {
                    parts
                        .iter()
                        .map(move |part| scope(Some(image), part.clone()))
                })),
                Meant::Component(name) => scopes.push(scope(None, Some(name))),
            }
        }
        Ok(scopes)
    }

    fn meant(&self, name: &str) -> Option<Meant> {
        let text = name.replace("%3A", ":").replace("%3a", ":");
        let digest = text.find("sha256:").and_then(|at| text.get(at..at + 71));
        if let Some(digest) = digest {
            return self.images.get(digest).cloned().map(Meant::Images);
        }
        let Some(purl) = name.strip_prefix("pkg:") else {
            let bare = text.split_once(':').map_or(text.as_str(), |(bare, _)| bare);
            let own = [self.reference.as_str(), self.reference.split_once('/')?.1];
            return own.contains(&bare).then_some(Meant::Product);
        };
        let Some(image) = purl.strip_prefix("oci/").or(purl.strip_prefix("docker/")) else {
            return Some(Meant::Component(name.to_owned()));
        };
        let image = image.split(['@', '?', '#']).next()?;
        (image.rsplit('/').next() == Some(self.slug.as_str())).then_some(Meant::Product)
    }
}

/// A package URL is what components are matched by; any other name is the component's own.
fn component(part: &OpenVexName) -> Option<String> {
    let names: Vec<String> = part.all().collect();
    let purl = names.iter().find(|name| name.starts_with("pkg:"));
    purl.or(names.first()).cloned()
}

fn claim(stated: &OpenVexStatement) -> Result<VexClaim, Problem> {
    let (status, text) = match stated.status {
        Status::NotAffected => (VexStatus::NotAffected, &stated.impact_statement),
        Status::Affected => (VexStatus::Affected, &stated.action_statement),
        Status::Fixed => (VexStatus::Fixed, &stated.status_notes),
        Status::UnderInvestigation => (VexStatus::UnderInvestigation, &stated.status_notes),
    };
    let justification = stated.justification.as_deref().map(str::parse).transpose();
    let text = text.as_ref().or(stated.status_notes.as_ref());
    Ok(VexClaim {
        status,
        justification: justification
            .map_err(|error: market::UnknownText| problem("justification", error.to_string()))?,
        text: text.map(|text| text.trim().to_owned()).unwrap_or_default(),
    })
}

fn problem(field: &str, message: String) -> Problem {
    Problem {
        field: field.to_owned(),
        message,
    }
}

/// How a product's images are called.
struct Image<'a> {
    slug: &'a str,
    /// `host/publisher/product`.
    reference: String,
}

fn public(document: &str, image: &Image<'_>, statement: &VexStatement) -> OpenVexStatement {
    let (scope, claim) = (&statement.scope, &statement.claim);
    let version = scope
        .image
        .as_ref()
        .map(|digest| format!("@{}", digest.replace(':', "%3A")));
    let product = format!(
        "pkg:oci/{}{}?repository_url={}",
        image.slug,
        version.unwrap_or_default(),
        image.reference
    );
    let part = scope.component.clone().map(OpenVexName::of);
    let text = Some(claim.text.clone()).filter(|text| !text.is_empty());
    let when = |status| text.clone().filter(|_| claim.status == status);
    let is_note = matches!(
        claim.status,
        VexStatus::Fixed | VexStatus::UnderInvestigation
    );
    OpenVexStatement {
        id: Some(format!("{document}#{}", statement.id)),
        vulnerability: OpenVexVulnerability {
            name: scope.vulnerability.clone(),
            aliases: Vec::new(),
        },
        timestamp: Some(timestamp(statement.stated_at)),
        products: vec![OpenVexProduct {
            name: OpenVexName::of(product),
            subcomponents: part.into_iter().collect(),
        }],
        status: match claim.status {
            VexStatus::NotAffected => Status::NotAffected,
            VexStatus::Affected => Status::Affected,
            VexStatus::Fixed => Status::Fixed,
            VexStatus::UnderInvestigation => Status::UnderInvestigation,
        },
        status_notes: text.clone().filter(|_| is_note),
        justification: claim.justification.map(|why| why.as_str().to_owned()),
        impact_statement: when(VexStatus::NotAffected),
        action_statement: when(VexStatus::Affected),
    }
}

fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}
