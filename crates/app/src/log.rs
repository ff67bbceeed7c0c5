//! The log that cannot forget: appended in the transaction of each act, read by everybody.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use store::{Tx, log as rows};
use tokio::{sync::Mutex, time::Instant};
use trust::{
    SignError, Signer,
    jws::JwsError,
    log::{
        Entry, Event, Hash, LogKey, Perfect, Span, Statement, TILE_WIDTH, Tile, TileKind, fold,
        leaf_hash, perfect, root,
    },
};

use crate::{App, AppError};

/// Tiles are 8 levels of the tree high.
pub(crate) const TILE_HEIGHT: u32 = 8;

/// How long a stamp is given out again: as long as the answer may be kept by others.
const STAMP_LIFE: TimeDelta = TimeDelta::seconds(5);

/// Clocks of nodes that are further apart are wrong.
const MOST_APART: TimeDelta = TimeDelta::minutes(5);

/// The stamps of the last moment, by name.
#[derive(Debug, Default)]
pub(crate) struct Stamps(Mutex<Stamped>);

#[derive(Debug, Default)]
struct Stamped {
    known: HashMap<String, Known>,
    /// When it was last found that the key did not sign, and why.
    failed: Option<(Instant, SignError)>,
}

/// A stamp.
#[derive(Debug)]
struct Known {
    at: DateTime<Utc>,
    /// Of how many entries in the whole log.
    size: u64,
    stamp: String,
}

impl App {
    /// Appends what happened to a name; the transaction that does it calls this.
    pub(crate) async fn log(
        &self,
        tx: &mut Tx,
        repository: &str,
        event: Event,
        at: DateTime<Utc>,
    ) -> Result<(), AppError> {
        let name = self.log_subject(repository);
        let idx = rows::lock(tx).await?;
        // The clock of the node that wrote the one before may be ahead of this one's.
        let before = rows::entries(tx, idx - 1, 1).await?.into_iter().next();
        let before = before.and_then(|row| Entry::parse(&row.content));
        let before = before.map_or(at, |before| before.at);
        // No hold waits for a clock, and what is in the log cannot be mended: it is told.
        if before - at > MOST_APART {
            tracing::error!(log.entry = idx - 1, log.at = %before, now = %at, "the log's last entry is from the future: the clock of a node is wrong, or was; until that time all that is logged is dated by it");
        }
        let content = Entry {
            at: before.max(at),
            name: name.clone(),
            event,
        }
        .to_bytes();
        rows::append(tx, idx, &name, &content).await?;
        let mut hash = leaf_hash(&content);
        let (mut level, mut place) = (0, idx);
        rows::add_hash(tx, (level, place), &hash).await?;
        let width = number(TILE_WIDTH)?;
        // A tile that is whole is a hash of the level above.
        while (place + 1) % width == 0 {
            let tile = (place + 1 - width, width);
            hash = root(&hashes(tx, level, tile).await?);
            (level, place) = (level + 1, place / width);
            rows::add_hash(tx, (level, place), &hash).await?;
        }
        let size = size(idx + 1)?;
        let head = span_hash(
            tx,
            Span {
                start: 0,
                end: size,
            },
        )
        .await?;
        Ok(rows::set_head(tx, idx + 1, &head).await?)
    }

