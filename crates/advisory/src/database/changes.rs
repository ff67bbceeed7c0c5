//! What one database says differently from another, by the hashes in their tables.

use super::table::{Table, Walk};
use super::{Database, DatabaseError, split_key};

/// How something in a newer database differs from an older one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only the newer one has it.
    Added,
    /// Only the older one has it.
    Removed,
    /// They say different things of it.
    Changed,
}

impl Database {
    /// Returns the (ecosystem, package) pairs whose findings may differ between two databases,
    /// sorted: those with a record about them, or about one of their vulnerabilities, that came,
    /// went or changed. What is not listed is matched alike by both.
    ///
    /// Both tables are read once, in order; no record is. Dates of modification and EPSS scores
    /// do not count. Packages are named as they are compared, see [`crate::ecosystem`].
    ///
    /// # Errors
    /// One of the files cannot be read or is damaged.
    pub fn changed_packages(
        old: &Self,
        new: &Self,
    ) -> Result<Vec<(String, String)>, DatabaseError> {
        let mut changed = Vec::new();
        compare(
            old,
            new,
            |it| &it.packages,
            |key, _| {
                changed.push(split_key(key));
            },
        )?;
        Ok(changed)
    }

    /// Returns the ids, aliases and upstream names whose records differ between two databases,
    /// sorted.
    ///
    /// # Errors
    /// One of the files cannot be read or is damaged.
    pub fn changed_names(old: &Self, new: &Self) -> Result<Vec<(String, Change)>, DatabaseError> {
        let mut changed = Vec::new();
        compare(
            old,
            new,
            |it| &it.names,
            |key, change| {
                changed.push((String::from_utf8_lossy(key).into_owned(), change));
            },
        )?;
        Ok(changed)
    }
}

fn compare(
    old: &Database,
    new: &Database,
    table: fn(&Database) -> &Table,
    mut note: impl FnMut(&[u8], Change),
) -> Result<(), DatabaseError> {
    let (mut olds, mut news) = (table(old).walk(&old.file), table(new).walk(&new.file));
    let next = |database: &Database, walk: &mut Walk<'_>| {
        walk.next().map_err(|error| database.page_error(error))
    };
    let (mut a, mut b) = (next(old, &mut olds)?, next(new, &mut news)?);
    loop {
        let order = match (&a, &b) {
            (None, None) => return Ok(()),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (Some((a, ..)), Some((b, ..))) => a.cmp(b),
        };
        match (order, &a, &b) {
            (std::cmp::Ordering::Less, Some((key, ..)), _) => note(key, Change::Removed),
            (std::cmp::Ordering::Greater, _, Some((key, ..))) => note(key, Change::Added),
            (_, Some((key, before, _)), Some((_, after, _))) if before != after => {
                note(key, Change::Changed);
            }
            _ => {}
        }
        if order.is_le() {
            a = next(old, &mut olds)?;
        }
        if order.is_ge() {
            b = next(new, &mut news)?;
        }
    }
}
