//! Metadata files: the bytes as they came, which are what is stored, hashed and sent on, and
//! beside them what they say.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256, Sha512};

use super::{
    Key, Role,
    fields::{as_object, base64, no_lookalikes, number, text},
    json::{canonical, parse},
};

/// No file is larger, in bytes.
pub const MAX_FILE_BYTES: usize = 8 << 20;
/// A file names this many keys at most.
pub const MAX_KEYS: usize = 1_000;
/// A file has this many signatures at most.
pub const MAX_SIGNATURES: usize = 100;
/// A file delegates to this many roles at most.
pub const MAX_DELEGATIONS: usize = 500;
/// Versions that the reference server's database can hold.
pub const MAX_VERSION: i64 = i32::MAX as i64;

/// A file is not metadata at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the metadata cannot be read: {0}")]
pub struct Malformed(pub String);

/// Metadata says what it must not; the text is for the one who wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(pub String);

/// One signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// By which key.
    pub key_id: String,
    /// How it was made, in lower case.
    pub method: String,
    /// The signature itself.
    pub bytes: Vec<u8>,
}

/// A metadata file, not yet verified. Within another document it is base64 of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct File {
    /// The bytes as they came.
    pub bytes: Vec<u8>,
    /// Its number; each change has a higher one.
    pub version: i64,
    /// When it ends.
    pub expires: DateTime<Utc>,
    pub(super) signatures: Vec<Signature>,
    /// What was signed, in canonical form.
    pub(super) message: Vec<u8>,
    signed: Map<String, Value>,
}

impl TryFrom<String> for File {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Malformed> {
        Self::parse(base64(&text, "the file")?)
    }
}

impl From<File> for String {
    fn from(file: File) -> Self {
        STANDARD.encode(file.bytes)
    }
}

/// Who signs for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleKeys {
    /// The keys by their names.
    pub keys: BTreeMap<String, Key>,
    /// How many must sign.
    pub threshold: usize,
}

/// What root metadata says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    pub(super) root: RoleKeys,
    pub(super) targets: RoleKeys,
    pub(super) snapshot: RoleKeys,
    pub(super) timestamp: RoleKeys,
}

impl Root {
    /// Returns who signs for one of the four roles.
    pub fn role(&self, role: &Role) -> Option<&RoleKeys> {
        match role {
            Role::Root => Some(&self.root),
            Role::Targets => Some(&self.targets),
            Role::Snapshot => Some(&self.snapshot),
            Role::Timestamp => Some(&self.timestamp),
            Role::Delegation(_) => None,
        }
    }
}

/// A role that others sign a part of the targets for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Its role.
    pub role: Role,
    /// Who signs for it.
    pub keys: RoleKeys,
    /// What it may name: what begins with one of these.
    pub paths: Vec<String>,
}

/// Length and digests of something that metadata names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileMeta {
    /// In bytes.
    pub length: i64,
    /// SHA-256.
    pub sha256: Option<Vec<u8>>,
    /// SHA-512.
    pub sha512: Option<Vec<u8>>,
}

/// What targets metadata says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Targets {
    /// What is signed, by name.
    pub targets: BTreeMap<String, FileMeta>,
    /// What is left to others, in their order.
    pub delegations: Vec<Delegation>,
}

/// What snapshot and timestamp say: other files, by role.
pub type Meta = BTreeMap<String, FileMeta>;

