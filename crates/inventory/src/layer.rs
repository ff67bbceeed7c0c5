//! Scans one layer: entries, whiteouts, and the bodies of wanted files.

use std::{
    borrow::Cow,
    cell::Cell,
    collections::{HashMap, HashSet},
    io::Read,
    thread,
};

use oci::Digest;

use crate::{
    EntryKind, Extract, FileEntry, Found, LayerReport, Limits, PARSER_VERSION, Problem, ScanError,
    analyser::{Analyser, Findings, Problems, Reading, Wanted, and_more},
    archive::Archive,
    body::Body,
    lang::nix,
    limits,
    names::normalise,
    os::rpm::{self, Pair},
    stream::{Counted, HashQueue, LayerStream, hash_queue},
};

/// Problems of one layer that are kept, of either kind.
const MAX_PROBLEMS: usize = 1000;
/// Bytes that tell programs from other files.
pub(crate) const MAGIC: usize = 8;
const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

/// Takes apart the layer in `reader`, compressed or not; `media_type` is only for messages.
///
/// # Errors
/// [`ScanError`] says whether the stream broke off, is no archive, or exceeds a limit.
pub fn scan_layer(
    reader: &mut dyn Read,
    media_type: &str,
    limits: &Limits,
    diff_id: DiffId,
) -> Result<LayerReport, ScanError> {
    match scan_as_far_as_may_be(reader, media_type, limits, diff_id)? {
        (report, None) => Ok(report),
        (_, Some(breach)) => Err(breach),
    }
}

/// As [`scan_layer`], but returns what was read of a layer that exceeds a limit, and the breach.
pub(crate) fn scan_as_far_as_may_be(
    reader: &mut dyn Read,
    media_type: &str,
    limits: &Limits,
    diff_id: DiffId,
) -> Result<(LayerReport, Option<ScanError>), ScanError> {
    if media_type.ends_with("+encrypted") {
        return Err(ScanError::Encrypted {
            media_type: media_type.to_owned(),
        });
    }
    let size = Cell::new(0);
    let blob = Counted::new(reader, &size);
    let mut builder = LayerBuilder::new(limits);
    let (walked, diff_id) = match diff_id {
        DiffId::Skip => (walk(blob, None, media_type, &mut builder), None),
        DiffId::Compute => thread::scope(|scope| {
            let (queue, work) = hash_queue();
            let hasher = scope.spawn(move || work.run());
            // Takes the queue along, so that the hasher ends when the walk does.
            let walked = walk(blob, Some(queue), media_type, &mut builder);
            (walked, Some(hasher.join().expect("hashing does not panic")))
        }),
    };
    match walked {
        Ok(uncompressed_size) => {
            let report = builder.finish(diff_id, size.get(), uncompressed_size);
            Ok((report, None))
        }
        Err(breach @ ScanError::Limit { .. }) => {
            Ok((builder.finish(None, size.get(), 0), Some(breach)))
        }
        Err(error) => Err(error),
    }
}

/// Returns what the analysers that want a file of this path make of its bytes, and what they
/// do not understand; for tools that have one file rather than a layer, and for tests.
///
/// # Errors
/// [`ScanError::Limit`] where the file holds more than is accepted.
pub fn analyse_file(
    path: &str,
    bytes: Vec<u8>,
    limits: &Limits,
) -> Result<(Vec<Extract>, Vec<Problem>), ScanError> {
    let mut builder = LayerBuilder::new(limits);
    let size = bytes.len() as u64;
    let file = FileEntry {
        path: path.to_owned(),
        kind: EntryKind::File,
        size,
        mode: 0o755,
        uid: 0,
        gid: 0,
        link: None,
    };
    let magic = &bytes[..bytes.len().min(MAGIC)];
    if let Some(wanted) = builder.add_real(file, magic)? {
        let wanted = builder.reserve(path, wanted, size);
        builder.analyse(path, wanted, &mut Body::of(bytes))?;
    }
    let report = builder.finish(None, size, size);
    Ok((report.extracts, report.problems))
}

