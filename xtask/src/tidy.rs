//! What no compiler checks: dependencies point down, files and functions stay small,
//! every file says what it is, and no word stands in the project that does not belong there.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::run::{say, workspace};

/// The rooms from the top: a crate may depend on those after it only.
const ROOMS: [&str; 11] = [
    "plimsoll",
    "web",
    "registry",
    "app",
    "store",
    "market",
    "certify",
    "trust",
    "inventory",
    "advisory",
    "oci",
];
/// Development only: nothing above may depend on these.
const DEVELOPMENT: [&str; 2] = ["testkit", "xtask"];

const FILE_TARGET: usize = 500;
const FILE_LIMIT: usize = 700;
const FUNCTION_TARGET: usize = 50;
const FUNCTION_LIMIT: usize = 80;
/// Of all functions, those above the target may be at most this many in a hundred.
const LONG_FUNCTIONS_PERCENT: usize = 3;

/// Files that may be longer, each with its reason.
const LONG_FILES: [(&str, &str); 0] = [];

/// Runs all checks and reports the sizes.
pub(crate) fn run() -> Result<()> {
    let mut problems = Vec::new();
    check_directions(&mut problems)?;
    let mut files = Vec::new();
    collect(&workspace().join("crates"), &mut files)?;
    collect(&workspace().join("xtask"), &mut files)?;
    let (mut lengths, mut functions) = (Vec::new(), Vec::new());
    for file in &files {
        let text = fs::read_to_string(file)?;
        let name = file.strip_prefix(workspace())?.display().to_string();
        check_file(&name, &text, &mut problems);
        if !is_test(&name) {
            lengths.push((text.lines().count(), name.clone()));
            functions.extend(
                function_lengths(&text)
                    .into_iter()
                    .map(|(lines, function)| (lines, format!("{name}: {function}"))),
            );
        }
    }
    check_words(&mut problems)?;
    report(&mut lengths, &mut functions, &mut problems);
    if problems.is_empty() {
        return Ok(());
    }
    for problem in &problems {
        say(&format!("tidy: {problem}"));
    }
    bail!("tidy found {} problem(s)", problems.len());
}

fn check_directions(problems: &mut Vec<String>) -> Result<()> {
    for room in ROOMS.iter().chain(&DEVELOPMENT) {
        let file = if *room == "xtask" {
            workspace().join("xtask/Cargo.toml")
        } else {
            workspace().join("crates").join(room).join("Cargo.toml")
        };
        let manifest: toml::Table = fs::read_to_string(&file)
            .with_context(|| format!("no crate {room}"))?
            .parse()?;
        let names = manifest
            .get("dependencies")
            .and_then(toml::Value::as_table)
            .map(|table| table.keys().cloned().collect::<Vec<_>>());
        for name in names.unwrap_or_default() {
            let place = |wanted: &str| ROOMS.iter().position(|known| *known == wanted);
            let wrong = match (place(room), place(&name)) {
                (Some(own), Some(other)) => other <= own,
                (Some(_), None) => DEVELOPMENT.contains(&name.as_str()),
                (None, _) => false,
            };
            if wrong {
                problems.push(format!(
                    "crates/{room} depends on {name}, which is not below it"
                ));
            }
        }
    }
    Ok(())
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/")
        || name.contains("/benches/")
        || name.ends_with("/tests.rs")
        || name.contains("/samples")
}

fn check_file(name: &str, text: &str, problems: &mut Vec<String>) {
    if !text.starts_with("//!") && !name.ends_with("/tests.rs") {
        problems.push(format!(
            "{name}: the first line does not say what the file is (`//! …`)"
        ));
    }
    let marks = ["TODO", "FIXME", "XXX"].map(|mark| format!("{mark}:"));
    for (number, line) in text.lines().enumerate() {
        if marks.iter().any(|mark| line.contains(mark.as_str())) {
            problems.push(format!(
                "{name}:{}: something is left undone: {}",
                number + 1,
                line.trim()
            ));
        }
    }
}

