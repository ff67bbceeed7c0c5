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
        let of = log::of_name(&mut tx, "one", 10).await.expect("read");
        assert_eq!(of.iter().map(|row| row.idx).collect::<Vec<_>>(), [0, 2]);
        assert_eq!(log::entries(&mut tx, 1, 1).await.expect("read").len(), 1);
        assert_eq!(log::hashes(&mut tx, 0, (1, 256)).await.expect("read").len(), 2);
        assert_eq!(log::hashes(&mut tx, 1, (0, 256)).await.expect("read").len(), 0);
    }
}
