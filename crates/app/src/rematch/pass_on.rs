//! Passing on what is said of a package to the findings of everything that holds it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, TimeDelta, Utc};
use market::{Class, FindingState, ProductId, SubmissionId};
use serde::Deserialize;
use store::{
    Tx,
    component_index::{self, Holder},
    findings::Finding,
};

use crate::{
    App, AppError,
    findings::{Judgement, Place, Said, Where},
};

use super::Difference;

/// Images of one package whose findings are changed in one transaction.
const IMAGES: i64 = 500;
/// Rows after which a transaction ends, so that others can write as well.
const ROWS: usize = 2_000;

/// What is passed on within that time is told at once and due at once: an advisory that concerns
/// several packages is one promise.
const TOLD_AT_ONCE: TimeDelta = TimeDelta::minutes(1);

/// Writes what differs, many packages to a transaction.
pub(super) struct Writer {
    app: Arc<App>,
    /// The version of the advisories.
    database: String,
    tx: Option<Tx>,
    rows: usize,
    /// When what is being passed on is told, and its promises begin.
    told_at: DateTime<Utc>,
}

impl Writer {
    pub(super) fn new(app: Arc<App>, database: String) -> Self {
        Self {
            told_at: app.now(),
            app,
            database,
            tx: None,
            rows: 0,
        }
    }

    /// Ends the transaction.
    pub(super) async fn flush(&mut self) -> Result<(), AppError> {
        self.rows = 0;
        match self.tx.take() {
            Some(tx) => Ok(tx.commit().await?),
            None => Ok(()),
        }
    }

    async fn tx(&mut self) -> Result<&mut Tx, AppError> {
        if self.rows >= ROWS {
            self.flush().await?;
        }
        if self.tx.is_none() {
            let mut tx = self.app.begin().await?;
            component_index::enter(&mut tx).await?;
            self.tx = Some(tx);
        }
        self.tx
            .as_mut()
            .ok_or_else(|| AppError::internal("a transaction was begun"))
    }

    /// Passes on what is said of one package, and keeps it.
    pub(super) async fn pass_on(&mut self, difference: &Difference) -> Result<(), AppError> {
        let (app, package) = (Arc::clone(&self.app), difference.package);
        if app.now() - self.told_at >= TOLD_AT_ONCE {
            self.told_at = app.now();
        }
        let told_at = self.told_at;
        let weighed = app.weighed_otherwise(self.tx().await?, difference).await?;
        let gone: HashSet<String> = difference.gone.iter().map(|(it, _)| it.clone()).collect();
        let mut after = 0;
        while !(weighed.is_empty() && gone.is_empty()) {
            let tx = self.tx().await?;
            let Some(last) = component_index::next_images(tx, package, after, IMAGES).await? else {
                break;
            };
            let images = (after, last);
            let rows = app
                .renew_findings(tx, (package, images, told_at), &weighed, &gone)
                .await?;
            // More than was looked at counts: reading takes time as well.
            self.rows += rows + 10;
            after = last;
        }
        // With the last of the images, or the job cut short would not do them again.
        self.rows += difference.said.len() + difference.gone.len();
        let Some(tx) = self.tx.as_mut() else {
            return Ok(());
        };
        for said in &difference.said {
            app.keep_said(tx, package, said, &self.database).await?;
        }
        for (vulnerability, why) in &difference.gone {
            let now = app.now();
            component_index::end_match(tx, package, vulnerability, now, why).await?;
        }
        Ok(())
    }
}

impl App {
    /// Returns of what is said otherwise that which makes other findings.
    async fn weighed_otherwise(
        &self,
        tx: &mut Tx,
        difference: &Difference,
    ) -> Result<Vec<Said>, AppError> {
        let before = self.said(tx, &[difference.package]).await?;
        let before = before.into_values().flatten();
        let before: HashMap<_, _> = before
            .map(|said| (said.vulnerability, said.verdict))
            .collect();
        let other = difference
            .said
            .iter()
            .filter(|said| before.get(&said.vulnerability) != Some(&said.verdict));
        Ok(other.cloned().collect())
    }

    /// Makes the findings of some images what is said of a package; returns how many rows it took.
    async fn renew_findings(
        &self,
        tx: &mut Tx,
        (package, images, now): (i64, (i64, i64), DateTime<Utc>),
        weighed: &[Said],
        gone: &HashSet<String>,
    ) -> Result<usize, AppError> {
        let known = component_index::findings(tx, package, images).await?;
        let mut before: HashMap<_, Vec<&Finding>> = HashMap::new();
        for finding in &known {
            let place = (&finding.submission_id, &*finding.image);
            before.entry(place).or_default().push(finding);
        }
        let holders = component_index::holders(tx, package, images).await?;
        let mut held: BTreeMap<(&SubmissionId, &str), Vec<&Holder>> = BTreeMap::new();
        for holder in &holders {
            let place = (&holder.submission_id, &*holder.image);
            held.entry(place).or_default().push(holder);
        }
        let mut products: Vec<ProductId> = holders.iter().map(|it| it.product_id.clone()).collect();
        products.sort_unstable();
        products.dedup();
        let judgements = self.judgements(tx, &products, weighed.iter()).await?;
        let nothing = Judgement::default();
        let said = HashMap::from([(package, weighed.to_vec())]);
        let mut rows = holders.len() + known.len();
        for ((submission, image), holders) in held {
            let places = holders
                .iter()
                .map(|holder| Place::deserialize(&holder.component.0));
            let places: Vec<Place> = places
                .collect::<Result<_, _>>()
                .map_err(AppError::internal)?;
            let released = holders.iter().any(|holder| holder.released);
            let known = before.remove(&(submission, image)).unwrap_or_default();
            let product = holders.first().map(|holder| &holder.product_id);
            let judgement = product.and_then(|product| judgements.get(product));
            let at = Where {
                submission,
                image,
                judgement: judgement.unwrap_or(&nothing),
            };
            let each = places.iter().map(|place| (place, package));
            for finding in self.findings(at, each, &said)? {
                let same = |known: &&&Finding| {
                    (&known.vulnerability, &known.component, &known.version)
                        == (&finding.vulnerability, &finding.component, &finding.version)
                };
                let before = known.iter().find(same).copied();
                self.renew(tx, before, finding, released.then_some(now))
                    .await?;
                rows += 1;
            }
            for finding in known {
                let is_gone = gone.contains(&finding.vulnerability);
                if is_gone && finding.state != FindingState::Fixed {
                    store::findings::set_state(tx, &finding.id, FindingState::Fixed).await?;
                    rows += 1;
                }
            }
        }
        Ok(rows)
    }

    /// Keeps what a new matching says. That a finding stands in the publisher's portal is the
    /// notice, which is `told` now; what is not released yet, or is answered, has no clock.
    async fn renew(
        &self,
        tx: &mut Tx,
        before: Option<&Finding>,
        mut finding: Finding,
        told: Option<DateTime<Utc>>,
    ) -> Result<(), AppError> {
        let was = before.map_or((FindingState::Fixed, Class::None), |it| {
            (it.state, it.class)
        });
        if let Some(before) = before {
            finding.set_clock(before.clock());
            finding.announced = before.announced;
        }
        if let Some(now) = told {
            let is = (finding.state, finding.class);
            let clock = finding.clock().after(was, is, now);
            finding.set_clock(clock);
        }
        store::findings::upsert(tx, &finding).await?;
        if let Some(before) = before.filter(|before| before.clock() != finding.clock()) {
            finding.id = before.id.clone();
            store::findings::keep_clock(tx, &finding).await?;
        }
        Ok(())
    }
}
