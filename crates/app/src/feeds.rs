//! What feed readers are told: the newest of what the log says, of everything, a publisher or
//! a product. The log has what everybody can see, so nothing needs to be hidden here.

use market::Slug;
use store::log as rows;
use trust::log::Entry;

use crate::{App, AppError};

/// Entries of a feed at most.
const MOST_ENTRIES: i64 = 50;

/// What a feed is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FeedOf {
    /// Everything.
    Market,
    /// What a publisher has on the market, by its short name.
    Publisher(String),
    /// One product, by the short names of its publisher and its own.
    Product(String, String),
}

/// The newest entries of the log, with their numbers, newest first.
pub type Feed = Vec<(i64, Entry)>;

impl App {
    /// Returns a feed's entries, for everybody, as the log is.
    ///
    /// # Errors
    /// The log says nothing of the publisher or product.
    pub async fn feed(&self, of: &FeedOf) -> Result<Feed, AppError> {
        let mut tx = self.read().await?;
        let host = self.config.host();
        let found = match of {
            FeedOf::Market => rows::newest(&mut tx, MOST_ENTRIES).await?,
            FeedOf::Publisher(publisher) => {
                let publisher = slug("publisher", publisher)?;
                // The sign after the slash ends what begins with the slash.
                let (first, end) = (
                    format!("{host}/{publisher}/"),
                    format!("{host}/{publisher}0"),
                );
                rows::newest_within(&mut tx, (&first, &end), MOST_ENTRIES).await?
            }
            FeedOf::Product(publisher, product) => {
                let publisher = slug("product", publisher)?;
                let name = format!("{host}/{publisher}/{}", slug("product", product)?);
                // No name has a space in it.
                rows::newest_within(&mut tx, (&name, &format!("{name} ")), MOST_ENTRIES).await?
            }
        };
        if found.is_empty() {
            match of {
                FeedOf::Market => {}
                FeedOf::Publisher(name) => return Err(AppError::not_found("publisher", name)),
                FeedOf::Product(_, name) => return Err(AppError::not_found("product", name)),
            }
        }
        let read = |row: rows::LogRow| Some((row.idx, Entry::parse(&row.content)?));
        Ok(found.into_iter().filter_map(read).collect())
    }
}

fn slug(what: &'static str, name: &str) -> Result<Slug, AppError> {
    name.parse()
        .map_err(|_malformed| AppError::not_found(what, name))
}
