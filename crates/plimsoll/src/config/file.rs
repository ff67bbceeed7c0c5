//! The TOML file: every key against the table, every complaint with its line.

use std::path::Path;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    keys::{KEYS, Key, find, nearest},
    kind::Kind,
    value,
};

/// A value from the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Its key.
    pub(crate) key: &'static str,
    /// Its text, as the environment would have it.
    pub(crate) text: String,
    /// Its line, from 1.
    pub(crate) line: usize,
}

/// Something wrong in the file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Its line, from 1.
    pub(crate) line: usize,
    /// What is wrong.
    pub(crate) message: String,
    /// What was probably meant.
    pub(crate) hint: Option<String>,
}

/// Reads a configuration; relative paths in it count from `folder`. Returns every mistake.
pub(crate) fn read(text: &str, folder: &Path) -> Result<Vec<Setting>, Vec<Mistake>> {
    let table = DeTable::parse(text).map_err(|error| {
        vec![Mistake {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
            hint: None,
        }]
    })?;
    let mut reader = Reader {
        text,
        folder,
        settings: Vec::new(),
        mistakes: Vec::new(),
    };
    reader.table(table.get_ref(), "");
    if reader.mistakes.is_empty() {
        Ok(reader.settings)
    } else {
        Err(reader.mistakes)
    }
}

struct Reader<'a> {
    text: &'a str,
    folder: &'a Path,
    settings: Vec<Setting>,
    mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, above: &str) {
        for (name, value) in table {
            let full = match above {
                "" => name.get_ref().to_string(),
                above => format!("{above}.{}", name.get_ref()),
            };
            let at = name.span().start;
            if let Some(key) = find(&full) {
                self.value(key, value, at);
                continue;
            }
            let section = KEYS
                .iter()
                .any(|key| key.name.starts_with(&format!("{full}.")));
            match value.get_ref() {
                DeValue::Table(inner) if section => self.table(inner, &full),
                _ if section => {
                    self.mistake(at, format!("`{full}` is a section, not a value"), None);
                }
                _ => self.unknown(&full, at),
            }
        }
    }

    fn unknown(&mut self, name: &str, at: usize) {
        let sections = KEYS
            .iter()
            .filter_map(|key| key.name.split_once('.'))
            .map(|(section, _)| section);
        let hint = nearest(name, KEYS.iter().map(|key| key.name).chain(sections))
            .map(|meant| format!("did you mean `{meant}`?"));
        self.mistake(at, format!("there is no key `{name}`"), hint);
    }

    fn value(&mut self, key: &'static Key, value: &Spanned<DeValue<'_>>, at: usize) {
        let text = match (key.kind, value.get_ref()) {
            (Kind::Sources, DeValue::Array(list)) => {
                let sources = list.iter().map(|source| self.source(source.get_ref()));
                let sources: Result<Vec<_>, String> = sources.collect();
                sources.map(|sources| sources.join(","))
            }
            (Kind::Witnesses, DeValue::Array(list)) => {
                let witnesses = list.iter().map(|witness| self::witness(witness.get_ref()));
                let witnesses: Result<Vec<_>, String> = witnesses.collect();
                witnesses.map(|witnesses| witnesses.join(","))
            }
            (Kind::Sources | Kind::Witnesses, other) => Err(wrong_type(key, other)),
            (Kind::Bool, DeValue::Boolean(on)) => Ok(on.to_string()),
            (Kind::Number | Kind::Bytes, DeValue::Integer(number)) => {
                Ok(number.as_str().to_owned())
            }
            (Kind::Path, DeValue::String(path)) => Ok(self.path(path)),
            (Kind::Bool | Kind::Number, other) => Err(wrong_type(key, other)),
            (_, DeValue::String(text)) => Ok(text.to_string()),
            (_, other) => Err(wrong_type(key, other)),
        };
        let checked = text.and_then(|text| {
            value::check(key.kind, &text).map_err(|wrong| format!("`{}`: {wrong}", key.name))?;
            Ok(text)
        });
        match checked {
            Ok(text) => self.settings.push(Setting {
                key: key.name,
                text,
                line: line_of(self.text, at),
            }),
            Err(message) => self.mistake(at, message, None),
        }
    }

    fn source(&self, value: &DeValue<'_>) -> Result<String, String> {
        let table = value.as_table().ok_or_else(|| {
            "`advisories.sources`: write each as { name = \"…\", url = \"…\" }".to_owned()
        })?;
        let mut name = None;
        let mut place = None;
        for (key, value) in table {
            let text = value
                .get_ref()
                .as_str()
                .ok_or_else(|| format!("`advisories.sources`: `{}` must be text", key.get_ref()))?;
            match key.get_ref().as_ref() {
                "name" => name = Some(text.to_owned()),
                "url" => place = Some(text.to_owned()),
                "path" => place = Some(self.path(text)),
                other => {
                    return Err(format!(
                        "`advisories.sources`: there is no `{other}`; use name and url or path"
                    ));
                }
            }
        }
        let name = name.ok_or("`advisories.sources`: each needs a name")?;
        let source = value::source(&name, &place.unwrap_or_default())?;
        Ok(format!("{}={}", source.name, source.place))
    }

    fn path(&self, path: &str) -> String {
        if path.is_empty() {
            return String::new();
        }
        self.folder.join(path).display().to_string()
    }

    fn mistake(&mut self, at: usize, message: String, hint: Option<String>) {
        self.mistakes.push(Mistake {
            line: line_of(self.text, at),
            message,
            hint,
        });
    }
}

