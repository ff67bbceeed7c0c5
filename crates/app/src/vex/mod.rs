//! VEX: publishers state what is true of a vulnerability in their product, the certification
//! team accepts or refuses it, and what is accepted and closes takes findings out of what must be
//! fixed. The rules are in `market`; here they meet the findings.

mod document;
mod settle;

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use market::{
    Action, MOST_REASON, Problem, ProductId, VexClaim, VexDecision, VexEvent, VexId, VexScope,
    VexStanding,
};
use store::{
    Part, Tx,
    products::Product,
    publishers::Publisher,
    vex::{VexMove, VexStatement},
};

use crate::{Actor, App, AppError, audit::Change, finding_view::FindingView};

pub(crate) use settle::{is_answered, target};

/// Statements of a product that wait or count at once.
const MOST_CURRENT: i64 = 2_000;

/// A statement to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVex {
    /// About what.
    pub scope: VexScope,
    /// What is stated.
    pub claim: VexClaim,
}

/// A decision on a statement.
#[derive(Debug, Clone, Copy)]
pub struct VexVerdict<'a> {
    /// Whether it counts.
    pub decision: VexDecision,
    /// Why; needed to refuse.
    pub reason: &'a str,
    /// Until when it counts; for good if there is nothing.
    pub until: Option<DateTime<Utc>>,
}

/// What is stated about a product, for its publisher and the staff.
#[derive(Debug, Clone)]
pub struct VexPage {
    /// The publisher.
    pub publisher: Publisher,
    /// The product.
    pub product: Product,
    /// What is and was stated, newest first.
    pub statements: Vec<VexStatement>,
    /// Whether the asker may state something.
    pub may_state: bool,
    /// Whether the asker may accept and refuse.
    pub may_decide: bool,
    /// Whether there is a public document of what was accepted.
    pub is_published: bool,
}

/// A statement that waits for the certification team.
#[derive(Debug, Clone)]
pub struct VexEntry {
    /// The statement.
    pub statement: VexStatement,
    /// About which product.
    pub product: Product,
    /// By which publisher.
    pub publisher: Publisher,
    /// Whether the asker belongs to the publisher, and so may not decide.
    pub own_work: bool,
}

/// Returns what is wrong with the image of a scope, which must be a platform's that was submitted.
async fn unknown_image(
    tx: &mut Tx,
    product: &Product,
    scope: &VexScope,
) -> Result<Option<Problem>, AppError> {
    let Some(image) = &scope.image else {
        return Ok(None);
    };
    let message = match document::known_images(tx, product).await?.get(image) {
        Some(platforms) if platforms.contains(image) => return Ok(None),
        Some(platforms) => format!(
            "this is the index: name the image of a platform, {}",
            platforms.join(" or ")
        ),
        None => "no image with this digest was submitted for this product".to_owned(),
    };
    Ok(Some(Problem {
        field: "image".to_owned(),
        message,
    }))
}

impl App {
    /// Returns a part of what is and was stated about a product, of one vulnerability or, where
    /// that is empty, of every one.
    ///
    /// # Errors
    /// There is no such product that the asker may see.
    pub async fn vex_page(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        vulnerability: &str,
        part: Part<'_>,
    ) -> Result<VexPage, AppError> {
        let mut tx = self.read().await?;
        let (publisher, product) = self.own_product(&mut tx, actor, publisher, product).await?;
        let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
        crate::actor::check(actor, Action::ReadSubmission, &roles)?;
        let may = |action| crate::actor::check(actor, action, &roles).is_ok();
        let names = match vulnerability {
            "" => Vec::new(),
            name => self.names_of(name).await?,
        };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Ok(VexPage {
            statements: store::vex::of_product(&mut tx, &product.id, &names, part).await?,
            is_published: product.state.is_public()
                && store::vex::any_counts(&mut tx, &product.id, self.now()).await?,
            may_state: may(Action::MakeStatement),
            may_decide: may(Action::DecideStatement),
            publisher,
            product,
        })
    }

