//! Witnesses of the log: they are asked to cosign its head when it has grown, and once in a while,
//! so that what they saw is never old.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use store::{Tx, log_witnesses as rows};
use trust::log::{Hash, Span, Witness, Witnessed, consistency, encode, submission};

use crate::{
    App, AppError,
    log::{log_head, number, size, span_hash},
    log_proofs::consistency_proof,
};

/// A witness that saw all there is is asked again after.
const AGAIN: TimeDelta = TimeDelta::hours(1);
/// One that was asked in vain is asked again after; twice that after the next time, and so on.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(10);
/// But not later than.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// Whoever asks a witness has it so long.
const TAKEN: TimeDelta = TimeDelta::minutes(2);
/// How often one is asked at a time, where it knows of more or less than was thought.
const MOST_TURNS: u32 = 3;
/// So much of an answer that helps nobody is kept.
const MOST_CHARS: usize = 200;

/// A witness of this market's log.
#[derive(Debug, Clone)]
pub struct LogWitness {
    /// Its name and key.
    pub key: Witness,
    /// Where it is asked: the part before `/add-checkpoint`.
    pub url: String,
}

/// A witness is to be asked.
#[derive(Debug, Clone)]
pub struct WitnessCall {
    /// Where.
    pub url: String,
    /// What is sent.
    pub body: String,
    witness: Witness,
    checkpoint: String,
    size: u64,
    turns: u32,
    failures: i64,
}

impl WitnessCall {
    /// Returns the witness's name.
    pub fn witness(&self) -> &str {
        self.witness.name()
    }
}

/// What came of it.
#[derive(Debug, Clone, Default)]
pub struct WitnessAnswer {
    /// The status, where there was an answer.
    pub status: Option<u16>,
    /// The answer's body.
    pub body: String,
    /// What went wrong.
    pub error: Option<String>,
}

/// How a witness stands, for whoever watches the market.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessStanding {
    /// Its name.
    pub name: String,
    /// When it cosigned last, in seconds since 1970; zero for never.
    pub cosigned_at: i64,
    /// How often it was asked in vain since.
    pub failures: i64,
}

