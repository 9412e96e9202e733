//! Formats of pictures and videos, told from their first bytes.

/// A format of a picture or video.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Format {
    /// JPEG (JFIF or EXIF), Multi-Picture files among them.
    Jpeg,
    /// HEIF with HEVC pictures (`heic`).
    Heic,
    /// HEIF with any other codec.
    Heif,
    /// HEIF with AV1 pictures.
    Avif,
    /// Portable Network Graphics.
    Png,
    /// WebP.
    Webp,
    /// TIFF that is no raw format.
    Tiff,
    /// Graphics Interchange Format.
    Gif,
    /// Windows bitmap.
    Bmp,
    /// JPEG XL, bare or in boxes.
    Jxl,
    /// Adobe Digital Negative.
    Dng,
    /// Canon raw, TIFF based.
    Cr2,
    /// Canon raw, ISO media based.
    Cr3,
    /// Nikon raw (NEF, NRW).
    Nef,
    /// Sony raw (ARW, SR2).
    Arw,
    /// Olympus raw.
    Orf,
    /// Panasonic and Leica raw (RW2, RWL).
    Rw2,
    /// Pentax raw.
    Pef,
    /// Samsung raw.
    Srw,
    /// Fujifilm raw.
    Raf,
    /// QuickTime movie.
    Mov,
    /// MPEG-4 movie (MP4, M4V, 3GP).
    Mp4,
    /// AVCHD transport stream (MTS, M2TS).
    Mts,
    /// AVI.
    Avi,
    /// Matroska or WebM.
    Mkv,
}

impl Format {
    /// The MIME type.
    #[must_use]
    pub fn mime(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Heic => "image/heic",
            Self::Heif => "image/heif",
            Self::Avif => "image/avif",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Tiff => "image/tiff",
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
            Self::Jxl => "image/jxl",
            Self::Dng => "image/x-adobe-dng",
            Self::Cr2 => "image/x-canon-cr2",
            Self::Cr3 => "image/x-canon-cr3",
            Self::Nef => "image/x-nikon-nef",
            Self::Arw => "image/x-sony-arw",
            Self::Orf => "image/x-olympus-orf",
            Self::Rw2 => "image/x-panasonic-rw2",
            Self::Pef => "image/x-pentax-pef",
            Self::Srw => "image/x-samsung-srw",
            Self::Raf => "image/x-fujifilm-raf",
            Self::Mov => "video/quicktime",
            Self::Mp4 => "video/mp4",
            Self::Mts => "video/mp2t",
            Self::Avi => "video/x-msvideo",
            Self::Mkv => "video/x-matroska",
        }
    }

    /// Whether it is a camera's raw format.
    #[must_use]
    pub fn is_raw(self) -> bool {
        matches!(
            self,
            Self::Dng
                | Self::Cr2
                | Self::Cr3
                | Self::Nef
                | Self::Arw
                | Self::Orf
                | Self::Rw2
                | Self::Pef
                | Self::Srw
                | Self::Raf
        )
    }

    /// Whether it is a video format.
    #[must_use]
    pub fn is_video(self) -> bool {
        matches!(self, Self::Mov | Self::Mp4 | Self::Mts | Self::Avi | Self::Mkv)
    }

    /// The format that a file name's extension (without dot, any case) promises.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" | "jpe" | "mpo" | "thm" | "jfif" => Self::Jpeg,
            "heic" | "heics" => Self::Heic,
            "heif" | "hif" => Self::Heif,
            "avif" => Self::Avif,
            "png" => Self::Png,
            "webp" => Self::Webp,
            "tif" | "tiff" => Self::Tiff,
            "gif" => Self::Gif,
            "bmp" => Self::Bmp,
            "jxl" => Self::Jxl,
            "dng" => Self::Dng,
            "cr2" => Self::Cr2,
            "cr3" => Self::Cr3,
            "nef" | "nrw" => Self::Nef,
            "arw" | "sr2" | "srf" => Self::Arw,
            "orf" | "ori" => Self::Orf,
            "rw2" | "rwl" | "raw" => Self::Rw2,
            "pef" => Self::Pef,
            "srw" => Self::Srw,
            "raf" => Self::Raf,
            "mov" | "qt" => Self::Mov,
            "mp4" | "m4v" | "3gp" | "3g2" => Self::Mp4,
            "mts" | "m2ts" | "m2t" => Self::Mts,
            "avi" => Self::Avi,
            "mkv" | "webm" => Self::Mkv,
            _ => return None,
        })
    }
}
