//! Which advisory database a command uses.

use std::path::{Path, PathBuf};

use advisory::database::{Builder, Database, DatabaseError};
use chrono::{DateTime, Utc};
use tempfile::TempDir;

use crate::{
    config::Config,
    exit::Exit,
    failure::{Failure, OrFail},
    printer::Printer,
};

/// An open advisory database.
pub(crate) struct Advisories {
    /// The database.
    pub(crate) database: Database,
    /// Where it stands; nothing for the starter set.
    pub(crate) file: Option<PathBuf>,
    _folder: Option<TempDir>,
}

/// Returns where the advisories of this user are, or will be: `file` if given, else what the
/// configuration says, else the user's own folder for data.
///
/// # Errors
/// There is no such folder.
pub(crate) fn place(file: Option<&Path>, config: &Config) -> Result<PathBuf, Failure> {
    if let Some(file) = file {
        return Ok(file.to_owned());
    }
    if config.is_set("advisories.file") || config.is_set("data.dir") {
        return Ok(config.advisories_file());
    }
    let folder = config.environment.user_data().ok_or_else(|| {
        Failure::usage("neither XDG_DATA_HOME nor HOME is set, so there is no place for advisories")
            .hint("name the file with --output or `advisories.file`")
    })?;
    Ok(folder.join("advisories.db"))
}

/// Opens the advisories; where there are none, the starter set that is compiled in, with a warning.
///
/// # Errors
/// The file that was named is not there, or no file that is there can be read.
pub(crate) fn open(
    file: Option<&Path>,
    config: &Config,
    now: DateTime<Utc>,
    printer: &Printer,
) -> Result<Advisories, Failure> {
    match place(file, config) {
        Ok(place) if file.is_some() || place.exists() => {
            let database = Database::open(&place).map_err(|error| failure(&error))?;
            if let Some(trouble) = app::from_the_future(database.meta(), now) {
                printer.warn(&trouble);
            }
            Ok(Advisories {
                database,
                file: Some(place),
                _folder: None,
            })
        }
        _ => {
            let advisories = starter(now)?;
            printer.warn(&format!(
                "there is no advisory database yet: this uses the built-in starter set of {} advisories, \
                 which finds only a few well-known vulnerabilities; run `plimsoll advisories update`",
                advisories.database.meta().records,
            ));
            Ok(advisories)
        }
    }
}

/// Compiles the starter set.
fn starter(now: DateTime<Utc>) -> Result<Advisories, Failure> {
    let folder = TempDir::with_prefix("plimsoll-").or_fail("cannot make a temporary folder")?;
    let path = folder.path().join("starter.db");
    let compile = || {
        let mut builder = Builder::new(&path)?;
        builder.add_starter()?;
        builder.finish(&timestamp(now))
    };
    compile().or_fail("cannot compile the starter set of advisories")?;
    Ok(Advisories {
        database: Database::open(&path).map_err(|error| failure(&error))?,
        file: None,
        _folder: Some(folder),
    })
}

/// Turns an error of the database into the failure of a command.
pub(crate) fn failure(error: &DatabaseError) -> Failure {
    let failure = Failure::from_error(Exit::Failed, error);
    match error {
        DatabaseError::Read { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            failure
                .hint("make one with `plimsoll advisories update` or `plimsoll advisories import`")
        }
        _ => failure,
    }
}

/// Returns a time as databases and documents bear it.
pub(crate) fn timestamp(now: DateTime<Utc>) -> String {
    now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
