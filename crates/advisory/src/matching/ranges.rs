//! Whether a version lies in what an advisory calls affected (OSV schema, "evaluation").

use std::cmp::Ordering;

use crate::record::{Affected, Event, Range, RangeKind, Status};
use crate::version::{Scheme, VersionError};

/// Where an installed version stands with regard to one entry of an advisory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Position {
    /// Affected; with the version that ends it, if one does, and the range in words.
    Affected {
        fixed: Option<String>,
        range: String,
    },
    /// Not affected any more, since this version.
    Fixed { since: String },
    /// Outside every range.
    Outside,
    /// Declared unaffected, whatever the version.
    NotAffected,
    /// The entry says nothing that can be evaluated.
    Unknown,
}

/// Finds where `installed` stands. A range whose versions cannot be ordered is passed over; the
/// others still count.
pub(super) fn position(scheme: Scheme, installed: &str, affected: &Affected) -> Position {
    match affected.status {
        Status::NotAffected => return Position::NotAffected,
        Status::Undetermined => return Position::Unknown,
        _ => {}
    }
    if scheme.check(installed).is_err() {
        return exactly(installed, affected);
    }
    let installed = scheme.normal(installed);
    let mut best = Position::Unknown;
    for range in affected
        .ranges
        .iter()
        .filter(|range| range.kind != RangeKind::Git)
    {
        if let Ok(position) = in_range(scheme, &installed, range) {
            best = worse(scheme, best, position);
        }
    }
    if matches!(best, Position::Affected { .. }) || affected.versions.is_empty() {
        return best;
    }
    let listed = affected.versions.iter().find(|version| {
        version.as_str() == installed
            || scheme.compare(&installed, &scheme.normal(version)) == Ok(Ordering::Equal)
    });
    match (best, listed) {
        (best, Some(version)) => Position::Affected {
            // The list says that it is affected, the range at most when that ends.
            fixed: match best {
                Position::Fixed { .. } => None,
                _ => next_fix(scheme, &installed, affected),
            },
            range: format!("= {version}"),
        },
        (Position::Unknown, None) => Position::Outside,
        (other, None) => other,
    }
}

/// A version that cannot be ordered is affected only where it is named.
fn exactly(installed: &str, affected: &Affected) -> Position {
    match affected.versions.iter().any(|version| version == installed) {
        true => Position::Affected {
            fixed: None,
            range: format!("= {installed}"),
        },
        false => Position::Unknown,
    }
}

/// Returns the first fix after a version, in any range.
fn next_fix(scheme: Scheme, installed: &str, affected: &Affected) -> Option<String> {
    let events = affected.ranges.iter().flat_map(|range| &range.events);
    let fixes = events.filter_map(|event| match event {
        Event::Fixed(version) => Some(version),
        _ => None,
    });
    let later = fixes.filter(|version| scheme.compare(version, installed) == Ok(Ordering::Greater));
    later
        .min_by(|a, b| scheme.compare(a, b).unwrap_or(Ordering::Equal))
        .cloned()
}

/// Of two ranges of one entry, affected wins; of two ends, the later one is the fix.
fn worse(scheme: Scheme, a: Position, b: Position) -> Position {
    use Position::{Affected, Fixed, NotAffected, Outside, Unknown};
    match (a, b) {
        (first @ Affected { .. }, second @ Affected { .. }) => later_fix(scheme, first, second),
        (affected @ Affected { .. }, _) | (_, affected @ Affected { .. }) => affected,
        (fixed @ Fixed { .. }, _) | (_, fixed @ Fixed { .. }) => fixed,
        (Outside, _) | (_, Outside) => Outside,
        (NotAffected, _) | (_, NotAffected) => NotAffected,
        (Unknown, Unknown) => Unknown,
    }
}

