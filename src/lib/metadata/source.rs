//! Where a date comes from, in the order in which sources are believed.

use std::fmt;

macro_rules! sources {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// Where a date comes from. The order of the variants is the order of belief: of two
        /// dates the one with the smaller source is taken, see [`crate::date`].
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Source { $($(#[$doc])* $variant,)* }

        impl Source {
            /// All sources, the most believed first.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The stable name, as written in `photo.taken_from`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

sources! {
    /// A date in an XMP sidecar: where photo managers write what a person corrected.
    Sidecar = "sidecar:xmp",
    /// EXIF `DateTimeOriginal` (36867): the shutter.
    ExifOriginal = "exif:DateTimeOriginal",
    /// QuickTime `com.apple.quicktime.creationdate` or `©day`: local time with its offset.
    QuickTimeCreationDate = "quicktime:CreationDate",
    /// `DateTimeOriginal` in embedded XMP.
    XmpOriginal = "xmp:exif:DateTimeOriginal",
    /// `DateCreated` in embedded XMP.
    XmpDateCreated = "xmp:photoshop:DateCreated",
    /// EXIF `DateTimeDigitized` (36868): the same moment in a camera, the scan in a scanner.
    ExifDigitized = "exif:DateTimeDigitized",
    /// IPTC date and time created (2:55, 2:60).
    Iptc = "iptc:DateTimeCreated",
    /// `Creation Time` of a PNG.
    PngCreationTime = "png:CreationTime",
    /// A video's own recording time: AVCHD stream data, AVI `IDIT`, Matroska `DateUTC`.
    Video = "video:recorded",
    /// QuickTime `mvhd` creation time, in UTC.
    QuickTimeHeader = "quicktime:CreateDate",
    /// `CreateDate` in embedded XMP.
    XmpCreateDate = "xmp:xmp:CreateDate",
    /// Google Takeout `photoTakenTime`, in UTC.
    Takeout = "takeout:photoTakenTime",
    /// GPS date and time, in UTC: the moment of the fix.
    Gps = "gps:DateTime",
    /// A file name with date and time, as cameras, phones and screenshot programs write it.
    NameTime = "name:datetime",
    /// A file name with a moment in epoch milliseconds.
    NameEpoch = "name:epoch",
    /// WhatsApp's `IMG-20190102-WA0003`: the day it was sent or received.
    NameWhatsapp = "name:whatsapp",
    /// A file name with a day.
    NameDate = "name:date",
    /// EXIF `DateTime` (306): the last change of the file.
    ExifModified = "exif:DateTime",
    /// `ModifyDate` in embedded XMP.
    XmpModifyDate = "xmp:xmp:ModifyDate",
    /// `tIME` of a PNG: the last change of the file.
    PngTime = "png:tIME",
    /// Folder names such as `2019/07/21` or `2019-07 Rome`.
    Folder = "folder",
    /// The file's time of last change; only when asked for.
    File = "file",
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
