//! What is known of an upload beside its bytes: a small file of three lines at fixed places.
//!
//! The first line says whose the upload is. The other two are checkpoints: the state of the
//! digest after so many bytes. One is renewed often and means something only as long as the
//! machine runs, because power loss may take away bytes that it speaks of. The other one is
//! renewed when bytes have been flushed, and holds always. Each is written in one go and has
//! a checksum, so that half a line is no line.

use std::{fs::File, io, os::unix::fs::FileExt, path::Path};

use chrono::{DateTime, Utc};
use oci::{Algorithm, Digest, Digester};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Length of the first line in bytes; a repository's name takes 255 of them at most.
const HEAD: usize = 1024;
/// Length of a checkpoint in bytes; a saved digester takes about 400 of them.
const LINE: usize = 1024;
/// Digits of a line's checksum.
const CHECK: usize = 16;

/// Whose an upload is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Head {
    pub(super) repository: String,
    pub(super) account: String,
    pub(super) started: DateTime<Utc>,
    pub(super) algorithm: Algorithm,
}

/// The state of the digest after `offset` bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Checkpoint {
    pub(super) offset: u64,
    /// The digester's state, hexadecimal.
    hash: String,
    /// Which run of which machine wrote the bytes; empty where they are flushed.
    boot: String,
}

impl Checkpoint {
    pub(super) fn new(offset: u64, digester: &Digester, boot: &str) -> Self {
        Self {
            offset,
            hash: hex::encode(digester.save()),
            boot: boot.to_owned(),
        }
    }

    /// Returns the same for bytes that have been flushed since.
    pub(super) fn flushed(self) -> Self {
        Self {
            boot: String::new(),
            ..self
        }
    }

    pub(super) fn write(&self, state: &File) -> io::Result<()> {
        let at = if self.boot.is_empty() {
            HEAD + LINE
        } else {
            HEAD
        };
        state.write_all_at(&line(self, LINE)?, at as u64)
    }

    fn digester(&self, algorithm: Algorithm) -> Option<Digester> {
        Digester::restore(algorithm, &hex::decode(&self.hash).ok()?)
    }
}

/// A state file's content.
#[derive(Debug)]
pub(super) struct State {
    pub(super) head: Head,
    checkpoints: Vec<Checkpoint>,
}

impl State {
    pub(super) fn create(head: &Head, file: &Path) -> io::Result<()> {
        let line = line(head, HEAD)?;
        super::disk::create_new(file)?.write_all_at(&line, 0)
    }

    /// Reads a state; nothing where power loss has left none.
    pub(super) fn read(file: &File) -> io::Result<Option<Self>> {
        let mut bytes = [b' '; HEAD + 2 * LINE];
        let mut len = 0;
        while len < bytes.len() {
            match file.read_at(&mut bytes[len..], len as u64)? {
                0 => break,
                read => len += read,
            }
        }
        let checkpoints = [HEAD, HEAD + LINE].map(|at| parse(&bytes[at..at + LINE]));
        Ok(parse(&bytes[..HEAD]).map(|head| Self {
            head,
            checkpoints: checkpoints.into_iter().flatten().collect(),
        }))
    }

    /// Returns whether bytes were ever received.
    pub(super) fn has_bytes(&self) -> bool {
        self.checkpoints.iter().any(|point| point.offset > 0)
    }

    /// Returns the furthest state of the digest that holds in this run of the machine for a
    /// file of `len` bytes.
    pub(super) fn resume(&self, boot: &str, len: u64) -> (u64, Digester) {
        let algorithm = self.head.algorithm;
        self.checkpoints
            .iter()
            .filter(|point| point.offset <= len && [boot, ""].contains(&point.boot.as_str()))
            .filter_map(|point| Some((point.offset, point.digester(algorithm)?)))
            .max_by_key(|(offset, _)| *offset)
            .unwrap_or_else(|| (0, Digester::new(algorithm)))
    }
}

fn line(value: &impl Serialize, len: usize) -> io::Result<Vec<u8>> {
    let json = serde_json::to_string(value)?;
    let check = Digest::of(json.as_bytes());
    let mut line = format!("{} {json}", &check.hex()[..CHECK]).into_bytes();
    if line.len() >= len {
        return Err(io::Error::other("the state of an upload is too long"));
    }
    line.resize(len - 1, b' ');
    line.push(b'\n');
    Ok(line)
}

fn parse<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let (check, json) = str::from_utf8(line).ok()?.split_once(' ')?;
    let json = json.trim_end();
    let intact = Digest::of(json.as_bytes()).hex().starts_with(check) && check.len() == CHECK;
    intact.then(|| serde_json::from_str(json).ok()).flatten()
}

/// Returns which run of the machine this is; something new where the system does not say.
pub(super) fn boot_id() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let told = told.map_or_else(|_| String::new(), |id| id.trim().to_owned());
    if told.is_empty() {
        format!("process {}", std::process::id())
    } else {
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_line_is_no_line_and_only_flushed_bytes_outlive_the_machine() {
        let dir = tempfile::tempdir().expect("directory");
        let path = dir.path().join("state");
        let head = Head {
            repository: "r".repeat(255),
            account: "acc_00000000000000000000000000".to_owned(),
            started: DateTime::UNIX_EPOCH,
            algorithm: Algorithm::Sha512,
        };
        State::create(&head, &path).expect("create");
        let file = File::options().read(true).write(true).open(&path);
        let file = file.expect("open");
        let mut digester = Digester::new(Algorithm::Sha512);
        digester.update(&[1; 127]);
        let flushed = Checkpoint::new(127, &digester, "one").flushed();
        flushed.write(&file).expect("write");
        digester.update(&[2; 200]);
        let kept = Checkpoint::new(327, &digester, "one");
        kept.write(&file).expect("write");

        let offset = |boot, len| {
            let state = State::read(&file).expect("read").expect("a state");
            assert_eq!(state.head, head);
            state.resume(boot, len).0
        };
        assert_eq!(offset("one", 400), 327);
        assert_eq!(offset("one", 300), 127, "bytes are missing");
        assert_eq!(offset("another", 400), 127);
        file.write_all_at(b"77", HEAD as u64 + 40).expect("damage");
        assert_eq!(offset("one", 400), 127);
        file.set_len(HEAD as u64 + 3).expect("cut");
        assert_eq!(offset("one", 400), 0);
        file.set_len(100).expect("cut");
        assert!(State::read(&file).expect("read").is_none());
    }
}