/// Returns each function's length in lines; the formatter puts its end at its own indentation.
fn function_lengths(text: &str) -> Vec<(usize, String)> {
    let lines: Vec<_> = text.lines().collect();
    let mut found = Vec::new();
    let end_of_code = lines
        .iter()
        .position(|line| line.trim() == "#[cfg(test)]")
        .unwrap_or(lines.len());
    for (start, line) in lines[..end_of_code].iter().enumerate() {
        let body = line.trim_start();
        let is_function = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "pub(super) fn ",
            "async fn ",
            "pub async fn ",
            "pub(crate) async fn ",
            "pub(super) async fn ",
        ]
        .iter()
        .any(|head| body.starts_with(head));
        if !is_function || body.ends_with(';') {
            continue;
        }
        let close = format!("{}}}", &line[..line.len() - body.len()]);
        if let Some(length) = lines[start..].iter().position(|line| *line == close) {
            found.push((
                length + 1,
                body.split('(').next().unwrap_or(body).to_owned(),
            ));
        }
    }
    found
}

/// Absolute paths of somebody's machine have no place in the project.
fn check_words(problems: &mut Vec<String>) -> Result<()> {
    let listed = crate::run::quietly(
        std::process::Command::new("git")
            .args(["ls-files", "-z"])
            .current_dir(workspace()),
    )?;
    for name in listed.split('\0').filter(|name| !name.is_empty()) {
        let Ok(text) = fs::read_to_string(workspace().join(name)) else {
            continue;
        };
        for foreign in ["/home/", "/root/", "/Users/", "/work"]
            .map(|path| format!("{path}{}", if path.ends_with('/') { "" } else { "/" }))
        {
            let found = text
                .lines()
                .position(|line| line.contains(&foreign) && !allowed(name, &foreign));
            if let Some(line) = found {
                problems.push(format!(
                    "{name}:{}: a path of one machine (`{foreign}`)",
                    line + 1
                ));
            }
        }
    }
    Ok(())
}

/// Paths inside images are no paths of a machine, and tests and this file speak of them.
fn allowed(name: &str, foreign: &str) -> bool {
    name == "xtask/src/tidy.rs"
        || (foreign != "/work/"
            && (name.starts_with("crates/inventory")
                || name.starts_with("crates/certify")
                || name.contains("/tests/")))
}

fn report(
    lengths: &mut [(usize, String)],
    functions: &mut [(usize, String)],
    problems: &mut Vec<String>,
) {
    lengths.sort();
    functions.sort();
    let exceptions: BTreeMap<_, _> = LONG_FILES.into_iter().collect();
    for (lines, name) in lengths
        .iter()
        .filter(|(lines, name)| *lines > FILE_LIMIT && !exceptions.contains_key(name.as_str()))
    {
        problems.push(format!(
            "{name} has {lines} lines; the limit is {FILE_LIMIT}"
        ));
    }
    for (lines, name) in functions
        .iter()
        .filter(|(lines, _)| *lines > FUNCTION_LIMIT)
    {
        problems.push(format!(
            "{name} has {lines} lines; the limit is {FUNCTION_LIMIT}"
        ));
    }
    let long = functions
        .iter()
        .filter(|(lines, _)| *lines > FUNCTION_TARGET)
        .count();
    if long * 100 > functions.len() * LONG_FUNCTIONS_PERCENT {
        problems.push(format!("{long} of {} functions have more than {FUNCTION_TARGET} lines; at most {LONG_FUNCTIONS_PERCENT} in a hundred may", functions.len()));
    }
    let at = |list: &[(usize, String)], hundredth: usize| {
        list.get(list.len() * hundredth / 100)
            .map_or(0, |(lines, _)| *lines)
    };
    let longest = |list: &[(usize, String)]| {
        list.last()
            .map(|(lines, name)| format!("{name} {lines}"))
            .unwrap_or_default()
    };
    say(&format!(
        "── tidy: {} files: median {} lines, p90 {}, longest {}",
        lengths.len(),
        at(lengths, 50),
        at(lengths, 90),
        longest(lengths)
    ));
    say(&format!(
        "── tidy: {} functions: median {} lines, p90 {}, longest {}",
        functions.len(),
        at(functions, 50),
        at(functions, 90),
        longest(functions)
    ));
    let above: Vec<_> = lengths
        .iter()
        .filter(|(lines, _)| *lines > FILE_TARGET)
        .map(|(lines, name)| format!("{name} ({lines})"))
        .collect();
    if !above.is_empty() {
        say(&format!(
            "── tidy: above the aim of {FILE_TARGET} lines: {}",
            above.join(", ")
        ));
    }
}
