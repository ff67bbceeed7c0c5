//! How to get and check an image with the tools people have, and what each of them proves.

/// Where a released image is.
#[derive(Debug, Clone)]
pub struct Install {
    /// Host and port of the registry, for example `market.example`.
    pub registry: String,
    /// The repository, for example `harbour/pilot`.
    pub repository: String,
    /// The released tag.
    pub tag: String,
    /// The released digest, `sha256:…`.
    pub digest: String,
    /// Address of the operator's public key.
    pub key_url: String,
    /// Address of its certificate.
    pub certificate_url: String,
    /// Whether pulling needs a token.
    pub needs_token: bool,
    /// Whether pulling needs a subscription.
    pub needs_subscription: bool,
}

/// What to type with one tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commands {
    /// The tool.
    pub tool: &'static str,
    /// What its use proves.
    pub proves: &'static str,
    /// The lines to type.
    pub lines: String,
}

impl Install {
    /// Returns the image by tag.
    pub fn by_tag(&self) -> String {
        format!("{}/{}:{}", self.registry, self.repository, self.tag)
    }

    /// Returns the image by digest.
    pub fn by_digest(&self) -> String {
        format!("{}/{}@{}", self.registry, self.repository, self.digest)
    }

    /// Returns the ways to pull.
    pub fn pulls(&self) -> Vec<Commands> {
        vec![
            Commands {
                tool: "Docker up to 28",
                proves: "With content trust Docker refuses what the operator did not sign under this tag, what was altered, and metadata older than it saw before. It asks no log: a hold is a warning on this page only.",
                lines: self.signed_in(
                    "docker login",
                    &format!("DOCKER_CONTENT_TRUST=1 docker pull {}", self.by_tag()),
                ),
            },
            Commands {
                tool: "Docker 29 and later",
                proves: "These versions ignore DOCKER_CONTENT_TRUST without saying so, and check that the bytes fit the digest, not who signed it: prove it with one of the tools below first, then pull by digest.",
                lines: self.signed_in("docker login", &format!("docker pull {}", self.by_digest())),
            },
            Commands {
                tool: "Podman",
                proves: "By digest you get exactly these bytes. With the rule below, Podman also refuses what is not signed.",
                lines: self.signed_in("podman login", &format!("podman pull {}", self.by_digest())),
            },
            Commands {
                tool: "Skopeo",
                proves: "Copies exactly these bytes, for example into a registry of your own; --all takes every platform.",
                lines: self.signed_in(
                    "skopeo login",
                    &format!(
                        "skopeo copy --all docker://{} dir:{}",
                        self.by_digest(),
                        self.repository.rsplit('/').next().unwrap_or("image")
                    ),
                ),
            },
        ]
    }

    /// Returns the way to pull what is not released.
    pub fn preview(&self) -> Commands {
        Commands {
            tool: "Docker",
            proves: "By digest you get exactly these bytes. The operator has not signed them: that comes with the release. Podman and Skopeo pull them in the same way.",
            lines: self.signed_in("docker login", &format!("docker pull {}", self.by_digest())),
        }
    }

    /// Returns the ways to prove that it is what was certified.
    pub fn checks(&self) -> Vec<Commands> {
        vec![
            Commands {
                tool: "Plimsoll",
                proves: "The operator signed this digest, for this repository; its log says that it was released and is neither on hold nor revoked, and is the same log as last time. As docker-plimsoll among Docker's plugins it is docker plimsoll verify.",
                lines: format!(
                    "curl --fail --output operator.pub {}\nplimsoll verify {} --key operator.pub",
                    self.key_url,
                    self.by_tag()
                ),
            },
            Commands {
                tool: "Cosign",
                proves: "The operator signed this digest. Cosign 3 also wants an empty trusted root, so that it asks nobody else: cosign trusted-root create --out root.json, then add --trusted-root root.json.",
                lines: format!(
                    "curl --fail --output operator.pub {}\ncosign verify --key operator.pub --insecure-ignore-tlog=true {}",
                    self.key_url,
                    self.by_digest()
                ),
            },
            Commands {
                tool: "Notation",
                proves: "The operator signed this digest. The policy is for this market's images and joins those that you have; notation asks no log and knows of no hold.",
                lines: self.notation(),
            },
        ]
    }

