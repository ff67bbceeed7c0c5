//! For each check what makes it fail; the image as it should be makes all of them pass.

use inventory::{Account, Cache, EmptyPassword, Leftover, Secret};
use plimsoll_certify::{CHECKS, CheckResult, Status, run_all};

use crate::image::{Image, file, layer, words};

/// A check's id, and what to do to a good image to make it fail.
type Case = (&'static str, fn(&mut Image));

/// Of the form of a token; in two parts so that no tool takes this file for a leak.
const TOKEN: &str = concat!("ghp", "_aB3dE5gH7jK9mN2pQ4sT6vW8xY1zaB3dE5gH");

/// Every check has at least one; a test below sees to it.
pub(crate) const FAILING: &[Case] = &[
    ("command", |image| {
        image.config.config.entrypoint.clear();
    }),
    ("exec-form-command", |image| {
        image.config.config.cmd = vec!["/bin/sh".into(), "-c".into(), "db --serve".into()];
    }),
    ("no-supervisord", |image| {
        image.config.config.cmd = words("/usr/bin/supervisord -n");
    }),
    ("health-check", |image| {
        image.config.config.healthcheck = None;
    }),
    ("health-check", |image| {
        image.config.config.healthcheck.as_mut().expect("good").test = words("NONE");
    }),
    ("non-root-user", |image| {
        image.config.config.user.clear();
    }),
    ("non-root-user", |image| {
        image.config.config.user = "0:0".into();
    }),
    ("non-root-user", |image| {
        image.config.config.user = "root".into();
    }),
    ("non-root-user", |image| {
        image.config.config.user = "nobody".into();
    }),
    ("no-kernel-volume", |image| {
        let volumes = &mut image.config.config.volumes;
        volumes.insert("/proc/x".into(), serde_json::json!({}));
        volumes.insert("/device".into(), serde_json::json!({}));
    }),
    ("secret-in-environment", |image| {
        image.config.config.env.push("DB_PASSWORD=hunter2".into());
    }),
    ("secret-in-environment", |image| {
        image.step("RUN |1 API_TOKEN=hunter2 /bin/sh -c make # buildkit");
    }),
    ("secret-in-environment", |image| {
        image.step(&format!(
            "RUN /bin/sh -c git clone https://x:{TOKEN}@git.example/a # buildkit"
        ));
    }),
    ("secret-in-environment", |image| {
        image.step(&format!("ENV TOKEN={TOKEN}"));
        image.step("ENV TOKEN=");
        image.config.config.env.push("TOKEN=".into());
    }),
    ("secret-in-environment", |image| {
        // Said once: it is still in force.
        image.step("ENV DB_PASSWORD=hunter2");
        image.config.config.env.push("DB_PASSWORD=hunter2".into());
    }),
    ("secret-in-environment", |image| {
        let config = &mut image.config.config;
        config.labels.insert("build".into(), format!("{TOKEN} 7"));
        config.cmd = words("--source https://me:hunter2@files.example/a");
        config.healthcheck.as_mut().expect("good").test = words("CMD curl ftp://me:hunter2@h");
        image.annotations.insert("note".into(), TOKEN.into());
        image.config.history[0].comment = Some(format!("with {TOKEN}"));
    }),
    ("no-sudo", |image| {
        image.step("/bin/sh -c sudo curl https://me:hunter2@files.example/a");
    }),
    ("secret-in-file", |image| {
        image.inventory.facts.secrets.push(secret(false));
    }),
    ("hidden-secret", |image| {
        image.inventory.facts.secrets.push(secret(true));
    }),
    ("credential-file", |image| {
        leftover(image, "root/id_rsa", "credential-file");
    }),
    ("needless-file", |image| {
        leftover(image, "app/.git", "needless-folder");
    }),
    ("setuid-file", |image| {
        let files = [
            ("usr/bin/su", 0o4755),
            ("app/tool", 0o6755),
            ("app/mail", 0o2755),
        ];
        image.inventory.facts.setuid = files.map(|(path, mode)| file(path, mode)).into();
        image.inventory.facts.setuid[0].package = Some("util-linux".into());
    }),
    ("empty-password", |image| {
        image.inventory.facts.empty_passwords.push(EmptyPassword {
            path: "etc/shadow".into(),
            user: "root".into(),
        });
    }),
    ("unique-ids", |image| {
        let twin = Account {
            name: "toor".into(),
            id: 0,
        };
        image.inventory.facts.users.push(twin);
    }),
    ("package-cache", |image| {
        image.inventory.facts.caches.push(Cache {
            kind: "apt lists".into(),
            path: "var/lib/apt/lists".into(),
            files: 25,
            bytes: 18_240_000,
        });
    }),
    ("licence-file", |image| {
        image.inventory.facts.licenses.clear();
    }),
    ("licence-file", |image| {
        image.inventory.facts.licenses = vec![file("usr/share/licenses/db/COPYING", 0o644)];
    }),
    ("labels", |image| {
        image
            .config
            .config
            .labels
            .remove("org.opencontainers.image.version");
    }),
    ("unique-tag", |image| {
        image.tag = Some("latest");
    }),
    ("created-date", |image| {
        image.config.created = None;
    }),
    ("created-date", |image| {
        image.config.created = Some("yesterday".into());
    }),
    ("created-date", |image| {
        image.config.created = Some("1970-01-01T00:00:00Z".into());
    }),
    ("created-date", |image| {
        image.config.created = Some("2030-01-01T00:00:00Z".into());
    }),
    ("base-age", |image| {
        image.config.history[0].created = Some("2026-01-05T00:00:00Z".into());
    }),
    ("base-tag", |image| {
        base(image, "docker.io/library/debian:latest");
    }),
    ("base-tag", |image| {
        base(image, "localhost:5000/base");
    }),
    ("supported-distribution", |image| {
        let distribution = image.inventory.distribution.as_mut().expect("good");
        distribution.version_id = Some("11".into());
        distribution.name = "Debian GNU/Linux 11 (bullseye)".into();
    }),
    ("layer-count", |image| {
        (0..40).for_each(|_| image.step("COPY a /a"));
    }),
    ("wasted-space", |image| {
        image.inventory.facts.wasted_bytes = 40_000_000;
        image.inventory.layers[1].wasted_bytes = 39_000_000;
        image.inventory.layers[0].wasted_bytes = 1_000_000;
    }),
    ("no-sudo", |image| {
        image.install("sudo");
    }),
    ("no-sudo", |image| {
        image.step("/bin/sh -c cd /x && sudo make install");
    }),
    ("copy-not-add", |image| {
        image.step("ADD https://h.example/x /x # buildkit");
    }),
    ("no-dist-upgrade", |image| {
        image.step("RUN /bin/sh -c apt-get -y dist-upgrade # buildkit");
    }),
    ("no-update-alone", |image| {
        image.step("RUN /bin/sh -c apt-get update # buildkit");
    }),
    ("no-kernel-package", |image| {
        image.install("linux-image-6.12-amd64");
    }),
];

/// What leaves a check without an answer.
const NOT_APPLICABLE: &[Case] = &[
    ("exec-form-command", |image| {
        image.config.config.entrypoint.clear();
    }),
    ("unique-tag", |image| {
        image.tag = None;
    }),
    ("base-age", |image| {
        image.config.history.clear();
    }),
    ("base-age", |image| {
        image.config.history[0].created = Some("1970-01-01T00:00:00Z".into());
    }),
    ("base-tag", |image| {
        base(image, "scratch");
    }),
    ("supported-distribution", |image| {
        image.inventory.distribution = None;
    }),
    ("copy-not-add", |image| {
        image.config.history.clear();
    }),
    ("no-dist-upgrade", |image| {
        image.config.history.clear();
    }),
    ("no-update-alone", |image| {
        image.config.history.clear();
    }),
];

/// What is right though it looks wrong.
const PASSING: &[Case] = &[
    ("exec-form-command", |image| {
        image.config.config.cmd = vec!["sh".into(), "-c".into(), "exec db".into()];
    }),
    ("non-root-user", |image| {
        image.config.config.user = "10001".into();
    }),
    ("labels", |image| {
        let labels = &mut image.config.config.labels;
        let version = labels
            .remove("org.opencontainers.image.version")
            .expect("good");
        image
            .annotations
            .insert("org.opencontainers.image.version".into(), version);
    }),
    ("base-tag", |image| {
        base(image, &format!("debian@{}", layer(0)));
    }),
    ("wasted-space", |image| {
        image.inventory.facts.wasted_bytes = 19_000_000;
    }),
    ("copy-not-add", |image| {
        image.step("ADD --checksum=sha256:1 https://h.example/x /x");
    }),
    ("secret-in-environment", |image| {
        image.step("RUN /bin/sh -c git clone https://x:$TOKEN@git.example/a@1 # buildkit");
    }),
];

fn secret(hidden: bool) -> Secret {
    Secret {
        path: "app/config.yml".into(),
        line: 3,
        rule: "github-token".into(),
        layer: layer(1),
        hidden,
    }
}

fn leftover(image: &mut Image, path: &str, rule: &str) {
    image.inventory.facts.leftovers.push(Leftover {
        path: path.into(),
        rule: rule.into(),
        layer: layer(2),
    });
}

fn base(image: &mut Image, name: &str) {
    let labels = &mut image.config.config.labels;
    labels.insert("org.opencontainers.image.base.name".into(), name.into());
}

/// Runs the check of `case` over the spoilt image.
fn result(case: &Case) -> CheckResult {
    let mut image = Image::good();
    (case.1)(&mut image);
    run_all(&image.subject())
        .into_iter()
        .find(|result| result.id == case.0)
        .unwrap_or_else(|| panic!("no check is called {}", case.0))
}

#[test]
fn a_good_image_passes_every_check() {
    for result in run_all(&Image::good().subject()) {
        assert_eq!(result.status, Status::Passed, "{result:?}");
        assert!(
            !result.note.is_empty(),
            "{} does not say what it saw",
            result.id
        );
    }
}

#[test]
fn every_check_has_a_case_that_fails() {
    for check in CHECKS {
        let cases: Vec<_> = FAILING.iter().filter(|case| case.0 == check.id).collect();
        assert!(!cases.is_empty(), "{} has no failing case", check.id);
    }
    for case in FAILING {
        let result = result(case);
        assert_eq!(result.status, Status::Failed, "{result:?}");
        assert!(!result.evidence.is_empty(), "{result:?}");
        assert!(!result.suggestion.is_empty(), "{result:?}");
    }
}

#[test]
fn some_questions_make_no_sense() {
    for case in NOT_APPLICABLE {
        assert_eq!(result(case).status, Status::NotApplicable, "{}", case.0);
    }
}

#[test]
fn some_things_only_look_wrong() {
    for case in PASSING {
        let result = result(case);
        assert_eq!(result.status, Status::Passed, "{result:?}");
    }
}

#[test]
fn what_a_failure_says() {
    let mut text = String::new();
    for case in FAILING {
        text.push_str(&format!("{}\n", case.0));
        for evidence in result(case).evidence {
            let layer = evidence
                .layer
                .map(|digest| format!(" layer {}", &digest.hex()[63..]));
            let path = evidence.path.map(|path| format!(" {path}"));
            let line = evidence.history.map(|line| format!(" «{line}»"));
            let places = [layer, path, line].map(Option::unwrap_or_default).concat();
            text.push_str(&format!(
                "    {} [{}]\n",
                evidence.note,
                places.trim_start()
            ));
        }
    }
    for secret in ["hunter2", TOKEN] {
        assert!(!text.contains(secret), "a secret is shown");
    }
    insta::assert_snapshot!(text, @r#"
command
    neither ENTRYPOINT nor CMD is set []
exec-form-command
    CMD runs through `/bin/sh -c` []
no-supervisord
    CMD is `/usr/bin/supervisord -n` []
health-check
    no HEALTHCHECK is declared []
health-check
    HEALTHCHECK is NONE, which switches off the base image's []
non-root-user
    no USER is set, so the program runs as root []
non-root-user
    USER is `0:0`, which is root []
non-root-user
    USER is `root`, which is root []
non-root-user
    USER is `nobody`, but etc/passwd has no such user: the container will not start []
no-kernel-volume
    VOLUME `/proc/x` [proc/x]
secret-in-environment
    ENV `DB_PASSWORD` holds a secret (env-credential) []
secret-in-environment
    build argument `API_TOKEN` holds a secret (env-credential) [layer 3]
secret-in-environment
    step 4 of the history holds a secret (github-token) [layer 3]
secret-in-environment
    ENV `TOKEN` of step 4 of the history holds a secret (github-token) [layer 3]
secret-in-environment
    ENV `DB_PASSWORD` holds a secret (env-credential) []
secret-in-environment
    CMD holds a secret (url-password) []
    HEALTHCHECK holds a secret (url-password) []
    label `build` holds a secret (github-token) []
    annotation `note` holds a secret (github-token) []
    step 1 of the history holds a secret (github-token) [layer 0]
no-sudo
    the build runs sudo [layer 3 «(not shown: it holds a secret)»]
secret-in-file
    line 3: github-token [layer 1 app/config.yml]
hidden-secret
    line 3: github-token, deleted by an upper layer but still readable [layer 1 app/config.yml]
credential-file
    the name says that it holds credentials [layer 2 root/id_rsa]
needless-file
    not needed to run the image [layer 2 app/.git]
setuid-file
    setuid, owner 0; brought by the package `util-linux` [layer 2 usr/bin/su]
    setuid and setgid, owner 0, group 0 [layer 2 app/tool]
    setgid, group 0 [layer 2 app/mail]
empty-password
    user `root` has an empty password [etc/shadow]
unique-ids
    users root, toor share the number 0 [etc/passwd]
package-cache
    apt lists: 25 files, 18.2 MB [var/lib/apt/lists]
licence-file
    there is no file that is not empty below /licenses []
licence-file
    there is no file that is not empty below /licenses []
labels
    `org.opencontainers.image.version` is missing (also accepted: org.label-schema.version, version) []
unique-tag
    the tag is `latest` []
created-date
    the configuration has no date []
created-date
    `yesterday` is no date []
created-date
    the date is the placeholder 1970-01-01 []
created-date
    the date 2030-01-01 is in the future []
base-age
    the base was built 2026-01-05, 320 days ago; the limit is 180 [layer 0 «ADD rootfs.tar.xz / # buildkit»]
base-tag
    built on `docker.io/library/debian:latest` []
base-tag
    built on `localhost:5000/base`, which has no tag []
supported-distribution
    support of Debian GNU/Linux 11 (bullseye) ended 2026-08-31 []
layer-count
    43 layers; the limit is 40 []
wasted-space
    40.0 MB of files are hidden (33 %) []
    39.0 MB of this layer are hidden [layer 1 «RUN /bin/sh -c apt-get update && apt-get install -y db # buildkit»]
    1.0 MB of this layer are hidden [layer 0 «ADD rootfs.tar.xz / # buildkit»]
no-sudo
    sudo 1.0-1 is installed [layer 1 var/lib/dpkg/status]
no-sudo
    the build runs sudo [layer 3 «/bin/sh -c cd /x && sudo make install»]
copy-not-add
    ADD where COPY would do [layer 3 «ADD https://h.example/x /x # buildkit»]
no-dist-upgrade
    a distribution upgrade in the build [layer 3 «RUN /bin/sh -c apt-get -y dist-upgrade # buildkit»]
no-update-alone
    updates package lists and installs nothing [layer 3 «RUN /bin/sh -c apt-get update # buildkit»]
no-kernel-package
    linux-image-6.12-amd64 1.0-1 [layer 1 var/lib/dpkg/status]
"#);
}
