//! Whether a program of this machine runs on another one.

use std::fs;
use std::io;
use std::path::Path;

use super::probe::{Machine, version};

/// What the processor of this machine has and a build for it may use.
const EXTENSIONS: [&str; 16] = [
    "ssse3",
    "sse4_1",
    "sse4_2",
    "popcnt",
    "movbe",
    "avx",
    "avx2",
    "fma",
    "f16c",
    "bmi1",
    "bmi2",
    "abm",
    "avx512f",
    "avx512bw",
    "avx512vl",
    "avx512_vnni",
];

/// What a program needs to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Needs {
    machine: String,
    /// The newest version of glibc that it names; none for a static program.
    glibc: Option<(u32, u32)>,
    /// Extensions that this processor has.
    extensions: Vec<String>,
}

impl Needs {
    /// Those of a program built for this machine. `None` for what is no program of this system:
    /// a script, say.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn of(program: &Path) -> io::Result<Option<Self>> {
        let bytes = fs::read(program)?;
        if !bytes.starts_with(b"\x7fELF") {
            return Ok(None);
        }
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let flags = cpu.lines().find_map(|line| line.strip_prefix("flags")).unwrap_or_default();
        let flags: Vec<&str> = flags.split_whitespace().collect();
        let used = EXTENSIONS.iter().filter(|e| flags.contains(e));
        Ok(Some(Self {
            machine: rustix::system::uname().machine().to_string_lossy().into_owned(),
            glibc: newest_glibc(&bytes),
            extensions: used.map(ToString::to_string).collect(),
        }))
    }

    /// Why it does not run there; nothing when it should.
    pub(crate) fn unmet(&self, there: &Machine) -> Option<String> {
        if there.os != "Linux" || there.machine != self.machine {
            let (os, machine) = (&there.os, &there.machine);
            return Some(format!("it is {os} on {machine}, the program is for {}", self.machine));
        }
        if let Some((major, minor)) = self.glibc {
            match there.glibc {
                None => return Some(format!("it has no glibc; the program needs {major}.{minor}")),
                Some(has) if has < (major, minor) => {
                    return Some(format!(
                        "its glibc is {}.{}, the program needs {major}.{minor}",
                        has.0, has.1
                    ));
                }
                Some(_) => {}
            }
        }
        let lacks: Vec<&str> = self
            .extensions
            .iter()
            .filter(|e| !there.flags.contains(e))
            .map(String::as_str)
            .collect();
        (!lacks.is_empty())
            .then(|| format!("its processor lacks {}, which the program may use", lacks.join(", ")))
    }
}

/// The newest symbol version `GLIBC_x.y` that the file names.
fn newest_glibc(bytes: &[u8]) -> Option<(u32, u32)> {
    const PREFIX: &[u8] = b"GLIBC_";
    let versions = memchr::memmem::find_iter(bytes, PREFIX).filter_map(|at| {
        let rest = &bytes[at + PREFIX.len()..];
        let end = rest.iter().take(10).position(|b| !b.is_ascii_digit() && *b != b'.')?;
        version(std::str::from_utf8(&rest[..end]).ok()?)
    });
    versions.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_goes_where_it_can_run_and_nowhere_else() {
        let needs = Needs {
            machine: "x86_64".into(),
            glibc: newest_glibc(b"..GLIBC_2.4\0GLIBC_2.34\0GLIBC_PRIVATE\0GLIBC_2.17\0"),
            extensions: vec!["avx2".into()],
        };
        assert_eq!(needs.glibc, Some((2, 34)));
        let good = Machine {
            os: "Linux".into(),
            machine: "x86_64".into(),
            glibc: Some((2, 36)),
            flags: vec!["sse2".into(), "avx2".into()],
            ..Machine::default()
        };
        assert_eq!(needs.unmet(&good), None);
        let unmet = |machine: Machine| needs.unmet(&machine).unwrap();
        assert!(unmet(Machine { machine: "aarch64".into(), ..good.clone() }).contains("aarch64"));
        assert!(unmet(Machine { glibc: Some((2, 31)), ..good.clone() }).contains("2.31"));
        assert!(unmet(Machine { glibc: None, ..good.clone() }).contains("no glibc"));
        assert!(unmet(Machine { flags: Vec::new(), ..good.clone() }).contains("avx2"));
        let own = Needs::of(&std::env::current_exe().unwrap()).unwrap();
        assert!(own.is_some_and(|needs| needs.glibc.is_some()));
    }
}
