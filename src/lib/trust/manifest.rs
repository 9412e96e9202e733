use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use minisign_verify::{PublicKey, Signature};
use serde::Deserialize;

/// The list's name in its folder.
const MANIFEST: &str = "manifest.json";
/// Its signature.
const SIGNATURE: &str = "manifest.json.minisig";
/// The version of the list's form that is understood.
const FORMAT: u32 = 1;
/// The longest list, signature and key that are read, in bytes.
const LONGEST: u64 = 4 << 20;

/// Why nothing can be taken from a folder of programs.
#[derive(Debug, thiserror::Error)]
pub enum TrustError {
    /// A file cannot be read.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The key is no public key of minisign.
    #[error("{}: no public key of minisign", .0.display())]
    Key(PathBuf),
    /// The signature is not one of this key over this list.
    #[error("{}: its signature does not hold: it was changed, or signed with another key", .0.display())]
    Signature(PathBuf),
    /// The list was signed, and is not understood.
    #[error("{}: {why}", path.display())]
    Manifest {
        /// The list.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
}

/// A folder of programs whose list is signed.
#[derive(Debug)]
pub struct Dist {
    folder: PathBuf,
    manifest: Manifest,
}

#[derive(Debug, Deserialize)]
struct Manifest {
    format: u32,
    version: String,
    builds: Vec<Build>,
}

/// Programs for one kind of machine.
#[derive(Debug, Deserialize)]
pub struct Build {
    /// Its name, and its folder's.
    pub name: String,
    /// What `uname -m` says there.
    pub machine: String,
    /// What the processor must have, as the kernel says it in /proc/cpuinfo.
    pub needs: Vec<String>,
    /// By name.
    pub programs: BTreeMap<String, Artifact>,
}

/// A program's file.
#[derive(Debug, Deserialize)]
pub struct Artifact {
    /// Its length.
    pub bytes: u64,
    /// SHA-256 in hex.
    pub sha256: String,
}

impl Dist {
    /// Opens a folder whose list is signed with the key in the file `key`.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn open(folder: &Path, key: &Path) -> Result<Self, TrustError> {
        let path = folder.join(MANIFEST);
        let not_a_key = || TrustError::Key(key.to_owned());
        let public = PublicKey::decode(&text(key)?).map_err(|_| not_a_key())?;
        let unsigned = || TrustError::Signature(path.clone());
        let signature =
            Signature::decode(&text(&folder.join(SIGNATURE))?).map_err(|_| unsigned())?;
        let list = text(&path)?;
        public.verify(list.as_bytes(), &signature, false).map_err(|_| unsigned())?;
        let manifest = parse(&list).map_err(|why| TrustError::Manifest { path, why })?;
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// The version of its programs.
    pub fn version(&self) -> &str {
        &self.manifest.version
    }

    /// The best build of a program for a machine (`uname -m`) whose processor has `flags`: the
    /// last of the list that it can run. Also where the program lies.
    pub fn best(
        &self,
        program: &str,
        machine: &str,
        flags: &[String],
    ) -> Option<(&Build, &Artifact, PathBuf)> {
        let runs = |build: &&Build| {
            build.machine == machine && build.needs.iter().all(|need| flags.contains(need))
        };
        let mut fitting = self.manifest.builds.iter().rev().filter(runs);
        let (build, artifact) =
            fitting.find_map(|build| Some((build, build.programs.get(program)?)))?;
        Some((build, artifact, self.folder.join(&build.name).join(program)))
    }
}

fn text(path: &Path) -> Result<String, TrustError> {
    let fail = |source| TrustError::Io { path: path.to_owned(), source };
    let mut text = String::new();
    let file = fs::File::open(path).map_err(fail)?;
    file.take(LONGEST).read_to_string(&mut text).map_err(fail)?;
    Ok(text)
}

fn parse(list: &str) -> Result<Manifest, String> {
    let manifest: Manifest = serde_json::from_str(list).map_err(|e| e.to_string())?;
    if manifest.format != FORMAT {
        return Err(format!("its form is {}, this program knows {FORMAT}", manifest.format));
    }
    let names = manifest.builds.iter().flat_map(|b| b.programs.keys().chain([&b.name]));
    for name in names {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.starts_with('.') || !name.chars().all(plain) {
            return Err(format!("{name:?} is no name of a program or a build"));
        }
    }
    Ok(manifest)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A key pair of minisign was made for this test, and its secret half thrown away.
    const KEY: &str = include_str!("../../../tests/data/trust/dist.pub");
    const LIST: &str = include_str!("../../../tests/data/trust/manifest.json");
    const SIGNED: &str = include_str!("../../../tests/data/trust/manifest.json.minisig");

    fn open(key: &str, list: &str, signature: &str) -> Result<Dist, TrustError> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
        write("key", key);
        write(MANIFEST, list);
        write(SIGNATURE, signature);
        Dist::open(folder.path(), &folder.path().join("key"))
    }

    #[test]
    fn only_what_was_signed_is_read() {
        assert_eq!(open(KEY, LIST, SIGNED).unwrap().version(), "0.1.0");
        let changed = LIST.replace("0.1.0", "0.1.1");
        assert!(matches!(open(KEY, &changed, SIGNED), Err(TrustError::Signature(_))));
        assert!(matches!(open(KEY, LIST, "nothing"), Err(TrustError::Signature(_))));
        let other = SIGNED.replacen("RU", "RW", 1);
        assert!(matches!(open(KEY, LIST, &other), Err(TrustError::Signature(_))));
        assert!(matches!(open("no key", LIST, SIGNED), Err(TrustError::Key(_))));
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            Dist::open(folder.path(), Path::new("/nowhere")),
            Err(TrustError::Io { .. })
        ));
    }

    #[test]
    fn the_best_build_that_runs_is_chosen() {
        let dist = open(KEY, LIST, SIGNED).unwrap();
        let best = |machine: &str, flags: &str| {
            let flags: Vec<String> = flags.split(' ').map(str::to_owned).collect();
            dist.best("embed", machine, &flags).map(|(build, ..)| build.name.clone())
        };
        assert_eq!(best("x86_64", "sse2 avx avx2 fma").as_deref(), Some("x86-64-avx2"));
        assert_eq!(best("x86_64", "sse2 avx").as_deref(), Some("x86-64-avx"));
        assert_eq!(best("x86_64", "").as_deref(), Some("x86-64"));
        assert_eq!(best("aarch64", "avx"), None);
        assert!(dist.best("nosuch", "x86_64", &[]).is_none());
    }

    #[test]
    fn names_cannot_leave_the_folder() {
        let list = |build: &str, program: &str| {
            format!(
                r#"{{"format":1,"version":"1","builds":[{{"name":"{build}","machine":"m",
                "needs":[],"programs":{{"{program}":{{"bytes":1,"sha256":""}}}}}}]}}"#
            )
        };
        assert!(parse(&list("a-1.x", "b")).is_ok());
        for (build, program) in [("..", "b"), ("a", "../b"), ("a", ""), ("a", "b c"), ("/", "b")] {
            assert!(parse(&list(build, program)).is_err(), "{build} {program}");
        }
        assert!(parse(&list("a", "b").replace("\"format\":1", "\"format\":2")).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_list_panics(list in "\\PC{0,300}") {
            let _ = parse(&list);
        }
    }
}
