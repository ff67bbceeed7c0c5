//! `docker plimsoll …`: the program under the name `docker-plimsoll` is a plugin of Docker's
//! command line (docker/cli, `cli-plugins`).
//!
//! Docker asks each plugin with one word what it is, and starts it with its own flags, if
//! any, and the plugin's name before what the user typed.

use std::{ffi::OsString, path::Path};

/// The program's name as a plugin.
const PROGRAM: &str = "docker-plimsoll";
/// The word that Docker asks with.
const ASKED: &str = "docker-cli-plugin-metadata";

/// What Docker is told; its `help` and `info` show it.
pub(crate) const METADATA: &str = concat!(
    r#"{"SchemaVersion":"0.1.0","Vendor":"The Plimsoll team","Version":""#,
    env!("CARGO_PKG_VERSION"),
    r#"","ShortDescription":"Check that images are what a market certified"}"#,
    "\n"
);

/// Returns the words to read as a command line; none where Docker asks what this is.
pub(crate) fn words(mut all: impl Iterator<Item = OsString>) -> Option<Vec<OsString>> {
    let Some(program) = all.next() else {
        return Some(Vec::new());
    };
    let rest: Vec<_> = all.collect();
    let name = Path::new(&program).file_stem();
    if name.is_none_or(|name| name != PROGRAM) {
        return Some([vec![program], rest].concat());
    }
    if rest.first().is_some_and(|word| word == ASKED) {
        return None;
    }
    // Docker's own flags say nothing to us.
    let own = rest.iter().position(|word| word == "plimsoll");
    let typed = rest
        .get(own.map_or(0, |place| place + 1)..)
        .unwrap_or_default();
    Some([&[program], typed].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words_typed: &str) -> Option<String> {
        let read = words(words_typed.split(' ').map(OsString::from))?;
        Some(read.join(" ".as_ref()).to_string_lossy().into_owned())
    }

    #[test]
    fn docker_says_its_own_words_first() {
        let plugin = "/usr/libexec/docker/cli-plugins/docker-plimsoll";
        let verify = Some(format!("{plugin} verify IMAGE"));
        assert_eq!(read(&format!("{plugin} plimsoll verify IMAGE")), verify);
        assert_eq!(
            read(&format!("{plugin} --debug plimsoll verify IMAGE")),
            verify
        );
        assert_eq!(read(&format!("{plugin} verify IMAGE")), verify);
        assert_eq!(read(&format!("{plugin} docker-cli-plugin-metadata")), None);
        let plain = "plimsoll docker-cli-plugin-metadata";
        assert_eq!(read(plain).as_deref(), Some(plain));
        let metadata: serde_json::Value = serde_json::from_str(METADATA).expect("JSON");
        assert_eq!(metadata["SchemaVersion"], "0.1.0");
    }
}
