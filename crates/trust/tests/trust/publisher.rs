//! A publisher of trust metadata: makes and signs files as Notary's client does.

use chrono::{DateTime, TimeDelta, Utc};
use plimsoll_trust::{
    SigningKey,
    tuf::{File, FileMeta, Key, Role, Signer, sign},
};
use serde_json::{Map, Value, json};

/// Who signs for which role, and how many must.
#[derive(Clone)]
pub(crate) struct Holders {
    pub(crate) root: Vec<Signer>,
    pub(crate) targets: Vec<Signer>,
    pub(crate) snapshot: Vec<Key>,
    pub(crate) timestamp: Vec<Key>,
    pub(crate) threshold: usize,
}

/// A delegation as the one who delegates writes it.
pub(crate) struct Delegated<'a> {
    pub(crate) role: &'a str,
    pub(crate) to: &'a [Signer],
    pub(crate) threshold: usize,
}

/// A time that all these files are good at.
pub(crate) fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).expect("a time")
}

/// When these files end: not while anybody runs the tests against a server with a clock of its own.
pub(crate) fn later() -> DateTime<Utc> {
    now() + TimeDelta::days(20 * 365)
}

pub(crate) fn signer(number: u8) -> Signer {
    Signer::new(SigningKey::from_scalar(&[number; 32]).expect("a small number is a scalar"))
}

/// A root key: it has a certificate for `gun`.
pub(crate) fn root_signer(gun: &str, number: u8) -> Signer {
    let signing = signer(number).signing;
    let pem = certificate(gun, &signing);
    Signer {
        key: Key::new("ecdsa-x509", pem.into_bytes()),
        signing,
    }
}

pub(crate) fn root(version: i64, holders: &Holders, signers: &[Signer]) -> File {
    let mut keys = Map::new();
    let mut roles = Map::new();
    let publics = |signers: &[Signer]| signers.iter().map(|one| one.key.clone()).collect();
    let all: [(&str, Vec<Key>); 4] = [
        ("root", publics(&holders.root)),
        ("targets", publics(&holders.targets)),
        ("snapshot", holders.snapshot.clone()),
        ("timestamp", holders.timestamp.clone()),
    ];
    for (role, of) in all {
        let ids: Vec<_> = of.iter().map(Key::id).collect();
        let threshold = match role {
            "root" | "targets" => holders.threshold,
            _ => 1,
        };
        roles.insert(
            role.to_owned(),
            json!({"keyids": ids, "threshold": threshold}),
        );
        keys.extend(of.iter().map(|key| (key.id().to_owned(), key.to_json())));
    }
    let fields = json!({"keys": keys, "roles": roles, "consistent_snapshot": false});
    signed(&Role::Root, version, fields, signers)
}

pub(crate) fn targets(
    role: &Role,
    version: i64,
    (names, delegated): (&[&str], &[Delegated<'_>]),
    signers: &[Signer],
) -> File {
    let files: Map<_, _> = names
        .iter()
        .map(|name| ((*name).to_owned(), meta(name.as_bytes())))
        .collect();
    let mut keys = Map::new();
    let mut roles = Vec::new();
    for one in delegated {
        let ids: Vec<_> = one.to.iter().map(|signer| signer.key.id()).collect();
        roles.push(json!({
            "name": one.role, "keyids": ids, "threshold": one.threshold, "paths": [""],
        }));
        let of = one.to.iter().map(|signer| &signer.key);
        keys.extend(of.map(|key| (key.id().to_owned(), key.to_json())));
    }
    let fields = json!({"targets": files, "delegations": {"keys": keys, "roles": roles}});
    signed(role, version, fields, signers)
}

pub(crate) fn snapshot(version: i64, files: &[(&Role, &File)], signers: &[Signer]) -> File {
    let files: Map<_, _> = files
        .iter()
        .map(|(role, file)| (role.to_string(), meta(&file.bytes)))
        .collect();
    signed(&Role::Snapshot, version, json!({"meta": files}), signers)
}

fn meta(bytes: &[u8]) -> Value {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let meta = FileMeta::of(bytes);
    json!({
        "length": meta.length,
        "hashes": {
            "sha256": STANDARD.encode(meta.sha256.expect("made")),
            "sha512": STANDARD.encode(meta.sha512.expect("made")),
        },
    })
}

fn signed(role: &Role, version: i64, fields: Value, signers: &[Signer]) -> File {
    let signers: Vec<_> = signers.iter().collect();
    sign(role, (version, later()), fields, &signers).expect("metadata")
}

/// A certificate as small as they get (RFC 5280), from 2026 to 2126; nobody looks at its signature.
pub(crate) fn certificate(common_name: &str, key: &SigningKey) -> String {
    let algorithm = der(0x30, &[&[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]]);
    let name = der(0x0c, &[common_name.as_bytes()]);
    let name = der(
        0x30,
        &[&der(0x31, &[&der(0x30, &[&[6, 3, 0x55, 4, 3], &name])])],
    );
    let validity = der(
        0x30,
        &[
            &der(0x17, &[b"260101000000Z"]),
            &der(0x18, &[b"21260101000000Z"]),
        ],
    );
    let version = der(0xa0, &[&[2, 1, 2]]);
    let spki = key.public().to_der();
    let about = der(
        0x30,
        &[
            &version,
            &[2, 1, 1],
            &algorithm,
            &name,
            &validity,
            &name,
            &spki,
        ],
    );
    let signature = der(3, &[&[0], &key.sign_der(&about)]);
    let whole = der(0x30, &[&about, &algorithm, &signature]);
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let body = STANDARD.encode(whole);
    let lines: Vec<_> = body
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    format!(
        "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
        lines.join("\n")
    )
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let mut bytes = vec![tag];
    match u8::try_from(body.len()) {
        Ok(length @ ..128) => bytes.push(length),
        Ok(length) => bytes.extend([0x81, length]),
        Err(_) => bytes.extend([0x82, (body.len() >> 8) as u8, body.len() as u8]),
    }
    bytes.extend(body);
    bytes
}
