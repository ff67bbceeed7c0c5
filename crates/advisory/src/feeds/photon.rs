//! Photon OS, `https://packages.vmware.com/photon/photon_cve_metadata/cve_data_photon4.0.json`:
//! an array of packages, each with a CVE and the version that fixes it.
//!
//! Neither the file nor its records say which release they are about; the fixed versions do
//! (`….ph4`), and the file's name.

use serde::Deserialize;

use crate::cvss::BaseScore;
use crate::record::{Advisory, Affected, Authority, Range, SeverityEntry, Status};

use super::json::{Context, from_slice, nullable};

#[derive(Deserialize)]
struct Entry {
    cve_id: String,
    pkg: String,
    cve_score: Option<f64>,
    #[serde(default, deserialize_with = "nullable")]
    aff_ver: String,
    #[serde(default, deserialize_with = "nullable")]
    res_ver: String,
    #[serde(default, deserialize_with = "nullable")]
    status: String,
}

pub(super) fn parse(text: &[u8], context: &Context<'_>) -> Result<Vec<Advisory>, String> {
    let entry: Entry = from_slice(text)?;
    if entry.cve_id.trim().is_empty() || entry.pkg.trim().is_empty() {
        return Err("the record has no cve_id or no pkg".to_owned());
    }
    let fixed = Some(entry.res_ver.trim()).filter(|version| !["", "NA"].contains(version));
    let release = fixed
        .and_then(|version| super::rpm::release_after(version, "ph"))
        .or_else(|| of_file(context.file))
        .ok_or("neither its version nor the file's name tells the release of Photon")?;
    let never = entry.status.eq_ignore_ascii_case("not affected");
    let states_nothing = fixed.is_none() && entry.status.eq_ignore_ascii_case("fixed");
    let status = match (never, states_nothing) {
        (true, _) => Status::NotAffected,
        // "Fixed" without a version: there is nothing to compare with.
        (false, true) => Status::Undetermined,
        (false, false) => Status::Affected,
    };
    let score = entry
        .cve_score
        .and_then(|score| BaseScore::try_from(score).ok());
    let severities = score.map(|score| SeverityEntry {
        source: context.source.to_owned(),
        authority: Authority::Distribution,
        score: Some(score),
        ..SeverityEntry::default()
    });
    Ok(vec![Advisory {
        id: entry.cve_id,
        source: context.source.to_owned(),
        authority: Authority::Distribution,
        severities: severities.into_iter().collect(),
        affected: vec![Affected {
            ecosystem: format!("Photon OS:{release}.0"),
            package: entry.pkg,
            status,
            status_word: Some(entry.status).filter(|word| !word.is_empty()),
            ranges: (status == Status::Affected)
                .then(|| Range::before(fixed))
                .into_iter()
                .collect(),
            reason: Some(entry.aff_ver).filter(|text| !["", "NA"].contains(&text.as_str())),
            ..Affected::default()
        }],
        ..Advisory::default()
    }])
}

fn of_file(name: &str) -> Option<&str> {
    let (_, after) = name.rsplit_once("photon")?;
    after
        .split('.')
        .next()
        .filter(|it| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit()))
}