fn later_fix(scheme: Scheme, a: Position, b: Position) -> Position {
    let end = |position: &Position| match position {
        Position::Affected { fixed, .. } => fixed.clone(),
        _ => None,
    };
    match (end(&a), end(&b)) {
        (Some(first), Some(second)) => {
            let is_later = scheme.compare(&first, &second).is_ok_and(Ordering::is_ge);
            if is_later { a } else { b }
        }
        // Without an end there is none.
        (None, _) => a,
        (_, None) => b,
    }
}

fn in_range(scheme: Scheme, installed: &str, range: &Range) -> Result<Position, VersionError> {
    let mut events: Vec<(&Event, Ordering)> = Vec::with_capacity(range.events.len());
    for event in &range.events {
        events.push((event, compare_to(scheme, event, installed)?));
    }
    // All versions are comparable now, so the fallback is never taken.
    events.sort_by(|(a, _), (b, _)| order_events(scheme, a, b).unwrap_or(Ordering::Equal));
    let mut since = None;
    let mut ended = None;
    let mut named = None;
    for (event, order) in &events {
        match event {
            // Where several versions are named as the last, each of them is affected.
            Event::LastAffected(version) if order.is_eq() => named = Some(version),
            Event::Introduced(version) if order.is_le() => since = since.or(Some(version)),
            Event::Fixed(version) if order.is_le() => {
                since = None;
                ended = Some(version);
            }
            Event::LastAffected(_) if order.is_lt() => since = None,
            Event::Limit(_) if order.is_le() => since = None,
            _ => {}
        }
    }
    if let (None, Some(version)) = (since, named) {
        return Ok(Position::Affected {
            fixed: None,
            range: format!("= {version}"),
        });
    }
    Ok(match (since, ended) {
        (Some(since), _) => affected_since(since, &events),
        (None, Some(version)) => Position::Fixed {
            since: version.clone(),
        },
        (None, None) if events.is_empty() => Position::Unknown,
        (None, None) => Position::Outside,
    })
}

/// Describes the range that began at `since` and has not ended at the installed version.
fn affected_since(since: &str, events: &[(&Event, Ordering)]) -> Position {
    let later = || events.iter().filter(|(_, order)| order.is_ge());
    let fixed = later().find_map(|(event, order)| match event {
        Event::Fixed(version) if order.is_gt() => Some(version.clone()),
        _ => None,
    });
    let end = later().find_map(|(event, order)| match event {
        Event::Fixed(version) if order.is_gt() => Some(format!("< {version}")),
        Event::Limit(version) if version != "*" && order.is_gt() => Some(format!("< {version}")),
        Event::LastAffected(version) => Some(format!("<= {version}")),
        _ => None,
    });
    let start = (since != "0").then(|| format!(">= {since}"));
    let parts: Vec<String> = start.into_iter().chain(end).collect();
    let range = match parts.is_empty() {
        true => "every version".to_owned(),
        false => parts.join(", "),
    };
    Position::Affected { fixed, range }
}

/// Orders an event's version against the installed one; an introduction at `0` is before all.
fn compare_to(scheme: Scheme, event: &Event, installed: &str) -> Result<Ordering, VersionError> {
    match event {
        Event::Introduced(version) if version == "0" => Ok(Ordering::Less),
        // "*" is OSV's way to write "no limit".
        Event::Limit(version) if version == "*" => Ok(Ordering::Greater),
        _ => scheme.compare(&scheme.normal(event.version()), installed),
    }
}

