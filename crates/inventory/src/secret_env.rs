//! Tells whether an environment variable of an image, or what else its configuration says,
//! holds a secret.

use crate::{secret_forms::user_and_password, secrets};

/// Dockle's words for CIS-DI-0010; a word must stand by itself (`DB_PASS`, not `COMPASS`).
static WORDS: &[&str] = &[
    "PASS",
    "PASSWD",
    "PASSWORD",
    "PASSPHRASE",
    "SECRET",
    "KEY",
    "ACCESS",
    "TOKEN",
];
/// Words that also count at the end of a longer one (`MYSQLPASSWORD`).
static ENDINGS: &[&str] = &[
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "ACCESSKEY",
    "SECRETKEY",
];
/// What is public or no value, by the name's last word.
static NO_SECRET: &[&str] = &[
    "ID",
    "IDS",
    "FILE",
    "PATH",
    "DIR",
    "URL",
    "URI",
    "NAME",
    "HEADER",
    "TYPE",
    "ALGORITHM",
    "FORMAT",
    "LENGTH",
    "SIZE",
    "TTL",
    "EXPIRY",
    "EXPIRATION",
    "TIMEOUT",
    "POLICY",
    "MODE",
    "LOG",
    "ENABLED",
    "REQUIRED",
    "ISSUER",
    "AUDIENCE",
    "SERVER",
    "SERVERS",
    "FINGERPRINT",
    "VERSION",
];
/// Words of keys that are meant to be known.
static PUBLIC: &[&str] = &["GPG", "PGP", "PUBLIC", "PUB", "SSHPUB"];

/// Returns the rule's id if the variable holds a secret: `env-credential` by its
/// name, or as [`secret_in_text`] by its value.
pub fn secret_in_env(name: &str, value: &str) -> Option<&'static str> {
    secret_in_text(value).or_else(|| {
        let is_named = is_secret_name(name) && is_secret_value(value) && !value.contains("://");
        is_named.then_some("env-credential")
    })
}

/// Returns the rule's id if a text, such as a command or a label, holds a secret: one of
/// [`crate::rules`], or `url-password` where an address has one.
pub fn secret_in_text(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    if let Some((_, rule)) = secrets::matches("", bytes).first() {
        return Some(rule.id);
    }
    memchr::memmem::find_iter(bytes, "://")
        .any(|start| user_and_password(&bytes[start + 3..]))
        .then_some("url-password")
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words: Vec<_> = name.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    let public = words.iter().any(|word| PUBLIC.contains(word));
    let no_value = words.last().is_some_and(|last| NO_SECRET.contains(last));
    let secret =
        |word: &&str| WORDS.contains(word) || ENDINGS.iter().any(|ending| word.ends_with(ending));
    !public && !no_value && words.iter().any(secret)
}

fn is_secret_value(value: &str) -> bool {
    let value = value.trim();
    let lower = value.to_ascii_lowercase();
    let switch = [
        "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null",
    ];
    let path = ["/", "./", "../", "~/"]
        .iter()
        .any(|start| value.starts_with(start));
    let reference = value.starts_with('$') || (value.starts_with('<') && value.ends_with('>'));
    !value.is_empty() && !path && !reference && !switch.contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_decide() {
        for name in [
            "DB_PASS",
            "MYSQL_ROOT_PASSWORD",
            "api.token",
            "SECRET_KEY_BASE",
            "MYSQLPASSWORD",
        ] {
            assert_eq!(
                secret_in_env(name, "hunter2"),
                Some("env-credential"),
                "{name}"
            );
        }
        for name in [
            "GPG_KEY",
            "GPG_KEYS",
            "NGINX_GPGKEY",
            "AWS_ACCESS_KEY_ID",
            "COMPASS",
            "KEYBOARD",
            "MONKEY",
            "PASSWORD_FILE",
            "TOKEN_URL",
            "ACCESS_LOG",
            "RUST_VERSION",
            "PUBLIC_KEY",
        ] {
            assert_eq!(
                secret_in_env(name, "E3FF2839C048B25C084DEBE9B26995E310250568"),
                None,
                "{name}"
            );
        }
    }

    #[test]
    fn values_decide() {
        for value in ["", "/run/secrets/db", "${DB}", "<set me>", "false"] {
            assert_eq!(secret_in_env("DB_PASSWORD", value), None, "{value}");
        }
        assert_eq!(
            secret_in_env("DSN", "postgres://a:s3c@db/x"),
            Some("url-password")
        );
        assert_eq!(secret_in_env("DSN", "postgres://db/x"), None);
        let token = format!("ghp_{}", "aB3dE5gH7jK9mN2pQ4sT6vW8xY1zaB3dE5gH");
        assert_eq!(secret_in_env("ANYTHING", &token), Some("github-token"));
        let line = format!("git clone https://oauth2:{token}@git.example/x && make");
        assert_eq!(secret_in_text(&line), Some("github-token"));
        let line = "curl http://mirror.example/a && curl -O https://me:s3c@files.example/b";
        assert_eq!(secret_in_text(line), Some("url-password"));
        assert_eq!(
            secret_in_text("curl https://me:${PASS}@files.example/b"),
            None
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics(name in "\\PC{0,20}", value in "\\PC{0,40}") {
            secret_in_env(&name, &value);
            secret_in_text(&value);
        }
    }
}
