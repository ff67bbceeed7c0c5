//! A reader that ends with an error where a feed grows beyond its limits.

use std::cell::Cell;
use std::io::{self, Read};
use std::rc::Rc;

use super::Limits;

/// What may still be read: of the whole input, and of the record at hand.
#[derive(Debug)]
pub(super) struct Budget {
    limits: Limits,
    input: Cell<u64>,
    record: Cell<u64>,
}

/// Read-ahead of the buffers between this reader and the parser.
const SLACK: u64 = 1 << 17;

impl Budget {
    pub(super) fn new(limits: Limits) -> Rc<Self> {
        let record = Cell::new(limits.record.saturating_add(SLACK));
        Rc::new(Self {
            limits,
            input: Cell::new(limits.input),
            record,
        })
    }

    /// Begins a new record.
    pub(super) fn renew(&self) {
        self.record.set(self.limits.record.saturating_add(SLACK));
    }

    /// Whether nothing more of the whole input may be read.
    pub(super) fn is_spent(&self) -> bool {
        self.input.get() == 0
    }

    fn spend(&self, bytes: usize) -> io::Result<()> {
        let bytes = bytes as u64;
        let left = |cell: &Cell<u64>, what: &str, limit: u64| match cell.get().checked_sub(bytes) {
            Some(rest) => {
                cell.set(rest);
                Ok(())
            }
            None => Err({
                cell.set(0);
                io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("{what} is larger than the limit of {limit} bytes"),
                )
            }),
        };
        left(&self.input, "the file, uncompressed,", self.limits.input)?;
        left(&self.record, "a record", self.limits.record)
    }
}

pub(super) struct BoundedReader<R> {
    inner: R,
    budget: Rc<Budget>,
}

impl<R: Read> BoundedReader<R> {
    pub(super) fn new(inner: R, budget: Rc<Budget>) -> Self {
        Self { inner, budget }
    }
}

impl<R: Read> Read for BoundedReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.budget.spend(count)?;
        Ok(count)
    }
}
