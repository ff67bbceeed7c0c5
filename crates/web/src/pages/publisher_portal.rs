//! `/publisher`: choose an organisation or apply to become one.

use askama::Template;

use crate::view::{FieldErrors, Layout, Pill};

/// The way into the publisher programme.
#[derive(Debug, Template)]
#[template(path = "publisher_portal.html")]
pub struct PublisherPortalPage {
    /// What is around.
    pub layout: Layout,
    /// The organisations the viewer belongs to.
    pub organisations: Vec<OrganisationRow>,
    /// The application as it was typed.
    pub application: ApplicationForm,
    /// What is wrong with it: `legal_name`, `slug`, `website`, `phone`, `email`, `logo`.
    pub errors: FieldErrors,
    /// The version of the publisher agreement to accept.
    pub agreement: Option<i64>,
}

/// An organisation the viewer belongs to.
#[derive(Debug, Clone)]
pub struct OrganisationRow {
    /// Its name in addresses.
    pub slug: String,
    /// Its legal name.
    pub name: String,
    /// Its standing.
    pub state: Pill,
    /// The viewer's role in it: viewer, editor or owner.
    pub role: String,
    /// How many products it has.
    pub products: u64,
}

/// The verified publisher profile: the five items the programme requires, and a short name.
#[derive(Debug, Clone, Default)]
pub struct ApplicationForm {
    /// Legal entity name.
    pub legal_name: String,
    /// Short name in addresses.
    pub slug: String,
    /// Company website.
    pub website: String,
    /// Phone number.
    pub phone: String,
    /// Company e-mail.
    pub email: String,
}
