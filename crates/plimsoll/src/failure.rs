//! What ends a command: a sentence, its causes, a hint, and the exit code.

use std::{error::Error, fmt::Display, io};

use app::AppError;

use crate::exit::Exit;

/// Why a command did not do what was asked. Printed once, by `main`.
#[derive(Debug)]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// What was wrong; empty where there is nothing to say.
    pub(crate) message: String,
    /// Why, nearest cause first.
    pub(crate) causes: Vec<String>,
    /// What to do.
    pub(crate) hint: Option<String>,
}

impl Failure {
    /// What was asked for makes no sense.
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// It cannot be done.
    pub(crate) fn failed(message: impl Display) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// Ends with `exit` and `message`.
    pub(crate) fn new(exit: Exit, message: impl Display) -> Self {
        Self {
            exit,
            message: message.to_string(),
            causes: Vec::new(),
            hint: None,
        }
    }

    /// Whoever read the output went away: that is no failure.
    pub(crate) fn reader_gone() -> Self {
        Self::new(Exit::Success, "")
    }

    /// Adds what to do.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Display) -> Self {
        self.hint = Some(hint.to_string());
        self
    }

    /// Returns the message and its causes on one line, for the log.
    pub(crate) fn line(&self) -> String {
        let said = [self.message.as_str()].into_iter();
        let said = said.chain(self.causes.iter().map(String::as_str));
        said.collect::<Vec<_>>().join(": ")
    }

    /// Adds `error` and everything behind it as causes.
    #[must_use]
    pub(crate) fn because(mut self, error: &dyn Error) -> Self {
        self.add_cause(error.to_string());
        let mut next = error.source();
        while let Some(error) = next {
            self.add_cause(error.to_string());
            next = error.source();
        }
        self
    }

    /// Many errors quote their cause already; saying it twice helps nobody.
    fn add_cause(&mut self, text: String) {
        let said = self.causes.last().unwrap_or(&self.message);
        if !said.contains(&text) {
            self.causes.push(text);
        }
    }

    /// Takes over an error's own words and what is behind it.
    pub(crate) fn from_error(exit: Exit, error: &dyn Error) -> Self {
        let failure = Self::new(exit, error);
        match error.source() {
            Some(source) => failure.because(source),
            None => failure,
        }
    }
}

impl From<AppError> for Failure {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Internal(source) => Self::failed("the marketplace failed").because(&*source),
            AppError::Full | AppError::Busy | AppError::Unsigned(_) | AppError::TooMany(_) => {
                Self::from_error(Exit::Failed, &error)
            }
            _ => Self::from_error(Exit::Usage, &error),
        }
    }
}

impl From<oci::SourceError> for Failure {
    fn from(error: oci::SourceError) -> Self {
        let exit = match error {
            oci::SourceError::NoTag { .. } | oci::SourceError::Ambiguous { .. } => Exit::Usage,
            _ => Exit::Failed,
        };
        let unknown = matches!(&error, oci::SourceError::Io { source, .. } if source.kind() == io::ErrorKind::NotFound);
        let failure = Self::from_error(exit, &error);
        if unknown {
            failure.hint("check the path; relative paths count from the current folder")
        } else {
            failure
        }
    }
}

impl From<oci::ClientError> for Failure {
    fn from(error: oci::ClientError) -> Self {
        let failure = Self::from_error(Exit::Failed, &error);
        match error.status() {
            Some(401 | 403) => failure.hint(
                "sign in with `docker login`, or give `--user NAME:PASSWORD`; access tokens work as passwords",
            ),
            _ => failure,
        }
    }
}

/// Adds what was tried to an error.
pub(crate) trait OrFail<T> {
    /// Ends with [`Exit::Failed`], `message` and the error behind it.
    fn or_fail(self, message: impl Display) -> Result<T, Failure>;
}

impl<T, E: Error> OrFail<T> for Result<T, E> {
    fn or_fail(self, message: impl Display) -> Result<T, Failure> {
        self.map_err(|error| Failure::failed(message).because(&error))
    }
}
