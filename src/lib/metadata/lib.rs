//! When, where and with which camera a picture or video was taken.
//!
//! [`read`] opens a file and reads only the bytes that hold metadata: segments of a JPEG, boxes of
//! a HEIC or a movie, directories of a TIFF or a raw file; pixels and frames are skipped by
//! seeking. What it finds are [`Stamp`]s, one for each date that the file tells, each with its
//! [`Source`] and with what is known of its clock. [`name_stamps`], [`folder_stamps`],
//! [`Takeout`] and [`Sidecar`] add what stands around the file. [`date`] then decides.
//!
//! ```text
//! let mut metadata = metadata::read(&path, &mut file)?;
//! metadata.stamps.extend(metadata::name_stamps(&path));
//! shifts.iter().for_each(|s| s.apply(&mut metadata));
//! let zone = metadata.gps.and_then(|g| places.nearest(g.latitude, g.longitude)).and_then(zone);
//! let dating = metadata::date(&metadata.stamps, &Options { zone: zone.as_ref(), ..options });
//! ```
//!
//! Sources of formats: EXIF 3.0 (CIPA DC-008), TIFF 6.0, XMP (ISO 16684-1), ISO base media
//! (ISO 14496-12), HEIF (ISO 23008-12), QuickTime File Format, PNG (W3C, third edition), WebP
//! (RFC 9649), IPTC-IIM 4.2.

#![forbid(unsafe_code)]

mod camera;
mod datetime;
mod dating;
mod error;
mod format;
mod names;
mod read;
mod shift;
mod siblings;
mod sidecar;
mod source;
mod stamp;
mod takeout;

pub use camera::{Camera, Exposure, Gps, Metadata, Preview};
pub use dating::{Conflict, Dating, Options, Refused, Taken, date};
pub use error::{Error, SidecarError};
pub use format::Format;
pub use names::{folder_stamps, name_stamps};
pub use read::read;
pub use shift::{Shift, ShiftError};
pub use siblings::{File, Group, Member, Part, group};
pub use sidecar::{Edit, Sidecar, SidecarStyle};
pub use source::Source;
pub use stamp::{Clock, Precision, Stamp, file_stamp};
pub use takeout::Takeout;
