use std::io::Cursor;

use super::*;

fn named(names: &[&str]) -> Vec<Graph> {
    names.iter().map(|name| Graph { name: (*name).to_owned(), bytes: 0 }).collect()
}

fn faces() -> Vec<u8> {
    let header = Header {
        kind: Kind::Faces,
        graphs: named(&["pnet", "rnet", "onet"]),
        labels: Vec::new(),
        scale: Scale::Signed,
    };
    let mut file = Vec::new();
    write(header, &[vec![1; 5], vec![2; 6], vec![]], &mut file).expect("written");
    file
}

#[test]
fn what_is_written_is_read() {
    let mut bundle = Bundle::read(Cursor::new(faces())).expect("a bundle");
    assert_eq!(bundle.graph("rnet").expect("a graph"), [2; 6]);
    assert_eq!(bundle.graph("pnet").expect("a graph"), [1; 5]);
    assert!(bundle.graph("onet").expect("a graph").is_empty());
    assert!(bundle.graph("other").is_err());
}

#[test]
fn no_damage_is_read() {
    let whole = faces();
    for length in 0..whole.len() {
        assert!(Bundle::read(Cursor::new(&whole[..length])).is_err(), "{length}");
    }
    let longer = [&whole[..], &[0]].concat();
    assert!(Bundle::read(Cursor::new(longer)).is_err());
    let mut huge = whole;
    huge[8..12].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(Bundle::read(Cursor::new(huge)).is_err());
}

#[test]
fn what_is_missing_is_not_written() {
    let mut header = Header {
        kind: Kind::Labels,
        graphs: named(&["classifier"]),
        labels: vec!["cat".into()],
        scale: Scale::Unit,
    };
    assert!(write(header.clone(), &[vec![]], &mut Vec::new()).is_err(), "one label");
    header.labels.push("dog".into());
    write(header.clone(), &[vec![]], &mut Vec::new()).expect("written");
    assert!(write(header.clone(), &[], &mut Vec::new()).is_err(), "no graph");
    header.graphs = named(&["else"]);
    assert!(write(header, &[vec![]], &mut Vec::new()).is_err(), "another graph");
}

#[test]
fn marks_before_labels_are_dropped_where_all_have_them() {
    let read = |text| labels(text).expect("labels");
    assert_eq!(read("n01440764 tench, Tinca\nn01443537 goldfish\n"), ["tench, Tinca", "goldfish"]);
    assert_eq!(read("0: cat\n\n1: dog"), ["cat", "dog"]);
    assert_eq!(read("0: cat\nhot dog"), ["0: cat", "hot dog"]);
    assert!(labels("one").is_err());
}
