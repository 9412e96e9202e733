use jiff::civil::date;
use metadata::{Precision, Source, Taken};

use super::{Field, Template, Undated, Values};

/// A file of which this is known.
#[derive(Default)]
struct Known {
    taken: Option<Taken>,
    texts: Vec<(Field, &'static str)>,
}

impl Values for Known {
    fn taken(&self) -> Option<&Taken> {
        self.taken.as_ref()
    }

    fn text(&self, field: Field) -> Option<String> {
        self.texts.iter().find(|(f, _)| *f == field).map(|(_, text)| (*text).to_owned())
    }
}

fn taken(precision: Precision) -> Option<Taken> {
    Some(Taken {
        local: date(2024, 3, 5).at(14, 7, 9, 250_000_000),
        offset: Some(jiff::tz::offset(2)),
        precision,
        from: Source::ExifOriginal,
        confidence: 1.0,
        why: String::new(),
        conflicts: Vec::new(),
    })
}

fn place(template: &str, known: &Known) -> String {
    let template: Template = template.parse().expect("a template");
    match template.render(known) {
        Ok(r) => {
            let mut parts = r.folders;
            parts.push(r.stem);
            format!("{}{}", template.root().display(), parts.join("/"))
        }
        Err(Undated(_)) => "undated".into(),
    }
}

#[test]
fn values_stand_where_they_were_asked_for() {
    let known = Known {
        taken: taken(Precision::Second),
        texts: vec![(Field::Place, "Berlin"), (Field::Camera, "Pixel 7"), (Field::Name, "IMG_1")],
    };
    let of = |template: &str| place(template, &known);
    assert_eq!(
        of("{year}/{month:02}-{place}/{taken:%Y%m%d-%H%M%S}_{camera}{ext}"),
        "2024/03-Berlin/20240305-140709_Pixel 7"
    );
    assert_eq!(of("../Photos/a/{year}/{name}"), "../Photos/a/2024/IMG_1");
    assert_eq!(of("/x/{day}.{month}.{year} {hour:02}h"), "/x/5.3.2024 14h");
    assert_eq!(of("{taken}"), "20240305-140709");
    assert_eq!(of("{taken:%F %z %B}"), "2024-03-05 +0200 March");
    assert_eq!(of("{{{year}}}"), "{2024}");
    assert_eq!(of("{taken:%H:%M}"), "14_07");
}

#[test]
fn what_is_not_known_leaves_nothing_or_its_fallback() {
    let known = Known { taken: taken(Precision::Day), texts: vec![(Field::Country, "a/../b")] };
    let of = |template: &str| place(template, &known);
    assert_eq!(of("{year}/{month:02}-{place}/{camera}/{taken}_{camera}"), "2024/03/20240305");
    assert_eq!(of("{place}-{year}/{taken:%Y at %H:%M}"), "2024/2024");
    assert_eq!(of("{year}/{place|country|nowhere}/{hour|some time}"), "2024/a_.._b/some time");
    assert_eq!(of("{place|nowhere}/x"), "nowhere/x");
    assert_eq!(of("{camera}"), "unnamed");
    let undated = Known { texts: vec![(Field::Name, "..")], ..Known::default() };
    assert_eq!(place("{year}/{name}", &undated), "undated");
    assert_eq!(place("{year|undated}/{name}", &undated), "undated/unnamed");
}

#[test]
fn a_wrong_template_says_what_is_wrong() {
    let wrong = |template: &str| template.parse::<Template>().expect_err("it is wrong");
    assert!(wrong("{yaer}").contains("none of year, month"));
    assert!(wrong("{year").contains("without its }"));
    assert!(wrong("year}").contains("without its {"));
    assert!(wrong("{year}/../{name}").contains("behind a placeholder"));
    assert!(wrong("{year}/").contains("name of the file"));
    assert!(wrong("{ext}{name}").contains("at the end"));
    assert!(wrong("{taken:%Q}").contains("%Q"));
    assert!(wrong("{month:x}").contains("width"));
    assert!(wrong("{camera:5}").contains("only dates"));
}
