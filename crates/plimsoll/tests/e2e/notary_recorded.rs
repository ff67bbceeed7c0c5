//! Recorded traffic of Docker's and Notary's clients with the reference server, sent to the
//! server again, every request in its order, refused ones too: each answer has the status, the
//! error, the kind and the life in caches that was recorded, and the bytes that were stored.
//!
//! Nobody has the recorded private keys any more. So what was signed is signed anew, by a key
//! for each key, once it is known whether the recorded signature was good; the same goes for
//! names, for digests of files that changed with it, and for times, which are moved to now.

use std::{collections::BTreeMap, path::PathBuf};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use trust::{
    PublicKey, SigningKey,
    tuf::{FileMeta, Key, Signer},
};

use crate::{
    http::{Answer, Registry},
    market::Market,
    notary_desk::told,
    publisher::certificate,
    skip,
};

/// A key of the recording, as it is here.
enum Ours {
    /// A client's.
    Client(Signer),
    /// One that the server holds.
    Server(Key),
}

impl Ours {
    fn key(&self) -> &Key {
        match self {
            Self::Client(signer) => &signer.key,
            Self::Server(key) => key,
        }
    }
}

/// One recording on its way.
struct Replay<'a> {
    market: &'a Market,
    /// Where its repositories are.
    place: String,
    /// From then to now.
    passed: TimeDelta,
    /// By the names they had.
    keys: BTreeMap<String, Ours>,
    /// The recorded public keys.
    recorded: BTreeMap<String, Key>,
    /// Files by the digests that they had.
    files: BTreeMap<String, Vec<u8>>,
    /// Digests of files that were named and are not here yet, by those that were.
    named: BTreeMap<String, String>,
    desks: BTreeMap<String, Registry>,
}

#[expect(clippy::disallowed_methods, reason = "where tests are told so")]
fn recording(name: &str) -> Option<Vec<Value>> {
    let given = std::env::var("PLIMSOLL_TEST_DATA").map(PathBuf::from);
    let root = given.unwrap_or_else(|_| "../../../shared/data".into());
    let file = root.join("notary").join(format!("{name}.jsonl"));
    let Ok(text) = std::fs::read_to_string(&file) else {
        skip(&format!("there is no {}", file.display()));
        return None;
    };
    let lines = text.lines().map(serde_json::from_str);
    Some(lines.collect::<Result<_, _>>().expect("JSON"))
}

