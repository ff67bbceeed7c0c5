//! Gathers what a reader finds: records to the sink, problems to the summary.

use std::io;
use std::rc::Rc;

use crate::record::Advisory;

use super::input::Budget;
use super::{Limits, Problem, Sink, Summary};

/// How many problems are kept with their reason; all are counted.
const PROBLEMS_KEPT: usize = 20;

/// Tells a reader to stop: the sink failed, or a limit is reached.
#[derive(Debug)]
pub(super) struct Stop;

pub(super) struct Collector<'a> {
    pub(super) source: &'a str,
    pub(super) limits: Limits,
    sink: &'a mut Sink<'a>,
    budget: Rc<Budget>,
    summary: Summary,
    failure: Option<io::Error>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(source: &'a str, limits: Limits, sink: &'a mut Sink<'a>) -> Self {
        let budget = Budget::new(limits);
        Self {
            source,
            limits,
            sink,
            budget,
            summary: Summary::default(),
            failure: None,
        }
    }

    pub(super) fn budget(&self) -> Rc<Budget> {
        Rc::clone(&self.budget)
    }

    /// Hands one record on.
    pub(super) fn accept(&mut self, advisory: Advisory) -> Result<(), Stop> {
        if self.summary.records >= self.limits.records {
            self.break_off(&format!("more than {} records", self.limits.records));
            return Err(Stop);
        }
        self.budget.renew();
        // Timestamps of one feed have one form, so the text order is the order in time.
        if advisory.modified > self.summary.newest {
            self.summary.newest.clone_from(&advisory.modified);
        }
        match (self.sink)(advisory) {
            Ok(()) => {
                self.summary.records += 1;
                Ok(())
            }
            Err(error) => {
                self.failure = Some(error);
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

    /// Number of the record at hand, from 1.
    pub(super) fn number(&self) -> u64 {
        self.summary.records + self.summary.malformed + 1
    }

    /// Notes that the rest of the file cannot be read; the first reason stays.
    pub(super) fn break_off(&mut self, reason: &str) {
        if self.failure.is_none() {
            self.summary.broken.get_or_insert_with(|| reason.to_owned());
        }
    }

    pub(super) fn finish(self) -> io::Result<Summary> {
        match self.failure {
            Some(error) => Err(error),
            None => Ok(self.summary),
        }
    }
}
