/// Why a program could not do its work at all: exit status 2.
///
/// It is the end of the line for every other error (and therefore none itself): `?` turns those
/// into a set-up error with their message.
#[derive(Debug)]
pub struct Error {
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to do about it, on a line of its own.
    pub hint: Option<String>,
}

impl Error {
    /// The arguments cannot be used as they are.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some("try --help".into()) }
    }

    /// Something needed at the start is not there or does not work.
    pub fn setup(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None }
    }

    /// The same error with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl<E: std::error::Error> From<E> for Error {
    fn from(error: E) -> Self {
        Self::setup(error.to_string())
    }
}
