use std::process::ExitCode;

/// How a program ended. The same in every program, and printed in every man page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: everything was handled; also when the reader of stdout left.
    Success,
    /// 1: at least one record failed.
    SomeFailed,
    /// 2: wrong usage, something missing at the start (a model, a key), or output that cannot be
    /// written.
    Usage,
    /// 3: stopped early by a limit or a budget; the output so far is valid.
    Limit,
    /// 128 + n: ended by signal n, after whole lines were written.
    Signal(i32),
}

impl Exit {
    /// Every status with its meaning, for the documentation.
    pub const MEANINGS: [(&'static str, &'static str); 5] = [
        ("0", "All records were handled, or the reader of the output left."),
        ("1", "At least one record failed; it is in the output, with its \"error\"."),
        (
            "2",
            "Wrong usage, a set-up that fails (such as a missing model), or output that cannot be written.",
        ),
        ("3", "Stopped early by a limit or budget; the output so far is valid."),
        ("130, 143", "Ended by SIGINT or SIGTERM, after whole lines were written."),
    ];

    /// Ends the process with this status. A signal is raised again, so that the caller sees a
    /// death by signal: shells then stop their loops.
    pub(crate) fn leave(self) -> ExitCode {
        match self {
            Self::Success => ExitCode::SUCCESS,
            Self::SomeFailed => ExitCode::from(1),
            Self::Usage => ExitCode::from(2),
            Self::Limit => ExitCode::from(3),
            Self::Signal(number) => {
                // It returns only if the default handler does not end the process.
                let _ = signal_hook::low_level::emulate_default_handler(number);
                ExitCode::from(u8::try_from(128 + number).unwrap_or(255))
            }
        }
    }
}