impl FileMeta {
    /// Describes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            length: i64::try_from(bytes.len()).unwrap_or(i64::MAX),
            sha256: Some(Sha256::digest(bytes).to_vec()),
            sha512: Some(Sha512::digest(bytes).to_vec()),
        }
    }

    /// Returns why `bytes`, the file of `role`, are not what this describes.
    pub(super) fn check(&self, role: &str, bytes: &[u8]) -> Result<(), Invalid> {
        let is = Self::of(bytes);
        let pairs = [
            ("sha256", &self.sha256, is.sha256),
            ("sha512", &self.sha512, is.sha512),
        ];
        let mut any = false;
        for (name, said, is) in pairs {
            let Some(said) = said else { continue };
            if is.as_ref() != Some(said) {
                return Err(mismatch(name, role, said));
            }
            any = true;
        }
        match any {
            true => Ok(()),
            false => Err(no_checksums(role)),
        }
    }

    pub(super) fn to_json(&self) -> Value {
        let hashes: Map<_, _> = [("sha256", &self.sha256), ("sha512", &self.sha512)]
            .into_iter()
            .filter_map(|(name, hash)| {
                Some((name.to_owned(), STANDARD.encode(hash.as_ref()?).into()))
            })
            .collect();
        serde_json::json!({ "hashes": hashes, "length": self.length })
    }
}

pub(super) fn mismatch(algorithm: &str, role: &str, expected: &[u8]) -> Invalid {
    let expected = hex::encode(expected);
    Invalid(format!(
        "{algorithm} checksum for {role} did not match: expected {expected}"
    ))
}

pub(super) fn no_checksums(role: &str) -> Invalid {
    Invalid(format!(
        "no checksums for supported algorithms were provided for {role}"
    ))
}

impl File {
    /// Reads what all metadata files have. What the file says beyond that, and whether it is
    /// signed, is looked at later.
    ///
    /// # Errors
    /// [`Malformed`] says what is wrong.
    pub fn parse(bytes: Vec<u8>) -> Result<Self, Malformed> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(Malformed(format!(
                "it has {} bytes; at most {MAX_FILE_BYTES} are taken",
                bytes.len()
            )));
        }
        let value = parse(&bytes).map_err(|error| Malformed(error.to_string()))?;
        let fields = as_object(&value, "the file")?;
        no_lookalikes(fields, &["signed", "signatures"])?;
        let signed = as_object(fields.get("signed").unwrap_or(&Value::Null), "`signed`")?;
        no_lookalikes(signed, &["_type", "expires", "version"])?;
        let message = canonical(&Value::Object(signed.clone()))
            .ok_or_else(|| Malformed("it holds a number that is not whole".to_owned()))?;
        let expires = text(signed, "expires")?;
        let expires = DateTime::parse_from_rfc3339(expires)
            .map_err(|error| Malformed(format!("`expires`: {error}")))?;
        Ok(Self {
            version: number(signed, "version")?,
            expires: expires.to_utc(),
            signatures: signatures(fields)?,
            message,
            signed: signed.clone(),
            bytes,
        })
    }

    /// Returns SHA-256 of the bytes, hexadecimal.
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.bytes))
    }

    /// Says that it is of the right type and has a version.
    fn check_common(&self, role: &Role, kind: &str) -> Result<(), Invalid> {
        let found = self
            .signed
            .get("_type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if found != kind {
            return Err(invalid(role, &format!("expected type {kind}, not {found}")));
        }
        if self.version < 1 {
            return Err(invalid(role, "version cannot be less than one"));
        }
        if self.version > MAX_VERSION {
            return Err(invalid(
                role,
                &format!("version cannot be above {MAX_VERSION}"),
            ));
        }
        Ok(())
    }

    /// Returns what it says as root metadata.
    ///
    /// # Errors
    /// [`Invalid`] says what is wrong.
    pub fn root(&self) -> Result<Root, Invalid> {
        self.check_common(&Role::Root, "Root")?;
        let wrong = |error: Malformed| invalid(&Role::Root, &error.0);
        no_lookalikes(&self.signed, &["keys", "roles", "consistent_snapshot"]).map_err(wrong)?;
        let keys = keys(self.signed.get("keys")).map_err(wrong)?;
        let none = Map::new();
        let roles = self
            .signed
            .get("roles")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let role = |role: Role| {
            let found = roles.get(role.as_str()).and_then(Value::as_object);
            let missing = || invalid(&Role::Root, &format!("missing {role} role specification"));
            role_keys(
                &Role::Root,
                role.as_str(),
                found.ok_or_else(missing)?,
                &keys,
            )
        };
        Ok(Root {
            root: role(Role::Root)?,
            targets: role(Role::Targets)?,
            snapshot: role(Role::Snapshot)?,
            timestamp: role(Role::Timestamp)?,
        })
    }

    /// Returns what it says as the metadata of `role`, which names targets.
    ///
    /// # Errors
    /// [`Invalid`] says what is wrong.
    pub fn targets(&self, role: &Role) -> Result<Targets, Invalid> {
        self.check_common(role, "Targets")?;
        let wrong = |error: Malformed| invalid(role, &error.0);
        no_lookalikes(&self.signed, &["targets", "delegations"]).map_err(wrong)?;
        let targets = metas(self.signed.get("targets")).map_err(wrong)?;
        let empty = Map::new();
        let fields = match self.signed.get("delegations") {
            None | Some(Value::Null) => &empty,
            Some(value) => as_object(value, "`delegations`").map_err(wrong)?,
        };
        no_lookalikes(fields, &["keys", "roles"]).map_err(wrong)?;
        let keys = keys(fields.get("keys")).map_err(wrong)?;
        let roles = match fields.get("roles") {
            None | Some(Value::Null) => &Vec::new(),
            Some(Value::Array(roles)) if roles.len() <= MAX_DELEGATIONS => roles,
            Some(_) => {
                let message = format!("`roles` must be a list of at most {MAX_DELEGATIONS} roles");
                return Err(invalid(role, &message));
            }
        };
        let delegations = roles.iter().map(|found| delegation(role, found, &keys));
        Ok(Targets {
            targets,
            delegations: delegations.collect::<Result<_, _>>()?,
        })
    }

    /// Returns what it says as the snapshot.
    ///
    /// # Errors
    /// [`Invalid`] says what is wrong.
    pub fn snapshot(&self) -> Result<Meta, Invalid> {
        self.meta(&Role::Snapshot, "Snapshot", &["root", "targets"])
    }

    /// Returns what it says as the timestamp.
    ///
    /// # Errors
    /// [`Invalid`] says what is wrong.
    pub fn timestamp(&self) -> Result<Meta, Invalid> {
        self.meta(&Role::Timestamp, "Timestamp", &["snapshot"])
    }

    fn meta(&self, role: &Role, kind: &str, must: &[&str]) -> Result<Meta, Invalid> {
        self.check_common(role, kind)?;
        let wrong = |error: Malformed| invalid(role, &error.0);
        no_lookalikes(&self.signed, &["meta"]).map_err(wrong)?;
        let meta = metas(self.signed.get("meta")).map_err(wrong)?;
        for name in must {
            if meta.get(*name).is_none_or(|meta| meta.sha256.is_none()) {
                let message = format!("missing {name} sha256 checksum information");
                return Err(invalid(role, &message));
            }
        }
        Ok(meta)
    }
}

