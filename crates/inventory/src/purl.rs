//! Package URLs (ECMA-427): reading, writing, and what each type asks for.

mod types;

use std::{collections::BTreeMap, fmt, str::FromStr};

use crate::{Distribution, Kind, Package};

/// A package URL in canonical form.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageUrl {
    /// The type, such as `deb`.
    pub kind: String,
    /// The namespace's segments between slashes, decoded; or empty.
    pub namespace: String,
    /// The name, decoded.
    pub name: String,
    /// The version, decoded; or empty.
    pub version: String,
    /// Qualifiers by key.
    pub qualifiers: BTreeMap<String, String>,
    /// The subpath, decoded; or empty.
    pub subpath: String,
}

/// Why something is no package URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PurlError {
    /// It does not begin with the scheme and a type.
    #[error("a package URL begins with `pkg:` and a type, such as `pkg:deb/`")]
    Scheme,
    /// The type has characters that no type has.
    #[error("`{0}` is no type of a package URL")]
    Type(String),
    /// There is no name.
    #[error("the package URL has no name")]
    Name,
    /// A qualifier's key has characters that no key has, or is no lower case.
    #[error("`{0}` is no key of a qualifier")]
    Key(String),
    /// An escape of two hexadecimal digits is broken, or what it stands for is no UTF-8.
    #[error("`{0}` has a broken escape")]
    Escape(String),
    /// The type has a rule that it breaks.
    #[error("a package URL of type `{kind}` {rule}")]
    Rule {
        /// The type.
        kind: String,
        /// What it asks for.
        rule: &'static str,
    },
}

impl PackageUrl {
    /// Brings all parts into the form that their type asks for.
    ///
    /// # Errors
    /// [`PurlError`] names the part that cannot be so.
    pub fn canonical(mut self) -> Result<Self, PurlError> {
        if !is_word(&self.kind, ".-") {
            return Err(PurlError::Type(self.kind));
        }
        for key in self.qualifiers.keys() {
            if !is_word(key, ".-_") {
                return Err(PurlError::Key(key.clone()));
            }
        }
        self.normalise();
        if self.name.is_empty() {
            return Err(PurlError::Name);
        }
        types::check(&self)?;
        Ok(self)
    }

    fn normalise(&mut self) {
        self.kind.make_ascii_lowercase();
        self.namespace = segments(&self.namespace, |_| true);
        self.subpath = segments(&self.subpath, |part| part != "." && part != "..");
        self.name = self.name.trim_matches('/').to_owned();
        let qualifiers = std::mem::take(&mut self.qualifiers).into_iter();
        self.qualifiers = qualifiers
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (key.to_ascii_lowercase(), value))
            .collect();
        types::normalise(self);
    }
}

fn segments(path: &str, keep: impl Fn(&str) -> bool) -> String {
    let parts = path
        .split('/')
        .filter(|part| !part.is_empty() && keep(part));
    parts.collect::<Vec<_>>().join("/")
}

/// Returns whether `text` begins with a letter and has else only letters, digits and `more`.
fn is_word(text: &str, more: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || more.contains(c))
}

impl FromStr for PackageUrl {
    type Err = PurlError;

    /// Reads a package URL. The specification's vectors refuse keys of qualifiers that begin
    /// with a capital, and take one with a capital within.
    fn from_str(text: &str) -> Result<Self, PurlError> {
        let qualifiers = text
            .split_once('?')
            .map_or("", |(_, qualifiers)| qualifiers);
        let keys = qualifiers
            .split(['&', '#'])
            .filter_map(|pair| pair.split_once('='));
        let upper = |key: &&str| key.starts_with(|c: char| c.is_ascii_uppercase());
        if let Some(key) = keys.map(|(key, _)| key).find(upper) {
            return Err(PurlError::Key(key.to_owned()));
        }
        Self::lenient(text)
    }
}

