//! What a request asks for: a path and a method become one value, which authorisation and
//! handlers share. A method that a path does not have never gets further than here.

use app::market::RepositoryAction;
use axum::http::Method;
use oci::{Digest, Gun, RepoName, Route, Tag, TrustRoute};

/// What names a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// A tag.
    Tag(Tag),
    /// A digest.
    Digest(Digest),
}

impl Target {
    /// Returns the reference as it stands in the path.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Tag(tag) => tag.as_str(),
            Self::Digest(digest) => digest.as_str(),
        }
    }
}

/// What names a file of trust metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TrustTarget {
    /// The newest.
    Newest,
    /// Its digest.
    Digest(String),
    /// Its number.
    Version(i64),
}

/// Everything that can be asked of the registry (distribution-spec, "Endpoints"; Notary v1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// end-1
    Base,
    /// Docker's list of repositories.
    Catalog,
    /// end-2
    HeadBlob(RepoName, Digest),
    /// end-2
    GetBlob(RepoName, Digest),
    /// end-10
    DeleteBlob(RepoName, Digest),
    /// end-3
    HeadManifest(RepoName, Target),
    /// end-3
    GetManifest(RepoName, Target),
    /// end-7
    PutManifest(RepoName, Target),
    /// end-9
    DeleteManifest(RepoName, Target),
    /// end-4, end-11
    StartUpload(RepoName),
    /// end-13
    UploadStatus(RepoName, String),
    /// end-5
    AppendUpload(RepoName, String),
    /// end-6
    FinishUpload(RepoName, String),
    /// end-14
    CancelUpload(RepoName, String),
    /// end-8
    ListTags(RepoName),
    /// end-12
    ListReferrers(RepoName, Digest),
    /// Content trust: a file of metadata, by role.
    GetTrust(Gun, String, TrustTarget),
    /// Content trust: an update.
    PublishTrust(Gun),
    /// Content trust: the end of all metadata of a repository.
    DeleteTrust(Gun),
    /// Content trust: the key held for a role.
    GetTrustKey(Gun, String),
    /// Content trust: another key for a role.
    RotateTrustKey(Gun, String),
    /// Content trust: what changed in a repository.
    ListTrustChanges(Gun),
    /// Content trust: what changed anywhere.
    ListAllTrustChanges,
}

impl Action {
    /// Returns the repository that it adds something to.
    pub(crate) fn pushed_to(&self) -> Option<RepoName> {
        match self {
            Self::StartUpload(name) | Self::FinishUpload(name, _) | Self::PutManifest(name, _) => {
                Some(name.clone())
            }
            Self::PublishTrust(gun) => Some(gun.repo().clone()),
            _ => None,
        }
    }
}

/// Returns what a client is told to ask for; whoever pushes also looks what is there.
pub(crate) fn asked_scope(permission: RepositoryAction) -> &'static str {
    match permission {
        RepositoryAction::Push => "pull,push",
        other => other.as_str(),
    }
}