/// Whether to compute the digest of a layer's uncompressed stream.
///
/// It costs a third as much time again as the decompression, on another thread. The blob's own
/// digest, which the source checks as it is read, already proves the content; the `diff_id`
/// proves that the image's configuration speaks of it, without which no runtime unpacks it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DiffId {
    /// Compute it, and compare it with the configuration.
    #[default]
    Compute,
    /// Take what the configuration says for granted.
    Skip,
}

/// Returns the bytes of the uncompressed stream.
fn walk(
    blob: Counted<'_>,
    queue: Option<HashQueue>,
    media_type: &str,
    builder: &mut LayerBuilder<'_>,
) -> Result<u64, ScanError> {
    let limits = builder.limits;
    let mut stream = LayerStream::new(blob, limits, queue)?;
    let mut archive = Archive::new(&mut stream, limits, media_type);
    let mut body = Body::default();
    while let Some(mut entry) = archive.next()? {
        builder.entry_count += 1;
        let Some(path) = normalise(&entry.file.path) else {
            let text = "the path climbs out of the root; the entry is left out";
            builder.entry_problem(Problem::of(&entry.file.path, text));
            continue;
        };
        entry.file.path = path;
        let size = entry.file.size;
        let magic = archive.peek(MAGIC)?;
        let Some((path, wanted)) = builder.add(entry.file, magic) else {
            continue;
        };
        if entry.is_broken {
            let text = "not read: a sparse file, and what it says of its pieces makes no sense";
            builder.problem(Problem::of(&path, text));
            continue;
        }
        let wanted = builder.reserve(&path, wanted, size);
        if !wanted.is_empty() {
            archive.read_body(&mut body)?;
            builder.analyse(&path, wanted, &mut body)?;
        }
    }
    // What follows the archive belongs to the diff_id as well.
    stream.skip(u64::MAX)?;
    Ok(stream.offset())
}

/// Collects a report, from an archive or a directory.
pub(crate) struct LayerBuilder<'l> {
    limits: &'l Limits,
    entry_count: u64,
    files: Vec<FileEntry>,
    whiteouts: Vec<String>,
    opaque_dirs: Vec<String>,
    extracts: Vec<Of<Extract>>,
    problems: Vec<Of<Problem>>,
    more_problems: u64,
    /// Problems of the archive's entries, apart from those of files that are read: however many
    /// there are, they do not hide that a database is broken.
    entry_problems: Problems,
    /// The entry under each path of which something may be said.
    said_of: HashMap<String, usize>,
    /// Entries that a later one of the same path took the place of.
    replaced: HashSet<usize>,
    file_bytes: u64,
    packages: u64,
    found_bytes: u64,
    rpm: Pair,
}

/// Something that is said of an entry.
struct Of<T> {
    /// How many entries there were with it.
    entry: usize,
    said: T,
}

impl<'l> LayerBuilder<'l> {
    /// Starts with nothing.
    pub(crate) fn new(limits: &'l Limits) -> Self {
        Self {
            limits,
            entry_count: 0,
            files: Vec::new(),
            whiteouts: Vec::new(),
            opaque_dirs: Vec::new(),
            extracts: Vec::new(),
            problems: Vec::new(),
            more_problems: 0,
            entry_problems: Problems::of_at_most(MAX_PROBLEMS),
            said_of: HashMap::new(),
            replaced: HashSet::new(),
            file_bytes: 0,
            packages: 0,
            found_bytes: 0,
            rpm: Pair::default(),
        }
    }

    /// Adds an entry whose path is normalised, a whiteout perhaps, and which begins with
    /// `magic`; returns who wants to read it.
    pub(crate) fn add(&mut self, file: FileEntry, magic: &[u8]) -> Option<(String, Wanted)> {
        let (folder, name) = split(&file.path);
        if let Some(hidden) = name.strip_prefix(WHITEOUT) {
            if name == OPAQUE {
                self.opaque_dirs.push(folder.to_owned());
            } else if !hidden.is_empty() && !hidden.starts_with(WHITEOUT) {
                // `.wh..wh.…` is AUFS' own bookkeeping.
                self.whiteouts.push(join(folder, hidden));
            }
            return None;
        }
        if file.path.is_empty() {
            return None;
        }
        let wanted = wanted(&file, magic).map(|wanted| (file.path.clone(), wanted));
        if let Some(old) = self.said_of.remove(&file.path) {
            self.replaced.insert(old);
        }
        self.files.push(file);
        wanted
    }

