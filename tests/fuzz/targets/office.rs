//! A part of an office document or a book, without the checksum that hides damage to it: the rest of
//! the package is made here. It becomes text within its limits.
#![no_main]

mod contained;

use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use document::{Input, Limits, Wanted, extract};
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What the slow build may take beyond the limit.
const SLACK: Duration = Duration::from_secs(10);

const RELATIONS: &str = "<Relationships><Relationship Id='r1' Type='x/officeDocument' Target='m'/>\
    <Relationship Id='r2' Type='x/worksheet' Target='p'/>\
    <Relationship Id='r3' Type='x/slide' Target='p'/>\
    <Relationship Id='r4' Type='x/sharedStrings' Target='p'/>\
    <Relationship Id='r5' Type='x/styles' Target='p'/>\
    <Relationship Id='r6' Type='x/footnotes' Target='p'/>\
    <Relationship Id='r7' Type='x/core-properties' Target='p'/></Relationships>";

/// The parts of a package of this kind around `part`.
fn parts(kind: u8, part: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let with = |head: &str| [head.as_bytes(), part].concat();
    let ooxml = |head: &str| {
        let relations = RELATIONS.as_bytes().to_vec();
        let both = ("_rels/.rels", relations.clone());
        vec![both, ("_rels/m.rels", relations), ("m", with(head)), ("p", part.to_vec())]
    };
    let odf = |mime: &str| {
        vec![
            ("mimetype", format!("application/vnd.oasis.opendocument.{mime}").into_bytes()),
            ("content.xml", part.to_vec()),
            ("meta.xml", part.to_vec()),
        ]
    };
    match kind % 7 {
        0 => ooxml("<w:document>"),
        1 => ooxml("<workbook><sheet name='S' r:id='r2'/>"),
        2 => ooxml("<p:presentation><p:sldId r:id='r3'/>"),
        3 => odf("text"),
        4 => odf("spreadsheet"),
        5 => odf("presentation"),
        _ => vec![
            ("mimetype", b"application/epub+zip".to_vec()),
            ("META-INF/container.xml", b"<rootfile full-path='b'/>".to_vec()),
            ("b", with("<item id='a' href='c'/><itemref idref='a'/>")),
            ("c", part.to_vec()),
            ("META-INF/encryption.xml", Vec::new()),
        ],
    }
}

fuzz_target!(init: contained::allow_foreign_panics(), |input: (u8, bool, &[u8])| {
    let (kind, all, part) = input;
    let mut package = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in parts(kind, part) {
        package.start_file(name, options).expect("a part");
        package.write_all(&bytes).expect("it fits memory");
    }
    let bytes = package.finish().expect("a package").into_inner();
    let limits = Limits {
        max_text: 1 << 16,
        max_stream: 1 << 20,
        max_pages: 50,
        max_objects: 10_000,
        time: Duration::from_secs(5),
        ..Limits::default()
    };
    let wanted = Wanted { full: all, tables: all, pages: None };
    let start = Instant::now();
    let document = extract(Input { bytes: &bytes, wanted }, None, &limits);
    assert!(start.elapsed() < limits.time + SLACK);
    let Ok(document) = document else { return };
    let text = &document.text;
    assert!(text.len() <= limits.max_text && document.pages.len() <= limits.max_pages);
    let mut end = 0;
    for page in &document.pages {
        assert!(page.start == end && page.start <= page.end && text.is_char_boundary(page.end));
        end = page.end;
    }
    assert!(document.pages.is_empty() || end == text.len());
    assert!(document.outline.iter().all(|heading| text.is_char_boundary(heading.start)));
    assert!(document.tables.iter().all(|table| text.get(table.start..table.end).is_some()));
});
