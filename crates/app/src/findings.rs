//! Findings: what the advisories say of a package, at a place in a submission's image, in the
//! forms that are kept.

use std::collections::HashMap;

use advisory::{
    database::DatabaseError,
    matching::{Confidence, Match, Matcher, Package, Reason},
    record::Kev,
};
use inventory::{Claim, Component};
use market::{Class, FindingId, FindingState, ProductId, SubmissionId};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use store::{
    Tx, classifications::Classification, component_index::PackageMatch, findings::Finding,
    own_advisories::OwnAdvisory, vex::VexStatement,
};

use crate::{
    App, AppError,
    inspection::{REPLACEMENT, storable},
    own_advisories::SOURCE,
    scan,
    vex::{is_answered, target},
};

/// What the advisories say of a package about one vulnerability, wherever the package is. What
/// changes by the day without being news (EPSS, dates of modification) is not in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct MatchDetail {
    pub(crate) aliases: Vec<String>,
    pub(crate) advisories: Vec<String>,
    pub(crate) source: String,
    pub(crate) status: String,
    pub(crate) title: String,
    pub(crate) urls: Vec<String>,
    pub(crate) explanation: String,
    pub(crate) severities: serde_json::Value,
    pub(crate) word: Option<String>,
    pub(crate) vector: Option<String>,
    pub(crate) score_source: Option<String>,
    #[serde(default)]
    pub(crate) reason: Reason,
    #[serde(default)]
    pub(crate) published: Option<String>,
    #[serde(default)]
    pub(crate) kev: Option<Kev>,
    #[serde(default)]
    pub(crate) verdict: Verdict,
}

/// The part of a match that findings are made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// The class by the score alone.
    pub(crate) scored: Class,
    pub(crate) score: Option<f64>,
    pub(crate) fixed_version: Option<String>,
    pub(crate) confidence: Confidence,
    /// Whether the package as built holds what is affected.
    pub(crate) counts: bool,
}

impl Default for Verdict {
    fn default() -> Self {
        Self {
            scored: Class::Unscored,
            score: None,
            fixed_version: None,
            confidence: Confidence::default(),
            counts: true,
        }
    }
}

impl MatchDetail {
    fn of(matched: Match) -> Result<Self, AppError> {
        let score = matched.score();
        let score = score.as_ref();
        Ok(Self {
            explanation: scan::explained(&matched, score),
            status: matched.status.as_str().to_owned(),
            severities: serde_json::to_value(&matched.severities).map_err(AppError::internal)?,
            word: score.map(|score| score.score.severity().to_string()),
            vector: score.and_then(|score| score.vector.clone()),
            score_source: score.map(|score| score.source.clone()),
            verdict: Verdict {
                scored: scan::scored(matched.kind, score),
                score: score.map(|score| score.score.value()),
                counts: matched.counts(),
                confidence: matched.confidence,
                fixed_version: matched.fixed_version,
            },
            aliases: matched.aliases,
            advisories: matched.advisories,
            source: matched.source,
            title: matched.title,
            urls: matched.urls,
            reason: matched.reason,
            published: matched.published,
            kev: matched.kev,
        })
    }
}

/// A match in the form that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) vulnerability: String,
    pub(crate) fingerprint: String,
    pub(crate) detail: serde_json::Value,
    pub(crate) verdict: Verdict,
}

impl Said {
    /// Makes it of what the certification team says of a package.
    pub(crate) fn by_hand(matched: Match, own: &OwnAdvisory) -> Result<Self, AppError> {
        let added = format!("Added by the {SOURCE}: {}", own.reason);
        let explanation = format!("{} {added}", scan::explained(&matched, None));
        let detail = MatchDetail::of(matched)?;
        let is_scored = own.score.is_some();
        Self::of_detail(
            own.name.clone(),
            MatchDetail {
                explanation,
                word: detail.word.filter(|_| is_scored),
                vector: own.vector.clone(),
                score_source: is_scored.then(|| SOURCE.to_owned()),
                verdict: Verdict {
                    scored: own.class,
                    score: own.score,
                    ..detail.verdict
                },
                ..detail
            },
        )
    }

    fn of_detail(vulnerability: String, detail: MatchDetail) -> Result<Self, AppError> {
        let verdict = detail.verdict.clone();
        let detail = storable(serde_json::to_value(detail).map_err(AppError::internal)?);
        Ok(Self {
            fingerprint: fingerprint(&detail)?,
            vulnerability,
            detail,
            verdict,
        })
    }

