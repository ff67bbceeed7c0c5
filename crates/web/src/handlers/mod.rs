//! The handlers, a file a page: the page itself and the forms that stand on it. A handler
//! takes its arguments apart, calls one use case and answers; what the use case gave is
//! made into the page's view by the functions below it.

use std::collections::HashMap;

use axum::extract::Query;

pub(crate) mod account;
pub(crate) mod agreement;
pub(crate) mod files;
pub(crate) mod log;
pub(crate) mod notices;
pub(crate) mod operator;
pub(crate) mod product;
pub(crate) mod product_edit;
pub(crate) mod publisher;
pub(crate) mod publisher_portal;
pub(crate) mod register;
pub(crate) mod review;
pub(crate) mod robot;
pub(crate) mod sign_in;
pub(crate) mod storage;
pub(crate) mod storefront;
pub(crate) mod submission;

use crate::failure::Failure;

/// What stands behind the question mark; the last of equal names counts.
type Parameters = Query<HashMap<String, String>>;

/// Answers an address at which there is nothing.
pub(crate) async fn no_page() -> Failure {
    Failure::NoPage
}

/// Answers a request that the address does not take.
pub(crate) async fn wrong_method() -> Failure {
    Failure::WrongMethod
}

/// Returns a count as pages show it.
fn count(number: impl TryInto<u64>) -> u64 {
    number.try_into().unwrap_or(0)
}
