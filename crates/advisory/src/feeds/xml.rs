//! Records out of XML: the elements of some names, each as a small tree.
//!
//! Names are taken without their namespace prefix. Entities of a document type are not expanded.

use std::io::BufRead;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;

use super::collect::{Collector, Stop};

/// No record is deeper, or has more parts.
const MAX_DEPTH: usize = 64;
const MAX_PARTS: usize = 500_000;

/// An element with all that is in it.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    text: String,
    pub(super) children: Vec<Element>,
}

impl Element {
    /// Returns an attribute, or nothing.
    pub(super) fn attribute(&self, name: &str) -> &str {
        let found = self.attributes.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// Returns the children of a name.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// Returns the first child of a name.
    pub(super) fn first(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// Returns the text, without white space around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// Returns the text of the first child of a name, or nothing.
    pub(super) fn text_of(&self, name: &str) -> &str {
        self.first(name).map_or("", Self::text)
    }

    /// Returns every descendant of a name, in the order of the document.
    pub(super) fn descendants<'a>(&'a self, name: &str, found: &mut Vec<&'a Self>) {
        for child in &self.children {
            if child.name == name {
                found.push(child);
            }
            child.descendants(name, found);
        }
    }
}

/// Receives an element.
pub(super) type Take<'t, 'a> = dyn FnMut(&Element, &mut Collector<'a>) -> Result<(), Stop> + 't;

/// Hands every outermost element that bears one of the names to `take`.
pub(super) fn elements<'a>(
    reader: &mut dyn BufRead,
    collector: &mut Collector<'a>,
    names: &[&str],
    take: &mut Take<'_, 'a>,
) {
    let mut reader = Reader::from_reader(reader);
    let mut tree = Tree::default();
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(error) => return collector.break_off(&error.to_string()),
        };
        let whole = match tree.add(event, names) {
            Ok(Step::Whole(element)) => element,
            Ok(Step::Part) => continue,
            Ok(Step::End) => return,
            Err(reason) => return collector.break_off(reason),
        };
        if take(&whole, collector).is_err() {
            return;
        }
    }
}

enum Step {
    Part,
    Whole(Element),
    End,
}

/// The elements that are open, outermost first.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    parts: usize,
    /// How deep the document is outside of what is wanted.
    outside: usize,
}

impl Tree {
    fn add(&mut self, event: Event<'_>, names: &[&str]) -> Result<Step, &'static str> {
        match event {
            Event::Start(start) => {
                self.begin(&start, names)?;
            }
            Event::Empty(start) => {
                if self.begin(&start, names)? {
                    return Ok(self.end());
                }
                self.outside = self.outside.saturating_sub(1);
            }
            Event::End(_) if self.open.is_empty() => {
                self.outside = self.outside.saturating_sub(1);
            }
            Event::End(_) => return Ok(self.end()),
            Event::Text(text) => {
                self.write(text.xml_content(XmlVersion::Implicit1_0).ok().as_deref());
            }
            Event::CData(text) => {
                self.write(text.xml_content(XmlVersion::Implicit1_0).ok().as_deref());
            }
            Event::GeneralRef(reference) => {
                if let Some(c) = character(&reference) {
                    self.write(Some(c.encode_utf8(&mut [0; 4])));
                }
            }
            Event::Eof if self.open.is_empty() && self.outside == 0 => return Ok(Step::End),
            Event::Eof => return Err("the file ends within an element"),
            _ => {}
        }
        Ok(Step::Part)
    }

    /// Opens an element; returns whether it is wanted, or within one that is.
    fn begin(&mut self, start: &BytesStart<'_>, names: &[&str]) -> Result<bool, &'static str> {
        let name = String::from_utf8_lossy(start.local_name().as_ref()).into_owned();
        if self.open.is_empty() {
            if !names.contains(&name.as_str()) {
                self.outside += 1;
                return Ok(false);
            }
            self.parts = 0;
        }
        self.parts += 1;
        if self.open.len() >= MAX_DEPTH {
            return Err("an element is deeper than the limit of 64");
        }
        if self.parts > MAX_PARTS {
            return Err("an element has more than the limit of 500000 parts");
        }
        let mut attributes = start.attributes();
        attributes.with_checks(false);
        let attributes = attributes.flatten().map(|attribute| {
            let name = String::from_utf8_lossy(attribute.key.local_name().as_ref()).into_owned();
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            (
                name,
                value.map(|value| value.into_owned()).unwrap_or_default(),
            )
        });
        self.open.push(Element {
            name,
            attributes: attributes.collect(),
            ..Element::default()
        });
        Ok(true)
    }

    /// Closes the innermost open element.
    fn end(&mut self) -> Step {
        let Some(element) = self.open.pop() else {
            return Step::Part;
        };
        match self.open.last_mut() {
            Some(parent) => {
                parent.children.push(element);
                Step::Part
            }
            None => Step::Whole(element),
        }
    }

    fn write(&mut self, text: Option<&str>) {
        if let (Some(element), Some(text)) = (self.open.last_mut(), text) {
            element.text.push_str(text);
        }
    }
}

/// Returns the character of `&#8211;` or of one of XML's five names.
fn character(reference: &BytesRef<'_>) -> Option<char> {
    if let Ok(Some(c)) = reference.resolve_char_ref() {
        return Some(c);
    }
    match &**reference {
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"amp" => Some('&'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        _ => None,
    }
}
