//! Makes a small market large: the rows of one product, publisher, person are copied under
//! other names, in the database, which is the only way to a million in a minute.

use store::{Database, Tx};

/// How much there is of what.
pub(crate) struct Size {
    /// Products listed; the first thousand are the template's publisher's.
    pub(crate) products: u64,
}

impl Size {
    fn findings(&self) -> u64 {
        self.products * 10
    }
}

const ACCOUNTS: u64 = 10_000;
const PUBLISHERS: u64 = 1_000;
const PACKAGES: u64 = 5_000;
/// Images that hold the package of the template's image.
const TOUCHED: u64 = 1_000;

struct Grower {
    tx: Tx,
}

/// Grows the market with the product `acme/ship-db`.
pub(crate) async fn grow(db: &Database, size: &Size) {
    let tx = db.begin().await.expect("a transaction");
    let mut grower = Grower { tx };
    grower.numbers(size.findings()).await;
    grower.people().await;
    grower.products(size).await;
    grower.submissions(size).await;
    grower.images(size).await;
    grower.findings(size).await;
    grower.happenings(size).await;
    grower.tx.commit().await.expect("committed");
    // As PostgreSQL does by itself after a while.
    let mut connection = db.read().await.expect("a connection");
    if matches!(connection, Tx::Postgres(_)) {
        run(&mut connection, "VACUUM ANALYZE").await;
    }
}

/// Counts what a statement counts.
pub(crate) async fn count(db: &Database, sql: &'static str) -> i64 {
    let counted = match db.read().await.expect("a connection") {
        Tx::Sqlite(mut c) => sqlx::query_scalar(sql).fetch_one(&mut *c).await,
        Tx::Postgres(mut c) => sqlx::query_scalar(sql).fetch_one(&mut *c).await,
    };
    counted.expect("counted")
}

async fn run(tx: &mut Tx, sql: &str) -> u64 {
    let safe = sqlx::AssertSqlSafe(sql);
    let rows = match tx {
        Tx::Sqlite(c) => sqlx::query(safe)
            .execute(&mut **c)
            .await
            .map(|it| it.rows_affected()),
        Tx::Postgres(c) => sqlx::query(safe)
            .execute(&mut **c)
            .await
            .map(|it| it.rows_affected()),
    };
    rows.unwrap_or_else(|error| panic!("{error}: {sql}"))
}

/// The identifier of copy `number` of the row called `id`.
fn id(of: &str, number: &str) -> String {
    format!("substr({of}, 1, length({of}) - 8) || {}", digits(number))
}

fn digits(number: &str) -> String {
    format!("substr(CAST(100000000 + {number} AS TEXT), 2)")
}

fn digest(number: &str) -> String {
    let zeros = "0".repeat(56);
    format!("'sha256:{zeros}' || {}", digits(number))
}

impl Grower {
    fn is_postgres(&self) -> bool {
        matches!(self.tx, Tx::Postgres(_))
    }

    /// A moment so many seconds from the clock's noon.
    fn time(&self, seconds: &str) -> String {
        match self.is_postgres() {
            true => {
                format!("TIMESTAMPTZ '2026-11-21 12:00:00+00' + ({seconds}) * INTERVAL '1 second'")
            }
            false => format!(
                "strftime('%Y-%m-%dT%H:%M:%S+00:00', '2026-11-21 12:00:00', ({seconds}) || ' seconds')"
            ),
        }
    }

    /// A JSON column as text, and text as such a column's value.
    fn replaced(&self, column: &str, from: &str, to: &str) -> String {
        match self.is_postgres() {
            true => format!("CAST(replace(CAST({column} AS TEXT), {from}, {to}) AS JSONB)"),
            false => format!("replace({column}, {from}, {to})"),
        }
    }

    async fn numbers(&mut self, count: u64) {
        for table in [
            "CREATE TEMPORARY TABLE n (i BIGINT PRIMARY KEY)",
            "CREATE TEMPORARY TABLE template AS SELECT digest, repository_id FROM releases",
        ] {
            run(&mut self.tx, table).await;
        }
        let sql = format!(
            "INSERT INTO n WITH RECURSIVE s (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < {count}) SELECT i FROM s"
        );
        run(&mut self.tx, &sql).await;
    }

