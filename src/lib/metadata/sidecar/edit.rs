//! Edits the text of a sidecar in place, so that all else stays byte for byte as it was.

use std::fmt::Write as _;
use std::ops::Range;

use roxmltree::{Attribute, Document, Node};

use super::properties::{Property, Value};
use crate::error::SidecarError;
use crate::read::xmp::{self, RDF};

/// A sidecar without properties.
pub(super) const EMPTY: &str = "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>
<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">
 <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">
  <rdf:Description rdf:about=\"\">
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end=\"w\"?>
";

/// A change of a text: what is in the range becomes the string.
type Change = (Range<usize>, String);

/// The text with the properties set.
pub(super) fn apply(text: &str, properties: &[Property]) -> Result<String, SidecarError> {
    let broken = |e: roxmltree::Error| SidecarError::Xmp(e.to_string());
    let document = Document::parse_with_options(text, xmp::options()).map_err(broken)?;
    let rdf = document.descendants().find(|n| n.has_tag_name((RDF, "RDF")));
    let rdf = rdf.ok_or_else(|| SidecarError::Xmp("it holds no rdf:RDF".to_owned()))?;
    let descriptions: Vec<Node<'_, '_>> =
        rdf.children().filter(|n| n.has_tag_name((RDF, "Description"))).collect();
    let mut changes = Vec::new();
    let mut new = String::new();
    for property in properties {
        set(&descriptions, property, &mut changes, &mut new);
    }
    if !new.is_empty() {
        let (parent, inner) = match descriptions.first() {
            Some(first) => (*first, new),
            None => (
                rdf,
                format!(
                    "<rdf:Description xmlns:rdf=\"{RDF}\" rdf:about=\"\">{new}\n  </rdf:Description>"
                ),
            ),
        };
        changes.push(insertion(text, parent, &inner));
    }
    changes.sort_by_key(|(range, _)| std::cmp::Reverse(range.start));
    let mut edited = text.to_owned();
    for (range, with) in changes {
        edited.replace_range(range, &with);
    }
    Document::parse_with_options(&edited, xmp::options()).map_err(broken)?;
    Ok(edited)
}

/// Sets one property: in place where it is, else among the new ones.
fn set(
    descriptions: &[Node<'_, '_>],
    property: &Property,
    changes: &mut Vec<Change>,
    new: &mut String,
) {
    let element = descriptions
        .iter()
        .flat_map(|d| d.children())
        .find(|n| n.has_tag_name((property.namespace, property.name)));
    let is_it = |a: &Attribute<'_, '_>| {
        a.namespace() == Some(property.namespace) && a.name() == property.name
    };
    let attribute = descriptions.iter().flat_map(|d| d.attributes()).find(is_it);
    match (&property.value, element, attribute) {
        (Value::Text(value), _, Some(attribute)) => {
            changes.push((attribute.range_value(), escaped(value)));
        }
        (Value::Items { add, .. }, None, Some(attribute)) => {
            // A single keyword as an attribute: a list takes its place, the attribute empties.
            changes.push((attribute.range_value(), String::new()));
            let old = attribute.value().to_owned();
            let all: Vec<String> = std::iter::once(old).chain(add.iter().cloned()).collect();
            new.push_str("\n   ");
            new.push_str(&written(property, &all));
        }
        (Value::Text(_), Some(element), None) => {
            changes.push((element.range(), written(property, &[])));
        }
        (Value::Items { add, .. }, Some(element), _) => {
            let items = element.descendants().filter(|n| n.has_tag_name((RDF, "li")));
            let mut all: Vec<String> =
                items.map(|n| n.text().unwrap_or_default().trim().to_owned()).collect();
            let missing: Vec<String> = add.iter().filter(|a| !all.contains(a)).cloned().collect();
            if !missing.is_empty() {
                all.extend(missing);
                changes.push((element.range(), written(property, &all)));
            }
        }
        (Value::Text(_), None, None) => {
            new.push_str("\n   ");
            new.push_str(&written(property, &[]));
        }
        (Value::Items { add, .. }, None, None) => {
            new.push_str("\n   ");
            new.push_str(&written(property, add));
        }
    }
}

/// A property as an element that brings its own namespaces.
fn written(property: &Property, items: &[String]) -> String {
    let Property { namespace, prefix, name, value } = property;
    let mut text = format!("<{prefix}:{name} xmlns:{prefix}=\"{namespace}\">");
    match value {
        Value::Text(value) => text.push_str(&escaped(value)),
        Value::Items { ordered, .. } => {
            let list = if *ordered { "Seq" } else { "Bag" };
            let _ = write!(text, "<rdf:{list} xmlns:rdf=\"{RDF}\">");
            let mut seen: Vec<&String> = Vec::new();
            for item in items.iter().filter(|i| !i.is_empty()) {
                if !seen.contains(&item) {
                    seen.push(item);
                    let _ = write!(text, "<rdf:li>{}</rdf:li>", escaped(item));
                }
            }
            let _ = write!(text, "</rdf:{list}>");
        }
    }
    let _ = write!(text, "</{prefix}:{name}>");
    text
}

/// The change that puts a text at the end of an element.
fn insertion(text: &str, element: Node<'_, '_>, inner: &str) -> Change {
    let range = element.range();
    let whole = &text[range.clone()];
    if let Some(open) = whole.strip_suffix("/>") {
        let name_end = whole[1..].find(|c: char| c.is_whitespace() || c == '/' || c == '>');
        let name = &whole[1..=name_end.unwrap_or(0)];
        let at = range.start + open.len();
        return (at..range.end, format!(">{inner}\n  </{name}>"));
    }
    let close = range.start + whole.rfind("</").unwrap_or(whole.len());
    let at = text[..close].trim_end().len();
    (at..at, inner.to_owned())
}

/// A text within an element or an attribute; control characters that XML cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}
