use std::collections::HashMap;

use proptest::prelude::*;

use super::*;

fn city(name: &str, country: &str, region: &str, zone: &str, at: (f64, f64)) -> City {
    City {
        name: name.into(),
        latitude: at.0,
        longitude: at.1,
        countrycode: country.into(),
        population: 1000,
        timezone: zone.into(),
        admin1code: region.into(),
    }
}

fn table(cities: Vec<City>) -> Places {
    let names = [("IT", "Italy"), ("NP", "Nepal"), ("FJ", "Fiji")];
    let countries: HashMap<String, String> =
        names.into_iter().map(|(code, name)| (code.into(), name.into())).collect();
    let mut bytes = Vec::new();
    write(cities, &countries, &mut bytes).expect("written");
    Places::from_bytes(bytes).expect("a table")
}

fn three() -> Vec<City> {
    vec![
        city("Rome", "IT", "07", "Europe/Rome", (41.89193, 12.51133)),
        city("Kathmandu", "NP", "", "Asia/Kathmandu", (27.70169, 85.3206)),
        city("Labasa", "FJ", "03", "Pacific/Fiji", (-16.4332, 179.36451)),
    ]
}

#[test]
fn the_nearest_city_is_told_with_its_region_country_and_zone() {
    let places = table(three());
    let rome = places.nearest(41.9, 12.5, 50.0).expect("near Rome");
    assert_eq!((rome.city, rome.region, rome.country), ("Rome", "Lazio", "Italy"));
    assert_eq!((rome.country_code, rome.zone, rome.population), ("IT", "Europe/Rome", 1000));
    assert!((rome.distance - 1.3).abs() < 0.2, "{}", rome.distance);
    assert_eq!(places.nearest(27.7, 85.3, 50.0).expect("near Kathmandu").region, "");
    assert_eq!(places.nearest(0.0, -30.0, 50.0), None);
    for (latitude, longitude) in [(91.0, 0.0), (0.0, 181.0), (f64::NAN, 0.0)] {
        assert_eq!(places.nearest(latitude, longitude, f64::INFINITY), None);
    }
}

#[test]
fn a_quarter_is_of_the_city_that_reaches_so_far() {
    let sized = |population, place: City| City { population, ..place };
    let places = table(vec![
        sized(2_318_895, city("Rome", "IT", "07", "Europe/Rome", (41.89193, 12.51133))),
        sized(11_956, city("Monti", "IT", "07", "Europe/Rome", (41.8957, 12.4946))),
        sized(5_000, city("Tivoli", "IT", "07", "Europe/Rome", (41.9595, 12.8017))),
        sized(900, city("Vatican City", "VA", "", "Europe/Vatican", (41.9027, 12.4545))),
    ]);
    let at = |latitude, longitude| {
        let place = places.nearest(latitude, longitude, 50.0).expect("a place");
        (place.city, place.district)
    };
    assert_eq!(at(41.895, 12.495), ("Rome", "Monti"));
    assert_eq!(at(41.892, 12.511), ("Rome", ""));
    assert_eq!(at(41.96, 12.80), ("Tivoli", ""));
    assert_eq!(at(41.9022, 12.4539), ("Vatican City", ""));
}

#[test]
fn the_date_line_is_no_border() {
    let places = table(three());
    let place = places.nearest(-16.5, -179.9, 100.0).expect("across the date line");
    assert_eq!(place.city, "Labasa");
    assert!(place.distance < 80.0, "{}", place.distance);
}

#[test]
fn the_package_is_read_and_the_same_input_gives_the_same_bytes() {
    let cities = r#"{"1": {"geonameid": 1, "name": "Rome", "latitude": 41.89193, "longitude": 12.51133,
        "countrycode": "IT", "population": 2318895, "timezone": "Europe/Rome", "admin1code": "07",
        "alternatenames": ["Roma"]}}"#;
    let countries = r#"{"IT": {"name": "Italy", "iso": "IT"}}"#;
    let made = || {
        let mut bytes = Vec::new();
        assert_eq!(convert(cities.as_bytes(), countries.as_bytes(), &mut bytes).expect("made"), 1);
        bytes
    };
    assert_eq!(made(), made());
    let places = Places::from_bytes(made()).expect("a table");
    assert_eq!(places.nearest(42.0, 12.0, 100.0).expect("near").country, "Italy");
    for bad in ["", "[]", "{\"1\": {}}", "{\"1\": 5}"] {
        assert!(convert(bad.as_bytes(), countries.as_bytes(), Vec::new()).is_err(), "{bad}");
    }
}

#[test]
fn zones_come_from_the_program_itself() {
    let zone = zone("Asia/Kathmandu").expect("a zone");
    let offset = zone.to_offset("2019-07-21T00:00:00Z".parse().expect("a moment"));
    assert_eq!(offset.seconds(), (5 * 60 + 45) * 60);
    assert!(super::zone("Mars/Olympus").is_none());
}

fn coordinate() -> impl Strategy<Value = (f64, f64)> {
    (-90.0..=90.0, -180.0..=180.0)
}

proptest! {
    #[test]
    fn no_city_is_nearer_than_the_nearest(
        cities in prop::collection::vec(coordinate(), 1..60),
        wanted in coordinate(),
    ) {
        let all = cities.iter().enumerate();
        let named = all.map(|(i, at)| city(&i.to_string(), "IT", "", "Europe/Rome", *at)).collect();
        let places = table(named);
        let found = places.nearest(wanted.0, wanted.1, f64::INFINITY).expect("one");
        let point = sphere::point(wanted.0, wanted.1);
        let rounded = |v: f64| (v * 1e5).round() / 1e5;
        let distances = cities.iter().map(|(latitude, longitude)| {
            let there = sphere::point(rounded(*latitude), rounded(*longitude));
            sphere::kilometres(sphere::chord(point, there))
        });
        let nearest = distances.fold(f64::INFINITY, f64::min);
        prop_assert!((found.distance - nearest).abs() < 1e-6, "{} {nearest}", found.distance);
    }

    #[test]
    fn damaged_tables_are_refused_or_answer(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = Vec::new();
        write(three(), &HashMap::new(), &mut bytes).expect("written");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(places) = Places::from_bytes(bytes) {
            prop_assert!(places.nearest(41.9, 12.5, 1e9).is_none_or(|p| p.distance <= 1e9));
        }
    }

    #[test]
    fn cut_tables_are_refused(at in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        write(three(), &HashMap::new(), &mut bytes).expect("written");
        bytes.truncate(at.index(bytes.len()));
        prop_assert!(Places::from_bytes(bytes).is_err());
    }
}