/// Orders events by version; at the same version, what ends a range stands before what begins
/// one, except that `last_affected` includes its version.
fn order_events(scheme: Scheme, a: &Event, b: &Event) -> Result<Ordering, VersionError> {
    let rank = |event: &Event| match event {
        Event::Fixed(_) | Event::Limit(_) => 0,
        Event::Introduced(_) => 1,
        Event::LastAffected(_) => 2,
    };
    let is_origin = |event: &Event| matches!(event, Event::Introduced(v) if v == "0");
    let is_endless = |event: &Event| matches!(event, Event::Limit(v) if v == "*");
    if is_origin(a) || is_origin(b) {
        return Ok(is_origin(b).cmp(&is_origin(a)));
    }
    if is_endless(a) || is_endless(b) {
        return Ok(is_endless(a).cmp(&is_endless(b)));
    }
    Ok(scheme
        .compare(a.version(), b.version())?
        .then(rank(a).cmp(&rank(b))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(events: Vec<Event>) -> Affected {
        let ranges = vec![Range {
            kind: RangeKind::Ecosystem,
            events,
        }];
        Affected {
            ranges,
            ..Affected::default()
        }
    }

    fn at(version: &str, affected: &Affected) -> Position {
        position(Scheme::Dpkg, version, affected)
    }

    fn hit(fixed: Option<&str>, range: &str) -> Position {
        Position::Affected {
            fixed: fixed.map(str::to_owned),
            range: range.to_owned(),
        }
    }

    #[test]
    fn walks_the_events_of_two_branches() {
        let text = |s: &str| s.to_owned();
        let branches = entry(vec![
            Event::Fixed(text("2.4")),
            Event::Introduced(text("2.0")),
            Event::Introduced(text("1.0")),
            Event::Fixed(text("1.9")),
        ]);
        assert_eq!(at("0.9", &branches), Position::Outside);
        assert_eq!(at("1.0", &branches), hit(Some("1.9"), ">= 1.0, < 1.9"));
        assert_eq!(at("1.9", &branches), Position::Fixed { since: text("1.9") });
        assert_eq!(at("2.0", &branches), hit(Some("2.4"), ">= 2.0, < 2.4"));
        assert_eq!(at("1:0", &branches), Position::Fixed { since: text("2.4") });
    }

    #[test]
    fn a_broken_range_does_not_void_the_others() {
        let mut two = entry(vec![
            Event::Introduced("0".into()),
            Event::Fixed("x:y".into()),
        ]);
        two.ranges.push(Range::before(Some("3")));
        assert_eq!(at("2", &two), hit(Some("3"), "< 3"));
        two.ranges.pop();
        assert_eq!(at("2", &two), Position::Unknown);
        two.versions = vec!["2".into()];
        assert_eq!(at("2", &two), hit(None, "= 2"));
    }

    #[test]
    fn last_affected_is_inclusive_and_single_versions_count() {
        let last = entry(vec![
            Event::Introduced("0".into()),
            Event::LastAffected("2".into()),
            Event::Limit("*".into()),
        ]);
        assert_eq!(at("2", &last), hit(None, "<= 2"));
        assert_eq!(at("2.1", &last), Position::Outside);
        let several = entry(vec![
            Event::Introduced("0".into()),
            Event::LastAffected("1".into()),
            Event::LastAffected("3".into()),
        ]);
        assert_eq!(at("1", &several), hit(None, "<= 1"));
        assert_eq!(at("2", &several), Position::Outside);
        assert_eq!(at("3", &several), hit(None, "= 3"));
        let listed = Affected {
            versions: vec!["1.0".into()],
            ..Affected::default()
        };
        assert_eq!(at("1.0-0", &listed), hit(None, "= 1.0"));
        assert_eq!(at("1.1", &listed), Position::Outside);
    }

    #[test]
    fn composers_zeros_do_not_count() {
        let last = entry(vec![
            Event::Introduced("1.0.0".into()),
            Event::LastAffected("5.4".into()),
        ]);
        let place = |version| position(Scheme::Composer, version, &last);
        assert_eq!(place("v5.4.0"), hit(None, ">= 1.0.0, <= 5.4"));
        assert_eq!(place("1.0"), hit(None, ">= 1.0.0, <= 5.4"));
        assert_eq!(place("5.4.1"), Position::Outside);
    }

    #[test]
    fn versions_without_order_match_by_name() {
        let mut listed = entry(vec![Event::Introduced("0".into())]);
        listed.versions = vec!["weird".into()];
        let place = |version| position(Scheme::Dotted, version, &listed);
        assert_eq!(place("weird"), hit(None, "= weird"));
        assert_eq!(place("strange"), Position::Unknown);
    }
}
