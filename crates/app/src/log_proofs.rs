//! What the log says of a name, with proofs: in parts, so that however much it is, no answer is
//! large, and read in a few queries, however many proofs there are.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use store::{Tx, log as rows};
use trust::log::{
    Consistency, Hash, LoggedEntry, Page, Perfect, Span, Statement, TILE_WIDTH, consistency,
    encode, fold, inclusion, perfect, root,
};

use crate::{
    App, AppError,
    log::{Broken, TILE_HEIGHT, log_head, number, size},
    succession::successions,
};

/// A part of a statement holds so many entries at most, all with their proofs.
const MOST_ENTRIES: usize = 1_000;

impl App {
    /// Returns what the log says of a repository, with proofs: all of it, or the first part; and,
    /// where `since` is given, that the log begins with what it was when it had that many entries.
    /// None where it says nothing.
    ///
    /// # Errors
    /// The database cannot be read, or the key that signs it cannot be reached.
    pub async fn log_statement(
        &self,
        repository: &str,
        since: Option<u64>,
    ) -> Result<Option<Statement>, AppError> {
        let mut tx = self.read().await?;
        let name = self.log_subject(repository);
        let mut heads = self.cosigned_heads(&mut tx).await?;
        let (size, root) = log_head(&mut tx).await?;
        let Some(first) = page(&mut tx, &name, (0, size)).await? else {
            return Ok(None);
        };
        let count = rows::count_of_name(&mut tx, &name, number(size)?).await?;
        let count = usize::try_from(count).map_err(AppError::internal)?;
        let mut continued = None;
        if let Some(since) = since
            && let Some(spans) = consistency(since, size)
        {
            let proof = consistency_proof(&mut tx, &spans).await?;
            continued = Some(Consistency {
                since,
                proof: encode(&proof),
            });
        }
        let successions = successions(&mut tx).await?;
        let cosigned = heads.remove(&size).unwrap_or_default();
        let witnessed = self.witnessed(&mut tx, size, heads).await?;
        drop(tx);
        let stamp = self.stamp(&name, count, (size, root)).await?;
        let checkpoint = self.log_key().sign(size, &root) + &cosigned;
        Ok(Some(Statement {
            consistency: continued,
            witnessed,
            successions,
            next: first.next,
            ..Statement::stamped(&name, first.entries, checkpoint, stamp)
        }))
    }

    /// Returns a further part of what the log said of a repository when it had `size` entries,
    /// from number `from` on. None where that is nothing, or it never had so many.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn log_page(
        &self,
        repository: &str,
        (from, size): (u64, u64),
    ) -> Result<Option<Page>, AppError> {
        let mut tx = self.read().await?;
        let (newest, _) = log_head(&mut tx).await?;
        match from < size && size <= newest {
            true => page(&mut tx, &self.log_subject(repository), (from, size)).await,
            false => Ok(None),
        }
    }
}

/// Returns the hashes that prove that the log goes on.
pub(crate) async fn consistency_proof(tx: &mut Tx, spans: &[Span]) -> Result<Vec<Hash>, AppError> {
    let mut hashes = Hashes::read(tx, spans.iter().copied()).await?;
    spans.iter().map(|span| hashes.of(*span)).collect()
}

/// Returns the entries of a name from `from` on, proven to be in the log of `size` entries; none
/// where there are none.
async fn page(tx: &mut Tx, name: &str, (from, size): (u64, u64)) -> Result<Option<Page>, AppError> {
    let span = (number(from)?, number(size)?);
    let limit = i64::try_from(MOST_ENTRIES + 1).map_err(AppError::internal)?;
    let mut found = rows::of_name(tx, name, span, limit).await?;
    let mut next = None;
    if found.len() > MOST_ENTRIES {
        next = found.pop().map(|row| self::size(row.idx)).transpose()?;
    }
    let mut proofs = Vec::new();
    for row in found {
        let index = self::size(row.idx)?;
        let spans = inclusion(index, size).ok_or(AppError::internal(Broken))?;
        proofs.push((index, row.content, spans));
    }
    let spans = proofs.iter().flat_map(|(.., spans)| spans.iter().copied());
    let mut hashes = Hashes::read(tx, spans).await?;
    let mut entries = Vec::new();
    for (index, content, spans) in proofs {
        let proof: Result<Vec<_>, _> = spans.into_iter().map(|span| hashes.of(span)).collect();
        entries.push(LoggedEntry {
            index,
            entry: String::from_utf8(content).map_err(AppError::internal)?,
            proof: encode(&proof?),
        });
    }
    Ok((!entries.is_empty()).then_some(Page { entries, next }))
}

/// Hashes of the tree that proofs are made of.
#[derive(Default)]
struct Hashes {
    /// By level and number, in tiles.
    tiles: HashMap<(u32, u64), Vec<Hash>>,
    /// What was put together of them: proofs of one head have much in common.
    known: HashMap<Span, Hash>,
}

impl Hashes {
    /// Reads the tiles that the hashes of spans are in, one query for each level.
    async fn read(tx: &mut Tx, spans: impl Iterator<Item = Span>) -> Result<Self, AppError> {
        let mut wanted: BTreeMap<u32, BTreeSet<i64>> = BTreeMap::new();
        let spans: BTreeSet<_> = spans.map(|span| (span.start, span.end)).collect();
        for (start, end) in spans {
            for part in perfect(Span { start, end }) {
                let (level, first, _) = row(part);
                let tiles = wanted.entry(level).or_default();
                tiles.insert(number(first / TILE_WIDTH)?);
            }
        }
        let mut hashes = Self::default();
        for (level, tiles) in wanted {
            let tiles: Vec<_> = tiles.into_iter().collect();
            for row in rows::tiles(tx, level.into(), &tiles).await? {
                let hash = row.hash.try_into();
                let hash = hash.map_err(|_| AppError::internal(Broken))?;
                let tile = (level, size(row.idx)? / TILE_WIDTH);
                hashes.tiles.entry(tile).or_default().push(hash);
            }
        }
        Ok(hashes)
    }

    fn of(&mut self, span: Span) -> Result<Hash, AppError> {
        if let Some(known) = self.known.get(&span) {
            return Ok(*known);
        }
        let parts = perfect(span).into_iter().map(|part| self.perfect(part));
        let parts: Vec<_> = parts.collect::<Result<_, _>>()?;
        let hash = fold(&parts);
        self.known.insert(span, hash);
        Ok(hash)
    }

    fn perfect(&self, part: Perfect) -> Result<Hash, AppError> {
        let (level, first, width) = row(part);
        let tile = self.tiles.get(&(level, first / TILE_WIDTH));
        let start = usize::try_from(first % TILE_WIDTH).map_err(AppError::internal)?;
        let found = tile.and_then(|tile| tile.get(start..start + width));
        found.map(root).ok_or(AppError::internal(Broken))
    }
}

/// Returns the hashes that a subtree is over, all within one tile: their level, the first, how many.
fn row(part: Perfect) -> (u32, u64, usize) {
    let (level, height) = (part.height / TILE_HEIGHT, part.height % TILE_HEIGHT);
    (level, part.index << height, 1 << height)
}
