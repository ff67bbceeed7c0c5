//! An authority, a log of certificates and a log of signatures that speak sigstore's formats, and
//! signers without keys who use them.

use app::oci::Digest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use trust::{
    SigningKey,
    bundle::{self, BUNDLE},
    cosign,
    keyless::TrustRoot,
    log::leaf_hash,
};

/// Who vouches for identities.
pub(crate) const ISSUER: &str = "https://accounts.example";

/// The instance.
pub(crate) struct Sigstore {
    authority: SigningKey,
    certificates: SigningKey,
    log: SigningKey,
}

/// What lies under the tag of an image's signatures.
pub(crate) struct Beside {
    pub(crate) manifest: Vec<u8>,
    pub(crate) blobs: [Vec<u8>; 2],
}

/// A key that is good for minutes, with its certificate.
struct Signer {
    key: SigningKey,
    certificate: Vec<u8>,
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_scalar(&[number; 32]).expect("a small number is a scalar")
}

/// One element of DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let size = content.len();
    let mut made = vec![tag];
    match size {
        0..=0x7f => made.push(size as u8),
        0x80..=0xff => made.extend([0x81, size as u8]),
        _ => made.extend([0x82, (size >> 8) as u8, size as u8]),
    }
    made.extend(content);
    made
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &parts.concat())
}

fn oid(text: &str) -> Vec<u8> {
    let arcs: Vec<u32> = text
        .split('.')
        .map(|arc| arc.parse().expect("a number"))
        .collect();
    let mut bytes = vec![(arcs[0] * 40 + arcs[1]) as u8];
    for arc in &arcs[2..] {
        let sevens = (0..5).rev().map(|place| arc >> (7 * place));
        let sevens: Vec<u32> = sevens.skip_while(|rest| *rest == 0).collect();
        let last = sevens.len().saturating_sub(1);
        let digit = |(at, rest): (usize, &u32)| (rest & 0x7f) as u8 | u8::from(at < last) << 7;
        bytes.extend(sevens.iter().enumerate().map(digit));
    }
    der(6, &bytes)
}

fn extension(name: &str, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag = match critical {
        true => der(1, &[0xff]),
        false => Vec::new(),
    };
    sequence(&[oid(name), flag, der(4, value)])
}

fn common_name(name: &str) -> Vec<u8> {
    let part = sequence(&[oid("2.5.4.3"), der(0x0c, name.as_bytes())]);
    sequence(&[der(0x31, &part)])
}

/// What is signed of a certificate.
fn about(
    (issuer, subject): (Vec<u8>, Vec<u8>),
    (begins, ends): (DateTime<Utc>, DateTime<Utc>),
    key: &SigningKey,
    extensions: &[Vec<u8>],
) -> Vec<u8> {
    let time = |at: DateTime<Utc>| der(0x17, at.format("%y%m%d%H%M%SZ").to_string().as_bytes());
    sequence(&[
        der(0xa0, &der(2, &[2])),
        der(2, &[7]),
        sequence(&[oid("1.2.840.10045.4.3.2")]),
        issuer,
        sequence(&[time(begins), time(ends)]),
        subject,
        key.public().to_der(),
        der(0xa3, &sequence(extensions)),
    ])
}

fn certificate(about: Vec<u8>, by: &SigningKey) -> Vec<u8> {
    let signature = [&[0][..], &by.sign_der(&about)].concat();
    sequence(&[
        about,
        sequence(&[oid("1.2.840.10045.4.3.2")]),
        der(3, &signature),
    ])
}

