//! VEX: what a publisher states about a vulnerability in a product, and when that counts.
//!
//! The publisher states, the certification team accepts or refuses. Only an accepted statement
//! that closes a finding ("not affected", "fixed") takes it out of what must be fixed, until the
//! acceptance ends (programme and policies, "Classification of Issues"; the words are OpenVEX'
//! 0.2.0).
//!
//! Statements with one scope follow one another:
//!
//! | newer one | waiting one | accepted one |
//! |---|---|---|
//! | is stated and would close | replaced | stands until the newer one is accepted |
//! | is stated and does not close | replaced | replaced: its own author no longer says so |
//! | is accepted | | replaced |

use chrono::{DateTime, Utc};

use crate::{IllegalTransition, Problem, text::text_enum};

/// Characters of what a statement says in its author's words.
pub const MOST_VEX_TEXT: usize = 10_000;
/// Characters of a vulnerability's or component's name.
const MOST_NAME: usize = 500;

text_enum! {
    /// What is stated about a vulnerability in a product.
    VexStatus {
        /// Nobody needs to do anything.
        NotAffected = "not_affected",
        /// Something is to be done.
        Affected = "affected",
        /// The product holds the fix.
        Fixed = "fixed",
        /// Nobody knows yet.
        UnderInvestigation = "under_investigation",
    }
}

impl VexStatus {
    /// Returns whether a finding about which this is accepted needs no further work.
    pub fn closes(self) -> bool {
        matches!(self, Self::NotAffected | Self::Fixed)
    }

    /// Returns the status as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::NotAffected => "Not affected",
            Self::Affected => "Affected",
            Self::Fixed => "Fixed",
            Self::UnderInvestigation => "Under investigation",
        }
    }
}

text_enum! {
    /// Why a product is not affected.
    VexJustification {
        /// The component is not in the product.
        ComponentNotPresent = "component_not_present",
        /// The component is there without the code that is at fault.
        VulnerableCodeNotPresent = "vulnerable_code_not_present",
        /// The code is there and never runs.
        VulnerableCodeNotInExecutePath = "vulnerable_code_not_in_execute_path",
        /// The code runs, and no attacker can reach it.
        VulnerableCodeCannotBeControlledByAdversary = "vulnerable_code_cannot_be_controlled_by_adversary",
        /// Something in the product keeps the fault from doing harm.
        InlineMitigationsAlreadyExist = "inline_mitigations_already_exist",
    }
}

impl VexJustification {
    /// Returns the justification as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::ComponentNotPresent => "the component is not present",
            Self::VulnerableCodeNotPresent => "the vulnerable code is not present",
            Self::VulnerableCodeNotInExecutePath => "the vulnerable code is never run",
            Self::VulnerableCodeCannotBeControlledByAdversary => {
                "an adversary cannot control the vulnerable code"
            }
            Self::InlineMitigationsAlreadyExist => "mitigations are built in",
        }
    }
}

text_enum! {
    /// Where a statement stands.
    VexStanding {
        /// Waits for the certification team.
        Waiting = "waiting",
        /// Counts until it ends.
        Accepted = "accepted",
        /// The team does not share it.
        Refused = "refused",
        /// A newer one with the same scope took its place.
        Replaced = "replaced",
        /// Its acceptance was for a time, which is over.
        Expired = "expired",
    }
}

text_enum! {
    /// What the certification team decides on a statement.
    VexDecision {
        /// It counts.
        Accept = "accept",
        /// It does not; of an accepted one, no longer.
        Refuse = "refuse",
    }
}

/// What happens to a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VexEvent {
    /// The certification team decided.
    Decided(VexDecision),
    /// A newer statement takes its place.
    Replaced,
    /// The time it was accepted for is over.
    Expired,
}

impl VexEvent {
    fn word(self) -> &'static str {
        match self {
            Self::Decided(VexDecision::Accept) => "accepted",
            Self::Decided(VexDecision::Refuse) => "refused",
            Self::Replaced => "replaced",
            Self::Expired => "ended",
        }
    }
}

