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
                proves: "By digest you get exactly these bytes. With a sigstoreSigned rule and the operator's key in policy.json, Podman also refuses what is not signed.",
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
