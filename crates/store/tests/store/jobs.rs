//! The queue's rules, one by one.

use chrono::TimeDelta;
use market::JobId;
use serde_json::json;
use store::{
    Tx,
    jobs::{self, Job, MAX_ATTEMPTS, NewJob, Progress, back_off},
};

use crate::rows::{at, id};

pub(crate) const LEASE: TimeDelta = TimeDelta::seconds(30);

pub(crate) fn new_job(number: u8, key: Option<&str>) -> NewJob<'static> {
    NewJob {
        id: id(JobId::new, number),
        kind: "inspect",
        payload: json!({"kind": "inspect", "number": number}),
        dedupe_key: key.map(str::to_owned),
        run_at: at(0),
    }
}

pub(crate) async fn claim(tx: &mut Tx, worker: &str, seconds: i64) -> Option<Job> {
    let claimed = jobs::claim(tx, worker, at(seconds), LEASE).await;
    claimed.expect("asked")
}

async fn enqueue(tx: &mut Tx, job: &NewJob<'_>) -> bool {
    jobs::enqueue(tx, job).await.expect("asked")
}

both! {
    async fn jobs_are_done_in_order_when_they_are_due(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let later = NewJob { run_at: at(60), ..new_job(1, None) };
        for job in [&later, &new_job(3, None), &new_job(2, None)] {
            assert!(enqueue(&mut tx, job).await);
        }
        let first = claim(&mut tx, "w", 1).await.expect("a job");
        assert_eq!(first.id, new_job(2, None).id);
        assert_eq!((first.state.as_str(), first.attempts), ("running", 1));
        assert_eq!((first.leased_by.as_deref(), first.leased_until), (Some("w"), Some(at(31))));
        assert_eq!(first.payload.0, new_job(2, None).payload);
        assert_eq!(claim(&mut tx, "w", 1).await.expect("a job").id, new_job(3, None).id);
        assert_eq!(claim(&mut tx, "w", 1).await, None);
    }

    async fn a_lease_that_runs_out_hands_the_job_over(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        enqueue(&mut tx, &new_job(1, Some("key"))).await;
        let job = claim(&mut tx, "slow", 0).await.expect("a job");
        assert_eq!(claim(&mut tx, "next", 30).await, None);
        assert!(jobs::hold(&mut tx, &job.id, "slow", at(50)).await.expect("held"));
        assert_eq!(claim(&mut tx, "next", 31).await, None);
        let taken = claim(&mut tx, "next", 51).await.expect("a job");
        assert_eq!((taken.id.clone(), taken.attempts), (job.id.clone(), 2));
        // Whoever lost the lease changes nothing any more.
        let progress = Progress { done: 9, total: 9, note: "late".to_owned() };
        assert!(!jobs::hold(&mut tx, &job.id, "slow", at(999)).await.expect("asked"));
        assert!(!jobs::record_progress(&mut tx, &job.id, "slow", &progress, at(999)).await.expect("asked"));
        assert!(!jobs::finish(&mut tx, &job.id, "slow", at(52)).await.expect("asked"));
        assert!(!jobs::fail(&mut tx, &job.id, "slow", "late", at(52)).await.expect("asked"));
        jobs::retry(&mut tx, &job.id, "slow", "late", at(52)).await.expect("asked");
        let now = jobs::find_by_dedupe_key(&mut tx, "key").await.expect("read");
        assert_eq!(now, Some(taken));
        assert!(jobs::finish(&mut tx, &job.id, "next", at(53)).await.expect("ended"));
        assert!(!jobs::finish(&mut tx, &job.id, "next", at(54)).await.expect("asked"));
        assert_eq!(claim(&mut tx, "next", 9_999).await, None);
    }

    async fn a_key_has_one_job_until_it_ends(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        assert!(enqueue(&mut tx, &new_job(1, Some("key"))).await);
        assert!(!enqueue(&mut tx, &new_job(2, Some("key"))).await);
        assert!(enqueue(&mut tx, &new_job(3, Some("other"))).await);
        assert!(enqueue(&mut tx, &new_job(4, None)).await);
        assert!(enqueue(&mut tx, &new_job(5, None)).await);
        let job = claim(&mut tx, "w", 0).await.expect("a job");
        assert!(!enqueue(&mut tx, &new_job(6, Some("key"))).await);
        assert!(jobs::finish(&mut tx, &job.id, "w", at(1)).await.expect("ended"));
        assert!(enqueue(&mut tx, &new_job(7, Some("key"))).await);
        let counts = jobs::counts(&mut tx).await.expect("counted");
        assert_eq!(counts, [("done".to_owned(), 1), ("queued".to_owned(), 4)]);
    }

    async fn what_was_pushed_has_workers_of_its_own_and_is_forgotten(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let pushed = NewJob { kind: "read-ahead", ..new_job(1, Some("key")) };
        assert!(enqueue(&mut tx, &pushed).await);
        assert!(enqueue(&mut tx, &NewJob { kind: "import", ..new_job(2, None) }).await);
        assert_eq!(claim(&mut tx, "w", 0).await, None);
        let job = jobs::claim_read_ahead(&mut tx, "w", at(0), LEASE).await.expect("asked").expect("a job");
        assert_eq!(job.id, pushed.id);
        assert_eq!(jobs::claim_read_ahead(&mut tx, "w", at(0), LEASE).await.expect("asked"), None);
        assert!(!jobs::forget(&mut tx, &job.id, "other").await.expect("asked"));
        assert!(jobs::forget(&mut tx, &job.id, "w").await.expect("forgotten"));
        let counts = jobs::counts_by_kind(&mut tx).await.expect("counted");
        assert_eq!(counts, [("import".to_owned(), "queued".to_owned(), 1)]);
        assert!(enqueue(&mut tx, &pushed).await, "the key is free again");
    }

    async fn a_job_that_fails_is_tried_again_and_then_not(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        enqueue(&mut tx, &new_job(1, Some("key"))).await;
        let mut now = 0;
        for attempt in 1..MAX_ATTEMPTS {
            let job = claim(&mut tx, "w", now).await.expect("a job");
            assert_eq!(job.attempts, attempt);
            let wait = back_off(attempt);
            jobs::retry(&mut tx, &job.id, "w", &format!("error {attempt}"), at(now) + wait).await.expect("put back");
            assert_eq!(claim(&mut tx, "w", now).await, None);
            now += wait.num_seconds();
        }
        let job = claim(&mut tx, "w", now).await.expect("a job");
        assert_eq!((job.attempts, job.error.as_deref()), (MAX_ATTEMPTS, Some("error 4")));
        assert!(jobs::fail(&mut tx, &job.id, "w", "for good", at(now)).await.expect("ended"));
        assert_eq!(claim(&mut tx, "w", 99_999).await, None);
        let failed = jobs::failed(&mut tx, 9).await.expect("read");
        assert_eq!(failed.len(), 1);
        assert_eq!((failed[0].error.as_deref(), failed[0].ended_at, &failed[0].dedupe_key), (Some("for good"), Some(at(now)), &None));
        assert!(enqueue(&mut tx, &new_job(2, Some("key"))).await);
    }

    async fn progress_holds_the_lease(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        enqueue(&mut tx, &new_job(1, Some("key"))).await;
        let job = claim(&mut tx, "w", 0).await.expect("a job");
        let progress = Progress { done: 2, total: 4, note: "layer 2 of 4".to_owned() };
        assert!(jobs::record_progress(&mut tx, &job.id, "w", &progress, at(100)).await.expect("noted"));
        let found = jobs::find_by_dedupe_key(&mut tx, "key").await.expect("read").expect("there");
        assert_eq!((found.done_steps, found.total_steps, found.note.as_str()), (2, 4, "layer 2 of 4"));
        assert_eq!(claim(&mut tx, "x", 99).await, None);
        assert!(claim(&mut tx, "x", 101).await.is_some());
    }

    async fn a_job_is_there_with_what_needs_it_or_not_at_all(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        enqueue(&mut tx, &new_job(1, Some("key"))).await;
        drop(tx);
        let mut tx = db.begin().await.expect("a transaction");
        assert_eq!(claim(&mut tx, "w", 0).await, None);
    }
}

#[test]
fn waits_double_to_an_hour() {
    let seconds: Vec<_> = [0, 1, 2, 3, 11, 12, i64::MAX]
        .map(|n| back_off(n).num_seconds())
        .into();
    assert_eq!(seconds, [2, 2, 4, 8, 2_048, 3_600, 3_600]);
}
