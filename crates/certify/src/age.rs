//! How old something is, by a date that a builder wrote.

use chrono::{DateTime, Datelike as _, Duration, NaiveDate, Utc};

/// What a date says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// There is none.
    Missing,
    /// The text, shortened, is no RFC 3339 date.
    Unreadable(String),
    /// A date from before there were containers, which reproducible builds write.
    Placeholder(NaiveDate),
    /// More than a day ahead.
    Future(NaiveDate),
    /// Whole days since then.
    Days(i64, NaiveDate),
}

/// Judges `date`, in RFC 3339, at the time `now`.
pub(crate) fn of(date: Option<&str>, now: DateTime<Utc>) -> Age {
    let Some(text) = date.filter(|text| !text.is_empty()) else {
        return Age::Missing;
    };
    let Ok(date) = DateTime::parse_from_rfc3339(text) else {
        return Age::Unreadable(text.chars().take(40).collect());
    };
    let date = date.to_utc();
    if date.year() < 2010 {
        return Age::Placeholder(date.date_naive());
    }
    let age = now.signed_duration_since(date);
    if age < -Duration::days(1) {
        return Age::Future(date.date_naive());
    }
    Age::Days(age.num_days().max(0), date.date_naive())
}
