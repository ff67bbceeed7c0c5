//! `docs/configuration.md`, made from the table of keys.

use std::fmt::Write as _;

use super::keys::{KEYS, Key};

fn document() -> String {
    let mut text = String::from(HEAD);
    let mut section = "";
    for key in KEYS {
        let (found, _) = key.name.rsplit_once('.').expect("keys have a section");
        if found != section {
            section = found;
            let _infallible = write!(text, "\n## `[{section}]`\n");
        }
        describe(&mut text, key);
    }
    text.push_str(TAIL);
    text
}

fn describe(text: &mut String, key: &Key) {
    let (_, name) = key.name.rsplit_once('.').expect("keys have a section");
    let default = match key.default {
        "" => "none".to_owned(),
        long if long.contains(',') => long
            .split(',')
            .map(|one| format!("`{one}`"))
            .collect::<Vec<_>>()
            .join(", "),
        default => format!("`{default}`"),
    };
    let secret = if key.secret {
        "\nSecret: never shown.\n"
    } else {
        ""
    };
    let _infallible = write!(
        text,
        "\n### `{name}`\n\n{}\n{secret}\nValue: {}.\nDefault: {default}.\nVariable: `{}`.\n",
        key.help.replace(". ", ".\n"),
        key.kind.expected(),
        key.variable(),
    );
}

const HEAD: &str = "# Configuration

<!-- Made from the table of keys; rewrite it with UPDATE_DOCS=1 cargo test -p plimsoll -->

Plimsoll needs no configuration: `plimsoll serve` works in an empty folder.
Values come from four places, the later ones win:

1. the defaults below,
2. a TOML file: `--config FILE`, else the variable `PLIMSOLL_CONFIG`, else `plimsoll.toml` in the current folder,
3. variables named `PLIMSOLL_` and the key with `_` for the dots,
4. flags of the command line.

`plimsoll config show` prints what holds and where it comes from, `plimsoll config check` says what is wrong.
An unknown key in the file is an error; relative paths in the file count from the file's folder.

```toml
[server]
listen = \"0.0.0.0:8080\"
public_url = \"https://market.example\"

[data]
dir = \"/var/lib/plimsoll\"

[keys]
passphrase_file = \"/etc/plimsoll/passphrase\"

[[advisories.sources]]
name = \"debian\"
url = \"https://security-tracker.debian.org/tracker/data/json\"
```
";

const TAIL: &str = "
## Behind a reverse proxy

Set `server.public_url` to the address that clients use; image references begin with its host.
The proxy must pass the `Host` header on, must not limit the size of request bodies below `registry.max_blob_bytes`,
and must not buffer them.

## Several servers

With PostgreSQL and S3 any number of servers may run side by side.
Each needs the same `keys` folder in its data folder. Requests may go to any of them, also those of one upload.
With SQLite a lock in the data folder keeps a second server out.
";

#[test]
fn configuration_document_is_current() {
    crate::cli_docs::check_document("configuration.md", &document());
}
