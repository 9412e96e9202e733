//! Tests over whole documents, the well-behaved and the hostile.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

const TWO_PAGES: &[u8] = include_bytes!("../../../tests/data/docs/two-pages.pdf");
const MULTILINGUAL: &[u8] = include_bytes!("../../../tests/data/docs/multilingual.pdf");

fn read(bytes: &[u8]) -> Result<Document, ExtractError> {
    extract(bytes.into(), None, &Limits::default())
}

/// A PDF of these objects, numbered from 1; object 1 is the catalog.
fn pdf(objects: &[impl AsRef<[u8]>]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (n, object) in (1..).zip(objects) {
        offsets.push(out.len());
        out.extend_from_slice(format!("{n} 0 obj\n").as_bytes());
        out.extend_from_slice(object.as_ref());
        out.extend_from_slice(b"\nendobj\n");
    }
    let xref = out.len();
    out.extend_from_slice(
        format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).as_bytes(),
    );
    for offset in offsets {
        out.extend_from_slice(format!("{offset:010} 00000 n \n").as_bytes());
    }
    let size = objects.len() + 1;
    out.extend_from_slice(
        format!("trailer\n<</Size {size}/Root 1 0 R>>\nstartxref\n{xref}\n%%EOF\n").as_bytes(),
    );
    out
}

fn stream(entries: &str, content: &[u8]) -> Vec<u8> {
    let mut out = format!("<<{entries}/Length {}>>\nstream\n", content.len()).into_bytes();
    out.extend_from_slice(content);
    out.extend_from_slice(b"\nendstream");
    out
}

/// A one-page PDF that draws `content`; `more` objects follow as 6 0, 7 0, …
fn page(page_entries: &str, content: Vec<u8>, more: &[Vec<u8>]) -> Vec<u8> {
    let mut objects = vec![
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R{page_entries}\
             /Resources<</Font<</F 5 0 R>>/XObject<</X 6 0 R/Y 7 0 R>>>>>>"
        )
        .into_bytes(),
        content,
        b"<</Type/Font/Subtype/Type1/BaseFont/Courier/Encoding/WinAnsiEncoding>>".to_vec(),
    ];
    objects.extend_from_slice(more);
    pdf(&objects)
}

fn assert_tiles(document: &Document) {
    let mut at = 0;
    for page in &document.pages {
        assert_eq!(page.start, at);
        assert!(page.end >= page.start && document.text.is_char_boundary(page.end));
        at = page.end;
    }
    if document.mime == "application/pdf" {
        assert_eq!(at, document.text.len());
    }
}

#[test]
fn pages_tile_the_text() {
    let document = read(TWO_PAGES).expect("readable");
    assert_eq!(document.pages.len(), 2);
    assert_tiles(&document);
    assert_eq!(document.language.as_deref(), Some("en_GB"));
}

#[test]
fn many_scripts_in_logical_order() {
    let text = read(MULTILINGUAL).expect("readable").text;
    for expected in ["مرحبا بالعالم", "Привет, мир", "你好世界", "สวัสดีชาวโลก", "こんにちは世界"]
    {
        assert!(text.contains(expected), "{expected} is missing from {text}");
    }
}

#[test]
fn encryption_with_and_without_a_password() {
    let owner = include_bytes!("../../../tests/data/docs/encrypted-owner-password.pdf");
    assert_eq!(read(owner).expect("opens without a password").text.split_whitespace().count(), 5);
    let user = include_bytes!("../../../tests/data/docs/encrypted-user-password.pdf");
    assert!(matches!(read(user), Err(ExtractError::Encrypted)));
}

#[test]
fn a_scan_needs_ocr() {
    let scan = read(include_bytes!("../../../tests/data/docs/scanned.pdf")).expect("readable");
    assert!(scan.needs_ocr && scan.pages[0].needs_ocr && scan.text.is_empty());
}

#[test]
fn damaged_and_empty_files_say_so() {
    assert!(matches!(read(b""), Err(ExtractError::Empty)));
    assert!(matches!(read(b"%PDF-1.4\n"), Err(ExtractError::Corrupt { .. })));
    let cut = read(include_bytes!("../../../tests/data/docs/truncated.pdf"));
    assert!(matches!(cut, Err(ExtractError::Corrupt { .. })), "{cut:?}");
    assert!(matches!(
        read(b"\x89PNG\r\n\x1a\n"),
        Err(ExtractError::Unsupported { mime: "image/png" })
    ));
}

