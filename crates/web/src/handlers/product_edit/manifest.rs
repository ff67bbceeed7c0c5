//! The manifest as a form: as it stands, as it was typed, and back.

use app::{App, AppError};
use market::{
    CATEGORIES, ENGINES, KINDS, License, Money, Plan, PlanSource, Problem, ProductKind,
    ProductManifest, PullAccess, Slug, SourceError,
};

use super::support;
use crate::{
    form::Form,
    pages::product_edit::{ManifestForm, PlanForm},
    view::{Choice, amount, parse_price},
};

/// The most plans that are read; a manifest has at most 20.
const MAX_PLANS: usize = 21;
const ACCESSES: [(PullAccess, &str); 3] = [
    (PullAccess::Subscribers, "Subscribers"),
    (PullAccess::SignedIn, "Everybody with an account"),
    (PullAccess::Everyone, "Everybody"),
];

/// The two ways between a manifest and its form.
pub(super) trait ManifestFields: Sized {
    /// Returns the form for a product that does not exist yet.
    fn empty() -> Self;
    /// Returns the form of a manifest as it stands.
    fn of(manifest: &ProductManifest, slug: &str) -> Self;
    /// Returns the form as it was typed.
    fn typed(form: &Form) -> Self;
    /// Returns the manifest that was typed; it may be incomplete.
    ///
    /// # Errors
    /// What cannot be read at all: short names and prices of plans, choices that there are not.
    fn manifest(&self) -> Result<ProductManifest, Vec<Problem>>;
    /// Returns the manifest that was typed, with something in the place of what cannot be read,
    /// and what that is.
    fn as_far_as_read(&self) -> (ProductManifest, Vec<Problem>);
}

impl ManifestFields for ManifestForm {
    fn empty() -> Self {
        Self::of(&ProductManifest::default(), "")
    }

    fn of(manifest: &ProductManifest, slug: &str) -> Self {
        let plans = manifest.plans.iter().map(|plan| PlanForm {
            id: plan.id.to_string(),
            name: plan.name.clone(),
            description: plan.description.clone(),
            amount: amount(&plan.price),
            currency: plan.price.currency.clone(),
            sources: lines(&plan.sources),
        });
        Self {
            slug: slug.to_owned(),
            name: manifest.name.clone(),
            logo: manifest.logo.clone(),
            short_description: manifest.short_description.clone(),
            categories: categories(&manifest.category),
            tags: manifest.tags.join(", "),
            long_description: manifest.long_description.clone(),
            screenshots: manifest.screenshots.clone(),
            support_link: manifest.support_link.clone(),
            support: support::of(&manifest.support),
            plans: plans.chain([PlanForm::default()]).collect(),
            installation_instructions: manifest.installation_instructions.clone(),
            license_link: manifest.license.link.clone().unwrap_or_default(),
            license_text: manifest.license.text.clone().unwrap_or_default(),
            platforms: platforms(manifest.platform.as_str()),
            accesses: accesses(manifest.access.as_str()),
            kinds: kinds(manifest.kind.as_str()),
            test_report: manifest.test_report.clone().unwrap_or_default(),
            service_link: manifest.service_link.clone().unwrap_or_default(),
        }
    }

    fn typed(form: &Form) -> Self {
        let text = |name: &str| form.text(name).trim().to_owned();
        Self {
            slug: text("slug"),
            name: text("name"),
            logo: form.given("logo.keep"),
            short_description: text("short_description"),
            categories: categories(form.text("category")),
            tags: text("tags"),
            long_description: text("long_description"),
            screenshots: form.all("screenshots.keep").map(str::to_owned).collect(),
            support_link: text("support_link"),
            support: support::typed(form),
            plans: typed_plans(form),
            installation_instructions: text("installation_instructions"),
            license_link: text("license.link"),
            license_text: text("license.text"),
            platforms: platforms(form.text("platform")),
            accesses: accesses(form.text("access")),
            kinds: kinds(form.text("kind")),
            test_report: text("test_report"),
            service_link: text("service_link"),
        }
    }

    fn manifest(&self) -> Result<ProductManifest, Vec<Problem>> {
        let (manifest, problems) = self.as_far_as_read();
        match problems.is_empty() {
            true => Ok(manifest),
            false => Err(problems),
        }
    }

