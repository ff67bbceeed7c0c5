//! A reader that lets nothing through to its end that is not what its descriptor says.

use std::io::{self, Read};

use crate::{Descriptor, Digest, Digester};

/// How content differs from its descriptor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The stream ended early.
    #[error("{digest} has {found} bytes instead of {expected}")]
    Short {
        /// What was read.
        digest: Digest,
        /// Bytes by the descriptor.
        expected: u64,
        /// Bytes there were.
        found: u64,
    },
    /// The stream goes on after its end.
    #[error("{digest} has more than its {expected} bytes")]
    Long {
        /// What was read.
        digest: Digest,
        /// Bytes by the descriptor.
        expected: u64,
    },
    /// Other content of the same size.
    #[error("the content has digest {found} instead of {expected}")]
    Digest {
        /// The digest by the descriptor.
        expected: Digest,
        /// The digest of the content.
        found: Digest,
    },
}

impl VerifyError {
    /// Returns the difference that `error` carries, if a [`VerifyingReader`] made it.
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<VerifyError> for io::Error {
    fn from(error: VerifyError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}

/// Reads `R` and fails, before the last bytes are given out, where size or digest are not
/// those of the descriptor. The error is a [`VerifyError`] within an [`io::Error`] of kind
/// `InvalidData`, and stays for every later read.
pub struct VerifyingReader<R> {
    inner: R,
    expected: Digest,
    size: u64,
    done: u64,
    digester: Option<Digester>,
    failure: Option<VerifyError>,
}

impl<R: Read> VerifyingReader<R> {
    /// Starts to read content that must be what `descriptor` says.
    pub fn new(inner: R, descriptor: &Descriptor) -> Self {
        Self {
            inner,
            expected: descriptor.digest.clone(),
            size: descriptor.size,
            done: 0,
            digester: Some(Digester::new(descriptor.digest.algorithm())),
            failure: None,
        }
    }

    fn fail(&mut self, error: VerifyError) -> io::Error {
        self.failure = Some(error.clone());
        error.into()
    }

    /// Compares the digest once, when all bytes were seen.
    fn check(&mut self) -> io::Result<()> {
        let Some(digester) = self.digester.take() else {
            return Ok(());
        };
        let found = digester.finish();
        if found == self.expected {
            return Ok(());
        }
        let expected = self.expected.clone();
        Err(self.fail(VerifyError::Digest { expected, found }))
    }
}

impl<R: Read> Read for VerifyingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone().into());
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.inner.read(buffer)?;
        self.done += count as u64;
        if self.done > self.size {
            let (digest, expected) = (self.expected.clone(), self.size);
            return Err(self.fail(VerifyError::Long { digest, expected }));
        }
        if count == 0 && self.done < self.size {
            let (digest, expected, found) = (self.expected.clone(), self.size, self.done);
            return Err(self.fail(VerifyError::Short {
                digest,
                expected,
                found,
            }));
        }
        if let Some(digester) = &mut self.digester {
            digester.update(&buffer[..count]);
        }
        if self.done == self.size {
            self.check()?;
        }
        Ok(count)
    }
}

impl<R> std::fmt::Debug for VerifyingReader<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "VerifyingReader({}, {} of {})",
            self.expected, self.done, self.size
        )
    }
}
