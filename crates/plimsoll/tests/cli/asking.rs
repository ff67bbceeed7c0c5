//! `verify` over a network: what a market answers, and what it goes on from.

use std::{
    io::Write as _,
    net::TcpListener,
    path::Path,
    sync::{Arc, Mutex},
    thread,
};

use chrono::{DateTime, TimeDelta, Utc};
use oci::{Digest, ImageSource as _, Layout};
use trust::log::{Event, LoggedEntry, Page, Statement};

use crate::{
    sample,
    support::{NOW, Place, head_of},
    verify::statement,
};

/// A market that has an image of its own name.
struct Market {
    place: Place,
    host: String,
    digest: Digest,
    asked: Mutex<Vec<String>>,
}

/// What is answered to a path: status, what goes before the body, and the body.
type Answer = (u16, String, Vec<u8>);

fn ok(body: impl Into<Vec<u8>>) -> Answer {
    (200, String::new(), body.into())
}

impl Market {
    /// `answer` answers what is not the registry's; none is 404.
    fn start(answer: impl Fn(&Self, &str) -> Option<Answer> + Send + Sync + 'static) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let place = Place::new();
        sample::image(&place);
        sample::sign(&place, &format!("{host}/acme/db"), 7);
        let layout = Layout::open(&place.join("image")).expect("a layout");
        let image = layout.select(Some("1.4")).expect("an image");
        let market = Arc::new(Self {
            digest: image.root().digest.clone(),
            asked: Mutex::default(),
            place,
            host,
        });
        let (own, answer) = (market.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (market, answer) = (own.clone(), answer.clone());
                thread::spawn(move || {
                    let mut stream = stream.expect("a connection");
                    let head = head_of(&stream);
                    let path = head.split_whitespace().nth(1).unwrap_or_default();
                    let found = registry(&market.place.join("image"), path);
                    let found = found.or_else(|| answer(&market, path));
                    let (status, more, body) = found.unwrap_or((404, String::new(), Vec::new()));
                    let head = format!(
                        "HTTP/1.1 {status} It\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n",
                        body.len()
                    );
                    // Whoever asked may be gone already.
                    drop(stream.write_all(&[head.as_bytes(), &body].concat()));
                });
            }
        });
        market
    }

    /// Notes that a path was asked for; gives how many were before.
    fn note(&self, path: &str) -> usize {
        let mut asked = self.asked.lock().expect("nobody panics");
        asked.push(path.to_owned());
        asked.len() - 1
    }

    fn verify(&self, more: &[&str]) -> String {
        let image = format!("{}/acme/db:1.4", self.host);
        let args = ["verify", &image, "--now", NOW];
        self.place.run(&[&args[..], more].concat())
    }

    /// Returns what the log says after the image's release and `then`.
    fn says(&self, then: &[Event], since: u64) -> Answer {
        let now: DateTime<Utc> = NOW.parse().expect("a time");
        let released = Event::Released {
            tag: "1.4".to_owned(),
            digest: self.digest.clone(),
            certified: true,
            key: "k".to_owned(),
        };
        let events = [&[released], then].concat();
        let times = (0..).map(|number| now - TimeDelta::days(30 - number));
        let events: Vec<_> = times.zip(events).collect();
        let said = statement(&format!("{}/acme/db", self.host), &events, since);
        ok(serde_json::to_vec(&said).expect("JSON"))
    }
}

/// Returns what a log says in parts of seven entries: the first, and each further one by its path.
fn in_parts(whole: &Statement) -> (Statement, Vec<(String, Page)>) {
    let parts: Vec<_> = whole.entries.chunks(7).collect();
    let next = |part: usize| parts.get(part + 1).map(|after| after[0].index);
    let first = Statement {
        entries: parts[0].to_vec(),
        next: next(0),
        ..whole.clone()
    };
    let size = whole.entries.len();
    let page = |(number, part): (usize, &&[LoggedEntry])| {
        let path = format!("/log/proof/acme/db/more?from={}&size={size}", part[0].index);
        let (entries, next) = (part.to_vec(), next(number));
        (path, Page { entries, next })
    };
    let pages = parts.iter().enumerate().skip(1).map(page);
    (first, pages.collect())
}

/// Answers with a log in parts, of which one is replaced by another.
fn market_in_parts(replaced: Option<(usize, usize)>) -> Arc<Market> {
    Market::start(move |market, path| {
        if path == "/.well-known/plimsoll/release.pub" {
            return std::fs::read(market.place.join("release.pub")).ok().map(ok);
        }
        market.note(path);
        let turn = [Event::Held, Event::Reinstated];
        let events: Vec<_> = turn.iter().cycle().take(18).cloned().collect();
        let (.., whole) = market.says(&events, 0);
        let whole = Statement::parse(&whole).expect("a statement");
        let (first, pages) = in_parts(&whole);
        if path.starts_with("/log/proof/acme/db?") {
            return Some(ok(serde_json::to_vec(&first).expect("JSON")));
        }
        let number = pages.iter().position(|(own, _)| own == path)?;
        let number = replaced
            .filter(|(from, _)| *from == number)
            .map_or(number, |(_, to)| to);
        let (_, page) = pages.get(number)?;
        Some(ok(serde_json::to_vec(page).expect("JSON")))
    })
}

