//! XMP packets.
//!
//! Sources: ISO 16684-1; XMP part 2 (namespaces, dates); EXIF's in XMP (CIPA DC-010).

use roxmltree::{Document, Node, NodeType, ParsingOptions};

use super::{Found, exif};
use crate::camera::Gps;
use crate::datetime;
use crate::source::Source;

pub(crate) const RDF: &str = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
pub(crate) const DC: &str = "http://purl.org/dc/elements/1.1/";
pub(crate) const EXIF: &str = "http://ns.adobe.com/exif/1.0/";
pub(crate) const PHOTOSHOP: &str = "http://ns.adobe.com/photoshop/1.0/";
pub(crate) const XMP: &str = "http://ns.adobe.com/xap/1.0/";
const TIFF: &str = "http://ns.adobe.com/tiff/1.0/";
const AUX: &str = "http://ns.adobe.com/exif/1.0/aux/";
const CAMERA: &str = "http://ns.google.com/photos/1.0/camera/";
const CR_PANORAMA: &str = "http://ns.google.com/photos/1.0/creations/";

/// Elements of a packet; real ones have hundreds.
const MAX_NODES: u32 = 200_000;

/// What a packet tells, as texts.
#[derive(Debug, Default)]
pub(crate) struct Packet {
    pub(crate) properties: Vec<(&'static str, String, String)>,
    pub(crate) labels: Vec<String>,
}

/// The namespaces that are read.
const KNOWN: [&str; 8] = [DC, EXIF, PHOTOSHOP, XMP, TIFF, AUX, CAMERA, CR_PANORAMA];

/// How XML is read: no entities of its own, no more nodes than real packets have.
pub(crate) fn options<'a>() -> ParsingOptions<'a> {
    ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() }
}

/// Reads a packet; what follows its last element is padding.
pub(crate) fn parse(bytes: &[u8]) -> Result<Packet, &'static str> {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_matches(|c: char| c == '\0' || c == '\u{feff}' || c.is_whitespace());
    if text.is_empty() {
        return Ok(Packet::default());
    }
    let document =
        Document::parse_with_options(text, options()).map_err(|_| "XMP that is no XML")?;
    let mut packet = Packet::default();
    let is_description = |n: &Node<'_, '_>| n.has_tag_name((RDF, "Description"));
    // Only those at the top: the inner ones are values of structures.
    for description in document.descendants().filter(is_description) {
        if description.parent().is_some_and(|p| p.has_tag_name((RDF, "RDF"))) {
            packet.read(description);
        }
    }
    Ok(packet)
}

fn known(namespace: Option<&str>) -> Option<&'static str> {
    KNOWN.iter().find(|k| Some(**k) == namespace).copied()
}

impl Packet {
    fn read(&mut self, description: Node<'_, '_>) {
        for attribute in description.attributes() {
            if let Some(namespace) = known(attribute.namespace()) {
                self.add(namespace, attribute.name(), attribute.value());
            }
        }
        for property in description.children().filter(Node::is_element) {
            let Some(namespace) = known(property.tag_name().namespace()) else { continue };
            let name = property.tag_name().name();
            let mut items =
                property.descendants().filter(|n| n.has_tag_name((RDF, "li"))).peekable();
            if items.peek().is_none() {
                self.add(namespace, name, &text(property));
            }
            for item in items {
                let text = text(item);
                if namespace == DC && name == "subject" {
                    self.labels.push(text);
                } else {
                    self.add(namespace, name, &text);
                }
            }
        }
    }

