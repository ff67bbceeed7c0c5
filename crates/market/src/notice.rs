//! What people are told of, and when they are reminded of a promise.

use chrono::{DateTime, TimeDelta, Utc};

use crate::text::text_enum;

text_enum! {
    /// What a notice is about.
    NoticeKind {
        /// A publisher was verified, turned down or suspended.
        Publisher = "publisher",
        /// The import of an image came to its end.
        Imported = "imported",
        /// A submission was inspected: its publisher sees what the machine found, reviewers can begin.
        Inspected = "inspected",
        /// A submission was approved, sent back or rejected.
        Decided = "decided",
        /// The time was set at which a submission goes public.
        Publication = "publication",
        /// A submission was given to a reviewer, or taken from one.
        Assigned = "assigned",
        /// Somebody wrote in a review thread.
        Remark = "remark",
        /// A statement about a vulnerability waits, was decided on, or no longer counts.
        Statement = "statement",
        /// A certification check was waived, or has to be passed again.
        Waiver = "waiver",
        /// A publisher lets one see a product before its first release, or no longer does.
        Preview = "preview",
        /// A release is on the market.
        Released = "released",
        /// A promise to fix begins.
        Promise = "promise",
        /// A promise to fix ends soon.
        FixDue = "fix-due",
        /// The certification team gave a vulnerability a class by hand, or took it back.
        Classified = "classified",
        /// A promise was broken, and an operator decides whether the listing goes on hold.
        HoldToConfirm = "hold-to-confirm",
        /// An operator gave a grace for a broken promise.
        Grace = "grace",
        /// A listing was put on hold, or pulls were closed or opened while it is.
        OnHold = "on-hold",
        /// A hold was lifted.
        Reinstated = "reinstated",
        /// A listing was revoked.
        Revoked = "revoked",
        /// A product was taken off the market by its publisher, or one of its tags.
        Withdrawn = "withdrawn",
        /// A webhook was disabled.
        Webhook = "webhook",
        /// A feed of advisories cannot be had, or all of them are old.
        Advisories = "advisories",
    }
}

impl NoticeKind {
    /// Returns whether the mail is sent whatever its reader prefers: who has a promise to keep,
    /// or runs what is no longer vouched for, must hear of it (programme and policies,
    /// "Classification of Issues").
    pub fn is_obligatory(self) -> bool {
        matches!(
            self,
            Self::Promise | Self::FixDue | Self::Grace | Self::OnHold | Self::Revoked
        )
    }

    /// Returns what it is about, as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Publisher => "A decision on a publisher",
            Self::Imported => "An import of an image",
            Self::Inspected => "A submission was inspected",
            Self::Decided => "A submission was decided on",
            Self::Publication => "The time of a release",
            Self::Assigned => "A submission was assigned",
            Self::Remark => "A remark in a review",
            Self::Statement => "A statement about a vulnerability",
            Self::Waiver => "A check was waived",
            Self::Preview => "A look before a release",
            Self::Released => "A new release",
            Self::Promise => "A promise to fix begins",
            Self::FixDue => "A promise to fix ends soon",
            Self::Classified => "A vulnerability was classified by hand",
            Self::HoldToConfirm => "A hold waits for the operator",
            Self::Grace => "A grace for a broken promise",
            Self::OnHold => "A listing was put on hold",
            Self::Reinstated => "A hold was lifted",
            Self::Revoked => "A listing was revoked",
            Self::Withdrawn => "A product or a tag of it was withdrawn",
            Self::Webhook => "A webhook was disabled",
            Self::Advisories => "Advisories cannot be kept up to date",
        }
    }
}

text_enum! {
    /// When a publisher is reminded of a promise.
    Reminder {
        /// Half of the time has gone.
        Half = "half",
        /// A day is left.
        Day = "day",
        /// An hour is left.
        Hour = "hour",
    }
}

impl Reminder {
    /// Returns the last reminder whose time has come at `now`, for a clock that started at
    /// `notified` and ends at `due`; none before half of the time, none once it is over.
    pub fn at(notified: DateTime<Utc>, due: DateTime<Utc>, now: DateTime<Utc>) -> Option<Self> {
        let left = due - now;
        if left <= TimeDelta::zero() {
            return None;
        }
        let latest = [
            (Self::Hour, TimeDelta::hours(1)),
            (Self::Day, TimeDelta::days(1)),
            (Self::Half, (due - notified) / 2),
        ];
        let reached = |(_, before): &(Self, TimeDelta)| left <= *before;
        latest
            .into_iter()
            .find(reached)
            .map(|(reminder, _)| reminder)
    }
}

