//! The manifest of a Java archive: the attributes of its main section (JAR file
//! specification, "JAR Manifest"; OSGi Core, 3.2 "Bundles").

use std::collections::BTreeMap;

use crate::licenses;

/// Attributes that say what the archive is.
static KEPT: &[&str] = &[
    "Bundle-License",
    "Bundle-Name",
    "Bundle-SymbolicName",
    "Bundle-Version",
    "Extension-Name",
    "Group-Id",
    "Implementation-Title",
    "Implementation-Vendor-Id",
    "Implementation-Version",
    "Nar-Group",
    "Nar-Id",
    "Nar-Version",
    "Plugin-Version",
    "Short-Name",
    "Specification-Version",
];

/// Characters of the licences that are looked at.
const MAX_LICENSE: usize = 2000;

/// What the main section says.
#[derive(Debug, Default)]
pub(super) struct Manifest(BTreeMap<&'static str, String>);

impl Manifest {
    /// Reads up to the first empty line; a line that begins with a space continues the last.
    pub(super) fn read(text: &str) -> Self {
        let mut attributes = BTreeMap::<&'static str, String>::new();
        let mut last: Option<&'static str> = None;
        for line in text.lines() {
            if line.trim().is_empty() {
                break;
            }
            if let Some(more) = line.strip_prefix(' ') {
                let value = last.and_then(|key| attributes.get_mut(key));
                if let Some(value) = value {
                    value.push_str(more);
                }
                continue;
            }
            let Some((key, value)) = line.split_once(':') else {
                continue;
            };
            let kept = |known: &&&str| known.eq_ignore_ascii_case(key.trim());
            last = KEPT.iter().find(kept).copied();
            if let Some(key) = last {
                attributes.insert(key, value.trim_start().to_owned());
            }
        }
        Self(attributes)
    }

    /// Returns an attribute, unless it is empty or what a build tool should have replaced.
    pub(super) fn get(&self, key: &str) -> Option<&str> {
        let value = self.0.get(key)?.trim();
        let usable = !value.is_empty() && !value.contains("${") && value.len() < 200;
        let usable = usable && !(key.ends_with("Version") && value.contains(char::is_whitespace));
        usable.then_some(value)
    }

    /// Returns the archive's own version.
    pub(super) fn version(&self) -> Option<&str> {
        self.get("Implementation-Version")
            .or_else(|| self.get("Bundle-Version"))
    }

    /// Returns group and name where a build tool wrote both: an archive of Apache NiFi, or
    /// `group#name;version`, as Netflix' plugins of Gradle do.
    pub(super) fn coordinates(&self) -> Option<(&str, &str)> {
        let nar = self.get("Nar-Group").zip(self.get("Nar-Id"));
        let both = nar.or_else(|| {
            let (group, rest) = self.get("Implementation-Title")?.split_once('#')?;
            Some((group, rest.split_once(';')?.0))
        });
        both.filter(|(group, name)| is_word(group) && is_word(name))
    }

    /// Returns a name that may be Maven's: a word. Names of OSGi are none, but may say of what
    /// the file is called that it is.
    pub(super) fn name<'s>(&'s self, file: &'s str) -> Option<&'s str> {
        let word = |text: &&str| is_word(text);
        let title = self.get("Implementation-Title").filter(word);
        let plugin = self.get("Short-Name").filter(word);
        // Names of bundles are for people, and of artifacts are in lower case.
        let bundle = self.get("Bundle-Name").filter(word);
        let bundle = bundle.filter(|name| !name.contains(|c: char| c.is_ascii_uppercase()));
        plugin
            .or(title)
            .or_else(|| self.get("Extension-Name").filter(word))
            .or(bundle)
            .or_else(|| {
                let symbolic = self.symbolic_name()?;
                let last = symbolic.rsplit('.').next().unwrap_or(symbolic);
                let same = !last.is_empty() && file.ends_with(last);
                Some(if same { file } else { symbolic })
            })
    }

    /// Returns whether it is of Tomcat's own archives, whose file names lack the beginning that
    /// they have in Maven's repository.
    pub(super) fn is_tomcat(&self) -> bool {
        self.get("Implementation-Title") == Some("Apache Tomcat")
    }

    /// Returns whether it knows the archive by this name, or by one that ends so.
    pub(super) fn names(&self, name: &str) -> bool {
        let name = plain(name);
        let known = [
            self.get("Implementation-Title"),
            self.get("Short-Name"),
            self.get("Extension-Name"),
            self.get("Bundle-Name"),
            self.symbolic_name(),
        ];
        known
            .into_iter()
            .flatten()
            .any(|known| !name.is_empty() && plain(known).ends_with(&name))
    }

    /// Returns Maven's group, as it is written.
    pub(super) fn stated_group(&self) -> Option<&str> {
        let group = self
            .get("Group-Id")
            .or_else(|| self.get("Implementation-Vendor-Id"));
        group.filter(|group| is_word(group))
    }

    /// Returns Maven's group: as it is written, or what stands before the name in OSGi's.
    pub(super) fn group(&self, name: &str) -> Option<String> {
        if let Some(group) = self.stated_group() {
            return Some(group.to_owned());
        }
        let symbolic = self.symbolic_name().filter(|text| text.contains('.'))?;
        // `org.apache.commons.lang3` of `commons-lang3`, but `com.google.inject` of `guice`.
        let group = match symbolic.rsplit_once('.') {
            _ if symbolic.ends_with(name) => &symbolic[..symbolic.len() - name.len()],
            Some((group, last)) if name.ends_with(last) => group,
            _ => symbolic,
        };
        Some(group.trim_end_matches('.').to_owned()).filter(|group| !group.is_empty())
    }

    /// Returns the licences, whose names may have commas and addresses may stand for
    /// (OSGi Core, 3.2.1.10 "Bundle-License").
    pub(super) fn licenses(&self) -> Vec<String> {
        let text = self.0.get("Bundle-License").map_or("", String::as_str);
        let clauses = names(&text.chars().take(MAX_LICENSE).collect::<String>());
        let (mut found, mut rest) = (Vec::new(), &clauses[..]);
        while let [first, more @ ..] = rest {
            // `Apache License, Version 2.0` is one name.
            let joined = more.first().map(|second| format!("{first}, {second}"));
            let joined = joined.filter(|text| licenses::is_known(text));
            rest = &more[usize::from(joined.is_some())..];
            let name = licenses::normalise(joined.as_ref().unwrap_or(first));
            found.extend(name.filter(|name| !name.contains("://") && !name.contains('<')));
        }
        found.dedup();
        found
    }

    /// Returns OSGi's name without its directives.
    fn symbolic_name(&self) -> Option<&str> {
        let name = self.get("Bundle-SymbolicName")?.split(';').next()?.trim();
        is_word(name).then_some(name)
    }
}

/// Returns the names of a list's clauses, without quotes and attributes.
fn names(text: &str) -> Vec<String> {
    let (mut names, mut name) = (Vec::new(), String::new());
    let (mut quoted, mut attributes) = (false, false);
    for c in text.chars().chain([',']) {
        match c {
            '"' => quoted = !quoted,
            ';' if !quoted => attributes = true,
            ',' if !quoted => {
                attributes = false;
                names.push(std::mem::take(&mut name).trim().to_owned());
            }
            c if !attributes => name.push(c),
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(is_of_name)
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')
}

/// Leaves only what does not depend on taste.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_group_and_name() {
        let manifest = Manifest::read(
            "Manifest-Version: 1.0\r\nBundle-SymbolicName: org.apache.commons.lang3;single\r\n \
             ton:=true\r\nBundle-Version: 3.12.0\r\n",
        );
        let symbolic = "org.apache.commons.lang3";
        assert_eq!(manifest.name("library"), Some(symbolic));
        assert_eq!(manifest.name("commons-lang3"), Some("commons-lang3"));
        assert_eq!(
            manifest.group("commons-lang3").as_deref(),
            Some("org.apache.commons")
        );
        assert!(manifest.names("commons-lang3"));
        assert_eq!(manifest.version(), Some("3.12.0"));
        let plugin = Manifest::read("Group-Id: org.jenkins\nShort-Name: git\nPlugin-Version: 5\n");
        assert_eq!(plugin.name("x"), Some("git"));
        assert_eq!(plugin.group("git").as_deref(), Some("org.jenkins"));
        let unfilled = Manifest::read("Implementation-Version: ${version}\n");
        assert_eq!(unfilled.version(), None);
    }

    #[test]
    fn reads_licences_with_commas_addresses_and_attributes() {
        let of = |text: &str| Manifest::read(&format!("Bundle-License: {text}\n")).licenses();
        assert_eq!(of("Apache License, Version 2.0"), ["Apache-2.0"]);
        assert_eq!(
            of("https://www.apache.org/licenses/LICENSE-2.0.txt"),
            ["Apache-2.0"]
        );
        let both = "\"Apache-2.0\";link=\"https://a.example/x,y\", MIT;description=\"a; b\"";
        assert_eq!(of(both), ["Apache-2.0", "MIT"]);
        assert_eq!(
            of("\"GPL2 w/ CPE\";link=x, https://a.example/ours"),
            ["GPL2 w/ CPE"]
        );
        assert_eq!(
            of("EPL-1.0, Apache License, Version 2.0"),
            ["EPL-1.0", "Apache-2.0"]
        );
        assert_eq!(of("<<EXTERNAL>>").len() + of("").len(), 0);
    }

    proptest::proptest! {
        #[test]
        fn never_panics(
            text in "((Bundle-SymbolicName|Implementation-Title|Bundle-License)?:? ?[\\PC]{0,9}\n){0,6}",
            name in "\\PC{0,6}",
        ) {
            let manifest = Manifest::read(&text);
            manifest.group(&name);
            manifest.name(&name);
            manifest.coordinates();
            manifest.names(&name);
            manifest.licenses();
        }
    }
}
