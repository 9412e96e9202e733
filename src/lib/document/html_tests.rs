//! Tests of HTML to text.

use super::*;
use crate::limits::Limits;

fn read(markup: &str, full: bool) -> Document {
    extract(markup.as_bytes(), full, &Budget::start(&Limits::default())).expect("readable")
}

#[test]
fn blocks_entities_and_hidden_parts() {
    let page = read(
        "<html lang=de><head><title>A &amp; B</title><style>p{}</style></head><body>\
         <script>if (a<b) {}</script><h1>Head</h1><p>One&nbsp;two<br>three &copy;</p>\
         <ul><li>x<li>y</ul><table><tr><td>1<td>2<tr><td>3<td>4</table>\
         <div style='display: none'>no</div><pre>a  b\n c</pre></body></html>",
        true,
    );
    assert_eq!(page.title.as_deref(), Some("A & B"));
    assert_eq!(page.language.as_deref(), Some("de"));
    assert_eq!(page.text, "Head\n\nOne two\nthree ©\n\n- x\n- y\n\n1\t2\n3\t4\n\na  b\n c");
}

#[test]
fn the_main_text_is_told_from_navigation() {
    let story = "This sentence belongs to the story, and it is long enough to count. ".repeat(12);
    let links = "<li><a href=/x>Menu entry</a>".repeat(30);
    let markup = format!(
        "<html><body><nav><ul>{links}</ul></nav><article><h1>T</h1><p>{story}</p><p>{story}</p>\
         </article><div class=sidebar><ul>{links}</ul></div></body></html>"
    );
    let main = read(&markup, false).text;
    assert!(main.contains("belongs to the story") && !main.contains("Menu entry"), "{main}");
    assert!(read(&markup, true).text.contains("Menu entry"));
}

#[test]
fn declared_and_undeclared_encodings() {
    let budget = Budget::start(&Limits::default());
    let page = extract(b"<meta charset=iso-8859-2><p>\xb1\xea</p>", true, &budget).expect("page");
    assert_eq!((page.text.as_str(), page.encoding), ("ąę", Some("ISO-8859-2")));
    let page = extract("<meta charset=iso-8859-2><p>ąę</p>".as_bytes(), true, &budget);
    assert_eq!(page.expect("page").text, "ąę");
}

#[test]
fn deep_nesting_and_long_input_take_linear_time() {
    let deep = format!("{}x{}", "<div>".repeat(400_000), "</div>".repeat(400_000));
    assert_eq!(read(&deep, false).text, "x");
    let long = "<p>word".repeat(500_000);
    assert_eq!(read(&long, false).text.matches("word").count(), 500_000);
    let unclosed = "<table><tr><td><a href='".repeat(100_000);
    read(&unclosed, false);
}

#[test]
fn hostile_tags_run_into_the_time_limit_or_are_not_judged() {
    let attributes: String = (0..20_000).map(|n| format!(" a{n}=1")).collect();
    assert_eq!(read(&format!("<p{attributes}>x</p>"), false).text, "x");
    // End tags that close nothing must not hide how deep the page is.
    assert_eq!(read(&format!("{}x", "<div></i>".repeat(40_000)), false).text, "x");
    let attributes: String = (0..2_000_000).map(|n| format!(" a{n}=1")).collect();
    let limits = Limits { time: std::time::Duration::from_millis(300), ..Limits::default() };
    let started = std::time::Instant::now();
    let markup = format!("<p{attributes}>x</p>");
    let over = extract(markup.as_bytes(), false, &Budget::start(&limits));
    assert!(matches!(over, Err(ExtractError::Timeout(_))));
    assert!(started.elapsed() < std::time::Duration::from_secs(5));
}

proptest::proptest! {
        // A file beside the crates would be taken for a member of the workspace.
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn any_markup_is_read(markup in "(<[a-z]{1,6}( [a-z]+=['\"]?[a-z]*['\"]?)?/?>|</[a-z]{1,6}>|[a-z &;]{0,9}|<!--|-->){0,60}") {
        read(&markup, false);
    }
}