impl VexStanding {
    /// Returns the standing after `event`.
    ///
    /// # Errors
    /// The event does not fit the standing.
    pub fn after(self, event: VexEvent) -> Result<Self, IllegalTransition> {
        use VexEvent as E;
        match (self, event) {
            (Self::Waiting, E::Decided(VexDecision::Accept)) => Ok(Self::Accepted),
            (Self::Waiting | Self::Accepted, E::Decided(VexDecision::Refuse)) => Ok(Self::Refused),
            (Self::Waiting | Self::Accepted, E::Replaced) => Ok(Self::Replaced),
            (Self::Accepted, E::Expired) => Ok(Self::Expired),
            _ => Err(IllegalTransition {
                thing: "statement",
                from: self.as_str(),
                event: event.word(),
            }),
        }
    }

    /// Returns whether a newer statement of the same scope takes its place when it is stated.
    pub fn gives_way_to(self, newer: VexStatus) -> bool {
        match self {
            Self::Waiting => true,
            Self::Accepted => !newer.closes(),
            Self::Refused | Self::Replaced | Self::Expired => false,
        }
    }

    /// Returns whether a statement that was accepted `until` a time counts at `now`.
    pub fn counts(self, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
        self == Self::Accepted && until.is_none_or(|until| now < until)
    }

    /// Returns whether it waits or is accepted.
    pub fn stands(self) -> bool {
        matches!(self, Self::Waiting | Self::Accepted)
    }

    /// Returns whether it is the word of its author still.
    pub fn is_current(self) -> bool {
        self != Self::Replaced
    }

    /// Returns the standing as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Waiting => "Waits for review",
            Self::Accepted => "Accepted",
            Self::Refused => "Refused",
            Self::Replaced => "Replaced",
            Self::Expired => "Expired",
        }
    }
}

/// What is stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VexClaim {
    /// In one word.
    pub status: VexStatus,
    /// Why the product is not affected; nothing with any other status.
    pub justification: Option<VexJustification>,
    /// The impact if it is not affected, what to do if it is, else remarks.
    pub text: String,
}

impl VexClaim {
    /// Returns everything that is wrong with it (OpenVEX 0.2.0, "Status Labels").
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, message: String| {
            problems.push(Problem {
                field: field.to_owned(),
                message,
            });
        };
        match (self.status, self.justification) {
            (VexStatus::NotAffected, None) => wrong(
                "justification",
                "say why the product is not affected: choose one of the five justifications"
                    .to_owned(),
            ),
            (VexStatus::NotAffected, Some(_)) | (_, None) => {}
            (status, Some(_)) => wrong(
                "justification",
                format!("a justification goes with `not_affected`, not with `{status}`"),
            ),
        }
        let length = self.text.chars().count();
        if self.status == VexStatus::Affected && self.text.trim().is_empty() {
            wrong("text", "say what its users are to do".to_owned());
        } else if length > MOST_VEX_TEXT {
            wrong(
                "text",
                format!("it has {length} characters; at most {MOST_VEX_TEXT} are kept"),
            );
        }
        problems
    }
}

/// What a statement is about, within a product.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VexScope {
    /// The vulnerability, by any of its names.
    pub vulnerability: String,
    /// One image, by the digest of its manifest; every image if there is none.
    pub image: Option<String>,
    /// One component, by package URL (with or without a version) or by name; every component if
    /// there is none.
    pub component: Option<String>,
}

/// A finding, as far as scopes ask.
#[derive(Debug, Clone, Copy)]
pub struct VexTarget<'a> {
    /// The vulnerability's names.
    pub vulnerability: &'a [&'a str],
    /// The digest of the image's manifest.
    pub image: &'a str,
    /// The component's name.
    pub component: &'a str,
    /// The component's package URL.
    pub purl: &'a str,
}

