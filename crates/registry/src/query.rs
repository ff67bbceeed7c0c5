//! Query strings and forms, read strictly: a broken escape is an error, and so is a
//! parameter given twice where one is meant. Unknown parameters are left alone, because
//! clients send some of their own.

use oci::ErrorCode;

use crate::error::Failure;

/// Name and value pairs in the order they were sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads `name=value&…`.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let read = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode_form(name)?, decode_form(value)?))
        });
        let pairs: Option<Vec<_>> = read.collect();
        let broken = || bad("the query holds a `%` escape that is broken or is not UTF-8");
        Ok(Self(pairs.ok_or_else(broken)?))
    }

    /// Returns the value of a parameter that may be given once.
    pub(crate) fn one(&self, name: &str) -> Result<Option<&str>, Failure> {
        let mut values = self.all(name);
        let value = values.next();
        if values.next().is_some() {
            return Err(bad(format!("`{name}` is given twice: give it once")));
        }
        Ok(value)
    }

    /// Returns the values of a parameter that may be given several times.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Returns the answer to a request that is malformed as such.
pub(crate) fn bad(message: impl Into<String>) -> Failure {
    // The specification has no code for a bad parameter; clients show the message.
    Failure::with_status(ErrorCode::Unsupported, 400, message)
}

fn decode_form(text: &str) -> Option<String> {
    decode(&text.replace('+', " "))
}

/// Resolves `%` escapes; nothing where one is broken or the result is not UTF-8.
pub(crate) fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let high = char::from(rest.next()?).to_digit(16)?;
            let low = char::from(rest.next()?).to_digit(16)?;
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Escapes everything but what never needs it (RFC 3986, "Unreserved Characters").
pub(crate) fn encode(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_clients_send() {
        let query = Query::parse("scope=repository%3Aa%2Fb%3Apull&scope=x+y&n=3&&flag").unwrap();
        let scopes: Vec<_> = query.all("scope").collect();
        assert_eq!(scopes, ["repository:a/b:pull", "x y"]);
        assert_eq!(query.one("n").unwrap(), Some("3"));
        assert_eq!(query.one("flag").unwrap(), Some(""));
        assert_eq!(query.one("other").unwrap(), None);
        assert!(query.one("scope").is_err());
        for broken in ["a=%", "a=%4", "a=%zz", "a=%ff", "%c3=1"] {
            assert!(Query::parse(broken).is_err(), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[%a-f0-9=&+é]{0,40}") {
            let _query = Query::parse(&text);
        }

        #[test]
        fn escaping_is_undone(text in ".{0,40}") {
            prop_assert_eq!(decode(&encode(&text)), Some(text));
        }
    }
}
