//! Names of places, from a table of cities.

use std::collections::HashMap;
use std::fs::File;

use places::City;
use serde_json::json;

use crate::fixture::{Shot, Tree};

/// A table with two cities.
fn table(tree: &Tree, name: &str) {
    let city = |name: &str, latitude, longitude, code: &str, zone: &str, region: &str| City {
        name: name.into(),
        latitude,
        longitude,
        countrycode: code.into(),
        population: 3_000_000,
        timezone: zone.into(),
        admin1code: region.into(),
    };
    let cities = vec![
        city("Jüterbog", 51.99606, 13.07861, "DE", "Europe/Berlin", "11"),
        city("Roma", 41.89193, 12.51133, "IT", "Europe/Rome", "07"),
    ];
    let countries = [("DE", "Germany"), ("IT", "Italy")];
    let countries: HashMap<String, String> =
        countries.map(|(code, name)| (code.to_owned(), name.to_owned())).into();
    let path = tree.file(name);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    places::write(cities, &countries, File::create(path).expect("a file")).expect("a table");
}

#[test]
fn places_have_names_and_tell_the_zone() {
    let tree = Tree::new(&[
        // UTC+2 in July, by the zone of the place alone.
        ("in/a.jpg", Shot::at("2024:07:05 14:07:09").camera("Acme", "P1").gps(52, 13)),
        ("in/b.jpg", Shot::at("2024:01:05 14:07:09").camera("Acme", "P1").scene(3).gps(42, 12)),
        ("in/sea.jpg", Shot::at("2024:01:06 14:07:09").camera("Acme", "P1").scene(4).gps(42, 40)),
    ]);
    // The one in the store is found by itself.
    table(&tree, ".models/cities.places");
    let to = "out/{country_code}/{place|somewhere}/{name}";
    let run = tree.sort(&["in", "--to", to]).run().code(0);
    let records = run.records();
    let photo = &records[0]["photo"];
    assert_eq!(photo["taken"], "2024-07-05T14:07:09+02:00", "{run}");
    assert_eq!(photo["place"]["city"], "Jüterbog");
    assert_eq!(photo["place"]["country"], "Germany");
    assert_eq!(photo["place"]["country_code"], "DE");
    assert_eq!(photo["place"]["zone"], "Europe/Berlin");
    assert!(photo["place"]["region"].as_str().is_some_and(|r| !r.is_empty()), "{run}");
    // From 52° N 13° E to the middle of the town.
    let distance = photo["place"]["distance"].as_f64().expect("kilometres");
    assert!((5.0..6.0).contains(&distance), "{run}");
    assert_eq!(records[1]["photo"]["taken"], "2024-01-05T14:07:09+01:00", "{run}");
    assert!(records[2]["photo"]["place"].is_null(), "no city is near: {run}");
    let to: Vec<_> = records.iter().map(|r| r["plan"]["to"].clone()).collect();
    assert_eq!(
        to,
        ["out/DE/Jüterbog/a.jpg", "out/IT/Roma/b.jpg", "out/somewhere/sea.jpg"],
        "{run}"
    );
}

#[test]
fn a_table_can_be_named_and_must_be_one() {
    let tree = Tree::new(&[("a.jpg", Shot::at("2024:07:05 14:07:09").gps(52, 13))]);
    let run = tree.sort(&["a.jpg"]).run().code(0);
    assert!(run.record()["photo"]["place"].is_null(), "{run}");
    assert_eq!(run.record()["photo"]["gps"], json!({"latitude": 52.0, "longitude": 13.0}));
    table(&tree, "table");
    let run = tree.sort(&["a.jpg", "--places", "table"]).run().code(0);
    assert_eq!(run.record()["photo"]["place"]["city"], "Jüterbog", "{run}");
    tree.write("table", b"HWPLACE1 and then nothing that is a table");
    tree.sort(&["a.jpg", "--places", "table"]).run().code(2).says("not a table of places");
}
