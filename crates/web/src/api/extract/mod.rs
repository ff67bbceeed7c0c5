//! How a request is read: who asks, the path, the query, the body. Each refuses with the
//! API's own errors, never with the framework's plain text.

mod actor;
mod body;
mod object;
mod part;
mod path;
mod query;

pub(super) use actor::{Asker, SignedIn};
pub(super) use body::{Body, MAX_PICTURE_BYTES, Picture};
pub(super) use object::{object, objects};
pub(super) use part::{CountingQuery, LaterQuery, OlderQuery, a_page, older_query, place};
pub(super) use path::At;
pub(super) use query::{Asked, within};
