//! The badge a publisher puts on pages of its own: the mark, a label, a value.

use std::fmt::Write as _;

use crate::view::escaped;

/// The mark's lines in a box of 32 × 32; the same as in `static/mark.svg`.
const MARK_LINES: &str = r#"<circle cx="16" cy="16" r="8"/><path d="M3 16h26"/>"#;
/// Longest text shown on either side, in characters.
const LONGEST: usize = 60;

/// What a badge says by its colour, beside its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadgeTone {
    /// Tested and certified.
    Certified,
    /// On the market.
    Listed,
    /// On the market with a warning.
    Hold,
    /// Off the market.
    Revoked,
}

impl BadgeTone {
    /// Returns the colour of the value's field; white text on it has a contrast of 4.5 or more.
    fn colour(self) -> &'static str {
        match self {
            Self::Certified => "#0b6b4b",
            Self::Listed => "#1b5e8c",
            Self::Hold => "#9a5200",
            Self::Revoked => "#8f1d1d",
        }
    }
}

/// Returns a flat badge, 20 pixels high, as one self-contained SVG document.
pub fn badge_svg(label: &str, value: &str, tone: BadgeTone) -> String {
    let (label, value) = (shortened(label), shortened(value));
    let (label_text, value_text) = (text_width(&label), text_width(&value));
    let left = 24 + label_text + 6;
    let right = value_text + 12;
    let width = left + right;
    let (label, value) = (escaped(&label).to_string(), escaped(&value).to_string());
    let mut svg = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img" aria-label="{label}: {value}"><title>{label}: {value}</title><clipPath id="r"><rect width="{width}" height="20" rx="3"/></clipPath>"#
    );
    let _ = write!(
        svg,
        r##"<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#0c2a43"/><rect x="{left}" width="{right}" height="20" fill="{}"/></g>"##,
        tone.colour()
    );
    let _ = write!(
        svg,
        r##"<g transform="translate(4 2) scale(.5)" fill="none" stroke="#fff" stroke-width="3">{MARK_LINES}</g>"##
    );
    let _ = write!(
        svg,
        r##"<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11"><text x="24" y="14" textLength="{label_text}">{label}</text><text x="{}" y="14" textLength="{value_text}">{value}</text></g></svg>"##,
        left + 6
    );
    svg
}

/// Returns `text` without what XML forbids, and with an end if it is too long.
fn shortened(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    if clean.chars().count() <= LONGEST {
        return clean;
    }
    clean.chars().take(LONGEST - 1).chain(['…']).collect()
}

/// Returns about how wide `text` is in 11 pixel Verdana, in pixels; `textLength` makes it exact.
fn text_width(text: &str) -> u32 {
    let tenths: u32 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '|' | '\'' | '!' => 36,
            'f' | 't' | 'r' | ' ' | '-' | '(' | ')' | '/' | 'I' => 46,
            'm' | 'w' | 'M' | 'W' | '@' | '%' => 104,
            'A'..='Z' => 78,
            c if c.is_ascii() => 67,
            _ => 110,
        })
        .sum();
    tenths.div_ceil(10).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::MARK_SVG;

    #[test]
    fn shows_label_and_value() {
        insta::assert_snapshot!(badge_svg("certified", "1.4", BadgeTone::Certified));
        assert!(MARK_SVG.contains(MARK_LINES), "one mark everywhere");
    }

    #[test]
    fn text_stays_text() {
        let svg = badge_svg("<script>", "\"&\u{0}'", BadgeTone::Hold);
        assert!(!svg.contains("<script>") && !svg.contains('\u{0}'));
        assert!(svg.contains("&#60;script&#62;"));
    }

    #[test]
    fn is_as_wide_as_its_words_and_no_wider_than_a_page() {
        let width = |value: &str| {
            let svg = badge_svg("certified", value, BadgeTone::Listed);
            let (_, rest) = svg.split_once("width=\"").expect("a width");
            let (width, _) = rest.split_once('"').expect("its end");
            width.parse::<u32>().expect("a number")
        };
        assert!(width("1.4") < width("1.4.19-alpine3"));
        assert!(width(&"W".repeat(10_000)) < 800);
    }
}