    fn add(&mut self, namespace: &'static str, name: &str, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            self.properties.push((namespace, name.to_owned(), value.to_owned()));
        }
    }

    /// The first value of a property.
    pub(crate) fn get(&self, namespace: &str, name: &str) -> Option<&str> {
        let mut all = self.properties.iter();
        all.find(|(ns, n, _)| *ns == namespace && n == name).map(|(.., value)| value.as_str())
    }

    /// The rating, if it is one.
    pub(crate) fn rating(&self) -> Option<i8> {
        let value: f64 = self.get(XMP, "Rating")?.parse().ok()?;
        (-1.0..=5.0).contains(&value).then_some(value as i8)
    }

    /// The position: `52,31.2N` or `52,31,12N`.
    pub(crate) fn position(&self) -> Option<Result<Gps, &'static str>> {
        let latitude = angle(self.get(EXIF, "GPSLatitude")?, "S")?;
        let longitude = angle(self.get(EXIF, "GPSLongitude")?, "W")?;
        let altitude = self.get(EXIF, "GPSAltitude").and_then(fraction);
        let below = self.get(EXIF, "GPSAltitudeRef") == Some("1");
        let altitude = altitude.map(|metres| if below { -metres } else { metres });
        Some(super::checked_position(latitude, longitude, altitude))
    }

    pub(super) fn add_to(&self, found: &mut Found) {
        for (source, namespace, name) in [
            (Source::XmpOriginal, EXIF, "DateTimeOriginal"),
            (Source::XmpDateCreated, PHOTOSHOP, "DateCreated"),
            (Source::XmpCreateDate, EXIF, "DateTimeDigitized"),
            (Source::XmpCreateDate, XMP, "CreateDate"),
            (Source::XmpModifyDate, XMP, "ModifyDate"),
        ] {
            if let Some(text) = self.get(namespace, name) {
                found.date(source, text);
            }
        }
        if let Some(text) = self.get(EXIF, "GPSTimeStamp")
            && let Ok(mut written) = datetime::parse(text)
        {
            if written.clock == crate::Clock::Offset(jiff::tz::Offset::UTC) {
                written.clock = crate::Clock::Utc;
            }
            found.stamp(Source::Gps, written);
        }
        match self.position() {
            Some(Ok(gps)) => exif::set(&mut found.metadata.gps, Some(gps)),
            Some(Err(why)) => found.warn(why),
            None => {}
        }
        let own = |namespace, name| self.get(namespace, name).map(ToOwned::to_owned);
        let metadata = &mut found.metadata;
        exif::set(&mut metadata.camera.make, own(TIFF, "Make"));
        exif::set(&mut metadata.camera.model, own(TIFF, "Model"));
        exif::set(&mut metadata.camera.lens, own(AUX, "Lens"));
        exif::set(&mut metadata.camera.serial, own(AUX, "SerialNumber"));
        exif::set(&mut metadata.camera.software, own(XMP, "CreatorTool"));
        exif::set(&mut metadata.burst_id, own(CAMERA, "BurstID"));
        exif::set(&mut metadata.burst_id, own(CR_PANORAMA, "BurstID"));
        exif::set(&mut metadata.comment, own(EXIF, "UserComment"));
        exif::set(&mut metadata.description, own(DC, "description"));
        exif::set(&mut metadata.rating, self.rating());
        metadata.motion_photo |=
            ["MotionPhoto", "MicroVideo"].iter().any(|name| self.get(CAMERA, name) == Some("1"));
        self.labels.iter().for_each(|label| found.label(label));
    }
}

fn text(node: Node<'_, '_>) -> String {
    node.descendants()
        .filter(|n| n.node_type() == NodeType::Text)
        .filter_map(|n| n.text())
        .collect()
}

/// Degrees with minutes and seconds behind commas, and the hemisphere behind them.
fn angle(text: &str, negative: &str) -> Option<f64> {
    let last = text.chars().last().filter(|c| "NSEW".contains(*c));
    let digits = text.trim_end_matches(['N', 'S', 'E', 'W']);
    let mut value = 0.0;
    for (part, scale) in digits.split(',').zip([1.0, 60.0, 3600.0]) {
        value += fraction(part)? / scale;
    }
    let is_negative = last.is_some_and(|c| negative.contains(c));
    Some(if is_negative { -value } else { value })
}

/// `35`, `35.5` or `71/2`.
fn fraction(text: &str) -> Option<f64> {
    let value: f64 = match text.split_once('/') {
        Some((above, below)) => {
            above.trim().parse::<f64>().ok()? / below.trim().parse::<f64>().ok()?
        }
        None => text.trim().parse().ok()?,
    };
    value.is_finite().then_some(value)
}
