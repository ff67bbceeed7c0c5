//! Files, forms and places of secrets.

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
