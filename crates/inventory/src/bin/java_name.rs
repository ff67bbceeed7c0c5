//! What the file name of a Java archive says: `name-version.jar`, as Maven's repositories
//! have it (maven.apache.org, "Repository Layout"), or `group.name-version.jar`, as Quarkus and
//! sbt-native-packager write it.

use super::java_group;

/// A file name, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileName<'a> {
    /// What stands before the version; without the extension.
    pub name: &'a str,
    /// The version, with its classifier if it has one.
    pub version: Option<&'a str>,
    /// The folder, without a slash at the end.
    pub folder: &'a str,
}

/// Where Quarkus puts the archives of an application, all of them with their groups.
static QUARKUS: &[&str] = &["lib/main", "lib/boot"];

impl<'a> FileName<'a> {
    /// Splits the last part of a path before the first dash that a digit follows.
    pub(super) fn read(path: &'a str) -> Self {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
        for (at, _) in stem.match_indices(['-', '_']) {
            let rest = &stem[at + 1..];
            let digits = rest.strip_prefix('v').unwrap_or(rest);
            // `log4j-1.2-api-2.17.1` has the version last.
            let mut behind = rest.split('-').skip_while(|part| looks_like_version(part));
            let last = !behind.any(looks_like_version);
            if at > 0
                && looks_like_version(digits)
                && last
                && !(stem[at..].starts_with('_') && is_scala(rest))
            {
                return Self {
                    name: &stem[..at],
                    version: Some(digits),
                    folder,
                };
            }
        }
        Self {
            name: stem,
            version: None,
            folder,
        }
    }

    /// Returns group and name of `group.name`. OSGi's names look the same and are whole names
    /// (`org.jacoco.agent`), so it needs a reason: the table of groups, the group that the
    /// manifest states, a name that begins with a part of the group, or the folder.
    pub(super) fn qualified(&self, stated: Option<&str>) -> Option<(&'a str, &'a str)> {
        self.version?;
        // A dot before a digit is one of a version: `org.apache.kafka.kafka_2.13`.
        let mut splits = self.name.match_indices('.').filter_map(|(at, _)| {
            let (group, name) = (&self.name[..at], &self.name[at + 1..]);
            let begins = name.starts_with(|c: char| c.is_ascii_alphabetic());
            (begins && !group.is_empty()).then_some((group, name))
        });
        let known = |(group, name): &(&str, &str)| {
            java_group::of(name, self.version).is_some_and(|known| known.group == *group)
        };
        let agreed = |(group, _): &(&str, &str)| stated == Some(group);
        splits
            .clone()
            .find(known)
            .or_else(|| splits.clone().find(agreed))
            .or_else(|| splits.clone().find(repeats))
            .or_else(|| {
                let parent = QUARKUS.iter().any(|end| self.folder.ends_with(end));
                splits.next_back().filter(|_| parent)
            })
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

/// Returns whether the name begins with a part of the group: `io.netty` and `netty-buffer`.
fn repeats((group, name): &(&str, &str)) -> bool {
    let begins = |part: &str| {
        let rest = name.strip_prefix(part);
        !part.is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(is_dash))
    };
    group.split('.').any(begins)
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '_' | '.')
}

/// Scala's version is part of a name: `kafka_2.13-3.4.0`.
fn is_scala(rest: &str) -> bool {
    let parts = rest.split_once('-');
    parts.is_some_and(|(scala, version)| {
        matches!(scala, "2.10" | "2.11" | "2.12" | "2.13" | "3") && looks_like_version(version)
    })
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
        assert_eq!(parts("kafka_2.13-3.4.0.jar"), ("kafka_2.13", Some("3.4.0")));
        assert_eq!(parts("jsr-311-api.jar"), ("jsr", Some("311-api")));
        assert_eq!(parts("-1.jar"), ("-1", None));
        assert!(FileName::read("error-prone-annotation-2.18.0.jar").is("error_prone_annotation"));
        assert!(!FileName::read("guice-4.2.3.jar").is("cglib"));
    }

    #[test]
    fn finds_the_group_in_front() {
        let of = |path, stated| FileName::read(path).qualified(stated);
        assert_eq!(
            of("org.postgresql.postgresql-42.6.0.jar", None),
            Some(("org.postgresql", "postgresql"))
        );
        assert_eq!(
            of("org.hibernate.orm.hibernate-core-6.2.13.Final.jar", None),
            Some(("org.hibernate.orm", "hibernate-core"))
        );
        let bind = "a/jakarta.xml.bind.jakarta.xml.bind-api-4.0.0.jar";
        let both = ("jakarta.xml.bind", "jakarta.xml.bind-api");
        assert_eq!(of(bind, None), Some(both));
        let kafka = "org.apache.kafka.kafka_2.13-3.4.0.jar";
        let both = ("org.apache.kafka", "kafka_2.13");
        assert_eq!(of(kafka, None), Some(both));
        let mutiny = "lib/main/io.smallrye.reactive.mutiny-2.5.1.jar";
        let both = ("io.smallrye.reactive", "mutiny");
        assert_eq!(of(mutiny, None), Some(both));
        assert_eq!(of("org.acme.tool-1.0.jar", None), None);
        let both = ("org.acme", "tool");
        assert_eq!(of("org.acme.tool-1.0.jar", Some("org.acme")), Some(both));
        // These are names of their own.
        for whole in [
            "org.jacoco.agent-0.8.11.jar",
            "jakarta.servlet-api-5.0.0.jar",
            "jakarta.xml.bind-api-4.0.0.jar",
            "org.eclipse.osgi-3.18.0.jar",
            "log4j-1.2-api-2.17.1.jar",
        ] {
            assert_eq!(of(whole, None), None, "{whole}");
        }
    }

    proptest::proptest! {
        #[test]
        fn never_panics(path in "[a-z0-9._/v-]{0,20}\\PC{0,4}") {
            FileName::read(&path).is(&path);
            FileName::read(&format!("lib/main/{path}")).qualified(Some("a"));
        }
    }
}
