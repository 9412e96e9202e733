//! What is known of the device that a file is on.

use std::fs;
use std::path::Path;

/// Whether reading here and there is slow: a spinning disk. A device that the system says nothing
/// about counts as solid.
pub(crate) fn is_rotational(dev: u64) -> bool {
    let number = format!("{}:{}", rustix::fs::major(dev), rustix::fs::minor(dev));
    let Ok(place) = fs::canonicalize(Path::new("/sys/dev/block").join(number)) else {
        return false;
    };
    // Virtual disks say that they rotate, whatever is below them.
    if place.components().any(|c| c.as_os_str().to_string_lossy().starts_with("virtio")) {
        return false;
    }
    // A partition has no queue of its own.
    [Some(place.as_path()), place.parent()].into_iter().flatten().any(|folder| {
        fs::read_to_string(folder.join("queue/rotational")).is_ok_and(|flag| flag.trim() == "1")
    })
}

/// Where on its device the content of a file begins, in bytes; 0 where that cannot be told.
pub(crate) fn physical_start(path: &Path) -> u64 {
    let first = fiemap::fiemap(path).ok().and_then(|mut extents| extents.next()?.ok());
    first.map_or(0, |extent| extent.fe_physical)
}
