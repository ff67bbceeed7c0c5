//! The handlers, a file a page: the page itself and the forms that stand on it. A handler
//! takes its arguments apart, calls one use case and answers; what the use case gave is
//! made into the page's view by the functions below it.

use std::collections::HashMap;

use app::MOST_FOUND;
use axum::extract::Query;

pub(crate) mod account;
pub(crate) mod agreement;
pub(crate) mod audit;
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

use app::Part;

use crate::{
    failure::Failure,
    view::{Onward, Paging, urlencoded},
};

/// Lines on one page of a list that goes on behind its last one.
const LINES: usize = 50;

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
    asked_page_of(parameters, "page").unwrap_or(1)
}

fn asked_page_of(parameters: &Parameters, key: &str) -> Option<usize> {
    parameters.get(key).and_then(|page| page.parse().ok())
}

/// Cuts a list to the page of [`LINES`] that was asked for under `key`, or to `otherwise`, and
/// returns the ways to the rest.
fn cut<T>(
    lines: &mut Vec<T>,
    asked: (&Parameters, &str),
    otherwise: usize,
    url: impl Fn(usize) -> String,
) -> Paging {
    let total = lines.len();
    let page = asked_page_of(asked.0, asked.1).unwrap_or(otherwise);
    let page = page.clamp(1, total.div_ceil(LINES).max(1));
    lines.drain(..(page - 1) * LINES);
    lines.truncate(LINES);
    paging((page, total, LINES), url)
}

/// Returns the part of a list that was asked for, and one line more, by which it is known
/// whether it goes on. What can be no name is the beginning.
fn asked_part<'a>(parameters: &'a Parameters, key: &str) -> Part<'a> {
    let is_name = |text: &&str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        text.len() <= 200 && text.chars().all(fits)
    };
    let from = parameters.get(key).map(String::as_str).filter(is_name);
    Part {
        from: from.unwrap_or_default(),
        limit: i64::try_from(LINES + 1).unwrap_or(i64::MAX),
    }
}

/// Takes the line more from what was read, and returns the ways to the rest: `url` makes the
/// address of what comes behind a name, and for an empty one of the beginning.
fn onward<T>(
    lines: &mut Vec<T>,
    part: Part<'_>,
    name: impl Fn(&T) -> &str,
    url: impl Fn(&str) -> String,
) -> Onward {
    let goes_on = lines.len() > LINES;
    lines.truncate(LINES);
    let last = lines.last().filter(|_| goes_on);
    Onward {
        first_url: (!part.from.is_empty()).then(|| url("")),
        next_url: last.map(|line| url(name(line))),
    }
}

/// Returns the address of a page from behind a name on, or of its beginning.
fn behind(path: &str, key: &str, name: &str, section: &str) -> String {
    asking(path, &[(key, name)], section)
}

/// Returns the address of a section of a page with what is asked for; what is empty is not.
fn asking(path: &str, asked: &[(&str, &str)], section: &str) -> String {
    let given = asked.iter().filter(|(_, value)| !value.is_empty());
    let given: Vec<_> = given
        .map(|(key, value)| format!("{key}={}", urlencoded(value)))
        .collect();
    match given.is_empty() {
        true => format!("{path}{section}"),
        false => format!("{path}?{}{section}", given.join("&")),
    }
}

/// Returns the address of a section of a page that has several lists, from a place on in one of
/// them: what else was asked for, of these `keys`, stays as it is.
fn going_on(
    path: &str,
    (parameters, keys): (&Parameters, &[&str]),
    (key, place): (&str, &str),
    section: &str,
) -> String {
    let asked = |name: &str| parameters.get(name).map_or("", String::as_str);
    let value = |name| if name == key { place } else { asked(name) };
    let asked: Vec<_> = keys.iter().map(|name| (*name, value(*name))).collect();
    asking(path, &asked, section)
}

/// Returns the ways to what counts and to what no longer does: label, address, and whether it is
/// shown.
fn which(path: &str, is_over: bool, section: &str) -> Vec<(&'static str, String, bool)> {
    vec![
        ("In force", format!("{path}{section}"), !is_over),
        ("No longer", format!("{path}?over=1{section}"), is_over),
    ]
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

    #[test]
    fn who_goes_on_in_one_list_stays_where_they_are_in_the_others() {
        let asked = [("class", "a b"), ("remarks", "2"), ("flash", "done")];
        let asked = asked.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let asked = Query(HashMap::from(asked));
        let to = |key, place| {
            let lists = ["class", "page", "remarks"];
            going_on("/x", (&asked, &lists), (key, place), "#y")
        };
        assert_eq!(to("page", "3"), "/x?class=a%20b&page=3&remarks=2#y");
        assert_eq!(to("remarks", "4"), "/x?class=a%20b&remarks=4#y");
        assert_eq!(to("remarks", ""), "/x?class=a%20b#y");
    }
}
