//! Matching with records that stand in no database, such as a security team writes by hand.

use crate::database::DatabaseError;
use crate::record::Advisory;

use super::decide::{self, Outcome, Subject};
use super::{Match, Matcher, Package, describe};

impl Matcher<'_> {
    /// Matches one package with single records, each by itself. What the database knows of the
    /// same vulnerability is told as well, but title, links and ratings of the record come first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn beside(
        &self,
        package: &Package,
        records: &[Advisory],
    ) -> Result<Vec<Match>, DatabaseError> {
        // Whether the database has the ecosystem does not matter here.
        let Ok(place) = package.place() else {
            return Ok(Vec::new());
        };
        let Some(subject) = Subject::of(package, &place) else {
            return Ok(Vec::new());
        };
        let mut matches = Vec::new();
        for record in records {
            let outcome = decide::decide(subject, &record.id, &[record]);
            let Outcome::Affected(decision) = outcome else {
                continue;
            };
            let mut matched = describe::describe(self.database, subject, &record.id, *decision)?;
            matched.title.clone_from(&record.summary);
            matched.description.clone_from(&record.details);
            matched.severities.retain(|it| it.source != record.source);
            let mut severities = record.severities.clone();
            severities.append(&mut matched.severities);
            matched.severities = severities;
            matches.push(matched);
        }
        Ok(matches)
    }
}
