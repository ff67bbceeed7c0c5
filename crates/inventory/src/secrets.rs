//! Looks for secrets in small text files, by the rules of `secret_rules.rs`.

use std::{borrow::Cow, sync::LazyLock};

use aho_corasick::AhoCorasick;

use crate::{
    Found, SecretMatch,
    analyser::{Analyser, Counts, Findings, Reading, Want},
    secret_rules::{Rule, rules},
};

/// Reads text files where people put them.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "secrets",
    wants: &[Want::File(|file| {
        file.size <= MOST && wanted(&file.path, file.size)
    })],
    // They count in every layer, even where an upper one hides them.
    counts: Counts::Asked,
    read: Reading::Whole {
        most: MOST,
        read: |path, bytes| Findings {
            found: search(path, bytes).into_iter().collect(),
            problems: Vec::new(),
        },
    },
};

/// Larger files are data rather than configuration.
const MOST: u64 = 256 << 10;
/// Longer prose is documentation of something else.
const PROSE_MOST: u64 = 64 << 10;
/// Files of prose, in which people leave notes.
static PROSE: &[&str] = &["md", "txt"];
/// More of them in one file say nothing new.
const MAX_MATCHES: usize = 16;

/// Folders that no layer should fill, and those of package managers' own databases.
static SYSTEM: &[&str] = &[
    "proc/",
    "sys/",
    "dev/",
    "var/lib/dpkg/",
    "var/lib/apt/",
    "var/lib/rpm/",
];
/// Folders anywhere that package managers of languages fill; what is in them is public.
static INSTALLED: &[&str] = &["node_modules", "site-packages", "dist-packages", "gems"];
/// Folders anywhere whose keys are examples, capitals or not.
static EXAMPLES: &[&str] = &[
    "test",
    "tests",
    "testing",
    "testdata",
    "__tests__",
    "fixtures",
    "spec",
    "example",
    "examples",
    "samples",
    "demo",
    "doc",
    "docs",
    "man",
    "locale",
    "locales",
];
/// How the names of tests end, by the habits of Go.
static TESTS: &[&str] = &["_test.go"];
/// Files that hold no configuration.
static NO_TEXT: &[&str] = &[
    "so", "a", "o", "pyc", "pyo", "class", "jar", "war", "zip", "gz", "xz", "bz2", "zst", "tar",
    "png", "jpg", "jpeg", "gif", "ico", "svg", "webp", "woff", "woff2", "ttf", "eot", "otf", "mo",
    "po", "gmo", "pdf", "mp3", "mp4", "wasm", "map", "css", "scss", "less", "html", "htm", "rst",
    "adoc", "h", "hpp", "c", "cc", "cpp", "pod", "pl", "pm", "deb", "apk", "rpm", "db", "sqlite",
    "crt", "cer", "pub", "d.ts", "tzdata",
];
/// Known to be harmless: made afresh on installation, or a published example.
static HARMLESS: &[&str] = &["ssl-cert-snakeoil.key", "snakeoil.key", "insecure.key"];

/// Finds all needles of the rules that hold for any file in one pass.
struct Prefilter {
    search: AhoCorasick,
    /// The rule of each needle.
    rules: Vec<&'static Rule>,
}

static PREFILTER: LazyLock<Prefilter> = LazyLock::new(|| {
    let rules = rules().iter().filter(|rule| rule.files.is_empty());
    let pairs: Vec<_> = rules
        .flat_map(|rule| rule.needles.iter().map(move |needle| (needle, rule)))
        .collect();
    Prefilter {
        search: AhoCorasick::new(pairs.iter().map(|(needle, _)| needle))
            .expect("a few short needles fit any automaton"),
        rules: pairs.iter().map(|(_, rule)| *rule).collect(),
    }
});

