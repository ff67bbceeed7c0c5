//! Archives of feeds: zip and tar. Every file in them is read as if it lay there alone.

use std::io::{BufReader, Read, Seek};

use super::collect::Collector;
use super::input::BoundedReader;
use super::{Recognised, read_plain};

/// What a file of an archive is called if it may hold advisories.
const ENDINGS: [&str; 5] = [".json", ".jsonl", ".xml", ".csv", ".oval"];

/// Reads a zip archive; files of other endings are passed over.
pub(super) fn read_zip<R: Read + Seek>(input: R, collector: &mut Collector<'_>) -> Recognised {
    let mut archive = match zip::ZipArchive::new(input) {
        Ok(archive) => archive,
        Err(error) => {
            collector.break_off(&error.to_string());
            return Recognised::Yes;
        }
    };
    let mut outcome = Outcome::default();
    for index in 0..archive.len() {
        match archive.by_index(index) {
            Ok(file) => {
                let name = String::from_utf8_lossy(file.name_raw()).into_owned();
                let file = BoundedReader::new(file, collector.budget());
                outcome.read(&name, file, collector);
            }
            Err(error) => collector.reject(&format!("file {}", index + 1), &error.to_string()),
        }
        if collector.has_stopped() || !outcome.may_go_on(collector) {
            break;
        }
    }
    collector.leave();
    outcome.recognised()
}

/// Reads a tar archive, whose reader is bounded already: no file may be larger than a record.
/// What is no regular file of a known ending is passed over.
pub(super) fn read_tar(input: &mut dyn Read, collector: &mut Collector<'_>) -> Recognised {
    let mut archive = tar::Archive::new(input);
    let mut outcome = Outcome::default();
    let entries = match archive.entries() {
        Ok(entries) => entries,
        Err(error) => {
            collector.break_off(&error.to_string());
            return Recognised::Yes;
        }
    };
    for entry in entries {
        collector.budget().renew();
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                collector.leave();
                collector.break_off(&error.to_string());
                return Recognised::Yes;
            }
        };
        if entry.header().entry_type().is_file() {
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            outcome.read(&name, entry, collector);
        }
        if collector.has_stopped() || !outcome.may_go_on(collector) {
            break;
        }
    }
    collector.leave();
    outcome.recognised()
}

#[derive(Default)]
struct Outcome {
    entries: u64,
    known: u64,
    last_unknown: Option<String>,
}

impl Outcome {
    fn read(&mut self, name: &str, file: impl Read, collector: &mut Collector<'_>) {
        self.entries += 1;
        if !ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            return;
        }
        collector.enter(name.to_owned());
        match read_plain(&mut BufReader::new(file), collector) {
            Recognised::Yes => self.known += 1,
            Recognised::No(found) => {
                collector.reject(name, &format!("no advisory feed, but {found}"));
                self.last_unknown = Some(found);
            }
        }
    }

    fn may_go_on(&self, collector: &mut Collector<'_>) -> bool {
        let limit = collector.limits.entries;
        if self.entries <= limit {
            return true;
        }
        collector.leave();
        collector.break_off(&format!("the archive has more than {limit} files"));
        false
    }

    fn recognised(self) -> Recognised {
        match (self.known, self.last_unknown) {
            (0, Some(found)) => Recognised::No(format!("an archive of files such as {found}")),
            (0, None) => Recognised::No("an archive without JSON, XML or CSV files".to_owned()),
            _ => Recognised::Yes,
        }
    }
}
