//! What a publisher's trust metadata says of an image in staging.

use chrono::{DateTime, Utc};
use oci::{Gun, RepoName};
use store::{Tx, notary as rows};
use trust::tuf::{self, Invalid, Role, SignedTarget};

use super::{newest_trust, on_another_thread};
use crate::{App, AppError};

impl App {
    /// Finds an image, by SHA-256 and length of its manifest, among what is signed in the
    /// trust metadata of its repository; gives when the file that names it was stored, too.
    /// None where the repository has no trust metadata.
    pub(crate) async fn signed_target(
        &self,
        tx: &mut Tx,
        repository: &RepoName,
        image: (&[u8], i64),
        tag: &str,
    ) -> Result<Option<Result<(SignedTarget, DateTime<Utc>), Invalid>>, AppError> {
        let gun = Gun::new(self.config.host(), repository);
        let newest = newest_trust(tx, &gun).await?.into_iter();
        let roles = newest.filter_map(|(role, newest)| newest.in_force.then_some(role));
        let roles = roles.collect();
        let current = self.current_trust(tx, &gun, &roles).await?;
        if !current.files.contains_key(&Role::Root) {
            return Ok(None);
        }
        let (digest, length) = (image.0.to_vec(), image.1);
        let (name, tag, now) = (gun.to_string(), tag.to_owned(), self.now());
        let found = on_another_thread(move || {
            tuf::find_target(&name, &current.files, (&digest, length), &tag, now)
        });
        let found = found.await?;
        let target = match found {
            Ok(target) => target,
            Err(error) => return Ok(Some(Err(error))),
        };
        let role = target.role.as_str();
        let row = rows::file_by_version(tx, gun.as_str(), role, target.version).await?;
        let stored = row.map_or_else(|| self.now(), |row| row.created_at);
        Ok(Some(Ok((target, stored))))
    }
}
