//! What can be said about an image without running it: one check per question, each with its
//! evidence, what it proves, and what to do when it fails.
//!
//! What lives here: the checks (one file each below `checks`, listed in [`CHECKS`]), the
//! [`Report`] over all of them, and the page that documents them ([`catalogue`]).
//! What does not: reading images (`inventory`), vulnerabilities (`advisory`), running
//! containers, the clock, who may see a result, what a failed check means for a listing.

mod age;
mod catalogue;
mod check;
mod checks;
mod history;
mod report;
mod subject;
mod support_end;

pub use catalogue::catalogue;
pub use check::{Check, Evidence, Level, Outcome};
pub use checks::CHECKS;
pub use report::{CheckResult, Report, Status, Summary, run_all};
pub use subject::{LayerFacts, Subject};