    async fn columns(&mut self, table: &str) -> Vec<String> {
        let sql = match self.is_postgres() {
            true => format!(
                "SELECT CAST(column_name AS TEXT) FROM information_schema.columns WHERE table_name = '{table}'"
            ),
            false => format!("SELECT name FROM pragma_table_info('{table}')"),
        };
        let sql = sqlx::AssertSqlSafe(sql);
        match &mut self.tx {
            Tx::Sqlite(c) => sqlx::query_scalar(sql).fetch_all(&mut **c).await,
            Tx::Postgres(c) => sqlx::query_scalar(sql).fetch_all(&mut **c).await,
        }
        .expect("columns")
    }

    /// Copies the row of `table` of which `which` is true, `count` times, with columns that
    /// differ: `t` is the row, `i` the copy's number.
    async fn copy(&mut self, table: &str, which: &str, count: u64, changes: &[(&str, String)]) {
        let started = std::time::Instant::now();
        let columns = self.columns(table).await;
        let value = |column: &String| {
            let changed = changes.iter().find(|(name, _)| name == column);
            changed.map_or_else(|| format!("t.{column}"), |(_, value)| value.clone())
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let names: Vec<String> = columns.iter().map(|name| format!("\"{name}\"")).collect();
        let sql = format!(
            "INSERT INTO {table} ({}) SELECT {} FROM n CROSS JOIN (SELECT * FROM {table} WHERE {which}) t WHERE n.i < {count} ORDER BY n.i",
            names.join(", "),
            values.join(", ")
        );
        let rows = run(&mut self.tx, &sql).await;
        eprintln!("{rows} {table}, {:.1} s", started.elapsed().as_secs_f64());
    }

    async fn people(&mut self) {
        let carl = [
            ("id", id("t.id", "i")),
            ("name", "'carl-' || i".to_owned()),
            ("email", "'carl-' || i || '@example.com'".to_owned()),
        ];
        self.copy("accounts", "name = 'carl'", ACCOUNTS, &carl)
            .await;
        let publisher = [("id", id("t.id", "i")), ("slug", "'acme-' || i".to_owned())];
        self.copy("publishers", "slug = 'acme'", PUBLISHERS, &publisher)
            .await;
        let member = [
            ("publisher_id", id("t.publisher_id", "i")),
            (
                "account_id",
                id("(SELECT id FROM accounts WHERE name = 'carl')", "i"),
            ),
        ];
        let first =
            "publisher_id = (SELECT id FROM publishers WHERE slug = 'acme') AND role = 'owner'";
        self.copy("members", first, PUBLISHERS, &member).await;
    }

    async fn products(&mut self, size: &Size) {
        let publisher = format!(
            "CASE WHEN i < 1000 THEN t.publisher_id ELSE {} END",
            id("t.publisher_id", "i % 1000")
        );
        let name = "'Ship DB ' || i";
        let product = [
            ("id", id("t.id", "i")),
            ("publisher_id", publisher.clone()),
            ("slug", "'product-' || i".to_owned()),
            ("listed", self.replaced("t.listed", "'Ship DB'", name)),
            ("search_text", "t.search_text || ' ' || i || ' word' || (i % 977)".to_owned()),
            ("category", "CASE i % 5 WHEN 0 THEN 'Messaging' WHEN 1 THEN 'Monitoring' WHEN 2 THEN 'Security' ELSE t.category END".to_owned()),
            ("certified", "i % 3 = 0".to_owned()),
            ("state", "CASE WHEN i % 500 = 0 THEN 'on-hold' ELSE t.state END".to_owned()),
            ("updated_at", self.time("-i * 20")),
        ];
        self.copy("products", "slug = 'ship-db'", size.products, &product)
            .await;
        self.words(size).await;
        let repository = [
            ("id", id("t.id", "i")),
            ("publisher_id", publisher),
            ("product_id", id("t.product_id", "i")),
            (
                "name",
                "'acme-' || (i % 1000) || '/product-' || i".to_owned(),
            ),
        ];
        self.copy(
            "repositories",
            "product_id IS NOT NULL",
            size.products,
            &repository,
        )
        .await;
    }

    /// What search finds products by: the template's words, one of a thousand, and their own.
    async fn words(&mut self, size: &Size) {
        let product = id("t.product_id", "i");
        let same = [("product_id", product.clone())];
        self.copy("product_words", "TRUE", size.products, &same)
            .await;
        let one = "(word, product_id) = (SELECT word, product_id FROM product_words LIMIT 1)";
        for word in ["'word' || (i % 977)", "CAST(i AS TEXT)"] {
            let own = [("product_id", product.clone()), ("word", word.to_owned())];
            self.copy("product_words", one, size.products, &own).await;
        }
        let endings = "INSERT INTO word_endings (ending, word) SELECT DISTINCT word, word FROM product_words WHERE TRUE ON CONFLICT DO NOTHING";
        run(&mut self.tx, endings).await;
    }

    async fn submissions(&mut self, size: &Size) {
        let released = [
            ("id", id("t.id", "i")),
            ("product_id", id("t.product_id", "i")),
            ("digest", digest("i")),
            ("number", "1".to_owned()),
        ];
        self.copy(
            "submissions",
            "state = 'released'",
            size.products,
            &released,
        )
        .await;
        let waiting = [
            // Identifiers of one moment share all but their end.
            ("id", id("t.id", "50000000 + i")),
            ("product_id", id("t.product_id", "i * 33")),
            ("digest", digest("i * 33")),
            ("waiting_since", self.time("-i * 60")),
        ];
        let which = "state = 'in-review'";
        self.copy("submissions", which, size.products / 33, &waiting)
            .await;
        let release = [
            ("id", id("t.id", "i")),
            ("product_id", id("t.product_id", "i")),
            ("submission_id", id("t.submission_id", "i")),
            ("repository_id", id("t.repository_id", "i")),
            ("digest", digest("i")),
            ("released_at", self.time("-i * 20")),
        ];
        self.copy("releases", "tag = '1.0'", size.products, &release)
            .await;
    }

    async fn images(&mut self, size: &Size) {
        let of = "digest = (SELECT digest FROM template)";
        let image = [
            ("digest", digest("i")),
            ("number", "1000000 + i".to_owned()),
        ];
        self.copy("images", of, size.products, &image).await;
        let link = [
            ("submission_id", id("t.submission_id", "i")),
            ("digest", digest("i")),
        ];
        self.copy("submission_images", of, size.products, &link)
            .await;
        for table in ["manifests", "tags"] {
            let of = format!("{of} AND repository_id = (SELECT repository_id FROM template)");
            let copy = [
                ("repository_id", id("t.repository_id", "i")),
                ("digest", digest("i")),
            ];
            self.copy(table, &of, size.products, &copy).await;
        }
        self.components(size).await;
    }

    /// Ten packages in every image, and the template's package in some.
    async fn components(&mut self, size: &Size) {
        let touched = [("image", "1000000 + i".to_owned())];
        let one = "(package_id, image, component_id) = (SELECT package_id, image, component_id FROM component_images LIMIT 1)";
        self.copy("component_images", one, TOUCHED, &touched).await;
        let (package, lib) = ("2000000 + i", "'lib-' || i");
        let packages = [
            ("id", package.to_owned()),
            ("digest", "'p' || i".to_owned()),
            ("package", self.replaced("t.package", "'openssl'", lib)),
        ];
        let first = "id = (SELECT MIN(id) FROM matched_packages)";
        self.copy("matched_packages", first, PACKAGES, &packages)
            .await;
        let keys = [("name", lib.to_owned()), ("package_id", package.to_owned())];
        let first = "package_id = (SELECT MIN(id) FROM matched_packages) AND first";
        self.copy("package_keys", first, PACKAGES, &keys).await;
        let components = [
            ("id", package.to_owned()),
            ("digest", "'c' || i".to_owned()),
            ("package_id", package.to_owned()),
        ];
        let first = "id = (SELECT MIN(id) FROM layer_components)";
        self.copy("layer_components", first, PACKAGES, &components)
            .await;
        let which = format!("2000000 + (i * 7919 + i / 10) % {PACKAGES}");
        let held = [
            ("package_id", which.clone()),
            ("image", "1000000 + i / 10".to_owned()),
            ("component_id", which),
        ];
        self.copy("component_images", one, size.findings(), &held)
            .await;
        run(&mut self.tx, "UPDATE component_index SET last = 3000000").await;
    }

    /// Ten findings in every product; of one in a hundred the time runs.
    async fn findings(&mut self, size: &Size) {
        let runs = "i % 100 = 0";
        let due = format!(
            "CASE WHEN {runs} THEN {} END",
            self.time("3600 + i % 250000")
        );
        let finding = [
            ("id", id("t.id", "i")),
            ("submission_id", id("t.submission_id", "(i / 10)")),
            ("image", digest("(i / 10)")),
            (
                "vulnerability",
                "'CVE-2025-' || (10000 + i % 20000)".to_owned(),
            ),
            ("component", "'lib-' || (i % 10)".to_owned()),
            (
                "class",
                format!("CASE WHEN {runs} THEN 'critical' ELSE 'minor' END"),
            ),
            (
                "advised",
                format!("CASE WHEN {runs} THEN 'critical' ELSE 'minor' END"),
            ),
            ("due_at", due.clone()),
            (
                "notified_at",
                format!("CASE WHEN {runs} THEN {} END", self.time("-60")),
            ),
            (
                "told_at",
                format!("CASE WHEN {runs} THEN {} END", self.time("-60")),
            ),
            ("package_id", format!("2000000 + i % {PACKAGES}")),
            ("first_seen_at", self.time("-i")),
            ("announced", "TRUE".to_owned()),
        ];
        let which = "id = (SELECT f.id FROM findings f JOIN submissions s ON s.id = f.submission_id WHERE s.state = 'released' ORDER BY f.id LIMIT 1)";
        self.copy("findings", which, size.findings(), &finding)
            .await;
        // The page of one submission with many.
        let many = [
            ("id", id("t.id", "90000000 + i")),
            ("vulnerability", "'CVE-2024-' || (10000 + i)".to_owned()),
        ];
        let which = "id = (SELECT f.id FROM findings f JOIN submissions s ON s.id = f.submission_id WHERE s.state = 'in-review' ORDER BY f.id LIMIT 1)";
        self.copy("findings", which, 500, &many).await;
    }

    /// What people and programs did.
    async fn happenings(&mut self, size: &Size) {
        let (account, product) = (
            id("(SELECT id FROM accounts WHERE name = 'carl')", "i % 10000"),
            id(
                "(SELECT id FROM products WHERE slug = 'ship-db')",
                &format!("(i * 7) % {}", size.products),
            ),
        );
        let audit = [
            ("id", id("t.id", "i")),
            ("at", self.time("-i")),
            ("subject", product.clone()),
        ];
        let one = "id = (SELECT MAX(id) FROM audit WHERE reason IS NULL)";
        self.copy("audit", one, size.products * 5, &audit).await;
        let pulls = format!(
            "INSERT INTO pulls (id, at, product_id, account_id, plan, reference, digest, user_agent) SELECT 'pul_000000000000000000' || {}, {}, {product}, {account}, 'pro', '1.0', {}, 'docker/28.0' FROM n WHERE i < {}",
            digits("i"),
            self.time("-i"),
            digest("i % 1000"),
            size.products * 5
        );
        run(&mut self.tx, &pulls).await;
        let subscriptions = format!(
            "INSERT INTO subscriptions (id, account_id, product_id, plan, amount_minor, currency, state, license_accepted_at, started_at) SELECT 'sbn_000000000000000000' || {}, {account}, {product}, 'pro', 1999, 'USD', 'active', {}, {} FROM n WHERE i < {} AND (i * 7) % {} <> 0",
            digits("i"),
            self.time("-i"),
            self.time("-i"),
            size.products,
            size.products
        );
        run(&mut self.tx, &subscriptions).await;
        let notice = [
            ("id", id("t.id", "i")),
            ("cause", "'cause-' || i".to_owned()),
            ("mute_key", "'mute-' || i".to_owned()),
            ("created_at", self.time("-i")),
            ("mail", "'sent'".to_owned()),
        ];
        let one = "id = (SELECT MIN(id) FROM notices)";
        self.copy("notices", one, 20_000, &notice).await;
        let letter = [("id", id("t.id", "i")), ("mail", "'sent'".to_owned())];
        let one = "id = (SELECT MIN(id) FROM letters)";
        self.copy("letters", one, 20_000, &letter).await;
        let delivery = [
            ("id", id("t.id", "i")),
            ("cause", "'cause-' || i".to_owned()),
            ("state", "'delivered'".to_owned()),
        ];
        let one = "id = (SELECT MIN(id) FROM webhook_deliveries)";
        self.copy("webhook_deliveries", one, 20_000, &delivery)
            .await;
        let job = [("id", id("t.id", "i")), ("dedupe_key", "NULL".to_owned())];
        let one = "id = (SELECT MIN(id) FROM jobs WHERE state = 'done')";
        self.copy("jobs", one, size.products, &job).await;
        let tags = [("name", "'build-' || i".to_owned())];
        let one = "name = '1.1'";
        self.copy("tags", one, 20_000, &tags).await;
    }
}
