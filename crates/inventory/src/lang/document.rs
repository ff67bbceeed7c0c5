//! Reads JSON and TOML into what is wanted of them, within memory that has a bound: a value of
//! two bytes may take hundreds once it is read.

use serde::de::DeserializeOwned;

/// What a document may weigh, in values of a list: each takes some two hundred bytes at most.
/// The largest lock files, of some 5 MiB, have about two thirds of it.
const MOST: usize = 500_000;

/// Why a document is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum DocumentError {
    /// It weighs too much.
    #[error("too many values")]
    Dense,
    /// It has not the form that is wanted, in the reader's words.
    #[error("{0}")]
    Form(String),
}

impl DocumentError {
    /// Says it of a file of which anybody knows better than its reader what it lacks.
    pub(super) fn or(self, form: &str) -> Self {
        match self {
            Self::Dense => self,
            Self::Form(_) => Self::Form(form.to_owned()),
        }
    }
}

/// Reads JSON.
pub(super) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentError> {
    bounded(bytes, json_weight)?;
    serde_json::from_slice(bytes).map_err(|error| DocumentError::Form(error.to_string()))
}

/// Reads TOML, which its reader holds as tables, whatever is wanted of them.
pub(super) fn toml<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DocumentError> {
    bounded(bytes, toml_weight)?;
    toml::from_slice(bytes).map_err(|error| DocumentError::Form(error.message().to_owned()))
}

/// Says so if a document weighs too much.
fn bounded(bytes: &[u8], weight: fn(&[u8]) -> usize) -> Result<(), DocumentError> {
    // No byte weighs more than a table of TOML does.
    if bytes.len() > MOST / TABLE && weight(bytes) > MOST {
        return Err(DocumentError::Dense);
    }
    Ok(())
}

/// Counts what separates values; in texts, too, which have few of it.
fn json_weight(bytes: &[u8]) -> usize {
    memchr::memchr3_iter(b',', b'[', b'{', bytes).count()
}

/// What a table weighs, with room for its first names, whose room is the most of it.
const TABLE: usize = 8;

/// Counts values, names and tables.
fn toml_weight(bytes: &[u8]) -> usize {
    let (mut weight, mut at) = (0, 0);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let (length, adds) = match rest[0] {
            b'"' | b'\'' => (text_length(rest), 0),
            b'#' => (memchr::memchr(b'\n', rest).unwrap_or(rest.len()), 0),
            b',' => (1, 1),
            b'=' => (1, 2),
            // Of a list, or of a table's name.
            b'[' => (1, 6),
            // Each part of a name may be a table.
            b'{' | b'.' => (1, TABLE),
            _ => (1, 0),
        };
        at += length;
        weight += adds;
    }
    weight
}

/// Returns the length of the text of TOML that begins here, with its quotes; one of a single
/// line ends there, whatever it lacks.
fn text_length(rest: &[u8]) -> usize {
    let quote = rest[0];
    let is_long = rest.starts_with(&[quote; 3]);
    let end = &[quote; 3][..if is_long { 3 } else { 1 }];
    let mut at = end.len();
    while let Some(byte) = rest.get(at) {
        if rest[at..].starts_with(end) {
            // A long one may end with two more, which are its own.
            let more = rest[at + end.len()..]
                .iter()
                .take(if is_long { 2 } else { 0 });
            return at + end.len() + more.take_while(|byte| **byte == quote).count();
        }
        if *byte == b'\n' && !is_long {
            break;
        }
        let escapes = quote == b'"' && *byte == b'\\' && rest.get(at + 1) != Some(&b'\n');
        at += if escapes { 2 } else { 1 };
    }
    at.min(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_documents_are_not_read() {
        let list = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        let length = |text: &str| json::<Vec<u8>>(text.as_bytes()).map(|list| list.len());
        assert_eq!(length(&list(MOST)), Ok(MOST));
        let error = Err(DocumentError::Dense);
        assert_eq!(length(&list(MOST + 1)), error);
        assert_eq!(error.clone().map_err(|why| why.or("no list")), error);
        let other = length("{}").map_err(|why| why.or("no list").to_string());
        assert_eq!(other, Err("no list".to_owned()));
        let tables = "[[a]]\n".repeat(MOST / 12 + 1);
        let read = toml::<toml::Table>(tables.as_bytes());
        assert_eq!(read.map(|table| table.len()), error);
        // A text of any length is one value.
        let text = format!("a = \"{}\"", "a.".repeat(MOST));
        assert!(toml::<toml::Table>(text.as_bytes()).is_ok());
    }

    #[test]
    fn weighs_what_stands_outside_of_texts() {
        for text in [
            "# a.b, 'c\n",
            "'a.\\' # \"",
            "\"a.\\\".b,\" # '",
            "\"\"\"a.b\n\",\"\"\"\"\"",
            "'''a.\n'',''''",
            "\"a.",
            "\"a\\",
        ] {
            assert_eq!(toml_weight(text.as_bytes()), 0, "{text}");
            let more = format!("{text}\n{{");
            assert_eq!(toml_weight(more.as_bytes()), TABLE, "{text}");
        }
        assert_eq!(toml_weight(b"a.b = [1, 2]\n"), 8 + 2 + 6 + 1);
        assert_eq!(toml_weight(b"\"a.\n."), TABLE);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(text in "(\"|'|\"\"\"|'''|\\\\|\n|[#a.é]){0,20}") {
            toml_weight(text.as_bytes());
        }
    }
}
