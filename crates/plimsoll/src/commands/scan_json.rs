//! A scan for programs. The form is documented in `docs/cli.md`; fields are added, never
//! renamed or removed within one `schema_version`.

use app::scan::{ImageLayer, ScanFinding};
use chrono::{DateTime, Utc};
use market::Class;
use serde_json::{Value, json};

use super::{
    scan::{Scan, Shown},
    scan_text::{severity, status},
};
use crate::advisory_file::timestamp;

/// Returns the whole document.
pub(super) fn document(shown: &Shown<'_>, now: DateTime<Utc>) -> Value {
    let meta = shown.advisories.database.meta();
    let sources: Vec<_> = meta.sources.iter().map(|source| &source.name).collect();
    json!({
        "schema_version": 1,
        "target": shown.image.name,
        "digest": shown.image.digest,
        "scanned_at": timestamp(now),
        "advisories": {
            "file": shown.advisories.file,
            "starter": shown.advisories.file.is_none(),
            "version": meta.version,
            "created_at": meta.created_at,
            "records": meta.records,
            "sources": sources,
        },
        "images": shown.scans.iter().map(image).collect::<Vec<_>>(),
    })
}

fn image(scan: &Scan<'_>) -> Value {
    let inventory = scan.inventory();
    json!({
        "platform": scan.content.platform,
        "digest": scan.digest,
        "size": scan.content.size(),
        "distribution": inventory.distribution,
        "packages": inventory.components.len(),
        "summary": summary(scan),
        "layers": scan.content.layers.iter().map(layer).collect::<Vec<_>>(),
        "findings": scan.result.findings.iter().map(finding).collect::<Vec<_>>(),
        "closed": scan.result.closed.iter().map(finding).collect::<Vec<_>>(),
        "notices": scan.result.notices,
        "uncovered": scan.result.uncovered,
        "problems": inventory.problems,
    })
}

fn summary(scan: &Scan<'_>) -> Value {
    let findings = &scan.result.findings;
    let fixable = findings
        .iter()
        .filter(|finding| finding.matched.fixed_version.is_some());
    json!({
        "critical": scan.count(Class::Critical),
        "major": scan.count(Class::Major),
        "minor": scan.count(Class::Minor),
        "unscored": scan.count(Class::Unscored),
        "none": scan.count(Class::None),
        "total": findings.len(),
        "fixable": fixable.count(),
    })
}

fn layer(layer: &ImageLayer) -> Value {
    json!({
        "digest": layer.digest,
        "size": layer.size,
        "instruction": layer.instruction,
        "created": layer.created,
    })
}

fn finding(finding: &ScanFinding<'_>) -> Value {
    let (component, matched) = (finding.component, &finding.matched);
    let score = finding.score.as_ref();
    json!({
        "vulnerability": matched.vulnerability,
        "aliases": matched.aliases,
        "class": finding.class,
        "severity": severity(finding),
        "score": score.map(|score| score.score.value()),
        "score_with_threat_and_environment": score.and_then(|score| score.whole).map(|it| it.value()),
        "vector": score.and_then(|score| score.vector.as_ref()),
        "score_source": score.map(|score| &score.source),
        "score_reason": score.map(advisory::score::Score::reason),
        "severities": matched.severities,
        "status": status(finding),
        "confidence": finding.confidence,
        "claim": component.claim,
        "counts": finding.counts(),
        "known_exploited": matched.kev,
        "epss": matched.epss,
        "ssvc": matched.ssvc,
        "published": matched.published,
        "modified": matched.modified,
        "installed_version": matched.installed,
        "fixed_version": matched.fixed_version,
        "package": {
            "name": component.name,
            "version": component.version,
            "architecture": component.architecture,
            "type": component.kind,
            "purl": component.purl,
            "source_name": component.source_name,
            "source_version": component.source_version,
            "path": component.path,
            "linked": component.linked,
        },
        "layer": { "digest": component.layer, "index": component.layer_index },
        "title": matched.title,
        "description": matched.description,
        "urls": matched.urls,
        "advisories": matched.advisories,
        "source": matched.source,
        "reason": matched.reason,
        "explanation": matched.explanation,
        "note": matched.note,
        "vex": finding.vex,
    })
}
