//! Names of repositories, tags and images (distribution-spec, "Pulling manifests").
//!
//! ```text
//! reference := [host "/"] name [":" tag] ["@" digest]
//! name      := part *("/" part)            at most 255 characters with the host
//! part      := [a-z0-9]+ ( ("." | "_" | "__" | "-"+) [a-z0-9]+ )*
//! tag       := [a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}
//! host      := has a "." or a ":" or is "localhost"
//! ```

use std::{fmt, path::PathBuf, str::FromStr};

use crate::{Digest, DigestError};

/// What is wrong with a name, a tag or a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// A repository name breaks the grammar.
    #[error(
        "`{0}` is no repository name: use lower-case letters, digits, `.`, `_`, `-`, in parts joined by `/`"
    )]
    Name(String),
    /// A tag breaks the grammar.
    #[error(
        "`{0}` is no tag: use letters, digits, `_`, `.`, `-`, at most 128, not starting with `.` or `-`"
    )]
    Tag(String),
    /// The digest after `@` is malformed.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// A transport such as `oci:` names no file.
    #[error("`{0}` names no path: write it as `{0}PATH`")]
    Path(String),
    /// Nothing was given.
    #[error("the image reference is empty")]
    Empty,
}

/// A repository's name, such as `acme/database`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoName(String);

impl RepoName {
    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the parts between the slashes.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('/')
    }
}

impl FromStr for RepoName {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() <= 255 && !text.is_empty() && text.split('/').all(is_part) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReferenceError::Name(text.chars().take(300).collect()))
        }
    }
}

impl fmt::Display for RepoName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_part(part: &str) -> bool {
    let bytes = part.as_bytes();
    let word = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    if !word(first) || !word(last) {
        return false;
    }
    bytes
        .split(word)
        .filter(|run| !run.is_empty())
        .all(|separator| {
            matches!(separator, b"." | b"_" | b"__") || separator.iter().all(|b| *b == b'-')
        })
}

/// A tag, such as `1.4`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// Returns the tag.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
        let starts = text
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
        if starts && text.len() <= 128 && text.bytes().all(legal) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ReferenceError::Tag(text.chars().take(200).collect()))
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An image in a registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    /// Host and port; none means the registry that is being talked to.
    pub host: Option<String>,
    /// The repository.
    pub repo: RepoName,
    /// The tag, if one was written.
    pub tag: Option<Tag>,
    /// The digest, if one was written; it has the last word.
    pub digest: Option<Digest>,
}

impl Reference {
    /// Returns what goes after `/manifests/`: the digest, else the tag, else `latest`.
    pub fn target(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.to_string(),
            (None, None) => "latest".to_owned(),
        }
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.is_empty() {
            return Err(ReferenceError::Empty);
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let (host, rest) = match rest.split_once('/') {
            Some((first, name)) if is_host(first) => (Some(first.to_owned()), name),
            _ => (None, rest),
        };
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) => (name, Some(tag.parse()?)),
            None => (rest, None),
        };
        Ok(Self {
            host,
            repo: name.parse()?,
            tag,
            digest,
        })
    }
}

fn is_host(text: &str) -> bool {
    text == "localhost" || text.contains(['.', ':'])
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(host) = &self.host {
            write!(f, "{host}/")?;
        }
        write!(f, "{}", self.repo)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest
            .as_ref()
            .map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

/// An image as users of skopeo and crane write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImageRef {
    /// `host/name:tag` or `docker://host/name:tag`.
    Registry(Reference),
    /// `oci:DIR[:TAG]`.
    OciLayout(PathBuf, Option<String>),
    /// `oci-archive:FILE[:TAG]`.
    OciArchive(PathBuf, Option<String>),
    /// `docker-archive:FILE[:NAME:TAG]`.
    DockerArchive(PathBuf, Option<String>),
    /// `dir:ROOTFS`, a root file system.
    Rootfs(PathBuf),
}

impl FromStr for ImageRef {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        type Make = fn(PathBuf, Option<String>) -> ImageRef;
        let transports: [(&str, Make); 4] = [
            ("oci:", ImageRef::OciLayout),
            ("oci-archive:", ImageRef::OciArchive),
            ("docker-archive:", ImageRef::DockerArchive),
            ("dir:", |path, _| ImageRef::Rootfs(path)),
        ];
        for (prefix, make) in transports {
            if let Some(rest) = text.strip_prefix(prefix) {
                if rest.is_empty() {
                    return Err(ReferenceError::Path(prefix.to_owned()));
                }
                let (path, tag) = match rest.split_once(':') {
                    Some((path, tag)) if prefix != "dir:" => (path, Some(tag.to_owned())),
                    _ => (rest, None),
                };
                return Ok(make(PathBuf::from(path), tag));
            }
        }
        Ok(Self::Registry(
            text.strip_prefix("docker://").unwrap_or(text).parse()?,
        ))
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (prefix, path, tag) = match self {
            Self::Registry(reference) => return reference.fmt(f),
            Self::OciLayout(path, tag) => ("oci", path, tag.as_ref()),
            Self::OciArchive(path, tag) => ("oci-archive", path, tag.as_ref()),
            Self::DockerArchive(path, tag) => ("docker-archive", path, tag.as_ref()),
            Self::Rootfs(path) => ("dir", path, None),
        };
        write!(f, "{prefix}:{}", path.display())?;
        tag.map_or(Ok(()), |tag| write!(f, ":{tag}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_users_write() {
        let full: Reference = "127.0.0.1:5000/acme/db:1.4".parse().expect("a reference");
        assert_eq!(full.host.as_deref(), Some("127.0.0.1:5000"));
        assert_eq!(full.repo.as_str(), "acme/db");
        assert_eq!(full.target(), "1.4");
        let bare: Reference = "acme/db".parse().expect("a reference");
        assert_eq!(
            (bare.host.clone(), bare.target()),
            (None, "latest".to_owned())
        );
    }

    #[test]
    fn reads_transports() {
        assert_eq!(
            "oci:a/b:v1".parse(),
            Ok(ImageRef::OciLayout("a/b".into(), Some("v1".to_owned())))
        );
        assert_eq!("dir:/x:y".parse(), Ok(ImageRef::Rootfs("/x:y".into())));
        assert_eq!(
            "docker-archive:f.tar:a:b".parse(),
            Ok(ImageRef::DockerArchive(
                "f.tar".into(),
                Some("a:b".to_owned())
            ))
        );
        assert_eq!(
            "oci:".parse::<ImageRef>(),
            Err(ReferenceError::Path("oci:".to_owned()))
        );
    }

    #[test]
    fn refuses_bad_names() {
        for bad in [
            "", "A", "a//b", "/a", "a/", "a..b", "a___b", "-a", "a_", "a b", "ü",
        ] {
            assert!(bad.parse::<RepoName>().is_err(), "{bad}");
        }
        for good in ["a", "a.b", "a__b", "a---b", "a/b_c/d.e"] {
            assert!(good.parse::<RepoName>().is_ok(), "{good}");
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_round_trips(text in "\\PC{0,60}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>(), Ok(reference));
            }
            let _image = text.parse::<ImageRef>();
        }
    }
}
