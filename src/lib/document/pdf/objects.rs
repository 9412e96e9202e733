//! Looking up objects: references followed, damage read as absence.

use lopdf::{Dictionary, Document, Object, Stream};

/// What `object` is or refers to.
pub(crate) fn resolve<'a>(document: &'a Document, object: &'a Object) -> Option<&'a Object> {
    document.dereference(object).ok().map(|(_, object)| object)
}

/// The value of `key`, references followed.
pub(crate) fn get<'a>(
    document: &'a Document,
    dictionary: &'a Dictionary,
    key: &[u8],
) -> Option<&'a Object> {
    dictionary.get(key).ok().and_then(|object| resolve(document, object))
}

/// The dictionary at `key`; of a stream, its dictionary.
pub(crate) fn dictionary<'a>(
    document: &'a Document,
    parent: &'a Dictionary,
    key: &[u8],
) -> Option<&'a Dictionary> {
    as_dictionary(get(document, parent, key)?)
}

/// A dictionary, also that of a stream.
pub(crate) fn as_dictionary(object: &Object) -> Option<&Dictionary> {
    match object {
        Object::Dictionary(dictionary) => Some(dictionary),
        Object::Stream(stream) => Some(&stream.dict),
        _ => None,
    }
}

/// The stream at `key`.
pub(crate) fn stream<'a>(
    document: &'a Document,
    parent: &'a Dictionary,
    key: &[u8],
) -> Option<&'a Stream> {
    get(document, parent, key)?.as_stream().ok()
}

/// The name at `key`.
pub(crate) fn name<'a>(
    document: &'a Document,
    parent: &'a Dictionary,
    key: &[u8],
) -> Option<&'a [u8]> {
    get(document, parent, key)?.as_name().ok()
}

/// The number at `key`.
pub(crate) fn number(document: &Document, parent: &Dictionary, key: &[u8]) -> Option<f64> {
    as_number(get(document, parent, key)?)
}

/// The array at `key`.
pub(crate) fn array<'a>(
    document: &'a Document,
    parent: &'a Dictionary,
    key: &[u8],
) -> Option<&'a [Object]> {
    get(document, parent, key)?.as_array().ok().map(Vec::as_slice)
}

/// An array of exactly `N` numbers at `key`.
pub(crate) fn numbers<const N: usize>(
    document: &Document,
    parent: &Dictionary,
    key: &[u8],
) -> Option<[f64; N]> {
    let array = array(document, parent, key)?;
    let mut out = [0.0; N];
    if array.len() != N {
        return None;
    }
    for (value, object) in out.iter_mut().zip(array) {
        *value = as_number(resolve(document, object)?)?;
    }
    Some(out)
}

/// A finite number.
pub(crate) fn as_number(object: &Object) -> Option<f64> {
    let value = match object {
        Object::Integer(value) => *value as f64,
        Object::Real(value) => f64::from(*value),
        _ => return None,
    };
    value.is_finite().then_some(value)
}
