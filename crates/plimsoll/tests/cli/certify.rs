//! `certify` over a small image with a password in its environment.

use crate::{
    sample,
    support::{NOW, Place},
};

#[test]
fn failed_checks_come_with_evidence_and_advice() {
    let place = Place::new();
    sample::image(&place);
    insta::assert_snapshot!(place.run(&["certify", "oci:image:1.4", "--now", NOW]), @r#"
exit 1
--- out ---
Target    oci:image:1.4
Digest    sha256:5d7ac80524200ac1c4f0108dafbcb24cf498e39f55ea077e8498c14b4c3319b3
Platform  linux/amd64

error    No secret is in its environment (secret-in-environment)
         - ENV `DB_PASSWORD` holds a secret (env-credential)
         Why: Values of ENV and ARG, commands and labels stay in the image for ever, even where a later instruction sets them anew (CIS Docker Benchmark 4.10, dockle CIS-DI-0010).
         Do:  Withdraw the secret, then give it at run time (`--env-file`, secrets) or at build time with `RUN --mount=type=secret`.

error    Its distribution is still supported (supported-distribution)
         - support of Alpine Linux v3.20 ended 2026-04-01
         Why: After the end of support nobody fixes vulnerabilities, so that the publisher cannot keep the programme's deadlines. Known are Debian and Raspbian (with LTS), Ubuntu (without paid support), Alpine, Red Hat Enterprise Linux, CentOS, AlmaLinux, Rocky Linux, Oracle Linux, Fedora, Amazon Linux, openSUSE Leap and SUSE Linux Enterprise, CBL-Mariner and Azure Linux, and Photon OS.
         Do:  Rebuild on a supported release.

warning  It has a health-check (health-check)
         - no HEALTHCHECK is declared
         Why: The programme asks certified images for a working health-check (CIS Docker Benchmark 4.6). This check looks for its presence; nothing is run.
         Do:  Add `HEALTHCHECK CMD …` to the Dockerfile, and build with `--format docker` where the builder drops it from OCI images.

warning  It says what it is (labels)
         - `org.opencontainers.image.title` is missing (also accepted: org.label-schema.name, name)
         - `org.opencontainers.image.vendor` is missing (also accepted: org.opencontainers.image.authors, org.label-schema.vendor, vendor, maintainer)
         - `org.opencontainers.image.version` is missing (also accepted: org.label-schema.version, version)
         - `org.opencontainers.image.licenses` is missing (also accepted: license, licenses)
         - `org.opencontainers.image.description` is missing (also accepted: org.label-schema.description, description, summary, io.k8s.description)
         Why: Scanners, registries and people read these labels; the Red Hat and label-schema names count too (OCI image specification, annotations.md; preflight HasRequiredLabel).
         Do:  Add the missing ones with `LABEL org.opencontainers.image.…` or as annotations.

The image fails: 2 errors, 2 warnings, 0 infos; 24 passed, 1 not applicable
--- err ---
"#);
}

#[test]
fn json_has_every_check() {
    let place = Place::new();
    sample::image(&place);
    let output = place.output(&["certify", "oci:image:1.4", "--now", NOW, "--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["passes"], false);
    let results = document["images"][0]["results"]
        .as_array()
        .expect("results");
    assert_eq!(results.len(), ::certify::CHECKS.len());
}
