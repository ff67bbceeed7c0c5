//! How to prove with the tools people have that a signing key is theirs.

use super::Commands;

/// Returns the ways to sign `text` with a certificate's key or a plain one, which signs with
/// `algorithm` (`ES256`, `PS384` and so on), or as an identity (`identity`).
pub fn proof_commands(text: &str, is_certificate: bool, algorithm: &str) -> Vec<Commands> {
    let write = format!("printf '%s' '{text}' > proof.txt");
    if algorithm == "identity" {
        return identity_commands(&write);
    }
    let hash = algorithm.get(2..).unwrap_or("256");
    let sign = match algorithm {
        "EdDSA" => "pkeyutl -sign -rawin -inkey my.key -in proof.txt".to_owned(),
        _ => format!(
            "dgst -sha{hash}{} -sign my.key proof.txt",
            padding(algorithm)
        ),
    };
    let openssl = Commands {
        tool: "OpenSSL",
        proves: match is_certificate {
            true => {
                "Reads the key that belongs to the certificate; notation keeps those that it made in localkeys below its configuration folder."
            }
            false => {
                "Reads keys in PEM files, also those that docker trust key generate put below ~/.docker/trust/private."
            }
        },
        lines: format!("{write}\nopenssl {sign} | base64"),
    };
    if is_certificate {
        return vec![openssl];
    }
    let cosign = |tool, options: &str, proves, then: &str| Commands {
        tool,
        proves,
        lines: format!(
            "{write}\ncosign sign-blob --key cosign.key --tlog-upload=false{options} proof.txt{then}"
        ),
    };
    vec![
        cosign(
            "Cosign 2",
            "",
            "Prints the signature; other places of keys (--key with a KMS or a hardware token) will do as well.",
            "",
        ),
        cosign(
            "Cosign 3",
            " --use-signing-config=false --bundle proof.json",
            "Writes a bundle; paste all of it.",
            "\ncat proof.json",
        ),
        openssl,
    ]
}

fn padding(algorithm: &str) -> &'static str {
    match algorithm.starts_with("PS") {
        true => " -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest",
        false => "",
    }
}

/// Returns the ways to sign as an identity, which opens a browser or takes the runner's token.
fn identity_commands(write: &str) -> Vec<Commands> {
    let cosign = |tool, option: &str| Commands {
        tool,
        proves: "Signs in, signs, and writes a bundle; paste all of it.",
        lines: format!(
            "{write}\ncosign sign-blob {option} --bundle proof.json proof.txt\ncat proof.json"
        ),
    };
    vec![
        cosign("Cosign 2", "--new-bundle-format"),
        cosign("Cosign 3", "--use-signing-config=false"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_key_has_its_hash_and_padding() {
        let lines = |is_certificate, algorithm| {
            let commands = proof_commands("text", is_certificate, algorithm);
            commands.last().expect("OpenSSL").lines.clone()
        };
        assert!(lines(false, "ES256").contains("openssl dgst -sha256 -sign"));
        assert!(lines(true, "ES512").contains("openssl dgst -sha512 -sign"));
        assert!(lines(false, "RS256").contains("openssl dgst -sha256 -sign"));
        assert!(lines(false, "EdDSA").contains("openssl pkeyutl -sign -rawin"));
        assert!(lines(true, "PS384").contains("-sha384 -sigopt rsa_padding_mode:pss"));
        assert_eq!(proof_commands("text", false, "ES256").len(), 3);
        assert!(lines(false, "identity").contains("--bundle proof.json"));
    }
}
