//! Findings follow the statements about them.

use market::{FindingState, ProductId, VexTarget, deadline};
use serde::Deserialize;
use store::{Tx, findings::Finding, vex::VexStatement};

use crate::{App, AppError, findings::FindingDetail, inspection::blocking};

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
    /// Makes the findings of a product about a vulnerability what its statements say. One that
    /// stands again on the market has a clock that starts with this notice of it.
    pub(super) async fn settle(
        &self,
        tx: &mut Tx,
        product: &ProductId,
        vulnerability: &str,
    ) -> Result<(), AppError> {
        let names = self.names_of(vulnerability).await?;
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let now = self.now();
        let statements = store::vex::closing(tx, &[product.as_str()], &names, now).await?;
        for live in store::findings::live(tx, product, &names).await? {
            let finding = live.finding;
            let detail =
                FindingDetail::deserialize(&finding.detail.0).map_err(AppError::internal)?;
            let answered = is_answered(&statements, target(&finding, &names, &detail.purl));
            match (finding.state, answered) {
                (FindingState::Open, true) => {
                    store::findings::set_state(tx, &finding.id, FindingState::Answered).await?;
                }
                (FindingState::Answered, false) => {
                    store::findings::set_state(tx, &finding.id, FindingState::Open).await?;
                    let due = deadline(finding.class, Some(now)).at();
                    if live.released {
                        store::findings::set_clock(tx, &finding.id, now, due).await?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Returns all names of a vulnerability that the advisories know, this one among them.
    async fn names_of(&self, vulnerability: &str) -> Result<Vec<String>, AppError> {
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
