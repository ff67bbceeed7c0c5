//! Times as people read them: how long ago, with the exact time for whoever asks.

use std::fmt;

use askama::filters::HtmlSafe;
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::Html;

/// What is farther away is named by its day.
const FAR: TimeDelta = TimeDelta::days(60);

/// A time beside the time at which the page is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct When {
    at: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl When {
    /// Returns `at` as seen from `now`.
    pub fn new(at: DateTime<Utc>, now: DateTime<Utc>) -> Self {
        Self { at, now }
    }

    /// Returns whether the time is over.
    pub fn is_past(&self) -> bool {
        self.at <= self.now
    }

    /// Returns whether the time is over or within the next two weeks.
    pub fn is_soon(&self) -> bool {
        self.at - self.now <= TimeDelta::days(14)
    }

    /// Returns the day, for example `21 Nov 2026`.
    pub fn day(&self) -> Html {
        Html(self.element(" data-day", &calendar_date(self.at)))
    }

    /// What says `data-day` says the day in UTC; a browser with scripts shows the reader's.
    fn element(&self, mark: &str, text: &str) -> String {
        format!(
            r#"<time datetime="{}" title="{}"{mark}>{text}</time>"#,
            self.at.to_rfc3339_opts(SecondsFormat::Secs, true),
            self.at.format("%-d %b %Y, %H:%M UTC"),
        )
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_far = (self.now - self.at).abs() > FAR;
        let mark = if is_far { " data-day" } else { "" };
        f.write_str(&self.element(mark, &time_ago(self.at, self.now)))
    }
}

impl HtmlSafe for When {}

/// Returns the day of `at` in UTC, for example `21 Nov 2026`.
pub fn calendar_date(at: DateTime<Utc>) -> String {
    at.format("%-d %b %Y").to_string()
}

/// Returns how long something took, in its two greatest units: `3 days 4 hours`.
pub fn time_span(span: TimeDelta) -> String {
    let (days, hours, minutes) = (
        span.num_days(),
        span.num_hours() % 24,
        span.num_minutes() % 60,
    );
    let parts = match (days, hours) {
        (0, 0) if minutes == 0 => return "less than a minute".to_owned(),
        (0, 0) => vec![(minutes, "minute")],
        (0, _) => vec![(hours, "hour"), (minutes, "minute")],
        _ => vec![(days, "day"), (hours, "hour")],
    };
    let parts = parts.into_iter().filter(|(count, _)| *count != 0);
    let parts = parts.map(|(count, unit)| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} {unit}{plural}")
    });
    parts.collect::<Vec<_>>().join(" ")
}

/// Returns how far `at` is from `now`: `3 hours ago`, `in 2 days`, and the day itself
/// when it is more than sixty days away.
pub fn time_ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let distance = (now - at).abs();
    if distance > FAR {
        return calendar_date(at);
    }
    let (count, unit) = match distance {
        d if d < TimeDelta::minutes(1) => return "just now".to_owned(),
        d if d < TimeDelta::hours(1) => (d.num_minutes(), "minute"),
        d if d < TimeDelta::days(2) => (d.num_hours(), "hour"),
        d => (d.num_days(), "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if at <= now {
        format!("{count} {unit}{plural} ago")
    } else {
        format!("in {count} {unit}{plural}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time")
    }

    #[test]
    fn tells_how_long_ago() {
        let check = |seconds, expect: &str| assert_eq!(time_ago(at(seconds), at(0)), expect);
        check(0, "just now");
        check(-59, "just now");
        check(-60, "1 minute ago");
        check(-3_599, "59 minutes ago");
        check(-3_600, "1 hour ago");
        check(-47 * 3_600, "47 hours ago");
        check(-48 * 3_600, "2 days ago");
        check(72 * 3_600, "in 3 days");
        check(-61 * 86_400, "15 Nov 2026");
    }

    #[test]
    fn tells_how_long_something_took() {
        let check = |minutes, expect: &str| {
            assert_eq!(time_span(TimeDelta::minutes(minutes)), expect);
        };
        check(0, "less than a minute");
        check(1, "1 minute");
        check(59, "59 minutes");
        check(60, "1 hour");
        check(61, "1 hour 1 minute");
        check(24 * 60 + 59, "1 day");
        check(3 * 24 * 60 + 125, "3 days 2 hours");
    }

    #[test]
    fn names_the_exact_time() {
        insta::assert_snapshot!(When::new(at(-7_200), at(0)), @r#"<time datetime="2027-01-15T06:00:00Z" title="15 Jan 2027, 06:00 UTC">2 hours ago</time>"#);
        let day = r#"<time datetime="2026-11-15T08:00:00Z" title="15 Nov 2026, 08:00 UTC" data-day>15 Nov 2026</time>"#;
        let far = When::new(at(-61 * 86_400), at(0));
        assert_eq!(
            (far.to_string(), far.day().0),
            (day.to_owned(), day.to_owned())
        );
    }
}
