//! The content manifest: the twelve items every product brings, and what is permitted
//! (publish guide, "Prepare your image-manifest materials" and "Permitted content").

use serde::{Deserialize, Serialize};

use crate::{Origin, Plan, Support, sentences::sentences, text::text_enum};

/// Longest short description, in characters (manifest item 3).
pub const MAX_SHORT_DESCRIPTION: usize = 140;
/// Most sentences of a short description (manifest item 3).
const MAX_SENTENCES: usize = 2;
/// Smallest edge of a logo, in pixels (publisher profile and manifest item 2).
pub const MIN_LOGO_PIXELS: u32 = 512;
/// The engines a product can be declared for, with their titles.
pub const ENGINES: [(Platform, &str); 3] = [
    (
        Platform::CertifiedInfrastructure,
        "Certified infrastructure",
    ),
    (Platform::CommunityEngine, "Community engine"),
    (Platform::Other, "Needs something else"),
];
/// The categories a product can be listed under.
pub const CATEGORIES: [&str; 16] = [
    "Analytics",
    "Application Frameworks",
    "Application Infrastructure",
    "Application Services",
    "Base Images",
    "Business Software",
    "Databases",
    "DevOps Tools",
    "Featured Images",
    "Messaging Services",
    "Monitoring",
    "Networking",
    "Operating Systems",
    "Programming Languages",
    "Security",
    "Storage",
];

text_enum! {
    /// Where the content runs; it decides what may be done with it.
    Platform {
        /// May be published and certified; publisher support is required.
        CertifiedInfrastructure = "certified-infrastructure",
        /// May be published, never certified; support is optional.
        CommunityEngine = "community-engine",
        /// May not be published.
        Other = "other",
    }
}

/// The kinds of product, with their titles.
pub const KINDS: [(ProductKind, &str); 3] = [
    (ProductKind::Image, "Container image"),
    (ProductKind::Plugin, "Plugin"),
    (ProductKind::CloudService, "Cloud service"),
];

text_enum! {
    /// What a product is; plugins and cloud services say more than images do.
    ProductKind {
        /// Software that runs where its customers run it.
        Image = "image",
        /// It uses system interfaces of the engine (volumes, networks) and is tested further.
        Plugin = "plugin",
        /// Software that runs elsewhere; the image is the ambassador through which it is reached.
        CloudService = "cloud-service",
    }
}

text_enum! {
    /// Who may pull once the product is listed (programme and policies, "licensing support").
    PullAccess {
        /// Those with a subscription.
        Subscribers = "subscribers",
        /// Everybody who is signed in.
        SignedIn = "signed-in",
        /// Everybody.
        Everyone = "everyone",
    }
}

/// A licence agreement: a link to it, its text, or both (manifest item 12).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct License {
    /// Where it stands.
    pub link: Option<String>,
    /// What it says.
    pub text: Option<String>,
}

/// The content manifest of a product. A draft may be incomplete; a submission may not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProductManifest {
    /// Item 1.
    pub name: String,
    /// Item 2: digest of an uploaded picture, square, at least 512 × 512.
    pub logo: Option<String>,
    /// Item 3: one or two sentences, at most 140 characters.
    pub short_description: String,
    /// Item 4: one of [`CATEGORIES`].
    pub category: String,
    /// Item 4: words people search for.
    pub tags: Vec<String>,
    /// Item 5: Markdown.
    pub long_description: String,
    /// Item 6: digests of uploaded pictures.
    pub screenshots: Vec<String>,
    /// Item 7: where customers find help.
    pub support_link: String,
    /// How else customers get help, and what they may expect of it.
    pub support: Support,
    /// Items 8 to 10.
    pub plans: Vec<Plan>,
    /// Item 11: Markdown.
    pub installation_instructions: String,
    /// Item 12.
    pub license: License,
    /// Where the content runs.
    pub platform: Platform,
    /// Who may pull.
    pub access: PullAccess,
    /// What it is.
    pub kind: ProductKind,
    /// Of a plugin: where the report on its tests against the engine's interfaces stands.
    pub test_report: Option<String>,
    /// Of a cloud service: where the service is described.
    pub service_link: Option<String>,
}

