//! What a publisher owes for being on the market. All of it is waived unless the operator
//! says otherwise (programme and policies, "Listing Fees and Revenue Share").

use crate::{Money, Problem};

/// The whole revenue, in hundredths of a percent.
pub const WHOLE_SHARE: i64 = 10_000;

/// What a publisher owes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// A year's fee for each listing; waived where there is none.
    pub listing_fee: Option<Money>,
    /// The operator's share of what the publisher's plans bring, in hundredths of a percent;
    /// waived where it is zero.
    pub revenue_share: i64,
}

impl Terms {
    /// Returns whether nothing is owed.
    pub fn are_waived(&self) -> bool {
        self.listing_fee.is_none() && self.revenue_share == 0
    }

    /// Returns everything that is wrong with them.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, message: String| {
            problems.push(Problem {
                field: field.to_owned(),
                message,
            });
        };
        if let Some(fee) = &self.listing_fee {
            if let Err(error) = fee.check_price() {
                wrong("listing_fee", error.to_string());
            } else if fee.amount_minor == 0 {
                wrong("listing_fee", "leave it out to waive it".to_owned());
            }
        }
        if !(0..=WHOLE_SHARE).contains(&self.revenue_share) {
            wrong("revenue_share", "use 0 to 100 percent".to_owned());
        }
        problems
    }

    /// Returns the fee as people read it.
    pub fn fee_words(&self) -> String {
        match &self.listing_fee {
            Some(fee) => format!("{fee} a year for each listing"),
            None => "waived".to_owned(),
        }
    }

    /// Returns the share as people read it.
    pub fn share_words(&self) -> String {
        match self.revenue_share {
            0 => "waived".to_owned(),
            share => format!("{} %", show_percent(share)),
        }
    }
}

/// Writes hundredths of a percent as a decimal number of percents: `12.5`.
pub fn show_percent(hundredths: i64) -> String {
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Reads a decimal number of percents, with two decimals at most, as hundredths of a percent.
pub fn parse_percent(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || part.len() > 2 || !digits(whole) || !digits(part) {
        return None;
    }
    format!("{whole}{part:0<2}").parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terms(fee: Option<i64>, revenue_share: i64) -> Terms {
        Terms {
            listing_fee: fee.map(|amount_minor| Money {
                amount_minor,
                currency: "EUR".to_owned(),
            }),
            revenue_share,
        }
    }

    #[test]
    fn they_are_waived_unless_said() {
        let waived = Terms::default();
        assert!(waived.are_waived() && waived.problems().is_empty());
        assert_eq!(
            (waived.fee_words(), waived.share_words()),
            ("waived".to_owned(), "waived".to_owned())
        );
        let owed = terms(Some(25_000), 1_250);
        assert!(!owed.are_waived() && owed.problems().is_empty());
        assert_eq!(owed.fee_words(), "EUR 250.00 a year for each listing");
        assert_eq!(owed.share_words(), "12.5 %");
    }

    #[test]
    fn what_cannot_be_is_told_field_by_field() {
        let fields = |terms: Terms| -> Vec<_> {
            terms
                .problems()
                .into_iter()
                .map(|problem| problem.field)
                .collect()
        };
        assert_eq!(
            fields(terms(Some(-1), 10_001)),
            ["listing_fee", "revenue_share"]
        );
        assert_eq!(fields(terms(Some(0), -1)), ["listing_fee", "revenue_share"]);
        assert_eq!(fields(terms(Some(Money::MOST), 0)), [""; 0]);
        assert_eq!(fields(terms(Some(Money::MOST + 1), 0)), ["listing_fee"]);
    }

    #[test]
    fn percents_are_read_as_people_write_them() {
        for (text, hundredths) in [
            ("0", 0),
            ("12.5", 1_250),
            ("100", 10_000),
            ("0.05", 5),
            ("7.", 700),
        ] {
            assert_eq!(parse_percent(text), Some(hundredths), "{text}");
        }
        for text in ["", ".5", "1.234", "-1", "1,5", "1e2", "1000", "ten"] {
            assert_eq!(parse_percent(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn percents_round_trip(hundredths in 0_i64..=10_000) {
            prop_assert_eq!(parse_percent(&show_percent(hundredths)), Some(hundredths));
        }
    }
}
