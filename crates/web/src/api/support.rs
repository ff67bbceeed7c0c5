//! Support on the wire, a part of the content manifest.

use market::{ResponseHours, Sla, Support};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{extract::object, words::SupportDaysJson};

/// How customers get help beside the support link, and the promise about it.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct SupportJson {
    /// A support website.
    website: Option<String>,
    /// An e-mail address for help.
    email: Option<String>,
    /// Where self-help and troubleshooting stand.
    resources: Option<String>,
    /// The service level agreement.
    #[serde(deserialize_with = "object")]
    sla: SlaJson,
}

/// A service level agreement; without times, time zone and response times it is none.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct SlaJson {
    /// On which days.
    days: SupportDaysJson,
    /// From what time of the day, `09:00`.
    from: String,
    /// Until what time of the day, `17:00`; midnight is `24:00`.
    until: String,
    /// In which time zone, by its name in the tz database.
    time_zone: String,
    /// How soon somebody answers.
    #[serde(deserialize_with = "object")]
    response_hours: ResponseHoursJson,
}

/// Within how many hours somebody answers, by the class of the issue.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
struct ResponseHoursJson {
    /// Critical issues.
    #[schema(minimum = 0, maximum = 65535)]
    critical: Option<u16>,
    /// Major issues.
    #[schema(minimum = 0, maximum = 65535)]
    major: Option<u16>,
    /// Minor issues.
    #[schema(minimum = 0, maximum = 65535)]
    minor: Option<u16>,
}

impl Default for SupportJson {
    fn default() -> Self {
        Support::default().into()
    }
}

impl Default for SlaJson {
    fn default() -> Self {
        Sla::default().into()
    }
}

impl From<Support> for SupportJson {
    fn from(support: Support) -> Self {
        Self {
            website: support.website,
            email: support.email,
            resources: support.resources,
            sla: support.sla.into(),
        }
    }
}

impl From<SupportJson> for Support {
    fn from(json: SupportJson) -> Self {
        Self {
            website: json.website,
            email: json.email,
            resources: json.resources,
            sla: json.sla.into(),
        }
    }
}

impl From<Sla> for SlaJson {
    fn from(sla: Sla) -> Self {
        let hours = sla.response_hours;
        Self {
            days: sla.days.into(),
            from: sla.from,
            until: sla.until,
            time_zone: sla.time_zone,
            response_hours: ResponseHoursJson {
                critical: hours.critical,
                major: hours.major,
                minor: hours.minor,
            },
        }
    }
}

impl From<SlaJson> for Sla {
    fn from(json: SlaJson) -> Self {
        let hours = json.response_hours;
        Self {
            days: json.days.0,
            from: json.from,
            until: json.until,
            time_zone: json.time_zone,
            response_hours: ResponseHours {
                critical: hours.critical,
                major: hours.major,
                minor: hours.minor,
            },
        }
    }
}
