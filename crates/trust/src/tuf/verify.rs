//! Whether enough of the right keys signed.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::{
    Delegation, File, Key, Role, RoleKeys, Root, Targets, certificate::Certificate,
    metadata::Invalid,
};

/// How a time of expiry stands in the reference's errors.
const TIME: &str = "%a %b %-d %H:%M:%S UTC %Y";

/// Returns why not enough of `by` signed `file`, the metadata of `role`.
///
/// A key counts once, under whatever names and certificates it stands.
pub(super) fn signed_by(file: &File, role: &str, by: &RoleKeys) -> Result<(), Invalid> {
    if file.signatures.is_empty() {
        return Err(Invalid("tuf: data has no signatures".to_owned()));
    }
    let named = |id: &String| by.keys.get(id).is_some_and(|key| key.id() != id);
    if file
        .signatures
        .iter()
        .any(|signature| named(&signature.key_id))
    {
        return Err(Invalid("key ID is not valid for key content".to_owned()));
    }
    let signed = signers(file, by);
    if by.threshold < 1 || signed.len() < by.threshold {
        let for_role = if role.is_empty() {
            String::new()
        } else {
            format!(" for {role}")
        };
        let message = format!("valid signatures did not meet threshold{for_role}");
        return Err(Invalid(message));
    }
    Ok(())
}

/// Returns the fingerprints of those of `by` that signed `file`.
pub(super) fn signers(file: &File, by: &RoleKeys) -> BTreeSet<String> {
    let mut signed = BTreeSet::new();
    for signature in &file.signatures {
        if let Some(key) = by.keys.get(&signature.key_id)
            && let Some(fingerprint) = key.fingerprint()
            && !signed.contains(&fingerprint)
            && key.verify(&signature.method, &file.message, &signature.bytes)
        {
            signed.insert(fingerprint);
        }
    }
    signed
}

/// Returns why `file` is no more good at `now`.
pub(super) fn not_expired(file: &File, role: &Role, now: DateTime<Utc>) -> Result<(), Invalid> {
    if file.expires < now {
        let when = file.expires.format(TIME);
        return Err(Invalid(format!("{role} expired at {when}")));
    }
    Ok(())
}

/// Reads the first root of a repository, or the one after `previous`: both say who signs it.
///
/// Only keys count whose certificates are for `gun`, as with every client.
///
/// # Errors
/// [`Invalid`] says in clients' words why it is none.
pub fn root(
    gun: &str,
    file: &File,
    previous: Option<&Root>,
    now: DateTime<Utc>,
) -> Result<Root, Invalid> {
    let fail = |why: &str| {
        Invalid(format!(
            "could not validate the path to a trusted root: {why}"
        ))
    };
    let root = file.root()?;
    let ours = certified(&root, gun, |certificate| certificate.is_in_force(now));
    if ours.keys.is_empty() {
        return Err(fail("unable to retrieve valid leaf certificates"));
    }
    if let Some(previous) = previous {
        // What was trusted stays so after its certificate has ended, to be replaced.
        let trusted = certified(previous, gun, |_| true);
        signed_by(file, "", &trusted).map_err(|_| {
            let why = "failed to validate data with current trusted certificates";
            Invalid(format!(
                "could not rotate trust to a new trusted root: {why}"
            ))
        })?;
    }
    signed_by(file, "", &ours).map_err(|_| fail("failed to validate integrity of roots"))?;
    not_expired(file, &Role::Root, now)?;
    Ok(root)
}

/// Returns the root keys that have a certificate for `gun` that is sound and passes.
fn certified(root: &Root, gun: &str, passes: impl Fn(&Certificate) -> bool) -> RoleKeys {
    let is_good = |key: &Key| {
        let certificate = key.leaf();
        certificate.is_some_and(|found| found.is_for(gun) && found.is_sound() && passes(&found))
    };
    let keys = root.root.keys.iter().filter(|(_, key)| is_good(key));
    RoleKeys {
        keys: keys.map(|(id, key)| (id.clone(), key.clone())).collect(),
        threshold: root.root.threshold,
    }
}

/// Returns what `parent` delegates to `role`.
pub(super) fn delegation<'a>(
    parent: Option<&'a Targets>,
    role: &Role,
) -> Result<&'a Delegation, Invalid> {
    let found = parent
        .into_iter()
        .flat_map(|parent| &parent.delegations)
        .find(|delegation| delegation.role == *role);
    found.ok_or_else(|| {
        Invalid(format!(
            "tuf: invalid role {role}. delegation does not exist"
        ))
    })
}
