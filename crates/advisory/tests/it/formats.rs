//! Every format, on a small text of its own: what each says of which package.

use std::io::Cursor;
use std::path::Path;

use plimsoll_advisory::feeds::{self, Limits, Summary};
use plimsoll_advisory::record::{Advisory, Affected, Event};

/// Reads a feed and writes each record, its ratings and its packages in a line each.
pub(crate) fn told(file: &str, text: &[u8]) -> String {
    let mut lines = Vec::new();
    let summary = read(file, text, &mut |record| lines.push(line(&record)));
    let mut told = lines.join("\n");
    for problem in &summary.problems {
        told.push_str(&format!("\nproblem {}: {}", problem.place, problem.reason));
    }
    if let Some(reason) = summary.broken {
        told.push_str(&format!("\nbroken: {reason}"));
    }
    told
}

fn read(file: &str, text: &[u8], take: &mut dyn FnMut(Advisory)) -> Summary {
    let sink = &mut |record| {
        take(record);
        Ok(())
    };
    feeds::read(
        Cursor::new(text),
        Path::new(file),
        "test",
        Limits::default(),
        sink,
    )
    .expect("a known format")
}

pub(crate) fn line(record: &Advisory) -> String {
    let mut text = format!("{} {}", record.id, record.upstream.join(","));
    for entry in &record.severities {
        let score = entry.score.map(|score| score.to_string());
        let said = entry.vector.clone().or(score).or(entry.label.clone());
        text.push_str(&format!(" [{}]", said.unwrap_or_default()));
    }
    if let Some(word) = &record.informational {
        text.push_str(&format!(" informational {word}"));
    }
    if let Some(reason) = &record.withdrawn_reason {
        text.push_str(&format!(" withdrawn {reason}"));
    }
    for affected in &record.affected {
        text.push_str(&format!("\n  {}", package(affected)));
    }
    text
}

fn package(it: &Affected) -> String {
    let mut words = vec![
        it.ecosystem.clone(),
        it.package.clone(),
        it.status.as_str().to_owned(),
    ];
    words.extend(it.status_word.iter().map(|word| format!("({word})")));
    let events = it.ranges.iter().flat_map(|range| &range.events);
    words.extend(events.filter_map(|event| match event {
        Event::Introduced(version) if version == "0" => None,
        Event::Introduced(version) => Some(format!(">={version}")),
        Event::Fixed(version) | Event::Limit(version) => Some(format!("<{version}")),
        Event::LastAffected(version) => Some(format!("<={version}")),
    }));
    let limits = &it.qualifiers;
    words.extend(limits.module.iter().map(|it| format!("module={it}")));
    let lists = [
        &limits.architectures,
        &limits.operating_systems,
        &limits.repositories,
    ];
    words.extend(
        lists
            .into_iter()
            .filter(|list| !list.is_empty())
            .map(|list| list.join("|")),
    );
    words.extend(
        limits
            .imports
            .iter()
            .map(|it| format!("{} {:?}", it.path, it.goarch)),
    );
    words.extend(it.cpe.iter().map(|it| {
        let bounds = [
            (">=", &it.start_including),
            (">", &it.start_excluding),
            ("<=", &it.end_including),
            ("<", &it.end_excluding),
        ];
        let bounds = bounds
            .iter()
            .filter_map(|(sign, bound)| bound.as_ref().map(|version| format!("{sign}{version}")));
        let bounds: Vec<String> = bounds.collect();
        format!(
            "{} {} on {:?}",
            it.criteria,
            bounds.join(" "),
            it.running_on
        )
    }));
    words.extend(it.reason.iter().map(|reason| format!("because {reason}")));
    words.join(" ")
}

