//! Memory that goes back to the system as soon as it is free.
#![allow(unsafe_code)]

/// Blocks of this many bytes and more are given back at once: glibc's own first value, 128 KiB.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 128 * 1024;

/// Keeps freed sound and spectra from staying in the process.
///
/// glibc raises the size from which it gives freed blocks back with each such block that it sees
/// (mallopt(3), "dynamic mmap threshold"): after some windows of sound it keeps several megabytes a
/// worker that nobody uses. Elsewhere than on glibc this does nothing, as nothing is needed.
pub fn give_back_large_blocks() {
    #[cfg(target_env = "gnu")]
    // SAFETY: mallopt takes two numbers and only sets a parameter of the allocator.
    let set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE) };
    #[cfg(target_env = "gnu")]
    if set == 0 {
        log::debug!("mallopt refused: freed memory may stay in the process");
    }
}
