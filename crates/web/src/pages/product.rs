//! `/p/{publisher}/{product}`: everything a consumer needs. Findings are never here.

use askama::Template;

use super::storefront::initial;
use crate::view::{Digest, Html, Install, Layout, Pill, When, megabytes, outcome_pill};

/// A listing.
#[derive(Debug, Clone, Template)]
#[template(path = "product.html")]
pub struct ProductPage {
    /// What is around.
    pub layout: Layout,
    /// Address of this page without a host; forms post below it.
    pub url: String,
    /// The product's name.
    pub name: String,
    /// Who publishes it.
    pub publisher: PublisherLine,
    /// Address of its logo.
    pub logo_url: Option<String>,
    /// Its category.
    pub category: String,
    /// Words people search for.
    pub tags: Vec<String>,
    /// What stands above a product that is not on the market.
    pub preview: Option<PreviewNote>,
    /// The warning, while the listing is on hold.
    pub hold: Option<HoldNotice>,
    /// The certificate, if it has one.
    pub certificate: Option<Certificate>,
    /// One or two sentences.
    pub short_description: String,
    /// Sanitised.
    pub long_description: Html,
    /// Addresses of the pictures.
    pub screenshot_urls: Vec<String>,
    /// Where customers find help.
    pub support_link: String,
    /// How else they do, and what they may expect.
    pub support: SupportView,
    /// What it is, unless an image.
    pub kind: Option<KindView>,
    /// Address of the accepted statements as a document, where there are any.
    pub statements_url: Option<String>,
    /// The agreement.
    pub license: LicenseView,
    /// The plans on offer.
    pub plans: Vec<PlanView>,
    /// What the viewer has.
    pub subscription: Option<SubscriptionLine>,
    /// How to get it, where there is something to get.
    pub install: Option<Install>,
    /// What of it the viewer's plan does not give.
    pub not_given: Option<String>,
    /// The publisher's own words on installing; sanitised.
    pub instructions: Html,
    /// What is released, or would be.
    pub release: Option<Release>,
    /// Address of the badge with its host, for pages elsewhere.
    pub badge_url: String,
    /// Address of this page with its host.
    pub absolute_url: String,
}

impl ProductPage {
    fn initial(&self) -> String {
        initial(&self.name)
    }

    /// Returns whether somebody may subscribe now.
    fn is_open(&self) -> bool {
        self.hold.is_none() && self.preview.is_none() && !self.plans.is_empty()
    }

    fn badge_markdown(&self) -> String {
        format!(
            "[![{}]({})]({})",
            self.badge_alt(),
            self.badge_url,
            self.absolute_url
        )
    }

    fn badge_html(&self) -> String {
        format!(
            r#"<a href="{}"><img src="{}" alt="{}"></a>"#,
            self.absolute_url,
            self.badge_url,
            self.badge_alt()
        )
    }

    fn badge_alt(&self) -> &'static str {
        match (&self.hold, &self.certificate) {
            (Some(_), _) => "on hold",
            (None, Some(_)) => "certified",
            (None, None) => "listed",
        }
    }
}

/// What stands above a product that is not on the market.
#[derive(Debug, Clone)]
pub struct PreviewNote {
    /// Whether it is on the market, and this is what a next release would make of it.
    pub is_listed: bool,
    /// Whether there is a submission that would be released.
    pub has_candidate: bool,
    /// Whether it is what somebody typed and did not save.
    pub is_typed: bool,
    /// Address of the product's editor, for those who have one.
    pub edit_url: Option<String>,
}

/// Who publishes a product.
#[derive(Debug, Clone)]
pub struct PublisherLine {
    /// Address of the feed of all that it publishes.
    pub feed_url: String,
    /// Legal name.
    pub name: String,
    /// Address of its page here.
    pub url: String,
    /// Whether the operator verified who it is.
    pub is_verified: bool,
}

/// The warning of a listing on hold. It names no vulnerability.
#[derive(Debug, Clone)]
pub struct HoldNotice {
    /// Since when.
    pub since: When,
    /// When the listing is revoked if nothing changes.
    pub revoked_at: When,
    /// Whether consumers cannot pull meanwhile.
    pub is_closed: bool,
}

/// What a product is that is no image.
#[derive(Debug, Clone)]
pub struct KindView {
    /// Its kind.
    pub title: &'static str,
    /// What consumers are to know of that.
    pub words: &'static str,
    /// What stands elsewhere about it.
    pub more: &'static str,
    /// Where.
    pub link: Option<String>,
}

/// Support as people read it.
#[derive(Debug, Clone, Default)]
pub struct SupportView {
    /// A website.
    pub website: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// Where self-help stands.
    pub resources: Option<String>,
    /// The service level agreement, line by line; none if there is none.
    pub sla: Vec<(String, String)>,
}