fn witness(value: &DeValue<'_>) -> Result<String, String> {
    let text = |name: &str| {
        let found = value
            .as_table()?
            .iter()
            .find(|(key, _)| key.get_ref() == name);
        Some(found?.1.get_ref().as_str()?.to_owned())
    };
    match (
        value.as_table().map(|table| table.len()),
        text("key"),
        text("url"),
    ) {
        (Some(2), Some(key), Some(url)) => Ok(format!("{key} {url}")),
        _ => Err("`trust.witnesses`: write each as { key = \"…\", url = \"…\" }".to_owned()),
    }
}

fn wrong_type(key: &Key, found: &DeValue<'_>) -> String {
    format!(
        "`{}` must be {}, but is {}",
        key.name,
        key.kind.expected(),
        match found {
            DeValue::Integer(_) | DeValue::Float(_) => "a number",
            DeValue::Boolean(_) => "true or false",
            DeValue::String(_) => "text",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        }
    )
}

fn line_of(text: &str, at: usize) -> usize {
    let before = text.as_bytes().get(..at).unwrap_or(text.as_bytes());
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let found = read(text, Path::new("/etc")).expect_err("mistakes");
        let line = |m: Mistake| format!("{}: {} {}", m.line, m.message, m.hint.unwrap_or_default());
        found.into_iter().map(line).collect()
    }

    #[test]
    fn reads_values_with_lines_and_paths_from_the_files_folder() {
        let text = "[data]\ndir = \"store\"\n[registry]\nmax_blob_bytes = 5\n\
            [advisories]\nsources = [{ name = \"a\", path = \"feed.json\" }]\n";
        let found = read(text, Path::new("/etc")).expect("settings");
        let found: Vec<_> = found
            .iter()
            .map(|s| (s.key, s.text.as_str(), s.line))
            .collect();
        assert_eq!(
            found,
            [
                ("advisories.sources", "a=/etc/feed.json", 6),
                ("data.dir", "/etc/store", 2),
                ("registry.max_blob_bytes", "5", 4),
            ]
        );
    }

    #[test]
    fn names_every_mistake_with_its_line() {
        let found = mistakes(
            "[server]\nlissen = \"x\"\nworkers = \"two\"\n[blobs]\nkind = \"ftp\"\n[blob]\n",
        );
        insta::assert_snapshot!(found.join("\n"), @r"
        6: there is no key `blob` did you mean `blobs`?
        5: `blobs.kind`: `ftp` is not one of filesystem, s3 
        2: there is no key `server.lissen` did you mean `server.listen`?
        3: `server.workers` must be a whole number, but is text 
        ");
    }

    #[test]
    fn says_where_toml_goes_wrong() {
        assert!(mistakes("[server]\nlisten = \n")[0].starts_with("2:"));
    }
}
