//! Many at once: no job is given twice, no writer fails because another writes.

use std::collections::BTreeSet;

use market::JobId;
use store::{Database, accounts, jobs, products, publishers};

use crate::{
    databases::with_postgres,
    jobs::{LEASE, new_job},
    rows::{account, at, product, publisher},
};

const JOBS: u8 = 120;

async fn take_all(db: Database, worker: String) -> Vec<JobId> {
    let mut taken = Vec::new();
    loop {
        let mut tx = db.begin().await.expect("a transaction");
        let job = jobs::claim(&mut tx, &worker, at(0), LEASE).await;
        tx.commit().await.expect("committed");
        let Some(job) = job.expect("asked") else {
            return taken;
        };
        let mut tx = db.begin().await.expect("a transaction");
        if taken.len() % 2 == 0 {
            assert!(
                jobs::finish(&mut tx, &job.id, &worker, at(0))
                    .await
                    .expect("ended")
            );
        }
        tx.commit().await.expect("committed");
        taken.push(job.id);
    }
}

both! {
    async fn no_job_is_given_to_two(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        for number in 0..JOBS {
            jobs::enqueue(&mut tx, &new_job(number, None)).await.expect("added");
        }
        tx.commit().await.expect("committed");
        let workers: Vec<_> = (0..12)
            .map(|worker| tokio::spawn(take_all(db.clone(), format!("worker {worker}"))))
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.await.expect("ends"));
        }
        let distinct: BTreeSet<_> = all.iter().cloned().collect();
        assert_eq!((all.len(), distinct.len()), (usize::from(JOBS), usize::from(JOBS)));
    }

    async fn one_expired_lease_has_one_heir(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        jobs::enqueue(&mut tx, &new_job(1, None)).await.expect("added");
        jobs::claim(&mut tx, "dead", at(0), LEASE).await.expect("asked").expect("a job");
        tx.commit().await.expect("committed");
        let heirs: Vec<_> = (0..12).map(|worker| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut tx = db.begin().await.expect("a transaction");
                let job = jobs::claim(&mut tx, &format!("{worker}"), at(31), LEASE).await.expect("asked");
                tx.commit().await.expect("committed");
                job.is_some()
            })
        }).collect();
        let mut got = 0;
        for heir in heirs {
            got += u32::from(heir.await.expect("ends"));
        }
        assert_eq!(got, 1);
    }

    async fn writers_wait_for_each_other(db: Database) {
        let writers: Vec<_> = (0..40).map(|number| {
            let db = db.clone();
            tokio::spawn(async move {
                let mut tx = db.begin().await.expect("a transaction");
                accounts::count(&mut tx).await.expect("counted");
                accounts::create(&mut tx, &account(number, &format!("n{number}"))).await.expect("created");
                tx.commit().await.expect("committed");
            })
        }).collect();
        // Readers go on meanwhile; each look sees what was committed before it.
        for _ in 0..20 {
            let mut tx = db.read().await.expect("a transaction");
            let count = accounts::count(&mut tx).await.expect("counted");
            let listed = accounts::list(&mut tx).await.expect("listed").len();
            assert!(i64::try_from(listed).is_ok_and(|listed| listed >= count));
        }
        for writer in writers {
            writer.await.expect("ends");
        }
        let count = accounts::count(&mut db.read().await.expect("a transaction")).await;
        assert_eq!(count.expect("counted"), 40);
    }
}

#[test]
fn of_two_that_wait_for_each_other_one_is_told_to_try_again() {
    with_postgres("icu", |db, _| async move {
        let mut tx = db.begin().await.expect("a transaction");
        let acme = publisher(1, "acme");
        publishers::create(&mut tx, &acme).await.expect("created");
        let rows = [product(1, &acme, "one"), product(2, &acme, "two")];
        for row in &rows {
            products::create(&mut tx, row).await.expect("created");
        }
        tx.commit().await.expect("committed");
        let (mut one, mut other) = (
            db.begin().await.expect("one"),
            db.begin().await.expect("two"),
        );
        products::lock(&mut one, &rows[0].id).await.expect("free");
        products::lock(&mut other, &rows[1].id).await.expect("free");
        // The one that is refused lets the other go on when its transaction ends.
        let then = async |mut tx, id| {
            let taken = products::lock(&mut tx, id).await;
            drop(tx);
            taken.err()
        };
        let errors = tokio::join!(then(one, &rows[1].id), then(other, &rows[0].id));
        let errors: Vec<_> = [errors.0, errors.1].into_iter().flatten().collect();
        assert!(
            errors.len() == 1 && errors[0].is_busy(),
            "one is refused: {errors:?}"
        );
    });
}
