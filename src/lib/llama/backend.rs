//! llama.cpp's process-wide state: started once, its log sent to the `log` crate.
#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;
use std::sync::mpsc::Sender;

use llama_cpp_2::llama_backend::LlamaBackend;

/// Lines kept of what llama.cpp says while a file is opened.
const MAX_CAPTURED: usize = 32;

thread_local! {
    /// A line that has not ended yet, and its level.
    static UNFINISHED: RefCell<(log::Level, String)> =
        const { RefCell::new((log::Level::Debug, String::new())) };
    /// Error lines, while this thread captures them.
    static CAPTURED: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
    /// Who follows the lines of this thread.
    static FOLLOWER: RefCell<Option<Sender<String>>> = const { RefCell::new(None) };
}

/// The running backend; llama.cpp is started on the first call.
pub(crate) fn backend() -> Result<&'static LlamaBackend, String> {
    static BACKEND: OnceLock<Result<LlamaBackend, String>> = OnceLock::new();
    BACKEND
        .get_or_init(|| {
            // SAFETY: the callback is a static function that does not unwind and needs no data.
            unsafe { llama_cpp_sys_2::llama_log_set(Some(forward), std::ptr::null_mut()) };
            LlamaBackend::init().map_err(|error| error.to_string())
        })
        .as_ref()
        .map_err(Clone::clone)
}

/// Runs `call` and returns with its result the errors that llama.cpp logged on this thread.
pub(crate) fn capture<T>(call: impl FnOnce() -> T) -> (T, Vec<String>) {
    CAPTURED.with_borrow_mut(|lines| *lines = Some(Vec::new()));
    let result = call();
    (result, CAPTURED.take().unwrap_or_default())
}

/// Runs `call`, and sends every line that llama.cpp logs on this thread meanwhile to `follower`:
/// the only way in which it tells how far it is.
pub(crate) fn follow<T>(follower: Sender<String>, call: impl FnOnce() -> T) -> T {
    FOLLOWER.with_borrow_mut(|slot| *slot = Some(follower));
    let result = call();
    FOLLOWER.take();
    result
}

/// ggml's level as one of ours. What it calls information is of use to its developers.
fn level(level: llama_cpp_sys_2::ggml_log_level) -> Option<log::Level> {
    match level {
        llama_cpp_sys_2::GGML_LOG_LEVEL_ERROR => Some(log::Level::Error),
        llama_cpp_sys_2::GGML_LOG_LEVEL_WARN => Some(log::Level::Warn),
        llama_cpp_sys_2::GGML_LOG_LEVEL_CONT => None,
        llama_cpp_sys_2::GGML_LOG_LEVEL_INFO => Some(log::Level::Debug),
        _ => Some(log::Level::Trace),
    }
}

/// Receives a piece of text of llama.cpp's log; lines may come in several pieces.
unsafe extern "C" fn forward(
    raw: llama_cpp_sys_2::ggml_log_level,
    text: *const c_char,
    _data: *mut c_void,
) {
    if text.is_null() {
        return;
    }
    // SAFETY: llama.cpp passes a string that ends with NUL and outlives this call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    // Unwinding into C++ would be undefined: a logger that panics is ignored, as is a call while
    // the thread's variables are already gone.
    let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = UNFINISHED.try_with(|unfinished| {
            let Ok(mut unfinished) = unfinished.try_borrow_mut() else { return };
            if let Some(level) = level(raw) {
                unfinished.0 = level;
            }
            unfinished.1.push_str(&text);
            if text.ends_with('\n') {
                let (level, line) = (unfinished.0, std::mem::take(&mut unfinished.1));
                drop(unfinished);
                finish(level, line.trim_end());
            }
        });
    }));
}

/// One whole line.
fn finish(level: log::Level, line: &str) {
    let captured = CAPTURED.with_borrow_mut(|lines| match lines {
        Some(lines) if level == log::Level::Error => {
            if lines.len() < MAX_CAPTURED {
                lines.push(line.to_owned());
            }
            true
        }
        _ => false,
    });
    let followed = FOLLOWER.with_borrow(|follower| {
        // A follower that left does not mind.
        follower.as_ref().is_some_and(|follower| follower.send(line.to_owned()).is_ok())
    });
    // A captured error becomes part of our own error: it would be said twice.
    let level = if captured || followed { level.max(log::Level::Debug) } else { level };
    if !line.is_empty() {
        log::log!(target: "ggml", level, "{line}");
    }
}