text_enum! {
    /// How the mail of a notice fares.
    MailState {
        /// It is to be sent.
        Waiting = "waiting",
        /// The server took it.
        Sent = "sent",
        /// Its reader does not want it.
        Muted = "muted",
        /// It was given up.
        Failed = "failed",
        /// It was too old to be of use when it could have been sent.
        Late = "late",
    }
}

text_enum! {
    /// How somebody wants the mail of a kind.
    MailChoice {
        /// As soon as there is something.
        AtOnce = "at-once",
        /// Once a day, with everything of the day in one letter.
        Daily = "daily",
        /// Not at all.
        Never = "never",
    }
}

impl MailChoice {
    /// Returns when the mail of what was told at `told` is due: for a daily one at the next
    /// [`DAILY_HOUR`]; not at all for what is not wanted.
    pub fn due(self, told: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::AtOnce => Some(told),
            Self::Daily => {
                let hour = told.date_naive().and_hms_opt(DAILY_HOUR, 0, 0)?.and_utc();
                Some(if told < hour {
                    hour
                } else {
                    hour + TimeDelta::days(1)
                })
            }
            Self::Never => None,
        }
    }

    /// Returns the choice as people read it.
    pub fn title(self) -> &'static str {
        match self {
            Self::AtOnce => "at once",
            Self::Daily => "once a day",
            Self::Never => "not at all",
        }
    }
}

/// Hour of the day, in UTC, at which daily mail is sent.
pub const DAILY_HOUR: u32 = 7;

/// How long something is news. What could not be mailed by then, because there was no mail
/// server, is not mailed any more, unless it is obligatory.
pub const MAIL_LATE: TimeDelta = TimeDelta::days(7);

/// Times a mail is tried before it is given up: about a week, for promises go on while a mail
/// server is away.
pub const MAIL_ATTEMPTS: i64 = 86;

/// Attempts after which the time between two grows no more.
const GROWING_ATTEMPTS: i64 = 8;

/// Returns how long after the failure of so many attempts a mail is tried again: a minute,
/// and twice as long each time, up to about two hours.
pub fn mail_back_off(attempts: i64) -> TimeDelta {
    let doublings = u32::try_from(attempts.clamp(1, GROWING_ATTEMPTS) - 1).unwrap_or(0);
    TimeDelta::minutes(1_i64 << doublings)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hour(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + number * 3600, 0).expect("a time")
    }

    #[test]
    fn a_publisher_is_reminded_at_half_a_day_and_an_hour() {
        let check = |at: i64, expected| {
            assert_eq!(
                Reminder::at(hour(0), hour(72), hour(at)),
                expected,
                "{at} h"
            );
        };
        check(0, None);
        check(35, None);
        check(36, Some(Reminder::Half));
        check(47, Some(Reminder::Half));
        check(48, Some(Reminder::Day));
        check(70, Some(Reminder::Day));
        check(71, Some(Reminder::Hour));
        check(72, None);
        check(80, None);
    }

    #[test]
    fn mail_is_tried_for_a_week() {
        let waits: Vec<_> = (1..MAIL_ATTEMPTS)
            .map(|tried| mail_back_off(tried).num_minutes())
            .collect();
        assert_eq!(waits[..9], [1, 2, 4, 8, 16, 32, 64, 128, 128]);
        let whole = TimeDelta::minutes(waits.iter().sum());
        assert!(
            whole > MAIL_LATE && whole < MAIL_LATE + TimeDelta::hours(2),
            "{whole}"
        );
    }

    #[test]
    fn daily_mail_comes_at_the_next_seven_o_clock() {
        let due = |told| MailChoice::Daily.due(told).expect("some time");
        // Hour 0 is 2023-11-14 22:13:20.
        assert_eq!(due(hour(0)).to_rfc3339(), "2023-11-15T07:00:00+00:00");
        assert_eq!(due(hour(8)).to_rfc3339(), "2023-11-15T07:00:00+00:00");
        assert_eq!(due(hour(9)).to_rfc3339(), "2023-11-16T07:00:00+00:00");
        assert_eq!(MailChoice::AtOnce.due(hour(9)), Some(hour(9)));
        assert_eq!(MailChoice::Never.due(hour(9)), None);
    }

    proptest! {
        #[test]
        fn reminders_come_in_order(length in 1_i64..10_000, mut times in prop::collection::vec(0_i64..10_000, 2)) {
            times.sort_unstable();
            let at = |minutes: i64| Reminder::at(hour(0), hour(0) + TimeDelta::minutes(length), hour(0) + TimeDelta::minutes(minutes));
            if let (Some(first), Some(second)) = (at(times[0]), at(times[1])) {
                prop_assert!(first <= second);
            }
        }
    }
}
