//! How much trust metadata a publisher may have: it counts towards the quota of the staging
//! repositories, and not every name that nothing was pushed to may have some.

use oci::Gun;
use store::{Tx, quotas::Usage, trust_guns};
use trust::tuf::Refusal;

use super::TrustError;
use crate::App;

/// So many names that nothing was pushed to may have trust metadata, or keys for it: who signs
/// may begin with that.
const MOST_UNPUSHED: i64 = 100;

impl App {
    /// Notes that a publisher's repository has trust metadata, or keys for it, from now on. Other
    /// names are the market's own.
    ///
    /// # Errors
    /// Too many others are there that nothing was pushed to.
    pub(super) async fn admit_trust(&self, tx: &mut Tx, gun: &Gun) -> Result<(), TrustError> {
        let Some(publisher) = self.publisher_of(tx, gun.repo()).await? else {
            return Ok(());
        };
        if trust_guns::has(tx, gun.as_str()).await? {
            return Ok(());
        }
        let pushed = store::repositories::find_by_name(tx, gun.repo().as_str()).await?;
        if pushed.is_none() {
            let others = trust_guns::unpushed(tx, &publisher, self.config.host()).await?;
            if others >= MOST_UNPUSHED {
                return Err(Refusal::Validation(format!(
                    "{MOST_UNPUSHED} names that nothing was pushed to have trust metadata or keys for it already: \
                     push an image to {} first, or delete the trust metadata of another one (`notary delete --remote`)",
                    gun.repo()
                ))
                .into());
            }
        }
        Ok(trust_guns::add(tx, gun.as_str(), &publisher).await?)
    }

    /// Refuses what takes more than the publisher may have.
    pub(super) fn require_trust_room(&self, usage: Option<&Usage>) -> Result<(), Refusal> {
        let Some(usage) = usage else { return Ok(()) };
        match self.limit(usage) {
            Some(quota) if usage.used_bytes > quota => Err(Refusal::Validation(
                crate::upkeep::full(usage.used_bytes, quota),
            )),
            _ => Ok(()),
        }
    }
}
