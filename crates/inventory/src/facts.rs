//! What is worth knowing of an image's files: rights, secrets, leftovers, sizes.

use std::collections::{BTreeMap, HashSet};

use oci::Digest;
use serde::{Deserialize, Serialize};

use crate::{
    Account, EntryKind, Found, LayerReport, Linked,
    brought::Brought,
    folders::is_published,
    merge::Extracts,
    tree::{Content, Node, Tree},
};

/// Facts of the final tree, and the secrets of every layer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// Regular files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of files in lower layers that upper ones hide; they are pulled all the same.
    pub wasted_bytes: u64,
    /// Files with the setuid or setgid bit.
    pub setuid: Vec<FileFact>,
    /// Non-empty files below `licenses` and `usr/share/licenses`.
    pub licenses: Vec<FileFact>,
    /// How many `usr/share/doc/*/copyright` there are.
    pub copyright_files: u64,
    /// Secrets in any layer, hidden ones too: who pulls the image has them.
    pub secrets: Vec<Secret>,
    /// What package managers left in their caches.
    pub caches: Vec<Cache>,
    /// Files by whose name they do not belong into an image.
    pub leftovers: Vec<Leftover>,
    /// Users of `etc/passwd`.
    pub users: Vec<Account>,
    /// Groups of `etc/group`.
    pub groups: Vec<Account>,
    /// Users who get in without a password.
    pub empty_passwords: Vec<EmptyPassword>,
    /// Which programs and libraries are linked with which libraries, by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub linked: Vec<Linked>,
}

/// A file and its rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFact {
    /// Where it is.
    pub path: String,
    /// The layer it comes from.
    pub layer: Digest,
    /// Bytes.
    pub size: u64,
    /// Permission bits, setuid, setgid, sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// The distribution's package that brought it in that layer, where it is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
}

/// A secret: where it is, never what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    /// The file.
    pub path: String,
    /// The line, counted from 1.
    pub line: u32,
    /// [`crate::Rule::id`].
    pub rule: String,
    /// The layer that has it.
    pub layer: Digest,
    /// Whether an upper layer hides the file.
    pub hidden: bool,
}

/// A package manager's cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cache {
    /// Whose, such as `apt lists`.
    pub kind: String,
    /// Its folder.
    pub path: String,
    /// Files in it that are not empty.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A path that does not belong into an image, judged by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leftover {
    /// Where it is.
    pub path: String,
    /// `credential-file`, `needless-file` or `needless-folder`.
    pub rule: String,
    /// The layer it comes from.
    pub layer: Digest,
}

/// A user who gets in without a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmptyPassword {
    /// The account database.
    pub path: String,
    /// The user.
    pub user: String,
}

/// Caches by folder; one that starts with a dot lies in anybody's home.
static CACHES: &[(&str, &str)] = &[
    ("apt lists", "/var/lib/apt/lists/"),
    ("apt packages", "/var/cache/apt/"),
    ("apk", "/var/cache/apk/"),
    ("apk", "/etc/apk/cache/"),
    ("yum", "/var/cache/yum/"),
    ("dnf", "/var/cache/dnf/"),
    ("dnf", "/var/cache/libdnf5/"),
    ("zypper", "/var/cache/zypp/"),
    ("pip", "/.cache/pip/"),
    ("npm", "/.npm/_cacache/"),
    ("yarn", "/.cache/yarn/"),
    ("cargo", "/.cargo/registry/cache/"),
    ("go", "/.cache/go-build/"),
];

/// Dockle's CIS-DI-0010 and DKL-LI-0003, less what is ordinary source code.
static CREDENTIAL_NAMES: &[&str] = &[
    "credentials.json",
    "credential",
    "credentials",
    "credentials.xml",
    "password.txt",
    "id_rsa",
    "id_dsa",
    "id_ecdsa",
    "id_ed25519",
    "secret_token.rb",
    ".env",
    ".git-credentials",
    ".netrc",
    ".pgpass",
    ".htpasswd",
];
static CREDENTIAL_EXTENSIONS: &[&str] = &[
    "secret",
    "ovpn",
    "private_key",
    "cscfg",
    "rdp",
    "bek",
    "tpm",
    "fve",
    "jks",
    "psafe3",
    "agilekeychain",
    "keychain",
    "pcap",
];
static NEEDLESS_FILES: &[&str] = &[
    "Dockerfile",
    "docker-compose.yml",
    "docker-compose.yaml",
    ".vimrc",
    ".DS_Store",
];
static NEEDLESS_FOLDERS: &[&str] = &[
    ".cache", ".aws", ".azure", ".gcp", ".git", ".svn", ".vscode", ".idea", ".npm",
];
/// Gathers the facts of the final tree; `wasted` are the bytes of each layer that are hidden.
pub(crate) fn gather<'a>(
    layers: &'a [(Digest, LayerReport)],
    wasted: &[u64],
    tree: &Tree<'a>,
    extracts: &Extracts<'a>,
) -> Facts {
    // Sparse files are as large as they say.
    let wasted_bytes = wasted.iter().fold(0_u64, |sum, of| sum.saturating_add(*of));
    let entries = layers.iter().flat_map(|(_, report)| &report.files);
    let bytes = entries.fold(0_u64, |sum, entry| sum.saturating_add(entry.size));
    let mut facts = Facts {
        bytes: bytes.saturating_sub(wasted_bytes),
        wasted_bytes,
        ..Facts::default()
    };
    let left = |(path, node)| Some((path, node, leftover(path, node)?));
    let left: Vec<_> = tree.iter().filter_map(left).collect();
    let setuid = tree.iter().filter(|(_, node)| is_setuid(node));
    let setuid = setuid.map(|(path, node)| (node.layer, path));
    let names = left.iter().map(|(path, node, _)| (node.layer, *path));
    let asked = names.chain(setuid).chain(secret_files(layers));
    let brought = Brought::new(asked, layers, tree);
    let left = left.into_iter();
    let left = left.filter(|(path, node, _)| brought.package(node.layer, path).is_none());
    facts
        .leftovers
        .extend(left.map(|(path, node, rule)| Leftover {
            path: path.to_owned(),
            rule: rule.to_owned(),
            layer: layers[node.layer].0.clone(),
        }));
    let mut caches = BTreeMap::new();
    let mut live = HashSet::new();
    for (path, node) in tree.iter() {
        if !is_file(node) {
            continue;
        }
        live.insert(node.content);
        let package = brought.package(node.layer, path);
        file(&mut facts, path, node, &layers[node.layer].0, package);
        cache(&mut caches, path, node.entry.size);
    }
    facts.caches = caches.into_values().collect();
    facts.secrets = secrets(layers, &live, &brought);
    accounts(&mut facts, tree, extracts);
    facts
}

