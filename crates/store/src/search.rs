//! Search over what is on the market.
//!
//! Listings have words, and every word its endings: a few letters from within a word find it
//! ("sql" finds "postgresql") without a look at every listing. Few hits are gathered by their
//! words and sorted; many are met soon on a walk through all listings in their order.

use market::{ProductId, ProductManifest};

use crate::{
    Database, StoreError, Tx,
    db::{execute, fetch_all, fetch_scalar},
    products::{self, Product},
};

/// What a search asks for; empty fields do not narrow it.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Words, all of which must occur.
    pub text: String,
    /// A category.
    pub category: String,
    /// Certified products only.
    pub certified: bool,
    /// Products on hold only.
    pub on_hold: bool,
}

/// A page of what was found.
#[derive(Debug, Clone, Default)]
pub struct Hits {
    /// The products, certified and newest first.
    pub products: Vec<Product>,
    /// How many there are in all; at least, where there are more.
    pub total: i64,
    /// Whether there are more than were counted.
    pub more: bool,
}

/// A product that was found.
#[derive(Debug, sqlx::FromRow)]
struct Hit {
    #[sqlx(try_from = "String")]
    id: ProductId,
}

/// Words that narrow a search by themselves; further ones must come in the order typed.
const TERMS: usize = 4;
/// Words taken of a search, and characters of each word.
const WORDS: usize = 8;
const LETTERS: usize = 60;
/// Up to so many hits of a word are gathered and sorted.
const FEW: i64 = 3_000;

/// How far down the hits of words that many listings have are shown: the walk to a page takes
/// the longer the further down it is, and nobody reads so far.
pub const MOST_FOUND: i64 = 4_800;

/// Words of a search, the rarest first.
#[derive(Debug, Default)]
struct Terms {
    /// From where to where endings begin with each; empty where there is none.
    bounds: [(String, String); TERMS],
    /// A pattern for what is left.
    rest: String,
    /// How often the rarest occurs; counted up to [`FEW`] and one.
    rarest: i64,
}

/// Returns a page of public products; of words that many of them have, the first [`MOST_FOUND`].
///
/// # Errors
/// The database cannot be read.
pub async fn search(
    tx: &mut Tx,
    search: &Search,
    limit: i64,
    offset: i64,
) -> Result<Hits, StoreError> {
    let terms = terms(tx, &search.text).await?;
    let (ids, total, more) = if terms.is_none() {
        let total = count(tx, search).await?;
        (
            walk(tx, search, &terms, (limit, offset)).await?,
            total,
            false,
        )
    } else if terms.rarest <= FEW {
        let ids = gather(tx, search, &terms).await?;
        let total = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        let skipped = usize::try_from(offset).unwrap_or(usize::MAX);
        (ids.into_iter().skip(skipped).collect(), total, false)
    } else {
        let shown = (MOST_FOUND - offset).clamp(0, limit);
        if shown == 0 {
            return Ok(Hits {
                total: MOST_FOUND,
                more: true,
                ..Hits::default()
            });
        }
        let mut ids = walk(tx, search, &terms, (shown + 1, offset)).await?;
        let seen = i64::try_from(ids.len()).unwrap_or(i64::MAX);
        ids.truncate(usize::try_from(shown).unwrap_or(0));
        (ids, offset + seen.min(shown), seen > shown)
    };
    let mut hits = Hits {
        products: Vec::new(),
        total,
        more,
    };
    let page = usize::try_from(limit).unwrap_or(0);
    for hit in ids.into_iter().take(page) {
        hits.products.extend(products::find(tx, &hit.id).await?);
    }
    Ok(hits)
}

impl Terms {
    fn is_none(&self) -> bool {
        self.bounds[0].0.is_empty()
    }
}

async fn terms(tx: &mut Tx, text: &str) -> Result<Terms, StoreError> {
    let words = split(text);
    let mut counted = Vec::new();
    for word in words.iter().take(TERMS) {
        let bounds = (word.clone(), format!("{word}{}", char::MAX));
        let count = fetch_scalar!(
            tx,
            i64,
            "SELECT COUNT(*) FROM (SELECT 1 FROM product_words w WHERE w.word IN (SELECT e.word FROM word_endings e WHERE e.ending >= $1 AND e.ending < $2) LIMIT $3) few",
            &bounds.0,
            &bounds.1,
            FEW + 1
        )?;
        counted.push((count, bounds));
    }
    counted.sort();
    let mut terms = Terms {
        rest: pattern(words.get(TERMS..).unwrap_or_default()),
        rarest: counted.first().map_or(0, |(count, _)| *count),
        ..Terms::default()
    };
    for (place, (_, bounds)) in terms.bounds.iter_mut().zip(counted) {
        *place = bounds;
    }
    Ok(terms)
}

