//! `/` and `/search`: what is on the market.

use askama::Template;

use crate::view::{Layout, Paging};

/// The front page and every search.
#[derive(Debug, Template)]
#[template(path = "storefront.html")]
pub struct StorefrontPage {
    /// What is around.
    pub layout: Layout,
    /// Whether it is the front page, which also explains the mark.
    pub is_front: bool,
    /// The category in force.
    pub category: Option<String>,
    /// Whether only certified products are shown.
    pub is_certified_only: bool,
    /// Every category with its count.
    pub categories: Vec<CategoryLink>,
    /// Address of the same search with or without the certified filter.
    pub certified_toggle_url: String,
    /// What was found.
    pub products: Vec<ProductCard>,
    /// Where in the list one is.
    pub paging: Paging,
    /// How many products the market has at all; 0 makes the page teach how to add one.
    pub market_total: u64,
}

impl StorefrontPage {
    /// Returns what the list is headed with.
    fn heading(&self) -> String {
        let what = match (&self.category, self.is_certified_only) {
            (Some(category), true) => format!("Certified products in {category}"),
            (Some(category), false) => category.clone(),
            (None, true) => "Certified products".to_owned(),
            (None, false) => "All products".to_owned(),
        };
        if self.layout.query.is_empty() {
            what
        } else {
            format!("“{}” in {}", self.layout.query, what.to_lowercase())
        }
    }
}

/// A category in the filter.
#[derive(Debug, Clone)]
pub struct CategoryLink {
    /// Its name.
    pub name: String,
    /// How many products it has.
    pub count: u64,
    /// Address of the search in it.
    pub url: String,
    /// Whether it is the one in force.
    pub is_current: bool,
}

/// A product in a list.
#[derive(Debug, Clone)]
pub struct ProductCard {
    /// Address of its page.
    pub url: String,
    /// Its name.
    pub name: String,
    /// Its publisher's name.
    pub publisher: String,
    /// Whether the publisher is verified.
    pub is_publisher_verified: bool,
    /// Address of its logo.
    pub logo_url: Option<String>,
    /// One or two sentences.
    pub short_description: String,
    /// Its category.
    pub category: String,
    /// Whether it carries the mark.
    pub is_certified: bool,
    /// Whether it has a warning.
    pub is_on_hold: bool,
    /// The lowest price, for example `Free` or `from USD 19.00 a month`.
    pub price_from: String,
}

impl ProductCard {
    /// Returns the letter that stands for a missing logo.
    pub fn initial(&self) -> String {
        initial(&self.name)
    }
}

/// Returns the letter that stands for the missing logo of `name`.
pub(crate) fn initial(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map(|c| c.to_uppercase().to_string())
        .unwrap_or_default()
}