    /// Adds an entry of a directory tree, which has no whiteouts.
    pub(crate) fn add_real(
        &mut self,
        file: FileEntry,
        magic: &[u8],
    ) -> Result<Option<Wanted>, ScanError> {
        self.entry_count += 1;
        limits::check("entries", self.limits.entries, self.entry_count, &file.path)?;
        let wanted = wanted(&file, magic);
        self.files.push(file);
        Ok(wanted)
    }

    /// Returns those who may read a body of `size` bytes; says who may not, and why.
    pub(crate) fn reserve(&mut self, path: &str, wanted: Wanted, size: u64) -> Wanted {
        let limits = self.limits;
        let all = self.file_bytes.saturating_add(size);
        for (name, limit, value) in [
            ("file_bytes", limits.file_bytes, size),
            ("all_file_bytes", limits.all_file_bytes, all),
        ] {
            if value > limit {
                let text = format!("not read: it exceeds the limit `{name}` of {limit}");
                self.problem(Problem::of(path, text));
                return Wanted::NONE;
            }
        }
        let mut left = wanted;
        for analyser in wanted.iter() {
            if let Reading::Whole { most, .. } = analyser.read
                && size > most
            {
                let text = format!("{}: not read: larger than {most} bytes", analyser.name);
                self.problem(Problem::of(path, text));
                left = left.without(analyser);
            }
        }
        self.file_bytes += if left.is_empty() { 0 } else { size };
        left
    }

    /// Gives a body to those who want it.
    pub(crate) fn analyse(
        &mut self,
        path: &str,
        wanted: Wanted,
        body: &mut Body,
    ) -> Result<(), ScanError> {
        self.said_of.insert(path.to_owned(), self.files.len());
        let mut whole = None;
        for analyser in wanted.iter() {
            let findings = match analyser.read {
                Reading::Parts { read } => read(path, &*body),
                Reading::Whole { read, .. } => {
                    let bytes = match &whole {
                        Some(bytes) => bytes,
                        None => whole.insert(all(body)?),
                    };
                    read(path, bytes)
                }
            };
            self.keep(path, analyser, findings)?;
        }
        if let Some((path, findings)) = self.rpm.offer(path, body) {
            let old =
                |extract: &Extract| extract.path == path && extract.analyser == rpm::ANALYSER.name;
            self.extracts.retain(|extract| !old(&extract.said));
            self.problems
                .retain(|it| !Pair::answers(&path, &it.said.path, &it.said.text));
            self.keep(&path, &rpm::ANALYSER, findings)?;
        }
        Ok(())
    }

    fn keep(
        &mut self,
        path: &str,
        analyser: &Analyser,
        findings: Findings,
    ) -> Result<(), ScanError> {
        for problem in findings.problems {
            let text = format!("{}: {}", analyser.name, problem.text);
            self.problem(Problem {
                path: path.to_owned(),
                text,
                ..problem
            });
        }
        for found in findings.found {
            self.found_bytes = self.found_bytes.saturating_add(found.bytes());
            let limit = self.limits.all_path_bytes;
            limits::check("all_path_bytes", limit, self.found_bytes, path)?;
            if let Found::Packages(packages) = &found {
                self.packages += packages.len() as u64;
                limits::check("packages", self.limits.packages, self.packages, path)?;
            }
            let said = Extract {
                path: path.to_owned(),
                analyser: analyser.name.to_owned(),
                found,
            };
            let entry = self.said_of.get(path).copied().unwrap_or_default();
            self.extracts.push(Of { entry, said });
        }
        Ok(())
    }