impl Default for ProductManifest {
    fn default() -> Self {
        Self {
            name: String::new(),
            logo: None,
            short_description: String::new(),
            category: String::new(),
            tags: Vec::new(),
            long_description: String::new(),
            screenshots: Vec::new(),
            support_link: String::new(),
            support: Support::default(),
            plans: Vec::new(),
            installation_instructions: String::new(),
            license: License::default(),
            platform: Platform::CertifiedInfrastructure,
            access: PullAccess::Subscribers,
            kind: ProductKind::Image,
            test_report: None,
            service_link: None,
        }
    }
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The field, as the JSON names it.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn add(&mut self, field: &str, message: impl Into<String>) {
        self.0.push(Problem {
            field: field.to_owned(),
            message: message.into(),
        });
    }

    pub(crate) fn text(&mut self, field: &str, text: &str, what: &str, longest: usize) {
        let length = text.chars().count();
        if text.trim().is_empty() {
            self.add(field, format!("{what} is missing"));
        } else if length > longest {
            self.add(
                field,
                format!("{what} has {length} characters; at most {longest} are shown"),
            );
        }
    }

    pub(crate) fn link(&mut self, field: &str, link: &str, what: &str) {
        let legal = ["https://", "http://", "mailto:"].iter().any(|scheme| {
            link.strip_prefix(scheme)
                .is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
        });
        if !legal || link.len() > 2_000 {
            self.add(
                field,
                format!("{what} must be an address that starts with https://, http:// or mailto:"),
            );
        }
    }
}