/// Whatever folder it lies in: what a distribution's package brought is left out by the merge,
/// which knows their lists of files.
fn wanted(path: &str, size: u64) -> bool {
    if SYSTEM.iter().any(|folder| path.starts_with(folder)) {
        return false;
    }
    let mut folders = path.split('/');
    let name = folders.next_back().unwrap_or(path);
    // Users have names of their own, such as `demo`.
    if path.starts_with("home/") {
        folders.nth(1);
    }
    let text = name.rsplit_once('.').is_none_or(|(_, extension)| {
        // `.netrc` has no extension, and its name says that it is wanted.
        let long = PROSE.contains(&extension) && size > PROSE_MOST;
        !long && !NO_TEXT.contains(&extension)
    });
    // Nobody shows by an example what a name with a dot hides.
    let is_shown = !name.starts_with('.');
    let example = |folder: &str| {
        let listed = |all: &[&str]| all.iter().any(|one| one.eq_ignore_ascii_case(folder));
        listed(INSTALLED) || (is_shown && listed(EXAMPLES))
    };
    let harmless = HARMLESS.contains(&name) || TESTS.iter().any(|end| name.ends_with(end));
    text && !harmless && !folders.any(example)
}

/// Returns the secrets of a file, if it is text and has any.
pub(crate) fn search(path: &str, bytes: &[u8]) -> Option<Found> {
    let text = as_utf8(bytes);
    let bytes = text.as_ref();
    if memchr::memchr(0, bytes).is_some() {
        return None;
    }
    let mut found: Vec<SecretMatch> = Vec::new();
    let (mut line, mut counted) = (1_u32, 0);
    for (start, rule) in matches(path, bytes) {
        let newlines = memchr::memchr_iter(b'\n', &bytes[counted..start]).count();
        line = line.saturating_add(u32::try_from(newlines).unwrap_or(u32::MAX));
        counted = start;
        let secret = SecretMatch {
            rule: rule.id.to_owned(),
            line,
        };
        if !found.contains(&secret) {
            found.push(secret);
        }
        if found.len() == MAX_MATCHES {
            break;
        }
    }
    (!found.is_empty()).then_some(Found::Secrets(found))
}

/// Returns text as rules expect it: Windows writes UTF-16, with a mark that says so.
fn as_utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let (rest, unit): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => return Cow::Borrowed(bytes),
    };
    let units = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units)
        .map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    Cow::Owned(text.into_bytes())
}

/// Returns where rules match, in order.
pub(crate) fn matches(path: &str, bytes: &[u8]) -> Vec<(usize, &'static Rule)> {
    let mut found = Vec::new();
    for needle in PREFILTER.search.find_iter(bytes) {
        let rule = PREFILTER.rules[needle.pattern().as_usize()];
        let (start, end) = (needle.start(), needle.end());
        // A needle within a longer word is part of something else.
        let word = |index: usize| bytes[index].is_ascii_alphanumeric();
        let within = start > 0 && word(start) && word(start - 1);
        if !within && (rule.follows)(&bytes[end..]) {
            found.push((start, rule));
        }
    }
    for rule in rules() {
        if rule.files.iter().any(|file| is_named(path, file)) {
            for needle in rule.needles {
                let starts = memchr::memmem::find_iter(bytes, needle);
                let follows = |start: &usize| (rule.follows)(&bytes[start + needle.len()..]);
                found.extend(starts.filter(follows).map(|start| (start, rule)));
            }
        }
    }
    found.sort_by_key(|(start, rule)| (*start, rule.id));
    found
}

