//! Writing: blobs and manifests (distribution-spec, "Push").

use std::io::Read;

use ureq::http::Method;

use super::{
    Client, ClientError,
    content::digest_header,
    transport::{Answer, Call, Payload},
    url,
};
use crate::{Descriptor, Digest, RawManifest, RepoName, VerifyError, VerifyingReader};

impl Client {
    /// Sends a blob in one piece, unless the repository has it. Returns whether it was sent.
    ///
    /// # Errors
    /// [`ClientError`] where the registry refuses or `reader` gives something else than
    /// `descriptor` says; the registry then keeps nothing.
    pub fn push_blob(
        &self,
        repo: &RepoName,
        descriptor: &Descriptor,
        reader: &mut dyn Read,
    ) -> Result<bool, ClientError> {
        let (place, scope) = (self.place(repo), self.push_scope(repo));
        if self.head_blob(repo, &descriptor.digest, &scope)? {
            return Ok(false);
        }
        let start = self.url(repo, "blobs/uploads/");
        let opened = self
            .send(Call::new(Method::POST, start.clone(), &place), &scope)?
            .expect(&place, &[202])?;
        let location = opened.text("Location").ok_or_else(|| {
            ClientError::protocol(&place, "an upload was opened without a `Location`")
        })?;
        let target = self.upload_url(&start, location, &place)?;
        let target = url::with_query(&target, "digest", descriptor.digest.as_str());
        drop(opened);
        let mut verified = VerifyingReader::new(reader, descriptor);
        let call = Call::new(Method::PUT, target.clone(), &place)
            .header("Content-Type", "application/octet-stream")
            .payload(Payload::Stream(&mut verified, descriptor.size));
        let response = if url::same_origin(&target, &self.base) {
            self.send(call, &scope)?
        } else {
            let mut call = call;
            self.exchange(&mut call, None)?.response
        };
        response.expect(&place, &[201])?;
        Ok(true)
    }

    /// A registry behind a proxy may not know that its clients use TLS.
    fn upload_url(&self, start: &str, location: &str, place: &str) -> Result<String, ClientError> {
        let target = url::join(start, location)
            .ok_or_else(|| ClientError::protocol(place, "the `Location` of an upload is no URL"))?;
        if !(self.base.starts_with("https:") && target.starts_with("http:")) {
            return Ok(target);
        }
        if url::authority(&target) == url::authority(&self.base) {
            return Ok(target.replacen("http:", "https:", 1));
        }
        Err(ClientError::protocol(
            place,
            "the registry asks for the upload without TLS; this is refused",
        ))
    }

    /// Sends a manifest under `target`, a tag or its digest. Returns the digest.
    ///
    /// # Errors
    /// [`ClientError`] where the registry refuses or stores it under another digest.
    pub fn put_manifest(
        &self,
        repo: &RepoName,
        target: &str,
        manifest: &RawManifest,
    ) -> Result<Digest, ClientError> {
        let place = self.place(repo);
        let call = Call::new(
            Method::PUT,
            self.url(repo, &format!("manifests/{target}")),
            &place,
        )
        .header("Content-Type", manifest.media_type.clone())
        .payload(Payload::Bytes(&manifest.bytes));
        let response = self
            .send(call, &self.push_scope(repo))?
            .expect(&place, &[200, 201])?;
        let stored = digest_header(&response, &place)?;
        let comparable = stored.filter(|d| d.algorithm() == manifest.digest.algorithm());
        match comparable {
            Some(found) if found != manifest.digest => Err(ClientError::Damaged {
                place,
                source: VerifyError::Digest {
                    expected: manifest.digest.clone(),
                    found,
                },
            }),
            _ => Ok(manifest.digest.clone()),
        }
    }
}
