//! The rules by which secrets are known: few, and each with a form so particular
//! that a match is hardly ever something else.

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
        |after| assigned(value(after)),
    ),
    file_rule(
        "registry-credential",
        "Registry credential of a container client",
        &[".docker/config.json", ".dockercfg", "containers/auth.json"],
        &["\"auth\"", "\"identitytoken\""],
        |after| {
            assigned(value(after)) && run(value(after), |b| dashed(b) || b"+/=.".contains(&b)) >= 6
        },
    ),
    file_rule(
        "git-credentials",
        "Password for git",
        &[".git-credentials"],
        &["://"],
        user_and_password,
    ),
    file_rule(
        "kubeconfig",
        "Kubernetes credential",
        &[".kube/config"],
        &["client-key-data:", "token:"],
        |after| {
            assigned(value(after)) && run(value(after), |b| dashed(b) || b"+/=.".contains(&b)) >= 16
        },
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

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn dashed(byte: u8) -> bool {
    word(byte) || byte == b'-'
}

fn run(bytes: &[u8], fits: fn(u8) -> bool) -> usize {
    bytes
        .iter()
        .take(2000)
        .take_while(|byte| fits(**byte))
        .count()
}

/// Returns whether a token of that length follows which looks random.
fn token(after: &[u8], least: usize, most: usize, fits: fn(u8) -> bool) -> bool {
    let length = run(after, fits);
    // Of a fixed length: a longer word is something else.
    let ends = !after.get(length).is_some_and(|byte| word(*byte));
    (least..=most).contains(&length) && ends && looks_random(&after[..length])
}

/// Refuses examples and fillers: `EXAMPLE`, `xxxxxxxx`, `00000000`.
fn looks_random(token: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in token {
        seen[usize::from(*byte)] = true;
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    let lower = token.to_ascii_lowercase();
    let filler = [
        &b"example"[..],
        b"xxxxx",
        b"placeholder",
        b"12345678",
        b"abcdefgh",
    ];
    distinct >= 8
        && !filler
            .iter()
            .any(|word| memchr::memmem::find(&lower, word).is_some())
}

fn mixed(after: &[u8]) -> bool {
    let token = &after[..run(after, alphanumeric)];
    token.iter().any(u8::is_ascii_uppercase) && token.iter().any(u8::is_ascii_lowercase)
}

/// Returns whether the rest of a header, claims and a signature follow.
fn json_web_token(after: &[u8]) -> bool {
    let Some(claims) = after
        .get(run(after, dashed)..)
        .and_then(|rest| rest.strip_prefix(b".eyJ"))
    else {
        return false;
    };
    let signature = claims
        .get(run(claims, dashed)..)
        .and_then(|rest| rest.strip_prefix(b"."));
    signature.is_some_and(|signature| token(signature, 20, 1000, dashed))
}

/// Passes over `=`, `:`, quotes and blanks.
fn value(after: &[u8]) -> &[u8] {
    let start = after
        .iter()
        .take(16)
        .take_while(|b| b"=: \t\"'".contains(b))
        .count();
    &after[start..]
}

/// Returns whether a value stands there that is no reference and no filler.
fn assigned(after: &[u8]) -> bool {
    let after = value(after);
    let length = run(after, |b| b.is_ascii_graphic() && !b"\"',".contains(&b));
    let word = after[..length].to_ascii_lowercase();
    let reference = matches!(word.first(), None | Some(b'$' | b'<' | b'{' | b'%' | b'*'));
    let filler = [
        &b"xxx"[..],
        b"changeme",
        b"password",
        b"your",
        b"example",
        b"null",
        b"none",
    ];
    !reference && !filler.iter().any(|filler| word.starts_with(filler))
}

/// Returns whether `user:password@` follows.
pub(crate) fn user_and_password(after: &[u8]) -> bool {
    let end = run(after, |b| b.is_ascii_graphic() && !b"/?#\"'".contains(&b));
    let Some(at) = memchr::memrchr(b'@', &after[..end]) else {
        return false;
    };
    let user = &after[..at];
    memchr::memchr(b':', user).is_some_and(|colon| assigned(&user[colon + 1..]))
}

/// Returns whether `… PRIVATE KEY-----` follows, with a key that is not encrypted.
fn private_key(after: &[u8]) -> bool {
    let label = &after[..after.len().min(64)];
    let Some(end) = memchr::memmem::find(label, b"-----") else {
        return false;
    };
    let label = &after[..end];
    let is_key = label.ends_with(b"PRIVATE KEY") || label == b"PGP PRIVATE KEY BLOCK";
    if !is_key || label.starts_with(b"ENCRYPTED") {
        return false;
    }
    let rest = &after[end + 5..];
    let rest = &rest[..rest.len().min(400)];
    if memchr::memmem::find(rest, b"4,ENCRYPTED").is_some() {
        return false;
    }
    // Documentation shows the header with dots for the key.
    let mut length = 0;
    rest.iter().any(|byte| {
        let base64 = byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        length = if base64 { length + 1 } else { 0 };
        length >= 40
    })
}

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
