/// Why a host could not be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SshError {
    /// Trying again is no use: a changed key, a login that is refused, a wrong setting.
    #[error("{0}")]
    Refused(String),
    /// It may work later: no route, a time-out, a connection that broke.
    #[error("{0}")]
    Unreachable(String),
    /// libssh2 cannot do what this host wants; the system's ssh may.
    #[error("{0}")]
    Unsupported(String),
}

impl SshError {
    /// An error of libssh2 while something was done.
    pub(crate) fn during(what: &str, error: &ssh2::Error) -> Self {
        // LIBSSH2_ERROR_KEX_FAILURE, LIBSSH2_ERROR_METHOD_NONE, LIBSSH2_ERROR_ALGO_UNSUPPORTED.
        const NO_COMMON_WAY: [i32; 3] = [-5, -17, -51];
        let text = format!("{what}: {}", error.message());
        match error.code() {
            ssh2::ErrorCode::Session(code) if NO_COMMON_WAY.contains(&code) => {
                Self::Unsupported(text)
            }
            _ => Self::Unreachable(text),
        }
    }
}
