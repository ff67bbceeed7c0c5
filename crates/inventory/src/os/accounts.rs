//! Users, groups and empty passwords (passwd(5), shadow(5), group(5)).

use serde::{Deserialize, Serialize};

use crate::{
    Found, Problem,
    analyser::{Analyser, Counts, Findings, Problems, Reading, Want},
};

/// Reads the account databases below `etc`.
pub(crate) static ANALYSER: Analyser = Analyser {
    name: "accounts",
    wants: &[Want::File(|file| PLACES.contains(&file.path.as_str()))],
    counts: Counts::At(PLACES),
    read: Reading::Whole {
        most: 4 << 20,
        read: |path, bytes| {
            let (accounts, problems) = parse(path, bytes);
            Findings::one(Found::Accounts(accounts)).with(problems)
        },
    },
    ..Analyser::BASE
};

const PLACES: &[&str] = &["etc/passwd", "etc/group", "etc/shadow", "etc/master.passwd"];

/// A user or group with its number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub name: String,
    /// UID or GID.
    pub id: u32,
}

/// What one account database says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts {
    /// Users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub users: Vec<Account>,
    /// Groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<Account>,
    /// Users who get in without a password.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub empty_passwords: Vec<String>,
}

/// Returns what the file named `path` says, and the lines that make no sense.
pub(crate) fn parse(path: &str, bytes: &[u8]) -> (Accounts, Vec<Problem>) {
    let mut accounts = Accounts::default();
    let mut problems = Problems::default();
    let file = path.rsplit('/').next().unwrap_or(path);
    let text = String::from_utf8_lossy(bytes);
    for (number, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with(['#', '+', '-']) {
            continue;
        }
        let mut fields = line.split(':');
        let (name, password) = (fields.next().unwrap_or(""), fields.next());
        let Some(password) = password.filter(|_| !name.is_empty()) else {
            problems.at(number + 1, "not of the form `name:…`");
            continue;
        };
        if password.is_empty() && file != "group" {
            accounts.empty_passwords.push(name.to_owned());
        }
        if file == "shadow" {
            continue;
        }
        let Some(id) = fields.next().and_then(|id| id.parse().ok()) else {
            problems.at(number + 1, "the third field is no number");
            continue;
        };
        let list = if file == "group" {
            &mut accounts.groups
        } else {
            &mut accounts.users
        };
        list.push(Account {
            name: name.to_owned(),
            id,
        });
    }
    (accounts, problems.into_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_empty_passwords_and_ids() {
        let (shadow, _) = parse("etc/shadow", b"root:::0:::::\nbin:!::0:::::\nweb:*:1\n");
        assert_eq!(shadow.empty_passwords, ["root"]);
        let (passwd, problems) = parse("etc/passwd", b"root:x:0:0::/:/bin/sh\noops\na:x:z\n");
        assert_eq!(
            passwd.users,
            [Account {
                name: "root".to_owned(),
                id: 0
            }]
        );
        assert!(passwd.empty_passwords.is_empty());
        assert_eq!(problems.len(), 2);
        let (group, _) = parse("etc/group", b"wheel::10:root\n");
        assert_eq!(group.groups[0].id, 10);
        assert!(group.empty_passwords.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn never_panics(file in "etc/(passwd|shadow|group)", text in "([ -~]{0,4}:?){0,9}\n?") {
            parse(&file, text.as_bytes());
        }
    }
}
