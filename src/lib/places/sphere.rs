//! Points on the unit sphere.

/// The Earth's mean radius in kilometres (IUGG).
const RADIUS: f64 = 6371.0088;

/// A point on the unit sphere.
pub(crate) type Point = [f64; 3];

/// The point of a coordinate in degrees.
pub(crate) fn point(latitude: f64, longitude: f64) -> Point {
    let (latitude, longitude) = (latitude.to_radians(), longitude.to_radians());
    let ring = latitude.cos();
    [ring * longitude.cos(), ring * longitude.sin(), latitude.sin()]
}

/// The square of the straight distance of two points.
pub(crate) fn chord(a: Point, b: Point) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// Kilometres along the great circle, of the square of the straight distance.
pub(crate) fn kilometres(chord: f64) -> f64 {
    2.0 * RADIUS * (chord.sqrt() / 2.0).min(1.0).asin()
}

/// A distance on the unit sphere.
pub(crate) fn of_kilometres(kilometres: f64) -> f64 {
    kilometres / RADIUS
}
