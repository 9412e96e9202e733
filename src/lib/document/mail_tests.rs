//! Tests of mail.

use super::*;
use crate::limits::Limits;

fn read(source: &[u8]) -> Document {
    extract(source, &Budget::start(&Limits::default())).expect("readable")
}

const MIXED: &[u8] = b"From: =?utf-8?q?J=C3=B6rg?= <j@x.org>\r\nTo: a@b.c, B <b@c.d>\r\n\
Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\nDate: Thu, 29 Feb 2024 13:30:05 +0100\r\n\
Message-ID: <1@x.org>\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n\
--q\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Hello <b>there</b></p>\r\n\
--q\r\nContent-Type: text/csv; name=\"t.csv\"\r\nContent-Disposition: attachment; filename=\"t.csv\"\r\n\r\na,b\r\n\
--q\r\nContent-Type: image/png; name=\"p.png\"\r\nContent-Disposition: attachment; filename=\"p.png\"\r\n\
Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgoAAAA=\r\n\
--q\r\nContent-Type: message/rfc822\r\n\r\nFrom: in@ner.org\r\nSubject: inside\r\n\r\ndeep text\r\n--q--\r\n";

#[test]
fn headers_body_and_attachments() {
    let mail = read(MIXED);
    let headers = mail.headers.expect("headers");
    assert_eq!(headers.from, ["Jörg <j@x.org>"]);
    assert_eq!(headers.to, ["a@b.c", "B <b@c.d>"]);
    assert_eq!(headers.subject.as_deref(), Some("Grüße"));
    assert_eq!(headers.date.as_deref(), Some("2024-02-29T13:30:05+01:00"));
    assert_eq!(headers.message_id.as_deref(), Some("1@x.org"));
    assert_eq!(mail.text, "Hello there");
    let names: Vec<_> = mail.children.iter().map(|child| child.name.as_deref()).collect();
    assert_eq!(names, [Some("t.csv"), Some("p.png"), None]);
    let text =
        |index: usize| mail.children[index].outcome.as_ref().map(|d| d.text.trim().to_owned());
    assert_eq!(text(0).ok().as_deref(), Some("a,b"));
    assert!(matches!(text(1), Err(ExtractError::Unsupported { mime: "image/png" })));
    assert_eq!(text(2).ok().as_deref(), Some("deep text"));
}

#[test]
fn children_are_bounded() {
    let limits = Limits { max_children: 1, ..Limits::default() };
    let mail = extract(MIXED, &Budget::start(&limits)).expect("readable");
    assert_eq!((mail.children.len(), mail.truncated), (1, true));
}

#[test]
fn mails_within_mails_end() {
    let nested = |levels: usize| {
        let mut source = Vec::new();
        for _ in 0..levels {
            source.extend_from_slice(b"From: a@b.c\r\nContent-Type: message/rfc822\r\n\r\n");
        }
        source.extend_from_slice(b"From: a@b.c\r\n\r\nbottom");
        source
    };
    read(&nested(900));
    let over = extract(&nested(50_000), &Budget::start(&Limits::default()));
    assert!(matches!(over, Err(ExtractError::TooLarge { .. })));
}

proptest::proptest! {
        // A file beside the crates would be taken for a member of the workspace.
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_damaged_mail_never_panics(at in 0..MIXED.len(), byte: u8, cut in 0..MIXED.len()) {
        let mut source = MIXED.to_vec();
        source[at] = byte;
        source.truncate(cut.max(1));
        let _text_or_reason = extract(&source, &Budget::start(&Limits::default()));
    }
}
