//! Reading: manifests, blobs, tags and referrers.

use std::io::Read;

use serde::Deserialize;
use ureq::{
    Body,
    http::{Method, Response},
};

use super::{
    Client, ClientError,
    transport::{Answer, Call, small_body},
    url,
};
use crate::{
    Descriptor, Digest, Index, ManifestKind, RawManifest, Reference, RepoName, VerifyError,
    VerifyingReader, media_type,
};

const MAX_PAGES: usize = 1_000;
const MAX_TAGS: usize = 100_000;
const DIGEST_HEADER: &str = "Docker-Content-Digest";

#[derive(Deserialize)]
struct TagList {
    tags: Option<Vec<String>>,
}

impl Client {
    /// Fetches a manifest or index and verifies its digest. The host in `reference` is not
    /// looked at: this client's registry is asked.
    ///
    /// # Errors
    /// [`ClientError`] where it is absent, refused, damaged or no manifest.
    pub fn manifest(&self, reference: &Reference) -> Result<RawManifest, ClientError> {
        let place = self.place(&reference.repo);
        let response = self
            .ask_manifest(Method::GET, reference)?
            .expect(&place, &[200])?;
        let kind = response.text("Content-Type").map(str::to_owned);
        let promised = digest_header(&response, &place)?;
        let bytes = small_body(response, &place)?;
        for expected in promised.iter().chain(&reference.digest) {
            let found = Digest::by(expected.algorithm(), &bytes);
            if found != *expected {
                return Err(ClientError::Damaged {
                    place,
                    source: VerifyError::Digest {
                        expected: expected.clone(),
                        found,
                    },
                });
            }
        }
        let mut manifest =
            RawManifest::parse(bytes, kind.as_deref()).map_err(|source| ClientError::Manifest {
                place: format!("{place}, {}", reference.target()),
                source,
            })?;
        if let Some(digest) = &reference.digest {
            manifest.digest = digest.clone();
        }
        Ok(manifest)
    }

    /// Returns a manifest's descriptor without fetching it; nothing where it is absent.
    ///
    /// # Errors
    /// [`ClientError`] where the registry refuses or leaves out what it must say.
    pub fn head_manifest(&self, reference: &Reference) -> Result<Option<Descriptor>, ClientError> {
        let place = self.place(&reference.repo);
        let response = self.ask_manifest(Method::HEAD, reference)?;
        if response.status() == 404 {
            return Ok(None);
        }
        let response = response.expect(&place, &[200])?;
        let digest = digest_header(&response, &place)?.or_else(|| reference.digest.clone());
        let size = response.text("Content-Length").and_then(|v| v.parse().ok());
        let kind = response.text("Content-Type");
        if let (Some(digest), Some(size), Some(kind)) = (digest, size, kind) {
            let kind = kind.split(';').next().unwrap_or(kind).trim();
            return Ok(Some(Descriptor::new(kind, digest, size)));
        }
        // Digest and length are only recommended for HEAD.
        let manifest = self.manifest(reference)?;
        Ok(Some(manifest.descriptor()))
    }

    fn ask_manifest(
        &self,
        method: Method,
        reference: &Reference,
    ) -> Result<Response<Body>, ClientError> {
        let target = reference.target();
        let url = self.url(&reference.repo, &format!("manifests/{target}"));
        let place = self.place(&reference.repo);
        let call =
            Call::new(method, url, &place).header("Accept", media_type::MANIFESTS.join(", "));
        self.send(call, &self.pull_scope(&reference.repo))
    }

