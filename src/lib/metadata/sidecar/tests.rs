use jiff::civil::datetime;
use jiff::tz::Offset;
use proptest::prelude::*;

use super::*;
use crate::stamp::{Clock, Precision};

fn taken() -> Taken {
    Taken {
        local: datetime(2019, 7, 21, 12, 30, 5, 250_000_000),
        offset: Some(Offset::constant(2)),
        precision: Precision::Fraction,
        from: Source::ExifOriginal,
        confidence: 0.9,
        why: String::new(),
        conflicts: Vec::new(),
    }
}

fn edit<'a>(taken: &'a Taken, labels: &'a [String]) -> Edit<'a> {
    Edit {
        taken: Some(taken),
        gps: Some(Gps { latitude: -33.8568, longitude: 151.2153, altitude: Some(-4.5) }),
        labels,
        rating: Some(4),
        city: Some("Sydney"),
        region: None,
        country: Some("A & B"),
        country_code: Some("AU"),
    }
}

const LIGHTROOM: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Adobe XMP Core">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:crs="http://ns.adobe.com/camera-raw-settings/1.0/" xmlns:dc="http://purl.org/dc/elements/1.1/"
   xmp:Rating="2" xmp:CreateDate="2001-01-01T00:00:00" crs:Exposure2012="+0.35">
   <dc:subject><rdf:Bag><rdf:li>old &amp; kept</rdf:li></rdf:Bag></dc:subject>
   <crs:ToneCurve><rdf:Seq><rdf:li>0, 0</rdf:li></rdf:Seq></crs:ToneCurve>
  </rdf:Description>
 </rdf:RDF>
</x:xmpmeta>"#;

#[test]
fn a_new_sidecar_reads_back_as_it_was_written() {
    let (taken, labels) = (taken(), ["sea".to_owned(), "a<b".to_owned()]);
    for style in [SidecarStyle::Digikam, SidecarStyle::Lightroom] {
        let text = Sidecar::merge(None, &edit(&taken, &labels), style).expect("written");
        let read = Sidecar::parse(text.as_bytes()).expect("read");
        assert_eq!(read.labels, labels);
        assert_eq!(read.rating, Some(4));
        let gps = read.gps.expect("a position");
        assert!((gps.latitude + 33.8568).abs() < 1e-6, "{gps:?}");
        assert!((gps.longitude - 151.2153).abs() < 1e-6 && gps.altitude == Some(-4.5), "{gps:?}");
        let stamp = read.stamps[0];
        assert_eq!((stamp.time, stamp.source), (taken.local, Source::Sidecar));
        assert_eq!(stamp.clock, Clock::Offset(Offset::constant(2)));
        let again = Sidecar::merge(Some(text.as_bytes()), &edit(&taken, &labels), style);
        assert_eq!(again.expect("merged").matches("DateTimeOriginal").count(), 2);
    }
}

#[test]
fn what_an_edit_does_not_name_stays_byte_for_byte() {
    let (taken, labels) = (taken(), ["sea".to_owned()]);
    let merged =
        Sidecar::merge(Some(LIGHTROOM.as_bytes()), &edit(&taken, &labels), SidecarStyle::Lightroom)
            .expect("merged");
    for kept in [
        "crs:Exposure2012=\"+0.35\"",
        "<crs:ToneCurve><rdf:Seq><rdf:li>0, 0</rdf:li></rdf:Seq></crs:ToneCurve>",
        "x:xmptk=\"Adobe XMP Core\"",
        "xmp:Rating=\"4\"",
        "xmp:CreateDate=\"2019-07-21T12:30:05.25+02:00\"",
    ] {
        assert!(merged.contains(kept), "{kept} in {merged}");
    }
    let read = Sidecar::parse(merged.as_bytes()).expect("read");
    assert_eq!(read.labels, ["old & kept", "sea"]);
    let nothing =
        Sidecar::merge(Some(LIGHTROOM.as_bytes()), &Edit::default(), SidecarStyle::Digikam);
    assert_eq!(nothing.expect("merged"), LIGHTROOM);
}

#[test]
fn descriptions_that_are_closed_at_once_or_missing_are_opened() {
    let rdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";
    for inner in ["<r:Description r:about=''/>", "<r:Description r:about='' />", ""] {
        for text in [
            format!("<r:RDF xmlns:r='{rdf}'>{inner}</r:RDF>"),
            format!("\u{feff}<a><r:RDF xmlns:r='{rdf}'>{inner}</r:RDF></a>\0\0"),
        ] {
            let edit = Edit { rating: Some(3), ..Edit::default() };
            let merged = Sidecar::merge(Some(text.as_bytes()), &edit, SidecarStyle::Digikam);
            let merged = merged.unwrap_or_else(|e| panic!("{text}: {e}"));
            let read = Sidecar::parse(merged.as_bytes()).expect("read");
            assert_eq!(read.rating, Some(3), "{merged}");
        }
    }
    let closed = format!("<r:RDF xmlns:r='{rdf}'/>");
    let edit = Edit { rating: Some(3), ..Edit::default() };
    assert!(Sidecar::merge(Some(closed.as_bytes()), &edit, SidecarStyle::Digikam).is_ok());
}

#[test]
fn what_is_no_sidecar_is_not_overwritten() {
    for text in [&b"<a/>"[..], b"", b"RDF", b"<RDF>", b"\xff\xfe<\0RDF", b"<RDF/>"] {
        let merged = Sidecar::merge(Some(text), &Edit::default(), SidecarStyle::Digikam);
        assert!(merged.is_err(), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn sidecars_lie_where_the_programs_look_for_them() {
    let file = Path::new("d/IMG_1.JPG");
    assert_eq!(SidecarStyle::Digikam.path(file), Path::new("d/IMG_1.JPG.xmp"));
    assert_eq!(SidecarStyle::Lightroom.path(file), Path::new("d/IMG_1.xmp"));
}

proptest! {
    #[test]
    fn any_label_survives_a_merge(label in "\\PC{1,20}") {
        let label = label.trim().to_owned();
        prop_assume!(!label.is_empty());
        let labels = [label];
        let edit = Edit { labels: &labels, ..Edit::default() };
        let text = Sidecar::merge(Some(LIGHTROOM.as_bytes()), &edit, SidecarStyle::Digikam);
        let read = Sidecar::parse(text.expect("merged").as_bytes()).expect("read");
        prop_assert_eq!(&read.labels[1..], &labels);
    }
}
