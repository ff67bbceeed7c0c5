//! One source's file: asked for only if changed, kept only if it can be read.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use advisory::feeds::{self, Limits};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use ureq::{Agent, Body, http::Response};

use crate::{
    config::value::Source,
    exit::Exit,
    failure::{Failure, OrFail},
};

/// No feed is larger, compressed.
const MAX_BYTES: u64 = 4 << 30;

/// What a download came to.
pub(super) enum Outcome {
    /// There was something new.
    New,
    /// The last one is still current.
    Unchanged,
}

/// What the server said about the last good file.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Stamp {
    place: String,
    etag: Option<String>,
    last_modified: Option<String>,
}

/// Returns the file of a source, downloaded where it changed.
///
/// # Errors
/// It cannot be had, or what came cannot be read; the last good file then is as it was.
pub(super) fn fetch(
    source: &Source,
    folder: &Path,
    progress: &dyn Fn(u64, u64),
) -> Result<(PathBuf, Outcome), Failure> {
    let local = source.place.strip_prefix("file://");
    let web = source.place.starts_with("https://") || source.place.starts_with("http://");
    if !web {
        let path = PathBuf::from(local.unwrap_or(&source.place));
        check(source, &path)?;
        return Ok((path, Outcome::New));
    }
    fs::create_dir_all(folder).or_fail(format!("cannot make the folder `{}`", folder.display()))?;
    let file = folder.join(&source.name);
    let stamp = read_stamp(source, folder).filter(|_| file.is_file());
    let response = ask(&source.place, stamp.as_ref())?;
    if response.status() == 304 {
        return Ok((file, Outcome::Unchanged));
    }
    let stamp = Stamp {
        place: source.place.clone(),
        etag: header(&response, "etag"),
        last_modified: header(&response, "last-modified"),
    };
    let downloaded = save(response, folder, progress)?;
    check(source, downloaded.path())?;
    downloaded
        .persist(&file)
        .map_err(|error| error.error)
        .or_fail(format!("cannot write `{}`", file.display()))?;
    write_stamp(source, folder, &stamp)?;
    Ok((file, Outcome::New))
}

/// Returns the last good file of a source, if there is one.
pub(super) fn last_good(source: &Source, folder: &Path) -> Option<PathBuf> {
    let file = folder.join(&source.name);
    (read_stamp(source, folder).is_some() && file.is_file()).then_some(file)
}

fn ask(url: &str, stamp: Option<&Stamp>) -> Result<Response<Body>, Failure> {
    let agent = Agent::new_with_config(
        Agent::config_builder()
            .timeout_connect(Some(Duration::from_secs(15)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .user_agent(concat!("plimsoll/", env!("CARGO_PKG_VERSION")))
            .build(),
    );
    let mut request = agent.get(url);
    if let Some(etag) = stamp.and_then(|stamp| stamp.etag.as_ref()) {
        request = request.header("If-None-Match", etag);
    }
    if let Some(date) = stamp.and_then(|stamp| stamp.last_modified.as_ref()) {
        request = request.header("If-Modified-Since", date);
    }
    request.call().or_fail(format!("cannot download {url}"))
}

fn header(response: &Response<Body>, name: &str) -> Option<String> {
    let value = response.headers().get(name)?;
    Some(value.to_str().ok()?.to_owned())
}

fn save(
    response: Response<Body>,
    folder: &Path,
    progress: &dyn Fn(u64, u64),
) -> Result<NamedTempFile, Failure> {
    let total = response.body().content_length().unwrap_or(0);
    let mut reader = response.into_body().into_reader().take(MAX_BYTES + 1);
    let mut file = NamedTempFile::new_in(folder).or_fail("cannot make a temporary file")?;
    let mut buffer = vec![0; 256 << 10];
    let mut done = 0;
    loop {
        let read = reader
            .read(&mut buffer)
            .or_fail("the connection broke while downloading")?;
        if read == 0 {
            break;
        }
        file.write_all(&buffer[..read])
            .or_fail("cannot write the download")?;
        done += read as u64;
        progress(done, total.max(done));
    }
    if done > MAX_BYTES {
        return Err(Failure::failed(format!(
            "the download has more than {MAX_BYTES} bytes, which is the limit"
        )));
    }
    Ok(file)
}

/// A file that cannot be read to its end, or holds nothing, must not replace one that can.
fn check(source: &Source, path: &Path) -> Result<(), Failure> {
    let mut nothing = |_record| Ok(());
    let summary = feeds::read_file(path, &source.name, Limits::default(), &mut nothing)
        .map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    if let Some(broken) = summary.broken {
        return Err(Failure::failed("it ends early").because(&io::Error::other(broken)));
    }
    if summary.records == 0 {
        return Err(Failure::failed("it holds no advisory that can be read"));
    }
    Ok(())
}

fn stamp_path(source: &Source, folder: &Path) -> PathBuf {
    folder.join(format!("{}.stamp.json", source.name))
}

/// Returns the stamp, if it is about the same place.
fn read_stamp(source: &Source, folder: &Path) -> Option<Stamp> {
    let file = File::open(stamp_path(source, folder)).ok()?;
    let stamp: Stamp = serde_json::from_reader(file.take(64 << 10)).ok()?;
    (stamp.place == source.place).then_some(stamp)
}

fn write_stamp(source: &Source, folder: &Path, stamp: &Stamp) -> Result<(), Failure> {
    let path = stamp_path(source, folder);
    let bytes = serde_json::to_vec(stamp).or_fail("the stamp has no JSON form")?;
    fs::write(&path, bytes).or_fail(format!("cannot write `{}`", path.display()))
}
