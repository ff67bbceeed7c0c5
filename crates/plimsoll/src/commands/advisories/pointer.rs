//! Files that only say where the feed is today: Red Hat's name of its newest archive, and
//! Amazon's list of mirrors, whose repository index names the errata.

use crate::failure::Failure;

/// Returns where the feed of a place is; most are there themselves.
///
/// # Errors
/// The file that tells cannot be had, or does not tell.
pub(super) fn target(
    place: &str,
    text_of: impl Fn(&str) -> Result<String, Failure>,
) -> Result<String, Failure> {
    let (folder, name) = place.rsplit_once('/').unwrap_or(("", place));
    let silent = |at: &str| Failure::failed(format!("{at} does not say where the feed is"));
    match name {
        "archive_latest.txt" => {
            let text = text_of(place)?;
            let name = text.trim();
            let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            match !name.is_empty() && name.chars().all(is_name) {
                true => Ok(format!("{folder}/{name}")),
                false => Err(silent(place)),
            }
        }
        "mirror.list" => {
            let mirrors = text_of(place)?;
            let mirror = mirrors.lines().map(str::trim).find(|line| is_web(line));
            let mirror = mirror.ok_or_else(|| silent(place))?.trim_end_matches('/');
            let index = format!("{mirror}/repodata/repomd.xml");
            let text = text_of(&index)?;
            let errata = errata(&text).ok_or_else(|| silent(&index))?;
            Ok(format!("{mirror}/{errata}"))
        }
        _ => Ok(place.to_owned()),
    }
}

fn is_web(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// Returns the path of the errata in a repository's index: `repodata/…-updateinfo.xml.gz`.
fn errata(index: &str) -> Option<&str> {
    let data = index.split("<data ").find(|data| {
        let tag = data.split('>').next().unwrap_or_default();
        tag.contains("type=\"updateinfo\"")
    })?;
    let path = data.split_once("<location href=\"")?.1.split('"').next()?;
    (path.starts_with("repodata/") && !path.contains("..")).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(place: &str) -> Option<String> {
        let files = |url: &str| {
            Ok(match url {
                "https://r/vex/archive_latest.txt" => "csaf_vex_2026-11-20.tar.zst\n".to_owned(),
                "https://evil/archive_latest.txt" => "../../other".to_owned(),
                "https://a/mirror.list" => "https://m/core/abc/\nhttps://n/\n".to_owned(),
                "https://m/core/abc/repodata/repomd.xml" => concat!(
                    "<repomd><data type=\"primary\"><location href=\"repodata/1-primary.xml.gz\"/></data>",
                    "<data type=\"updateinfo\"><checksum>x</checksum>",
                    "<location href=\"repodata/2-updateinfo.xml.gz\"/></data></repomd>"
                )
                .to_owned(),
                other => return Err(Failure::failed(other.to_owned())),
            })
        };
        target(place, files).ok()
    }

    #[test]
    fn what_points_is_followed() {
        let is = |place, target: &str| assert_eq!(at(place).as_deref(), Some(target));
        is("https://f/all.zip", "https://f/all.zip");
        is(
            "https://r/vex/archive_latest.txt",
            "https://r/vex/csaf_vex_2026-11-20.tar.zst",
        );
        is(
            "https://a/mirror.list",
            "https://m/core/abc/repodata/2-updateinfo.xml.gz",
        );
        assert_eq!(at("https://evil/archive_latest.txt"), None);
        assert_eq!(at("https://gone/mirror.list"), None);
    }
}