fn invalid(role: &Role, message: &str) -> Invalid {
    Invalid(format!("{role} type metadata invalid: {message}"))
}

fn signatures(fields: &Map<String, Value>) -> Result<Vec<Signature>, Malformed> {
    let list = match fields.get("signatures") {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= MAX_SIGNATURES => list,
        Some(_) => {
            return Err(Malformed(format!(
                "`signatures` must be a list of at most {MAX_SIGNATURES}"
            )));
        }
    };
    let read = |value| {
        let fields = as_object(value, "a signature")?;
        no_lookalikes(fields, &["keyid", "method", "sig"])?;
        Ok(Signature {
            key_id: text(fields, "keyid")?.to_owned(),
            method: text(fields, "method")?.to_ascii_lowercase(),
            bytes: base64(text(fields, "sig")?, "sig")?,
        })
    };
    list.iter().map(read).collect()
}

fn keys(value: Option<&Value>) -> Result<BTreeMap<String, Key>, Malformed> {
    let found = match value {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(value) => as_object(value, "`keys`")?,
    };
    if found.len() > MAX_KEYS {
        return Err(Malformed(format!("`keys` holds more than {MAX_KEYS}")));
    }
    let read = |(id, value): (&String, &Value)| {
        let fields = as_object(value, "a key")?;
        no_lookalikes(fields, &["keytype", "keyval"])?;
        let values = as_object(fields.get("keyval").unwrap_or(&Value::Null), "`keyval`")?;
        no_lookalikes(values, &["public", "private"])?;
        if !matches!(values.get("private"), None | Some(Value::Null)) {
            return Err(Malformed(format!(
                "key {id} holds its private half, which nobody else may see: make another key"
            )));
        }
        let public = base64(text(values, "public")?, "public")?;
        Ok((id.clone(), Key::new(text(fields, "keytype")?, public)))
    };
    found.iter().map(read).collect()
}

