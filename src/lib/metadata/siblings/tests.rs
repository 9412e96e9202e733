use std::path::PathBuf;

use super::*;
use crate::format::Format;

/// Groups of names, each as `name:part` in order.
fn grouped(names: &[&str]) -> Vec<String> {
    let paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
    let files: Vec<File<'_>> = paths.iter().map(|p| File { path: p, metadata: None }).collect();
    let shown = |m: &Member| format!("{}:{}", names[m.file], m.part.name());
    let groups = group(&files);
    groups.iter().map(|g| g.members.iter().map(shown).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn files_of_one_name_belong_together() {
    assert_eq!(
        grouped(&["d/IMG_1.MOV", "d/IMG_1.HEIC", "d/IMG_1.AAE", "d/IMG_2.JPG", "e/IMG_1.JPG"]),
        [
            "d/IMG_1.HEIC:main d/IMG_1.MOV:live-video d/IMG_1.AAE:aae",
            "d/IMG_2.JPG:main",
            "e/IMG_1.JPG:main"
        ]
    );
    assert_eq!(
        grouped(&["A.CR2", "a.jpg", "A.xmp", "A.JPG.xmp", "a.WAV", "A.THM"]),
        ["a.jpg:main A.CR2:raw A.xmp:xmp A.JPG.xmp:xmp a.WAV:audio A.THM:thumbnail"]
    );
    assert_eq!(grouped(&["A.NEF", "A.xmp"]), ["A.NEF:main A.xmp:xmp"]);
    assert_eq!(
        grouped(&["GL010001.LRV", "GH010001.MP4", "GH010001.THM"]),
        ["GH010001.MP4:main GL010001.LRV:thumbnail GH010001.THM:thumbnail"]
    );
    assert_eq!(grouped(&["lonely.xmp", "notes.txt"]), ["lonely.xmp:main", "notes.txt:main"]);
}

#[test]
fn edited_copies_go_with_what_they_were_made_from() {
    assert_eq!(
        grouped(&["IMG_E12.JPG", "IMG_12.HEIC", "IMG_12.AAE", "IMG_O12.AAE"]),
        ["IMG_12.HEIC:main IMG_E12.JPG:variant IMG_12.AAE:aae IMG_O12.AAE:aae"]
    );
    assert_eq!(
        grouped(&["a-edited.jpg", "a.jpg", "a.jpg.json", "b~2.jpg", "b.jpg"]),
        ["a.jpg:main a-edited.jpg:variant a.jpg.json:takeout", "b.jpg:main b~2.jpg:variant"]
    );
    assert_eq!(grouped(&["a-edited.jpg"]), ["a-edited.jpg:main"]);
}

#[test]
fn takeouts_descriptions_are_found_under_all_their_names() {
    for (json, picture) in [
        ("IMG_1.JPG.json", "IMG_1.JPG"),
        ("IMG_1.JPG(1).json", "IMG_1(1).JPG"),
        ("IMG_1.JPG.supplemental-metadata.json", "IMG_1.JPG"),
        ("IMG_1.JPG.supplemental-meta.json", "IMG_1.JPG"),
        ("IMG_1.JPG.s.json", "IMG_1.JPG"),
        ("IMG_1.JPG.supplemental-metadata(1).json", "IMG_1(1).JPG"),
        (
            "a_very_long_name_that_google_cuts_at_fortysix_.json",
            "a_very_long_name_that_google_cuts_at_fortysix_characters.jpg",
        ),
    ] {
        assert_eq!(grouped(&[json, picture]), [format!("{picture}:main {json}:takeout")]);
    }
    assert_eq!(
        grouped(&["IMG_1.JPG", "IMG_1(1).JPG", "IMG_1.JPG.json", "IMG_1.JPG(1).json"]),
        ["IMG_1.JPG:main IMG_1.JPG.json:takeout", "IMG_1(1).JPG:main IMG_1.JPG(1).json:takeout"]
    );
    assert_eq!(grouped(&["metadata.json", "IMG_1.JPG"]).len(), 2);
}

#[test]
fn a_long_video_of_the_same_name_is_no_live_photo() {
    let video = |seconds, id: Option<&str>| {
        let mut metadata = Metadata::new(Format::Mov);
        metadata.duration = Some(seconds);
        metadata.content_identifier = id.map(Into::into);
        metadata
    };
    let still = |id: Option<&str>| {
        let mut metadata = Metadata::new(Format::Heic);
        metadata.content_identifier = id.map(Into::into);
        metadata
    };
    let together = |still: &Metadata, video: &Metadata, name: &str| {
        let files = [
            File { path: Path::new("d/IMG_1.HEIC"), metadata: Some(still) },
            File { path: Path::new(name), metadata: Some(video) },
        ];
        group(&files).len() == 1
    };
    assert!(together(&still(None), &video(2.9, None), "d/IMG_1.MOV"));
    assert!(!together(&still(None), &video(60.0, None), "d/IMG_1.MOV"));
    assert!(!together(&still(Some("A")), &video(2.9, Some("B")), "d/IMG_1.MOV"));
    assert!(together(&still(Some("A")), &video(2.9, Some("A")), "other/video.mov"));
}

#[test]
fn suffixes_are_what_follows_the_groups_stem() {
    let paths = ["IMG_1.HEIC", "IMG_1.HEIC.xmp", "IMG_E1.JPG", "IMG_1.mov"].map(PathBuf::from);
    let files: Vec<File<'_>> = paths.iter().map(|p| File { path: p, metadata: None }).collect();
    let groups = group(&files);
    let suffixes: Vec<&str> = groups[0]
        .members
        .iter()
        .map(|m| {
            let name = paths[m.file].to_str().expect("UTF-8");
            &name[name.len() - m.suffix..]
        })
        .collect();
    assert_eq!(suffixes, [".HEIC", ".JPG", ".mov", ".HEIC.xmp"]);
}

#[test]
fn frames_of_a_burst_share_a_key() {
    let key = |name: &str| {
        let path = PathBuf::from(name);
        group(&[File { path: &path, metadata: None }])[0].burst.clone()
    };
    assert_eq!(
        key("d/IMG_20190721_123005_BURST001.jpg"),
        key("d/IMG_20190721_123005_BURST002.jpg")
    );
    assert_ne!(
        key("d/IMG_20190721_123005_BURST001.jpg"),
        key("e/IMG_20190721_123005_BURST001.jpg")
    );
    let cover = key("00000IMG_00000_BURST20190721123005123_COVER.jpg");
    assert!(cover.is_some());
    assert_eq!(cover, key("00001IMG_00001_BURST20190721123005123.jpg"));
    assert_eq!(key("IMG_1.JPG"), None);
    assert_eq!(key("sunburst.jpg"), None);
}
