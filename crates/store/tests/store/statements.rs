//! Every statement is prepared on both engines, whether a test reaches it or not.

use std::{fs, path::Path};

use sqlx::{Executor, SqlSafeStr};
use store::{Tx, statements_of_this_crate};

both! {
    async fn every_statement_prepares(db: Database) {
        let mut tx = db.begin().await.expect("a transaction");
        let mut wrong = Vec::new();
        for statement in statements_of_this_crate() {
            let outcome = match &mut tx {
                Tx::Sqlite(c) => (&mut **c).prepare(statement.sqlite.into_sql_str()).await.map(drop),
                Tx::Postgres(c) => {
                    // One failed statement ends the transaction; each has its own.
                    c.execute("SAVEPOINT one").await.expect("a savepoint");
                    let outcome = (&mut **c).prepare(statement.postgres.into_sql_str()).await.map(drop);
                    c.execute("ROLLBACK TO one").await.expect("back");
                    outcome
                }
            };
            if let Err(error) = outcome {
                wrong.push(format!("{}: {error}\n", statement.place));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.concat());
    }
}

/// Calls `look` with the path and text of every Rust file below `dir`.
fn each_file(dir: &Path, look: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            each_file(&path, look);
        } else if path.extension().is_some_and(|end| end == "rs") {
            look(&path, &fs::read_to_string(&path).expect("text"));
        }
    }
}

/// Were a statement left out by the linker, nothing would check it.
#[test]
fn all_statements_are_listed() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut written = 0;
    each_file(&src, &mut |path, text| {
        if path.file_name().is_some_and(|name| name != "db.rs") {
            let calls = ["execute!(", "fetch_opt!(", "fetch_all!(", "fetch_scalar!("];
            written += calls
                .map(|call| text.matches(call).count())
                .iter()
                .sum::<usize>();
        }
    });
    assert!(written > 80, "{written}");
    assert_eq!(statements_of_this_crate().len(), written);
}

#[test]
fn queries_go_through_the_macros() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    each_file(&src, &mut |path, text| {
        let macros = path.ends_with("src/db.rs");
        let raw = [
            "sqlx::query",
            "sqlx::raw_sql",
            "AssertSqlSafe",
            "QueryBuilder",
        ];
        for call in raw.into_iter().filter(|_| !macros) {
            assert!(!text.contains(call), "{}: `{call}`", path.display());
        }
    });
}

#[test]
fn sql_stands_in_this_crate_only() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    each_file(&crates, &mut |path, text| {
        let own = path.components().any(|part| part.as_os_str() == "store");
        if own || path.components().any(|part| part.as_os_str() == "tests") {
            return;
        }
        let sql = [
            "sqlx::",
            "INSERT INTO ",
            "DELETE FROM ",
            "SELECT * ",
            " FROM accounts",
        ];
        for words in sql {
            assert!(!text.contains(words), "{}: `{words}`", path.display());
        }
    });
}

#[test]
fn the_audit_log_is_append_only() {
    for statement in statements_of_this_crate() {
        for text in [statement.sqlite, statement.postgres] {
            let text = text.to_lowercase();
            let changes = text.starts_with("update audit")
                || text.contains("from audit") && text.starts_with("delete");
            assert!(!changes, "{}: {text}", statement.place);
            assert!(
                !(text.contains("into audit") && text.contains("on conflict")),
                "{text}"
            );
        }
    }
}

/// Time comes from the clock; and text is ordered by bytes wherever people see the order.
#[test]
fn statements_keep_the_house_rules() {
    for statement in statements_of_this_crate() {
        for text in [statement.sqlite, statement.postgres] {
            let upper = text.to_uppercase();
            for banned in ["CURRENT_TIMESTAMP", "NOW()", "DATETIME("] {
                assert!(!upper.contains(banned), "{}: {banned}", statement.place);
            }
        }
        for by_text in ["name", "slug", "category", "component", "vulnerability"] {
            let bare = [
                format!("ORDER BY {by_text}"),
                format!(", {by_text}"),
                format!(".{by_text}"),
            ];
            for order in statement.postgres.split("ORDER BY").skip(1) {
                // One in brackets ends before what is grouped outside of them.
                let order = order.split("GROUP BY").next().unwrap_or_default();
                let order = format!("ORDER BY{order}");
                for (place, found) in bare
                    .iter()
                    .filter_map(|bare| order.match_indices(bare).next())
                {
                    let rest = &order[place + found.len()..];
                    assert!(
                        rest.starts_with(" COLLATE \"C\""),
                        "{}: {order}",
                        statement.place
                    );
                }
            }
        }
    }
}
