//! The reports on layers: each is made once for a digest and a version of the parsers, whoever
//! asks for it, and however many ask at the same time.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use inventory::{LayerReport, PARSER_VERSION};
use oci::{Descriptor, Digest};
use tokio::sync::OwnedMutexGuard;

use crate::{
    App, AppError,
    inspection::{compress, decompress},
    staged::StagedImage,
};

/// Who reads which layers now. An image is often submitted while it is still being read ahead,
/// and two images often have a new layer in common.
#[derive(Debug, Default)]
pub(crate) struct LayerTurns(Mutex<HashMap<Digest, Weak<tokio::sync::Mutex<()>>>>);

impl LayerTurns {
    /// Waits until nobody else in this process reads any of these layers; nobody does while
    /// what it gives is held. Reports are looked for after that.
    pub(crate) async fn take(&self, layers: &[Descriptor]) -> Vec<OwnedMutexGuard<()>> {
        // In order, so that no two that want the same ones wait for each other.
        let digests: BTreeSet<_> = layers.iter().map(|layer| &layer.digest).collect();
        let mut held = Vec::with_capacity(digests.len());
        for digest in digests {
            held.push(self.turn(digest).lock_owned().await);
        }
        held
    }

    fn turn(&self, layer: &Digest) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turn) = turns.get(layer).and_then(Weak::upgrade) {
            return turn;
        }
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = Arc::default();
        turns.insert(layer.clone(), Arc::downgrade(&turn));
        turn
    }
}

impl App {
    /// Returns whether there is a report on a layer.
    pub(crate) async fn has_report(&self, layer: &Digest) -> Result<bool, AppError> {
        let (mut tx, version) = (self.read().await?, i64::from(PARSER_VERSION));
        Ok(store::images::has_layer_report(&mut tx, layer.as_str(), version).await?)
    }

    /// Returns the reports there are on layers of an image.
    pub(crate) async fn known_reports(
        &self,
        source: &StagedImage,
        layers: &[Descriptor],
    ) -> Result<HashMap<Digest, LayerReport>, AppError> {
        let mut tx = self.read().await?;
        let mut known = HashMap::new();
        for layer in layers.iter().filter(|layer| source.has(&layer.digest)) {
            let row = store::images::find_layer_report(
                &mut tx,
                layer.digest.as_str(),
                i64::from(PARSER_VERSION),
            )
            .await?;
            if let Some(report) = row.and_then(|bytes| decompress(&bytes)) {
                known.insert(layer.digest.clone(), report);
            }
        }
        Ok(known)
    }

    /// Keeps new reports on layers.
    pub(crate) async fn keep_reports(
        &self,
        reports: &[&(Digest, LayerReport)],
    ) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        for (digest, report) in reports {
            let bytes = compress(report)?;
            store::images::put_layer_report(
                &mut tx,
                digest.as_str(),
                i64::from(PARSER_VERSION),
                &bytes,
                self.now(),
            )
            .await?;
        }
        Ok(tx.commit().await?)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::AtomicUsize, sync::atomic::Ordering, time::Duration};

    use super::*;

    #[tokio::test]
    async fn a_layer_is_read_by_one_at_a_time_and_others_are_not_waited_for() {
        let turns = Arc::new(LayerTurns::default());
        let layer = |bytes: &[u8; 1]| Descriptor::new("layer", Digest::of(bytes), 1);
        let all = [b"a", b"b", b"c"].map(layer);
        let reading: Arc<[AtomicUsize; 3]> = Arc::default();
        let mut tasks = tokio::task::JoinSet::new();
        // Every order of wanting them, again and again: none waits for ever.
        for round in 0..60_usize {
            let (turns, reading) = (Arc::clone(&turns), Arc::clone(&reading));
            let wanted: Vec<_> = (0..=round % 3).map(|n| (n + round) % 3).rev().collect();
            let layers: Vec<_> = wanted.iter().map(|n| all[*n].clone()).collect();
            tasks.spawn(async move {
                let held = turns.take(&layers).await;
                for n in &wanted {
                    assert_eq!(reading[*n].fetch_add(1, Ordering::SeqCst), 0);
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
                for n in &wanted {
                    reading[*n].fetch_sub(1, Ordering::SeqCst);
                }
                drop(held);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.expect("no two at once");
        }
        let held = turns.take(&all[..1]).await;
        let _other = turns.take(&all[1..2]).await;
        assert_eq!(
            turns.0.lock().expect("unharmed").len(),
            2,
            "old turns are forgotten"
        );
        drop(held);
    }
}