impl SupportView {
    /// Returns the view of what a manifest says.
    pub fn of(support: &market::Support) -> Self {
        let sla = &support.sla;
        let mut lines = Vec::new();
        if sla.is_given() {
            lines.push(("Hours".to_owned(), support_hours(sla)));
        }
        for (_, class, hours) in sla.response_hours.by_class() {
            let Some(hours) = hours else { continue };
            let within = match hours {
                1 => "an answer within 1 hour".to_owned(),
                more => format!("an answer within {more} hours"),
            };
            lines.push((format!("{class} issues"), within));
        }
        Self {
            website: support.website.clone(),
            email: support.email.clone(),
            resources: support.resources.clone(),
            sla: lines,
        }
    }
}

/// Says when there is support; what a draft does not say yet is left out.
fn support_hours(sla: &market::Sla) -> String {
    let mut hours = sla.days.title().to_owned();
    hours += &match (sla.from.as_str(), sla.until.as_str()) {
        ("", "") => String::new(),
        (from, "") => format!(", from {from}"),
        ("", until) => format!(", until {until}"),
        (from, until) => format!(", {from} to {until}"),
    };
    if !sla.time_zone.is_empty() {
        hours += &format!(" ({})", sla.time_zone);
    }
    hours
}

/// What was tested and granted.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// For example `Certified container`.
    pub kind: String,
    /// Since when.
    pub granted_at: When,
    /// Until when, if it ends.
    pub until: Option<When>,
    /// Every check that counted.
    pub checks: Vec<CheckLine>,
}

impl Certificate {
    /// Returns how many checks passed.
    pub fn passed(&self) -> usize {
        self.checks
            .iter()
            .filter(|check| check.outcome == "pass")
            .count()
    }
}

/// A check as a consumer sees it.
#[derive(Debug, Clone)]
pub struct CheckLine {
    /// What was checked.
    pub title: String,
    /// What passing it proves.
    pub proves: String,
    /// `pass`, `warn`, `fail`, `skip` or `error`.
    pub outcome: String,
}

impl CheckLine {
    /// Returns the outcome as a pill.
    pub fn pill(&self) -> Pill {
        outcome_pill(&self.outcome)
    }
}

/// A licence agreement.
#[derive(Debug, Clone, Default)]
pub struct LicenseView {
    /// Where it stands.
    pub link: Option<String>,
    /// What it says.
    pub text: Option<String>,
}

/// A plan on offer.
#[derive(Debug, Clone)]
pub struct PlanView {
    /// What the form sends.
    pub id: String,
    /// Its name.
    pub name: String,
    /// What it gives.
    pub description: String,
    /// For example `USD 19.00 a month` or `Free`.
    pub price: String,
    /// Which versions it gives, where some plan does not give all.
    pub gives: Option<String>,
}

/// What the viewer has.
#[derive(Debug, Clone)]
pub struct SubscriptionLine {
    /// The plan's name.
    pub plan: String,
    /// For example `USD 19.00 a month` or `Free`.
    pub price: String,
    /// The state.
    pub state: Pill,
    /// Since when.
    pub since: When,
    /// When it ends, if it does.
    pub until: Option<When>,
}

/// What is released under the public name, or would be.
#[derive(Debug, Clone)]
pub struct Release {
    /// The version's tag.
    pub tag: String,
    /// The digest of the index or manifest.
    pub digest: Digest,
    /// When it was released; of a candidate, when it was submitted.
    pub since: When,
    /// When it was last scanned.
    pub scanned_at: Option<When>,
    /// The date of the advisory database of that scan.
    pub advisories_at: Option<When>,
    /// One for each platform.
    pub platforms: Vec<PlatformView>,
}

/// One platform's image.
#[derive(Debug, Clone)]
pub struct PlatformView {
    /// For example `linux/amd64`.
    pub platform: String,
    /// The operating system inside, for example `Alpine 3.19`.
    pub os: String,
    /// Compressed size in bytes.
    pub size: u64,
    /// The manifest's digest.
    pub digest: Digest,
    /// How many layers there are.
    pub layers: usize,
    /// Address of its history, once it is released.
    pub url: Option<String>,
}

impl PlatformView {
    /// Returns the compressed size in MB.
    pub fn megabytes(&self) -> String {
        megabytes(self.size)
    }
}

#[cfg(test)]
mod tests {
    use market::{Sla, Support};

    use super::*;

    #[test]
    fn what_a_draft_does_not_say_of_its_support_is_left_out() {
        let said = |from: &str, until: &str, time_zone: &str| {
            let [from, until, time_zone] = [from, until, time_zone].map(str::to_owned);
            let sla = Sla {
                from,
                until,
                time_zone,
                ..Sla::default()
            };
            let support = Support {
                sla,
                ..Support::default()
            };
            let lines = SupportView::of(&support).sla;
            lines.into_iter().next().map(|(_, said)| said)
        };
        let hours = |text: &str| Some(text.to_owned());
        assert_eq!(said("", "", ""), None);
        let whole = hours("Monday to Friday, 09:00 to 17:00 (UTC)");
        assert_eq!(said("09:00", "17:00", "UTC"), whole);
        assert_eq!(said("09:00", "", ""), hours("Monday to Friday, from 09:00"));
        assert_eq!(
            said("", "17:00", ""),
            hours("Monday to Friday, until 17:00")
        );
        assert_eq!(said("", "", "UTC"), hours("Monday to Friday (UTC)"));
    }
}
