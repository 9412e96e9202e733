//! The callbacks by which a request is given up in the middle.
//!
//! whisper-rs 0.16 has a safe setter for this whose trampoline reads the boxed closure as the
//! closure itself; so the plain C callbacks are set here.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, Ordering};

use engine::Cancel;
use whisper_rs::{FullParams, WhisperSysContext, WhisperSysState};

/// Looked at by the engine between steps; must outlive the call that uses it.
pub(crate) struct Watch<'a> {
    cancel: &'a Cancel,
    passes: AtomicU32,
    max_passes: u32,
}

impl<'a> Watch<'a> {
    /// Gives up when `cancel` says so; stops quietly before more than `max_passes` encoder runs,
    /// because a confused model moves through a window in steps of 20 ms.
    pub(crate) fn new(cancel: &'a Cancel, max_passes: u32) -> Self {
        Self { cancel, passes: AtomicU32::new(0), max_passes }
    }

    /// Whether the window was left before its end.
    pub(crate) fn ran_out(&self) -> bool {
        self.passes.load(Ordering::Relaxed) > self.max_passes
    }
}

/// Parameters whose callbacks point at a [`Watch`]; the lifetime keeps the two together.
pub(crate) struct Watched<'w, 'p> {
    params: FullParams<'p, 'p>,
    watch: PhantomData<&'w Watch<'w>>,
}

impl<'w, 'p> Watched<'w, 'p> {
    pub(crate) fn new(mut params: FullParams<'p, 'p>, watch: &'w Watch<'w>) -> Self {
        let data = std::ptr::from_ref(watch).cast_mut().cast::<c_void>();
        // SAFETY: both callbacks read `data` as a shared `Watch`, which it is and which this
        // value borrows; they are called only during the run that consumes the parameters.
        unsafe {
            params.set_abort_callback(Some(should_abort));
            params.set_abort_callback_user_data(data);
            params.set_start_encoder_callback(Some(may_encode));
            params.set_start_encoder_callback_user_data(data);
        }
        Self { params, watch: PhantomData }
    }

    /// Runs `state` over `samples`.
    pub(crate) fn run(
        self,
        state: &mut whisper_rs::WhisperState,
        samples: &[f32],
    ) -> Result<(), whisper_rs::WhisperError> {
        state.full(self.params, samples)
    }
}

unsafe extern "C" fn should_abort(data: *mut c_void) -> bool {
    // SAFETY: `data` is the `Watch` given in `Watched::new`, alive during the run.
    let watch = unsafe { &*data.cast::<Watch<'_>>() };
    watch.cancel.reason().is_some()
}

unsafe extern "C" fn may_encode(
    _: *mut WhisperSysContext,
    _: *mut WhisperSysState,
    data: *mut c_void,
) -> bool {
    // SAFETY: as in `should_abort`.
    let watch = unsafe { &*data.cast::<Watch<'_>>() };
    watch.passes.fetch_add(1, Ordering::Relaxed) < watch.max_passes
}
