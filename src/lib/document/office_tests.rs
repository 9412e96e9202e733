//! Office documents, books, archives and mails of Outlook: made here, whole and damaged.

use std::io::{Cursor, Write as _};
use std::time::Duration;

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

const DOCUMENTS: [&[u8]; 7] = [
    include_bytes!("../../../tests/data/docs/report.docx"),
    include_bytes!("../../../tests/data/docs/slides.pptx"),
    include_bytes!("../../../tests/data/docs/costs.xlsx"),
    include_bytes!("../../../tests/data/docs/letter.odt"),
    include_bytes!("../../../tests/data/docs/stock.ods"),
    include_bytes!("../../../tests/data/docs/slides.odp"),
    include_bytes!("../../../tests/data/docs/mill.epub"),
];

fn limits() -> Limits {
    Limits { time: Duration::from_secs(20), max_text: 1 << 20, ..Limits::default() }
}

fn read(bytes: &[u8]) -> Result<Document, ExtractError> {
    let wanted = Wanted { full: true, tables: true, pages: None };
    extract(Input { bytes, wanted }, None, &limits())
}

/// A package whose parts are kept as they are, so that damage to them is not hidden by a checksum.
fn package(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, bytes) in parts {
        archive.start_file(*name, options).expect("a part");
        archive.write_all(bytes).expect("it fits memory");
    }
    archive.finish().expect("a package").into_inner()
}

fn ooxml(main: &[u8]) -> Vec<u8> {
    let rels = b"<Relationships><Relationship Id='r1' Type='x/officeDocument' Target='m.xml'/>";
    let own = b"<Relationships><Relationship Id='r1' Type='x/worksheet' Target='p.xml'/>\
        <Relationship Id='r2' Type='x/slide' Target='p.xml'/>\
        <Relationship Id='r3' Type='x/sharedStrings' Target='p.xml'/>\
        <Relationship Id='r4' Type='x/footnotes' Target='p.xml'/>\
        <Relationship Id='r5' Type='x/styles' Target='p.xml'/></Relationships>";
    package(&[("_rels/.rels", rels), ("_rels/m.xml.rels", own), ("m.xml", main), ("p.xml", main)])
}

fn odf(kind: &str, content: &[u8]) -> Vec<u8> {
    let mime = format!("application/vnd.oasis.opendocument.{kind}");
    package(&[("mimetype", mime.as_bytes()), ("content.xml", content), ("meta.xml", content)])
}

fn check(document: &Document) {
    let text = &document.text;
    assert!(text.len() <= limits().max_text);
    let mut at = 0;
    for page in &document.pages {
        assert!(page.start == at && page.end >= at && text.is_char_boundary(page.end));
        at = page.end;
    }
    assert!(document.pages.is_empty() || at == text.len());
    assert!(document.outline.iter().all(|heading| text.is_char_boundary(heading.start)));
    assert!(document.tables.iter().all(|table| text.get(table.start..table.end).is_some()));
    for child in &document.children {
        child.outcome.iter().for_each(check);
    }
}

#[test]
fn text_of_word_is_what_a_reader_sees() {
    let source = "<w:document><w:p><w:pPr><w:tabs><w:tab/></w:tabs></w:pPr><w:r><w:t>Dear</w:t></w:r>\
        <w:r><w:rPr><w:vanish/></w:rPr><w:t>hidden</w:t></w:r><w:r><w:tab/><w:t>all,</w:t></w:r>\
        <w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t> new</w:t></w:r></w:ins>\
        <w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom></w:p>\
        <w:p><w:r><w:instrText>PAGE</w:instrText><w:t>a</w:t><w:br/><w:t>b</w:t></w:r>\
        <mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p>\
        </w:txbxContent></mc:Choice><mc:Fallback><w:t>box</w:t></mc:Fallback></mc:AlternateContent>\
        <w:r><w:t>c</w:t></w:r></w:p></w:document>";
    let parts = [
        ("_rels/.rels", &b"<Relationship Id='r' Type='x/officeDocument' Target='/W/D.XML'/>"[..]),
        ("w/d.xml", source.as_bytes()),
    ];
    let document = read(&package(&parts)).expect("readable");
    assert_eq!(document.text, "Dear\tall, new\n\na\nbc\n\nbox");
}