    fn as_far_as_read(&self) -> (ProductManifest, Vec<Problem>) {
        let mut problems = Vec::new();
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        let tags = self
            .tags
            .split(',')
            .map(str::trim)
            .filter(|tag| !tag.is_empty());
        let mut manifest = ProductManifest {
            name: self.name.clone(),
            logo: self.logo.clone(),
            short_description: self.short_description.clone(),
            category: selected(&self.categories).to_owned(),
            tags: tags.map(str::to_owned).collect(),
            long_description: self.long_description.clone(),
            screenshots: self.screenshots.clone(),
            support_link: self.support_link.clone(),
            support: support::read(&self.support, &mut problems),
            plans: read_plans(&self.plans, &mut problems),
            installation_instructions: self.installation_instructions.clone(),
            license: License {
                link: given(&self.license_link),
                text: given(&self.license_text),
            },
            test_report: given(&self.test_report),
            service_link: given(&self.service_link),
            ..ProductManifest::default()
        };
        let mut refuse = |field| problems.push(problem(field, "choose one of the list"));
        match selected(&self.platforms).parse() {
            Ok(platform) => manifest.platform = platform,
            Err(_) => refuse("platform"),
        }
        match selected(&self.accesses).parse() {
            Ok(access) => manifest.access = access,
            Err(_) => refuse("access"),
        }
        match selected(&self.kinds).parse() {
            Ok(kind) => manifest.kind = kind,
            Err(_) => refuse("kind"),
        }
        (manifest, problems)
    }
}

/// Uploads the chosen pictures and puts them into the form beside those that stand.
pub(super) async fn add_pictures(
    app: &App,
    publisher: &str,
    form: &Form,
    typed: &mut ManifestForm,
) -> Result<(), AppError> {
    for field in ["logo", "screenshots"] {
        for png in form.files(field) {
            let uploaded = app
                .upload_picture(&form.viewer.actor, publisher, png.clone())
                .await;
            let digest = uploaded.map_err(|error| named(field, error))?.digest;
            if field == "logo" {
                typed.logo = Some(digest);
            } else if !typed.screenshots.contains(&digest) {
                typed.screenshots.push(digest);
            }
        }
    }
    Ok(())
}

/// The use case knows of pictures, the form of logo and screenshots.
fn named(field: &str, error: AppError) -> AppError {
    match error {
        AppError::Invalid(problems) => AppError::Invalid(
            problems
                .into_iter()
                .map(|found| problem(field, found.message))
                .collect(),
        ),
        AppError::TooLarge(message) => AppError::invalid(field, message),
        other => other,
    }
}

fn typed_plans(form: &Form) -> Vec<PlanForm> {
    let plan = |place: usize| {
        let text = |name: &str| {
            form.text(&format!("plans[{place}].{name}"))
                .trim()
                .to_owned()
        };
        PlanForm {
            id: text("id"),
            name: text("name"),
            description: text("description"),
            amount: text("price"),
            currency: text("price.currency").to_uppercase(),
            sources: text("sources"),
        }
    };
    let plans = (0..MAX_PLANS).map(plan).filter(|plan| !is_empty(plan));
    plans.chain([PlanForm::default()]).collect()
}

/// A currency alone is no plan: some browsers fill it in by themselves.
fn is_empty(plan: &PlanForm) -> bool {
    let typed = [
        &plan.id,
        &plan.name,
        &plan.description,
        &plan.amount,
        &plan.sources,
    ];
    typed.iter().all(|text| text.is_empty())
}

fn lines(sources: &[PlanSource]) -> String {
    let lines: Vec<_> = sources.iter().map(PlanSource::to_string).collect();
    lines.join("\n")
}