#[test]
fn recorded_clients_get_the_recorded_answers() {
    let recordings = [
        "docker-dct-one-origin",
        "docker-trust-cli28",
        "docker-trust-tokenauth",
        "notary-client-basic",
        "notary-client-rootrotate-errors",
    ];
    let recordings: Option<Vec<_>> = recordings
        .iter()
        .map(|name| Some((*name, recording(name)?)))
        .collect();
    let Some(recordings) = recordings else { return };
    let market = Market::start();
    let mut sent = 0;
    for (name, lines) in recordings {
        let began = lines[0]["t"].as_f64().expect("a time");
        let began = DateTime::from_timestamp(began as i64, 0).expect("a time");
        let mut replay = Replay {
            market: &market,
            place: format!("{}/staging/acme/{name}", market.server.host()),
            passed: now() - began,
            keys: BTreeMap::new(),
            recorded: BTreeMap::new(),
            files: BTreeMap::new(),
            named: BTreeMap::new(),
            desks: BTreeMap::new(),
        };
        for (number, line) in lines.iter().enumerate() {
            sent += usize::from(replay.send(&format!("{name} {}", number + 1), line));
        }
    }
    assert!(sent > 250, "{sent}");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server's clock is the real one"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

impl Replay<'_> {
    /// Sends a recorded request; gives whether it is one of content trust.
    fn send(&mut self, at: &str, line: &Value) -> bool {
        let text = |field: &str| line[field].as_str().unwrap_or_default();
        let (method, path) = (text("m"), text("p"));
        let parted = path.strip_prefix("/v2/").and_then(|rest| {
            let (gun, rest) = rest.split_once("_trust/")?;
            Some((gun.strip_suffix('/').unwrap_or(gun), rest))
        });
        // The rest is for a registry, or for what else the recorded server was.
        let (gun, rest) = match parted {
            Some(parts) => parts,
            None if (method, path) == ("GET", "/v2/") => ("", ""),
            None => return false,
        };
        let kind = line["rh"]["Content-Type"].as_str().unwrap_or_default();
        let body = self.upload(gun, kind, text("rb"));
        let here = match (gun, rest) {
            ("", "") => path.to_owned(),
            ("", rest) => format!("/v2/_trust/{rest}"),
            (gun, rest) => format!("/v2/{}/_trust/{}", self.gun(gun), self.file_name(rest)),
        };
        let headers = [("content-type", kind)];
        let headers = if kind.is_empty() {
            &[][..]
        } else {
            &headers[..]
        };
        let desk = self.desk(gun, line);
        let answer = desk.ask_with(method, &here, headers, &body);
        let answer = answer.expect("an answer");
        let at = format!("{at}: {method} {path} as {here}");
        let was = Answer {
            status: line["s"]
                .as_u64()
                .and_then(|s| s.try_into().ok())
                .expect("a status"),
            headers: headers_of(line),
            body: text("b").as_bytes().to_vec(),
        };
        let said = String::from_utf8_lossy(&answer.body);
        assert_eq!(told(&answer), told(&was), "{at}: {said}");
        if method == "GET" && was.status == 200 && !gun.is_empty() {
            let cached = was.header("cache-control").replace("public", "private");
            assert_eq!(answer.header("cache-control"), cached, "{at}");
            assert_eq!(
                answer.header("content-type"),
                was.header("content-type"),
                "{at}"
            );
            self.compare(&at, rest, &was.body, answer.body);
        } else if was.status == 200 && rest.ends_with(".key") {
            self.compare(&at, rest, &was.body, answer.body);
        }
        true
    }

    /// Says who asks: with the rights that the recorded token had, or, where the recorded server
    /// asked for none, with all.
    fn desk(&mut self, gun: &str, line: &Value) -> &Registry {
        let authorization = line["rh"]["Authorization"].as_str();
        let claims = authorization.and_then(|header| {
            let claims = URL_SAFE_NO_PAD.decode(header.split('.').nth(1)?).ok()?;
            serde_json::from_slice::<Value>(&claims).ok()
        });
        let actions = claims.map(|claims| {
            let actions = claims["access"][0]["actions"].as_array().cloned();
            let actions = actions.unwrap_or_default();
            let actions: Vec<_> = actions.iter().filter_map(Value::as_str).collect();
            actions.join(",")
        });
        let scope = match (actions, gun) {
            (None, _) if line["s"] == 401 => String::new(),
            (_, "") => "registry:catalog:*".to_owned(),
            (actions, gun) => {
                let actions = actions.unwrap_or_else(|| "*".to_owned());
                format!("repository:{}:{actions}", self.gun(gun))
            }
        };
        let server = &self.market.server;
        let operator = server.ready.operator_password.as_deref();
        let account = match gun {
            // All changes are the operator's to see.
            "" => ("operator", operator.expect("an empty folder")),
            _ => ("ann", self.market.desk.token()),
        };
        self.desks.entry(scope.clone()).or_insert_with(|| {
            if scope.is_empty() {
                return Registry::nobody(server.url());
            }
            Registry::with_scopes(server.url(), account, [scope]).expect("a token")
        })
    }

    fn gun(&self, recorded: &str) -> String {
        let name = recorded.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
        format!("{}/{name}", self.place)
    }

    /// Puts the digest of our file into its name.
    fn file_name(&self, recorded: &str) -> String {
        let stem = recorded.strip_suffix(".json").unwrap_or(recorded);
        let Some((role, digest)) = stem.rsplit_once('.') else {
            return recorded.to_owned();
        };
        match self.ours(digest) {
            Some(digest) => format!("{role}.{digest}.json"),
            None => recorded.to_owned(),
        }
    }

    fn ours(&self, digest: &str) -> Option<String> {
        let file = self.files.get(digest).map(|bytes| sha256(bytes));
        file.or_else(|| self.named.get(digest).cloned())
    }

    /// Makes an upload of a recorded one.
    fn upload(&mut self, gun: &str, kind: &str, recorded: &str) -> Vec<u8> {
        let Some((_, boundary)) = kind.split_once("boundary=") else {
            return recorded.as_bytes().to_vec();
        };
        let mut files: Vec<_> = recorded
            .split(&format!("--{boundary}"))
            .filter_map(|part| part.split_once("\r\n\r\n"))
            .collect();
        // The root has the keys of targets, these those of delegations; a snapshot names all.
        files.sort_by_key(|(head, _)| {
            let named = |role: &str| head.contains(&format!("filename=\"{role}\""));
            (named("snapshot"), !named("root"), *head)
        });
        let mut body = recorded.to_owned();
        for (_, file) in files {
            let file = file.strip_suffix("\r\n").unwrap_or(file);
            if let Some(anew) = self.anew(gun, file) {
                self.files
                    .insert(sha256(file.as_bytes()), anew.clone().into_bytes());
                body = body.replace(file, &anew);
            }
        }
        body.into_bytes()
    }

    /// Writes a recorded file with our keys, digests and times, and signs it anew.
    fn anew(&mut self, gun: &str, file: &str) -> Option<String> {
        let (signed, signatures) = parts(file)?;
        let mut value: Value = serde_json::from_str(signed).ok()?;
        let fields = value.as_object_mut()?;
        let expires = fields["expires"].as_str()?;
        let expires = DateTime::parse_from_rfc3339(expires).ok()?.to_utc() + self.passed;
        let expires = expires.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        fields.insert("expires".to_owned(), expires.into());
        for place in ["keys", "roles"] {
            if fields["_type"] == "Root" {
                self.rename(gun, fields, place);
            } else if let Some(delegations) = fields.get_mut("delegations") {
                self.rename(gun, delegations.as_object_mut()?, place);
            }
        }
        if let Some(meta) = fields.get_mut("meta").and_then(Value::as_object_mut) {
            for described in meta.values_mut() {
                self.describe(described);
            }
        }
        // Such files have names and numbers only, whose one form is that of canonical JSON.
        let message = value.to_string();
        let signatures: Vec<_> = signatures
            .as_array()?
            .iter()
            .map(|signature| self.signature(signature, signed, &message))
            .collect();
        let signatures = Value::Array(signatures);
        Some(format!(
            "{{\"signed\":{message},\"signatures\":{signatures}}}"
        ))
    }

    /// Puts our keys and their names where others stand.
    fn rename(&mut self, gun: &str, fields: &mut Map<String, Value>, place: &str) {
        match (place, fields.get_mut(place)) {
            ("keys", Some(Value::Object(keys))) => {
                *keys = std::mem::take(keys)
                    .into_iter()
                    .map(|(id, key)| {
                        let ours = self.key(gun, &id, &key);
                        (ours.id().to_owned(), ours.to_json())
                    })
                    .collect();
            }
            ("roles", Some(Value::Object(roles))) => {
                roles.values_mut().for_each(|role| self.rename_ids(role));
            }
            ("roles", Some(Value::Array(roles))) => {
                roles.iter_mut().for_each(|role| self.rename_ids(role));
            }
            _ => {}
        }
    }

    fn rename_ids(&self, role: &mut Value) {
        for id in role["keyids"].as_array_mut().into_iter().flatten() {
            if let Some(ours) = self.keys.get(id.as_str().unwrap_or_default()) {
                *id = ours.key().id().into();
            }
        }
    }

    /// Returns our key for a recorded one; a client's is made where it is first seen.
    fn key(&mut self, gun: &str, id: &str, recorded: &Value) -> Key {
        let name = self.gun(gun);
        self.recorded.insert(id.to_owned(), read_key(recorded));
        let ours = self.keys.entry(id.to_owned()).or_insert_with(|| {
            let signing = SigningKey::generate().expect("random bytes");
            let kind = recorded["keytype"].as_str().unwrap_or_default();
            Ours::Client(match kind.ends_with("-x509") {
                true => Signer {
                    key: Key::new("ecdsa-x509", certificate(&name, &signing).into_bytes()),
                    signing,
                },
                false => Signer::new(signing),
            })
        });
        ours.key().clone()
    }

    /// Puts digests and length of our file where those of another stand.
    fn describe(&self, described: &mut Value) {
        let digest = described["hashes"]["sha256"].as_str().unwrap_or_default();
        let digest = hex::encode(STANDARD.decode(digest).unwrap_or_default());
        if let Some(file) = self.files.get(&digest) {
            let meta = FileMeta::of(file);
            let text = |hash: Option<Vec<u8>>| STANDARD.encode(hash.expect("made"));
            *described = json!({
                "hashes": { "sha256": text(meta.sha256), "sha512": text(meta.sha512) },
                "length": meta.length,
            });
        }
    }

    /// Signs as well as it was signed.
    fn signature(&self, recorded: &Value, signed: &str, message: &str) -> Value {
        let id = recorded["keyid"].as_str().unwrap_or_default();
        let Some(Ours::Client(signer)) = self.keys.get(id) else {
            return recorded.clone();
        };
        let sig = STANDARD.decode(recorded["sig"].as_str().unwrap_or_default());
        let was_good = match self.recorded.get(id) {
            Some(key) if key.kind() == "ecdsa" => {
                public_key(key).verify_raw(signed.as_bytes(), &sig.unwrap_or_default())
            }
            // The recordings have bad signatures by no other.
            _ => true,
        };
        let mut sig = signer.signing.sign_raw(message.as_bytes());
        sig[0] ^= u8::from(!was_good);
        json!({ "keyid": signer.key.id(), "method": "ecdsa", "sig": STANDARD.encode(sig) })
    }

    /// Compares what was read: stored bytes as they are, and what a server signs by what it says.
    fn compare(&mut self, at: &str, rest: &str, was: &[u8], is: Vec<u8>) {
        if rest.ends_with(".key") {
            return self.compare_keys(at, was, &is);
        }
        if !rest.ends_with(".json") {
            return;
        }
        let digest = sha256(was);
        if let Some(stored) = self.files.get(&digest) {
            assert_eq!(is, *stored, "{at}");
            return;
        }
        let read = |bytes: &[u8]| {
            let value: Value = serde_json::from_slice(bytes).expect("JSON");
            value["signed"].clone()
        };
        let (said, says) = (read(was), read(&is));
        for field in ["_type", "version"] {
            assert_eq!(says[field], said[field], "{at}");
        }
        let empty = Map::new();
        let meta = |value: &Value| value["meta"].as_object().unwrap_or(&empty).clone();
        let (said, says) = (meta(&said), meta(&says));
        assert!(said.keys().eq(says.keys()), "{at}: {says:?}");
        for (name, said) in said {
            let hash = |value: &Value| {
                let hash = value["hashes"]["sha256"].as_str().unwrap_or_default();
                hex::encode(STANDARD.decode(hash).expect("base64"))
            };
            let (was, is) = (hash(&said), hash(&says[&name]));
            let known = self.ours(&was);
            assert!(known.is_none_or(|known| known == is), "{at}: {name}");
            self.named.insert(was, is);
        }
        self.files.insert(digest, is);
    }

    /// The server gives another key when, and only when, the recorded one did.
    fn compare_keys(&mut self, at: &str, was: &[u8], is: &[u8]) {
        let read = |bytes| read_key(&serde_json::from_slice(bytes).expect("JSON"));
        let (was, is) = (read(was), read(is));
        let known = self.keys.get(was.id()).map(Ours::key);
        let taken = self.keys.values().any(|ours| *ours.key() == is);
        assert_eq!(known, taken.then_some(&is), "{at}");
        self.keys.insert(was.id().to_owned(), Ours::Server(is));
    }
}