/// Returns the files that secrets were found in, by layer and path.
fn secret_files(layers: &[(Digest, LayerReport)]) -> impl Iterator<Item = (usize, &str)> {
    layers.iter().enumerate().flat_map(|(layer, (_, report))| {
        let extracts = report.extracts.iter();
        let secrets = extracts.filter(|extract| matches!(extract.found, Found::Secrets(_)));
        secrets.map(move |extract| (layer, extract.path.as_str()))
    })
}

fn is_file(node: &Node<'_>) -> bool {
    matches!(node.entry.kind, EntryKind::File | EntryKind::Hardlink)
}

fn is_setuid(node: &Node<'_>) -> bool {
    is_file(node) && node.entry.mode & 0o6000 != 0
}

fn file(facts: &mut Facts, path: &str, node: &Node<'_>, layer: &Digest, package: Option<&str>) {
    let entry = node.entry;
    let fact = || FileFact {
        path: path.to_owned(),
        layer: layer.clone(),
        size: entry.size,
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        package: package.map(str::to_owned),
    };
    facts.files += u64::from(entry.kind == EntryKind::File);
    if is_setuid(node) {
        facts.setuid.push(fact());
    }
    let is_license = path.starts_with("licenses/") || path.starts_with("usr/share/licenses/");
    if is_license && entry.size > 0 {
        facts.licenses.push(fact());
    }
    if path.starts_with("usr/share/doc/") && path.ends_with("/copyright") {
        facts.copyright_files += 1;
    }
}

fn cache(caches: &mut BTreeMap<String, Cache>, path: &str, size: u64) {
    if size == 0 {
        return;
    }
    for (kind, folder) in CACHES {
        let in_home = folder.starts_with("/.");
        let end = if in_home {
            path.find(folder).map(|start| start + folder.len() - 1)
        } else {
            path.starts_with(&folder[1..]).then_some(folder.len() - 2)
        };
        let Some(end) = end else { continue };
        let folder = &path[..end];
        let cache = caches.entry(folder.to_owned()).or_insert_with(|| Cache {
            kind: (*kind).to_owned(),
            path: folder.to_owned(),
            files: 0,
            bytes: 0,
        });
        cache.files += 1;
        cache.bytes = cache.bytes.saturating_add(size);
        return;
    }
}

/// Returns the rule by which a name does not belong into an image.
fn leftover(path: &str, node: &Node<'_>) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let rule = match node.entry.kind {
        EntryKind::Directory if NEEDLESS_FOLDERS.contains(&name) => "needless-folder",
        EntryKind::File if CREDENTIAL_NAMES.contains(&name) => "credential-file",
        EntryKind::File if CREDENTIAL_EXTENSIONS.contains(&extension) => "credential-file",
        EntryKind::File if NEEDLESS_FILES.contains(&name) => "needless-file",
        _ => return None,
    };
    // Packages of languages bring such names by right; so do those of distributions, whose lists
    // of files are known.
    (!is_published(path)).then_some(rule)
}

/// What a package brought is as public as the package.
fn secrets(
    layers: &[(Digest, LayerReport)],
    live: &HashSet<Content<'_>>,
    brought: &Brought<'_>,
) -> Vec<Secret> {
    let mut secrets = Vec::new();
    for (index, (digest, report)) in layers.iter().enumerate() {
        for extract in &report.extracts {
            let Found::Secrets(matches) = &extract.found else {
                continue;
            };
            if brought.package(index, &extract.path).is_some() {
                continue;
            }
            let content = Content {
                layer: index,
                path: &extract.path,
            };
            secrets.extend(matches.iter().map(|found| Secret {
                path: extract.path.clone(),
                line: found.line,
                rule: found.rule.clone(),
                layer: digest.clone(),
                hidden: !live.contains(&content),
            }));
        }
    }
    secrets
}

fn accounts<'a>(facts: &mut Facts, tree: &Tree<'a>, extracts: &Extracts<'a>) {
    for (path, extract) in extracts.live(tree) {
        let Found::Accounts(accounts) = extract.found else {
            continue;
        };
        // `etc/master.passwd` repeats `etc/passwd`.
        if facts.users.is_empty() {
            facts.users.clone_from(&accounts.users);
        }
        facts.groups.extend(accounts.groups.iter().cloned());
        let users = accounts.empty_passwords.iter();
        facts
            .empty_passwords
            .extend(users.map(|user| EmptyPassword {
                path: path.clone(),
                user: user.clone(),
            }));
    }
}
