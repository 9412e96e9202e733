use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// The user's folder. Not under `$XDG_RUNTIME_DIR` or `$TMPDIR`: a cron job does not have them,
/// and must find the same slots as a shell.
pub(crate) fn of_user() -> io::Result<PathBuf> {
    let home = PathBuf::from(format!("/tmp/headwater-{}", rustix::process::getuid().as_raw()));
    make_private(&home)?;
    Ok(home.join("cpu"))
}

/// Makes the folder if it is missing, and refuses one that others can write to: whoever made it
/// in `/tmp` first could otherwise hold everybody up.
pub(crate) fn make_private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    // Not through a link: it could lead anywhere.
    let found = fs::symlink_metadata(folder)?;
    let own = found.uid() == rustix::process::getuid().as_raw();
    if !found.is_dir() || !own || found.mode() & 0o022 != 0 {
        let message =
            format!("{}: not a folder that only this user can write to", folder.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn a_folder_that_others_could_have_made_is_refused() -> io::Result<()> {
        let place = tempfile::tempdir()?;
        let open = place.path().join("open");
        fs::create_dir(&open)?;
        fs::set_permissions(&open, fs::Permissions::from_mode(0o777))?;
        assert!(make_private(&open).is_err());
        let link = place.path().join("link");
        symlink(place.path(), &link)?;
        assert!(make_private(&link).is_err());
        let file = place.path().join("file");
        fs::write(&file, "")?;
        assert!(make_private(&file).is_err());
        make_private(&place.path().join("new"))?;
        make_private(&place.path().join("new"))
    }
}