fn role_keys(
    within: &Role,
    name: &str,
    fields: &Map<String, Value>,
    keys: &BTreeMap<String, Key>,
) -> Result<RoleKeys, Invalid> {
    let wrong = |error: Malformed| invalid(within, &error.0);
    no_lookalikes(fields, &["keyids", "threshold", "name", "paths"]).map_err(wrong)?;
    let threshold = number(fields, "threshold").map_err(wrong)?;
    let threshold = usize::try_from(threshold)
        .ok()
        .filter(|threshold| *threshold >= 1);
    let threshold = threshold
        .ok_or_else(|| invalid(within, &format!("invalid threshold specified for {name}")))?;
    let mut found = BTreeMap::new();
    for id in texts(fields.get("keyids"), "keyids").map_err(wrong)? {
        let key = keys.get(&id).ok_or_else(|| {
            let message = format!("key ID {id} specified in {name} without corresponding key");
            invalid(within, &message)
        })?;
        found.insert(id, key.clone());
    }
    Ok(RoleKeys {
        keys: found,
        threshold,
    })
}

fn delegation(
    parent: &Role,
    value: &Value,
    keys: &BTreeMap<String, Key>,
) -> Result<Delegation, Invalid> {
    let wrong = |error: Malformed| invalid(parent, &error.0);
    let fields = as_object(value, "a delegation").map_err(wrong)?;
    let name = text(fields, "name").map_err(wrong)?;
    let role = name.parse::<Role>().ok();
    let role = role.filter(|role| role.parent().as_ref() == Some(parent));
    let role = role.ok_or_else(|| invalid(parent, &format!("delegation role {name} invalid")))?;
    Ok(Delegation {
        keys: role_keys(parent, name, fields, keys)?,
        paths: texts(fields.get("paths"), "paths").map_err(wrong)?,
        role,
    })
}

fn texts(value: Option<&Value>, what: &str) -> Result<Vec<String>, Malformed> {
    let wrong = || Malformed(format!("`{what}` must be a list of texts"));
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list
            .iter()
            .map(|text| text.as_str().map(str::to_owned).ok_or_else(wrong))
            .collect(),
        Some(_) => Err(wrong()),
    }
}

fn metas(value: Option<&Value>) -> Result<BTreeMap<String, FileMeta>, Malformed> {
    let found = match value {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(value) => as_object(value, "a list of files")?,
    };
    let read = |(name, value): (&String, &Value)| {
        let fields = as_object(value, "a file")?;
        no_lookalikes(fields, &["length", "hashes", "custom"])?;
        let empty = Map::new();
        let hashes = match fields.get("hashes") {
            None | Some(Value::Null) => &empty,
            Some(value) => as_object(value, "`hashes`")?,
        };
        let hash = |name: &str, length: usize| {
            let Some(value) = hashes.get(name) else {
                return Ok(None);
            };
            let bytes = base64(value.as_str().unwrap_or("?"), name)?;
            match bytes.len() == length {
                true => Ok(Some(bytes)),
                false => Err(Malformed(format!("{name} checksum invalid"))),
            }
        };
        let meta = FileMeta {
            length: number(fields, "length")?,
            sha256: hash("sha256", 32)?,
            sha512: hash("sha512", 64)?,
        };
        Ok((name.clone(), meta))
    };
    found.iter().map(read).collect()
}
