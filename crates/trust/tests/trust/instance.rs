//! An instance without logs, as OpenSSL makes one: certificates, signatures, countersignatures of time.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

/// Extensions of the certificates of an instance: its root, a signer's, an authority's of time,
/// and one that is for other purposes as well.
const EXTENSIONS: &str = "
[ca]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign
[signer]
keyUsage = critical,digitalSignature
extendedKeyUsage = codeSigning
subjectAltName = email:ann@acme.example
1.3.6.1.4.1.57264.1.8 = ASN1:UTF8String:https://accounts.example
[time]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[both]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping,codeSigning
[tsa]
serial = serial
default_policy = 1.2.3.4
digests = sha256, sha384, sha512
clock_precision_digits = 3
signer_digest = sha256
ess_cert_id_alg = sha256
[tsa_old]
serial = serial
default_policy = 1.2.3.4
digests = sha256
signer_digest = sha256
ess_cert_id_alg = sha1
";

/// An instance without logs: an authority of certificates, and others of time.
pub(crate) struct Instance(tempfile::TempDir);

impl Instance {
    /// Makes one; none where OpenSSL is not installed.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    pub(crate) fn new() -> Option<Self> {
        let this = Self(tempfile::tempdir().expect("a folder"));
        if Command::new("openssl").arg("version").output().is_err() {
            eprintln!("skipped: openssl is not installed");
            return None;
        }
        this.write("conf", EXTENSIONS.as_bytes());
        this.write("serial", b"01\n");
        for (name, key) in [
            ("ca", "EC -pkeyopt ec_paramgen_curve:P-384"),
            ("signer", "EC -pkeyopt ec_paramgen_curve:P-256"),
            ("time", "EC -pkeyopt ec_paramgen_curve:P-256"),
            ("rsa", "RSA -pkeyopt rsa_keygen_bits:2048"),
            ("both", "EC -pkeyopt ec_paramgen_curve:P-256"),
        ] {
            this.openssl(&format!("genpkey -algorithm {key} -out {name}.key"));
            let extensions = if name == "rsa" { "time" } else { name };
            let by = match name {
                "ca" => "-signkey ca.key".to_owned(),
                _ => "-CA ca.pem -CAkey ca.key -CAcreateserial".to_owned(),
            };
            this.openssl(&format!(
                "req -new -key {name}.key -subj /CN={name} -out {name}.csr"
            ));
            this.openssl(&format!(
                "x509 -req -in {name}.csr {by} -days 3 -extfile conf -extensions {extensions} -out {name}.pem"
            ));
        }
        Some(this)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(name), bytes).expect(name);
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.path().join(name)).expect(name)
    }

    pub(crate) fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).expect("text")
    }

    fn openssl(&self, arguments: &str) {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output();
        let output = output.expect("installed");
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments}: {text}");
    }

    /// Signs with the signer's key.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.write("message", message);
        self.openssl("dgst -sha256 -sign signer.key -out signature message");
        self.read("signature")
    }

    /// Asks an authority of time about a signature.
    pub(crate) fn stamp(&self, signature: &[u8], by: &str, section: &str, more: &str) -> Vec<u8> {
        self.write("seen", signature);
        self.openssl(&format!("ts -query -data seen -sha256 {more} -out query").replace("  ", " "));
        self.openssl(&format!(
            "ts -reply -queryfile query -config conf -section {section} -signer {by}.pem -inkey {by}.key -out answer"
        ));
        self.read("answer")
    }

    /// Returns its trust root, with these chains of authorities of time.
    pub(crate) fn root(&self, stampers: &[&[&str]]) -> Value {
        let raw = |name: &&str| {
            let pem = self.text(&format!("{name}.pem"));
            let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
            json!({ "rawBytes": body })
        };
        let authority = |chain: &[&str]| {
            json!({
                "certChain": { "certificates": chain.iter().map(raw).collect::<Vec<_>>() },
                "validFor": { "start": "2020-01-01T00:00:00Z" },
            })
        };
        json!({
            "certificateAuthorities": [authority(&["ca"])],
            "timestampAuthorities": stampers.iter().map(|chain| authority(chain)).collect::<Vec<_>>(),
        })
    }
}
