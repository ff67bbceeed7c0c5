//! Gathers what a reader finds: records to the sink, problems to the summary.

use std::io;
use std::rc::Rc;

use crate::record::{Advisory, Kind};

use super::input::Budget;
use super::{Format, Limits, Problem, Sink, Summary};

/// How many problems are kept with their reason; all are counted.
const PROBLEMS_KEPT: usize = 20;

/// Tells a reader to stop: the sink failed, or a limit is reached.
#[derive(Debug)]
pub(super) struct Stop;

pub(super) struct Collector<'a> {
    pub(super) source: &'a str,
    pub(super) limits: Limits,
    /// The only format that is taken, if the source has one.
    pub(super) expected: Option<Format>,
    /// Whether the records at hand are about packages.
    pub(super) names_packages: bool,
    sink: &'a mut Sink<'a>,
    budget: Rc<Budget>,
    summary: Summary,
    /// The file's name, or that of the file of an archive at hand.
    file: String,
    in_archive: bool,
    stopped: bool,
    failure: Option<io::Error>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        source: &'a str,
        file: String,
        limits: Limits,
        expected: Option<Format>,
        sink: &'a mut Sink<'a>,
    ) -> Self {
        Self {
            source,
            limits,
            expected,
            names_packages: false,
            sink,
            budget: Budget::new(limits),
            summary: Summary::default(),
            file,
            in_archive: false,
            stopped: false,
            failure: None,
        }
    }

    pub(super) fn budget(&self) -> Rc<Budget> {
        Rc::clone(&self.budget)
    }

    /// Begins a file of an archive; what breaks there ends that file only.
    pub(super) fn enter(&mut self, file: String) {
        self.file = file;
        self.in_archive = true;
        self.budget.renew();
    }

    /// Ends the files of an archive.
    pub(super) fn leave(&mut self) {
        self.in_archive = false;
    }

    /// Whether a file of an archive is at hand.
    pub(super) fn in_archive(&self) -> bool {
        self.in_archive
    }

    /// Name of the file at hand.
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    /// Whether nothing more is wanted.
    pub(super) fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// Hands records on.
    pub(super) fn accept_all(&mut self, advisories: Vec<Advisory>) -> Result<(), Stop> {
        self.budget.renew();
        advisories.into_iter().try_for_each(|it| self.accept(it))
    }

    /// Hands one record on.
    pub(super) fn accept(&mut self, advisory: Advisory) -> Result<(), Stop> {
        if self.summary.records >= self.limits.records {
            self.leave();
            self.break_off(&format!("more than {} records", self.limits.records));
            self.stopped = true;
            return Err(Stop);
        }
        self.budget.renew();
        // Timestamps of one feed have one form, so the text order is the order in time.
        if advisory.modified > self.summary.newest {
            self.summary.newest.clone_from(&advisory.modified);
        }
        let is_silent = self.names_packages
            && advisory.affected.is_empty()
            && advisory.withdrawn.is_none()
            && advisory.kind == Kind::Vulnerability;
        match (self.sink)(advisory) {
            Ok(()) => {
                self.summary.records += 1;
                self.summary.silent += u64::from(is_silent);
                Ok(())
            }
            Err(error) => {
                self.failure = Some(error);
                self.stopped = true;
                Err(Stop)
            }
        }
    }

    /// Counts a record that could not be understood.
    pub(super) fn reject(&mut self, place: &str, reason: &str) {
        self.budget.renew();
        self.summary.malformed += 1;
        if self.summary.problems.len() < PROBLEMS_KEPT {
            let short = |text: &str| text.chars().take(300).collect();
            self.summary.problems.push(Problem {
                place: short(place),
                reason: short(reason),
            });
        }
    }

    /// Names the record at hand: its file in an archive, else its number from 1.
    pub(super) fn place(&self) -> String {
        if self.in_archive {
            return self.file.clone();
        }
        let number = self.summary.records + self.summary.malformed + 1;
        format!("record {number}")
    }

    /// Notes that the rest of the file cannot be read; the first reason stays.
    pub(super) fn break_off(&mut self, reason: &str) {
        if self.failure.is_some() {
            return;
        }
        if self.in_archive && !self.budget.is_spent() {
            let place = self.place();
            self.reject(&place, reason);
            return;
        }
        self.summary.broken.get_or_insert_with(|| reason.to_owned());
        self.stopped = true;
    }

    pub(super) fn finish(self) -> io::Result<Summary> {
        match self.failure {
            Some(error) => Err(error),
            None => Ok(self.summary),
        }
    }
}
