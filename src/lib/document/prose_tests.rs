use super::*;
use crate::limits::Limits;

fn written(max_text: usize, write: impl FnOnce(&mut Prose<'_>)) -> Document {
    let limits = Limits { max_text, ..Limits::default() };
    let budget =
        Budget::start(&limits).wanting(crate::Wanted { tables: true, ..Default::default() });
    let mut prose = Prose::new(&budget);
    write(&mut prose);
    prose.finish("text/plain")
}

#[test]
fn blocks_are_parted_by_what_they_are() {
    let document = written(1_000, |prose| {
        for (text, block) in [
            ("Title", Block::Heading(1)),
            ("Some text.", Block::Paragraph),
            ("one", Block::Item),
            ("two", Block::Item),
            (" ", Block::Paragraph),
            ("End", Block::Paragraph),
        ] {
            prose.write(text);
            prose.end(block);
        }
    });
    assert_eq!(document.text, "Title\n\nSome text.\n\n- one\n- two\n\nEnd");
    assert_eq!(document.outline[0].title, "Title");
}

#[test]
fn a_table_inside_a_cell_is_part_of_the_cell() {
    let document = written(1_000, |prose| {
        prose.begin_table();
        prose.write("a");
        prose.end_cell();
        prose.begin_table();
        prose.write("in");
        prose.end_cell();
        prose.end_row();
        prose.end_table();
        prose.write("b");
        prose.end_cell();
        prose.end_row();
        prose.end_table();
        prose.write("after");
    });
    assert_eq!(document.text, "a\tin b\n\nafter");
    assert_eq!(document.tables[0].rows, [["a", "in b"]]);
}

#[test]
fn a_note_follows_its_paragraph() {
    let document = written(1_000, |prose| {
        prose.write("See");
        prose.begin_aside();
        prose.write("a note");
        prose.end(Block::Paragraph);
        prose.end_aside();
        prose.write(" here.");
    });
    assert_eq!(document.text, "See here.\n\na note");
}

#[test]
fn pages_tile_and_limits_cut() {
    let document = written(12, |prose| {
        for page in ["first", "second", "third"] {
            prose.page(Some(page));
            prose.write(page);
        }
    });
    assert_eq!((document.text.as_str(), document.truncated), ("first\n\nsecon", true));
    let ends: Vec<_> = document.pages.iter().map(|p| (p.start, p.end)).collect();
    assert_eq!(ends[..2], [(0, 7), (7, 12)]);
}
