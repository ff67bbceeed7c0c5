//! Recognises what a file holds, by its beginning.

use super::Format;

/// How many bytes [`detect`] wants to see.
pub const DETECTION_WINDOW: usize = 16 << 10;

/// Recognises a feed by the beginning of its (uncompressed) content.
pub fn detect(beginning: &[u8]) -> Option<Format> {
    if beginning.starts_with(b"PK\x03\x04") || is_tar(beginning) {
        return Some(Format::Archive);
    }
    let text = text(beginning);
    if text.starts_with('<') {
        return match root_element(&text)? {
            "oval_definitions" => Some(Format::Oval),
            "updates" => Some(Format::UpdateInfo),
            _ => None,
        };
    }
    if text.starts_with("#model_version") || text.starts_with("cve,epss") {
        return Some(Format::Epss);
    }
    if let Some(rest) = text.strip_prefix('[')
        && rest.trim_start().starts_with(']')
    {
        return Some(Format::Osv);
    }
    of_json(&Shape::of(&text)?)
}

/// Returns in words what a file that is no feed seems to be.
pub(super) fn describe(beginning: &[u8]) -> String {
    let text = text(beginning);
    let lower = text
        .get(..text.len().min(512))
        .unwrap_or_default()
        .to_ascii_lowercase();
    if text.trim().is_empty() {
        return "empty".to_owned();
    }
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return "an HTML page".to_owned();
    }
    if text.starts_with('<') {
        let root = root_element(&text).unwrap_or("?");
        return format!("XML with the root <{}>", short(root));
    }
    match Shape::of(&text) {
        Some(shape) if !shape.keys.is_empty() => {
            let keys: Vec<String> = shape.keys.iter().take(5).map(|key| short(key)).collect();
            format!("JSON with the keys {}", keys.join(", "))
        }
        Some(_) => "JSON of another kind".to_owned(),
        None => "no JSON, XML or CSV that is known".to_owned(),
    }
}

fn short(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(40).collect()
}

fn text(beginning: &[u8]) -> String {
    let beginning = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(beginning);
    String::from_utf8_lossy(beginning).trim_start().to_owned()
}

/// Whether the records stand in the array `vulnerabilities` of one object.
pub(super) fn is_container(beginning: &[u8]) -> bool {
    let text = text(beginning);
    Shape::of(&text).is_some_and(|shape| {
        let has = |key: &str| shape.keys.iter().any(|known| known == key);
        has("vulnerabilities") || has("resultsPerPage") || has("catalogVersion")
    })
}

pub(super) fn is_tar(beginning: &[u8]) -> bool {
    beginning.get(257..262) == Some(b"ustar")
}

/// Returns the local name of the first element.
fn root_element(text: &str) -> Option<&str> {
    let mut rest = text;
    loop {
        rest = rest.trim_start().strip_prefix('<')?;
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->")?.1;
        } else if rest.starts_with(['?', '!']) {
            rest = rest.split_once('>')?.1;
        } else {
            let end = rest.find(|c: char| c.is_whitespace() || c == '>' || c == '/');
            let name = rest.get(..end?)?;
            return Some(name.rsplit(':').next().unwrap_or(name));
        }
    }
}

fn of_json(shape: &Shape) -> Option<Format> {
    let has = |key: &str| shape.keys.iter().any(|known| known == key);
    let any = |keys: &[&str]| keys.iter().any(|key| has(key));
    if has("@context") && any(&["@id", "author", "statements"]) {
        return Some(Format::OpenVex);
    }
    if has("document") && !shape.in_array {
        return Some(Format::Csaf);
    }
    if any(&["resultsPerPage", "startIndex", "totalResults"]) {
        return Some(Format::Nvd);
    }
    if any(&["catalogVersion", "cveID"]) {
        return Some(Format::Kev);
    }
    if any(&["cveMetadata", "containers"]) {
        return Some(Format::Cve);
    }
    if has("updateinfo_id") {
        return Some(Format::AlmaErrata);
    }
    if has("cve_id") && any(&["pkg", "res_ver", "aff_ver"]) {
        return Some(Format::Photon);
    }
    if has("name") && has("packages") && any(&["issues", "affected", "status"]) {
        return Some(Format::Arch);
    }
    if !shape.in_array && any(&ALPINE_KEYS) {
        return Some(Format::AlpineSecdb);
    }
    if has("cve") && shape.keys.len() == 1 || has("id") && any(&["configurations", "metrics"]) {
        return Some(Format::NvdItems);
    }
    if has("ssvc") && has("cvss") {
        return Some(Format::Vulnrichment);
    }
    if any(&OSV_KEYS) || shape.in_array && shape.keys.is_empty() {
        return Some(Format::Osv);
    }
    let first = shape.inner.as_deref().unwrap_or_default();
    (first.starts_with("CVE-") || first.starts_with("TEMP-")).then_some(Format::DebianTracker)
}

const ALPINE_KEYS: [&str; 6] = [
    "distroversion",
    "reponame",
    "apkurl",
    "urlprefix",
    "archs",
    "packages",
];
const OSV_KEYS: [&str; 13] = [
    "schema_version",
    "id",
    "modified",
    "published",
    "withdrawn",
    "aliases",
    "related",
    "upstream",
    "summary",
    "details",
    "severity",
    "affected",
    "database_specific",
];

/// The keys of a JSON object, or of the first object of an array, as far as they are in sight.
struct Shape {
    keys: Vec<String>,
    /// The first key of the first object within.
    inner: Option<String>,
    in_array: bool,
}

impl Shape {
    fn of(text: &str) -> Option<Self> {
        let in_array = text.starts_with('[');
        let object = if in_array {
            text[1..].trim_start()
        } else {
            text
        };
        let object = object.strip_prefix('{')?;
        let mut shape = Self {
            keys: Vec::new(),
            inner: None,
            in_array,
        };
        shape.scan(object.as_bytes());
        Some(shape)
    }

    /// Follows strings and brackets; whatever does not fit ends the scan.
    fn scan(&mut self, bytes: &[u8]) {
        let (mut depth, mut at) = (1_u32, 0);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 1 => return,
                b'}' | b']' => depth -= 1,
                b'"' => {
                    let Some(end) = end_of_string(bytes, at + 1) else {
                        return;
                    };
                    let after = bytes.get(end + 1..).unwrap_or_default();
                    let is_key = after.trim_ascii_start().starts_with(b":");
                    let word = String::from_utf8_lossy(&bytes[at + 1..end]);
                    match (is_key, depth) {
                        (true, 1) => self.keys.push(word.into_owned()),
                        (true, 2) if self.inner.is_none() => self.inner = Some(word.into_owned()),
                        _ => {}
                    }
                    at = end;
                }
                _ => {}
            }
            at += 1;
        }
    }
}

fn end_of_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        match bytes.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}