    /// Returns the log's signed head, cosigned by the witnesses that saw it.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn log_checkpoint(&self) -> Result<String, AppError> {
        let mut tx = self.read().await?;
        let mut heads = self.cosigned_heads(&mut tx).await?;
        let (size, root) = log_head(&mut tx).await?;
        let cosigned = heads.remove(&size).unwrap_or_default();
        Ok(self.log_key().sign(size, &root) + &cosigned)
    }

    /// Returns the key that the log's heads are signed with, as witnesses are told of it.
    pub fn log_verifier(&self) -> String {
        self.log_key().verifier().to_string()
    }

    /// Returns a tile's bytes; none where the log has not come so far, or has more there.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn log_tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, AppError> {
        let mut tx = self.read().await?;
        let (first, width) = (number(tile.first())?, number(tile.width)?);
        let mut bytes = Vec::new();
        let mut found = 0;
        match tile.kind {
            TileKind::Hashes(level) => {
                for hash in rows::hashes(&mut tx, level.into(), (first, width)).await? {
                    bytes.extend(hash);
                    found += 1;
                }
            }
            TileKind::Entries => {
                for row in rows::entries(&mut tx, first, width).await? {
                    let length = u16::try_from(row.content.len()).map_err(AppError::internal)?;
                    bytes.extend(length.to_be_bytes());
                    bytes.extend(row.content);
                    found += 1;
                }
            }
        }
        Ok((found == width).then_some(bytes))
    }

    /// Signs what is said of a name, or gives what was signed a moment ago. Stamps are signed one
    /// by one: everybody may ask for them, and releases that a device signs must not wait long.
    pub(crate) async fn stamp(
        &self,
        name: &str,
        entries: usize,
        (size, root): (u64, Hash),
    ) -> Result<String, AppError> {
        let (now, asked) = (self.now(), Instant::now());
        let mut stamps = self.stamps.0.lock().await;
        (stamps.known).retain(|_, known| (now - known.at).abs() < STAMP_LIFE);
        let known = stamps.known.get(name);
        if let Some(known) = known.filter(|known| known.size == size) {
            return Ok(known.stamp.clone());
        }
        // Who waited for one that came to nothing does not wait for another.
        if let Some((_, why)) = (stamps.failed.as_ref()).filter(|(at, _)| asked <= *at) {
            return Err(why.clone().into());
        }
        let (log, subject) = (self.log_key(), name.to_owned());
        let sign = move |key: &dyn Signer| {
            Statement::stamp((&subject, entries), (size, &root), (key, &log), now)
        };
        let signed = self.with_release_key(sign).await;
        let stamp = match signed.and_then(|signed| signed.map_err(unsigned)) {
            Ok(stamp) => stamp,
            Err(error) => {
                if let AppError::Unsigned(why) = &error {
                    stamps.failed = Some((Instant::now(), why.clone()));
                }
                return Err(error);
            }
        };
        let known = Known {
            at: now,
            size,
            stamp: stamp.clone(),
        };
        stamps.known.insert(name.to_owned(), known);
        Ok(stamp)
    }

    pub(crate) fn log_subject(&self, repository: &str) -> String {
        format!("{}/{repository}", self.config.host())
    }

    pub(crate) fn log_key(&self) -> LogKey {
        let name = format!("{}/log", self.config.host());
        LogKey::new(&name, &self.keys.trust.derive_seed(name.as_bytes()))
    }
}

pub(crate) fn unsigned(error: JwsError) -> AppError {
    match error {
        JwsError::Unsigned(error) => error.into(),
        error => AppError::internal(error),
    }
}

pub(crate) async fn log_head(tx: &mut Tx) -> Result<(u64, Hash), AppError> {
    match rows::head(tx).await? {
        None => Ok((0, fold(&[]))),
        Some(head) => {
            let root = head.root.try_into();
            let root = root.map_err(|_| AppError::internal(Broken))?;
            Ok((size(head.size)?, root))
        }
    }
}

pub(crate) async fn span_hash(tx: &mut Tx, span: Span) -> Result<Hash, AppError> {
    let mut parts = Vec::new();
    for part in perfect(span) {
        parts.push(perfect_hash(tx, part).await?);
    }
    Ok(fold(&parts))
}

async fn perfect_hash(tx: &mut Tx, part: Perfect) -> Result<Hash, AppError> {
    let (level, height) = (part.height / TILE_HEIGHT, part.height % TILE_HEIGHT);
    let row = (number(part.index << height)?, 1 << height);
    let found = hashes(tx, level.into(), row).await?;
    match found.len() == 1 << height {
        true => Ok(root(&found)),
        false => Err(AppError::internal(Broken)),
    }
}

async fn hashes(tx: &mut Tx, level: i64, row: (i64, i64)) -> Result<Vec<Hash>, AppError> {
    let found = rows::hashes(tx, level, row).await?.into_iter();
    let hash = |hash: Vec<u8>| hash.try_into().map_err(|_| AppError::internal(Broken));
    found.map(hash).collect()
}

/// Rows that the log consists of were changed behind its back.
#[derive(Debug, thiserror::Error)]
#[error("the log's hashes are not whole")]
pub(crate) struct Broken;

pub(crate) fn number(number: u64) -> Result<i64, AppError> {
    i64::try_from(number).map_err(AppError::internal)
}

pub(crate) fn size(number: i64) -> Result<u64, AppError> {
    u64::try_from(number).map_err(AppError::internal)
}
