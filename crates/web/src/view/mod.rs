//! Small things several pages show. Each writes its own HTML and escapes what it was
//! given, so a template says `{{ at }}` or `{{ digest }}` and nothing more.

mod digest;
mod form;
mod html;
mod install;
mod key_proof;
mod layout;
mod paging;
mod pill;
mod price;
mod promises_calendar;
mod severity;
mod size;
mod url;
mod vulnerability;
mod when;

pub use digest::Digest;
pub use form::{Choice, Csrf, FieldError, FieldErrors};
pub use html::{Html, escaped};
pub use install::{Commands, Install};
pub use key_proof::proof_commands;
pub use layout::{Flash, Layout, Viewer};
pub use paging::{Onward, Paging};
pub use pill::{
    Pill, Tone, listing_pill, outcome_pill, publisher_pill, submission_pill, subscription_pill,
};
pub use price::{amount, parse_price, price};
pub(crate) use promises_calendar::promises_calendar;
pub use severity::{Due, SeverityBar, SeverityCounts, class_pill, cvss_pill};
pub use size::{grouped, megabytes};
pub use url::{picture_url, urlencoded};
pub use vulnerability::entry_url;
pub use when::{When, calendar_date, time_ago, time_span};
