//! Exit codes: one enum, one table, shown by `plimsoll help exit-codes` and in `docs/cli.md`.

use std::fmt::Write as _;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Everything went well; also where the reader of the output went away.
    Success,
    /// The image has findings or failed checks that the command was told to fail on.
    Findings,
    /// What was asked for makes no sense: usage, configuration, names.
    Usage,
    /// It cannot be done: file, network, registry, database.
    Failed,
    /// The signature does not hold.
    NotVerified,
    /// The signature holds, and the image is on hold, off the market, or not certified.
    Standing,
    /// What `scan --exit-code` was given.
    Chosen(u8),
}

/// Code and meaning, as documented.
pub(crate) const TABLE: [(u8, &str); 6] = [
    (
        0,
        "success; also where whoever reads the output stopped reading",
    ),
    (
        1,
        "`scan --fail-on` or `--exit-code` found something; `certify` found a failed check of level error; `scrub` found something missing or damaged",
    ),
    (
        2,
        "what was asked for makes no sense: wrong usage, configuration, name or value",
    ),
    (
        3,
        "it cannot be done: a file, network, registry or database error",
    ),
    (
        4,
        "`verify`: no signature or proof holds, or the image is not signed",
    ),
    (
        5,
        "`verify`: signed, but on hold, off the market, withdrawn under its tag, no more what its tag names, or not certified on that day",
    ),
];

impl Exit {
    /// Returns the number the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Findings => 1,
            Self::Usage => 2,
            Self::Failed => 3,
            Self::NotVerified => 4,
            Self::Standing => 5,
            Self::Chosen(code) => code,
        }
    }
}

/// Returns the table as text for a terminal.
pub(crate) fn text() -> String {
    TABLE.iter().fold(String::new(), |mut text, (code, what)| {
        let _infallible = writeln!(text, "  {code}  {what}");
        text
    })
}