#[test]
fn osv_limits_kinds_and_withdrawals() {
    let text = br#"{"id":"GO-1","affected":[{"package":{"ecosystem":"Go","name":"stdlib"},"ranges":[{"type":"SEMVER","events":[{"introduced":"0"},{"fixed":"1.21.9"}]}],"ecosystem_specific":{"imports":[{"path":"net","goos":["windows"],"goarch":["386"],"symbols":["Dial"]}]}}]}
{"id":"RUSTSEC-1","affected":[{"package":{"ecosystem":"crates.io","name":"spin"},"database_specific":{"informational":"unmaintained"},"ecosystem_specific":{"affects":{"arch":["x86"],"os":["windows"],"functions":[]}}}]}
{"id":"MAL-2024-1","affected":[{"package":{"ecosystem":"npm","name":"evil"},"versions":["1.0.0"]}]}
{"id":"GHSA-1","withdrawn":"2024-01-01T00:00:00Z","details":"\#\# Withdrawn\nThis advisory has been withdrawn because it is a duplicate.\n\nMore."}
{"id":"RLSA-2021:3891","related":["CVE-2021-1","OTHER-1"],"affected":[{"package":{"ecosystem":"Rocky Linux:8","name":"java"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1:11-1.el8_4"}]}]}]}
{"id":"ALBA-2021:1","affected":[]}
{"id":"UBUNTU-CVE-1","upstream":["CVE-1"],"severity":[{"type":"Ubuntu","score":"negligible"}],"affected":[{"package":{"ecosystem":"Ubuntu:Pro:16.04:LTS","name":"gitlab"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"}]}]}]}
{"id":"RHSA-1","upstream":["CVE-1"],"affected":[{"package":{"ecosystem":"Red Hat:enterprise_linux:9::appstream","name":"ruby","purl":"pkg:rpm/redhat/ruby?arch=x86_64&rpmmod=ruby:3.1:90:c"}}]}"#;
    let text = String::from_utf8_lossy(text).replace("\\#", "#");
    insta::assert_snapshot!(told("x.jsonl", text.as_bytes()));
}

#[test]
fn kev_epss_and_cve_records() {
    let kev = br#"{"title":"x","catalogVersion":"1","count":2,"vulnerabilities":[{"cveID":"CVE-2014-0160","vulnerabilityName":"Heartbleed","dateAdded":"2022-05-04","requiredAction":"Update.","dueDate":"2022-05-25","knownRansomwareCampaignUse":"Known","new":1},{"cveID":5}]}"#;
    let mut found = Vec::new();
    let summary = read("kev.json", kev, &mut |record| found.extend(record.kev));
    assert_eq!((summary.records, summary.malformed), (1, 1));
    assert!(found[0].ransomware && found[0].due.as_deref() == Some("2022-05-25"));
    let epss = b"#model_version:v2025.03.14,score_date:2026-11-20T12:55:00Z\ncve,epss,percentile\nCVE-1999-0001,0.01025,0.76357\nCVE-2,2,1\n";
    let mut found = Vec::new();
    let summary = read("epss.csv", epss, &mut |record| found.extend(record.epss));
    assert_eq!((summary.records, summary.malformed), (1, 1));
    assert_eq!(
        (found[0].date.as_str(), found[0].score),
        ("2026-11-20", 0.01025)
    );
    let old = read(
        "epss.csv",
        b"cve,epss,percentile\nCVE-1,0.1,0.2\n",
        &mut |_| {},
    );
    insta::assert_snapshot!(old.broken.unwrap_or_default());
    let cve = br#"{"dataType":"CVE_RECORD","cveMetadata":{"cveId":"CVE-2024-1","state":"PUBLISHED"},"containers":{"cna":{"title":"T","descriptions":[{"lang":"en","value":"D"}],"problemTypes":[{"descriptions":[{"cweId":"CWE-79"}]}]},"adp":[{"providerMetadata":{"shortName":"CISA-ADP"},"metrics":[{"cvssV3_1":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}},{"other":{"type":"ssvc","content":{"options":[{"Exploitation":"poc"},{"Automatable":"Yes"},{"Technical Impact":"total"}]}}},{"other":{"type":"kev","content":{"dateAdded":"2024-02-01"}}}]}]}}"#;
    let mut found = Vec::new();
    read("cve.json", cve, &mut |record| found.push(record));
    assert_eq!(found[0].weaknesses, ["CWE-79"]);
    assert_eq!(
        found[0].ssvc.as_ref().map(|it| it.exploitation.as_str()),
        Some("poc")
    );
    assert_eq!(
        found[0].kev.as_ref().map(|it| it.added.as_str()),
        Some("2024-02-01")
    );
    insta::assert_snapshot!(line(&found[0]));
}

#[test]
fn nvd_applicability() {
    let text = br#"{"resultsPerPage":3,"startIndex":0,"totalResults":3,"format":"NVD_CVE","version":"2.0","vulnerabilities":[
      {"cve":{"id":"CVE-1-1","descriptions":[{"lang":"en","value":"x"}],"metrics":{"cvssMetricV31":[{"source":"nvd@nist.gov","cvssData":{"vectorString":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}]},
        "configurations":[{"operator":"AND","nodes":[{"operator":"OR","cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:acme:app:*:*:*:*:*:node.js:*:*","versionStartExcluding":"1","versionEndIncluding":"2"}]},{"operator":"OR","cpeMatch":[{"vulnerable":false,"criteria":"cpe:2.3:o:acme:os:-:*:*:*:*:*:*:*"}]}]},{"nodes":[{"negate":true,"cpeMatch":[{"vulnerable":true,"criteria":"cpe:2.3:a:no:no:1:*:*:*:*:*:*:*"}]}]}]}},
      {"cve":{"id":"CVE-1-2","vulnStatus":"Rejected","lastModified":"2024-01-01T00:00:00","descriptions":[{"lang":"en","value":"Not used."}]}},
      {"cve":{"id":7}}]}"#;
    insta::assert_snapshot!(told("nvd.json", text));
}

#[test]
fn oval_of_oracle_and_azure() {
    let oracle = br#"<?xml version="1.0"?><oval_definitions><definitions><definition id="oval:com.oracle.elsa:def:1" class="patch"><metadata><title>
ELSA-2022-1: rsyslog &amp; more (MODERATE)</title><reference source="elsa" ref_id="ELSA-2022-1" ref_url="https://x"/><reference source="CVE" ref_id="CVE-2022-1" ref_url="https://y"/><advisory><severity>MODERATE</severity><issued date="2022-01-01"/></advisory></metadata>
<criteria operator="AND"><criterion comment="Oracle Linux 7 is installed"/><criteria operator="OR"><criteria operator="AND"><criterion comment="Oracle Linux arch is aarch64"/><criteria operator="OR"><criteria operator="AND"><criterion comment="rsyslog is earlier than 0:8.24.0-57.el7_9"/><criterion comment="rsyslog is signed with the key"/></criteria><criteria operator="AND"><criterion comment="glibc is earlier than 2:2.17-3.0.1.ksplice1.el7"/></criteria></criteria></criteria></criteria></criteria></definition><definition id="empty"><metadata/><criteria/></definition></definitions></oval_definitions>"#;
    insta::assert_snapshot!(told("oracle.xml", oracle));
    let azure = br#"<oval_definitions><definitions><definition class="vulnerability" id="oval:com.microsoft.azurelinux:def:1"><metadata><title>t</title><reference ref_id="CVE-2024-1" source="CVE"/><advisory_id>1-1</advisory_id><severity>High</severity></metadata><criteria operator="AND"><criterion comment="Package ceph is earlier than 18.2.1-1, affected by CVE-2024-1" test_ref="t1"/></criteria></definition></definitions><tests><linux-def:rpminfo_test xmlns:linux-def="x" id="t1"><linux-def:state state_ref="s1"/></linux-def:rpminfo_test></tests><states><rpminfo_state id="s1"><evr>1:18.2.1-1.azl3</evr></rpminfo_state></states></oval_definitions>"#;
    insta::assert_snapshot!(told("azure.xml", azure));
    let open = String::from_utf8_lossy(azure).replace(
        "earlier than 18.2.1-1, affected",
        "installed with version 18.2.1-1 or earlier, affected",
    );
    let mut found = Vec::new();
    read("azure.xml", open.as_bytes(), &mut |record| {
        found.push(record);
    });
    let [Advisory { affected, .. }] = &found[..] else {
        panic!("{found:?}");
    };
    let events = &affected[0].ranges[0].events;
    assert_eq!(affected[0].ecosystem, "Azure Linux:3");
    assert_eq!(events[1], Event::LastAffected("1:18.2.1-1.azl3".to_owned()));
    insta::assert_snapshot!(told("half.xml", &oracle[..oracle.len() - 40]));
}

#[test]
fn updateinfo_of_amazon_and_rocky() {
    let text = br#"<updates><update type="security"><id>ALAS2023-2023-001</id><title>T</title><issued date="2023-02-17 20:41"/><severity>Important</severity><references><reference href="http://x" id="CVE-2022-1" type="cve"/></references><pkglist><collection short="amazon-linux-2023"><package name="rsyslog" arch="x86_64" epoch="0" version="8" release="1.amzn2023"/><package name="rsyslog" arch="aarch64" epoch="0" version="8" release="1.amzn2023"/></collection></pkglist></update>
<update type="bugfix"><id>RLBA-2021:2580</id><severity>None</severity><pkglist><collection short="RL8"><module name="nodejs" stream="18" version="1"/><package name="node" arch="noarch" epoch="1" version="0.8" release="7.module+el8.4"/></collection></pkglist></update>
<update type="security"><id>??</id><pkglist><collection><package name="a" version="1" release="2"/></collection></pkglist></update></updates>"#;
    insta::assert_snapshot!(told("updateinfo.xml", text));
}

#[test]
fn distributions_own_json() {
    let photon = br#"[{"cve_id":"CVE-1-1","pkg":"curl","cve_score":9.8,"aff_ver":"all versions before 7-4.ph4 are vulnerable","res_ver":"7-4.ph4","status":"Fixed"},{"cve_id":"CVE-1-2","pkg":"httpd","cve_score":null,"aff_ver":"","res_ver":"NA","status":"Not Affected"}]"#;
    insta::assert_snapshot!(told("cve_data_photon4.0.json", photon));
    let arch = br#"[{"name":"AVG-1","packages":["curl","lib32-curl"],"affected":"8.4.0-1","fixed":"8.5.0-1","severity":"High","status":"Fixed","type":"x","issues":["CVE-1-1"],"advisories":["ASA-1"]},{"name":"AVG-2","packages":["pam"],"affected":"1","fixed":null,"severity":"Medium","status":"Vulnerable","type":"y","issues":["CVE-1-2"]}]"#;
    insta::assert_snapshot!(told("all.json", arch));
    let alma = br#"[{"updateinfo_id":"ALSA-1","type":"security","severity":"Important","title":"T","pkglist":{"packages":[{"name":"a","epoch":"2","version":"1","release":"3.el8_4.1","arch":"x86_64"}],"module":{"name":"nodejs","stream":"18"}},"references":[{"href":"https://x","type":"cve","id":"CVE-1-1"}]}]"#;
    insta::assert_snapshot!(told("errata.json", alma));
    let wolfi = br#"{"apkurl":"{{urlprefix}}","archs":["x86_64"],"reponame":"os","urlprefix":"https://packages.wolfi.dev","packages":[{"pkg":{"name":"binutils","secfixes":{"2.39-r1":["CVE-1-1"],"0":["CVE-1-2"]}}}]}"#;
    insta::assert_snapshot!(told("security.json", wolfi));
}

#[test]
fn csaf_platforms_modules_and_states() {
    let text = br#"{"document":{"category":"csaf_vex","title":"x","aggregate_severity":{"text":"Moderate"},"tracking":{"id":"CVE-2024-1","initial_release_date":"2024-01-01","current_release_date":"2024-02-01"}},
     "product_tree":{"branches":[{"category":"vendor","branches":[
        {"product":{"name":"Red Hat Enterprise Linux AppStream (v. 9)","product_id":"AS9","product_identification_helper":{"cpe":"cpe:/a:redhat:enterprise_linux:9::appstream"}}},
        {"product":{"name":"RHEL 7","product_id":"R7","product_identification_helper":{"cpe":"cpe:/o:redhat:enterprise_linux:7"}}},
        {"product":{"name":"n","product_id":"nodejs.x86_64","product_identification_helper":{"purl":"pkg:rpm/redhat/nodejs@18.1-1.module%2Bel9?arch=x86_64&epoch=1&rpmmod=nodejs:18:9:c"}}},
        {"product":{"name":"n","product_id":"nodejs.aarch64","product_identification_helper":{"purl":"pkg:rpm/redhat/nodejs@18.1-1.module%2Bel9?arch=aarch64&epoch=1&rpmmod=nodejs:18:9:c"}}},
        {"product":{"name":"curl","product_id":"curl","product_identification_helper":{"purl":"pkg:rpm/redhat/curl"}}},
        {"product":{"name":"wget","product_id":"wget"}}]}],
      "relationships":[
        {"full_product_name":{"name":"a","product_id":"AS9:nodejs.x86_64"},"product_reference":"nodejs.x86_64","relates_to_product_reference":"AS9"},
        {"full_product_name":{"name":"a","product_id":"AS9:nodejs.aarch64"},"product_reference":"nodejs.aarch64","relates_to_product_reference":"AS9"},
        {"full_product_name":{"name":"a","product_id":"R7:curl"},"product_reference":"curl","relates_to_product_reference":"R7"},
        {"full_product_name":{"name":"a","product_id":"AS9:curl"},"product_reference":"curl","relates_to_product_reference":"AS9"},
        {"full_product_name":{"name":"a","product_id":"R7:wget"},"product_reference":"wget","relates_to_product_reference":"R7"}]},
     "vulnerabilities":[{"cve":"CVE-2024-1","title":"t","cwe":{"id":"CWE-1"},"product_status":{"fixed":["AS9:nodejs.x86_64","AS9:nodejs.aarch64"],"known_affected":["R7:curl"],"known_not_affected":["AS9:curl"],"under_investigation":["R7:wget"]},
       "flags":[{"label":"vulnerable_code_not_present","product_ids":["AS9:curl"]}],
       "remediations":[{"category":"no_fix_planned","details":"Out of support scope","product_ids":["R7:curl"]}],
       "scores":[{"cvss_v3":{"vectorString":"CVSS:3.1/AV:N/AC:H/PR:N/UI:R/S:U/C:N/I:N/A:H"}}],"threats":[{"category":"impact","details":"Moderate"}]}]}"#;
    insta::assert_snapshot!(told("cve.json", text));
    let suse = br#"{"document":{"category":"csaf_vex","tracking":{"id":"CVE-2024-2"}},"product_tree":{"branches":[{"branches":[{"product":{"name":"SUSE Linux Enterprise Server 15 SP4","product_id":"SLES","product_identification_helper":{"cpe":"cpe:/o:suse:sles:15:sp4"}}},{"product":{"name":"bash-4.4-9.14.1.x86_64","product_id":"bash-4.4-9.14.1.x86_64"}}]}],"relationships":[{"full_product_name":{"name":"a","product_id":"SLES:bash-4.4-9.14.1.x86_64"},"product_reference":"bash-4.4-9.14.1.x86_64","relates_to_product_reference":"SLES"}]},"vulnerabilities":[{"cve":"CVE-2024-2","product_status":{"recommended":["SLES:bash-4.4-9.14.1.x86_64"],"fixed":["SLES:bash-4.4-9.14.1.x86_64"]}}]}"#;
    insta::assert_snapshot!(told("suse.json", suse));
}

#[test]
fn openvex_of_ubuntu() {
    let text = br#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"Canonical Ltd.","timestamp":"2026-05-20T15:02:47Z","version":5,"statements":[
      {"vulnerability":{"name":"CVE-2023-1","description":"d"},"products":[{"@id":"pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.24?arch=source&distro=jammy"},{"@id":"pkg:deb/ubuntu/curl@7.81.0-1ubuntu1.24?arch=amd64&distro=jammy"},{"@id":"pkg:deb/ubuntu/curl@7.35%2Besm19?arch=source&distro=esm-infra-legacy/trusty"}],"status":"fixed"},
      {"vulnerability":{"name":"CVE-2023-1"},"products":[{"@id":"pkg:deb/ubuntu/curl@7.47?arch=source&distro=xenial"}],"status":"affected"},
      {"vulnerability":{"name":"CVE-2023-1"},"products":[{"@id":"pkg:deb/ubuntu/curl@8.5?arch=source&distro=noble"}],"status":"not_affected","justification":"vulnerable_code_not_present"}]}"#;
    insta::assert_snapshot!(told("vex.json", text));
}
