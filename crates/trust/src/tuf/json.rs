//! JSON as TUF metadata is signed: read without room for two opinions, and written in the
//! one canonical form (OLPC Canonical JSON, as Notary v1 uses it).
//!
//! Signatures are over the canonical form of what was read. So a name that stands twice, or
//! one that Go's readers would take for another (they ignore case), is refused: what is
//! verified here is what every client sees.

use std::fmt;

use serde::{
    Deserialize,
    de::{self, Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// Whole numbers that a double holds exactly; Notary's own reader goes through doubles.
const MOST: i64 = 1 << 53;

/// Reads one JSON value and nothing after it.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice::<Strict>(bytes).map(|strict| strict.0)
}

/// Writes `value` in canonical form: names in byte order, no spaces, nothing escaped but
/// `"` and `\`. None where a number is not whole: such numbers have no canonical form.
pub(super) fn canonical(value: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    write(value, &mut bytes)?;
    Some(bytes)
}

fn write(value: &Value, to: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Null => to.extend(b"null"),
        Value::Bool(true) => to.extend(b"true"),
        Value::Bool(false) => to.extend(b"false"),
        Value::Number(number) => to.extend(whole(number)?.to_string().bytes()),
        Value::String(text) => write_text(text, to),
        Value::Array(values) => {
            to.push(b'[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    to.push(b',');
                }
                write(value, to)?;
            }
            to.push(b']');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by(|(one, _), (other, _)| one.as_bytes().cmp(other.as_bytes()));
            to.push(b'{');
            for (place, (name, value)) in fields.into_iter().enumerate() {
                if place > 0 {
                    to.push(b',');
                }
                write_text(name, to);
                to.push(b':');
                write(value, to)?;
            }
            to.push(b'}');
        }
    }
    Some(())
}

fn write_text(text: &str, to: &mut Vec<u8>) {
    to.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            to.push(b'\\');
        }
        to.push(byte);
    }
    to.push(b'"');
}

/// Returns the number if it is whole; `1e3` is.
pub(super) fn whole(number: &Number) -> Option<i64> {
    let exact = |whole: i64| (-MOST..=MOST).contains(&whole).then_some(whole);
    if let Some(whole) = number.as_i64() {
        return exact(whole);
    }
    let double = number.as_f64().filter(|double| double.fract() == 0.0)?;
    // Within the bounds the conversion is exact.
    (double.abs() <= MOST as f64).then_some(double as i64)
}

/// Returns the first name in `fields` that a reader without regard to case would take for
/// one of `known`.
pub(super) fn lookalike<'a>(fields: &'a Map<String, Value>, known: &[&str]) -> Option<&'a str> {
    let fold = |name: &str| name.to_uppercase().to_lowercase();
    fields
        .keys()
        .find(|name| {
            !known.contains(&name.as_str()) && known.iter().any(|known| fold(name) == fold(known))
        })
        .map(String::as_str)
}

/// A value in which no object has a name twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(Strict(value)) = from.next_element()? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut from: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some((name, Strict(value))) = from.next_entry::<String, Strict>()? {
            if fields.contains_key(&name) {
                return Err(de::Error::custom(format_args!("`{name}` stands twice")));
            }
            fields.insert(name, value);
        }
        Ok(fields.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> Option<String> {
        let value = parse(text.as_bytes()).ok()?;
        canonical(&value).map(|bytes| String::from_utf8(bytes).expect("text in, text out"))
    }

    #[test]
    fn there_is_one_form() {
        let text =
            r#" {"b": [1, 1e3, null], "a": "\u003c\n\"\\\u00e9", "A": {"z":true,"y":false} } "#;
        assert_eq!(
            rewritten(text).as_deref(),
            Some("{\"A\":{\"y\":false,\"z\":true},\"a\":\"<\n\\\"\\\\é\",\"b\":[1,1000,null]}")
        );
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":1}"#,
            "{} {}",
            r#"{"a":1.5}"#,
            r#"{"a":9007199254740993}"#,
        ] {
            assert_eq!(rewritten(text), None, "{text}");
        }
        let fields = parse(br#"{"version":1,"Ver\u017fion":2}"#).expect("JSON");
        let fields = fields.as_object().expect("an object");
        assert_eq!(lookalike(fields, &["version"]), Some("Verſion"));
    }
}