    /// Returns a part of the statements that wait for the certification team, the oldest first.
    ///
    /// # Errors
    /// The asker may not see them.
    pub async fn vex_queue(
        &self,
        actor: &Actor,
        part: Part<'_>,
    ) -> Result<Vec<VexEntry>, AppError> {
        let mut tx = self.read().await?;
        self.authorize(&mut tx, actor, Action::ReadQueue, None)
            .await?;
        let mut queue = Vec::new();
        for statement in store::vex::waiting(&mut tx, part).await? {
            let (publisher, product) = self.home_of_vex(&mut tx, &statement).await?;
            let roles = self.roles(&mut tx, actor, Some(&publisher.id)).await?;
            queue.push(VexEntry {
                own_work: crate::actor::check(actor, Action::DecideStatement, &roles).is_err(),
                statement,
                product,
                publisher,
            });
        }
        Ok(queue)
    }

    /// States what is true of a vulnerability in a product.
    ///
    /// # Errors
    /// It lacks something, there is no such product, or the asker may not.
    pub async fn state_vex(
        &self,
        actor: &Actor,
        publisher: &str,
        product: &str,
        new: &NewVex,
    ) -> Result<VexStatement, AppError> {
        let mut tx = self.begin().await?;
        let (_, product) = self
            .product_to_state(&mut tx, actor, publisher, product)
            .await?;
        let mut problems = [new.scope.problems(), new.claim.problems()].concat();
        problems.extend(unknown_image(&mut tx, &product, &new.scope).await?);
        if !problems.is_empty() {
            return Err(AppError::Invalid(problems));
        }
        let made = self
            .take_vex(&mut tx, (actor, &product), std::slice::from_ref(new), None)
            .await?;
        let known = || AppError::Conflict("this is stated already".to_owned());
        let statement = made.into_iter().next().ok_or_else(known)?;
        tx.commit().await?;
        Ok(statement)
    }

    async fn product_to_state(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        publisher: &str,
        product: &str,
    ) -> Result<(Publisher, Product), AppError> {
        let (publisher, product) = self.own_product(tx, actor, publisher, product).await?;
        self.authorize(tx, actor, Action::MakeStatement, Some(&publisher.id))
            .await?;
        Ok((publisher, product))
    }

    /// Keeps statements, each in the place of the one before of its scope, and tells the team.
    /// Leaves out and does not give what is stated already.
    async fn take_vex(
        &self,
        tx: &mut Tx,
        (actor, product): (&Actor, &Product),
        new: &[NewVex],
        document: Option<&str>,
    ) -> Result<Vec<VexStatement>, AppError> {
        store::component_index::enter(tx).await?;
        let mut made = Vec::new();
        for new in new {
            made.extend(self.take_one(tx, (actor, product), new, document).await?);
        }
        if store::vex::count_current(tx, &product.id).await? > MOST_CURRENT {
            return Err(AppError::TooLarge(format!(
                "a product has at most {MOST_CURRENT} statements that wait or count: state what is wider, such as a package without its version"
            )));
        }
        self.tell_of_new_vex(tx, (actor, product), &made).await?;
        Ok(made)
    }

