//! Records out of JSON: a document, several, one a line, an array, or an array within an object.

use std::fmt;
use std::io::{BufRead, BufReader, Read};

use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::record::Advisory;

use super::collect::{Collector, Stop};

/// What a parser knows beside the record's text.
pub(super) struct Context<'a> {
    /// The feed's name.
    pub(super) source: &'a str,
    /// The file's name, for feeds that say there what is missing inside.
    pub(super) file: &'a str,
}

/// Turns one record into advisories, or says what is wrong with it.
pub(super) type Parse = fn(&[u8], &Context<'_>) -> Result<Vec<Advisory>, String>;

/// Reads documents, lines or an array of records.
pub(super) fn records(reader: &mut dyn BufRead, collector: &mut Collector<'_>, parse: Parse) {
    let mut first = Vec::new();
    // The first line tells lines from one document printed over many.
    while first.trim_ascii().is_empty() {
        match reader.read_until(b'\n', &mut first) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => return collector.break_off(&error.to_string()),
        }
        if let Some(rest) = first.strip_prefix(b"\xef\xbb\xbf") {
            first = rest.to_vec();
        }
    }
    let is_array = first.trim_ascii_start().starts_with(b"[");
    let spans_lines = serde_json::from_slice::<&RawValue>(&first).is_err_and(|e| e.is_eof());
    if is_array {
        let input = BufReader::new(first.chain(reader));
        let mut deserializer = serde_json::Deserializer::from_reader(input);
        let elements = Elements {
            collector: &mut *collector,
            parse,
        };
        if let Err(error) = elements.deserialize(&mut deserializer) {
            collector.break_off(&error.to_string());
        }
    } else if spans_lines {
        read_documents(first.chain(reader), collector, parse);
    } else {
        read_lines(first, reader, collector, parse);
    }
}

/// Reads the array under `key` of one object, whatever else there is.
pub(super) fn member(
    reader: &mut dyn BufRead,
    collector: &mut Collector<'_>,
    key: &'static str,
    parse: Parse,
) {
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(reader));
    let elements = Elements {
        collector: &mut *collector,
        parse,
    };
    if let Err(error) = (Member { elements, key }).deserialize(&mut deserializer) {
        collector.break_off(&error.to_string());
    }
}

fn read_lines(
    first: Vec<u8>,
    reader: &mut dyn BufRead,
    collector: &mut Collector<'_>,
    parse: Parse,
) {
    let mut line = first;
    loop {
        if !line.trim_ascii().is_empty() && take(&line, collector, parse).is_err() {
            return;
        }
        line.clear();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => return collector.break_off(&error.to_string()),
        }
    }
}

fn read_documents(input: impl Read, collector: &mut Collector<'_>, parse: Parse) {
    let documents =
        serde_json::Deserializer::from_reader(BufReader::new(input)).into_iter::<Box<RawValue>>();
    for document in documents {
        let outcome = match document {
            Ok(raw) => take(raw.get().as_bytes(), collector, parse),
            Err(error) => return collector.break_off(&error.to_string()),
        };
        if outcome.is_err() {
            return;
        }
    }
}

/// Hands what one record says on, or counts it as malformed.
fn take(text: &[u8], collector: &mut Collector<'_>, parse: Parse) -> Result<(), Stop> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let file = collector.file().to_owned();
    let context = Context {
        source: collector.source,
        file: &file,
    };
    match parse(text, &context) {
        Ok(records) => collector.accept_all(records),
        Err(reason) => {
            let place = collector.place();
            collector.reject(&place, &reason);
            Ok(())
        }
    }
}

struct Elements<'c, 'a> {
    collector: &'c mut Collector<'a>,
    parse: Parse,
}

impl<'de> DeserializeSeed<'de> for Elements<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Elements<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while let Some(raw) = elements.next_element::<Box<RawValue>>()? {
            take(raw.get().as_bytes(), self.collector, self.parse)
                .map_err(|Stop| de::Error::custom("reading was stopped"))?;
        }
        Ok(())
    }
}

struct Member<'c, 'a> {
    elements: Elements<'c, 'a>,
    key: &'static str,
}

impl<'de> DeserializeSeed<'de> for Member<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Member<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the array `{}`", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut elements = Some(self.elements);
        while let Some(key) = members.next_key::<String>()? {
            match elements.take() {
                Some(found) if key == self.key => members.next_value_seed(found)?,
                kept => {
                    members.next_value::<IgnoredAny>()?;
                    elements = kept;
                }
            }
        }
        match elements {
            None => Ok(()),
            Some(_) => Err(de::Error::missing_field(self.key)),
        }
    }
}

/// Takes JSON's `null` for an absent value, as several feeds write it.
pub(super) fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads a record with serde; the error is serde's sentence.
pub(super) fn from_slice<'de, T: Deserialize<'de>>(text: &'de [u8]) -> Result<T, String> {
    serde_json::from_slice(text).map_err(|error| error.to_string())
}