impl ProductManifest {
    /// Returns every problem that keeps the manifest from being submitted; none means it is complete.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Problems(Vec::new());
        problems.text("name", &self.name, "the product's name", 80);
        if self.logo.is_none() {
            problems.add(
                "logo",
                "the logo is missing: upload a square picture of at least 512 × 512 pixels",
            );
        }
        problems.text(
            "short_description",
            &self.short_description,
            "the short description",
            MAX_SHORT_DESCRIPTION,
        );
        let sentences = sentences(&self.short_description);
        if sentences > MAX_SENTENCES {
            problems.add(
                "short_description",
                format!("say it in one or two sentences: these are {sentences}"),
            );
        }
        if !CATEGORIES.contains(&self.category.as_str()) {
            problems.add(
                "category",
                format!("choose one of: {}", CATEGORIES.join(", ")),
            );
        }
        self.tag_problems(&mut problems);
        problems.text(
            "long_description",
            &self.long_description,
            "the long description",
            25_000,
        );
        match self.screenshots.len() {
            0 => problems.add("screenshots", "at least one screenshot is needed"),
            1..=10 => {}
            more => problems.add(
                "screenshots",
                format!("{more} screenshots were given; at most 10 are shown"),
            ),
        }
        problems.link("support_link", &self.support_link, "the support link");
        let is_required = self.platform == Platform::CertifiedInfrastructure;
        self.support.problems(is_required, &mut problems);
        self.plan_problems(&mut problems);
        problems.text(
            "installation_instructions",
            &self.installation_instructions,
            "the installation instructions",
            25_000,
        );
        self.license_problems(&mut problems);
        if self.platform == Platform::Other {
            problems.add("platform", "content that needs anything but certified infrastructure or a community engine may not be published");
        }
        self.kind_problems(&mut problems);
        problems.0
    }

    /// Certified plugins pass tests against the engine's interfaces beyond those of images
    /// (programme and policies, "How is certification of plugins handled?").
    fn kind_problems(&self, problems: &mut Problems) {
        let is_certified = self.platform == Platform::CertifiedInfrastructure;
        match (self.kind, &self.test_report) {
            (_, Some(link)) => problems.link("test_report", link, "the link to the test report"),
            (ProductKind::Plugin, None) if is_certified => problems.add(
                "test_report",
                "a plugin for certified infrastructure is tested against the engine's interfaces: give a link to the report",
            ),
            _ => {}
        }
        match (self.kind, &self.service_link) {
            (_, Some(link)) => problems.link("service_link", link, "the link to the service"),
            (ProductKind::CloudService, None) => problems.add(
                "service_link",
                "the image of a cloud service is the way to it: give a link to what the service is",
            ),
            _ => {}
        }
    }

    fn tag_problems(&self, problems: &mut Problems) {
        if self.tags.len() > 10 {
            problems.add(
                "tags",
                format!(
                    "{} search tags were given; at most 10 are used",
                    self.tags.len()
                ),
            );
        }
        for tag in &self.tags {
            if tag.trim().is_empty() || tag.chars().count() > 30 {
                problems.add(
                    "tags",
                    format!(
                        "`{}` is no search tag: use 1 to 30 characters",
                        tag.chars().take(40).collect::<String>()
                    ),
                );
            }
        }
    }

    fn plan_problems(&self, problems: &mut Problems) {
        match self.plans.len() {
            0 => problems.add(
                "plans",
                "at least one plan (product tier) with name, description and price is needed",
            ),
            1..=20 => {}
            more => problems.add(
                "plans",
                format!("{more} plans were given; at most 20 are shown"),
            ),
        }
        for (place, plan) in self.plans.iter().enumerate() {
            if self.plans[..place].iter().any(|other| other.id == plan.id) {
                problems.add(
                    &format!("plans[{place}].id"),
                    format!("`{}` names two plans", plan.id),
                );
            }
            plan.check(place, problems);
        }
        let is_open = self.access != PullAccess::Subscribers;
        if is_open && self.has_limited_plans() && !self.plans.iter().any(Plan::is_free) {
            problems.add(
                "plans",
                "people pull without a subscription what the free plans give, and there is no free plan: add one, or let subscribers alone pull",
            );
        }
    }

    fn license_problems(&self, problems: &mut Problems) {
        match (&self.license.link, &self.license.text) {
            (None, None) => problems.add(
                "license",
                "the licence agreement is missing: give a link to it or its text",
            ),
            (Some(link), _) => problems.link("license.link", link, "the licence link"),
            (None, Some(text)) => problems.text("license.text", text, "the licence text", 100_000),
        }
    }

    /// Returns whether any plan gives some releases only.
    pub fn has_limited_plans(&self) -> bool {
        self.plans.iter().any(Plan::is_limited)
    }

    /// Returns the plans that give an image which was released with these origins.
    pub fn plans_giving(&self, origins: &[Origin]) -> impl Iterator<Item = &Plan> {
        self.plans.iter().filter(|plan| plan.gives(origins))
    }

    /// Returns a hint for each plan that gives nothing of what came, or may come, from `origins`:
    /// nobody who subscribes to it could pull anything.
    pub fn idle_plans(&self, origins: &[Origin]) -> Vec<Problem> {
        let plans = self.plans.iter().enumerate();
        let idle = plans.filter(|(_, plan)| !plan.gives(origins));
        let hint = |(place, plan): (usize, &Plan)| Problem {
            field: format!("plans[{place}].sources"),
            message: format!(
                "nothing that was released or is submitted here is given by the plan {}: whoever subscribes to it can pull nothing yet",
                plan.name
            ),
        };
        idle.map(hint).collect()
    }

    /// Returns it as everybody may see it: without the repositories that its plans draw from.
    pub fn without_sources(mut self) -> Self {
        for plan in &mut self.plans {
            plan.sources.clear();
        }
        self
    }

    /// Returns the names of the top-level fields that differ from `other`.
    pub fn changed_fields(&self, other: &Self) -> Vec<String> {
        let fields = |manifest: &Self| match serde_json::to_value(manifest) {
            Ok(serde_json::Value::Object(map)) => map,
            _ => serde_json::Map::new(),
        };
        let (mine, theirs) = (fields(self), fields(other));
        mine.iter()
            .filter(|(name, value)| theirs.get(*name) != Some(*value))
            .map(|(name, _)| name.clone())
            .collect()
    }
}

/// The size of a decoded picture, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogoSize {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

