//! The rules by which secrets are known: few, and each with a form so particular
//! that a match is hardly ever something else.

use crate::secret_forms::{
    alphanumeric, assigned, dashed, encoded, json_web_token, mixed, private_key, run, token,
    user_and_password, value, word,
};

/// One rule.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// Its stable name, such as `github-token`.
    pub id: &'static str,
    /// What it finds, for people.
    pub title: &'static str,
    /// One of these must occur; no two rules for all files may have needles within one another.
    pub(crate) needles: &'static [&'static str],
    /// Whether what follows the needle makes it a secret.
    pub(crate) follows: fn(&[u8]) -> bool,
    /// Only in files of these names; empty: in all.
    pub(crate) files: &'static [&'static str],
}

/// Returns all rules.
pub fn rules() -> &'static [Rule] {
    RULES
}

const fn rule(
    id: &'static str,
    title: &'static str,
    needles: &'static [&'static str],
    follows: fn(&[u8]) -> bool,
) -> Rule {
    Rule {
        id,
        title,
        needles,
        follows,
        files: &[],
    }
}

const fn file_rule(
    id: &'static str,
    title: &'static str,
    files: &'static [&'static str],
    needles: &'static [&'static str],
    follows: fn(&[u8]) -> bool,
) -> Rule {
    Rule {
        id,
        title,
        needles,
        follows,
        files,
    }
}