    /// Returns what makes machines refuse whatever the operator did not sign.
    pub fn enforced(&self) -> Vec<Commands> {
        vec![
            Commands {
                tool: "Podman, Skopeo, CRI-O",
                proves: "The operator's key, and where its signatures are: beside the image. Then the rule below, in /etc/containers/policy.json. Debian 12's Podman and Skopeo are built without such signatures, and refuse every image that a rule like this is for.",
                lines: format!(
                    "curl --fail --output /etc/containers/release.pub {}\ncat > /etc/containers/registries.d/plimsoll.yaml <<'END'\ndocker:\n  {}:\n    use-sigstore-attachments: true\nEND",
                    self.key_url, self.registry
                ),
            },
            Commands {
                tool: "containers-policy.json",
                proves: "Of this repository, only what the operator signed under its name is pulled, and nothing from elsewhere: keep the default and the entries that you have, and add this one, where you need more.",
                lines: self.containers_policy(),
            },
            Commands {
                tool: "Kubernetes, with Sigstore's policy controller",
                proves: "In namespaces labelled policy.sigstore.dev/include=true, no pod starts with an image of this repository that the operator did not sign.",
                lines: self.admission(),
            },
        ]
    }

    fn repository_of_registry(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    fn containers_policy(&self) -> String {
        format!(
            r#"{{ "default": [{{ "type": "reject" }}],
  "transports": {{ "docker": {{ "{}": [{{
    "type": "sigstoreSigned", "keyPath": "/etc/containers/release.pub",
    "signedIdentity": {{ "type": "matchRepository" }} }}] }} }} }}"#,
            self.repository_of_registry()
        )
    }

    /// Names of Kubernetes are lower-case letters, digits and dashes; a repository also has
    /// slashes, dots and underscores.
    fn admission(&self) -> String {
        let name: String = self
            .repository
            .chars()
            .map(|one| {
                if one.is_ascii_alphanumeric() {
                    one
                } else {
                    '-'
                }
            })
            .collect();
        format!(
            r#"curl --fail --output release.pub {}
kubectl create secret generic plimsoll-release -n cosign-system --from-file=cosign.pub=release.pub
kubectl apply -f - <<'END'
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: plimsoll-{name}
spec:
  images:
    - glob: "{}**"
  authorities:
    - key:
        secretRef:
          name: plimsoll-release
END"#,
            self.key_url,
            self.repository_of_registry()
        )
    }

    fn notation(&self) -> String {
        let policy = serde_json::json!({ "version": "1.0", "trustPolicies": [{
            "name": self.registry.replace(':', "-"),
            "registryScopes": [format!("{}/{}", self.registry, self.repository)],
            "signatureVerification": { "level": "strict" },
            "trustStores": ["ca:plimsoll"],
            "trustedIdentities": ["*"],
        }]});
        format!(
            "curl --fail --output operator.crt {}\nnotation cert add --type ca --store plimsoll operator.crt\necho '{policy}' > policy.json\nnotation policy import policy.json\nnotation verify {}",
            self.certificate_url,
            self.by_digest()
        )
    }

    fn signed_in(&self, login: &str, command: &str) -> String {
        if self.needs_token {
            format!("{login} {}\n{command}", self.registry)
        } else {
            command.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_enforced_names_the_real_host_and_repository() {
        let install = Install {
            registry: "market.example:5443".to_owned(),
            repository: "harbour/pilot.db".to_owned(),
            tag: "1.0".to_owned(),
            digest: "sha256:00".to_owned(),
            key_url: "https://market.example:5443/keys/release.pub".to_owned(),
            certificate_url: String::new(),
            needs_token: false,
            needs_subscription: false,
        };
        let [files, policy, admission] =
            <[Commands; 3]>::try_from(install.enforced()).expect("three ways");
        assert!(files.lines.contains("\n  market.example:5443:\n"));
        let policy: serde_json::Value = serde_json::from_str(&policy.lines).expect("it is JSON");
        let rules = &policy["transports"]["docker"]["market.example:5443/harbour/pilot.db"];
        assert_eq!(rules[0]["type"], "sigstoreSigned");
        assert!(
            admission
                .lines
                .contains("name: plimsoll-harbour-pilot-db\n")
        );
        assert!(
            admission
                .lines
                .contains("glob: \"market.example:5443/harbour/pilot.db**\"")
        );
    }
}
