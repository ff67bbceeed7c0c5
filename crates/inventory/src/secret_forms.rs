//! The forms of what may be a secret: lengths, alphabets, and what tells fillers and
//! references from values.

pub(crate) fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

pub(crate) fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(crate) fn dashed(byte: u8) -> bool {
    word(byte) || byte == b'-'
}

/// Of base64 and its relatives, less blanks.
pub(crate) fn encoded(byte: u8) -> bool {
    dashed(byte) || b"+/=.".contains(&byte)
}

pub(crate) fn run(bytes: &[u8], fits: fn(u8) -> bool) -> usize {
    bytes
        .iter()
        .take(2000)
        .take_while(|byte| fits(**byte))
        .count()
}

/// Returns whether a token of that length follows which looks random.
pub(crate) fn token(after: &[u8], least: usize, most: usize, fits: fn(u8) -> bool) -> bool {
    let length = run(after, fits);
    // Of a fixed length: a longer word is something else.
    let ends = !after.get(length).is_some_and(|byte| word(*byte));
    (least..=most).contains(&length) && ends && looks_random(&after[..length])
}

/// Refuses examples and fillers: `EXAMPLE`, `xxxxxxxx`, `00000000`.
fn looks_random(token: &[u8]) -> bool {
    let mut seen = [false; 256];
    for byte in token {
        seen[usize::from(*byte)] = true;
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    let lower = token.to_ascii_lowercase();
    let filler = [
        &b"example"[..],
        b"xxxxx",
        b"placeholder",
        b"12345678",
        b"abcdefgh",
    ];
    distinct >= 8
        && !filler
            .iter()
            .any(|word| memchr::memmem::find(&lower, word).is_some())
}

pub(crate) fn mixed(after: &[u8]) -> bool {
    let token = &after[..run(after, alphanumeric)];
    token.iter().any(u8::is_ascii_uppercase) && token.iter().any(u8::is_ascii_lowercase)
}

/// Returns whether the rest of a header, claims and a signature follow.
pub(crate) fn json_web_token(after: &[u8]) -> bool {
    let Some(claims) = after
        .get(run(after, dashed)..)
        .and_then(|rest| rest.strip_prefix(b".eyJ"))
    else {
        return false;
    };
    let signature = claims
        .get(run(claims, dashed)..)
        .and_then(|rest| rest.strip_prefix(b"."));
    signature.is_some_and(|signature| token(signature, 20, 1000, dashed))
}

/// Passes over `=`, `:`, quotes and blanks.
pub(crate) fn value(after: &[u8]) -> &[u8] {
    let start = after
        .iter()
        .take(16)
        .take_while(|b| b"=: \t\"'".contains(b))
        .count();
    &after[start..]
}

/// Returns whether a value stands there that is no reference and no filler.
pub(crate) fn assigned(after: &[u8]) -> bool {
    let after = value(after);
    let length = run(after, |b| b.is_ascii_graphic() && !b"\"',".contains(&b));
    let word = after[..length].to_ascii_lowercase();
    let reference = matches!(word.first(), None | Some(b'$' | b'<' | b'{' | b'%' | b'*'));
    let filler = [
        &b"xxx"[..],
        b"changeme",
        // Symfony's example.
        b"!changeme!",
        b"password",
        b"your",
        b"example",
        b"null",
        b"none",
    ];
    !reference && !filler.iter().any(|filler| word.starts_with(filler))
}

/// Returns whether `user:password@` follows.
pub(crate) fn user_and_password(after: &[u8]) -> bool {
    let end = run(after, |b| b.is_ascii_graphic() && !b"/?#\"'".contains(&b));
    let Some(at) = memchr::memrchr(b'@', &after[..end]) else {
        return false;
    };
    let user = &after[..at];
    memchr::memchr(b':', user).is_some_and(|colon| assigned(&user[colon + 1..]))
}

/// Returns whether `… PRIVATE KEY-----` follows, with a key that is not encrypted.
pub(crate) fn private_key(after: &[u8]) -> bool {
    let label = &after[..after.len().min(64)];
    let Some(end) = memchr::memmem::find(label, b"-----") else {
        return false;
    };
    let label = &after[..end];
    let is_key = label.ends_with(b"PRIVATE KEY") || label == b"PGP PRIVATE KEY BLOCK";
    if !is_key || label.starts_with(b"ENCRYPTED") {
        return false;
    }
    let rest = &after[end + 5..];
    let rest = &rest[..rest.len().min(400)];
    let is_locked = memchr::memmem::find(rest, b"4,ENCRYPTED").is_some()
        || (label == b"OPENSSH PRIVATE KEY" && is_locked_openssh(rest));
    if is_locked {
        return false;
    }
    // Documentation shows the header with dots for the key.
    let mut length = 0;
    rest.iter().any(|byte| {
        let base64 = byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        length = if base64 { length + 1 } else { 0 };
        length >= 40
    })
}

/// Returns whether an OpenSSH key is encrypted: the name of the cipher follows the magic word
/// (PROTOCOL.key), and is `none` where it is not. Both stand at fixed places of the base64.
fn is_locked_openssh(text: &[u8]) -> bool {
    const MAGIC: &[u8] = b"b3BlbnNzaC1rZXktdjEA";
    const NONE: &[u8] = b"AAAABG5vbmU";
    let start = memchr::memmem::find(text, MAGIC).map(|start| start + MAGIC.len());
    start.is_some_and(|start| !text[start..].starts_with(NONE))
}