/// Checks a logo's size: square, at least 512 × 512.
///
/// # Errors
/// The problem, in words for the publisher.
pub fn check_logo(size: LogoSize) -> Result<(), Problem> {
    let LogoSize { width, height } = size;
    let refuse = |message| {
        Err(Problem {
            field: "logo".to_owned(),
            message,
        })
    };
    if width != height {
        return refuse(format!(
            "the logo is {width} × {height} pixels; it must be square"
        ));
    }
    if width < MIN_LOGO_PIXELS {
        return refuse(format!(
            "the logo is {width} × {height} pixels; it must have at least {MIN_LOGO_PIXELS} × {MIN_LOGO_PIXELS}"
        ));
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Money;

    pub(crate) fn whole() -> ProductManifest {
        ProductManifest {
            name: "Harbour DB".to_owned(),
            logo: Some("sha256:aa".to_owned()),
            short_description: "A small database.".to_owned(),
            category: "Databases".to_owned(),
            tags: vec!["sql".to_owned()],
            long_description: "# Harbour DB".to_owned(),
            screenshots: vec!["sha256:bb".to_owned()],
            support_link: "https://example.com/support".to_owned(),
            plans: vec![Plan {
                id: "free".parse().expect("a short name"),
                name: "Free".to_owned(),
                description: "For trying".to_owned(),
                price: Money {
                    amount_minor: 0,
                    currency: "USD".to_owned(),
                },
                sources: Vec::new(),
            }],
            installation_instructions: "docker pull".to_owned(),
            license: License {
                link: Some("https://example.com/eula".to_owned()),
                text: None,
            },
            support: Support::sample(),
            ..ProductManifest::default()
        }
    }

    #[test]
    fn a_whole_manifest_has_no_problem() {
        assert_eq!(whole().problems(), []);
    }

    #[test]
    fn an_empty_one_is_told_everything_at_once() {
        let told: Vec<_> = ProductManifest::default()
            .problems()
            .into_iter()
            .map(|p| format!("{}: {}", p.field, p.message))
            .collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn a_short_description_has_one_or_two_sentences() {
        let with = |text: &str| ProductManifest {
            short_description: text.to_owned(),
            ..whole()
        };
        assert_eq!(with("Keeps rows in 1.2 ms. Forgets none.").problems(), []);
        let problems = with("Keeps rows. Forgets none. Free.").problems();
        assert_eq!(problems.len(), 1);
        assert_eq!(
            problems[0].message,
            "say it in one or two sentences: these are 3"
        );
    }

    #[test]
    fn the_141st_character_is_refused() {
        let with = |length| {
            ProductManifest {
                short_description: "x".repeat(length),
                ..whole()
            }
            .problems()
        };
        assert_eq!(with(140), []);
        assert_eq!(
            with(141)[0].message,
            "the short description has 141 characters; at most 140 are shown"
        );
    }

    #[test]
    fn plugins_and_cloud_services_say_more() {
        let fields = |manifest: ProductManifest| -> Vec<_> {
            let problems = manifest.problems().into_iter();
            problems.map(|problem| problem.field).collect()
        };
        let of = |kind| ProductManifest { kind, ..whole() };
        assert_eq!(fields(of(ProductKind::Plugin)), ["test_report"]);
        assert_eq!(fields(of(ProductKind::CloudService)), ["service_link"]);
        let link = Some("https://example.com/tests".to_owned());
        let plugin = ProductManifest {
            test_report: link.clone(),
            ..of(ProductKind::Plugin)
        };
        assert_eq!(fields(plugin), [""; 0]);
        let service = ProductManifest {
            service_link: link,
            ..of(ProductKind::CloudService)
        };
        assert_eq!(fields(service), [""; 0]);
        let community = ProductManifest {
            platform: Platform::CommunityEngine,
            support: Support::default(),
            ..of(ProductKind::Plugin)
        };
        assert_eq!(
            fields(community),
            [""; 0],
            "neither support nor tests are required"
        );
    }

    #[test]
    fn logos_are_square_and_large() {
        let check = |width, height| check_logo(LogoSize { width, height }).map_err(|p| p.message);
        assert_eq!(check(512, 512), Ok(()));
        assert!(
            check(600, 512)
                .expect_err("refused")
                .contains("must be square")
        );
        assert!(
            check(511, 511)
                .expect_err("refused")
                .contains("at least 512")
        );
    }

    #[test]
    fn changed_fields_are_named() {
        let other = ProductManifest {
            name: "Other".to_owned(),
            ..whole()
        };
        assert_eq!(other.changed_fields(&whole()), ["name"]);
    }

    #[test]
    fn unknown_fields_are_refused() {
        let refused =
            serde_json::from_str::<ProductManifest>(r#"{"nmae":"x"}"#).expect_err("unknown");
        assert!(
            refused.to_string().contains("unknown field `nmae`"),
            "{refused}"
        );
    }
}