static RULES: &[Rule] = &[
    rule(
        "private-key",
        "Private key, not encrypted",
        &["-----BEGIN "],
        private_key,
    ),
    rule(
        "aws-access-key",
        "AWS access key ID",
        &["AKIA", "ASIA"],
        |after| {
            token(after, 16, 16, |b| {
                b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)
            })
        },
    ),
    rule(
        "aws-secret-key",
        "AWS secret access key",
        &["aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"],
        |after| {
            token(value(after), 40, 40, |b| {
                b.is_ascii_alphanumeric() || b"+/".contains(&b)
            })
        },
    ),
    rule(
        "github-token",
        "GitHub token",
        &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        |after| token(after, 36, 255, alphanumeric),
    ),
    rule(
        "github-token",
        "GitHub fine-grained token",
        &["github_pat_"],
        |after| token(after, 60, 255, word),
    ),
    rule(
        "gitlab-token",
        "GitLab token",
        &["glpat-", "gldt-", "glrt-"],
        |after| token(after, 20, 255, dashed),
    ),
    rule(
        "slack-token",
        "Slack token",
        &["xoxb-", "xoxp-", "xoxa-", "xoxr-", "xoxs-"],
        |after| after.first().is_some_and(u8::is_ascii_digit) && token(after, 24, 255, dashed),
    ),
    rule(
        "slack-webhook",
        "Slack webhook",
        &["hooks.slack.com/services/T"],
        |after| token(after, 36, 80, |b| alphanumeric(b) || b == b'/'),
    ),
    rule(
        "stripe-key",
        "Stripe live key",
        &["sk_live_", "rk_live_"],
        |after| token(after, 16, 255, alphanumeric),
    ),
    rule("npm-token", "npm token", &["npm_"], |after| {
        token(after, 36, 36, alphanumeric)
    }),
    rule(
        "npm-token",
        "npm registry credential",
        &["_authToken=", "_password="],
        |after| assigned(after) && run(after, dashed) >= 16,
    ),
    file_rule(
        "npm-token",
        "npm registry credential",
        // Where it is a setting of npm, a short one counts: base64 of `user:password`.
        &[".npmrc", "etc/npmrc"],
        &["_auth", "_password"],
        |after| {
            let is_name = after.first().is_some_and(|b| b"= ".contains(b));
            is_name && assigned(after) && run(value(after), encoded) >= 6
        },
    ),
    rule("pypi-token", "PyPI token", &["pypi-AgE"], |after| {
        token(after, 50, 1000, dashed)
    }),
    rule(
        "docker-token",
        "Docker Hub token",
        &["dckr_pat_", "dckr_oat_"],
        |after| token(after, 27, 64, dashed),
    ),
    rule(
        "digitalocean-token",
        "DigitalOcean token",
        &["dop_v1_", "doo_v1_"],
        |after| token(after, 64, 64, |b| b.is_ascii_hexdigit()),
    ),
    rule(
        "huggingface-token",
        "Hugging Face token",
        &["hf_"],
        |after| token(after, 34, 37, alphanumeric) && mixed(after),
    ),
    rule(
        "anthropic-key",
        "Anthropic API key",
        &["sk-ant-"],
        |after| token(after, 80, 255, dashed),
    ),
    rule(
        "openai-key",
        "OpenAI API key",
        &["sk-proj-", "sk-svcacct-"],
        |after| token(after, 40, 255, dashed),
    ),
    rule("sendgrid-key", "SendGrid API key", &["SG."], |after| {
        after.get(22) == Some(&b'.') && token(after, 66, 66, |b| dashed(b) || b == b'.')
    }),
    rule(
        "vault-token",
        "HashiCorp Vault token",
        &["hvs.", "hvb."],
        |after| token(after, 24, 255, dashed),
    ),
    rule(
        "age-key",
        "age secret key",
        &["AGE-SECRET-KEY-1"],
        |after| {
            token(after, 58, 58, |b| {
                b.is_ascii_uppercase() || b.is_ascii_digit()
            })
        },
    ),
    rule("google-api-key", "Google API key", &["AIza"], |after| {
        token(after, 35, 35, dashed)
    }),
    rule(
        "google-oauth-secret",
        "Client secret of Google OAuth",
        &["GOCSPX-"],
        |after| token(after, 28, 28, dashed),
    ),
    rule(
        "terraform-token",
        "Terraform Cloud token",
        // Fourteen letters stand before it.
        &[".atlasv1."],
        |after| token(after, 60, 80, |b| dashed(b) || b == b'='),
    ),
    rule(
        "shopify-token",
        "Shopify token",
        &["shpat_", "shpca_", "shppa_", "shpss_"],
        |after| token(after, 32, 32, |b| b.is_ascii_hexdigit()),
    ),
    rule(
        "grafana-token",
        "Token of a Grafana service account",
        &["glsa_"],
        |after| after.get(32) == Some(&b'_') && token(after, 41, 41, word),
    ),
    rule(
        "azure-storage-key",
        "Key of an Azure storage account",
        &["AccountKey="],
        |after| {
            let is_key = |b| alphanumeric(b) || b"+/".contains(&b);
            token(after, 86, 86, is_key) && after[86..].starts_with(b"==")
        },
    ),
    rule(
        "jwt",
        "Signed JSON Web Token",
        // `{"alg":` and `{"typ":`.
        &["eyJhbGciOi", "eyJ0eXAiOi"],
        json_web_token,
    ),
    file_rule(
        "netrc",
        "Password in .netrc",
        &[".netrc", "_netrc"],
        &["password "],
        assigned,
    ),
    file_rule(
        "pypirc",
        "Password in .pypirc",
        &[".pypirc"],
        &["password"],
        assigned,
    ),
    file_rule(
        "registry-credential",
        "Registry credential of a container client",
        &[".docker/config.json", ".dockercfg", "containers/auth.json"],
        &["\"auth\"", "\"identitytoken\""],
        |after| assigned(after) && run(value(after), encoded) >= 6,
    ),
    file_rule(
        "git-credentials",
        "Password for git",
        &[".git-credentials"],
        &["://"],
        user_and_password,
    ),
    file_rule(
        "url-password",
        "Password in an address",
        &[
            ".env",
            ".env.local",
            ".env.prod",
            ".env.production",
            ".env.staging",
            "pip.conf",
            ".npmrc",
            ".yarnrc",
            ".yarnrc.yml",
            ".condarc",
            ".gitconfig",
            ".git/config",
        ],
        &["://"],
        user_and_password,
    ),
    file_rule(
        "maven-password",
        "Password in Maven's settings",
        &[".m2/settings.xml"],
        &["<password>"],
        // That of the commented example which Maven brings.
        |after| assigned(after) && !after.starts_with(b"repopwd<"),
    ),
    file_rule(
        "composer-password",
        "Password of Composer for a repository",
        &["auth.json"],
        &["\"password\""],
        assigned,
    ),
    file_rule(
        "cargo-token",
        "Token of Cargo for a registry",
        &[
            ".cargo/credentials.toml",
            ".cargo/credentials",
            "cargo/credentials.toml",
            "cargo/credentials",
        ],
        &["token"],
        |after| assigned(after) && run(value(after), dashed) >= 16,
    ),
    file_rule(
        "gcloud-credential",
        "Google Cloud credential of a person",
        &["application_default_credentials.json"],
        &["\"refresh_token\""],
        |after| assigned(after) && run(value(after), encoded) >= 16,
    ),
    file_rule(
        "kubeconfig",
        "Kubernetes credential",
        &[".kube/config"],
        &["client-key-data:", "token:"],
        |after| assigned(after) && run(value(after), encoded) >= 16,
    ),
    file_rule(
        "pgpass",
        "PostgreSQL password",
        &[".pgpass"],
        &[":"],
        |after| {
            // `host:port:database:user:password`; looked at after the first colon.
            let line = after.split(|b| *b == b'\n').next().unwrap_or(after);
            let fields: Vec<_> = line.split(|b| *b == b':').collect();
            fields.len() >= 4 && assigned(fields[3])
        },
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_needle_hides_another() {
        let general = rules().iter().filter(|rule| rule.files.is_empty());
        let needles: Vec<_> = general.flat_map(|rule| rule.needles).collect();
        for (index, needle) in needles.iter().enumerate() {
            for (other_index, other) in needles.iter().enumerate() {
                assert!(
                    index == other_index || !needle.contains(*other),
                    "{other} in {needle}"
                );
            }
        }
    }
}
