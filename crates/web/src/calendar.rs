//! Calendars that programs subscribe to (iCalendar, RFC 5545).

use chrono::{DateTime, Utc};

/// The media type.
pub(crate) const TYPE: &str = "text/calendar; charset=utf-8";
/// Bytes of a line without its end (RFC 5545, section 3.1).
const LINE: usize = 75;

/// A moment to be at hand.
#[derive(Debug)]
pub(crate) struct Event {
    /// The same whenever the event is written.
    pub(crate) uid: String,
    /// When.
    pub(crate) at: DateTime<Utc>,
    /// One line.
    pub(crate) summary: String,
    /// Plain text.
    pub(crate) description: String,
    /// The page that it is about.
    pub(crate) url: String,
}

/// Returns the address of the calendar with this key.
pub(crate) fn address(base: &str, key: &str) -> String {
    format!("{base}/calendars/{key}.ics")
}

/// Writes a calendar as of `now`, with a reminder a day before each event.
pub(crate) fn write(name: &str, events: &[Event], now: DateTime<Utc>) -> String {
    let mut lines = vec![
        "BEGIN:VCALENDAR".to_owned(),
        "VERSION:2.0".to_owned(),
        "PRODID:-//Plimsoll//Promises//EN".to_owned(),
        format!("X-WR-CALNAME:{}", escaped(name)),
    ];
    for event in events {
        let summary = escaped(&event.summary);
        lines.extend([
            "BEGIN:VEVENT".to_owned(),
            format!("UID:{}", escaped(&event.uid)),
            format!("DTSTAMP:{}", time(now)),
            format!("DTSTART:{}", time(event.at)),
            format!("SUMMARY:{summary}"),
            format!("DESCRIPTION:{}", escaped(&event.description)),
            format!("URL:{}", event.url),
            "BEGIN:VALARM".to_owned(),
            "ACTION:DISPLAY".to_owned(),
            "TRIGGER:-P1D".to_owned(),
            format!("DESCRIPTION:{summary}"),
            "END:VALARM".to_owned(),
            "END:VEVENT".to_owned(),
        ]);
    }
    lines.push("END:VCALENDAR".to_owned());
    lines.iter().map(|line| folded(line)).collect()
}

fn time(at: DateTime<Utc>) -> String {
    at.format("%Y%m%dT%H%M%SZ").to_string()
}

/// Writes text as a value (RFC 5545, section 3.3.11).
fn escaped(text: &str) -> String {
    let mut value = String::new();
    for character in text.chars() {
        match character {
            '\\' | ';' | ',' => value.extend(['\\', character]),
            '\n' => value.push_str("\\n"),
            other if other.is_control() => {}
            other => value.push(other),
        }
    }
    value
}

/// Ends a line, after breaking it where it is too long.
fn folded(line: &str) -> String {
    let mut text = String::new();
    let mut length = 0;
    for character in line.chars() {
        if length + character.len_utf8() > LINE {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(character);
        length += character.len_utf8();
    }
    text + "\r\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calendar_is_written_as_its_readers_want_it() {
        let at = DateTime::from_timestamp(1_795_000_000, 0).expect("a time");
        let event = Event {
            uid: "sub_1-1795000000".to_owned(),
            at,
            summary: "acme/db: 2 findings to fix; soon, \\ or\r\nelse".to_owned(),
            description: "ü".repeat(40),
            url: "https://market.example/submissions/sub_1".to_owned(),
        };
        let text = write("acme", &[event], at);
        insta::assert_snapshot!(text.replace("\r\n", "⏎\n"), @r"
        BEGIN:VCALENDAR⏎
        VERSION:2.0⏎
        PRODID:-//Plimsoll//Promises//EN⏎
        X-WR-CALNAME:acme⏎
        BEGIN:VEVENT⏎
        UID:sub_1-1795000000⏎
        DTSTAMP:20261118T110640Z⏎
        DTSTART:20261118T110640Z⏎
        SUMMARY:acme/db: 2 findings to fix\; soon\, \\ or\nelse⏎
        DESCRIPTION:üüüüüüüüüüüüüüüüüüüüüüüüüüüüüüü⏎
         üüüüüüüüü⏎
        URL:https://market.example/submissions/sub_1⏎
        BEGIN:VALARM⏎
        ACTION:DISPLAY⏎
        TRIGGER:-P1D⏎
        DESCRIPTION:acme/db: 2 findings to fix\; soon\, \\ or\nelse⏎
        END:VALARM⏎
        END:VEVENT⏎
        END:VCALENDAR⏎
        ");
        assert!(text.split("\r\n").all(|line| line.len() <= LINE));
    }
}
