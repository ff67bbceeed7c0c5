//! Query strings and forms, read strictly: a broken escape is an error, and so is a
//! parameter given twice where one is meant. Unknown parameters are left alone, because
//! clients send some of their own.

/// Name and value pairs in the order they were sent.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

/// What is wrong with a query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// An escape is broken.
    #[error("the query holds a `%` escape that is broken or is not UTF-8")]
    Escape,
    /// A parameter is given twice.
    #[error("`{0}` is given twice: give it once")]
    Twice(String),
}

impl Query {
    /// Reads `name=value&…`.
    ///
    /// # Errors
    /// An escape is broken.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let read = pairs.map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode_form(name)?, decode_form(value)?))
        });
        let pairs: Option<Vec<_>> = read.collect();
        pairs.map(Self).ok_or(QueryError::Escape)
    }

    /// Returns the value of a parameter that may be given once.
    ///
    /// # Errors
    /// It is given twice.
    pub fn one(&self, name: &str) -> Result<Option<&str>, QueryError> {
        let mut values = self.all(name);
        let value = values.next();
        if values.next().is_some() {
            return Err(QueryError::Twice(name.to_owned()));
        }
        Ok(value)
    }

    /// Returns the values of a parameter that may be given several times.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

fn decode_form(text: &str) -> Option<String> {
    percent_decode(&text.replace('+', " "))
}

/// Resolves `%` escapes; nothing where one is broken or the result is not UTF-8.
pub fn percent_decode(text: &str) -> Option<String> {
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
pub fn percent_encode(text: &str) -> String {
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
        assert_eq!(query.one("n"), Ok(Some("3")));
        assert_eq!(query.one("flag"), Ok(Some("")));
        assert_eq!(query.one("other"), Ok(None));
        assert_eq!(
            query.one("scope"),
            Err(QueryError::Twice("scope".to_owned()))
        );
        for broken in ["a=%", "a=%4", "a=%zz", "a=%ff", "%c3=1"] {
            assert_eq!(Query::parse(broken), Err(QueryError::Escape), "{broken}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in "[%a-f0-9=&+é]{0,40}") {
            let _query = Query::parse(&text);
        }

        #[test]
        fn escaping_is_undone(text in ".{0,40}") {
            prop_assert_eq!(percent_decode(&percent_encode(&text)), Some(text));
        }
    }
}
