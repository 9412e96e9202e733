//! Where the tests find their models.

use std::path::PathBuf;

/// The file `name` in the model store.
pub(crate) fn model(name: &str, pull: &str) -> PathBuf {
    let var =
        |key: &str| std::env::vars_os().find(|(k, _)| k == key).map(|(_, v)| PathBuf::from(v));
    let store = var("HEADWATER_MODELS")
        .or_else(|| var("XDG_DATA_HOME").map(|data| data.join("headwater/models")))
        .or_else(|| var("HOME").map(|home| home.join(".local/share/headwater/models")))
        .unwrap_or_default();
    let path = store.join(name);
    assert!(path.is_file(), "{} is missing: models pull {pull}", path.display());
    path
}
