//! The path grammar of the Notary v1 service, below `/v2/<gun>/_trust/`.
//!
//! ```text
//! tuf/                          all files at once
//! tuf/ROLE.json                 the newest file of a role
//! tuf/ROLE.DIGEST.json          one by its digest: 64, 96 or 128 hexadecimal digits
//! tuf/VERSION.ROLE.json         one by its number
//! tuf/timestamp.key             a key that the server holds; also snapshot.key
//! changefeed
//! ROLE := "root" | "snapshot" | "timestamp" | "targets" *("/" part)
//! ```

/// What a path below `/v2/<gun>/_trust/` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustRoute {
    /// All files of the repository.
    Files,
    /// The newest file of a role.
    Newest(String),
    /// A file by its role and digest, in lower case.
    ByDigest(String, String),
    /// A file by its role and number.
    ByVersion(String, i64),
    /// The key for a role that the server holds.
    Key(String),
    /// The list of changes.
    Changes,
}

impl TrustRoute {
    /// Reads what follows `/_trust/`.
    pub(crate) fn parse(rest: &str) -> Option<Self> {
        if rest == "changefeed" {
            return Some(Self::Changes);
        }
        let file = rest.strip_prefix("tuf/")?;
        if file.is_empty() {
            return Some(Self::Files);
        }
        if let Some(role) = file.strip_suffix(".key") {
            let held = ["snapshot", "timestamp"].contains(&role);
            return held.then(|| Self::Key(role.to_owned()));
        }
        let name = file.strip_suffix(".json")?;
        let Some((first, last)) = name.rsplit_once('.') else {
            return Some(Self::Newest(role(name)?));
        };
        let is_digest = [64, 96, 128].contains(&last.len())
            && last.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_digest {
            return Some(Self::ByDigest(role(first)?, last.to_ascii_lowercase()));
        }
        let is_number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
        let version = is_number.then(|| first.parse().ok())??;
        Some(Self::ByVersion(role(last)?, version))
    }
}

fn role(text: &str) -> Option<String> {
    let delegated = |rest: &str| {
        let mut parts = rest.split('/');
        parts.all(|part| !part.is_empty() && !part.contains(char::is_whitespace))
    };
    let known = ["root", "targets", "snapshot", "timestamp"].contains(&text)
        || text.strip_prefix("targets/").is_some_and(delegated);
    known.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        let digest = "AB".repeat(32);
        let check = |path: &str, route: TrustRoute| {
            assert_eq!(TrustRoute::parse(path), Some(route), "{path}");
        };
        let text = str::to_owned;
        check("tuf/", TrustRoute::Files);
        check("tuf/root.json", TrustRoute::Newest(text("root")));
        check(
            "tuf/targets/a/_trust/tuf/b.json",
            TrustRoute::Newest(text("targets/a/_trust/tuf/b")),
        );
        check(
            &format!("tuf/targets/releases.{digest}.json"),
            TrustRoute::ByDigest(text("targets/releases"), digest.to_lowercase()),
        );
        check("tuf/12.root.json", TrustRoute::ByVersion(text("root"), 12));
        check(
            "tuf/1.targets/a.json",
            TrustRoute::ByVersion(text("targets/a"), 1),
        );
        check("tuf/timestamp.key", TrustRoute::Key(text("timestamp")));
        for nothing in [
            "",
            "tuf",
            "tuf/root",
            "tuf/root.key",
            "tuf/x.json",
            "tuf/targets/.json",
            "tuf/.root.json",
            "tuf/root.abc.json",
            "tuf/1.2.root.json",
            "tuf/99999999999999999999.root.json",
            "changefeed/",
        ] {
            assert_eq!(TrustRoute::parse(nothing), None, "{nothing}");
        }
    }
}
