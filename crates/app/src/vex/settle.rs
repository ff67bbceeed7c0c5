//! Findings follow what people say about them.

use chrono::{DateTime, Utc};
use market::{FindingState, ProductId, VexTarget};
use serde::Deserialize;
use store::{
    Tx,
    findings::{Finding, LiveFinding},
    vex::VexStatement,
};

use crate::{
    App, AppError,
    findings::{FindingDetail, Judgement},
    inspection::blocking,
};

/// Returns a finding as scopes of statements see it.
pub(crate) fn target<'a>(
    finding: &'a Finding,
    names: &'a [&'a str],
    purl: &'a str,
) -> VexTarget<'a> {
    VexTarget {
        vulnerability: names,
        image: &finding.image,
        component: &finding.component,
        purl,
    }
}

/// Returns whether any of these statements, which close and count, is about a finding.
pub(crate) fn is_answered(statements: &[VexStatement], target: VexTarget<'_>) -> bool {
    let covers = |it: &VexStatement| it.scope.covers(target, advisory::vex::purl_covers);
    statements.iter().any(covers)
}

impl App {
    /// Makes the findings about a vulnerability, of one product or of all, what is said of them:
    /// by the statements of their publishers, and by hand. What stands again, or has a higher
    /// class, on the market has a clock by the notice of it. Returns the products that it changes
    /// anything for.
    pub(crate) async fn settle(
        &self,
        tx: &mut Tx,
        product: Option<&ProductId>,
        vulnerability: &str,
    ) -> Result<Vec<ProductId>, AppError> {
        let names = self.names_of(vulnerability).await?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let live = store::findings::live(tx, product, &names).await?;
        let mut products: Vec<ProductId> = live.iter().map(|it| it.product_id.clone()).collect();
        products.dedup();
        let judgements = self.judgements_of(tx, &products, &names).await?;
        let nothing = Judgement::default();
        // What is settled at once is told at once, and is due at once.
        let now = self.now();
        let mut changed = Vec::new();
        for live in live {
            let judgement = judgements.get(&live.product_id).unwrap_or(&nothing);
            if self.settle_one(tx, (&live, judgement), &names, now).await? {
                changed.push(live.product_id);
            }
        }
        changed.dedup();
        for product in &changed {
            self.announce_promises(tx, product).await?;
        }
        Ok(changed)
    }

    /// Makes a finding what is said of it; gives whether it was anything else.
    async fn settle_one(
        &self,
        tx: &mut Tx,
        (live, judgement): (&LiveFinding, &Judgement),
        names: &[&str],
        now: DateTime<Utc>,
    ) -> Result<bool, AppError> {
        let mut finding = live.finding.clone();
        let detail = FindingDetail::deserialize(&finding.detail.0).map_err(AppError::internal)?;
        let target = target(&live.finding, names, &detail.purl);
        let state = match is_answered(&judgement.statements, target) {
            true => FindingState::Answered,
            false => FindingState::Open,
        };
        let (was, is) = (
            (finding.state, finding.class),
            (state, judgement.class(names, finding.advised)),
        );
        if was == is {
            return Ok(false);
        }
        (finding.state, finding.class) = is;
        if live.released {
            let clock = finding.clock().after(was, is, now);
            finding.set_clock(clock);
        }
        store::findings::set_state(tx, &finding.id, state).await?;
        store::findings::keep_clock(tx, &finding).await?;
        Ok(true)
    }

    /// Returns all names of a vulnerability that the advisories know, this one among them.
    pub(crate) async fn names_of(&self, vulnerability: &str) -> Result<Vec<String>, AppError> {
        let (database, name) = (self.advisory_database(), vulnerability.to_owned());
        let known = {
            let name = name.clone();
            blocking(move || database.vulnerability(&name)).await?
        };
        let mut names = vec![name];
        if let Some(known) = known.map_err(AppError::internal)? {
            names.push(known.id);
            names.extend(known.aliases);
        }
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }
}