#[test]
fn a_broken_cross_reference_table_is_rebuilt() {
    let content = stream("", b"BT /F 10 Tf 50 700 Td (still here) Tj ET");
    let mut source = page("", content, &[]);
    let at = memchr::memmem::rfind(&source, b"startxref").expect("written above");
    source.truncate(at);
    source.extend_from_slice(b"startxref\n99999999\n%%EOF");
    assert_eq!(read(&source).expect("rebuilt").text, "still here");
}

#[test]
fn hyphens_gaps_and_ligatures() {
    let content = stream(
        "",
        b"BT /F 10 Tf 12 TL 50 700 Td (an exam-) Tj T* (ple of) Tj T* [(two) -800 (words)] TJ T* (caf\xe9) Tj ET",
    );
    let text = read(&page("", content, &[])).expect("readable").text;
    assert_eq!(text, "an example of\ntwo words\ncafé");
}

#[test]
fn columns_are_read_one_after_the_other() {
    let mut content = String::from(
        "BT /F 10 Tf 1 0 0 1 100 750 Tm (A title that crosses both of the columns below it) Tj\n",
    );
    for line in 0..8 {
        for (x, side) in [(50, "left"), (320, "right")] {
            let y = 700 - line * 12;
            content += &format!("1 0 0 1 {x} {y} Tm ({side} column has line {line}) Tj\n");
        }
    }
    let source = page("", stream("", (content + "ET").as_bytes()), &[]);
    let text = read(&source).expect("readable").text;
    let at = |part: &str| text.find(part).unwrap_or_else(|| panic!("no {part} in {text}"));
    assert!(at("A title") < at("left column has line 0"));
    assert!(at("left column has line 7") < at("right column has line 0"));
}

#[test]
fn a_turned_page_is_read_upright() {
    let content = stream(
        "",
        b"BT /F 10 Tf 0 1 -1 0 300 100 Tm (first) Tj 0 1 -1 0 320 100 Tm (second) Tj ET",
    );
    assert_eq!(read(&page("/Rotate 90", content, &[])).expect("readable").text, "first\n\nsecond");
}

#[test]
fn a_page_tree_with_a_cycle_ends() {
    let objects = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R 2 0 R]/Count 9>>",
        "<</Type/Pages/Parent 2 0 R/Kids[2 0 R 3 0 R 4 0 R]>>",
        "<</Type/Page/Parent 3 0 R>>",
    ];
    assert_eq!(read(&pdf(&objects)).expect("readable").pages.len(), 1);
}

#[test]
fn a_form_that_draws_itself_ends() {
    let content = stream("", b"BT /F 10 Tf 50 700 Td (once) Tj ET /X Do");
    let form = stream("/Subtype/Form", b"/X Do /Y Do");
    let other = stream("/Subtype/Form", b"/X Do");
    assert_eq!(read(&page("", content, &[form, other])).expect("readable").text, "once");
}

