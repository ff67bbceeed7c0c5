//! FIRST's EPSS scores, `https://epss.empiricalsecurity.com/epss_scores-current.csv.gz`:
//!
//! ```text
//! #model_version:v2025.03.14,score_date:2026-11-20T12:55:00Z
//! cve,epss,percentile
//! CVE-1999-0001,0.01025,0.76357
//! ```

use std::io::BufRead;

use crate::record::{Advisory, Authority, Epss};

use super::collect::Collector;

/// No line is longer.
const MAX_LINE: usize = 4096;

pub(super) fn read(reader: &mut dyn BufRead, collector: &mut Collector<'_>) {
    let mut date = None;
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => return collector.break_off(&error.to_string()),
        }
        let text = String::from_utf8_lossy(&line[..line.len().min(MAX_LINE)]);
        let text = text.trim();
        if let Some(head) = text.strip_prefix('#') {
            date = head.split(',').find_map(score_date);
            continue;
        }
        if text.is_empty() || text == "cve,epss,percentile" {
            continue;
        }
        let Some(date) = &date else {
            return collector
                .break_off("the first line bears no `score_date`, so the scores have no day");
        };
        let outcome = match advisory(text, date, collector.source) {
            Some(advisory) => collector.accept(advisory),
            None => {
                let place = collector.place();
                collector.reject(&place, &format!("`{text}` is no `cve,epss,percentile`"));
                Ok(())
            }
        };
        if outcome.is_err() {
            return;
        }
    }
}

fn score_date(field: &str) -> Option<String> {
    let date = field.trim().strip_prefix("score_date:")?;
    let day = date.get(..10)?;
    let is_day = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    is_day.then(|| day.to_owned())
}

fn advisory(line: &str, date: &str, source: &str) -> Option<Advisory> {
    let mut fields = line.split(',');
    let id = fields.next().filter(|id| id.starts_with("CVE-"))?;
    let mut share = || {
        let number: f64 = fields.next()?.trim().parse().ok()?;
        (0.0..=1.0).contains(&number).then_some(number)
    };
    let (score, percentile) = (share()?, share()?);
    Some(Advisory {
        id: id.to_owned(),
        source: source.to_owned(),
        authority: Authority::Other,
        modified: Some(date.to_owned()),
        epss: Some(Epss {
            score,
            percentile,
            date: date.to_owned(),
        }),
        ..Advisory::default()
    })
}
