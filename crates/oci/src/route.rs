//! The path grammar below `/v2/` (distribution-spec, "Endpoints"), read from its end,
//! because a repository's name may have any number of parts. No part of a name begins with
//! `_`, so `/_trust/` ends the name where there is one.

use crate::{Digest, DigestError, Gun, ReferenceError, RepoName, Tag, TrustRoute};

/// What a path below `/v2/` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// `/v2/`: is this a registry, and am I signed in? (end-1)
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/<name>/blobs/<digest>` (end-2, end-10)
    Blob(RepoName, Digest),
    /// `/v2/<name>/manifests/<tag>` (end-3, end-7, end-9)
    ManifestByTag(RepoName, Tag),
    /// `/v2/<name>/manifests/<digest>`
    ManifestByDigest(RepoName, Digest),
    /// `/v2/<name>/blobs/uploads/` (end-4)
    Uploads(RepoName),
    /// `/v2/<name>/blobs/uploads/<id>` (end-5, end-6, end-13, end-14)
    Upload(RepoName, String),
    /// `/v2/<name>/tags/list` (end-8)
    Tags(RepoName),
    /// `/v2/<name>/referrers/<digest>` (end-12)
    Referrers(RepoName, Digest),
    /// `/v2/<gun>/_trust/…` (Notary v1)
    Trust(Gun, TrustRoute),
    /// `/v2/_trust/changefeed` (Notary v1)
    TrustChanges,
}

/// Why a path names nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// No endpoint has this form.
    #[error("no endpoint of the distribution API has this path")]
    Unknown,
    /// The repository's name breaks the grammar.
    #[error(transparent)]
    Name(ReferenceError),
    /// The tag breaks the grammar.
    #[error(transparent)]
    Tag(ReferenceError),
    /// The digest is malformed.
    #[error(transparent)]
    Digest(#[from] DigestError),
    /// No endpoint of content trust has this form, or the name before it is none.
    #[error("no endpoint of content trust has this path")]
    Trust,
}

impl Route {
    /// Reads `path`, which starts with `/v2`.
    ///
    /// # Errors
    /// [`RouteError`] says which part is wrong.
    pub fn parse(path: &str) -> Result<Self, RouteError> {
        let rest = path.strip_prefix("/v2").ok_or(RouteError::Unknown)?;
        match rest {
            "" | "/" => return Ok(Self::Base),
            "/_catalog" => return Ok(Self::Catalog),
            "/_trust/changefeed" => return Ok(Self::TrustChanges),
            _ => {}
        }
        let rest = rest.strip_prefix('/').ok_or(RouteError::Unknown)?;
        if let Some((gun, rest)) = rest.split_once("/_trust/") {
            let gun = gun.parse().map_err(|_| RouteError::Trust)?;
            let route = TrustRoute::parse(rest).ok_or(RouteError::Trust)?;
            return Ok(Self::Trust(gun, route));
        }
        let name = |text: &str| text.parse::<RepoName>().map_err(RouteError::Name);
        if let Some(repo) = rest.strip_suffix("/tags/list") {
            return Ok(Self::Tags(name(repo)?));
        }
        if let Some(repo) = rest
            .strip_suffix("/blobs/uploads")
            .or_else(|| rest.strip_suffix("/blobs/uploads/"))
        {
            return Ok(Self::Uploads(name(repo)?));
        }
        let (head, last) = rest.rsplit_once('/').ok_or(RouteError::Unknown)?;
        if let Some(repo) = head.strip_suffix("/blobs/uploads") {
            return Ok(Self::Upload(name(repo)?, last.to_owned()));
        }
        if let Some(repo) = head.strip_suffix("/blobs") {
            return Ok(Self::Blob(name(repo)?, last.parse()?));
        }
        if let Some(repo) = head.strip_suffix("/referrers") {
            return Ok(Self::Referrers(name(repo)?, last.parse()?));
        }
        let repo = name(head.strip_suffix("/manifests").ok_or(RouteError::Unknown)?)?;
        if last.contains(':') {
            return Ok(Self::ManifestByDigest(repo, last.parse()?));
        }
        Ok(Self::ManifestByTag(
            repo,
            last.parse().map_err(RouteError::Tag)?,
        ))
    }

    /// Returns the repository, where the path names one.
    pub fn repo(&self) -> Option<&RepoName> {
        match self {
            Self::Base | Self::Catalog | Self::TrustChanges => None,
            Self::Trust(gun, _) => Some(gun.repo()),
            Self::Blob(repo, _)
            | Self::ManifestByTag(repo, _)
            | Self::ManifestByDigest(repo, _)
            | Self::Uploads(repo)
            | Self::Upload(repo, _)
            | Self::Tags(repo)
            | Self::Referrers(repo, _) => Some(repo),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_every_endpoint() {
        let digest = Digest::of(b"");
        let repo: RepoName = "a/manifests/b".parse().expect("a name");
        let check = |path: &str, route: Route| assert_eq!(Route::parse(path), Ok(route), "{path}");
        check("/v2/", Route::Base);
        check("/v2/a/manifests/b/tags/list", Route::Tags(repo.clone()));
        check(
            &format!("/v2/a/manifests/b/blobs/{digest}"),
            Route::Blob(repo.clone(), digest.clone()),
        );
        check(
            "/v2/a/manifests/b/blobs/uploads/",
            Route::Uploads(repo.clone()),
        );
        check(
            "/v2/a/manifests/b/blobs/uploads/x1",
            Route::Upload(repo.clone(), "x1".to_owned()),
        );
        check(
            "/v2/a/manifests/b/manifests/v1",
            Route::ManifestByTag(repo.clone(), "v1".parse().expect("a tag")),
        );
        check(
            &format!("/v2/a/manifests/b/manifests/{digest}"),
            Route::ManifestByDigest(repo.clone(), digest.clone()),
        );
        check(
            &format!("/v2/a/manifests/b/referrers/{digest}"),
            Route::Referrers(repo.clone(), digest),
        );
        check(
            "/v2/localhost:5000/a/manifests/b/_trust/changefeed",
            Route::Trust(Gun::new("localhost:5000", &repo), TrustRoute::Changes),
        );
        check("/v2/_trust/changefeed", Route::TrustChanges);
    }

    #[test]
    fn says_what_is_wrong() {
        assert!(matches!(
            Route::parse("/v2/A/tags/list"),
            Err(RouteError::Name(_))
        ));
        assert!(matches!(
            Route::parse("/v2/a/blobs/sha256:1"),
            Err(RouteError::Digest(_))
        ));
        assert!(matches!(
            Route::parse("/v2/a/manifests/.x"),
            Err(RouteError::Tag(_))
        ));
        assert_eq!(Route::parse("/v2/a"), Err(RouteError::Unknown));
        for path in [
            "/v2/a/_trust/tuf/root.json",
            "/v2/h/a/_trust/tuf/x.json",
            "/v2/h/a/_trust/",
        ] {
            assert_eq!(Route::parse(path), Err(RouteError::Trust), "{path}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(path in "/v2/[a-zA-Z0-9/:._@-]{0,80}") {
            let _route = Route::parse(&path);
        }
    }
}
