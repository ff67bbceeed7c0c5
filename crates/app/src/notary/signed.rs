//! What a publisher's trust metadata says of an image in staging.

use chrono::{DateTime, Utc};
use oci::{Gun, RepoName};
use store::{Tx, notary as rows};
use trust::tuf::{self, Invalid, Role, SignedTarget};

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
        let newest = rows::newest(tx, gun.as_str()).await?;
        let in_force = newest.iter().filter(|row| row.in_force);
        let roles = in_force.filter_map(|row| row.role.parse().ok()).collect();
        let current = self.current_trust(tx, &gun, &roles).await?;
        if !current.files.contains_key(&Role::Root) {
            return Ok(None);
        }
        let found = tuf::find_target(gun.as_str(), &current.files, image, tag, self.now());
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
