//! Sizes of ggml's tensor types.

use super::InspectError;

/// Name, elements per block, bytes per block (ggml.h, `enum ggml_type`; gaps are types that were
/// removed).
fn layout(kind: u32) -> Option<(&'static str, u64, u64)> {
    Some(match kind {
        0 => ("F32", 1, 4),
        1 => ("F16", 1, 2),
        2 => ("Q4_0", 32, 18),
        3 => ("Q4_1", 32, 20),
        6 => ("Q5_0", 32, 22),
        7 => ("Q5_1", 32, 24),
        8 => ("Q8_0", 32, 34),
        9 => ("Q8_1", 32, 36),
        10 => ("Q2_K", 256, 84),
        11 => ("Q3_K", 256, 110),
        12 => ("Q4_K", 256, 144),
        13 => ("Q5_K", 256, 176),
        14 => ("Q6_K", 256, 210),
        15 => ("Q8_K", 256, 292),
        16 => ("IQ2_XXS", 256, 66),
        17 => ("IQ2_XS", 256, 74),
        18 => ("IQ3_XXS", 256, 98),
        19 => ("IQ1_S", 256, 50),
        20 => ("IQ4_NL", 32, 18),
        21 => ("IQ3_S", 256, 110),
        22 => ("IQ2_S", 256, 82),
        23 => ("IQ4_XS", 256, 136),
        24 => ("I8", 1, 1),
        25 => ("I16", 1, 2),
        26 => ("I32", 1, 4),
        27 | 28 => (if kind == 27 { "I64" } else { "F64" }, 1, 8),
        29 => ("IQ1_M", 256, 56),
        30 => ("BF16", 1, 2),
        34 => ("TQ1_0", 256, 54),
        35 => ("TQ2_0", 256, 66),
        39 => ("MXFP4", 32, 17),
        _ => return None,
    })
}

/// Name of a tensor type.
pub(super) fn type_name(kind: u32) -> &'static str {
    layout(kind).map_or("unknown", |(name, ..)| name)
}

/// Elements and bytes of a tensor with these dimensions (fastest first).
pub(super) fn extent(name: &str, kind: u32, dims: &[u64]) -> Result<(u64, u64), InspectError> {
    let (_, block, bytes) = layout(kind).ok_or_else(|| {
        InspectError::Unsupported(format!("tensor '{name}' has the unknown type {kind}"))
    })?;
    let damaged = |why: &str| InspectError::Damaged(format!("tensor '{name}' {why}"));
    if dims.contains(&0) {
        return Err(damaged("is empty"));
    }
    if dims.first().is_some_and(|d| !d.is_multiple_of(block)) {
        return Err(damaged("has rows that are no whole number of blocks"));
    }
    // ggml counts in int64_t.
    let elements = dims
        .iter()
        .try_fold(1u64, |n, d| n.checked_mul(*d))
        .filter(|n| i64::try_from(*n).is_ok())
        .ok_or_else(|| damaged("is impossibly large"))?;
    let size =
        (elements / block).checked_mul(bytes).ok_or_else(|| damaged("is impossibly large"))?;
    Ok((elements, size))
}

/// The type that holds most elements, by name.
#[derive(Default)]
pub(super) struct Tally(std::collections::BTreeMap<u32, u64>);

impl Tally {
    pub(super) fn add(&mut self, kind: u32, elements: u64) {
        let count = self.0.entry(kind).or_default();
        *count = count.saturating_add(elements);
    }

    pub(super) fn total(&self) -> u64 {
        self.0.values().fold(0, |sum, n| sum.saturating_add(*n))
    }

    pub(super) fn most(&self) -> &'static str {
        let most = self.0.iter().max_by_key(|(_, n)| **n);
        most.map_or("none", |(kind, _)| type_name(*kind))
    }
}
