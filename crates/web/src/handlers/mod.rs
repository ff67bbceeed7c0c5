//! The handlers, a file a page: the page itself and the forms that stand on it. A handler
//! takes its arguments apart, calls one use case and answers; what the use case gave is
//! made into the page's view by the functions below it.

use std::collections::HashMap;

use app::MOST_FOUND;
use axum::extract::Query;

pub(crate) mod account;
pub(crate) mod agreement;
pub(crate) mod calendar;
pub(crate) mod classes;
pub(crate) mod compare;
pub(crate) mod components;
pub(crate) mod draft_versions;
pub(crate) mod feed;
pub(crate) mod files;
pub(crate) mod holds;
pub(crate) mod image;
pub(crate) mod imports;
pub(crate) mod layer_files;
pub(crate) mod log;
mod manifest_items;
pub(crate) mod notices;
pub(crate) mod operator;
pub(crate) mod own_advisories;
pub(crate) mod partnership;
pub(crate) mod preview;
pub(crate) mod product;
pub(crate) mod product_edit;
pub(crate) mod proofs;
pub(crate) mod public_publisher;
pub(crate) mod publisher;
pub(crate) mod publisher_keys;
pub(crate) mod publisher_portal;
pub(crate) mod register;
pub(crate) mod review;
pub(crate) mod robot;
pub(crate) mod sign_in;
pub(crate) mod storage;
pub(crate) mod storefront;
pub(crate) mod submission;
pub(crate) mod tags;
pub(crate) mod team;
pub(crate) mod templates;
pub(crate) mod terms;
pub(crate) mod vex;
pub(crate) mod webhooks;

use crate::{failure::Failure, view::Paging};

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

/// Returns the page that was asked for, from 1.
fn asked_page(parameters: &Parameters) -> usize {
    let asked = parameters.get("page").and_then(|page| page.parse().ok());
    asked.unwrap_or(1)
}

/// Returns where the asked part of a list of `total` begins, and the ways to the rest.
fn part(
    total: usize,
    size: usize,
    parameters: &Parameters,
    url: impl Fn(usize) -> String,
) -> (usize, Paging) {
    let page = asked_page(parameters).clamp(1, total.div_ceil(size).max(1));
    ((page - 1) * size, paging((page, total, size), url))
}

/// Returns the ways from a page to the rest of a list of which the database counts: at least
/// `total`, where there are `more`.
fn paging_of(
    (page, size): (i64, i64),
    (total, more): (i64, bool),
    url: impl Fn(i64) -> String,
) -> Paging {
    let start = (page - 1) * size;
    let last = total.min(start + size);
    Paging {
        first: if last <= start { 0 } else { count(start) + 1 },
        last: count(last.max(0)),
        total: count(total),
        more,
        previous_url: (page > 1).then(|| url(page - 1)),
        next_url: (start + size < total || (more && total < MOST_FOUND)).then(|| url(page + 1)),
    }
}

/// Returns the ways from a page to the rest of a list: `page` of `total` in parts of `size`.
fn paging((page, total, size): (usize, usize, usize), url: impl Fn(usize) -> String) -> Paging {
    let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let place = (whole(page), whole(size));
    paging_of(place, (whole(total), false), |page| {
        url(usize::try_from(page).unwrap_or(1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_goes_on_as_far_as_it_is_shown() {
        let next = |total, more| {
            let paging = paging_of((200, 24), (total, more), |page| page.to_string());
            (paging.next_url.clone(), paging.is_cut())
        };
        assert_eq!(next(MOST_FOUND, false), (None, false));
        assert_eq!(next(MOST_FOUND, true), (None, true));
        assert_eq!(next(MOST_FOUND + 1, false), (Some("201".to_owned()), false));
        assert_eq!(next(MOST_FOUND - 1, true), (Some("201".to_owned()), false));
    }
}