#[test]
fn cells_that_are_repeated_a_million_times_cost_nothing() {
    let cell = |n: &str, text: &str| {
        format!(
            "<table:table-cell table:number-columns-repeated='{n}'><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let row = |n: &str, cells: &str| {
        format!("<table:table-row table:number-rows-repeated='{n}'>{cells}</table:table-row>")
    };
    let rows = [
        row("1", &(cell("2", "a") + &cell("1", "") + &cell("1", "b"))),
        row("1048576", &cell("16384", "")),
        row("3", &cell("1", "c")),
    ]
    .concat();
    let content = format!("<office:x><table:table table:name='T'>{rows}</table:table></office:x>");
    let document = read(&odf("spreadsheet", content.as_bytes())).expect("readable");
    assert_eq!(document.text, "a\ta\t\tb\nc\nc\nc");
    assert_eq!(document.tables[0].rows[0], ["a", "a", "", "b"]);
    let bomb = row("4000000000", &cell("4000000000", "x"));
    let content = format!("<table:table>{bomb}</table:table>");
    assert!(read(&odf("spreadsheet", content.as_bytes())).expect("readable").truncated);
    let bomb = row("4000000000", &cell("9", "x"));
    let content = format!("<table:table>{bomb}</table:table>");
    assert!(read(&odf("spreadsheet", content.as_bytes())).expect("readable").truncated);
}

#[test]
fn books_that_are_locked_say_so() {
    let container = b"<container><rootfiles><rootfile full-path='b.opf'/></rootfiles></container>";
    let book = b"<package><manifest><item id='a' href='c%20a.xhtml'/></manifest>\
        <spine><itemref idref='a'/><itemref idref='a'/><itemref idref='none'/></spine></package>";
    let lock = b"<encryption><CipherReference URI='c%20a.xhtml'/></encryption>";
    let parts = [
        ("mimetype", &b"application/epub+zip"[..]),
        ("META-INF/container.xml", container),
        ("b.opf", book),
        ("c a.xhtml", b"<html><body><p>once</p></body></html>"),
        ("META-INF/encryption.xml", lock),
    ];
    assert_eq!(read(&package(&parts[..4])).expect("readable").text, "once");
    assert!(matches!(read(&package(&parts)), Err(ExtractError::Encrypted)));
}

/// A mail of Outlook with these streams.
fn outlook(streams: &[(&str, &[u8])]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).expect("a file");
    for (path, bytes) in streams {
        let folder = Path::new(path).parent().expect("a folder");
        file.create_storage_all(folder).expect("a storage");
        file.create_stream(path).expect("a stream").write_all(bytes).expect("it fits memory");
    }
    file.into_inner().into_inner()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn mails_of_outlook_have_headers_a_body_and_attachments() {
    let mut sent = vec![0; 32 + 16];
    sent[34..36].copy_from_slice(&0x0039_u16.to_le_bytes());
    sent[40..48].copy_from_slice(&133_000_000_000_000_000_u64.to_le_bytes());
    let mail = outlook(&[
        ("/__properties_version1.0", &sent),
        ("/__substg1.0_0037001F", &wide("Größe")),
        ("/__substg1.0_0C1A001F", &wide("Ann")),
        ("/__substg1.0_5D01001F", &wide("ann@example.org")),
        ("/__substg1.0_1000001F", &wide("Hello\r\nBo")),
        ("/__recip_version1.0_#00000000/__substg1.0_3001001F", &wide("Bo")),
        ("/__recip_version1.0_#00000000/__substg1.0_39FE001F", &wide("bo@example.org")),
        ("/__attach_version1.0_#00000000/__substg1.0_3707001F", &wide("a.txt")),
        ("/__attach_version1.0_#00000000/__substg1.0_37010102", b"attached"),
        ("/__attach_version1.0_#00000001/__substg1.0_3701000D/__substg1.0_1000001F", &wide("in")),
    ]);
    let document = read(&mail).expect("readable");
    let headers = document.headers.as_ref().expect("headers");
    assert_eq!(headers.subject.as_deref(), Some("Größe"));
    assert_eq!(headers.from, ["Ann <ann@example.org>"]);
    assert_eq!(headers.to, ["Bo <bo@example.org>"]);
    assert_eq!(headers.date.as_deref(), Some("2022-06-18T04:26:40Z"));
    assert_eq!(document.text, "Hello\nBo");
    let texts: Vec<_> =
        document.children.iter().map(|c| c.outcome.as_ref().expect("text").text.as_str()).collect();
    assert_eq!(texts, ["attached", "in"]);
    let other = outlook(&[("/WordDocument", b"old")]);
    assert!(matches!(read(&other), Err(ExtractError::Unsupported { mime: "application/msword" })));
    let locked = outlook(&[("/EncryptedPackage", b"?")]);
    assert!(matches!(read(&locked), Err(ExtractError::Encrypted)));
}

#[test]
fn an_archive_given_as_a_whole_has_children() {
    let inner = package(&[("b.txt", b"two")]);
    let document = read(&package(&[("a.txt", b"one"), ("i.zip", &inner)])).expect("readable");
    assert!(document.is_container() && document.text.is_empty());
    let first = document.children[0].outcome.as_ref().expect("text");
    assert_eq!(first.text, "one");
    let second = document.children[1].outcome.as_ref().expect("an archive");
    assert_eq!(second.children[0].name.as_deref(), Some("b.txt"));
    assert!(matches!(read(&package(&[])), Err(ExtractError::NoMembers)));
}

/// Names of elements that the readers know.
const NAMES: &str = "w:document w:p w:pPr w:r w:t w:tbl w:tr w:tc w:txbxContent workbook sheet \
    sheetData row c v is t si numFmt cellXfs xf p:presentation p:sldId a:p a:t a:tbl \
    p:ph text:p text:h text:list text:s text:note text:note-body draw:page \
    draw:text-box table:table table:table-row table:table-cell dc:title w:style \
    w:footnote";

/// Elements and attributes that the readers know, in any order.
fn markup() -> impl Strategy<Value = String> {
    let name = prop::sample::select(NAMES.split(' ').collect::<Vec<_>>());
    let attribute = prop::sample::select(vec![
        "",
        " r='XFD9' t='s' s='1'",
        " t='inlineStr'",
        " r:id='r1' name='S'",
        " r:id='r2'",
        " table:number-columns-repeated='99999'",
        " table:number-rows-repeated='99999'",
        " text:c='9999999'",
        " text:outline-level='300'",
        " w:val='9'",
        " type='title'",
        " numFmtId='14' formatCode='yy'",
        " w:styleId='a'",
    ]);
    let piece =
        (name, attribute, 0..5_u8, "[0-9a&;<é ]{0,6}").prop_map(|(n, a, kind, text)| match kind {
            0 => format!("<{n}{a}/>"),
            1 => format!("</{n}>"),
            2 => text,
            _ => format!("<{n}{a}>{text}"),
        });
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_markup_ends_within_the_limits(root in 0..6_usize, source in markup()) {
        let file = match root {
            0 => ooxml(format!("<w:document>{source}").as_bytes()),
            1 => ooxml(format!("<workbook><sheet r:id='r1' name='S'/>{source}").as_bytes()),
            2 => ooxml(format!("<p:presentation><p:sldId r:id='r2'/>{source}").as_bytes()),
            3 => odf("text", source.as_bytes()),
            4 => odf("spreadsheet", source.as_bytes()),
            _ => odf("presentation", source.as_bytes()),
        };
        if let Ok(document) = read(&file) {
            check(&document);
        }
    }

    #[test]
    fn damaged_files_are_read_or_refused(
        which in 0..7_usize,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
        end in any::<prop::sample::Index>(),
        cut in prop::bool::weighted(0.2),
    ) {
        let mut bytes = DOCUMENTS[which].to_vec();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(document) = read(&bytes) {
            check(&document);
        }
    }

    #[test]
    fn damaged_mails_of_outlook_are_read_or_refused(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = outlook(&[
            ("/__properties_version1.0", &[0; 64]),
            ("/__substg1.0_0037001F", &wide("subject")),
            ("/__substg1.0_10090102", &[9; 200]),
        ]);
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(document) = read(&bytes) {
            check(&document);
        }
    }

    #[test]
    fn damaged_archives_are_read_or_refused(
        tape in any::<bool>(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut bytes = if tape {
            let mut archive = tar::Builder::new(Vec::new());
            let mut header = tar::Header::new_gnu();
            header.set_size(5);
            archive.append_data(&mut header, "a/b.txt", &b"hello"[..]).expect("it fits memory");
            archive.into_inner().expect("an archive")
        } else {
            package(&[("a.txt", b"one"), ("b.txt", b"two")])
        };
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(document) = read(&bytes) {
            check(&document);
        }
    }
}
