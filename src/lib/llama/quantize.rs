//! The same weights in another number format.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::mpsc;

use engine::{Cancel, Error};
use llama_cpp_sys_2 as sys;

use crate::{Options, backend, facts};

/// Bytes of rows that llama.cpp holds at once while it converts.
const BUFFER: usize = 256 << 20;

/// Formats for which ggml has kernels that read repacked weights on common processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightFormat {
    /// 8 bits, blocks of 32: the nearest to 16-bit weights.
    Q8_0,
    /// 4 bits and a scale a block of 32.
    Q4_0,
    /// 4 and 6 bits with two levels of scales.
    Q4KM,
    /// 4 bits with uneven steps.
    Iq4Nl,
}

impl WeightFormat {
    /// All of them, the finest first.
    pub const ALL: [Self; 4] = [Self::Q8_0, Self::Q4KM, Self::Iq4Nl, Self::Q4_0];

    /// llama.cpp's name, which is also what model files say.
    pub fn name(self) -> &'static str {
        match self {
            Self::Q8_0 => "Q8_0",
            Self::Q4_0 => "Q4_0",
            Self::Q4KM => "Q4_K_M",
            Self::Iq4Nl => "IQ4_NL",
        }
    }

    fn raw(self) -> sys::llama_ftype {
        match self {
            Self::Q8_0 => sys::LLAMA_FTYPE_MOSTLY_Q8_0,
            Self::Q4_0 => sys::LLAMA_FTYPE_MOSTLY_Q4_0,
            Self::Q4KM => sys::LLAMA_FTYPE_MOSTLY_Q4_K_M,
            Self::Iq4Nl => sys::LLAMA_FTYPE_MOSTLY_IQ4_NL,
        }
    }
}

impl fmt::Display for WeightFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Writes the model `from` to `to` with its weights in `format`, on `threads` threads. Weights
/// that are quantised already are quantised again; which tensors keep a finer format is
/// llama.cpp's own choice. `progress` hears how many of the tensors are done.
///
/// llama.cpp cannot be interrupted at it: a `cancel` that is set meanwhile counts at the end. On
/// any error there is no file `to`.
///
/// # Errors
/// [`Error::Load`] when `from` is no language model, or cannot be converted;
/// [`Error::Cancelled`].
pub fn requantize(
    from: &Path,
    to: &Path,
    format: WeightFormat,
    threads: usize,
    cancel: &Cancel,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<(), Error> {
    let options = Options::new(from);
    // Also starts the backend, and turns away what is no GGUF before C++ sees it.
    facts::read(&options)?;
    let stopped = || cancel.reason().map_or(Ok(()), |reason| Err(Error::Cancelled(reason)));
    stopped()?;
    let c_path = |path: &Path| {
        let text = path.to_str().ok_or("llama.cpp opens only files whose path is UTF-8")?;
        CString::new(text).map_err(|_| "llama.cpp opens no path with NUL in it")
    };
    let from = c_path(from).map_err(|reason| options.refuse(reason))?;
    let target = c_path(to).map_err(|reason| options.refuse(reason))?;
    let (said, lines) = mpsc::channel();
    let done = std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            backend::follow(said, || backend::capture(|| convert(&from, &target, format, threads)))
        });
        // Ends when the thread drops its end.
        for (done, all) in lines.iter().filter_map(|line| parse_step(&line)) {
            progress(done, all);
        }
        work.join()
    });
    let result = match done {
        Ok((0, _)) => stopped(),
        Ok((_, errors)) => {
            let reason = errors.iter().find_map(|line| line.rsplit_once("failed to quantize: "));
            let reason = reason.map_or("no reason was given", |(_, reason)| reason);
            Err(options.refuse(format!("cannot be converted to {format}: {reason}")))
        }
        Err(_) => Err(options.refuse(format!("the conversion to {format} panicked"))),
    };
    if result.is_err() {
        // There may be none.
        let _ = fs::remove_file(to);
    }
    result
}

fn convert(from: &CString, to: &CString, format: WeightFormat, threads: usize) -> u32 {
    // SAFETY: takes nothing and returns a plain struct.
    let mut params = unsafe { sys::llama_model_quantize_default_params() };
    params.ftype = format.raw();
    params.nthread = i32::try_from(threads.clamp(1, 512)).unwrap_or(1);
    params.allow_requantize = true;
    params.max_buf_size = BUFFER;
    // SAFETY: both paths end with NUL and outlive the call, as does `params`, whose pointers are
    // null by default, which means "none". C++ exceptions are caught inside.
    unsafe { sys::llama_model_quantize(from.as_ptr(), to.as_ptr(), &raw const params) }
}

/// The numbers of a line like `[  12/ 272] blk.0.attn_k.weight - …`.
fn parse_step(line: &str) -> Option<(usize, usize)> {
    let (done, rest) = line.strip_prefix('[')?.split_once('/')?;
    let (all, _) = rest.split_once(']')?;
    Some((done.trim().parse().ok()?, all.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_from_the_log() {
        assert_eq!(parse_step("[  12/ 272] blk.0.attn_k.weight - [576]"), Some((12, 272)));
        for other in ["", "[", "[12]", "[a/b]", "llama_model_quantize_impl: x [1/2]"] {
            assert_eq!(parse_step(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_model_is_refused_and_leaves_no_file() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("in.gguf"), dir.path().join("out.gguf"));
        let go = |cancel: &Cancel| {
            let format = WeightFormat::Q8_0;
            requantize(&from, &to, format, 1, cancel, &mut |_, _| ()).unwrap_err().to_string()
        };
        assert!(go(&Cancel::default()).contains("No such file"));
        fs::write(&from, b"GGUF\x03\0\0\0").unwrap();
        assert!(go(&Cancel::default()).contains("damaged GGUF header"));
        assert!(!to.exists());
    }
}
