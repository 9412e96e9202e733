//! A catalogue file is refused, or all its names lead to entries that are safe to act on.
#![no_main]

use std::path::{Component, Path};

use libfuzzer_sys::fuzz_target;
use modelstore::Catalogue;
use modelstore::catalogue::{Entry, Source};

fn plain(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

fn check(catalogue: &Catalogue, entry: &Entry) {
    for name in entry.aliases.iter().chain([&entry.name]) {
        assert_eq!(catalogue.find(name), Some(entry));
    }
    assert_eq!(catalogue.alternatives(entry).count(), entry.alternatives.len());
    assert!(catalogue.alternatives(entry).all(|other| other.task == entry.task));
    assert_eq!(Path::new(&entry.file).components().count(), 1);
    assert!(plain(&entry.file) && entry.format == entry.task.format());
    for source in &entry.sources {
        match source {
            Source::Hub { url } => assert!(url.starts_with("https://")),
            Source::Pypi(package) => {
                let members = package.members.iter().chain(package.parts.iter().map(|p| &p.member));
                assert!(members.into_iter().all(|member| plain(member)));
                let names = package.package.iter().chain(package.parts.iter().map(|p| &p.package));
                assert!(names.into_iter().all(|name| !name.starts_with('-')));
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else { return };
    let alone = Catalogue::parse(text);
    if let Ok(catalogue) = &alone {
        catalogue.entries().iter().for_each(|entry| check(catalogue, entry));
    }
    let Ok(merged) = Catalogue::builtin().merge(text) else { return };
    merged.entries().iter().for_each(|entry| check(&merged, entry));
    // The user's entries are there as they were written.
    for entry in alone.iter().flat_map(Catalogue::entries) {
        assert_eq!(merged.find(&entry.name), Some(entry));
    }
});
