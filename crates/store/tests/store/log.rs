//! The log: numbers without gaps, hashes in their places.

use store::log;

both! {
    async fn entries_have_numbers_without_gaps(db: Database) {
        assert_eq!(log::head(&mut db.read().await.expect("a connection")).await.expect("read"), None);
        for number in 0..3 {
            let mut tx = db.begin().await.expect("a transaction");
            assert_eq!(log::lock(&mut tx).await.expect("locked"), number);
            let name = if number == 1 { "other" } else { "one" };
            log::append(&mut tx, number, name, &[7]).await.expect("appended");
            log::add_hash(&mut tx, (0, number), &[7; 32]).await.expect("added");
            log::set_head(&mut tx, number + 1, &[8; 32]).await.expect("set");
            tx.commit().await.expect("committed");
        }
        let mut tx = db.read().await.expect("a connection");
        let head = log::head(&mut tx).await.expect("read").expect("there");
        assert_eq!((head.size, head.root), (3, vec![8; 32]));
        for ((first, end), limit, expected) in [
            ((0, 3), 10, vec![0, 2]),
            ((1, 3), 10, vec![2]),
            ((0, 2), 10, vec![0]),
            ((0, 3), 1, vec![0]),
        ] {
            let of = log::of_name(&mut tx, "one", (first, end), limit).await.expect("read");
            assert_eq!(of.iter().map(|row| row.idx).collect::<Vec<_>>(), expected);
        }
        assert_eq!(log::count_of_name(&mut tx, "one", 2).await.expect("read"), 1);
        assert_eq!(log::entries(&mut tx, 1, 1).await.expect("read").len(), 1);
        assert_eq!(log::hashes(&mut tx, 0, (1, 256)).await.expect("read").len(), 2);
        assert_eq!(log::hashes(&mut tx, 1, (0, 256)).await.expect("read").len(), 0);
    }

    async fn tiles_are_read_many_at_once(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        for (level, idx) in (0..1_000).map(|idx| (0, idx)).chain([(1, 0), (1, 1)]) {
            let byte = u8::try_from(idx % 256).expect("a byte");
            log::add_hash(&mut tx, (level, idx), &[byte; 32]).await.expect("added");
        }
        let rows = log::tiles(&mut tx, 0, &[0, 3, 7]).await.expect("read");
        let numbers: Vec<_> = rows.iter().map(|row| row.idx).collect();
        assert_eq!(numbers, (0..256).chain(768..1_000).collect::<Vec<_>>());
        assert_eq!(rows[300].hash, [44; 32]);
        assert_eq!(log::tiles(&mut tx, 1, &[0]).await.expect("read").len(), 2);
        assert!(log::tiles(&mut tx, 0, &[]).await.expect("read").is_empty());
    }
}