    async fn take_one(
        &self,
        tx: &mut Tx,
        (actor, product): (&Actor, &Product),
        new: &NewVex,
        document: Option<&str>,
    ) -> Result<Option<VexStatement>, AppError> {
        let name = &new.scope.vulnerability;
        let mut former = store::vex::of_vulnerability(tx, &product.id, name).await?;
        former.retain(|former| former.scope == new.scope);
        let mut standing = former.iter().filter(|it| it.standing.stands());
        if standing
            .next_back()
            .is_some_and(|last| last.claim == new.claim)
        {
            return Ok(None);
        }
        let account = actor.require_account("to state something")?;
        let statement = VexStatement {
            id: self.id(VexId::new),
            product_id: product.id.clone(),
            scope: new.scope.clone(),
            version: former.last().map_or(1, |last| last.version + 1),
            claim: new.claim.clone(),
            document: document.map(str::to_owned),
            standing: VexStanding::Waiting,
            stated_by: account.id.clone(),
            author: account.name.clone(),
            stated_at: self.now(),
            decider: None,
            decided_at: None,
            reason: None,
            ends_at: None,
            ended_at: None,
        };
        let status = new.claim.status;
        for former in former.iter().filter(|it| it.standing.gives_way_to(status)) {
            let event = (Action::MakeStatement, VexEvent::Replaced);
            self.move_vex(tx, actor, former, event, None).await?;
        }
        let created = store::vex::create(tx, &statement).await;
        created.map_err(|error| match error.is_conflict() {
            true => AppError::changed_meanwhile("statement"),
            false => error.into(),
        })?;
        let change = Change {
            subject: statement.id.as_str(),
            reason: Some(status.as_str()),
            after: Some(statement.standing.as_str()),
            ..Change::default()
        };
        self.record(tx, actor, Action::MakeStatement, change)
            .await?;
        Ok(Some(statement))
    }

    /// Accepts or refuses a statement, or takes its acceptance back.
    ///
    /// # Errors
    /// There is none that the asker may see, its standing does not allow it, no reason is given,
    /// the time is over already, or the asker may not (never on their own publisher's).
    pub async fn decide_vex(
        &self,
        actor: &Actor,
        statement: &str,
        verdict: VexVerdict<'_>,
    ) -> Result<VexStatement, AppError> {
        let mut tx = self.begin().await?;
        let statement = self.visible_vex(&mut tx, actor, statement).await?;
        let reason = self.check_verdict(&verdict)?;
        store::component_index::enter(&mut tx).await?;
        let event = VexEvent::Decided(verdict.decision);
        let name = &statement.scope.vulnerability;
        let mut former = store::vex::of_vulnerability(&mut tx, &statement.product_id, name).await?;
        former.retain(|it| {
            let is_former = it.scope == statement.scope && it.standing == VexStanding::Accepted;
            is_former && verdict.decision == VexDecision::Accept
        });
        let decided = Some((reason.as_str(), verdict.until));
        let event = (Action::DecideStatement, event);
        self.move_vex(&mut tx, actor, &statement, event, decided)
            .await?;
        // After it, so that no finding stands in between.
        for former in &former {
            let event = (Action::DecideStatement, VexEvent::Replaced);
            self.move_vex(&mut tx, actor, former, event, None).await?;
        }
        let missing = || AppError::not_found("statement", statement.id.as_str());
        let statement = store::vex::find(&mut tx, &statement.id)
            .await?
            .ok_or_else(missing)?;
        tx.commit().await?;
        Ok(statement)
    }

    fn check_verdict(&self, verdict: &VexVerdict<'_>) -> Result<String, AppError> {
        let reason = verdict.reason.trim();
        if reason.chars().count() > MOST_REASON {
            let message = format!("write at most {MOST_REASON} characters");
            return Err(AppError::invalid("reason", message));
        }
        match (verdict.decision, verdict.until) {
            (VexDecision::Refuse, _) if reason.is_empty() => Err(AppError::invalid(
                "reason",
                "say why; the publisher reads it",
            )),
            (VexDecision::Refuse, Some(_)) => Err(AppError::invalid(
                "until",
                "only what is accepted is for a time",
            )),
            (VexDecision::Accept, Some(until)) if until <= self.now() => {
                Err(AppError::invalid("until", "name a time to come"))
            }
            _ => Ok(reason.to_owned()),
        }
    }

    /// Returns a statement to decide on; who may not see it is told that there is none.
    async fn visible_vex(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: &str,
    ) -> Result<VexStatement, AppError> {
        let missing = || AppError::not_found("statement", id);
        let parsed: Result<VexId, _> = id.parse();
        let found = match &parsed {
            Ok(id) => store::vex::find(tx, id).await?,
            Err(_) => None,
        };
        let Some(statement) = found else {
            let roles = self.roles(tx, actor, None).await?;
            crate::actor::check(actor, Action::ManageOwnTokens, &roles)?;
            return Err(missing());
        };
        let (publisher, _) = self.home_of_vex(tx, &statement).await?;
        let roles = self.roles(tx, actor, Some(&publisher.id)).await?;
        let hide = |error| match error {
            AppError::Denied(_) => missing(),
            other => other,
        };
        crate::actor::check(actor, Action::ReadSubmission, &roles).map_err(hide)?;
        crate::actor::check(actor, Action::DecideStatement, &roles)?;
        Ok(statement)
    }