fn headers_of(line: &Value) -> BTreeMap<String, String> {
    let pairs = line["h"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    pairs
        .map(|pair| (text(&pair[0]).to_lowercase(), text(&pair[1])))
        .collect()
}

/// What is signed in a file, as it stands there, and by whom.
fn parts(file: &str) -> Option<(&str, Value)> {
    let rest = file.trim_end().strip_prefix("{\"signed\":")?;
    let (signed, signatures) = rest.rsplit_once(",\"signatures\":")?;
    let signatures = serde_json::from_str(signatures.strip_suffix('}')?).ok()?;
    Some((signed, signatures))
}

fn read_key(value: &Value) -> Key {
    let public = STANDARD.decode(value["keyval"]["public"].as_str().unwrap_or_default());
    let kind = value["keytype"].as_str().unwrap_or_default();
    Key::new(kind, public.expect("base64"))
}

fn public_key(key: &Key) -> PublicKey {
    let text = key.to_json()["keyval"]["public"].clone();
    let lines: Vec<_> = text
        .as_str()
        .unwrap_or_default()
        .as_bytes()
        .chunks(64)
        .map(String::from_utf8_lossy)
        .collect();
    let body = lines.join("\n");
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n");
    PublicKey::from_pem(&pem).expect("a key")
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
