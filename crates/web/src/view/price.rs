//! Prices as people read and write them.

use market::Money;

/// Returns the price of a plan: `Free` or `USD 19.00 a month`.
pub fn price(money: &Money) -> String {
    if money.amount_minor == 0 {
        "Free".to_owned()
    } else {
        format!("{money} a month")
    }
}

/// Returns the amount as a decimal number: `19.00`.
pub fn amount(money: &Money) -> String {
    let text = money.to_string();
    let (_, amount) = text.split_once(' ').unwrap_or(("", &text));
    amount.to_owned()
}

/// Reads a decimal number as an amount of `currency`.
///
/// # Errors
/// It is none, has more decimals than the currency, or is too large.
pub fn parse_price(text: &str, currency: &str) -> Result<Money, String> {
    let money = |amount_minor| Money {
        amount_minor,
        currency: currency.to_owned(),
    };
    let zero = amount(&money(0));
    let decimals = zero.split_once('.').map_or(0, |(_, zeros)| zeros.len());
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |digits: &str| digits.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(part) {
        return Err(format!(
            "`{}` is no price: write a number such as 19 or {zero}",
            text.chars().take(40).collect::<String>()
        ));
    }
    if part.len() > decimals {
        return Err(format!(
            "{currency} has {decimals} decimals; {} were given",
            part.len()
        ));
    }
    format!("{whole}{part:0<decimals$}")
        .parse()
        .map(money)
        .map_err(|_| "the price is too large".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let check = |text: &str, currency: &str, expect: &str| {
            let money = parse_price(text, currency).expect("a price");
            assert_eq!(price(&money), expect);
            assert_eq!(parse_price(&amount(&money), currency), Ok(money));
        };
        check("19", "USD", "USD 19.00 a month");
        check("9.5", "EUR", "EUR 9.50 a month");
        check("0", "USD", "Free");
        check("500", "JPY", "JPY 500 a month");
        check("1.005", "KWD", "KWD 1.005 a month");
    }

    #[test]
    fn refuses_what_is_no_amount() {
        for text in [
            "",
            "-1",
            "1,50",
            "1.2.3",
            ".5",
            "ten",
            "99999999999999999999",
        ] {
            assert!(parse_price(text, "USD").is_err(), "{text}");
        }
        assert_eq!(
            parse_price("1.5", "JPY"),
            Err("JPY has 0 decimals; 1 were given".to_owned())
        );
    }
}
