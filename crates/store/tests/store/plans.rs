//! Long lists are read in the order of an index, from where the last page ended: however long
//! they are, nothing is sorted, and nothing before is looked at.

use sqlx::{AssertSqlSafe, Row};
use store::{Tx, statements_of_this_crate};

/// A part of the statement, the index, and values for its parameters.
const LISTS: [(&str, &str, &[&str]); 3] = [
    (
        "FROM tags WHERE repository_id = $1 AND name COLLATE",
        "tags_in_order",
        &["'x'", "'x'", "5"],
    ),
    (
        "FROM repositories r WHERE r.name COLLATE",
        "repositories_in_order",
        &["'x'", "FALSE", "'x'", "5"],
    ),
    (
        "FROM manifests WHERE repository_id = $1 AND subject = $2",
        "manifests_by_subject",
        &["'x'", "'x'", "'x'", "NULL", "5"],
    ),
];

fn statement(part: &str, values: &[&str]) -> String {
    let found = statements_of_this_crate()
        .into_iter()
        .find(|statement| statement.postgres.contains(part));
    let mut text = found.expect("the statement is there").postgres.to_owned();
    for (place, value) in values.iter().enumerate().rev() {
        text = text.replace(&format!("${}", place + 1), value);
    }
    text
}

/// Returns how the engine would run `sql`.
async fn plan(tx: &mut Tx, sql: &str) -> String {
    let texts: Vec<String> = match tx {
        Tx::Sqlite(c) => {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
            let rows = sqlx::query(explain).fetch_all(&mut **c).await;
            rows.expect("a plan")
                .iter()
                .map(|row| row.get("detail"))
                .collect()
        }
        Tx::Postgres(c) => {
            // Its tables are empty, and then it would read them from end to end.
            let prefer = sqlx::query("SET LOCAL enable_seqscan = off").execute(&mut **c);
            prefer.await.expect("set");
            let prefer = sqlx::query("SET LOCAL enable_bitmapscan = off").execute(&mut **c);
            prefer.await.expect("set");
            let explain = AssertSqlSafe(format!("EXPLAIN {sql}"));
            let rows = sqlx::query(explain).fetch_all(&mut **c).await;
            rows.expect("a plan").iter().map(|row| row.get(0)).collect()
        }
    };
    texts.join("\n")
}

both! {
    async fn long_lists_are_read_in_the_order_of_an_index(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        for (part, index, values) in LISTS {
            let plan = plan(&mut tx, &statement(part, values)).await;
            assert!(plan.contains(index), "{part}: {plan}");
            assert!(!plan.contains("TEMP B-TREE") && !plan.contains("Sort"), "{part}: {plan}");
        }
    }

    async fn origins_are_looked_up_by_indexes(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let plan = plan(&mut tx, &statement("above (digest) AS", &["'x'", "'x'"])).await;
        for index in ["manifest_references_by_digest", "releases_by_image"] {
            assert!(plan.contains(index), "{index}: {plan}");
            // Not by the repository alone.
            assert!(!plan.contains(&format!("{index} (repository_id=?)")), "{index}: {plan}");
        }
        for table in ["manifest_references", "manifests", "tags", "releases", "submissions"] {
            assert!(!plan.contains(&format!("Seq Scan on {table}")), "{plan}");
        }
    }
}
