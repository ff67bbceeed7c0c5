//! A worker that is killed with SIGKILL: what it had committed stands, what it had not
//! is gone, and its job goes to the next worker when the lease ends.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use store::{Database, DatabaseUrl, accounts, jobs};

use crate::{
    databases::{block_on, with_postgres, with_sqlite},
    jobs::{LEASE, claim, new_job},
    rows::{account, at},
};

const ADDRESS: &str = "PLIMSOLL_TEST_CHILD_DATABASE";

/// Not a test by itself: the process that the tests below start and kill.
#[test]
#[ignore = "started by other tests"]
#[expect(
    clippy::disallowed_methods,
    reason = "how the child is told its database"
)]
fn child() {
    let Ok(address) = std::env::var(ADDRESS) else {
        return;
    };
    block_on(async {
        let db = Database::open(&address.parse().expect("an address"))
            .await
            .expect("opens");
        let mut tx = db.begin().await.expect("a transaction");
        claim(&mut tx, "child", 0).await.expect("a job");
        tx.commit().await.expect("committed");
        let mut tx = db.begin().await.expect("a transaction");
        accounts::create(&mut tx, &account(1, "half-done"))
            .await
            .expect("created");
        println!("\nCLAIMED");
        std::future::pending::<()>().await;
    });
}

fn start_child(url: &DatabaseUrl) -> Child {
    let address = match url {
        DatabaseUrl::Sqlite(path) => format!("sqlite:{}", path.display()),
        DatabaseUrl::Postgres(address) => address.clone(),
    };
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["--exact", "children::child", "--ignored", "--nocapture"])
        .env(ADDRESS, address)
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child");
    let out = BufReader::new(child.stdout.take().expect("its output"));
    let claimed = out.lines().any(|line| line.expect("text") == "CLAIMED");
    assert!(claimed, "the child ended before it had the job");
    child
}

async fn killed_worker(db: Database, url: DatabaseUrl) {
    let mut tx = db.begin().await.expect("a transaction");
    jobs::enqueue(&mut tx, &new_job(1, Some("key")))
        .await
        .expect("added");
    tx.commit().await.expect("committed");
    let mut child = tokio::task::spawn_blocking(move || start_child(&url))
        .await
        .expect("started");
    child.kill().expect("killed");
    child.wait().expect("gone");
    let mut tx = db.begin().await.expect("a transaction");
    assert_eq!(claim(&mut tx, "heir", LEASE.num_seconds()).await, None);
    let job = claim(&mut tx, "heir", LEASE.num_seconds() + 1)
        .await
        .expect("the child's job");
    assert_eq!(job.attempts, 2);
    assert!(
        jobs::finish(&mut tx, &job.id, "heir", at(40))
            .await
            .expect("ended")
    );
    assert_eq!(accounts::count(&mut tx).await.expect("counted"), 0);
    tx.commit().await.expect("committed");
}

#[test]
fn a_killed_workers_job_goes_on_sqlite() {
    with_sqlite(killed_worker);
}

#[test]
fn a_killed_workers_job_goes_on_postgres() {
    with_postgres("icu", killed_worker);
}
