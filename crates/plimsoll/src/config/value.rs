//! Values: from text to what they mean, with words for what was expected.

use std::net::IpAddr;

use advisory::feeds;
use app::LogWitness;
use chrono::TimeDelta;
use ipnet::IpNet;
use serde::Serialize;
use trust::log::MAX_WITNESSES;

use super::kind::Kind;

/// An advisory source: a name and where its file is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Source {
    /// Its name in the database.
    pub(crate) name: String,
    /// `https://`, `http://`, `file://` or a path.
    pub(crate) place: String,
}

/// Says what is wrong with `text` as a value of `kind`.
pub(crate) fn check(kind: Kind, text: &str) -> Result<(), String> {
    let fits = match kind {
        Kind::Text => true,
        Kind::Path => !text.is_empty(),
        Kind::Address => text
            .rsplit_once(':')
            .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()),
        Kind::IpAddress => text.parse::<std::net::SocketAddr>().is_ok(),
        Kind::Url => url(text),
        Kind::Database => text.parse::<store::DatabaseUrl>().is_ok(),
        Kind::Number => text.parse::<u32>().is_ok(),
        Kind::Bytes => market::parse_bytes(text).is_some(),
        Kind::Duration => duration(text).is_some(),
        Kind::DurationOrNever => text == "never" || duration(text).is_some(),
        Kind::Bool => matches!(text, "true" | "false"),
        Kind::Networks => networks(text).is_some(),
        Kind::Choice(words) => words.contains(&text),
        Kind::Sources => return sources(text).map(drop),
        Kind::Witnesses => return witnesses(text).map(drop),
    };
    if fits {
        return Ok(());
    }
    Err(format!("`{text}` is not {}", kind.expected()))
}

fn url(text: &str) -> bool {
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| {
        let host = host.strip_suffix('/').unwrap_or(host);
        !host.is_empty() && !host.contains(['/', '?', '#', '@', ' '])
    })
}

/// Reads addresses and networks with commas between.
pub(crate) fn networks(text: &str) -> Option<Vec<IpNet>> {
    let words = text
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty());
    let network = |word: &str| {
        let address = word.parse::<IpAddr>().map(IpNet::from);
        word.parse::<IpNet>().ok().or(address.ok())
    };
    words.map(network).collect()
}

/// Reads a duration of more than nothing.
pub(crate) fn duration(text: &str) -> Option<TimeDelta> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let number: i64 = number.parse().ok().filter(|number| *number > 0)?;
    TimeDelta::try_seconds(number.checked_mul(seconds)?)
}

/// Reads `KEY URL,KEY URL`: witnesses of the log, and where each is asked.
pub(crate) fn witnesses(text: &str) -> Result<Vec<LogWitness>, String> {
    let pairs = text.split(',').map(str::trim);
    let found = pairs.filter(|pair| !pair.is_empty()).map(witness);
    let found = found.collect::<Result<Vec<_>, _>>()?;
    if found.len() > MAX_WITNESSES {
        return Err(format!("there are more than {MAX_WITNESSES} witnesses"));
    }
    for (position, witness) in found.iter().enumerate() {
        let name = witness.key.name();
        let mut before = found[..position].iter();
        if before.clone().any(|other| other.key.name() == name) {
            return Err(format!("two witnesses are called `{name}`"));
        }
        if let Some(other) = before.find(|other| other.key.is_key_of(&witness.key)) {
            let other = other.key.name();
            return Err(format!(
                "`{other}` and `{name}` are one key, so one witness"
            ));
        }
    }
    Ok(found)
}

fn witness(pair: &str) -> Result<LogWitness, String> {
    let (key, url) = pair
        .split_once(' ')
        .ok_or_else(|| format!("`{pair}` is not a witness's key and its URL"))?;
    let key = key.parse().map_err(|error| format!("`{key}`: {error}"))?;
    let url = url.trim().trim_end_matches('/');
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let is_url = |rest: &str| !rest.is_empty() && !rest.contains(['?', '#', '@', ' ']);
    match rest.is_some_and(is_url) {
        true => Ok(LogWitness {
            key,
            url: url.to_owned(),
        }),
        false => Err(format!("`{url}` is no URL of a witness")),
    }
}

/// Reads `NAME=PLACE,NAME`; a known feed needs no place.
pub(crate) fn sources(text: &str) -> Result<Vec<Source>, String> {
    let pairs = text
        .split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty());
    let read = |pair: &str| {
        let (name, place) = pair.split_once('=').unwrap_or((pair, ""));
        source(name.trim(), place.trim())
    };
    let found = pairs.map(read).collect::<Result<Vec<_>, _>>()?;
    for (position, source) in found.iter().enumerate() {
        if found[..position]
            .iter()
            .any(|other| other.name == source.name)
        {
            return Err(format!("two advisory sources are called `{}`", source.name));
        }
    }
    Ok(found)
}

/// Checks a source's name, which becomes a file's, and its place, which may be left out for a
/// feed that is known.
pub(crate) fn source(name: &str, place: &str) -> Result<Source, String> {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if name.is_empty() || name.len() > 60 || !name.bytes().all(legal) || name.starts_with('.') {
        return Err(format!(
            "`{name}` is no name for an advisory source: use letters, digits, `-`, `_` or `.`"
        ));
    }
    let known = feeds::SOURCES.iter().find(|known| known.name == name);
    let known = known.and_then(|known| known.urls.first());
    let place = match (place, known) {
        ("", Some(url)) => url,
        ("", None) => {
            return Err(format!(
                "`{name}` is no feed that is known: give its url or path, or see `plimsoll advisories sources`"
            ));
        }
        (place, _) if place.contains(',') => {
            return Err(format!("the place of advisory source `{name}` has a comma"));
        }
        (place, _) => place,
    };
    Ok(Source {
        name: name.to_owned(),
        place: place.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn witnesses_have_a_key_and_an_address() {
        let key = "w.example+e25d5acc+BAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB";
        let good: trust::log::Witness = key.parse().expect("a key");
        let read = witnesses(&format!("{key} https://w.example/w/,")).expect("one");
        assert_eq!(
            (&read[0].key, read[0].url.as_str()),
            (&good, "https://w.example/w")
        );
        for wrong in [
            key.to_owned(),
            format!("{key} ftp://w.example"),
            format!("{key} https://w.example?x"),
            format!("{key} https://a:b@w.example"),
            format!("{key} https://w.example, {key} https://v.example"),
            // Another name for the same key.
            format!(
                "{key} https://w.example, v.example+10e6f582+BAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB https://v.example"
            ),
            "w.example+00000000+BAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB https://w.example"
                .to_owned(),
        ] {
            assert!(witnesses(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("15m"), Some(TimeDelta::minutes(15)));
        assert_eq!(duration("0s"), None);
        assert_eq!(duration("é"), None);
    }

    #[test]
    fn urls_and_sources() {
        assert!(check(Kind::Url, "https://m.example").is_ok());
        assert!(check(Kind::Url, "https://m.example/path").is_err());
        assert!(check(Kind::Url, "m.example").is_err());
        assert!(sources("a=/x, b=https://y").is_ok_and(|found| found.len() == 2));
        assert!(sources("a=/x,a=/y").is_err());
        assert!(sources("../a=/x").is_err());
    }
}
