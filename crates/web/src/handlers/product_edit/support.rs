//! Support as a form: as it stands, as it was typed, and back.

use market::{Problem, ResponseHours, Sla, Support, SupportDays};

use super::manifest::{problem, selected};
use crate::{form::Form, pages::product_edit::SupportForm, view::Choice};

/// Returns the form of support as it stands.
pub(super) fn of(support: &Support) -> SupportForm {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let sla = &support.sla;
    SupportForm {
        website: text(&support.website),
        email: text(&support.email),
        resources: text(&support.resources),
        days: days(sla.days.as_str()),
        from: sla.from.clone(),
        until: sla.until.clone(),
        time_zone: sla.time_zone.clone(),
        response_hours: hours(sla.response_hours, |_, hours| {
            hours.map_or_else(String::new, |hours| hours.to_string())
        }),
    }
}

/// Returns the form as it was typed.
pub(super) fn typed(form: &Form) -> SupportForm {
    let text = |name: &str| form.text(&format!("support.{name}")).trim().to_owned();
    SupportForm {
        website: text("website"),
        email: text("email"),
        resources: text("resources"),
        days: days(&text("sla.days")),
        from: text("sla.from"),
        until: text("sla.until"),
        time_zone: text("sla.time_zone"),
        response_hours: hours(ResponseHours::default(), |class, _| {
            text(&format!("sla.response_hours.{class}"))
        }),
    }
}

/// Returns the support that was typed; what cannot be read goes to `problems`.
pub(super) fn read(form: &SupportForm, problems: &mut Vec<Problem>) -> Support {
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let days = selected(&form.days).parse().unwrap_or_else(|_| {
        problems.push(problem("support.sla.days", "choose one of the list"));
        SupportDays::MondayToFriday
    });
    let mut response_hours = ResponseHours::default();
    for (field, _, hours) in &form.response_hours {
        let of_class = match field.as_str() {
            "support.sla.response_hours.critical" => &mut response_hours.critical,
            "support.sla.response_hours.major" => &mut response_hours.major,
            _ => &mut response_hours.minor,
        };
        match hours.parse() {
            Ok(hours) => *of_class = Some(hours),
            Err(_) if hours.is_empty() => {}
            Err(_) => problems.push(problem(field, "write a whole number of hours")),
        }
    }
    Support {
        website: given(&form.website),
        email: given(&form.email),
        resources: given(&form.resources),
        sla: Sla {
            days,
            from: form.from.clone(),
            until: form.until.clone(),
            time_zone: form.time_zone.clone(),
            response_hours,
        },
    }
}

fn hours(
    given: ResponseHours,
    text: impl Fn(&str, Option<u16>) -> String,
) -> Vec<(String, String, String)> {
    let classes = given.by_class().into_iter();
    classes
        .map(|(class, title, hours)| {
            let field = format!("support.sla.response_hours.{class}");
            (field, title.to_owned(), text(class, hours))
        })
        .collect()
}

/// A form that does not have the field at all leaves the days as they are by default.
fn days(current: &str) -> Vec<Choice> {
    let current = match current {
        "" => SupportDays::MondayToFriday.as_str(),
        current => current,
    };
    let choices = SupportDays::ALL
        .iter()
        .map(|days| Choice::new(days.as_str(), days.title(), current));
    choices.collect()
}