impl VexScope {
    /// Returns everything that is wrong with it.
    pub fn problems(&self) -> Vec<Problem> {
        let name = |field: &str, text: &str| {
            let fits = !text.trim().is_empty() && text.chars().count() <= MOST_NAME;
            let is_plain = !text.chars().any(|c| c.is_control() || c.is_whitespace());
            (!fits || !is_plain).then(|| Problem {
                field: field.to_owned(),
                message: format!("write 1 to {MOST_NAME} characters without spaces"),
            })
        };
        let is_digest = |text: &str| {
            let hex = text.strip_prefix("sha256:");
            hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        let image = self.image.as_deref().filter(|image| !is_digest(image));
        let image = image.map(|_| Problem {
            field: "image".to_owned(),
            message:
                "write `sha256:` and 64 hexadecimal digits: the digest of the image's manifest"
                    .to_owned(),
        });
        let component = self.component.as_deref();
        [
            name("vulnerability", &self.vulnerability),
            image,
            component.and_then(|component| name("component", component)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Returns whether a finding is within it. `purl_covers` says whether the package URL it is
    /// given first covers the second, which whoever knows package URLs knows.
    pub fn covers(&self, target: VexTarget<'_>, purl_covers: fn(&str, &str) -> bool) -> bool {
        let component = |stated: &String| match stated.starts_with("pkg:") {
            true => purl_covers(stated, target.purl),
            false => stated == target.component,
        };
        target.vulnerability.contains(&self.vulnerability.as_str())
            && self.image.as_ref().is_none_or(|it| it == target.image)
            && self.component.as_ref().is_none_or(component)
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn hour(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + number * 3600, 0).expect("a time")
    }

    fn claim(
        status: VexStatus,
        justification: Option<VexJustification>,
        text: &str,
    ) -> Vec<String> {
        let claim = VexClaim {
            status,
            justification,
            text: text.to_owned(),
        };
        let problems = claim.problems().into_iter();
        problems.map(|problem| problem.field).collect()
    }

    #[test]
    fn each_status_needs_its_own() {
        let why = Some(VexJustification::ComponentNotPresent);
        assert_eq!(claim(VexStatus::NotAffected, why, ""), [""; 0]);
        assert_eq!(
            claim(VexStatus::NotAffected, None, "It is not."),
            ["justification"]
        );
        assert_eq!(claim(VexStatus::Affected, None, " "), ["text"]);
        assert_eq!(
            claim(VexStatus::Affected, why, "Update."),
            ["justification"]
        );
        assert_eq!(claim(VexStatus::Fixed, None, ""), [""; 0]);
        let long = "x".repeat(MOST_VEX_TEXT + 1);
        assert_eq!(claim(VexStatus::UnderInvestigation, None, &long), ["text"]);
    }

    #[test]
    fn a_scope_covers_what_it_names() {
        let covers = |image: Option<&str>, component: Option<&str>| {
            let scope = VexScope {
                vulnerability: "GHSA-1".to_owned(),
                image: image.map(str::to_owned),
                component: component.map(str::to_owned),
            };
            let target = VexTarget {
                vulnerability: &["CVE-1", "GHSA-1"],
                image: "sha256:a",
                component: "openssl",
                purl: "pkg:deb/debian/openssl@1",
            };
            scope.covers(target, |stated, own| own.starts_with(stated))
        };
        assert!(covers(None, None));
        assert!(covers(Some("sha256:a"), Some("openssl")));
        assert!(covers(None, Some("pkg:deb/debian/openssl")));
        assert!(!covers(Some("sha256:b"), None));
        assert!(!covers(None, Some("curl")));
        assert!(!covers(None, Some("pkg:deb/debian/openssl@2")));
    }

    #[test]
    fn malformed_scopes_are_told() {
        let scope = |vulnerability: &str, image: &str, component: &str| {
            let scope = VexScope {
                vulnerability: vulnerability.to_owned(),
                image: Some(image.to_owned()),
                component: Some(component.to_owned()),
            };
            let problems = scope.problems().into_iter();
            problems.map(|problem| problem.field).collect::<Vec<_>>()
        };
        let digest = format!("sha256:{}", "0a".repeat(32));
        assert_eq!(scope("CVE-1", &digest, "pkg:npm/x@1"), [""; 0]);
        assert_eq!(
            scope(" ", "latest", "a b"),
            ["vulnerability", "image", "component"]
        );
    }

    /// What people do about one scope.
    #[derive(Debug, Clone)]
    enum Step {
        State(VexStatus),
        Decide(usize, VexDecision, Option<i64>),
        Wait(i64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let status = prop::sample::select(VexStatus::ALL.to_vec()).prop_map(Step::State);
        let decision = prop::sample::select(VexDecision::ALL.to_vec());
        let decide = (0_usize..6, decision, prop::option::of(1_i64..50));
        let decide =
            decide.prop_map(|(which, decision, until)| Step::Decide(which, decision, until));
        let wait = (0_i64..30).prop_map(Step::Wait);
        prop::collection::vec(prop_oneof![status, decide, wait], 0..40)
    }

    #[derive(Debug)]
    struct Made {
        status: VexStatus,
        standing: VexStanding,
        until: Option<DateTime<Utc>>,
        was_accepted: bool,
    }

    /// Does as the use cases do.
    fn step(made: &mut Vec<Made>, step: &Step, now: &mut DateTime<Utc>) {
        match step {
            Step::State(status) => {
                for former in made
                    .iter_mut()
                    .filter(|it| it.standing.gives_way_to(*status))
                {
                    former.standing = former.standing.after(VexEvent::Replaced).expect("legal");
                }
                made.push(Made {
                    status: *status,
                    standing: VexStanding::Waiting,
                    until: None,
                    was_accepted: false,
                });
            }
            Step::Decide(which, decision, until) => {
                let count = made.len();
                let Some(asked) = made.get(which % count.max(1)) else {
                    return;
                };
                let Ok(after) = asked.standing.after(VexEvent::Decided(*decision)) else {
                    return;
                };
                if *decision == VexDecision::Accept {
                    for former in made
                        .iter_mut()
                        .filter(|it| it.standing == VexStanding::Accepted)
                    {
                        former.standing = former.standing.after(VexEvent::Replaced).expect("legal");
                    }
                }
                let asked = &mut made[which % count];
                asked.standing = after;
                asked.was_accepted |= *decision == VexDecision::Accept;
                asked.until = until.map(|hours| *now + TimeDelta::hours(hours));
            }
            Step::Wait(hours) => {
                *now += TimeDelta::hours(*hours);
                for over in made.iter_mut() {
                    if over.standing == VexStanding::Accepted
                        && !over.standing.counts(over.until, *now)
                    {
                        over.standing = over.standing.after(VexEvent::Expired).expect("legal");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_publisher_closes_anything_alone(steps in steps()) {
            let (mut made, mut now) = (Vec::new(), hour(0));
            for each in &steps {
                let closed = |made: &[Made]| made.iter().any(|it| it.status.closes() && it.standing.counts(it.until, now));
                let before = closed(&made);
                let before_standings: Vec<_> = made.iter().map(|it| it.standing).collect();
                step(&mut made, each, &mut now);
                let after = made.iter().any(|it| it.status.closes() && it.standing.counts(it.until, now));
                if !before && after {
                    prop_assert!(matches!(each, Step::Decide(_, VexDecision::Accept, _)), "{each:?}");
                }
                for standing in [VexStanding::Waiting, VexStanding::Accepted] {
                    prop_assert!(made.iter().filter(|it| it.standing == standing).count() <= 1, "{made:?}");
                }
                for (before, now) in before_standings.iter().zip(&made) {
                    let is_over = matches!(before, VexStanding::Refused | VexStanding::Replaced | VexStanding::Expired);
                    prop_assert!(!is_over || *before == now.standing, "what is over stays over");
                }
                for it in &made {
                    prop_assert!(it.was_accepted || !it.standing.counts(it.until, now));
                    prop_assert!(it.until.is_none_or(|until| now < until) || !it.standing.counts(it.until, now));
                }
            }
        }
    }
}