fn read_plans(typed: &[PlanForm], problems: &mut Vec<Problem>) -> Vec<Plan> {
    let mut plans = Vec::new();
    for (place, typed) in typed.iter().filter(|plan| !is_empty(plan)).enumerate() {
        let mut refuse = |name: &str, message: String| {
            problems.push(problem(&format!("plans[{place}].{name}"), message));
        };
        let (id, price) = (
            typed.id.parse(),
            parse_price(&typed.amount, &typed.currency),
        );
        let id = id.unwrap_or_else(|error: market::SlugError| {
            refuse("id", error.to_string());
            unread(place)
        });
        let price = price.unwrap_or_else(|message| {
            refuse("price", message);
            Money {
                amount_minor: 0,
                currency: "USD".to_owned(),
            }
        });
        let mut sources = Vec::new();
        let written = typed.sources.lines().map(str::trim);
        for line in written.filter(|line| !line.is_empty()) {
            match line.parse() {
                Ok(source) => sources.push(source),
                Err(error) => refuse("sources", SourceError::to_string(&error)),
            }
        }
        plans.push(Plan {
            sources,
            id,
            name: typed.name.clone(),
            description: typed.description.clone(),
            price,
        });
    }
    plans
}

/// What stands for a short name that cannot be read, another one for each plan.
fn unread(place: usize) -> Slug {
    let name = format!("unread-{place}");
    name.parse().expect("it has the form of a short name")
}

pub(super) fn problem(field: &str, message: impl Into<String>) -> Problem {
    Problem {
        field: field.to_owned(),
        message: message.into(),
    }
}

fn categories(current: &str) -> Vec<Choice> {
    CATEGORIES
        .iter()
        .map(|name| Choice::new(name, name, current))
        .collect()
}

fn platforms(current: &str) -> Vec<Choice> {
    let choices = ENGINES
        .iter()
        .map(|(platform, label)| Choice::new(platform.as_str(), label, current));
    choices.collect()
}

fn accesses(current: &str) -> Vec<Choice> {
    let choices = ACCESSES
        .iter()
        .map(|(access, label)| Choice::new(access.as_str(), label, current));
    choices.collect()
}

/// A form that does not have the field at all is of an image.
fn kinds(current: &str) -> Vec<Choice> {
    let current = match current {
        "" => ProductKind::Image.as_str(),
        current => current,
    };
    let choices = KINDS
        .iter()
        .map(|(kind, label)| Choice::new(kind.as_str(), label, current));
    choices.collect()
}

pub(super) fn selected(choices: &[Choice]) -> &str {
    let selected = choices.iter().find(|choice| choice.is_selected);
    selected.map_or("", |choice| choice.value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_survives_its_form() {
        let manifest = ProductManifest {
            name: "Harbour DB".to_owned(),
            logo: Some("sha256:aa".to_owned()),
            category: "Databases".to_owned(),
            tags: vec!["sql".to_owned(), "small fleet".to_owned()],
            screenshots: vec!["sha256:bb".to_owned(), "sha256:cc".to_owned()],
            plans: vec![Plan {
                id: "team".parse().expect("a short name"),
                name: "Team".to_owned(),
                description: "For ten".to_owned(),
                price: Money {
                    amount_minor: 1950,
                    currency: "EUR".to_owned(),
                },
                sources: ["db-ent: 2.*", "1.* *-lts"]
                    .map(|line| line.parse().expect("one"))
                    .to_vec(),
            }],
            license: License {
                link: None,
                text: Some("Be kind.".to_owned()),
            },
            access: PullAccess::Everyone,
            support: market::Support::sample(),
            kind: ProductKind::Plugin,
            test_report: Some("https://example.com/tests".to_owned()),
            ..ProductManifest::default()
        };
        assert_eq!(ManifestForm::of(&manifest, "db").manifest(), Ok(manifest));
        assert_eq!(
            ManifestForm::empty().manifest(),
            Ok(ProductManifest::default())
        );
    }

    #[test]
    fn says_what_cannot_be_read() {
        let mut form = ManifestForm::empty();
        form.plans = vec![PlanForm {
            id: "No Slug".to_owned(),
            amount: "a lot".to_owned(),
            sources: "1.*\nA B:".to_owned(),
            ..PlanForm::default()
        }];
        form.accesses.clear();
        let problems = form.manifest().expect_err("wrong");
        let fields: Vec<_> = problems
            .iter()
            .map(|problem| problem.field.as_str())
            .collect();
        assert_eq!(
            fields,
            [
                "plans[0].id",
                "plans[0].price",
                "plans[0].sources",
                "access"
            ]
        );
    }
}