    /// Ends the acceptance of statements whose time is over; gives of how many. Their findings
    /// stand again, with clocks that start now.
    pub(crate) async fn expire_vex(&self) -> Result<usize, AppError> {
        let over = store::vex::over(&mut self.read().await?, self.now()).await?;
        for statement in &over {
            let mut tx = self.begin().await?;
            store::component_index::enter(&mut tx).await?;
            let event = (Action::DecideStatement, VexEvent::Expired);
            self.move_vex(&mut tx, &Actor::system(), statement, event, None)
                .await?;
            tx.commit().await?;
        }
        Ok(over.len())
    }

    /// Moves a statement to its next standing, has its findings follow, records it and tells the
    /// publisher.
    async fn move_vex(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        statement: &VexStatement,
        (action, event): (Action, VexEvent),
        decided: Option<(&str, Option<DateTime<Utc>>)>,
    ) -> Result<(), AppError> {
        let after = statement.standing.after(event)?;
        let by = &actor.signed_in().map(|account| account.id.clone());
        let decision = by.as_ref().zip(decided);
        let change = VexMove {
            standings: (statement.standing, after),
            at: self.now(),
            decision: decision.map(|(by, (reason, until))| (by, reason, until)),
        };
        if !store::vex::set_standing(tx, &statement.id, &change).await? {
            return Err(AppError::changed_meanwhile("statement"));
        }
        if statement.claim.status.closes() {
            let product = Some(&statement.product_id);
            self.settle(tx, product, &statement.scope.vulnerability)
                .await?;
        }
        let reason = decided
            .map(|(reason, _)| reason)
            .filter(|it| !it.is_empty());
        let change = Change {
            subject: statement.id.as_str(),
            reason,
            before: Some(statement.standing.as_str()),
            after: Some(after.as_str()),
        };
        self.record(tx, actor, action, change).await?;
        self.tell_of_vex(tx, (actor, statement), event, reason)
            .await
    }

    pub(crate) async fn home_of_vex(
        &self,
        tx: &mut Tx,
        statement: &VexStatement,
    ) -> Result<(Publisher, Product), AppError> {
        let missing = || AppError::not_found("statement", statement.id.as_str());
        let found = self
            .product_and_publisher(tx, &statement.product_id)
            .await?;
        found.ok_or_else(missing)
    }

    /// Gives each finding what to show beside it: its class by hand, and the statement that
    /// answers it, else the newest that is its author's word.
    pub(crate) async fn show_judgements(
        &self,
        tx: &mut Tx,
        product: &ProductId,
        views: &mut [FindingView],
    ) -> Result<(), AppError> {
        let mut stated = store::vex::of_product(tx, product, &[], Part::ALL).await?;
        stated.retain(|statement| statement.standing.is_current());
        // Stable: among the rest the newest stay first.
        stated.sort_by_key(|it| {
            !(it.claim.status.closes() && it.standing.counts(it.ends_at, self.now()))
        });
        let spoken_of: BTreeSet<String> = stated
            .iter()
            .map(|it| it.scope.vulnerability.clone())
            .collect();
        self.show_classes(tx, product, views).await?;
        for view in views {
            let names = view.names();
            if !names.iter().any(|name| spoken_of.contains(*name)) {
                continue;
            }
            let target = target(&view.finding, &names, &view.purl);
            let covers = |it: &&VexStatement| it.scope.covers(target, advisory::vex::purl_covers);
            view.statement = stated.iter().find(covers).cloned();
        }
        Ok(())
    }
}