/// Returns the words of a text, in small letters.
fn split(text: &str) -> Vec<String> {
    // PostgreSQL stores no NUL, so nothing found can hold one.
    let word = |word: &str| word.chars().filter(|c| *c != '\0').take(LETTERS).collect();
    let words = text.to_lowercase();
    let words = words.split_whitespace().map(word);
    words
        .filter(|word: &String| !word.is_empty())
        .take(WORDS)
        .collect()
}

/// Returns a pattern for words in their order.
fn pattern(words: &[String]) -> String {
    let mut pattern = "%".to_owned();
    for word in words {
        for c in word.chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
    }
    pattern
}

async fn count(tx: &mut Tx, search: &Search) -> Result<i64, StoreError> {
    fetch_scalar!(
        tx,
        i64,
        "SELECT COUNT(*) FROM products WHERE state IN ('listed', 'on-hold') AND (category = $1 OR $1 = '') AND (certified OR NOT $2) AND (state = 'on-hold' OR NOT $3)",
        &search.category,
        search.certified,
        search.on_hold
    )
}

/// Gathers all hits of the rarest word, in their order.
async fn gather(tx: &mut Tx, search: &Search, terms: &Terms) -> Result<Vec<Hit>, StoreError> {
    let [first, second, third, fourth] = &terms.bounds;
    fetch_all!(
        tx,
        Hit,
        // A count instead of EXISTS, and CROSS JOIN, keep both engines to this order.
        "SELECT p.id FROM (SELECT DISTINCT w.product_id FROM product_words w WHERE w.word IN (SELECT e.word FROM word_endings e WHERE e.ending >= $1 AND e.ending < $2)) hit CROSS JOIN products p WHERE p.id = hit.product_id AND p.state IN ('listed', 'on-hold') AND (p.category = $9 OR $9 = '') AND (p.certified OR NOT $10) AND (p.state = 'on-hold' OR NOT $12) AND ($3 = '' OR 0 < (SELECT COUNT(*) FROM product_words w WHERE w.product_id = p.id AND w.word IN (SELECT e.word FROM word_endings e WHERE e.ending >= $3 AND e.ending < $4))) AND ($5 = '' OR 0 < (SELECT COUNT(*) FROM product_words w WHERE w.product_id = p.id AND w.word IN (SELECT e.word FROM word_endings e WHERE e.ending >= $5 AND e.ending < $6))) AND ($7 = '' OR 0 < (SELECT COUNT(*) FROM product_words w WHERE w.product_id = p.id AND w.word IN (SELECT e.word FROM word_endings e WHERE e.ending >= $7 AND e.ending < $8))) AND p.search_text LIKE $11 ESCAPE '\\' ORDER BY p.certified DESC, p.updated_at DESC, p.id",
        &first.0,
        &first.1,
        &second.0,
        &second.1,
        &third.0,
        &third.1,
        &fourth.0,
        &fourth.1,
        &search.category,
        search.certified,
        &terms.rest,
        search.on_hold
    )
}

