//! Conan's order: semantic versioning's with items of any number, which may be words, zeros at
//! the end that do not count, and build metadata that do.

use std::cmp::Ordering;

use super::number::{Number, lexicographic};

pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (Parts::of(a), Parts::of(b));
    items(a.release)
        .cmp(&items(b.release))
        // Nothing is newer than a pre-release, and older than a build.
        .then_with(|| a.pre.is_none().cmp(&b.pre.is_none()))
        .then_with(|| optional(a.pre).cmp(&optional(b.pre)))
        .then_with(|| a.build.is_some().cmp(&b.build.is_some()))
        .then_with(|| optional(a.build).cmp(&optional(b.build)))
}

struct Parts<'a> {
    release: &'a str,
    pre: Option<&'a str>,
    build: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let split = |text: &'a str, mark: char| match text.split_once(mark) {
            Some((before, after)) => (before, Some(after)),
            None => (text, None),
        };
        let (text, build) = split(text, '+');
        let (release, pre) = split(text, '-');
        Self {
            release,
            pre,
            build,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Item<'a> {
    Number(Number<'a>),
    Word(&'a str),
}

#[derive(PartialEq, Eq)]
struct Items<'a>(Vec<Item<'a>>);

impl Ord for Items<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let each = |items: &Self| items.0.clone().into_iter().map(Some);
        lexicographic(each(self), each(other), None)
    }
}

impl PartialOrd for Items<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn optional(text: Option<&str>) -> Items<'_> {
    text.map_or(Items(Vec::new()), items)
}

fn items(text: &str) -> Items<'_> {
    let item = |part| Number::parse(part).map_or(Item::Word(part), Item::Number);
    let mut items: Vec<Item<'_>> = text.split('.').map(item).collect();
    while items.last() == Some(&Item::Number(Number::ZERO)) {
        items.pop();
    }
    Items(items)
}
