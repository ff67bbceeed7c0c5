//! One source's file: asked for only if changed, continued where it broke off, from the next
//! mirror if it must be, and kept only if it can be read.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use advisory::feeds::{self, Limits, Summary, Unfit};
use serde::{Deserialize, Serialize};
use ureq::{Agent, Body, http::Response};

use crate::{
    config::value::Source,
    exit::Exit,
    failure::{Failure, OrFail},
};

use super::pointer;

/// No feed is larger, compressed.
const MAX_BYTES: u64 = 4 << 30;
/// No text that only says where a feed is is larger.
const MAX_TEXT: u64 = 4 << 20;
/// No download takes longer; it goes on from there the next time.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);
/// How often a download that breaks off is continued.
const ATTEMPTS: usize = 3;

/// What was had of a source.
pub(super) struct Got {
    /// Its file.
    pub(super) file: PathBuf,
    /// Whether there was something new.
    pub(super) is_new: bool,
    /// What was read of it; nothing where it was not read again.
    pub(super) summary: Option<Summary>,
}

/// What the server said about the last good file, or about the beginning of the next.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Stamp {
    place: String,
    etag: Option<String>,
    last_modified: Option<String>,
}

/// Returns the file of a source, downloaded where it changed.
///
/// # Errors
/// It cannot be had from any of its places, or what came must not replace what there was; the
/// last good file then is as it was.
pub(super) fn fetch(
    source: &Source,
    folder: &Path,
    fitness: Fitness,
    progress: &dyn Fn(u64, u64),
) -> Result<Got, Failure> {
    fs::create_dir_all(folder).or_fail(format!("cannot make the folder `{}`", folder.display()))?;
    let mut first = None;
    for place in places(source) {
        let got = if place.starts_with("https://") || place.starts_with("http://") {
            pointer::target(place, text_of)
                .and_then(|place| fetch_from(source, &place, (folder, fitness), progress))
        } else {
            let file = PathBuf::from(place.strip_prefix("file://").unwrap_or(place));
            fitness.check(source, &file).map(|summary| Got {
                file,
                is_new: true,
                summary: Some(summary),
            })
        };
        match got {
            Ok(got) => return Ok(got),
            // The publisher's own words are the ones to show; mirrors only repeat them.
            Err(failure) => first = first.or(Some(failure)),
        }
    }
    Err(first.unwrap_or_else(|| Failure::failed("it has no place")))
}

/// Returns the places to ask: those of the configuration, with `|` between, and the known mirrors
/// of a known feed that is asked for at its own place.
fn places(source: &Source) -> Vec<&str> {
    let mut places: Vec<&str> = source.place.split('|').map(str::trim).collect();
    let known = feeds::source(&source.name).map_or(&[][..], |known| known.urls);
    if known.first().is_some_and(|own| places.contains(own)) {
        places.extend(known.iter().skip(1));
    }
    places
}

fn fetch_from(
    source: &Source,
    place: &str,
    (folder, fitness): (&Path, Fitness),
    progress: &dyn Fn(u64, u64),
) -> Result<Got, Failure> {
    let file = folder.join(&source.name);
    let stamp_file = folder.join(format!("{}.stamp.json", source.name));
    let part = Part::of(folder, &source.name);
    let stamp = read_stamp(&stamp_file, place).filter(|_| file.is_file());
    let mut attempt = 1;
    let stamp = loop {
        match part.fill(place, stamp.as_ref(), progress) {
            Ok(Some(stamp)) => break stamp,
            Ok(None) => {
                return Ok(Got {
                    file,
                    is_new: false,
                    summary: None,
                });
            }
            Err(_broken) if attempt < ATTEMPTS && part.can_go_on(place) => attempt += 1,
            Err(failure) => return Err(failure),
        }
    };
    let summary = fitness.check(source, &part.file);
    if summary.is_err() {
        part.remove();
    }
    let summary = summary?;
    let kept = File::open(&part.file).and_then(|it| it.sync_all());
    let kept = kept.and_then(|()| fs::rename(&part.file, &file));
    kept.or_fail(format!("cannot write `{}`", file.display()))?;
    write_stamp(&stamp_file, &stamp)?;
    part.remove();
    Ok(Got {
        file,
        is_new: true,
        summary: Some(summary),
    })
}

/// Returns the last good file of a source, if there is one.
pub(super) fn last_good(source: &Source, folder: &Path) -> Option<PathBuf> {
    let file = folder.join(&source.name);
    let stamp = folder.join(format!("{}.stamp.json", source.name));
    (stamp.is_file() && file.is_file()).then_some(file)
}

/// The beginning of a download, kept until it is whole.
struct Part {
    file: PathBuf,
    stamp: PathBuf,
}

impl Part {
    fn of(folder: &Path, name: &str) -> Self {
        Self {
            file: folder.join(format!("{name}.part")),
            stamp: folder.join(format!("{name}.part.json")),
        }
    }

    fn remove(&self) {
        for file in [&self.file, &self.stamp] {
            let _not_there = fs::remove_file(file);
        }
    }

    /// Whether there is a beginning that the server may continue: it must be able to tell
    /// whether its file is still the same.
    fn can_go_on(&self, place: &str) -> bool {
        self.begun(place).is_some()
    }

    /// Returns how much there is, and the strong tag or the date of what it is the beginning of
    /// (RFC 9110, section 13.1.5).
    fn begun(&self, place: &str) -> Option<(u64, String)> {
        let stamp = read_stamp(&self.stamp, place)?;
        let strong = stamp.etag.filter(|etag| !etag.starts_with("W/"));
        let length = fs::metadata(&self.file).ok()?.len();
        let validator = strong.or(stamp.last_modified)?;
        (length > 0).then_some((length, validator))
    }

