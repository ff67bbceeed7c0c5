//! The textual envelope of keys (RFC 7468), for labels that the key libraries do not know.

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// Returns the label and the bytes of the first block in `text`.
pub(crate) fn decode(text: &str) -> Option<(&str, Vec<u8>)> {
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    // Docker's and Notary's key files have lines such as `role: bob` first (RFC 1421).
    let lines = body.lines().filter(|line| !line.contains(": "));
    let body: String = lines.flat_map(str::split_ascii_whitespace).collect();
    Some((label, STANDARD.decode(body).ok()?))
}

/// Writes a certificate's DER as PEM.
pub fn certificate_pem(der: &[u8]) -> String {
    encode("CERTIFICATE", der)
}

/// Writes `bytes` under `label`, 64 columns wide.
pub(crate) fn encode(label: &str, bytes: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for (index, letter) in STANDARD.encode(bytes).chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(letter);
    }
    text.push_str(&format!("\n-----END {label}-----\n"));
    text
}