fn counted(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

impl Sigstore {
    pub(crate) fn new() -> Self {
        Self {
            authority: key(41),
            certificates: key(42),
            log: key(43),
        }
    }

    /// Another one, that nobody believes.
    pub(crate) fn another() -> Self {
        Self {
            authority: key(51),
            certificates: key(52),
            log: key(53),
        }
    }

    fn root_certificate(&self) -> Vec<u8> {
        let extensions = [
            extension("2.5.29.19", true, &sequence(&[der(1, &[0xff])])),
            extension("2.5.29.15", true, &[3, 2, 2, 4]),
        ];
        let day = |seconds| DateTime::from_timestamp(seconds, 0).expect("a time");
        let name = || common_name("authority");
        let times = (day(1_600_000_000), day(2_500_000_000));
        let about = about((name(), name()), times, &self.authority, &extensions);
        certificate(about, &self.authority)
    }

    /// Returns what an operator gets to believe it by.
    pub(crate) fn root(&self) -> TrustRoot {
        let valid = json!({ "start": "2020-01-01T00:00:00Z" });
        let log = |key: &SigningKey| {
            json!([{ "publicKey": {
                "rawBytes": STANDARD.encode(key.public().to_der()),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256", "validFor": valid,
            }}])
        };
        let certificate = STANDARD.encode(self.root_certificate());
        let root = json!({
            "tlogs": log(&self.log),
            "ctlogs": log(&self.certificates),
            "certificateAuthorities": [{
                "certChain": { "certificates": [{ "rawBytes": certificate }] },
                "validFor": valid,
            }],
        });
        TrustRoot::read(root.to_string().as_bytes()).expect("a trust root")
    }

    /// Gives somebody a certificate for ten minutes.
    fn signer(&self, subject: &str, now: DateTime<Utc>) -> Signer {
        let key = key(61);
        let mut extensions = vec![
            extension("2.5.29.15", true, &[3, 2, 7, 0x80]),
            extension("2.5.29.37", false, &sequence(&[oid("1.3.6.1.5.5.7.3.3")])),
            extension(
                "2.5.29.17",
                true,
                &sequence(&[der(0x81, subject.as_bytes())]),
            ),
            extension(
                "1.3.6.1.4.1.57264.1.8",
                false,
                &der(0x0c, ISSUER.as_bytes()),
            ),
        ];
        let write = |extensions: &[Vec<u8>]| {
            let names = (common_name("authority"), sequence(&[]));
            about(names, (now, now + TimeDelta::minutes(10)), &key, extensions)
        };
        let without = write(&extensions);
        let time = (now.timestamp_millis() as u64).to_be_bytes();
        let signed = [
            &[0, 0][..],
            &time,
            &[0, 1],
            &Sha256::digest(self.authority.public().to_der()),
            &(without.len() as u32).to_be_bytes()[1..],
            &without,
            &[0, 0],
        ];
        let signature = self.certificates.sign_der(&signed.concat());
        let promise = [
            &[0][..],
            &Sha256::digest(self.certificates.public().to_der()),
            &time,
            &[0, 0, 4, 3],
            &counted(&signature),
        ];
        let list = counted(&counted(&promise.concat()));
        extensions.push(extension("1.3.6.1.4.1.11129.2.4.2", false, &der(4, &list)));
        Signer {
            certificate: certificate(write(&extensions), &self.authority),
            key,
        }
    }

    /// Takes a signature into the log.
    fn entry(&self, kind: &str, spec: &Value, at: DateTime<Utc>) -> Value {
        let body = json!({ "apiVersion": "0.0.1", "kind": kind, "spec": spec }).to_string();
        let id = Sha256::digest(self.log.public().to_der());
        let body64 = STANDARD.encode(&body);
        let promise = format!(
            r#"{{"body":"{body64}","integratedTime":{},"logID":"{}","logIndex":7}}"#,
            at.timestamp(),
            hex::encode(id)
        );
        let root = leaf_hash(body.as_bytes());
        let head = format!("log.example\n1\n{}\n", STANDARD.encode(root));
        let signed = [&id[..4], &self.log.sign_der(head.as_bytes())].concat();
        json!({
            "logIndex": "7",
            "logId": { "keyId": STANDARD.encode(id) },
            "kindVersion": { "kind": kind, "version": "0.0.1" },
            "integratedTime": at.timestamp().to_string(),
            "inclusionPromise": {
                "signedEntryTimestamp": STANDARD.encode(self.log.sign_der(promise.as_bytes())),
            },
            "inclusionProof": {
                "logIndex": "0", "treeSize": "1", "hashes": [],
                "rootHash": STANDARD.encode(root),
                "checkpoint": {
                    "envelope": format!("{head}\n— log.example {}\n", STANDARD.encode(signed)),
                },
            },
            "canonicalizedBody": body64,
        })
    }

    /// Signs a text as somebody, as `cosign sign-blob` does; gives the bundle.
    pub(crate) fn sign_text(&self, subject: &str, text: &str, now: DateTime<Utc>) -> String {
        let signer = self.signer(subject, now);
        let signature = STANDARD.encode(signer.key.sign_der(text.as_bytes()));
        let hash = hex::encode(Sha256::digest(text));
        let spec = json!({
            "data": { "hash": { "algorithm": "sha256", "value": hash } },
            "signature": { "content": signature, "publicKey": { "content": signer.pem() } },
        });
        let bundle = json!({
            "mediaType": BUNDLE,
            "verificationMaterial": {
                "certificate": { "rawBytes": STANDARD.encode(&signer.certificate) },
                "tlogEntries": [self.entry("hashedrekord", &spec, now)],
            },
            "messageSignature": { "signature": signature },
        });
        bundle.to_string()
    }

    /// Signs an image as somebody, as cosign 2 does; gives what lies under the tag of signatures.
    pub(crate) fn sign_beside(&self, subject: &str, digest: &Digest, now: DateTime<Utc>) -> Beside {
        let signer = self.signer(subject, now);
        let payload = cosign::payload("market.example/staging/acme/db", digest, None);
        let signature = cosign::sign(&signer.key, payload).expect("signed");
        let hash = hex::encode(Sha256::digest(&signature.payload));
        let spec = json!({
            "data": { "hash": { "algorithm": "sha256", "value": hash } },
            "signature": {
                "content": signature.signature, "publicKey": { "content": signer.pem() },
            },
        });
        let entry = self.entry("hashedrekord", &spec, now);
        let kept = json!({
            "SignedEntryTimestamp": entry["inclusionPromise"]["signedEntryTimestamp"],
            "Payload": {
                "body": entry["canonicalizedBody"],
                "integratedTime": now.timestamp(),
                "logIndex": 7,
                "logID": hex::encode(Sha256::digest(self.log.public().to_der())),
            },
        });
        let pem = STANDARD.decode(signer.pem()).expect("base64");
        let image = cosign::signature_manifest(&[signature]).expect("an image");
        let mut manifest: Value = serde_json::from_slice(&image.manifest.bytes).expect("JSON");
        let annotations = &mut manifest["layers"][0]["annotations"];
        annotations["dev.sigstore.cosign/bundle"] = kept.to_string().into();
        let pem = String::from_utf8(pem).expect("text");
        annotations["dev.sigstore.cosign/certificate"] = pem.into();
        Beside {
            manifest: manifest.to_string().into_bytes(),
            blobs: [image.config, image.payloads.concat()],
        }
    }

    /// Signs an image as somebody, as `cosign sign` does; gives the bundle.
    pub(crate) fn sign_image(
        &self,
        subject: &str,
        (digest, kind): (&Digest, &str),
        now: DateTime<Utc>,
    ) -> Vec<u8> {
        let signer = self.signer(subject, now);
        let bytes = bundle::sign(&signer.key, ("", digest), kind, json!({})).expect("signed");
        let mut bundle: Value = serde_json::from_slice(&bytes).expect("JSON");
        let envelope = &bundle["dsseEnvelope"];
        let payload = STANDARD.decode(envelope["payload"].as_str().expect("text"));
        let hash = hex::encode(Sha256::digest(payload.expect("base64")));
        let spec = json!({
            "payloadHash": { "algorithm": "sha256", "value": hash },
            "signatures": [{
                "signature": envelope["signatures"][0]["sig"], "verifier": signer.pem(),
            }],
        });
        bundle["verificationMaterial"] = json!({
            "certificate": { "rawBytes": STANDARD.encode(&signer.certificate) },
            "tlogEntries": [self.entry("dsse", &spec, now)],
        });
        bundle.to_string().into_bytes()
    }
}

impl Signer {
    /// Returns the certificate as the log keeps it: PEM in base64.
    fn pem(&self) -> String {
        let lines = STANDARD.encode(&self.certificate);
        STANDARD.encode(format!(
            "-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"
        ))
    }
}