/// Walks through all listings in their order until there are enough hits.
async fn walk(
    tx: &mut Tx,
    search: &Search,
    terms: &Terms,
    (limit, offset): (i64, i64),
) -> Result<Vec<Hit>, StoreError> {
    let [first, second, third, fourth] = &terms.bounds;
    fetch_all!(
        tx,
        Hit,
        "SELECT p.id FROM products p WHERE p.state IN ('listed', 'on-hold') AND (p.category = $9 OR $9 = '') AND (p.certified OR NOT $10) AND (p.state = 'on-hold' OR NOT $12) AND ($1 = '' OR 0 < (SELECT COUNT(*) FROM product_words w WHERE w.product_id = p.id AND w.word IN (SELECT e.word FROM word_endings e WHERE e.ending >= $1 AND e.ending < $2))) AND ($3 = '' OR 0 < (SELECT COUNT(*) FROM product_words w WHERE w.product_id = p.id AND w.word IN (SELECT e.word FROM word_endings e WHERE e.ending >= $3 AND e.ending < $4))) AND ($5 = '' OR 0 < (SELECT COUNT(*) FROM product_words w WHERE w.product_id = p.id AND w.word IN (SELECT e.word FROM word_endings e WHERE e.ending >= $5 AND e.ending < $6))) AND ($7 = '' OR 0 < (SELECT COUNT(*) FROM product_words w WHERE w.product_id = p.id AND w.word IN (SELECT e.word FROM word_endings e WHERE e.ending >= $7 AND e.ending < $8))) AND ($11 = '%' OR p.search_text LIKE $11 ESCAPE '\\') ORDER BY p.certified DESC, p.updated_at DESC, p.id LIMIT $13 OFFSET $14",
        &first.0,
        &first.1,
        &second.0,
        &second.1,
        &third.0,
        &third.1,
        &fourth.0,
        &fourth.1,
        &search.category,
        search.certified,
        &terms.rest,
        search.on_hold,
        limit,
        offset
    )
}

/// Returns the categories of public products with how many each has.
///
/// # Errors
/// The database cannot be read.
pub async fn categories(tx: &mut Tx) -> Result<Vec<(String, i64)>, StoreError> {
    fetch_all!(
        tx,
        (String, i64),
        "SELECT category, COUNT(*) FROM products WHERE state IN ('listed', 'on-hold') GROUP BY category ORDER BY category COLLATE \"C\""
    )
}

/// Returns what search looks in.
pub(crate) fn text_of(listed: &ProductManifest, publisher_name: &str) -> String {
    [
        &listed.name,
        publisher_name,
        &listed.tags.join(" "),
        &listed.short_description,
        &listed.category,
    ]
    .join(" ")
    .to_lowercase()
}

/// Makes a product found by the words of `text`, and by no others.
pub(crate) async fn learn(tx: &mut Tx, product: &str, text: &str) -> Result<(), StoreError> {
    execute!(
        tx,
        "DELETE FROM product_words WHERE product_id = $1",
        product
    )?;
    let words = text.split_whitespace();
    for word in words.map(|word| word.chars().take(LETTERS).collect::<String>()) {
        execute!(
            tx,
            "INSERT INTO product_words (word, product_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &word,
            product
        )?;
        for (start, _) in word.char_indices() {
            execute!(
                tx,
                "INSERT INTO word_endings (ending, word) VALUES ($1, $2) ON CONFLICT DO NOTHING",
                &word[start..],
                &word
            )?;
        }
    }
    execute!(
        tx,
        "UPDATE products SET words_known = TRUE WHERE id = $1",
        product
    )?;
    Ok(())
}

/// Learns the words of listings from before there were any.
pub(crate) async fn learn_old(db: &Database) -> Result<(), StoreError> {
    // Nearly always there are none, and then no writer need be waited for.
    if without_words(&mut db.read().await?).await?.is_empty() {
        return Ok(());
    }
    loop {
        let mut tx = db.begin().await?;
        let old = without_words(&mut tx).await?;
        if old.is_empty() {
            return Ok(());
        }
        for (product, text) in old {
            learn(&mut tx, &product, &text).await?;
        }
        tx.commit().await?;
    }
}

/// Returns some of the listings whose words are not known yet, and their texts.
async fn without_words(tx: &mut Tx) -> Result<Vec<(String, String)>, StoreError> {
    fetch_all!(
        tx,
        (String, String),
        "SELECT id, search_text FROM products WHERE listed IS NOT NULL AND NOT words_known ORDER BY id LIMIT 200"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_small_bounded_and_literal() {
        assert_eq!(split("  Ship  100%\0 "), ["ship", "100%"]);
        assert_eq!(split("\0"), Vec::<String>::new());
        assert_eq!(split(&"x ".repeat(20)).len(), WORDS);
        assert_eq!(split(&"ä".repeat(90))[0].chars().count(), LETTERS);
        assert_eq!(pattern(&split("d 5% e_")), "%d%5\\%%e\\_%");
        assert_eq!(pattern(&[]), "%");
    }
}
