//! XML as a stream of elements and text (XML 1.0), as far as documents need it.
//!
//! Entities that a document declares are never expanded, nothing outside is read, and nesting costs
//! nothing: there is no tree. What is not well formed is read as far as it goes.

use std::borrow::Cow;

use quick_xml::XmlVersion;
use quick_xml::events::{BytesEnd, BytesStart, Event as Raw};
use quick_xml::reader::Reader;

use crate::error::ExtractError;
use crate::limits::Budget;

/// Events between two looks at the clock.
const STRIDE: u32 = 4_096;

/// Elements inside each other; deeper ones are not read.
const MAX_DEPTH: usize = 100_000;

/// What comes next.
#[derive(Debug)]
pub(crate) enum Event<'x> {
    Start(Tag<'x>),
    End(Close<'x>),
    Text(Cow<'x, str>),
}

/// A start tag.
#[derive(Debug)]
pub(crate) struct Tag<'x>(BytesStart<'x>);

impl Tag<'_> {
    /// The name with its prefix.
    pub(crate) fn name(&self) -> &str {
        std::str::from_utf8(self.0.name().into_inner()).unwrap_or_default()
    }

    /// The name without its prefix.
    pub(crate) fn local(&self) -> &str {
        local(self.name())
    }

    /// The value of the attribute of this name, which is with its prefix if it has one.
    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        self.find(|key| key == name)
    }

    /// The value of the first attribute that has this name without its prefix.
    pub(crate) fn local_attribute(&self, name: &str) -> Option<String> {
        self.find(|key| local(key) == name)
    }

    fn find(&self, is: impl Fn(&str) -> bool) -> Option<String> {
        // Comparing all with each other, as the standard asks for, is quadratic.
        let mut all = self.0.attributes();
        let mut known = all.with_checks(false).filter_map(Result::ok);
        let found = known.find(|a| std::str::from_utf8(a.key.into_inner()).is_ok_and(&is))?;
        let raw = std::str::from_utf8(&found.value).ok()?;
        let value = found.normalized_value(XmlVersion::Implicit1_0);
        Some(value.map_or_else(|_| raw.to_owned(), Cow::into_owned))
    }
}

/// An end tag.
#[derive(Debug)]
pub(crate) struct Close<'x>(BytesEnd<'x>);

impl Close<'_> {
    /// The name with its prefix.
    pub(crate) fn name(&self) -> &str {
        std::str::from_utf8(self.0.name().into_inner()).unwrap_or_default()
    }

    /// The name without its prefix.
    pub(crate) fn local(&self) -> &str {
        local(self.name())
    }
}

/// The part of a name behind its prefix.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// A document that is being read.
pub(crate) struct Xml<'x> {
    reader: Reader<&'x [u8]>,
    budget: &'x Budget,
    events: u32,
    depth: usize,
    ended: bool,
}

impl<'x> Xml<'x> {
    pub(crate) fn new(source: &'x str, budget: &'x Budget) -> Self {
        let mut reader = Reader::from_str(source);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        config.expand_empty_elements = true;
        Self { reader, budget, events: 0, depth: 0, ended: false }
    }

    /// The next event, `None` at the end and where the damage is too great.
    ///
    /// # Errors
    /// [`ExtractError::Timeout`].
    pub(crate) fn next(&mut self) -> Result<Option<Event<'x>>, ExtractError> {
        while !self.ended {
            self.events += 1;
            if self.events.is_multiple_of(STRIDE) {
                self.budget.check_time()?;
            }
            match self.reader.read_event() {
                Ok(Raw::Start(tag)) => {
                    self.depth += 1;
                    self.ended = self.depth > MAX_DEPTH;
                    return Ok(Some(Event::Start(Tag(tag))));
                }
                Ok(Raw::End(tag)) => {
                    self.depth = self.depth.saturating_sub(1);
                    return Ok(Some(Event::End(Close(tag))));
                }
                Ok(Raw::Text(text)) => {
                    if let Ok(text) = text.xml10_content() {
                        return Ok(Some(Event::Text(text)));
                    }
                }
                Ok(Raw::CData(text)) => {
                    if let Ok(text) = text.xml10_content() {
                        return Ok(Some(Event::Text(text)));
                    }
                }
                Ok(Raw::GeneralRef(name)) => {
                    if let Ok(Some(char)) = name.resolve_char_ref() {
                        return Ok(Some(Event::Text(Cow::Owned(char.to_string()))));
                    }
                    let known = name.decode().ok();
                    let known = known.and_then(|n| quick_xml::escape::resolve_xml_entity(&n));
                    if let Some(text) = known {
                        return Ok(Some(Event::Text(Cow::Borrowed(text))));
                    }
                }
                Ok(Raw::Eof) | Err(_) => self.ended = true,
                Ok(_) => {}
            }
        }
        Ok(None)
    }

    /// Whether the end was reached without damage: every element is closed.
    pub(crate) fn is_whole(&self) -> bool {
        self.depth == 0
    }

    /// Goes past the end of the element that has just started.
    ///
    /// # Errors
    /// [`ExtractError::Timeout`].
    pub(crate) fn skip(&mut self) -> Result<(), ExtractError> {
        let outside = self.depth.saturating_sub(1);
        while self.depth > outside && self.next()?.is_some() {}
        Ok(())
    }

    /// The text of the element that has just started, without its tags; `most` bytes are kept.
    ///
    /// # Errors
    /// [`ExtractError::Timeout`].
    pub(crate) fn text(&mut self, most: usize) -> Result<String, ExtractError> {
        let outside = self.depth.saturating_sub(1);
        let mut text = String::new();
        while self.depth > outside {
            match self.next()? {
                Some(Event::Text(more)) => {
                    text.push_str(crate::document::cut(&more, most - text.len()));
                }
                Some(_) => {}
                None => break,
            }
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn texts(source: &str) -> String {
        let budget = Budget::start(&Limits::default());
        let mut xml = Xml::new(source, &budget);
        let mut out = String::new();
        while let Some(event) = xml.next().expect("in time") {
            if let Event::Text(text) = event {
                out.push_str(&text);
            }
        }
        out
    }

    #[test]
    fn only_the_five_entities_are_known() {
        assert_eq!(texts("<a>1 &lt; &#x32; &amp; &eacute;3<![CDATA[<b>]]></a>"), "1 < 2 & 3<b>");
        let laughs = "<!DOCTYPE l [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;\">\
            <!ENTITY f SYSTEM \"file:///etc/passwd\">]><l>&b;&f;.</l>";
        assert_eq!(texts(laughs), ".");
    }

    #[test]
    fn damage_ends_it_where_it_is() {
        assert_eq!(texts("<a>one<b>two</a></b></c>three<"), "onetwothree");
    }

    #[test]
    fn attributes_and_skipping() {
        let budget = Budget::start(&Limits::default());
        let mut xml = Xml::new("<w:p w:val='a&amp;b'><x>no<x/></x><t>yes</t></w:p>", &budget);
        let Ok(Some(Event::Start(tag))) = xml.next() else { panic!("a tag") };
        assert_eq!((tag.name(), tag.local()), ("w:p", "p"));
        assert_eq!(tag.local_attribute("val").as_deref(), Some("a&b"));
        assert!(xml.next().expect("in time").is_some());
        xml.skip().expect("in time");
        let Ok(Some(Event::Start(_))) = xml.next() else { panic!("a tag") };
        assert_eq!(xml.text(100).expect("in time"), "yes");
    }
}
