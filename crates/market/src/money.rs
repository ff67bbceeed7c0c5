//! Money: integer minor units with a currency, never a fraction.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount in minor units (cents) of a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Minor units: 1999 is 19.99.
    pub amount_minor: i64,
    /// ISO 4217 code, three capitals.
    pub currency: String,
}

/// What is wrong with an amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a currency code.
    #[error("`{0}` is no currency: use a code of three capitals such as USD or EUR")]
    Currency(String),
    /// Below zero.
    #[error("a price is zero or more; {0} minor units were given")]
    Negative(i64),
    /// An amount that no price has.
    #[error("a price is at most {} minor units", Money::MOST)]
    TooMuch,
}

impl Money {
    /// The most that a price may be, in minor units.
    pub const MOST: i64 = 1_000_000_000_000;

    /// Checks that this can be a price.
    ///
    /// # Errors
    /// A currency that is no code, or an amount below zero or above [`Money::MOST`].
    pub fn check_price(&self) -> Result<(), MoneyError> {
        if self.currency.len() != 3 || !self.currency.bytes().all(|b| b.is_ascii_uppercase()) {
            return Err(MoneyError::Currency(
                self.currency.chars().take(20).collect(),
            ));
        }
        if self.amount_minor < 0 {
            return Err(MoneyError::Negative(self.amount_minor));
        }
        if self.amount_minor > Self::MOST {
            return Err(MoneyError::TooMuch);
        }
        Ok(())
    }

    /// Returns the number of decimals of the currency's major unit (ISO 4217).
    fn decimals(&self) -> usize {
        match self.currency.as_str() {
            "JPY" | "KRW" | "CLP" | "VND" | "ISK" | "XAF" | "XOF" => 0,
            "BHD" | "KWD" | "JOD" | "OMR" | "TND" => 3,
            _ => 2,
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = self.decimals();
        let unit = 10_u64.pow(u32::try_from(decimals).unwrap_or(2));
        let (sign, amount) = (
            if self.amount_minor < 0 { "-" } else { "" },
            self.amount_minor.unsigned_abs(),
        );
        write!(f, "{} {sign}{}", self.currency, amount / unit)?;
        if decimals > 0 {
            write!(f, ".{:0decimals$}", amount % unit)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_people_write_it() {
        let show = |amount_minor, currency: &str| {
            Money {
                amount_minor,
                currency: currency.to_owned(),
            }
            .to_string()
        };
        assert_eq!(show(1999, "USD"), "USD 19.99");
        assert_eq!(show(5, "EUR"), "EUR 0.05");
        assert_eq!(show(-205, "EUR"), "EUR -2.05");
        assert_eq!(show(500, "JPY"), "JPY 500");
    }
}
