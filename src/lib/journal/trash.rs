use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Names tried in the trash before giving up.
const NAMES: u32 = 100_000;

/// The trash of the desktop: the FreeDesktop.org Trash specification 1.0. A file goes to the
/// trash of its own device, so that it is renamed and never copied.
#[derive(Clone, Debug)]
pub struct Trash {
    home: PathBuf,
}

/// A place in the trash.
pub(crate) struct Place {
    /// Where the file goes.
    pub(crate) file: PathBuf,
    /// Says where it came from.
    pub(crate) info: PathBuf,
}

impl Trash {
    /// The trash whose part on the home folder's device is `home`, as `~/.local/share/Trash`.
    pub fn new(home: PathBuf) -> Self {
        Self { home }
    }

    /// Reserves a place for an absolute path by writing its `.trashinfo`.
    pub(crate) fn reserve(&self, path: &Path) -> io::Result<Place> {
        let dev = fs::symlink_metadata(path)?.dev();
        private_folder(&self.home)?;
        let (trash, shown) = if fs::metadata(&self.home)?.dev() == dev {
            (self.home.clone(), path.to_owned())
        } else {
            let top = top_of_device(path, dev)?;
            let trash = top.join(format!(".Trash-{}", rustix::process::getuid().as_raw()));
            let shown = path.strip_prefix(&top).unwrap_or(path).to_owned();
            (trash, shown)
        };
        for folder in [&trash, &trash.join("files"), &trash.join("info")] {
            private_folder(folder)?;
        }
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        for n in 1..NAMES {
            let mut unique = name.to_owned();
            if n > 1 {
                unique.push(format!(".{n}"));
            }
            let file = trash.join("files").join(&unique);
            unique.push(".trashinfo");
            let info = trash.join("info").join(&unique);
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&info) {
                Ok(mut written) if fs::symlink_metadata(&file).is_err() => {
                    written.write_all(describe(&shown).as_bytes())?;
                    return Ok(Place { file, info });
                }
                // A file without its info: its name is taken all the same.
                Ok(_) => fs::remove_file(&info)?,
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(e),
            }
        }
        Err(io::Error::other("no free name in the trash"))
    }
}

fn private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// The uppermost folder that is still on the file's device.
fn top_of_device(path: &Path, dev: u64) -> io::Result<PathBuf> {
    let mut top = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    while let Some(above) = top.parent() {
        if fs::metadata(above)?.dev() != dev {
            break;
        }
        top = above;
    }
    Ok(top.to_owned())
}

fn describe(path: &Path) -> String {
    let mut encoded = String::new();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte) {
            encoded.push(char::from(*byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S");
    format!("[Trash Info]\nPath={encoded}\nDeletionDate={now}\n")
}