    /// Returns every name of the vulnerability.
    pub(crate) fn names(&self) -> Vec<&str> {
        let aliases = self.detail["aliases"].as_array().into_iter().flatten();
        let aliases = aliases.filter_map(serde_json::Value::as_str);
        std::iter::once(self.vulnerability.as_str())
            .chain(aliases)
            .collect()
    }

    pub(crate) fn of_row(row: &PackageMatch) -> Result<Self, AppError> {
        let detail = MatchDetail::deserialize(&row.detail.0).map_err(AppError::internal)?;
        Ok(Self {
            vulnerability: row.vulnerability.clone(),
            fingerprint: row.fingerprint.clone(),
            detail: row.detail.0.clone(),
            verdict: detail.verdict,
        })
    }
}

/// Returns what the advisories say of a package; of what they cannot say anything, nothing.
pub(crate) fn said_of(matcher: &Matcher<'_>, package: &Package) -> Result<Vec<Said>, AppError> {
    let answer: Result<_, DatabaseError> = matcher.package(package);
    let Ok(answer) = answer.map_err(AppError::internal)? else {
        return Ok(Vec::new());
    };
    let said = answer.matches.into_iter().map(|matched| {
        let vulnerability = matched.vulnerability.clone();
        Said::of_detail(vulnerability, MatchDetail::of(matched)?)
    });
    said.collect()
}

/// Returns what tells JSON from other JSON: 128 bits of its SHA-256, in hex.
pub(crate) fn fingerprint(value: &impl Serialize) -> Result<String, AppError> {
    let text = serde_json::to_vec(value).map_err(AppError::internal)?;
    Ok(hex::encode(&Sha256::digest(text)[..16]))
}

/// A component in the form that is kept beside its package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) layer: String,
    pub(crate) purl: String,
    pub(crate) path: String,
    pub(crate) claim: Claim,
    pub(crate) confidence: inventory::Confidence,
    /// Whether it has shared libraries and nothing in its image is linked with any of them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_unloaded: bool,
}

impl Place {
    pub(crate) fn of(component: &Component) -> Self {
        let clean = |text: &String| text.replace('\0', REPLACEMENT);
        Self {
            name: clean(&component.name),
            version: clean(&component.version),
            layer: component.layer.to_string(),
            purl: clean(&component.purl),
            path: clean(&component.path),
            claim: component.claim,
            confidence: component.confidence,
            is_unloaded: component.linked == Some(false),
        }
    }
}

/// What is kept about a finding besides its columns and what is said of its package.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct FindingDetail {
    pub(crate) purl: String,
    pub(crate) path: String,
    /// Why it is Minor whatever the score, and that nothing is linked with it.
    #[serde(default)]
    pub(crate) note: Option<String>,
    /// Of findings from before packages had rows of their own.
    #[serde(flatten)]
    pub(crate) matched: Option<MatchDetail>,
}

/// Which image of which submission findings are in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Where<'a> {
    pub(crate) submission: &'a SubmissionId,
    /// By manifest digest.
    pub(crate) image: &'a str,
    /// What people say about it.
    pub(crate) judgement: &'a Judgement,
}

/// What people say, and what counts, about the vulnerabilities of one product.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judgement {
    /// What its publisher states, is accepted and closes findings.
    pub(crate) statements: Vec<VexStatement>,
    /// What the certification team classified; what is about this product first.
    pub(crate) classes: Vec<Classification>,
}

impl Judgement {
    /// Returns the class by hand of the vulnerability under these names.
    pub(crate) fn classified(&self, names: &[&str]) -> Option<&Classification> {
        let mut classes = self.classes.iter();
        classes.find(|by_hand| names.contains(&by_hand.vulnerability.as_str()))
    }

    /// Returns the class that counts of the vulnerability under these names, which the
    /// advisories give this one.
    pub(crate) fn class(&self, names: &[&str], advised: Class) -> Class {
        self.classified(names)
            .map_or(advised, |by_hand| by_hand.class)
    }
}

