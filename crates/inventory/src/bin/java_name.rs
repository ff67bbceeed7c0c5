//! What the file name of a Java archive says: `name-version.jar`, as Maven's repositories
//! have it (maven.apache.org, "Repository Layout").

/// A file name, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    /// What stands before the version; without the extension.
    pub name: &'a str,
    /// The version, with its classifier if it has one.
    pub version: Option<&'a str>,
}

impl<'a> FileName<'a> {
    /// Splits the last part of a path before the first dash that a digit follows.
    pub(super) fn read(path: &'a str) -> Self {
        let file = path.rsplit_once('/').map_or(path, |(_, file)| file);
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        for (at, _) in stem.match_indices(['-', '_']) {
            let rest = &stem[at + 1..];
            let digits = rest.strip_prefix('v').unwrap_or(rest);
            // `log4j-1.2-api-2.17.1` has the version last.
            let mut behind = rest.split('-').skip_while(|part| looks_like_version(part));
            let last = !behind.any(looks_like_version);
            if at > 0 && looks_like_version(digits) && last {
                return Self {
                    name: &stem[..at],
                    version: Some(digits),
                };
            }
        }
        Self {
            name: stem,
            version: None,
        }
    }

    /// Returns whether the file may be named for this name.
    pub(super) fn is(&self, name: &str) -> bool {
        let same = |a: char, b: char| a == b || (is_dash(a) && is_dash(b));
        let mut ours = self.name.chars();
        let mut theirs = name.chars();
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if same(a, b) => {}
                _ => return false,
            }
        }
    }
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '_' | '.')
}

/// Digits, and perhaps a dot and more.
fn looks_like_version(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && matches!(text.as_bytes().get(digits), None | Some(b'.' | b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str) -> (&str, Option<&str>) {
        let file = FileName::read(path);
        (file.name, file.version)
    }

    #[test]
    fn splits_names() {
        assert_eq!(parts("lib/guava-31.1-jre.jar"), ("guava", Some("31.1-jre")));
        assert_eq!(
            parts("commons-lang3-3.12.0.jar"),
            ("commons-lang3", Some("3.12.0"))
        );
        assert_eq!(
            parts("log4j-1.2-api-2.17.1.jar"),
            ("log4j-1.2-api", Some("2.17.1"))
        );
        let snapshot = "1.0-20230101.123456-1";
        assert_eq!(parts("a-1.0-20230101.123456-1.jar"), ("a", Some(snapshot)));
        assert_eq!(parts("app.jar"), ("app", None));
        assert_eq!(parts("jsr-311-api.jar"), ("jsr", Some("311-api")));
        assert_eq!(parts("-1.jar"), ("-1", None));
        assert!(FileName::read("error-prone-annotation-2.18.0.jar").is("error_prone_annotation"));
        assert!(!FileName::read("guice-4.2.3.jar").is("cglib"));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(path in "[a-z0-9._/v-]{0,20}\\PC{0,4}") {
            FileName::read(&path).is(&path);
        }
    }
}
