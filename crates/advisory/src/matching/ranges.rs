//! Whether a version lies in what an advisory calls affected (OSV schema, "evaluation").

use std::cmp::Ordering;

use crate::record::{Affected, Event, Range, RangeKind, Status};
use crate::version::{Scheme, VersionError};

/// Where an installed version stands with regard to one entry of an advisory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Position {
    /// Affected; with the version that ends it, if one does.
    Affected { fixed: Option<String> },
    /// Not affected any more, since this version.
    Fixed { since: String },
    /// Outside every range, or declared unaffected.
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
        return Position::Unknown;
    }
    let mut best = Position::Unknown;
    let listed = affected.versions.iter().any(|version| {
        scheme
            .compare(installed, version)
            .map_or(version == installed, Ordering::is_eq)
    });
    for range in affected
        .ranges
        .iter()
        .filter(|range| range.kind == RangeKind::Ecosystem)
    {
        if let Ok(position) = in_range(scheme, installed, range) {
            best = worse(scheme, best, position);
        }
    }
    match best {
        Position::Affected { .. } => best,
        _ if listed => Position::Affected { fixed: None },
        Position::Unknown if !affected.versions.is_empty() => Position::NotAffected,
        other => other,
    }
}

/// Of two ranges of one entry, affected wins; of two ends, the later one is the fix.
fn worse(scheme: Scheme, a: Position, b: Position) -> Position {
    use Position::{Affected, Fixed, NotAffected, Unknown};
    match (a, b) {
        (Affected { fixed: Some(a) }, Affected { fixed: Some(b) }) => {
            let is_later = scheme.compare(&a, &b).is_ok_and(Ordering::is_ge);
            Affected {
                fixed: Some(if is_later { a } else { b }),
            }
        }
        (Affected { .. }, Affected { .. }) => Affected { fixed: None },
        (affected @ Affected { .. }, _) | (_, affected @ Affected { .. }) => affected,
        (fixed @ Fixed { .. }, _) | (_, fixed @ Fixed { .. }) => fixed,
        (NotAffected, _) | (_, NotAffected) => NotAffected,
        (Unknown, Unknown) => Unknown,
    }
}

fn in_range(scheme: Scheme, installed: &str, range: &Range) -> Result<Position, VersionError> {
    let mut events: Vec<(&Event, Ordering)> = Vec::with_capacity(range.events.len());
    for event in &range.events {
        events.push((event, compare_to(scheme, event, installed)?));
    }
    // All versions are comparable now, so the fallback is never taken.
    events.sort_by(|(a, _), (b, _)| order_events(scheme, a, b).unwrap_or(Ordering::Equal));
    let mut affected = false;
    let mut ended = None;
    for (event, order) in &events {
        match event {
            Event::Introduced(_) if order.is_le() => affected = true,
            Event::Fixed(version) if order.is_le() => {
                affected = false;
                ended = Some(version);
            }
            Event::LastAffected(_) if order.is_lt() => affected = false,
            Event::Limit(_) if order.is_le() => affected = false,
            _ => {}
        }
    }
    let next_fix = events.iter().find_map(|(event, order)| match event {
        Event::Fixed(version) if order.is_gt() => Some(version.clone()),
        _ => None,
    });
    Ok(match (affected, ended) {
        (true, _) => Position::Affected { fixed: next_fix },
        (false, Some(version)) => Position::Fixed {
            since: version.clone(),
        },
        (false, None) if events.is_empty() => Position::Unknown,
        (false, None) => Position::NotAffected,
    })
}

/// Orders an event's version against the installed one; an introduction at `0` is before all.
fn compare_to(scheme: Scheme, event: &Event, installed: &str) -> Result<Ordering, VersionError> {
    match event {
        Event::Introduced(version) if version == "0" => Ok(Ordering::Less),
        // "*" is OSV's way to write "no limit".
        Event::Limit(version) if version == "*" => Ok(Ordering::Greater),
        _ => scheme.compare(event.version(), installed),
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

    #[test]
    fn walks_the_events_of_two_branches() {
        let text = |s: &str| s.to_owned();
        let branches = entry(vec![
            Event::Fixed(text("2.4")),
            Event::Introduced(text("2.0")),
            Event::Introduced(text("1.0")),
            Event::Fixed(text("1.9")),
        ]);
        assert_eq!(at("0.9", &branches), Position::NotAffected);
        assert_eq!(
            at("1.0", &branches),
            Position::Affected {
                fixed: Some(text("1.9"))
            }
        );
        assert_eq!(at("1.9", &branches), Position::Fixed { since: text("1.9") });
        assert_eq!(
            at("2.0", &branches),
            Position::Affected {
                fixed: Some(text("2.4"))
            }
        );
        assert_eq!(at("1:0", &branches), Position::Fixed { since: text("2.4") });
    }

    #[test]
    fn a_broken_range_does_not_void_the_others() {
        let mut two = entry(vec![
            Event::Introduced("0".into()),
            Event::Fixed("x:y".into()),
        ]);
        two.ranges.push(Range::before(Some("3")));
        assert_eq!(
            at("2", &two),
            Position::Affected {
                fixed: Some("3".into())
            }
        );
        two.ranges.pop();
        assert_eq!(at("2", &two), Position::Unknown);
    }

    #[test]
    fn last_affected_is_inclusive_and_single_versions_count() {
        let last = entry(vec![
            Event::Introduced("0".into()),
            Event::LastAffected("2".into()),
            Event::Limit("*".into()),
        ]);
        assert_eq!(at("2", &last), Position::Affected { fixed: None });
        assert_eq!(at("2.1", &last), Position::NotAffected);
        let listed = Affected {
            versions: vec!["1.0".into()],
            ..Affected::default()
        };
        assert_eq!(at("1.0-0", &listed), Position::Affected { fixed: None });
        assert_eq!(at("1.1", &listed), Position::NotAffected);
    }
}
