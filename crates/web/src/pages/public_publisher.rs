//! `/publishers/{publisher}`: a publisher as everybody sees it.

use askama::Template;

use super::storefront::ProductCard;
use crate::view::{Layout, Onward, When};

/// A publisher as everybody sees it.
#[derive(Debug, Template)]
#[template(path = "public_publisher.html")]
pub struct PublicPublisherPage {
    /// What is around.
    pub layout: Layout,
    /// Its short name.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// Its website.
    pub website: String,
    /// Address of its logo.
    pub logo_url: Option<String>,
    /// Whether the operator verified it.
    pub is_verified: bool,
    /// Since when it is here.
    pub since: When,
    /// What it has on the market.
    pub products: Vec<ProductCard>,
    /// The ways to the rest of it.
    pub onward: Onward,
}

impl PublicPublisherPage {
    /// Returns the letter that stands for a missing logo.
    fn initial(&self) -> String {
        super::storefront::initial(&self.name)
    }
}
