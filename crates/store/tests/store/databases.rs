//! A fresh database for each test, on both engines. PostgreSQL is the one of
//! `TEST_DATABASE_URL`, else a throw-away server that the first test starts and that
//! stops by itself when no test has asked for it in five minutes.

use std::{
    fs::{self, File},
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use store::{Database, DatabaseUrl};

/// Makes one test for each engine of each function.
#[macro_export]
macro_rules! both {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident: Database) $body:block)*) => { $(
        mod $name {
            use super::*;

            $(#[$meta])*
            async fn story($db: store::Database) $body

            #[test]
            fn sqlite() {
                $crate::databases::with_sqlite(|db, _| story(db));
            }

            #[test]
            fn postgres() {
                $crate::databases::with_postgres("icu", |db, _| story(db));
            }
        }
    )* };
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(future)
}

/// Tells `story` on a SQLite file of its own.
pub(crate) fn with_sqlite<F: Future<Output = ()>>(story: impl FnOnce(Database, DatabaseUrl) -> F) {
    let dir = tempfile::tempdir().expect("a folder");
    let url = DatabaseUrl::Sqlite(dir.path().join("test.db"));
    block_on(async {
        let db = Database::open(&url).await.expect("a database");
        story(db.clone(), url).await;
        db.close().await;
    });
}

/// Tells `story` on a PostgreSQL database of its own, ordering text as `collation` says:
/// `icu` (words of American English) or `c` (bytes).
pub(crate) fn with_postgres<F: Future<Output = ()>>(
    collation: &str,
    story: impl FnOnce(Database, DatabaseUrl) -> F,
) {
    block_on(async {
        let Some(url) = fresh_postgres(collation).await else {
            return;
        };
        let db = Database::open(&url).await.expect("a database");
        story(db.clone(), url).await;
        db.close().await;
    });
}

/// Makes a PostgreSQL database; it goes some time after this process.
pub(crate) async fn fresh_postgres(collation: &str) -> Option<DatabaseUrl> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let server = server()?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("plimsoll_{}_{number}", std::process::id());
    let mut admin = PgConnection::connect(&server).await.expect("the server");
    let locale = match collation {
        "icu" => "LOCALE_PROVIDER icu ICU_LOCALE 'en-US' LC_COLLATE 'C' LC_CTYPE 'C'",
        _ => "LC_COLLATE 'C' LC_CTYPE 'C'",
    };
    drop_old(&mut admin).await;
    for statement in [
        format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' {locale}"),
    ] {
        run(&mut admin, &statement).await;
    }
    Some(DatabaseUrl::Postgres(with_name(&server, &name)))
}

/// Drops the databases of tests that have ended.
async fn drop_old(admin: &mut PgConnection) {
    let names: Vec<(String,)> =
        sqlx::query_as("SELECT datname FROM pg_database WHERE datname LIKE 'plimsoll%'")
            .fetch_all(&mut *admin)
            .await
            .expect("names");
    for (name,) in names {
        let process = name.split('_').nth(1).unwrap_or_default();
        if !process.is_empty() && !Path::new("/proc").join(process).exists() {
            // Another test may be at it as well.
            let drop_it = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
            drop(admin.execute(AssertSqlSafe(drop_it)).await);
        }
    }
}

async fn run(connection: &mut PgConnection, statement: &str) {
    let done = connection
        .execute(AssertSqlSafe(statement.to_owned()))
        .await;
    done.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// Puts another database's name into an address.
fn with_name(address: &str, name: &str) -> String {
    let (base, options) = address.split_once('?').unwrap_or((address, ""));
    let (server, _) = base.rsplit_once('/').expect("a database's name");
    format!("{server}/{name}?{options}")
}

/// Returns the address of a server; `None`, with words, where there is none to be had.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "where tests are told of a server, and say that there is none"
)]
fn server() -> Option<String> {
    if let Ok(address) = std::env::var("TEST_DATABASE_URL") {
        return Some(address);
    }
    let Some(programs) = programs() else {
        eprintln!("skipped: PostgreSQL is not installed, and TEST_DATABASE_URL is not set");
        return None;
    };
    let mut hasher = DefaultHasher::new();
    // One for all crates of this checkout.
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates.hash(&mut hasher);
    let dir = std::env::temp_dir().join(format!("plimsoll-pg-{:08x}", hasher.finish() as u32));
    fs::create_dir_all(&dir).expect("a folder");
    // Whoever has the lock is the only one to start or stop the server.
    let lock = File::create(dir.join("lock")).expect("a lock file");
    lock.lock().expect("the lock");
    File::create(dir.join("used")).expect("a time stamp");
    if UnixStream::connect(dir.join(".s.PGSQL.5432")).is_err() {
        start(&programs, &dir);
    }
    Some(format!(
        "postgres://postgres@localhost/postgres?host={}",
        dir.display()
    ))
}

fn programs() -> Option<PathBuf> {
    let debian = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    debian
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .chain([PathBuf::from("/usr/bin"), PathBuf::from("/usr/local/bin")])
        .find(|bin| bin.join("initdb").exists())
}

/// Starts the server as a user that is not root, and beside it a watch that stops it.
fn start(programs: &Path, dir: &Path) {
    let text = r#"
        set -e
        dir=$0 bin=$1
        if [ "$(id -u)" = 0 ]; then
            as="setpriv --reuid=postgres --regid=postgres --clear-groups"
            chown postgres "$dir"
        fi
        cd "$dir"
        rm -rf data
        $as "$bin/initdb" --username=postgres --auth=trust --no-sync --pgdata=data >initdb.log 2>&1
        $as "$bin/pg_ctl" start --wait --silent --pgdata=data --log=data/server.log \
            --options="-k $dir -c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=300"
        setsid sh -c 'while sleep 20; do
            flock lock sh -c "test -n \"\$(find used -mmin -5)\" || { $1 $0/pg_ctl stop --silent --mode=immediate --pgdata=data; rm -rf data; exit 1; }" "$0" "$1" || exit 0
        done' "$bin" "$as" >/dev/null 2>&1 </dev/null &
    "#;
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(text).arg(dir).arg(programs);
    let started = shell.stdin(Stdio::null()).status().expect("a shell");
    assert!(
        started.success(),
        "PostgreSQL does not start: see {}",
        dir.display()
    );
}
