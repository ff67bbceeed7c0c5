//! Analysers of compiled programs, and of archives of them.

pub(crate) mod claimed;
pub(crate) mod elf;
#[cfg(test)]
mod fixture;
pub(crate) mod go;
mod go_main;
mod go_texts;
pub(crate) mod graalvm;
pub(crate) mod java;
mod java_group;
mod java_name;
mod java_says;
mod layout;
mod manifest;
pub(crate) mod releases;
pub(crate) mod rust;
pub(crate) mod signatures;

pub(crate) use java::entries;

/// Returns the CPE 2.3 name of an application; `name` is its vendor and product with a colon
/// between. What is not a letter, digit, `.`, `-` or `_` is escaped (NISTIR 7695, 6.2).
fn cpe(name: &str, version: &str) -> Option<String> {
    let mut escaped = String::with_capacity(version.len());
    for c in version.chars() {
        if !c.is_ascii_alphanumeric() && !matches!(c, '.' | '-' | '_') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    (!version.is_empty()).then(|| format!("cpe:2.3:a:{name}:{escaped}:*:*:*:*:*:*:*"))
}

/// Returns a program of this machine; says that a test is skipped where there is none.
#[cfg(test)]
fn installed(path: &str) -> Option<Vec<u8>> {
    let bytes = std::fs::read(path).ok();
    if bytes.is_none() {
        eprintln!("skipped: there is no {path}");
    }
    bytes
}