impl App {
    /// Returns what people say of what is said, for each of these products of which they say
    /// anything.
    pub(crate) async fn judgements<'a>(
        &self,
        tx: &mut Tx,
        products: &[ProductId],
        said: impl Iterator<Item = &'a Said>,
    ) -> Result<HashMap<ProductId, Judgement>, AppError> {
        let mut names: Vec<&str> = said.flat_map(Said::names).collect();
        names.sort_unstable();
        names.dedup();
        self.judgements_of(tx, products, &names).await
    }

    /// Returns what people say of vulnerabilities under these names, by product.
    pub(crate) async fn judgements_of(
        &self,
        tx: &mut Tx,
        products: &[ProductId],
        names: &[&str],
    ) -> Result<HashMap<ProductId, Judgement>, AppError> {
        let mut judgements: HashMap<ProductId, Judgement> = HashMap::new();
        if names.is_empty() || products.is_empty() {
            return Ok(judgements);
        }
        let ids: Vec<&str> = products.iter().map(ProductId::as_str).collect();
        for statement in store::vex::closing(tx, &ids, names, self.now()).await? {
            let of_product = judgements.entry(statement.product_id.clone()).or_default();
            of_product.statements.push(statement);
        }
        for by_hand in store::classifications::in_force(tx, &ids, names).await? {
            let concerned = match &by_hand.product_id {
                Some(product) => std::slice::from_ref(product),
                None => products,
            };
            for product in concerned {
                let of_product = judgements.entry(product.clone()).or_default();
                of_product.classes.push(by_hand.clone());
            }
        }
        Ok(judgements)
    }

    /// Makes the findings of an image: of each place of a package, what is said of the package.
    /// One vulnerability of one component is one finding, by the place where it weighs most.
    pub(crate) fn findings<'a>(
        &self,
        at: Where<'_>,
        places: impl Iterator<Item = (&'a Place, i64)>,
        said: &HashMap<i64, Vec<Said>>,
    ) -> Result<Vec<Finding>, AppError> {
        let mut found: Vec<Finding> = Vec::new();
        let mut known: HashMap<(&str, &str, &str), (usize, bool)> = HashMap::new();
        for (place, package) in places {
            for said in said.get(&package).into_iter().flatten() {
                let finding = self.finding(at, place, package, said)?;
                let key = (&*said.vulnerability, &*place.name, &*place.version);
                match known.get_mut(&key) {
                    None => {
                        known.insert(key, (found.len(), place.is_unloaded));
                        found.push(finding);
                    }
                    // Of equal ones that which something loads: the same package may be there
                    // for another architecture.
                    Some((other, was_unloaded))
                        if (found[*other].advised, !*was_unloaded)
                            < (finding.advised, !place.is_unloaded) =>
                    {
                        found[*other] = finding;
                        *was_unloaded = place.is_unloaded;
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(found)
    }

    fn finding(
        &self,
        at: Where<'_>,
        place: &Place,
        package: i64,
        said: &Said,
    ) -> Result<Finding, AppError> {
        let verdict = &said.verdict;
        let confidence = scan::confidence(place.confidence, verdict.confidence);
        let counts =
            place.claim == Claim::Installed && confidence > Confidence::Low && verdict.counts;
        let minor = scan::why_it_does_not_count((place.claim, confidence, counts));
        let unloaded = place.is_unloaded.then_some(scan::UNLOADED);
        let notes: Vec<_> = minor.into_iter().chain(unloaded).collect();
        let detail = FindingDetail {
            purl: place.purl.clone(),
            path: place.path.clone(),
            note: (!notes.is_empty()).then(|| notes.join(" ")),
            matched: None,
        };
        let (names, advised) = (said.names(), scan::class(verdict.scored, counts));
        let mut finding = Finding {
            id: self.id(FindingId::new),
            submission_id: at.submission.clone(),
            image: at.image.to_owned(),
            state: FindingState::Open,
            vulnerability: said.vulnerability.clone(),
            component: place.name.clone(),
            version: place.version.clone(),
            layer: place.layer.clone(),
            class: at.judgement.class(&names, advised),
            advised,
            score: verdict.score,
            fixed_version: verdict.fixed_version.clone(),
            detail: serde_json::to_value(detail)
                .map_err(AppError::internal)?
                .into(),
            first_seen_at: self.now(),
            told_at: None,
            notified_at: None,
            due_at: None,
            announced: true,
            package_id: Some(package),
        };
        let statements = &at.judgement.statements;
        if !statements.is_empty() && is_answered(statements, target(&finding, &names, &place.purl))
        {
            finding.state = FindingState::Answered;
        }
        Ok(finding)
    }
}

/// Returns how many findings of each class there are, the worst class first.
pub(crate) fn class_counts(counts: impl Iterator<Item = (Class, i64)>) -> Vec<(Class, i64)> {
    let all = [Class::Critical, Class::Major, Class::Minor, Class::Unscored];
    let mut sums = all.map(|class| (class, 0));
    for (class, count) in counts {
        if let Some((_, sum)) = sums.iter_mut().find(|(known, _)| *known == class) {
            *sum += count;
        }
    }
    sums.to_vec()
}

/// Returns the counts of one submission among those of several.
pub(crate) fn counts_of(
    counts: &[(String, Class, i64)],
    submission: &str,
) -> impl Iterator<Item = (Class, i64)> {
    let own = counts.iter().filter(move |(of, ..)| of == submission);
    own.map(|(_, class, count)| (*class, *count))
}
