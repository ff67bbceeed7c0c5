//! `/publisher/{slug}/products/new` and `/publisher/{slug}/{product}`: the manifest as a
//! form, submitting, and the submissions so far.

use askama::Template;

use super::publisher::SubmissionLink;
use crate::view::{Choice, FieldErrors, Layout, Onward, Pill, When};

/// The editor of a product.
#[derive(Debug, Template)]
#[template(path = "product_edit.html")]
pub struct ProductEditPage {
    /// What is around.
    pub layout: Layout,
    /// The publisher's name in addresses.
    pub publisher_slug: String,
    /// The publisher's legal name.
    pub publisher_name: String,
    /// The product, unless it is new.
    pub product: Option<ProductState>,
    /// The manifest as it stands or as it was typed.
    pub form: ManifestForm,
    /// What is wrong with it; the names are those of the manifest's JSON.
    pub errors: FieldErrors,
    /// Whether the viewer may change it.
    pub can_edit: bool,
    /// Host and port of the registry, for the push commands.
    pub registry: String,
}

impl ProductEditPage {
    fn is_new(&self) -> bool {
        self.product.is_none()
    }

    fn action(&self) -> String {
        match &self.product {
            Some(product) => format!("/publisher/{}/{}", self.publisher_slug, product.slug),
            None => format!("/publisher/{}/products/new", self.publisher_slug),
        }
    }

    fn plan_field(&self, place: &usize, name: &str) -> String {
        format!("plans[{place}].{name}")
    }
}

/// What is known of a product that exists.
#[derive(Debug, Clone)]
pub struct ProductState {
    /// Its name in addresses.
    pub slug: String,
    /// The listing's state.
    pub listing: Pill,
    /// Address of its public page, while it has one.
    pub public_url: Option<String>,
    /// Address of the page as consumers will see it.
    pub preview_url: String,
    /// Whether it was never released.
    pub is_unreleased: bool,
    /// Who sees it before it is.
    pub previewers: Vec<PreviewerRow>,
    /// Address of its releases.
    pub tags_url: String,
    /// Tags in its staging repository, newest first.
    pub staging_tags: Vec<String>,
    /// The staging repository, for example `staging/harbour/pilot`.
    pub staging_repository: String,
    /// Whether it may be submitted now.
    pub can_submit: bool,
    /// Whether the viewer may take it off the market.
    pub can_withdraw: bool,
    /// The newest released tags, for whoever may withdraw one of them.
    pub offered_tags: Vec<String>,
    /// Whether those who may pull it see components and findings.
    pub is_inside_open: bool,
    /// Whether the viewer may change that.
    pub can_open: bool,
    /// The repository below staging and the tag as they were typed.
    pub typed: (String, String),
    /// Why it was not submitted.
    pub submit_error: Option<String>,
    /// The submissions, newest first.
    pub submissions: Vec<SubmissionLink>,
    /// The ways to the rest of them.
    pub submissions_onward: Onward,
}

/// Somebody who sees a product before its first release.
#[derive(Debug, Clone)]
pub struct PreviewerRow {
    /// The name they sign in with.
    pub name: String,
    /// Who named them.
    pub by: String,
    /// Since when.
    pub since: When,
}

/// The twelve items as form fields.
#[derive(Debug, Clone, Default)]
pub struct ManifestForm {
    /// The name in addresses; only a new product chooses it.
    pub slug: String,
    /// Item 1.
    pub name: String,
    /// Item 2: digest of the logo that stands.
    pub logo: Option<String>,
    /// Item 3.
    pub short_description: String,
    /// Item 4.
    pub categories: Vec<Choice>,
    /// Item 4: separated by commas.
    pub tags: String,
    /// Item 5: Markdown.
    pub long_description: String,
    /// Item 6: digests of the pictures that stand.
    pub screenshots: Vec<String>,
    /// Item 7.
    pub support_link: String,
    /// How else customers get help.
    pub support: SupportForm,
    /// Items 8 to 10, with one empty plan at the end to fill in.
    pub plans: Vec<PlanForm>,
    /// Item 11: Markdown.
    pub installation_instructions: String,
    /// Item 12.
    pub license_link: String,
    /// Item 12.
    pub license_text: String,
    /// Where the content runs.
    pub platforms: Vec<Choice>,
    /// Who may pull.
    pub accesses: Vec<Choice>,
    /// What it is.
    pub kinds: Vec<Choice>,
    /// Of a plugin.
    pub test_report: String,
    /// Of a cloud service.
    pub service_link: String,
}

/// Support as form fields.
#[derive(Debug, Clone, Default)]
pub struct SupportForm {
    /// A website.
    pub website: String,
    /// An e-mail address.
    pub email: String,
    /// Where self-help stands.
    pub resources: String,
    /// On which days.
    pub days: Vec<Choice>,
    /// From what time of the day.
    pub from: String,
    /// Until what time of the day.
    pub until: String,
    /// In which time zone.
    pub time_zone: String,
    /// Field, title and hours of each class, the gravest first.
    pub response_hours: Vec<(String, String, String)>,
}

/// A plan as form fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanForm {
    /// Short name in addresses.
    pub id: String,
    /// Item 8.
    pub name: String,
    /// Item 9.
    pub description: String,
    /// Item 10: a decimal number, for example `19.00`.
    pub amount: String,
    /// Item 10: ISO 4217.
    pub currency: String,
    /// Which releases it gives, a source a line; all where there is none.
    pub sources: String,
}