#[test]
fn what_comes_in_parts_is_fetched_and_saved_whole() {
    let market = market_in_parts(None);
    let found = market.verify(&["--trust-host", "--save-proof", "proof.json"]);
    assert!(
        found.starts_with("exit 0") && found.contains("with 19 entries"),
        "{found}"
    );
    let paths = market.asked.lock().expect("nobody panics").join(" ");
    assert!(paths.contains("more?from=7&size=19"), "{paths}");
    assert!(paths.ends_with("more?from=14&size=19"), "{paths}");
    let saved = std::fs::read(market.place.join("proof.json")).expect("a file");
    let saved = Statement::parse(&saved).expect("a statement");
    assert_eq!((saved.entries.len(), saved.next), (19, None));
    let found = market.verify(&["--trust-host", "--proof", "proof.json"]);
    assert!(found.starts_with("exit 0"), "{found}");
    // A part is no proof of the whole.
    let (first, _) = in_parts(&saved);
    market
        .place
        .write("part.json", serde_json::to_vec(&first).expect("JSON"));
    let found = market.verify(&["--trust-host", "--proof", "part.json"]);
    assert!(
        found.contains("the entries are not those that the market signed for"),
        "{found}"
    );
}

#[test]
fn a_part_that_is_left_out_or_sent_twice_is_refused() {
    for (replaced, why) in [
        ((1, 9), "leaves out what it says"),
        ((0, 1), "the entries are not those"),
        ((1, 0), "the entries are not those"),
    ] {
        let market = market_in_parts(Some(replaced));
        let found = market.verify(&["--trust-host"]);
        assert!(
            found.starts_with("exit 4") && found.contains(why),
            "{found}"
        );
    }
}

fn registry(layout: &Path, path: &str) -> Option<Answer> {
    let (kind, target) = path.strip_prefix("/v2/acme/db/")?.split_once('/')?;
    if kind == "manifests" {
        let place = Layout::open(layout).expect("a layout");
        let digest = match target.contains(':') {
            true => target.to_owned(),
            false => place.select(Some(target)).ok()?.root().digest.to_string(),
        };
        let bytes = std::fs::read(layout.join("blobs").join(digest.replace(':', "/"))).ok()?;
        let head = format!("Content-Type: {}\r\n", oci::media_type::OCI_MANIFEST);
        return Some((200, head, bytes));
    }
    let bytes = std::fs::read(layout.join("blobs").join(target.replace(':', "/")));
    bytes.ok().map(ok)
}

#[test]
fn what_is_sent_on_is_followed() {
    let market = Market::start(|market, path| match path.strip_prefix("/moved") {
        None => Some((301, format!("Location: /moved{path}\r\n"), Vec::new())),
        Some("/.well-known/plimsoll/release.pub") => Some(ok(std::fs::read(
            market.place.join("release.pub"),
        )
        .expect("a key"))),
        Some(path) => path
            .starts_with("/log/proof/acme/db?")
            .then(|| market.says(&[], 0)),
    });
    let found = market.verify(&["--trust-host"]);
    assert!(
        found.starts_with("exit 0") && found.contains("with 1 entry"),
        "{found}"
    );
}

#[test]
fn a_circle_ends_and_what_is_not_there_is_said_to_be_missing() {
    let circle = Market::start(|_, path| Some((302, format!("Location: {path}\r\n"), Vec::new())));
    let found = circle.verify(&["--trust-host"]);
    assert!(
        found.starts_with("exit 3") && found.contains("redirects"),
        "{found}"
    );
    let nothing = Market::start(|_, _| None);
    let found = nothing.verify(&["--trust-host"]);
    assert!(
        found.starts_with("exit 3") && found.contains("there is no key at 127.0.0.1:"),
        "{found}"
    );
}

/// Another process sees the log between the answer to this one and its being remembered.
#[test]
fn what_others_saw_meanwhile_is_gone_on_from() {
    for (is_fork, exit) in [(false, "exit 0"), (true, "exit 4")] {
        let market = Market::start(move |market, path| {
            let since = path.strip_prefix("/log/proof/acme/db?since=")?;
            let since: u64 = since.parse().expect("a number");
            let back = [Event::Held, Event::Reinstated];
            match (market.note(path), is_fork) {
                (0, _) => {
                    let other = market.verify(&["--key", "release.pub"]);
                    assert!(other.starts_with("exit 5"), "{other}");
                    Some(market.says(&back, since))
                }
                (1, false) => Some(market.says(&back[..1], since)),
                (1, true) => Some(market.says(&[Event::Revoked], since)),
                _ => Some(market.says(&back, since)),
            }
        });
        let found = market.verify(&["--key", "release.pub"]);
        assert!(found.starts_with(exit), "{found}");
        let asked = market.asked.lock().expect("nobody panics");
        let since: Vec<_> = asked
            .iter()
            .filter_map(|path| path.rsplit('=').next())
            .collect();
        assert_eq!(since, ["0", "0", "2"]);
    }
}
