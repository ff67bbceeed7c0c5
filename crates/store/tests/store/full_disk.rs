//! A disk without room: a clear error, and nothing lost.

use std::{path::Path, process::Command};

use store::{Database, DatabaseUrl, StoreError, images};

use crate::{databases::block_on, rows::at};

/// A small file system in memory; unmounted when dropped.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn mount(dir: &'a Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"])
            .arg(dir)
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self(dir))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        // A file system in memory that stays until the next start does no harm.
        Command::new("umount").arg("-l").arg(self.0).output().ok();
    }
}

async fn put(db: &Database, number: usize) -> Result<(), StoreError> {
    let mut tx = db.begin().await?;
    let report: Vec<u8> = (0..40_000).map(|i| (i * 31 + number) as u8).collect();
    images::put_layer_report(&mut tx, &format!("sha256:{number}"), 1, &report, at(0)).await?;
    tx.commit().await
}

async fn has(db: &Database, number: usize) -> bool {
    let mut tx = db.read().await.expect("a transaction");
    let report = images::find_layer_report(&mut tx, &format!("sha256:{number}"), 1).await;
    report.expect("read").is_some()
}

#[test]
fn a_full_disk_is_told_and_loses_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let Some(_disk) = SmallDisk::mount(dir.path()) else {
        eprintln!("skipped: a small file system can be mounted by root only");
        return;
    };
    block_on(async {
        let url = DatabaseUrl::Sqlite(dir.path().join("test.db"));
        let db = Database::open(&url).await.expect("opens");
        let ballast = dir.path().join("ballast");
        std::fs::write(&ballast, vec![0; 400_000]).expect("room");
        let mut stored = 0;
        let error = loop {
            match put(&db, stored).await {
                Ok(()) => stored += 1,
                Err(error) => break error,
            }
        };
        assert!(error.is_full(), "{error:?}");
        assert!(stored > 3, "{stored}");
        for number in 0..stored {
            assert!(has(&db, number).await, "{number}");
        }
        assert!(!has(&db, stored).await);
        let error = put(&db, stored).await.expect_err("still full");
        assert!(error.is_full(), "{error:?}");
        // Room was made: it goes on as if nothing had been.
        std::fs::remove_file(&ballast).expect("removed");
        put(&db, stored).await.expect("there is room again");
        db.close().await;
        let db = Database::open(&url).await.expect("opens again");
        for number in 0..=stored {
            assert!(has(&db, number).await, "{number}");
        }
        db.close().await;
    });
}
