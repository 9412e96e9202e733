use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A folder on a real file system that does not tell capitals from small letters: exFAT in a file.
/// Gone when it is dropped.
pub struct Caseless {
    // In the order of ends: the folder goes last.
    device: String,
    folder: TempDir,
}

impl Caseless {
    /// Makes one.
    ///
    /// # Errors
    /// Why there is none, for the test to say: it takes Linux, the rights to mount, and the
    /// programs `mkfs.exfat` and `mount.exfat-fuse`.
    pub fn new() -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let image = folder.path().join("image");
        std::fs::File::create(&image)
            .and_then(|file| file.set_len(16 << 20))
            .and_then(|()| std::fs::create_dir(folder.path().join("root")))
            .map_err(|e| e.to_string())?;
        said("mkfs.exfat", [image.as_os_str()])?;
        let device = said("losetup", [OsStr::new("-f"), "--show".as_ref(), image.as_os_str()])?;
        let made = Self { device: device.trim().to_owned(), folder };
        said("mount.exfat-fuse", [OsStr::new(&made.device), made.path().as_os_str()])?;
        std::fs::write(made.path().join("a"), "").map_err(|e| e.to_string())?;
        let is_one = made.path().join("A").exists();
        std::fs::remove_file(made.path().join("a")).map_err(|e| e.to_string())?;
        if is_one { Ok(made) } else { Err("what was mounted tells A from a".to_owned()) }
    }

    /// The folder.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("root")
    }
}

impl Drop for Caseless {
    fn drop(&mut self) {
        let _ = said("umount", [self.path().as_os_str()]);
        let _ = said("losetup", ["-d", &self.device]);
    }
}

/// What a program of the system wrote, if it did what it was told to.
fn said<S: AsRef<OsStr>>(name: &str, args: impl IntoIterator<Item = S>) -> Result<String, String> {
    let places = ["/usr/sbin", "/sbin", "/usr/bin", "/bin"];
    let place = places.iter().map(|folder| Path::new(folder).join(name)).find(|p| p.exists());
    let place = place.ok_or_else(|| format!("there is no {name}"))?;
    let out = Command::new(place).args(args).output().map_err(|e| format!("{name}: {e}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) }
}