    /// Notes a problem of a file that somebody wants to read.
    pub(crate) fn problem(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            let path = problem.path.clone();
            let entry = *self.said_of.entry(path).or_insert(self.files.len());
            self.problems.push(Of {
                entry,
                said: problem,
            });
        } else {
            self.more_problems += 1;
        }
    }

    /// Notes a problem of an entry, whether or not anybody wants to read it.
    pub(crate) fn entry_problem(&mut self, problem: Problem) {
        self.entry_problems.push(problem);
    }

    /// Returns what was added, for a digest over it.
    pub(crate) fn files(&self) -> &[FileEntry] {
        &self.files
    }

    /// Returns the report.
    pub(crate) fn finish(
        self,
        diff_id: Option<Digest>,
        size: u64,
        uncompressed_size: u64,
    ) -> LayerReport {
        let mut extracts = kept(self.extracts, &self.replaced);
        extracts.extend(nix::extracts(&self.files));
        let problems = kept(self.problems, &self.replaced);
        let mut problems = and_more(problems, self.more_problems);
        problems.extend(self.entry_problems.into_vec());
        LayerReport {
            parser_version: PARSER_VERSION,
            diff_id,
            size,
            uncompressed_size,
            entry_count: self.entry_count,
            files: self.files,
            whiteouts: self.whiteouts,
            opaque_dirs: self.opaque_dirs,
            extracts,
            problems,
        }
    }
}

/// Returns what is said of entries that no later one took the place of: those are there when
/// the layer has been unpacked.
fn kept<T>(all: Vec<Of<T>>, replaced: &HashSet<usize>) -> Vec<T> {
    let all = all.into_iter();
    let all = all.filter(|it| !replaced.contains(&it.entry));
    all.map(|it| it.said).collect()
}

/// Returns who wants a file that begins with `magic`, if anybody does.
fn wanted(file: &FileEntry, magic: &[u8]) -> Option<Wanted> {
    let is_file = file.kind == EntryKind::File && file.size > 0;
    let wanted = Wanted::by(file).or(Wanted::by_magic(magic));
    (is_file && !wanted.is_empty()).then_some(wanted)
}

/// Returns a body that may have gone to a file, whole; `reserve` has bounded it.
fn all(body: &Body) -> Result<Cow<'_, [u8]>, ScanError> {
    let size = usize::try_from(body.size()).unwrap_or(usize::MAX);
    body.range(0, size).map_err(ScanError::Spool)
}

/// Returns folder and name.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Package;

    /// A database is read again when its log comes.
    #[test]
    fn what_is_said_of_an_earlier_file_stays() {
        let limits = Limits::default();
        let mut builder = LayerBuilder::new(&limits);
        for path in ["rpmdb", "rpmdb-wal"] {
            let added = builder.add(FileEntry::file(path, 1), b"x");
            let (path, wanted) = added.expect("secrets are looked for everywhere");
            let body = &mut Body::of(b"x".to_vec());
            builder.analyse(&path, wanted, body).expect("within");
        }
        let findings = Findings::unread("truncated");
        let again = builder.keep("rpmdb", &rpm::ANALYSER, findings);
        assert!(again.is_ok());
        let problems = builder.finish(None, 0, 0).problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
    }

    #[test]
    fn all_that_is_found_counts_and_problems_of_files_are_heard() {
        let limits = Limits {
            all_path_bytes: 10_000,
            ..Limits::default()
        };
        let mut builder = LayerBuilder::new(&limits);
        let package = Package {
            maintainer: Some("m".repeat(3000)),
            dependencies: vec!["d".repeat(3000)],
            ..Package::new(crate::Kind::Cargo, "n".repeat(3000), "1")
        };
        let mut keep = || {
            let findings = Findings::packages(vec![package.clone()]);
            builder.keep("a", &rpm::ANALYSER, findings)
        };
        assert!(keep().is_ok() && keep().is_err());
        for n in 0..MAX_PROBLEMS + 5 {
            builder.entry_problem(Problem::of(&format!("../{n}"), "climbs"));
        }
        builder.problem(Problem::of("rpmdb", "not read"));
        let problems = builder.finish(None, 0, 0).problems;
        assert_eq!(problems[0].path, "rpmdb");
        let last = problems.last().expect("a problem");
        assert_eq!(last.text, "5 more problems like this one");
    }

    #[test]
    fn refuses_encrypted_layers_by_name() {
        let media_type = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted";
        let (limits, skip) = (Limits::default(), DiffId::Skip);
        let error = scan_layer(&mut &b""[..], media_type, &limits, skip).expect_err("no key");
        assert!(error.to_string().contains("encrypted"), "{error}");
    }
}