impl App {
    /// Takes the witnesses that are to be asked now.
    ///
    /// # Errors
    /// The database refused.
    pub async fn take_witness_calls(&self) -> Result<Vec<WitnessCall>, AppError> {
        let witnesses = &self.config.witnesses;
        if witnesses.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = self.read().await?;
        let (size, _) = log_head(&mut tx).await?;
        let known = rows::list(&mut tx).await?;
        drop(tx);
        let (now, limit) = (self.now(), number(size)?);
        let is_due = |row: &rows::LogWitness| {
            let has_grown = row.failures == 0 && row.size.is_some_and(|size| size < limit);
            row.taken_until.is_none_or(|until| until <= now) && (row.ask_at <= now || has_grown)
        };
        let mut calls = Vec::new();
        for witness in witnesses.iter().filter(|_| size > 0) {
            let name = witness.key.to_string();
            let row = known.iter().find(|row| row.witness == name);
            if row.is_some_and(|row| !is_due(row)) {
                continue;
            }
            let mut tx = self.begin().await?;
            rows::add(&mut tx, &name, now).await?;
            let taken = rows::take(&mut tx, &name, limit, (now, now + TAKEN)).await?;
            tx.commit().await?;
            if let Some(row) = taken {
                match self.ask_witness(witness, &row, 1).await {
                    Ok(call) => calls.extend(call),
                    // The others are taken as well, and are asked.
                    Err(error) => tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        log.witness = witness.key.name(),
                        "a witness cannot be asked"
                    ),
                }
            }
        }
        Ok(calls)
    }

    /// Writes what a witness is asked; nothing where it knows of more than there is.
    async fn ask_witness(
        &self,
        witness: &LogWitness,
        row: &rows::LogWitness,
        turns: u32,
    ) -> Result<Option<WitnessCall>, AppError> {
        let mut tx = self.read().await?;
        let (size, root) = log_head(&mut tx).await?;
        let old = match self::size(row.known_size)? {
            // It may have forgotten, or never have seen so much: it says what it knows.
            known if turns == 1 => known.min(size),
            known => known,
        };
        if old > size {
            drop(tx);
            let name = witness.key.name();
            tracing::error!(
                log.witness = name,
                log.witnessed = old,
                log.size = size,
                "a witness saw more of the log than there is: the database is from before, or another market writes this log"
            );
            let problem = format!(
                "it saw {old} entries, and the log has {size}: the database is from before"
            );
            self.asked_in_vain(&witness.key, &problem, row.failures)
                .await?;
            return Ok(None);
        }
        let spans = consistency(old, size).unwrap_or_default();
        let proof = consistency_proof(&mut tx, &spans).await?;
        let checkpoint = self.log_key().sign(size, &root);
        Ok(Some(WitnessCall {
            url: format!("{}/add-checkpoint", witness.url),
            body: submission(old, &proof, &checkpoint),
            witness: witness.key.clone(),
            checkpoint,
            size,
            turns,
            failures: row.failures,
        }))
    }

    /// Keeps what a witness answered. Gives what it is to be asked at once, where it knows of more
    /// or less than was thought.
    ///
    /// # Errors
    /// The database refused.
    pub async fn witness_answered(
        &self,
        call: &WitnessCall,
        answer: &WitnessAnswer,
    ) -> Result<Option<WitnessCall>, AppError> {
        let problem = match answer.status {
            Some(200) => match call.witness.pick(&call.checkpoint, &answer.body) {
                Some(signed) => {
                    let name = call.witness.to_string();
                    let mut tx = self.begin().await?;
                    let head = (name.as_str(), number(call.size)?);
                    rows::cosigned(&mut tx, head, signed, self.now() + AGAIN).await?;
                    tx.commit().await?;
                    return Ok(None);
                }
                None => "its answer has no cosignature by its key".to_owned(),
            },
            Some(409) if call.turns < MOST_TURNS => match known_size(&answer.body) {
                Some(known) => return self.ask_from(call, known).await,
                None => said(409, &answer.body),
            },
            Some(status) => said(status, &answer.body),
            None => answer.error.clone().unwrap_or_default(),
        };
        tracing::warn!(
            log.witness = call.witness.name(),
            problem,
            "a witness does not cosign the log"
        );
        self.asked_in_vain(&call.witness, &problem, call.failures)
            .await?;
        Ok(None)
    }

    async fn ask_from(
        &self,
        call: &WitnessCall,
        known: i64,
    ) -> Result<Option<WitnessCall>, AppError> {
        let name = call.witness.to_string();
        let mut tx = self.begin().await?;
        rows::knows(&mut tx, &name, known).await?;
        let row = rows::list(&mut tx).await?;
        tx.commit().await?;
        let row = row.into_iter().find(|row| row.witness == name);
        let witness = self
            .config
            .witnesses
            .iter()
            .find(|it| it.key == call.witness);
        match (witness, row) {
            (Some(witness), Some(row)) => self.ask_witness(witness, &row, call.turns + 1).await,
            _ => Ok(None),
        }
    }

    async fn asked_in_vain(
        &self,
        witness: &Witness,
        problem: &str,
        failures: i64,
    ) -> Result<(), AppError> {
        let times = 1 << failures.clamp(0, 16);
        let pause = (FIRST_PAUSE * times).min(LONGEST_PAUSE);
        let mut tx = self.begin().await?;
        let name = witness.to_string();
        rows::failed(&mut tx, &name, problem, self.now() + pause).await?;
        Ok(tx.commit().await?)
    }

    /// Returns the earlier ones of the heads that witnesses saw last, and that the log goes on from
    /// them to the one with `head` entries.
    pub(crate) async fn witnessed(
        &self,
        tx: &mut Tx,
        head: u64,
        cosigned: BTreeMap<u64, String>,
    ) -> Result<Vec<Witnessed>, AppError> {
        let mut earlier = Vec::new();
        for (size, lines) in cosigned {
            let Some(spans) = consistency(size, head).filter(|_| size < head) else {
                continue;
            };
            let root: Hash = span_hash(
                tx,
                Span {
                    start: 0,
                    end: size,
                },
            )
            .await?;
            let proof = consistency_proof(tx, &spans).await?;
            earlier.push(Witnessed {
                checkpoint: self.log_key().sign(size, &root) + &lines,
                proof: encode(&proof),
            });
        }
        Ok(earlier)
    }

    /// Returns the cosignatures that the market's witnesses gave last, as lines below a checkpoint,
    /// by the size of its head. Whoever also reads the head reads it after this: it has not fewer
    /// entries then.
    pub(crate) async fn cosigned_heads(
        &self,
        tx: &mut Tx,
    ) -> Result<BTreeMap<u64, String>, AppError> {
        let mut heads: BTreeMap<u64, String> = BTreeMap::new();
        for row in self.own_witnesses(tx).await? {
            if let (Some(of), Some(line)) = (row.size, row.line) {
                let lines = heads.entry(size(of)?).or_default();
                *lines += &format!("{line}\n");
            }
        }
        Ok(heads)
    }

    async fn own_witnesses(&self, tx: &mut Tx) -> Result<Vec<rows::LogWitness>, AppError> {
        if self.config.witnesses.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = self
            .config
            .witnesses
            .iter()
            .map(|it| it.key.to_string())
            .collect();
        let mut found = rows::list(tx).await?;
        found.retain(|row| names.contains(&row.witness));
        Ok(found)
    }

    /// Returns how the witnesses stand.
    pub(crate) async fn witness_standings(
        &self,
        tx: &mut Tx,
    ) -> Result<Vec<WitnessStanding>, AppError> {
        let rows = self.own_witnesses(tx).await?;
        let standing = |witness: &LogWitness| {
            let name = witness.key.to_string();
            let row = rows.iter().find(|row| row.witness == name);
            let at = row.and_then(|row| row.cosigned_at);
            WitnessStanding {
                name: witness.key.name().to_owned(),
                cosigned_at: at.map_or(0, |at| at.timestamp()),
                failures: row.map_or(0, |row| row.failures),
            }
        };
        Ok(self.config.witnesses.iter().map(standing).collect())
    }
}

fn said(status: u16, body: &str) -> String {
    let body: String = body.trim().chars().take(MOST_CHARS).collect();
    format!("it answered {status}: {body}")
}

/// Reads how many entries a witness knows of.
fn known_size(body: &str) -> Option<i64> {
    let text = body.strip_suffix('\n').unwrap_or(body);
    let number: i64 = text.parse().ok()?;
    (number >= 0 && number.to_string() == text).then_some(number)
}
