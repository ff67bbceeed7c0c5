//! Forms of text that several package managers write: the plain part of YAML, and fields
//! with folded lines. Their files are written by programs, so the part is small:
//! one key a line, no flow collections that matter, no anchors.

/// A line of a YAML document as its package manager writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Line<'t> {
    /// Blanks before it; the dash of a list's item counts as one.
    pub indent: usize,
    /// What is before the colon, or the whole of an item.
    pub key: &'t str,
    /// What is behind it, without quotes; or empty.
    pub value: &'t str,
}

/// Returns the lines that are neither empty nor comments. The lines of a text block come as
/// they are, and are told by their indentation.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    text.lines().filter_map(line)
}

fn line(text: &str) -> Option<Line<'_>> {
    let mut rest = text.trim_start_matches(' ');
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start_matches(' ');
    }
    // A long key stands alone.
    rest = rest.strip_prefix("? ").unwrap_or(rest);
    let indent = text.len() - rest.len();
    let rest = rest.trim_end();
    if rest.is_empty() || rest.starts_with('#') {
        return None;
    }
    let (key, value) = match quoted(rest) {
        Some((key, behind)) => (key, behind.trim_start().strip_prefix(':').unwrap_or("")),
        None => match rest.split_once(": ") {
            Some(parts) => parts,
            None => (rest.strip_suffix(':').unwrap_or(rest), ""),
        },
    };
    let value = value.trim();
    let value = match quoted(value) {
        Some((value, _)) => value,
        None => value.split(" #").next().unwrap_or(value).trim_end(),
    };
    Some(Line { indent, key, value })
}

/// Returns what is between the quotes at the beginning, and what follows.
pub(super) fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    text[1..].split_once(quote)
}

/// Returns the fields of a text such as a Debian control file: a key and a colon at the
/// beginning of a line, further lines indented. The lines of a value are joined by blanks.
pub(super) fn fields(text: &str) -> Vec<(&str, String)> {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for line in text.lines() {
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                if !value.is_empty() {
                    value.push(' ');
                }
                value.push_str(line.trim());
            }
        } else if let Some((key, value)) = line.split_once(':') {
            fields.push((key, value.trim().to_owned()));
        }
    }
    for (_, value) in &mut fields {
        value.truncate(value.trim_end().len());
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_lines() {
        let text = "# no\n\npackages:\n  '@a/b@1.0':\n    v: \"1\" # x\n  - c: d e #f\n  - \"g\"\n? \"h\"\n";
        let read: Vec<_> = lines(text).map(|l| (l.indent, l.key, l.value)).collect();
        let expected = [
            (0, "packages", ""),
            (2, "@a/b@1.0", ""),
            (4, "v", "1"),
            (4, "c", "d e"),
            (4, "g", ""),
            (2, "h", ""),
        ];
        assert_eq!(read, expected);
    }

    #[test]
    fn joins_folded_fields() {
        let read = fields(" x\nA: b\n  c\n\td\nE:\n f\n");
        assert_eq!(read, [("A", "b c d".to_owned()), ("E", "f".to_owned())]);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "([ \\-?#:'\"é\n]|[a-z]){0,60}") {
            lines(&text).count();
            fields(&text);
        }
    }
}
