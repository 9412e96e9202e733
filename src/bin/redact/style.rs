use clap::ValueEnum;

/// What is put in the place of something private.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// Kind and number: `<PERSON_1>`.
    Placeholder,
    /// A star for every letter and digit.
    Mask,
    /// Kind and keyed hash: `<PERSON#…>`.
    Hash,
    /// Something invented of the same kind.
    Fake,
    /// Nothing.
    Remove,
}

/// A star for every letter and digit; what stands between them stays.
pub(crate) fn masked(text: &str) -> String {
    text.chars().map(|c| if c.is_alphanumeric() { '*' } else { c }).collect()
}