    /// Downloads what is missing; nothing comes back if the last good file is still current.
    fn fill(
        &self,
        place: &str,
        known: Option<&Stamp>,
        progress: &dyn Fn(u64, u64),
    ) -> Result<Option<Stamp>, Failure> {
        let mut begun = self.begun(place);
        let mut answer = ask(place, known, begun.as_ref());
        if let (Some(_), Err(ureq::Error::StatusCode(416))) = (&begun, &answer) {
            // There is nothing behind what there is: whole, but cut off before it was checked, or
            // of a file that has become shorter.
            self.remove();
            begun = None;
            answer = ask(place, known, None);
        }
        let response = answer.or_fail(format!("cannot download {place}"))?;
        if response.status() == 304 {
            return Ok(None);
        }
        let start = match begun {
            Some((length, _)) if response.status() == 206 && starts_at(&response, length) => length,
            Some(_) if response.status() == 206 => {
                self.remove();
                return Err(Failure::failed(format!(
                    "{place} answers with another part than asked"
                )));
            }
            _ => 0,
        };
        let stamp = Stamp {
            place: place.to_owned(),
            etag: header(&response, "etag"),
            last_modified: header(&response, "last-modified"),
        };
        write_stamp(&self.stamp, &stamp)?;
        self.save(response, start, progress)?;
        Ok(Some(stamp))
    }

    fn save(
        &self,
        response: Response<Body>,
        start: u64,
        progress: &dyn Fn(u64, u64),
    ) -> Result<(), Failure> {
        let rest = response.body().content_length();
        let mut reader = response
            .into_body()
            .into_reader()
            .take(MAX_BYTES + 1 - start);
        let name = self.file.display();
        let mut options = OpenOptions::new();
        let options = options
            .create(true)
            .write(true)
            .append(start > 0)
            .truncate(start == 0);
        let mut file = options
            .open(&self.file)
            .or_fail(format!("cannot write `{name}`"))?;
        let mut buffer = vec![0; 256 << 10];
        let mut done = start;
        loop {
            let read = reader
                .read(&mut buffer)
                .or_fail("the connection broke while downloading")?;
            if read == 0 {
                break;
            }
            file.write_all(&buffer[..read])
                .or_fail(format!("cannot write `{name}`"))?;
            done += read as u64;
            progress(done, rest.map_or(done, |rest| start + rest).max(done));
        }
        if done > MAX_BYTES {
            self.remove();
            return Err(Failure::failed(format!(
                "the download has more than {MAX_BYTES} bytes, which is the limit"
            )));
        }
        match rest {
            Some(rest) if start + rest != done => {
                Err(Failure::failed("the connection broke while downloading"))
            }
            _ => Ok(()),
        }
    }
}

fn ask(
    url: &str,
    known: Option<&Stamp>,
    begun: Option<&(u64, String)>,
) -> Result<Response<Body>, ureq::Error> {
    let agent = Agent::new_with_config(
        Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_recv_body(Some(LONGEST))
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
            .build(),
    );
    let mut request = agent.get(url);
    if let Some((length, etag)) = begun {
        request = request
            .header("Range", format!("bytes={length}-"))
            .header("If-Range", etag);
    } else {
        if let Some(etag) = known.and_then(|stamp| stamp.etag.as_ref()) {
            request = request.header("If-None-Match", etag);
        }
        if let Some(date) = known.and_then(|stamp| stamp.last_modified.as_ref()) {
            request = request.header("If-Modified-Since", date);
        }
    }
    request.call()
}

/// Returns a short text, such as a list of mirrors.
fn text_of(url: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let answer = ask(url, None, None).or_fail(format!("cannot download {url}"))?;
    let body = answer.into_body().into_reader();
    body.take(MAX_TEXT)
        .read_to_string(&mut text)
        .or_fail(format!("cannot read {url}"))?;
    Ok(text)
}

/// Whether `Content-Range: bytes 1000-4999/5000` continues at `length`.
fn starts_at(response: &Response<Body>, length: u64) -> bool {
    let range = header(response, "content-range").unwrap_or_default();
    let start = range
        .strip_prefix("bytes ")
        .and_then(|range| range.split_once('-'));
    start.is_some_and(|(start, _)| start.parse() == Ok(length))
}

fn header(response: &Response<Body>, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    Some(value.to_str().ok()?.to_owned())
}

/// What a file must be to replace the last good one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fitness {
    /// Records of the last good file.
    pub(super) before: Option<u64>,
    /// Whether what can be read is taken in any case, unless that is nothing.
    pub(super) accept_partial: bool,
}

impl Fitness {
    fn check(self, source: &Source, path: &Path) -> Result<Summary, Failure> {
        let mut nothing = |_record| Ok(());
        let summary = feeds::read_file(path, &source.name, Limits::default(), &mut nothing)
            .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
        self.judge(&summary)
            .map_err(|unfit| Failure::from_error(Exit::Failed, &unfit))?;
        Ok(summary)
    }

    /// # Errors
    /// What was read must not replace what there is.
    pub(super) fn judge(self, summary: &Summary) -> Result<(), Unfit> {
        match summary.fit(self.before) {
            Err(unfit) if summary.records == 0 || !self.accept_partial => Err(unfit),
            _ => Ok(()),
        }
    }
}

/// Returns a stamp, if it is about the same place.
fn read_stamp(path: &Path, place: &str) -> Option<Stamp> {
    let file = File::open(path).ok()?;
    let stamp: Stamp = serde_json::from_reader(file.take(64 << 10)).ok()?;
    (stamp.place == place).then_some(stamp)
}

fn write_stamp(path: &Path, stamp: &Stamp) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(stamp).or_fail("the stamp has no JSON form")?;
    fs::write(path, bytes).or_fail(format!("cannot write `{}`", path.display()))
}