#[test]
fn forms_that_multiply_run_out_of_time() {
    let many = |n: usize| format!("/X{n} Do ").repeat(50);
    let names: String = (0..8).map(|n| format!("/X{n} {} 0 R", n + 7)).collect();
    let resources = format!("/Resources<</XObject<<{names}>>>>/Subtype/Form");
    let forms: Vec<_> = (0..9).map(|n| stream(&resources, many(n).as_bytes())).collect();
    let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
    let started = Instant::now();
    let source = page("", stream("", b"/X Do"), &forms);
    let result = extract(source.as_slice().into(), None, &limits);
    assert!(matches!(result, Err(ExtractError::Timeout(_))), "{result:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_stream_that_expands_without_end_is_not_expanded() {
    let mut bomb = lopdf::Stream::new(lopdf::Dictionary::new(), vec![b' '; 50 << 20]);
    bomb.compress().expect("deflated");
    assert!(bomb.content.len() < 1 << 20);
    let source = page("", stream("/Filter/FlateDecode", &bomb.content), &[]);
    let limits = Limits { max_stream: 1 << 20, ..Limits::default() };
    let document = extract(source.as_slice().into(), None, &limits).expect("the rest is readable");
    assert_eq!(document.text, "");
}

#[test]
fn limits_on_objects_pages_text_and_bytes() {
    let mut objects = vec!["<</Type/Catalog/Pages 2 0 R>>".to_owned(), String::new()];
    let kids: String = (3..3_000).map(|n| format!("{n} 0 R ")).collect();
    objects[1] = format!("<</Type/Pages/Kids[{kids}]>>");
    objects.extend((3..3_000).map(|_| "<</Type/Page/Parent 2 0 R>>".to_owned()));
    let source = pdf(&objects);
    let with = |limits: &Limits| extract(source.as_slice().into(), None, limits);
    let objects = with(&Limits { max_objects: 1_000, ..Limits::default() });
    assert!(matches!(objects, Err(ExtractError::TooLarge { what: "objects", limit: 1_000 })));
    let pages = with(&Limits { max_pages: 10, ..Limits::default() }).expect("readable");
    assert_eq!((pages.pages.len(), pages.truncated), (10, true));
    let bytes = with(&Limits { max_bytes: 100, ..Limits::default() });
    assert!(matches!(bytes, Err(ExtractError::TooLarge { what: "bytes", .. })));
    let text = extract(MULTILINGUAL.into(), None, &Limits { max_text: 60, ..Limits::default() });
    let text = text.expect("readable");
    assert!(text.truncated && text.text.len() <= 60);
    assert_tiles(&text);
}

#[test]
fn a_page_of_endless_words_is_cut() {
    let content = stream("", ["BT /F 1 Tf ", &"(a) Tj ( ) Tj ".repeat(20_000)].concat().as_bytes());
    let limits = Limits { max_objects: 500, ..Limits::default() };
    let document = extract(page("", content, &[]).as_slice().into(), None, &limits);
    let document = document.expect("readable");
    assert!(document.truncated && document.text.len() < 2_000);
}

#[test]
fn a_million_cross_references_to_one_object_stop() {
    let source = page("", stream("", &vec![b' '; 100_000]), &[]);
    let contents = memchr::memmem::find(&source, b"4 0 obj").expect("written above");
    let body = memchr::memmem::rfind(&source, b"xref\n0").expect("written above");
    let mut hostile = source[..body].to_vec();
    let entries = 200_000;
    hostile.extend_from_slice(format!("xref\n0 {entries}\n").as_bytes());
    for _ in 0..entries {
        hostile.extend_from_slice(format!("{contents:010} 00000 n \n").as_bytes());
    }
    hostile.extend_from_slice(
        format!("trailer\n<</Size {entries}/Root 1 0 R>>\nstartxref\n{body}\n%%EOF\n").as_bytes(),
    );
    let started = Instant::now();
    assert!(matches!(read(&hostile), Err(ExtractError::TooLarge { what: "objects", .. })));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn text_html_and_mail_from_files() {
    let latin = read(include_bytes!("../../../tests/data/docs/latin1.txt")).expect("text");
    assert_eq!(latin.encoding, Some("windows-1252"));
    assert!(latin.text.starts_with("Für Größe, Maß und Ärger"));
    let page = read(include_bytes!("../../../tests/data/docs/page.html")).expect("page");
    assert_eq!(page.title.as_deref(), Some("The Mill & the Stream"));
    assert!(page.text.contains("The mill stands") && !page.text.contains("Imprint"));
    let mail = read(include_bytes!("../../../tests/data/docs/attachment.eml")).expect("mail");
    assert_eq!(mail.authors, ["Jörg Müller <joerg@example.org>"]);
    assert_eq!(mail.text.trim(), "The figures are attached.");
    assert_eq!(mail.children[0].name.as_deref(), Some("figures.csv"));
    let record = serde_json::to_value(&mail).expect("plain data");
    assert_eq!(record["headers"]["subject"], "Report for May");
    assert!(record.get("text").is_none() && record.get("children").is_none());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_documents_never_panic_and_pages_still_tile(
        which in 0..2usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40),
        cut in any::<prop::sample::Index>(),
        truncate: bool,
    ) {
        let mut bytes = [TWO_PAGES, MULTILINGUAL][which].to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if truncate {
            bytes.truncate(cut.index(bytes.len()).max(1));
        }
        match read(&bytes) {
            Ok(document) => assert_tiles(&document),
            Err(ExtractError::Corrupt { reason }) => {
                prop_assert!(!reason.contains("parser failed"), "{reason}");
            }
            Err(_) => {}
        }
    }

    #[test]
    fn any_bytes_are_a_document_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        if let Ok(document) = read(&bytes) {
            assert_tiles(&document);
        }
    }
}