/// What a token must grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need<'a> {
    /// Nothing but being ours.
    Token,
    /// Listing the repositories.
    Catalog,
    /// Something in a repository.
    Repository(&'a RepoName, RepositoryAction),
    /// Something with a repository's trust metadata, where the host is in front of the name.
    Trust(&'a Gun, RepositoryAction),
}

impl Action {
    /// Makes the action of `method` on `route`; the error is the methods there are.
    pub(crate) fn of(method: &Method, route: Route) -> Result<Self, &'static str> {
        let manifest = |repo, target| match *method {
            Method::HEAD => Ok(Self::HeadManifest(repo, target)),
            Method::GET => Ok(Self::GetManifest(repo, target)),
            Method::PUT => Ok(Self::PutManifest(repo, target)),
            Method::DELETE => Ok(Self::DeleteManifest(repo, target)),
            _ => Err("GET, HEAD, PUT, DELETE"),
        };
        let reading = |action| match *method {
            Method::GET | Method::HEAD => Ok(action),
            _ => Err("GET, HEAD"),
        };
        match route {
            Route::Base => reading(Self::Base),
            Route::Catalog => reading(Self::Catalog),
            Route::Tags(repo) => reading(Self::ListTags(repo)),
            Route::Referrers(repo, digest) => reading(Self::ListReferrers(repo, digest)),
            Route::ManifestByTag(repo, tag) => manifest(repo, Target::Tag(tag)),
            Route::ManifestByDigest(repo, digest) => manifest(repo, Target::Digest(digest)),
            Route::Blob(repo, digest) => match *method {
                Method::HEAD => Ok(Self::HeadBlob(repo, digest)),
                Method::GET => Ok(Self::GetBlob(repo, digest)),
                Method::DELETE => Ok(Self::DeleteBlob(repo, digest)),
                _ => Err("GET, HEAD, DELETE"),
            },
            Route::Uploads(repo) => match *method {
                Method::POST => Ok(Self::StartUpload(repo)),
                _ => Err("POST"),
            },
            Route::Upload(repo, id) => match *method {
                Method::GET | Method::HEAD => Ok(Self::UploadStatus(repo, id)),
                Method::PATCH => Ok(Self::AppendUpload(repo, id)),
                Method::PUT => Ok(Self::FinishUpload(repo, id)),
                Method::DELETE => Ok(Self::CancelUpload(repo, id)),
                _ => Err("GET, HEAD, PATCH, PUT, DELETE"),
            },
            Route::TrustChanges => reading(Self::ListAllTrustChanges),
            Route::Trust(gun, route) => Self::of_trust(method, gun, route),
        }
    }

    fn of_trust(method: &Method, gun: Gun, route: TrustRoute) -> Result<Self, &'static str> {
        let (role, target) = match route {
            TrustRoute::Newest(role) => (role, TrustTarget::Newest),
            TrustRoute::ByDigest(role, digest) => (role, TrustTarget::Digest(digest)),
            TrustRoute::ByVersion(role, version) => (role, TrustTarget::Version(version)),
            TrustRoute::Files => {
                return match *method {
                    Method::POST => Ok(Self::PublishTrust(gun)),
                    Method::DELETE => Ok(Self::DeleteTrust(gun)),
                    _ => Err("POST, DELETE"),
                };
            }
            TrustRoute::Key(role) => {
                return match *method {
                    Method::GET => Ok(Self::GetTrustKey(gun, role)),
                    Method::POST => Ok(Self::RotateTrustKey(gun, role)),
                    _ => Err("GET, POST"),
                };
            }
            TrustRoute::Changes => {
                return match *method {
                    Method::GET => Ok(Self::ListTrustChanges(gun)),
                    _ => Err("GET"),
                };
            }
        };
        match *method {
            Method::GET => Ok(Self::GetTrust(gun, role, target)),
            _ => Err("GET"),
        }
    }

    /// Returns its name in logs and metrics.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Base => "registry.base",
            Self::Catalog => "registry.list_repositories",
            Self::HeadBlob(..) => "registry.head_blob",
            Self::GetBlob(..) => "registry.get_blob",
            Self::DeleteBlob(..) => "registry.delete_blob",
            Self::HeadManifest(..) => "registry.head_manifest",
            Self::GetManifest(..) => "registry.get_manifest",
            Self::PutManifest(..) => "registry.put_manifest",
            Self::DeleteManifest(..) => "registry.delete_manifest",
            Self::StartUpload(_) => "registry.start_upload",
            Self::UploadStatus(..) => "registry.upload_status",
            Self::AppendUpload(..) => "registry.append_upload",
            Self::FinishUpload(..) => "registry.finish_upload",
            Self::CancelUpload(..) => "registry.cancel_upload",
            Self::ListTags(_) => "registry.list_tags",
            Self::ListReferrers(..) => "registry.list_referrers",
            Self::GetTrust(..) => "registry.get_trust",
            Self::PublishTrust(_) => "registry.publish_trust",
            Self::DeleteTrust(_) => "registry.delete_trust",
            Self::GetTrustKey(..) => "registry.get_trust_key",
            Self::RotateTrustKey(..) => "registry.rotate_trust_key",
            Self::ListTrustChanges(_) => "registry.list_trust_changes",
            Self::ListAllTrustChanges => "registry.list_all_trust_changes",
        }
    }

    /// Returns what a token must grant for it.
    pub(crate) fn need(&self) -> Need<'_> {
        match self {
            Self::Base => Need::Token,
            Self::Catalog | Self::ListAllTrustChanges => Need::Catalog,
            Self::HeadBlob(repo, _)
            | Self::GetBlob(repo, _)
            | Self::HeadManifest(repo, _)
            | Self::GetManifest(repo, _)
            | Self::ListTags(repo)
            | Self::ListReferrers(repo, _) => Need::Repository(repo, RepositoryAction::Pull),
            Self::PutManifest(repo, _)
            | Self::StartUpload(repo)
            | Self::UploadStatus(repo, _)
            | Self::AppendUpload(repo, _)
            | Self::FinishUpload(repo, _)
            | Self::CancelUpload(repo, _) => Need::Repository(repo, RepositoryAction::Push),
            Self::DeleteBlob(repo, _) | Self::DeleteManifest(repo, _) => {
                Need::Repository(repo, RepositoryAction::Delete)
            }
            Self::GetTrust(gun, ..) | Self::ListTrustChanges(gun) => {
                Need::Trust(gun, RepositoryAction::Pull)
            }
            Self::PublishTrust(gun) | Self::GetTrustKey(gun, _) => {
                Need::Trust(gun, RepositoryAction::Push)
            }
            // Clients ask for everything there is (`*`) before they do these.
            Self::DeleteTrust(gun) | Self::RotateTrustKey(gun, _) => {
                Need::Trust(gun, RepositoryAction::Delete)
            }
        }
    }
}
