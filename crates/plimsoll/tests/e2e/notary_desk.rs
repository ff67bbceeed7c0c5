//! A publisher of trust metadata at the server or at the reference server, word by word.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use trust::tuf::{File, Key, Role, Signer};

use crate::{
    http::{Answer, Registry},
    publisher::{Delegated, Holders, root, root_signer, signer, snapshot, targets},
};

/// A publisher at one of the two servers.
pub(crate) struct Desk {
    registry: Registry,
    pub(crate) gun: String,
    pub(crate) holders: Holders,
    /// Whether the publisher keeps the snapshot's key, too.
    keeps_snapshot: bool,
}

/// Files by their roles.
pub(crate) type Parts = Vec<(&'static str, Vec<u8>)>;

impl Desk {
    pub(crate) fn new(registry: Registry, gun: &str, keeps_snapshot: bool) -> Self {
        let mut desk = Self {
            registry,
            gun: gun.to_owned(),
            holders: Holders {
                root: vec![root_signer(gun, 1)],
                targets: vec![signer(2)],
                snapshot: Vec::new(),
                timestamp: Vec::new(),
                threshold: 1,
            },
            keeps_snapshot,
        };
        desk.holders.timestamp = vec![desk.key("timestamp")];
        desk.holders.snapshot = vec![match keeps_snapshot {
            true => signer(3).key,
            false => desk.key("snapshot"),
        }];
        desk
    }

    pub(crate) fn key(&self, role: &str) -> Key {
        let answer = self.ask("GET", &format!("tuf/{role}.key"), &[]);
        assert_eq!(answer.status, 200, "{role}");
        let key: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let public = STANDARD.decode(text(&key["keyval"]["public"]));
        Key::new(&text(&key["keytype"]), public.expect("base64"))
    }

    pub(crate) fn ask(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        let path = format!("/v2/{}/_trust/{path}", self.gun);
        let kind = [("content-type", "multipart/form-data; boundary=x")];
        let answer = self.registry.ask_with(method, &path, &kind, body);
        answer.unwrap_or_else(|_| panic!("no answer to {method} {path} of {} bytes", body.len()))
    }

    pub(crate) fn publish(&self, parts: &Parts) -> Answer {
        self.ask("POST", "tuf/", &form(parts))
    }

    /// Root, targets that delegate `targets/releases`, and that one, each of version 1.
    pub(crate) fn first(&self) -> Parts {
        let root = root(1, &self.holders, &self.holders.root);
        self.whole(&[
            (Role::Root, root),
            (Role::Targets, self.targets(1)),
            (role("targets/releases"), self.releases(1)),
        ])
    }

    pub(crate) fn targets(&self, version: i64) -> File {
        let to = [signer(4)];
        let delegated = Delegated {
            role: "targets/releases",
            to: &to,
            threshold: 1,
        };
        let names = version.to_string();
        let signers = &self.holders.targets;
        targets(
            &Role::Targets,
            version,
            (&[names.as_str()], &[delegated]),
            signers,
        )
    }

    pub(crate) fn releases(&self, version: i64) -> File {
        targets(
            &role("targets/releases"),
            version,
            (&["1"], &[]),
            &[signer(4)],
        )
    }

    /// Adds the snapshot where the publisher makes it.
    pub(crate) fn whole(&self, files: &[(Role, File)]) -> Parts {
        let mut all = files.to_owned();
        if self.keeps_snapshot {
            let named: Vec<_> = files.iter().map(|(role, file)| (role, file)).collect();
            all.push((Role::Snapshot, snapshot(1, &named, &[signer(3)])));
        }
        all.iter().map(|(role, file)| part(role, file)).collect()
    }

    /// A snapshot of what is there with some files changed, left out, or as they were.
    pub(crate) fn snapshot(&self, version: i64, change: fn(&Self, &mut Vec<(Role, File)>)) -> File {
        let mut files = vec![
            (Role::Root, root(1, &self.holders, &self.holders.root)),
            (Role::Targets, self.targets(2)),
            (role("targets/releases"), self.releases(1)),
        ];
        change(self, &mut files);
        let named: Vec<_> = files.iter().map(|(role, file)| (role, file)).collect();
        snapshot(version, &named, &[signer(3)])
    }

    pub(crate) fn rotated(&self, version: i64, signers: &[Signer]) -> Parts {
        let holders = Holders {
            root: vec![root_signer(&self.gun, 11)],
            ..self.holders.clone()
        };
        vec![part(&Role::Root, &root(version, &holders, signers))]
    }
}

pub(crate) fn role(name: &str) -> Role {
    name.parse().expect("a role")
}

pub(crate) fn part(role: &Role, file: &File) -> (&'static str, Vec<u8>) {
    let name = match role {
        Role::Root => "root",
        Role::Targets => "targets",
        Role::Snapshot => "snapshot",
        Role::Timestamp => "timestamp",
        Role::Delegation(_) => "targets/releases",
    };
    (name, file.bytes.clone())
}

pub(crate) fn only(role: &Role, file: &File) -> Parts {
    vec![part(role, file)]
}

pub(crate) fn form(parts: &Parts) -> Vec<u8> {
    let mut body = Vec::new();
    for (role, bytes) in parts {
        let head = format!(
            "--x\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{role}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    body.extend_from_slice(b"--x--\r\n");
    body
}

/// What an answer comes to for a client.
pub(crate) fn told(answer: &Answer) -> (u16, Value, Value) {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let error = &body["errors"][0];
    (
        answer.status,
        error["code"].clone(),
        error["detail"]["Name"].clone(),
    )
}
