//! How many sentences a short text has (manifest item 3: "a one-to-two-sentence summary").
//!
//! Whoever writes for people is not to be corrected by a machine that is wrong, so what may not
//! be the end of a sentence is not counted as one: a full stop within a word or a number
//! (`1.2`, `node.js`), after an abbreviation or an initial, and whatever goes on with a small
//! letter ("waits … and goes on").

/// What ends in a full stop without ending a sentence, in small letters.
const ABBREVIATIONS: [&str; 22] = [
    "approx", "bros", "cf", "co", "corp", "dept", "dr", "e.g", "eg", "etc", "i.e", "ie", "inc",
    "incl", "jr", "ltd", "mr", "mrs", "ms", "no", "st", "vs",
];

/// Returns how many sentences a text has; what stands behind the last end counts as one.
pub(crate) fn sentences(text: &str) -> usize {
    let mut count = 0;
    let mut begins = 0;
    let mut rest = text.char_indices().peekable();
    while let Some((at, character)) = rest.next() {
        if !is_end(character) {
            continue;
        }
        let mut last = character;
        let mut after = at + character.len_utf8();
        while let Some((place, next)) = rest.next_if(|(_, next)| is_end(*next) || closes(*next)) {
            last = if is_end(next) { next } else { last };
            after = place + next.len_utf8();
        }
        let (before, behind) = (&text[begins..at], &text[after..]);
        if has_words(before) && is_end_between(before, last, behind) {
            count += 1;
            begins = after;
        }
    }
    count + usize::from(has_words(&text[begins..]))
}

fn is_end(character: char) -> bool {
    matches!(character, '.' | '!' | '?' | '…' | '。' | '！' | '？')
}

/// Returns whether a character stands behind the end of a sentence and belongs to it.
fn closes(character: char) -> bool {
    matches!(character, '"' | '\'' | ')' | ']' | '”' | '’' | '»' | '」')
}

fn has_words(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Returns whether a sentence ends with `mark` between two texts.
fn is_end_between(before: &str, mark: char, behind: &str) -> bool {
    if matches!(mark, '。' | '！' | '？') {
        return true;
    }
    let next = behind.trim_start();
    if next.is_empty() {
        return true;
    }
    let is_apart = next.len() < behind.len();
    let goes_on = next.chars().find(|it| it.is_alphanumeric());
    is_apart
        && goes_on.is_some_and(|next| !next.is_lowercase())
        && !(mark == '.' && is_abbreviation(before))
}

/// Returns whether a text ends with what a full stop shortens: a known word, or one letter.
fn is_abbreviation(text: &str) -> bool {
    let word = text
        .rsplit(|character: char| !(character.is_alphanumeric() || character == '.'))
        .next()
        .unwrap_or_default();
    let last = word.rsplit('.').next().unwrap_or_default();
    let is_initial = last.chars().count() == 1 && last.chars().all(char::is_alphabetic);
    is_initial || ABBREVIATIONS.contains(&word.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn people_are_not_corrected_where_they_are_right() {
        for (text, expected) in [
            ("", 0),
            (" … ", 0),
            ("A small database", 1),
            ("A small database.", 1),
            ("Fast! Small? Both.", 3),
            ("Speaks HTTP/1.1 and TLS 1.3. Runs on node.js 20.1.", 2),
            ("For J. Smith Ltd. Systems, e.g. Harbour vs. Mole. Free.", 2),
            ("By Harbour Inc. It keeps rows.", 1),
            ("Made in the U.S. Navy yards. Keeps rows.", 2),
            ("It waits … and goes on. Really...", 2),
            ("It waits... Then it goes on.", 2),
            ("Keeps rows (many. of them). \"Good.\" Says everybody.", 3),
            ("Version 2. Version 3. Version 4.", 3),
            ("速い。小さい。無料。", 3),
            ("Keeps rows, columns, etc. For free.", 1),
            ("One. Two. 3 more.", 3),
            ("?!", 0),
        ] {
            assert_eq!(sentences(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_some_number_of_sentences(text in ".{0,200}") {
            let count = sentences(&text);
            prop_assert_eq!(count == 0, !text.chars().any(char::is_alphanumeric));
            prop_assert!(count <= text.chars().filter(|it| is_end(*it)).count() + 1);
        }

        #[test]
        fn two_texts_have_no_more_than_both(one in "[A-Za-z1. !?…]{0,60}", other in "[A-Za-z1. !?…]{0,60}") {
            let both = sentences(&format!("{one} {other}"));
            prop_assert!(both <= sentences(&one) + sentences(&other));
        }
    }
}