    /// Opens a blob; the reader fails before its end where size or digest differ.
    ///
    /// # Errors
    /// [`ClientError`] where it is absent or refused.
    pub fn blob(
        &self,
        repo: &RepoName,
        descriptor: &Descriptor,
    ) -> Result<impl Read + Send + 'static + use<>, ClientError> {
        let place = self.place(repo);
        let call = Call::get(self.blob_url(repo, &descriptor.digest), &place);
        let response = self
            .send(call, &self.pull_scope(repo))?
            .expect(&place, &[200])?;
        let reader = response.into_body().into_reader();
        Ok(VerifyingReader::new(reader, descriptor))
    }

    /// Returns whether the repository has a blob.
    ///
    /// # Errors
    /// [`ClientError`] where the registry refuses to say.
    pub fn blob_exists(&self, repo: &RepoName, digest: &Digest) -> Result<bool, ClientError> {
        self.head_blob(repo, digest, &self.pull_scope(repo))
    }

    pub(super) fn head_blob(
        &self,
        repo: &RepoName,
        digest: &Digest,
        scope: &str,
    ) -> Result<bool, ClientError> {
        let place = self.place(repo);
        let call = Call::new(Method::HEAD, self.blob_url(repo, digest), &place);
        let response = self.send(call, scope)?.expect(&place, &[200, 404])?;
        Ok(response.status() == 200)
    }

    /// Lists a repository's tags, all pages of them.
    ///
    /// # Errors
    /// [`ClientError`] where the repository is unknown or has more than 100,000 tags.
    pub fn tags(&self, repo: &RepoName) -> Result<Vec<String>, ClientError> {
        let place = self.place(repo);
        let mut tags = Vec::new();
        self.pages(repo, self.url(repo, "tags/list"), |response| {
            let page: TagList = json(response.expect(&place, &[200])?, &place)?;
            tags.extend(page.tags.unwrap_or_default());
            if tags.len() > MAX_TAGS {
                return Err(ClientError::protocol(
                    &place,
                    format!("more than {MAX_TAGS} tags, which is the limit"),
                ));
            }
            Ok(())
        })?;
        Ok(tags)
    }

    /// Lists what refers to a manifest: signatures, attestations and other artifacts, of one
    /// type or all. Where the registry lacks the API, the fallback tag is read
    /// (distribution-spec, "Unavailable Referrers API").
    ///
    /// # Errors
    /// [`ClientError`] where the registry refuses or answers with no index.
    pub fn referrers(
        &self,
        repo: &RepoName,
        digest: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, ClientError> {
        let place = self.place(repo);
        let mut first = self.url(repo, &format!("referrers/{digest}"));
        if let Some(kind) = artifact_type {
            first = url::with_query(&first, "artifactType", kind);
        }
        let mut found = Vec::new();
        let mut lacking = false;
        self.pages(repo, first, |response| {
            if response.status() == 404 {
                lacking = true;
                return Ok(());
            }
            let page: Index = json(response.expect(&place, &[200])?, &place)?;
            found.extend(page.manifests);
            if found.len() > MAX_TAGS {
                return Err(ClientError::protocol(
                    &place,
                    format!("more than {MAX_TAGS} referrers, which is the limit"),
                ));
            }
            Ok(())
        })?;
        if lacking {
            found = self.fallback_referrers(repo, digest)?;
        }
        // A registry may leave the filter to the client.
        found.retain(|one| {
            artifact_type.is_none_or(|kind| one.artifact_type.as_deref() == Some(kind))
        });
        Ok(found)
    }

    fn fallback_referrers(
        &self,
        repo: &RepoName,
        digest: &Digest,
    ) -> Result<Vec<Descriptor>, ClientError> {
        let tag: String = digest
            .as_str()
            .replace(':', "-")
            .chars()
            .take(128)
            .collect();
        let reference = Reference {
            host: None,
            repo: repo.clone(),
            tag: Some(tag.parse().expect("a digest without its colon is a tag")),
            digest: None,
        };
        match self.manifest(&reference) {
            Ok(manifest) => Ok(match manifest.kind {
                ManifestKind::Index(index) => index.manifests,
                ManifestKind::Image(_) | ManifestKind::Other(_) => Vec::new(),
            }),
            Err(error) if error.status() == Some(404) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Reads `first` and every page that a `Link` with `rel="next"` leads to.
    fn pages(
        &self,
        repo: &RepoName,
        first: String,
        mut read: impl FnMut(Response<Body>) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let place = self.place(repo);
        let scope = self.pull_scope(repo);
        let mut next = Some(first);
        for _ in 0..MAX_PAGES {
            let Some(at) = next.take() else {
                return Ok(());
            };
            let response = self.send(Call::get(at.clone(), &place), &scope)?;
            next = response
                .text("Link")
                .and_then(next_page)
                .and_then(|link| url::join(&at, link))
                .filter(|link| url::same_origin(&at, link));
            read(response)?;
        }
        Err(ClientError::protocol(
            &place,
            format!("a list of more than {MAX_PAGES} pages"),
        ))
    }
}

/// Reads `<url>; rel="next"` (RFC 8288).
fn next_page(link: &str) -> Option<&str> {
    let (target, params) = link.trim().strip_prefix('<')?.split_once('>')?;
    params
        .replace(['"', ' '], "")
        .contains("rel=next")
        .then_some(target)
}

fn json<T: serde::de::DeserializeOwned>(
    response: Response<Body>,
    place: &str,
) -> Result<T, ClientError> {
    serde_json::from_slice(&small_body(response, place)?)
        .map_err(|e| ClientError::protocol(place, format!("not the expected JSON: {e}")))
}

pub(super) fn digest_header(
    response: &Response<Body>,
    place: &str,
) -> Result<Option<Digest>, ClientError> {
    response
        .text(DIGEST_HEADER)
        .map(str::parse)
        .transpose()
        .map_err(|e| ClientError::protocol(place, format!("in `{DIGEST_HEADER}`: {e}")))
}