fn is_named(path: &str, file: &str) -> bool {
    path.strip_suffix(file)
        .is_some_and(|folder| folder.is_empty() || folder.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(path: &str, text: &str) -> Vec<(String, u32)> {
        match search(path, text.as_bytes()) {
            Some(Found::Secrets(found)) => found.into_iter().map(|s| (s.rule, s.line)).collect(),
            _ => Vec::new(),
        }
    }

    fn one(text: &str) -> Option<String> {
        ids("app/settings", text)
            .into_iter()
            .map(|(rule, _)| rule)
            .next()
    }

    /// Put together here so that no tool takes this file for a leak.
    fn random(length: usize) -> String {
        "aB3dE5gH7jK9mN2pQ4sT6vW8xY1z"
            .chars()
            .cycle()
            .take(length)
            .collect()
    }

    #[test]
    fn finds_each_form_and_its_line() {
        let key = format!("a\n-----BEGIN {} KEY-----\n{}\n", "RSA PRIVATE", random(64));
        assert_eq!(
            ids("root/.ssh/id_rsa", &key),
            [("private-key".to_owned(), 2)]
        );
        assert_eq!(
            one(&format!("t=ghp_{}", random(36))).as_deref(),
            Some("github-token")
        );
        assert_eq!(
            one(&format!("k: AKIA{}", "Q3EGRW7YZ2TBNMKL")).as_deref(),
            Some("aws-access-key")
        );
        let aws = format!("aws_secret_access_key = {}", random(40));
        assert_eq!(one(&aws).as_deref(), Some("aws-secret-key"));
        assert_eq!(
            one(&format!("sk_live_{}", random(24))).as_deref(),
            Some("stripe-key")
        );
        assert_eq!(
            one(&format!("xoxb-204816327491-{}", random(24))).as_deref(),
            Some("slack-token")
        );
        assert_eq!(
            one(&format!("glpat-{}", random(20))).as_deref(),
            Some("gitlab-token")
        );
        assert_eq!(
            one(&format!("//r/:_authToken=npm_{}", random(36))).as_deref(),
            Some("npm-token")
        );
    }

    /// An example of each rule, put together here so that no tool takes this file for a leak.
    fn examples() -> Vec<(&'static str, &'static str, String)> {
        let any = "app/settings";
        let hex = "0f1e2d3c4b5a69788796a5b4c3d2e1f0".repeat(2);
        let upper = random(58).to_uppercase();
        let jwt = ["eyJhbGciOi", "JIUzI1NiJ9.", "eyJzdWIiOiI3In0."].concat();
        let slack = ["https://hooks.", "slack.com/services/T"].concat();
        vec![
            (
                "slack-webhook",
                any,
                format!("{slack}{}/B{}/{}", &random(8)[..8], random(8), random(24)),
            ),
            ("pypi-token", any, format!("pypi-{}{}", "AgE", random(60))),
            (
                "docker-token",
                any,
                format!("dckr_{}{}", "pat_", random(27)),
            ),
            ("digitalocean-token", any, format!("dop_{}{hex}", "v1_")),
            ("huggingface-token", any, format!("hf{}{}", "_", random(34))),
            ("anthropic-key", any, format!("sk-{}{}", "ant-", random(95))),
            ("openai-key", any, format!("sk-{}{}", "proj-", random(48))),
            (
                "sendgrid-key",
                any,
                format!("SG{}{}.{}", ".", random(22), random(43)),
            ),
            ("vault-token", any, format!("hvs{}{}", ".", random(30))),
            ("age-key", any, format!("AGE-SECRET-{}{upper}", "KEY-1")),
            ("google-api-key", any, format!("AI{}{}", "za", random(35))),
            (
                "google-oauth-secret",
                any,
                format!("GOC{}{}", "SPX-", random(28)),
            ),
            (
                "terraform-token",
                any,
                format!("{}.atlas{}{}", random(14), "v1.", random(67)),
            ),
            ("shopify-token", any, format!("shp{}{}", "at_", &hex[..32])),
            (
                "grafana-token",
                any,
                format!("gl{}{}_0a1b2c3d", "sa_", random(32)),
            ),
            (
                "azure-storage-key",
                any,
                format!("Account{}{}==", "Key=", random(86)),
            ),
            ("jwt", any, format!("{jwt}{}", random(43))),
            (
                "pypirc",
                "root/.pypirc",
                format!("password = {}", random(12)),
            ),
            (
                "kubeconfig",
                "root/.kube/config",
                format!("    token: {}", random(40)),
            ),
        ]
    }

    #[test]
    fn finds_an_example_of_each_rule() {
        let mut tried: Vec<_> = [
            "private-key",
            "aws-access-key",
            "aws-secret-key",
            "github-token",
        ]
        .into();
        tried.extend([
            "gitlab-token",
            "slack-token",
            "stripe-key",
            "npm-token",
            "netrc",
        ]);
        tried.extend(["registry-credential", "git-credentials", "pgpass"]);
        tried.extend(["url-password", "maven-password", "composer-password"]);
        tried.extend(["cargo-token", "gcloud-credential"]);
        for (rule, path, text) in examples() {
            assert_eq!(ids(path, &text), [(rule.to_owned(), 1)], "{text}");
            // Of the same form, but a filler.
            let filler = text.replace(&random(12), "xxxxxxxxxxxx");
            let filler = filler.replace(&random(12).to_uppercase(), "XXXXXXXXXXXX");
            let filler = filler.replace("0f1e2d3c", "00000000");
            let filler = filler.replace("4b5a69788796a5b4c3d2e1f0", "000000000000000000000000");
            assert_eq!(ids(path, &filler), [], "{filler}");
            tried.push(rule);
        }
        for rule in rules() {
            assert!(tried.contains(&rule.id), "{} has no example", rule.id);
        }
    }

    /// `ssh-keygen -N …`, the head alone; the name of the cipher makes the difference.
    #[test]
    fn keys_of_openssh_may_be_encrypted() {
        let key = |head: &str| {
            let begin = format!("-----BEGIN {} KEY-----\n", "OPENSSH PRIVATE");
            one(&format!(
                "{begin}b3BlbnNzaC1rZXktdjEA{head}{}\n",
                random(70)
            ))
        };
        assert_eq!(key("AAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0"), None);
        assert_eq!(
            key("AAAABG5vbmUAAAAEbm9uZQ").as_deref(),
            Some("private-key")
        );
    }

    #[test]
    fn reads_utf_16() {
        let text = format!("first\r\nt=ghp_{}\r\n", random(36));
        let found = |bytes: Vec<u8>| match search("app/a.ini", &bytes) {
            Some(Found::Secrets(found)) => found[0].line,
            _ => 0,
        };
        let little = "\u{feff}".to_owned() + &text;
        let units = || little.encode_utf16();
        assert_eq!(found(units().flat_map(u16::to_le_bytes).collect()), 2);
        assert_eq!(found(units().flat_map(u16::to_be_bytes).collect()), 2);
    }

    #[test]
    fn finds_credentials_by_file_name() {
        let rule = |path, text: &str| ids(path, text).into_iter().map(|(rule, _)| rule).next();
        let docker = "{\"auths\": {\"r\": {\"auth\": \"dXNlcjpzM2NyZXQ=\"}}}";
        let netrc = "machine h login a password s3cret";
        assert_eq!(
            rule("root/.docker/config.json", docker).as_deref(),
            Some("registry-credential")
        );
        assert_eq!(rule("app/config.json", docker), None);
        assert_eq!(rule("home/a/.netrc", netrc).as_deref(), Some("netrc"));
        assert_eq!(
            rule("root/.pgpass", "h:5432:d:u:s3cret\n").as_deref(),
            Some("pgpass")
        );
        assert_eq!(
            rule("root/.git-credentials", "https://a:s3c@h\n").as_deref(),
            Some("git-credentials")
        );
        for (path, text, expected) in [
            ("root/.npmrc", "_auth=dXNlcjpzM2NyZXQ=", "npm-token"),
            (
                "root/.npmrc",
                "//r.example/:_password=czNjcmV0",
                "npm-token",
            ),
            (
                "etc/pip.conf",
                "index-url = https://me:s3cret@r.example",
                "url-password",
            ),
            (
                "usr/src/app/.env",
                "A=1\nDATABASE_URL=postgres://me:s3cret@db/x",
                "url-password",
            ),
            (
                "root/.m2/settings.xml",
                "<password>s3cret</password>",
                "maven-password",
            ),
            (
                "app/auth.json",
                "{\"password\": \"s3cret\"}",
                "composer-password",
            ),
            (
                "root/.cargo/credentials.toml",
                "token = \"aB3dE5gH7jK9mN2pQ4\"",
                "cargo-token",
            ),
            (
                "root/.config/gcloud/application_default_credentials.json",
                "{\"refresh_token\": \"1//0aB3dE5gH7jK9mN2pQ4\"}",
                "gcloud-credential",
            ),
        ] {
            assert_eq!(rule(path, text).as_deref(), Some(expected), "{path}");
        }
        for (path, text) in [
            ("root/.npmrc", "_auth=${NPM_AUTH}"),
            ("root/.npmrc", "email=a@b.example"),
            ("etc/pip.conf", "index-url = https://$USER:$PASS@r.example"),
            ("app/.env.example", "URL=postgres://me:s3cret@db/x"),
            ("app/.env", "URL=postgresql://app:!ChangeMe!@127.0.0.1/app"),
            ("root/.m2/settings.xml", "<password>repopwd</password>"),
            ("root/.m2/settings.xml", "<password>${env.P}</password>"),
        ] {
            assert_eq!(rule(path, text), None, "{text}");
        }
    }

    #[test]
    fn leaves_examples_alone() {
        assert_eq!(one("AKIAIOSFODNN7EXAMPLE"), None);
        assert_eq!(one(&format!("ghp_{}", "x".repeat(36))), None);
        assert_eq!(one("-----BEGIN PRIVATE KEY-----\n...\n"), None);
        assert_eq!(
            one(&format!(
                "-----BEGIN ENCRYPTED PRIVATE KEY-----\n{}",
                random(64)
            )),
            None
        );
        assert_eq!(
            one(&format!("-----BEGIN CERTIFICATE-----\n{}", random(64))),
            None
        );
        assert_eq!(one("_authToken=${NPM_TOKEN}"), None);
        assert_eq!(one(&format!("\0ghp_{}", random(36))), None);
        for path in [
            "usr/share/doc/x/key.pem",
            "usr/local/lib/python3.12/test/keycert.pem",
            "app/vendor/acme/lib/Tests/Fixtures/private.key",
            "usr/local/bundle/gems/x-1.0.0/certs/test.key",
            "usr/local/go/src/crypto/tls/handshake_test.go",
            "home/node/app/test/key.pem",
            "app/node_modules/x/.npmrc",
        ] {
            assert!(!wanted(path, 100), "{path}");
        }
        for path in [
            "usr/src/app/.env",
            "usr/share/nginx/html/.env",
            "usr/bin/deploy.sh",
            "etc/ssl/certs/server.key",
            "home/demo/.ssh/id_ed25519",
            "app/examples/prod/.env",
        ] {
            assert!(wanted(path, 100), "{path}");
        }
        assert!(!wanted("etc/ssl/private/ssl-cert-snakeoil.key", 100));
        assert!(wanted("etc/ssl/private/web.key", 100));
        assert!(wanted("root/.netrc", 100));
        assert!(wanted("srv/notes.txt", 100) && wanted("srv/README.md", 100));
        assert!(!wanted("srv/notes.txt", PROSE_MOST + 1));
    }

    proptest::proptest! {
        #[test]
        fn never_panics(
            path in "(root/)?(\\.netrc|\\.pgpass|\\.kube/config|a)",
            needle in 0_usize..48,
            tail in proptest::collection::vec(proptest::num::u8::ANY, 0..100),
        ) {
            let needles: Vec<_> = rules().iter().flat_map(|rule| rule.needles).collect();
            let mut text = needles[needle % needles.len()].as_bytes().to_vec();
            text.extend(&tail);
            search(&path, &text);
        }

        #[test]
        fn never_panics_on_pem(text in "-----BEGIN [A-Z ]{0,30}(KEY-----)?[a-z=+/\n]{0,60}") {
            search("a", text.as_bytes());
        }
    }
}