impl PackageUrl {
    /// Reads what is meant as a package URL, whatever the case of its keys.
    /// Reads from the end, as the parts behind may hold the separators of those before.
    ///
    /// # Errors
    /// [`PurlError`] names the part that makes no sense.
    pub fn lenient(text: &str) -> Result<Self, PurlError> {
        let (rest, subpath) = text.rsplit_once('#').unwrap_or((text, ""));
        let (rest, qualifiers) = rest.rsplit_once('?').unwrap_or((rest, ""));
        let scheme = rest.get(..4).ok_or(PurlError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("pkg:") {
            return Err(PurlError::Scheme);
        }
        let rest = rest[4..].trim_matches('/');
        let (kind, rest) = rest.split_once('/').ok_or(PurlError::Scheme)?;
        let (path, version) = split_version(rest.trim_start_matches('/'));
        let (namespace, name) = types::split_name(kind, path);
        Self {
            kind: kind.to_owned(),
            namespace: decode(namespace)?,
            name: decode(name)?,
            version: decode(version)?,
            qualifiers: read_qualifiers(qualifiers)?,
            subpath: decode(subpath)?,
        }
        .canonical()
    }
}

/// The last `@` begins the version, unless it begins a namespace (an npm scope).
fn split_version(path: &str) -> (&str, &str) {
    let Some((before, after)) = path.rsplit_once('@') else {
        return (path, "");
    };
    let begins = before.is_empty() || before.ends_with('/');
    if begins && after.contains('/') {
        return (path, "");
    }
    (before, after)
}

fn read_qualifiers(text: &str) -> Result<BTreeMap<String, String>, PurlError> {
    let mut qualifiers = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        qualifiers.insert(key.to_owned(), decode(value)?);
    }
    Ok(qualifiers)
}

impl fmt::Display for PackageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("pkg:{}/", self.kind);
        let path = |path: &str, text: &mut String| {
            for (place, part) in path.split('/').enumerate() {
                if place > 0 {
                    text.push('/');
                }
                encode(text, part);
            }
        };
        if !self.namespace.is_empty() {
            path(&self.namespace, &mut text);
            text.push('/');
        }
        if types::is_path(&self.kind) {
            path(&self.name, &mut text);
        } else {
            encode(&mut text, &self.name);
        }
        if !self.version.is_empty() {
            text.push('@');
            encode(&mut text, &self.version);
        }
        let mut separator = '?';
        for (key, value) in &self.qualifiers {
            text.push(separator);
            text.push_str(key);
            text.push('=');
            encode(&mut text, value);
            separator = '&';
        }
        if !self.subpath.is_empty() {
            text.push('#');
            path(&self.subpath, &mut text);
        }
        f.write_str(&text)
    }
}

/// Percent-encodes all but the unreserved characters and the colon
/// (ECMA-427, "Character encoding").
pub(crate) fn encode(out: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_~:".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |value: u8| char::from(DIGITS[usize::from(value & 15)]);
            out.extend(['%', digit(byte >> 4), digit(byte)]);
        }
    }
}

fn decode(text: &str) -> Result<String, PurlError> {
    let broken = || PurlError::Escape(text.to_owned());
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = char::from(bytes.next()?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(broken());
        };
        out.push(high << 4 | low);
    }
    String::from_utf8(out).map_err(|_| broken())
}

/// Returns a package's URL, such as
/// `pkg:deb/debian/openssl@1.1.1n-0%2Bdeb11u5?arch=amd64&distro=debian-11`.
pub(crate) fn purl(package: &Package, distribution: Option<&Distribution>) -> String {
    let mut url = PackageUrl {
        kind: package.kind.as_str().to_owned(),
        namespace: package.namespace.clone(),
        name: package.name.clone(),
        version: package.version.clone(),
        qualifiers: package.qualifiers.clone(),
        subpath: String::new(),
    };
    let mut set = |key: &str, value: String| {
        url.qualifiers.insert(key.to_owned(), value);
    };
    set("arch", package.architecture.clone());
    if package.kind.is_distribution() && package.other_distribution().is_none() {
        set(
            "distro",
            distribution
                .and_then(Distribution::label)
                .unwrap_or_default(),
        );
        let id = distribution.map(|distribution| distribution.id.clone());
        let own = match package.kind {
            Kind::Apk => "alpine",
            Kind::Deb => "debian",
            Kind::Pacman => "arch",
            _ => "",
        };
        url.namespace = id.filter(|id| !id.is_empty()).unwrap_or(own.to_owned());
    }
    if package.kind == Kind::Rpm
        && let Some((epoch, version)) = package.version.split_once(':')
    {
        url.version = version.to_owned();
        url.qualifiers.insert("epoch".to_owned(), epoch.to_owned());
    }
    // What a type asks for may be missing in an image; the URL is then as good as it gets.
    url.normalise();
    url.to_string()
}

#[cfg(test)]
mod tests;
