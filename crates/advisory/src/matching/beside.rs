//! Matching with a record that stands in no database, such as a security team writes by hand.

use crate::database::DatabaseError;
use crate::record::Advisory;

use super::decide::{self, Outcome, Subject};
use super::{Match, Matcher, Package, describe};

impl Matcher<'_> {
    /// Matches one package with a single record; nothing where that does not concern it. What
    /// the database knows of the same vulnerability is told as well, but title, links and
    /// ratings of the record come first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn beside(
        &self,
        package: &Package,
        record: &Advisory,
    ) -> Result<Option<Match>, DatabaseError> {
        // Whether the database has the ecosystem does not matter here.
        let Ok(place) = package.place() else {
            return Ok(None);
        };
        let Some(subject) = Subject::of(package, &place) else {
            return Ok(None);
        };
        let Outcome::Affected(decision) = decide::decide(subject, &record.id, &[record]) else {
            return Ok(None);
        };
        let mut matched = describe::describe(self.database, subject, &record.id, *decision)?;
        matched.title.clone_from(&record.summary);
        matched.description.clone_from(&record.details);
        matched.severities.retain(|it| it.source != record.source);
        let others = std::mem::replace(&mut matched.severities, record.severities.clone());
        matched.severities.extend(others);
        Ok(Some(matched))
    }
}
