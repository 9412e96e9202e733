//! Annotations that show text on the page: form fields, notes (ISO 32000-1 §12.5.5).

use lopdf::{Dictionary, Document, Object};

use super::interpreter::Interpreter;
use super::matrix::Matrix;
use super::objects;
use crate::error::ExtractError;

/// Bits of `F` for annotations that are not shown: hidden, no view.
const NOT_SHOWN: i64 = 1 << 1 | 1 << 5;

/// Draws the appearance of the page's annotations.
///
/// # Errors
/// [`ExtractError::Timeout`] when the time is over.
pub(crate) fn draw<'a>(
    document: &'a Document,
    page: &'a Dictionary,
    interpreter: &mut Interpreter<'a>,
    page_matrix: &Matrix,
) -> Result<(), ExtractError> {
    for object in objects::array(document, page, b"Annots").unwrap_or_default() {
        let annotation = objects::resolve(document, object).and_then(|o| o.as_dict().ok());
        let Some(annotation) = annotation else { continue };
        let flags = objects::number(document, annotation, b"F").unwrap_or(0.0) as i64;
        let popup = objects::name(document, annotation, b"Subtype") == Some(b"Popup");
        if flags & NOT_SHOWN != 0 || popup {
            continue;
        }
        draw_appearance(document, annotation, interpreter, page_matrix)?;
    }
    Ok(())
}

fn draw_appearance<'a>(
    document: &'a Document,
    annotation: &'a Dictionary,
    interpreter: &mut Interpreter<'a>,
    page_matrix: &Matrix,
) -> Result<(), ExtractError> {
    let normal = objects::dictionary(document, annotation, b"AP")
        .and_then(|appearances| objects::get(document, appearances, b"N"));
    let form = match normal {
        Some(Object::Stream(form)) => Some(form),
        Some(Object::Dictionary(states)) => objects::name(document, annotation, b"AS")
            .and_then(|state| objects::stream(document, states, state)),
        _ => None,
    };
    let Some(form) = form else { return Ok(()) };
    let Some(rect) = objects::numbers::<4>(document, annotation, b"Rect") else { return Ok(()) };
    let bbox = objects::numbers::<4>(document, &form.dict, b"BBox").unwrap_or(rect);
    let matrix = objects::numbers(document, &form.dict, b"Matrix").map_or(Matrix::IDENTITY, Matrix);
    let placed = placement(bounds(bbox, &matrix), bounds(rect, &Matrix::IDENTITY));
    interpreter.draw_form(None, form, None, &placed.then(page_matrix))
}

/// The upright box around a transformed rectangle: left, bottom, right, top.
fn bounds([x0, y0, x1, y1]: [f64; 4], matrix: &Matrix) -> [f64; 4] {
    let corners = [(x0, y0), (x0, y1), (x1, y0), (x1, y1)].map(|(x, y)| matrix.apply(x, y));
    let fold = |pick: fn(f64, f64) -> f64, of: fn(&(f64, f64)) -> f64, start: f64| {
        corners.iter().map(of).fold(start, pick)
    };
    [
        fold(f64::min, |corner| corner.0, f64::INFINITY),
        fold(f64::min, |corner| corner.1, f64::INFINITY),
        fold(f64::max, |corner| corner.0, f64::NEG_INFINITY),
        fold(f64::max, |corner| corner.1, f64::NEG_INFINITY),
    ]
}

/// Scales and moves `from` onto `to`.
fn placement(from: [f64; 4], to: [f64; 4]) -> Matrix {
    let scale = |low: usize, high: usize| {
        let length = from[high] - from[low];
        if length.abs() < 1e-9 { 1.0 } else { (to[high] - to[low]) / length }
    };
    let (x, y) = (scale(0, 2), scale(1, 3));
    Matrix([x, 0.0, 0.0, y, to[0] - from[0] * x, to[1] - from[1] * y])
}
